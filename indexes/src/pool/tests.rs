use super::*;
use wire::recall::Space;

const LONG: Duration = Duration::from_secs(600);

fn silo(span: u32, count: u64) -> Arc<Silo> {
    let silo = Silo::new(Space { name: "test".to_string(), dimensions: 2 }, span);
    let entries: Vec<_> = (1..=count).map(|id| (Note { id, ..Note::default() }, vec![id as f32, 1.0])).collect();
    silo.add(&entries).expect("they are added");
    Arc::new(silo)
}

fn probes() -> Vec<(Arc<Silo>, Vec<f32>)> {
    SPANS.map(|span| (silo(span, 20), vec![span as f32, 1.0])).to_vec()
}

#[test]
fn all_silos_answer_in_the_order_of_asking() {
    let searchers = Searchers::with(3).expect("threads");
    for _ in 0..200 {
        let answer = searchers.ask_and_wait(probes(), 2, LONG);
        assert_eq!(answer.hits.iter().map(|hit| hit.span).collect::<Vec<_>>(), SPANS);
        assert!(answer.late.is_empty() && answer.faults.is_empty());
        for hit in answer.hits {
            assert_eq!(hit.notes.len(), 2);
            assert_eq!(hit.notes[0].1.id, u64::from(hit.span).min(20));
        }
    }
}

#[test]
fn a_question_after_its_deadline_finds_every_silo_late() {
    let searchers = Searchers::with(2).expect("threads");
    let answer = searchers.ask_and_wait(probes(), 2, Duration::ZERO);
    assert_eq!((answer.hits.len(), answer.late), (0, SPANS.to_vec()));
    // And the next one is answered as ever.
    assert_eq!(searchers.ask_and_wait(probes(), 2, LONG).hits.len(), SPANS.len());
}

#[test]
fn the_deadline_holds_while_every_thread_is_busy() {
    let searchers = Searchers::with(1).expect("threads");
    let (release, held) = mpsc::channel::<()>();
    let (answers, answered) = mpsc::channel();
    let sender = answers.clone();
    // The only thread gives this answer, and is held there.
    searchers.ask(probes(), 1, Instant::now() + LONG, move |answer| {
        let _ = sender.send(answer);
        let _ = held.recv();
    });
    assert_eq!(answered.recv().expect("an answer").hits.len(), SPANS.len());
    searchers.ask(probes(), 1, Instant::now() + Duration::from_millis(1), move |answer| drop(answers.send(answer)));
    assert_eq!(answered.recv().expect("an answer").late, SPANS);
    drop(release);
}

#[test]
fn more_than_can_wait_is_late_at_once() {
    let searchers = Searchers::with(1).expect("threads");
    let (release, held) = mpsc::channel::<()>();
    let (answers, answered) = mpsc::channel();
    let (busy, is_busy) = mpsc::channel();
    searchers.ask(probes(), 1, Instant::now() + LONG, move |_| {
        let _ = busy.send(());
        let _ = held.recv();
    });
    is_busy.recv().expect("it is held");
    let questions = TASKS_MAX / SPANS.len();
    for _ in 0..=questions {
        let answers = answers.clone();
        searchers.ask(probes(), 1, Instant::now() + LONG, move |answer| drop(answers.send(answer)));
    }
    assert_eq!(answered.recv().expect("an answer").late, SPANS);
    drop(release);
    for _ in 0..questions {
        assert_eq!(answered.recv().expect("an answer").hits.len(), SPANS.len());
    }
}

#[test]
fn a_silo_that_cannot_answer_is_told_apart() {
    let searchers = Searchers::with(2).expect("threads");
    let mut probes = probes();
    probes[3].1 = vec![f32::NAN, 0.0];
    let answer = searchers.ask_and_wait(probes, 1, LONG);
    assert_eq!(answer.hits.len(), SPANS.len() - 1);
    assert!(matches!(&answer.faults[..], [(8, text)] if text.contains("finite")), "{:?}", answer.faults);
}

#[test]
fn nothing_asked_is_answered_with_nothing() {
    let searchers = Searchers::with(1).expect("threads");
    assert_eq!(searchers.ask_and_wait(Vec::new(), 1, LONG), Answer::default());
}

#[test]
fn a_pool_that_closes_answers_what_is_open() {
    let (answers, answered) = mpsc::channel();
    let searchers = Searchers::with(2).expect("threads");
    for _ in 0..20 {
        let answers = answers.clone();
        searchers.ask(probes(), 1, Instant::now() + LONG, move |answer| drop(answers.send(answer)));
    }
    drop((searchers, answers));
    assert_eq!(answered.iter().count(), 20);
}
