//! Batches of a model that works when it is told to.

use super::*;
use crate::router::Importance;
use crate::router::model::Prompt;
use futures_util::FutureExt as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use wire::Instance;

/// No test waits longer for a thread.
const WATCHDOG: Duration = Duration::from_secs(30);
/// A wait that no test sees the end of.
const FOREVER: Duration = Duration::from_secs(3_600);

/// Says which batch it was given, and answers it when it is let.
struct Gated {
    begun: Sender<Vec<(Instance, u64)>>,
    gate: Receiver<Vec<Result<Reply, ModelError>>>,
}

impl BatchModel for Gated {
    fn run(&mut self, asks: &[Ask]) -> Vec<Result<Reply, ModelError>> {
        let _ = self.begun.send(asks.iter().map(|ask| (ask.instance, ask.step)).collect());
        self.gate.recv().unwrap_or_default()
    }
}

struct Bench {
    model: Batched,
    begun: Receiver<Vec<(Instance, u64)>>,
    gate: Sender<Vec<Result<Reply, ModelError>>>,
    live: Live,
}

impl Bench {
    fn new(size: usize, wait: Duration, waiting_max: usize) -> Bench {
        let ((begun, told), (gate, opened)) = (channel(), channel());
        let live = Live::default();
        let model = Box::new(Gated { begun, gate: opened });
        let heard = Box::new(|_: &Result<Probed, ModelError>, _| {});
        let model = Batched::start(model, BatchShape { size, wait, waiting_max }, live.clone(), heard);
        Bench { model, begun: told, gate, live }
    }

    fn ask(&self, instance: Instance, step: u64) -> Answering {
        self.ask_until(instance, step, Instant::now() + FOREVER)
    }

    fn ask_until(&self, instance: Instance, step: u64, deadline: Instant) -> Answering {
        let prompt = Arc::new(Prompt::default());
        self.model.ask(Ask { instance, step, importance: Importance::Ordinary, deadline, prompt })
    }

    fn batch(&self) -> Vec<(Instance, u64)> {
        self.begun.recv_timeout(WATCHDOG).expect("a batch begins")
    }

    /// Answers the batch under way.
    fn open(&self, texts: &[&str]) {
        let reply = |text: &&str| Ok(Reply { text: text.to_string(), ..Reply::default() });
        self.gate.send(texts.iter().map(reply).collect()).expect("the model waits");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn text(answer: Result<Reply, ModelError>) -> String {
    answer.expect("it is answered").text
}

#[test]
fn a_batch_is_due_when_it_is_full_or_all_games_wait_or_the_oldest_waited_long_enough() {
    let shape = BatchShape::default();
    let waited = |ms| Some(Duration::from_millis(ms));
    assert_eq!(due(&shape, 0, 0, 8, None), Due::Never);
    assert_eq!(due(&shape, 1, 1, 8, waited(0)), Due::After(Duration::from_millis(50)));
    assert_eq!(due(&shape, 7, 7, 8, waited(49)), Due::After(Duration::from_millis(1)));
    assert_eq!(due(&shape, 8, 3, 8, waited(0)), Due::Now, "it is full");
    assert_eq!(due(&shape, 2, 2, 2, waited(0)), Due::Now, "every game waits");
    assert_eq!(due(&shape, 1, 1, 8, waited(50)), Due::Now, "it waited long enough");
    assert_eq!(due(&shape, 1, 1, 0, waited(0)), Due::After(Duration::from_millis(50)), "nobody says how many play");
    assert_eq!(due(&BatchShape { wait: Duration::ZERO, ..shape }, 1, 1, 8, waited(0)), Due::Now, "it is cheap");
}

#[test]
fn batches_grow_while_the_model_works_and_each_row_gets_its_own_answer() {
    runtime().block_on(async {
        let bench = Bench::new(4, Duration::ZERO, 64);
        let first = bench.ask(0, 1);
        assert_eq!(bench.batch(), [(0, 1)], "a cheap model is asked at once");
        let others: Vec<_> = (1..=6).map(|instance| bench.ask(instance, 1)).collect();
        bench.open(&["a"]);
        assert_eq!(text(first.await), "a");
        assert_eq!(bench.batch(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
        bench.open(&["b", "c", "d", "e"]);
        assert_eq!(bench.batch(), [(5, 1), (6, 1)]);
        bench.open(&["f", "g"]);
        let mut texts = Vec::new();
        for other in others {
            let reply = other.await.expect("it is answered");
            assert!(reply.took_us >= reply.waited_us && reply.attempts == 1);
            texts.push(reply.text);
        }
        assert_eq!(texts.concat(), "bcdefg");
    });
}

#[test]
fn a_batch_is_taken_as_soon_as_every_game_waits() {
    let bench = Bench::new(8, FOREVER, 64);
    bench.live.set(3);
    let _asked: Vec<_> = (0..3).map(|instance| bench.ask(instance, 1)).collect();
    assert_eq!(bench.batch().len(), 3);
}

#[test]
fn a_full_batch_is_taken_although_not_every_game_waits() {
    let bench = Bench::new(2, FOREVER, 64);
    bench.live.set(8);
    let _asked: Vec<_> = (0..2).map(|instance| bench.ask(instance, 1)).collect();
    assert_eq!(bench.batch().len(), 2);
}

#[test]
fn a_question_waits_for_others_only_so_long() {
    let bench = Bench::new(8, Duration::from_millis(5), 64);
    bench.live.set(8);
    let _asked = bench.ask(0, 1);
    assert_eq!(bench.batch(), [(0, 1)]);
}

#[test]
fn the_error_of_one_row_fails_it_alone_and_a_wrong_number_of_rows_fails_all() {
    runtime().block_on(async {
        let bench = Bench::new(2, FOREVER, 64);
        let asks = || (bench.ask(0, 1), bench.ask(1, 1));
        let (one, other) = asks();
        bench.batch();
        let good = Reply { text: "good".to_string(), ..Reply::default() };
        bench.gate.send(vec![Err(ModelError::Unusable("nonsense".to_string())), Ok(good.clone())]).unwrap();
        assert!(matches!(one.await, Err(ModelError::Unusable(_))));
        assert_eq!(text(other.await), "good");
        for wrong in [Vec::new(), vec![Ok(good.clone())], vec![Ok(good.clone()), Ok(good.clone()), Ok(good)]] {
            let (one, other) = asks();
            bench.batch();
            bench.gate.send(wrong).unwrap();
            assert!(matches!(one.await, Err(ModelError::Unusable(_))));
            assert!(matches!(other.await, Err(ModelError::Unusable(_))));
        }
    });
}

#[test]
fn askers_that_stopped_waiting_are_skipped_and_answers_for_them_are_counted() {
    runtime().block_on(async {
        let bench = Bench::new(1, Duration::ZERO, 64);
        let first = bench.ask(0, 1);
        assert_eq!(bench.batch(), [(0, 1)]);
        let (second, third) = (bench.ask(0, 2), bench.ask(0, 3));
        drop((first, second));
        bench.open(&["too late"]);
        assert_eq!(bench.batch(), [(0, 3)], "the second is never asked");
        assert_eq!(bench.model.late_answers(), 1);
        bench.open(&["in time"]);
        assert_eq!(text(third.await), "in time");
        assert_eq!(bench.model.standing().waiting, 0);
    });
}

#[test]
fn a_question_whose_time_is_up_is_late_and_takes_no_place_in_a_batch() {
    runtime().block_on(async {
        let bench = Bench::new(1, Duration::ZERO, 64);
        let _busy = bench.ask(0, 1);
        bench.batch();
        let late = bench.ask_until(0, 2, Instant::now());
        assert_eq!(late.await, Err(ModelError::Late));
        let _next = bench.ask(0, 3);
        bench.open(&["done"]);
        assert_eq!(bench.batch(), [(0, 3)]);
    });
}

#[test]
fn the_thread_ends_with_the_model_and_whoever_waits_is_told() {
    runtime().block_on(async {
        let bench = Bench::new(1, Duration::ZERO, 64);
        let under_way = bench.ask(0, 1);
        bench.batch();
        let waiting = bench.ask(0, 2);
        let Bench { model, begun, gate, .. } = bench;
        drop(model);
        gate.send(vec![Ok(Reply::default())]).unwrap();
        assert!(under_way.await.is_ok(), "what has begun is finished");
        assert!(matches!(waiting.await, Err(ModelError::Unreachable(_))));
        // The thread held the other end, and let it go with the model.
        assert!(
            begun.recv_timeout(WATCHDOG).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
    });
}

/// Eight games ask ten times as much as can be answered, one of them ten times as much as the others.
#[test]
fn under_tenfold_overload_the_line_is_bounded_and_no_game_starves() {
    const GAMES: Instance = 8;
    const WAITING_MAX: usize = 32;
    const BATCHES: usize = 200;
    runtime().block_on(async {
        let bench = Bench::new(8, Duration::ZERO, WAITING_MAX);
        let (mut served, mut busy, mut waiting) = ([0_usize; GAMES as usize], 0, Vec::new());
        waiting.push(bench.ask(0, 0));
        let mut under_way = bench.batch();
        for round in 0..BATCHES as u64 {
            for instance in 0..GAMES {
                let asked = if instance == 0 { 45 } else { 5 };
                for _ in 0..asked {
                    let mut answering = bench.ask(instance, round);
                    match (&mut answering).now_or_never() {
                        Some(answer) => {
                            assert_eq!(answer, Err(ModelError::Busy));
                            busy += 1;
                        }
                        None => waiting.push(answering),
                    }
                }
            }
            assert!(bench.model.standing().waiting <= WAITING_MAX);
            bench.open(&vec!["x"; under_way.len()]);
            under_way.iter().for_each(|(instance, _)| served[usize::from(*instance)] += 1);
            under_way = bench.batch();
        }
        for answering in &mut waiting {
            busy += usize::from(answering.now_or_never() == Some(Err(ModelError::Busy)));
        }
        assert!(busy > BATCHES * 60, "only {busy} were refused");
        let fair = served.iter().sum::<usize>() / usize::from(GAMES);
        let slowest = *served.iter().min().expect("there are games");
        println!("served {served:?}, {busy} refused");
        assert!(slowest * 2 >= fair, "the slowest game was served {slowest} times, a fair share is {fair}");
    });
}
