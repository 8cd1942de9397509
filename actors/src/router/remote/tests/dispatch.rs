//! Places, the line, and how many requests there are at a time.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_question_is_sent_at_once_and_tells_how_long_it_took() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let (remote, _log) = remote(&server, limits()).await;
    let reply = remote.ask(ask(0, NEVER)).await.expect("it answers");
    assert_eq!((reply.text.as_str(), reply.attempts, reply.is_hedged), ("yes", 1, false));
    assert_eq!((reply.waited_us, reply.took_us), (0, 300_000));
    assert!(remote.standing().is_ready);
    assert_eq!((remote.running(), remote.standing().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_under_way_and_it_grows_with_demand() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let (remote, _log) = remote(&server, limits()).await;
    assert_eq!(remote.standing().limit, 4);
    let asked: Vec<_> = (0..60).map(|place| spawn(&remote, place % 8, NEVER)).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((remote.running(), remote.standing().waiting), (4, 56));
    for question in asked {
        assert!(question.await.expect("no panic").is_ok());
    }
    assert_eq!(remote.standing().limit, 8);
    assert_eq!(server.most.load(Ordering::SeqCst), 8);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_halve_the_limit_and_good_answers_raise_it_again() {
    let server = Scripted::new(|number, _| match number {
        0..4 => (FAST, refusal(429, None)),
        _ => (FAST, answer("yes")),
    });
    let (remote, _log) = remote(&server, limits()).await;
    let asked: Vec<_> = (0..4).map(|place| spawn(&remote, place, NEVER)).collect();
    tokio::time::sleep(FAST + Duration::from_millis(1)).await;
    assert_eq!(remote.standing().limit, 2, "four refusals of one moment count once");
    for question in asked {
        assert_eq!(question.await.expect("no panic").expect("it answers").attempts, 2);
    }
    let more: Vec<_> = (0..40).map(|place| spawn(&remote, place % 8, NEVER)).collect();
    for question in more {
        assert!(question.await.expect("no panic").is_ok());
    }
    assert!(remote.standing().limit > 4, "{}", remote.standing().limit);
}

#[tokio::test(start_paused = true)]
async fn more_questions_than_may_wait_are_busy_at_once() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let limits = Limits { waiting_max: 8, concurrency_max: 2, ..limits() };
    let (remote, _log) = remote(&server, limits).await;
    let asked: Vec<_> = (0..20).map(|place| spawn(&remote, place % 10, NEVER)).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(asked.iter().filter(|question| question.is_finished()).count(), 10);
    let mut busy = 0;
    for question in asked {
        busy += usize::from(question.await.expect("no panic") == Err(ModelError::Busy));
    }
    assert_eq!(busy, 10);
    assert_eq!(server.sent(), 10, "two places and eight that wait");
}

#[tokio::test(start_paused = true)]
async fn a_game_that_floods_does_not_hold_up_another() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = order.clone();
    let server = Scripted::new(move |_, ask| {
        noted.lock().expect("no panic").push(ask.instance);
        (FAST, answer("yes"))
    });
    let (remote, _log) = remote(&server, Limits { concurrency_max: 1, ..limits() }).await;
    let mut asked: Vec<_> = (0..20).map(|_| spawn(&remote, 0, NEVER)).collect();
    asked.push(spawn(&remote, 1, NEVER));
    for question in asked {
        assert!(question.await.expect("no panic").is_ok());
    }
    assert_eq!(order.lock().expect("no panic")[..4], [0, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_question_whose_future_is_dropped_leaves_nothing_behind() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let (remote, _log) = remote(&server, Limits { concurrency_max: 1, ..limits() }).await;
    let asked: Vec<_> = (0..10).map(|place| spawn(&remote, place, NEVER)).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((remote.running(), remote.standing().waiting), (1, 9));
    let mut asked = asked.into_iter();
    let last = asked.next_back().expect("there are ten");
    asked.for_each(|question| question.abort());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((remote.running(), remote.standing().waiting), (1, 0), "the last one has the place");
    assert!(last.await.expect("no panic").is_ok());
    assert_eq!((remote.running(), server.sent()), (0, 2));
    assert_eq!(server.under_way.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn questions_that_come_before_the_server_was_looked_for_wait_for_that() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let log = Arc::new(Log::open(&TelemetryTarget::Null, "test").expect("a log"));
    let remote = Remote::start(server.clone(), &tier(), limits(), log);
    assert!(!remote.standing().is_ready && remote.standing().takes_pictures);
    let reply = remote.ask(ask(0, NEVER)).await.expect("it answers");
    assert_eq!((reply.waited_us, reply.took_us), (20_000, 320_000));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_running_when_it_is_dropped() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    *server.is_there.lock().expect("no panic") = false;
    let (remote, _log) = remote(&server, limits()).await;
    tokio::time::sleep(PROBE * 3).await;
    let probes = server.probes();
    assert!(probes >= 3, "{probes}");
    drop(remote);
    tokio::time::sleep(PROBE * 10).await;
    assert_eq!(server.probes(), probes);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_second_request_of_a_slow_one_wins_and_few_are_sent() {
    // Each 50th request hangs; the second one for the same question does not.
    let script = |number, _: &Ask| if number % 50 == 49 { (NEVER, answer("slow")) } else { (FAST, answer("yes")) };
    for hedge in [true, false] {
        let server = Scripted::new(script);
        let (remote, _log) = remote(&server, Limits { hedge, ..limits() }).await;
        let mut hedged = 0;
        let mut late = 0;
        for _ in 0..400 {
            match remote.ask(ask(0, FAST * 10)).await {
                Ok(reply) => {
                    hedged += usize::from(reply.is_hedged);
                    assert_eq!((reply.text.as_str(), reply.attempts), ("yes", 1 + u32::from(reply.is_hedged)));
                }
                Err(error) => late += usize::from(error == ModelError::Late),
            }
        }
        if hedge {
            assert_eq!(late, 0);
            assert!((8..=20).contains(&hedged), "{hedged}");
        } else {
            assert_eq!((hedged, late), (0, 8));
        }
        assert_eq!((remote.running(), server.under_way.load(Ordering::SeqCst)), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn second_requests_are_at_most_one_in_twenty() {
    // Every second request is slow, so that very many would be sent again.
    let script = |number, _: &Ask| (if number % 2 == 0 { FAST } else { FAST * 2 }, answer("yes"));
    let server = Scripted::new(script);
    let (remote, _log) = remote(&server, Limits { hedge: true, ..limits() }).await;
    for _ in 0..400 {
        remote.ask(ask(0, NEVER)).await.expect("it answers");
    }
    assert!(server.sent() <= 420, "{}", server.sent());
}
