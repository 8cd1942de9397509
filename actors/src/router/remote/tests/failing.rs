//! What becomes of questions when the server fails.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_question_is_never_answered_later_than_its_deadline() {
    let server = Scripted::new(|_, _| (NEVER, answer("too late")));
    let (remote, _log) = remote(&server, Limits { concurrency_max: 1, ..limits() }).await;
    let started = Instant::now();
    let first = spawn(&remote, 0, FAST);
    let waiting = spawn(&remote, 1, FAST);
    assert_eq!(first.await.expect("no panic"), Err(ModelError::Late));
    assert_eq!(waiting.await.expect("no panic"), Err(ModelError::Late));
    assert!(started.elapsed() <= FAST + Duration::from_millis(1));
    assert_eq!((remote.running(), remote.standing().waiting), (0, 0));
    assert_eq!(remote.ask(ask(0, Duration::ZERO)).await, Err(ModelError::Late));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_under_the_deadline() {
    let server = Scripted::new(|number, _| match number {
        0 => (FAST, refusal(503, None)),
        1 => (FAST, refusal(429, Some(Duration::from_secs(2)))),
        _ => (FAST, answer("yes")),
    });
    let (remote, _log) = remote(&server, limits()).await;
    let reply = remote.ask(ask(0, NEVER)).await.expect("it answers at last");
    assert_eq!(reply.attempts, 3);
    assert!(reply.took_us >= 2_900_000, "the server asked for two seconds: {}", reply.took_us);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_not_tried_again() {
    let server = Scripted::new(|_, _| (FAST, refusal(400, None)));
    let (remote, _log) = remote(&server, limits()).await;
    assert!(matches!(remote.ask(ask(0, NEVER)).await, Err(ModelError::Refused { status: 400, .. })));
    assert_eq!(server.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let server = Scripted::new(|_, _| (FAST, refusal(429, Some(Duration::from_secs(60)))));
    let (remote, _log) = remote(&server, limits()).await;
    let started = Instant::now();
    let refused = remote.ask(ask(0, Duration::from_secs(30))).await;
    assert!(matches!(refused, Err(ModelError::Refused { status: 429, .. })), "{refused:?}");
    assert_eq!(started.elapsed(), FAST);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_again_and_again_is_left_alone_until_a_probe_finds_it() {
    let is_broken = Arc::new(Mutex::new(true));
    let broken = is_broken.clone();
    let server = Scripted::new(move |_, _| {
        if *broken.lock().expect("no panic") {
            let error = ModelError::Unreachable("connection refused".to_string());
            (FAST, Err(Failure { error, is_retryable: true, retry_after: None }))
        } else {
            (FAST, answer("yes"))
        }
    });
    let (remote, log) = remote(&server, Limits { concurrency_max: 1, ..limits() }).await;
    *server.is_there.lock().expect("no panic") = false;
    let asked: Vec<_> = (0..6).map(|place| spawn(&remote, place, NEVER)).collect();
    let mut outcomes = Vec::new();
    for question in asked {
        outcomes.push(question.await.expect("no panic"));
    }
    assert_eq!(server.sent(), 5, "five failures open it");
    assert!(matches!(&outcomes[0], Err(ModelError::Unreachable(_))), "{outcomes:?}");
    let is_open = |outcome: &Result<Reply, ModelError>| matches!(outcome, Err(ModelError::Open(why)) if why.contains("5 times in a row") && why.contains("refused"));
    assert!(outcomes[1..].iter().all(is_open), "who waits is told at once: {outcomes:?}");
    assert!(!remote.standing().is_ready);
    // It is not asked, only looked for, once each interval.
    let (probes, opened) = (server.probes(), Instant::now());
    while opened.elapsed() < PROBE * 4 {
        assert!(matches!(remote.ask(ask(0, NEVER)).await, Err(ModelError::Open(_))));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.sent(), 5);
    assert!((3..=4).contains(&(server.probes() - probes)), "{}", server.probes() - probes);
    // It comes back.
    *is_broken.lock().expect("no panic") = false;
    *server.is_there.lock().expect("no panic") = true;
    let back = Instant::now();
    while remote.ask(ask(0, NEVER)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(back.elapsed() <= PROBE + FAST + Duration::from_millis(40), "{:?}", back.elapsed());
    let told = told(&log);
    assert_eq!((told.len(), &told[0], &told[3]), (4, &None, &None), "{told:?}");
    assert!(told[1].as_ref().is_some_and(|problem| problem.contains("left alone")), "{told:?}");
    assert!(told[2].as_ref().is_some_and(|problem| problem.contains("no model server at")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_found_is_open_with_the_reason() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    *server.is_there.lock().expect("no panic") = false;
    let (remote, log) = remote(&server, limits()).await;
    tokio::time::sleep(PROBE * 3).await;
    let open = remote.ask(ask(0, NEVER)).await.expect_err("nobody is there").to_string();
    assert!(open.contains("no model server at http://x; start one"), "{open}");
    assert_eq!((server.sent(), told(&log).len()), (0, 1), "the same is told once");
}

#[tokio::test(start_paused = true)]
async fn questions_that_wait_when_the_server_is_not_found_are_told_so() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    *server.is_there.lock().expect("no panic") = false;
    let log = Arc::new(Log::open(&TelemetryTarget::Null, "test").expect("a log"));
    let remote = Remote::start(server, &tier(), limits(), log);
    let started = Instant::now();
    assert!(matches!(remote.ask(ask(0, NEVER)).await, Err(ModelError::Open(_))));
    assert!(started.elapsed() <= Duration::from_millis(21));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_left_alone_even_when_nobody_waits_to_the_end() {
    let server = Scripted::new(|_, _| (NEVER, answer("too late")));
    let (remote, _log) = remote(&server, limits()).await;
    for _ in 0..5 {
        // Who asks gives up at the same moment as the deadline comes.
        let question = remote.ask(ask(0, FAST));
        let _ = tokio::time::timeout(FAST, question).await;
    }
    assert!(matches!(remote.ask(ask(0, FAST)).await, Err(ModelError::Open(_))));
    assert_eq!(server.sent(), 5);
    assert_eq!(remote.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_had_too_little_time_says_nothing_about_the_server() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let (remote, _log) = remote(&server, limits()).await;
    assert!(remote.ask(ask(0, NEVER)).await.is_ok());
    for _ in 0..30 {
        assert_eq!(remote.ask(ask(0, FAST / 2)).await, Err(ModelError::Late));
    }
    assert!(remote.ask(ask(0, NEVER)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_cannot_be_answered_in_time_any_more_is_not_sent() {
    let server = Scripted::new(|_, _| (FAST, answer("yes")));
    let (remote, _log) = remote(&server, Limits { concurrency_max: 1, ..limits() }).await;
    assert!(remote.ask(ask(0, NEVER)).await.is_ok());
    let asked: Vec<_> = (0..30).map(|place| spawn(&remote, place % 10, FAST * 3 + FAST / 4)).collect();
    let mut answers = 0;
    for question in asked {
        answers += usize::from(question.await.expect("no panic").is_ok());
    }
    assert_eq!((answers, server.sent()), (3, 4));
    assert!(remote.standing().is_ready);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_any_faults_end_within_their_deadlines() {
    let mut random = wire::random::SplitMix64(5);
    let server = Scripted::new(move |_, ask| {
        let after = FAST * random.below(8) as u32;
        let error = ModelError::Unreachable("it broke".to_string());
        let outcome = match random.below(12) {
            0 => refusal(429, Some(FAST * random.below(20) as u32)),
            1 => refusal(400, None),
            2 => Err(Failure { error, is_retryable: true, retry_after: None }),
            3 => return (NEVER, answer("never")),
            _ => answer(&ask.step.to_string()),
        };
        (after, outcome)
    });
    let limits = Limits { hedge: true, probe: FAST * 4, ..limits() };
    let (remote, _log) = remote(&server, limits).await;
    let mut asked = Vec::new();
    for number in 0..3_000_u64 {
        let within = FAST * (number % 12 + 1) as u32;
        let question = remote.ask(Ask { step: number, ..ask((number % 16) as u16, within) });
        let began = Instant::now();
        asked.push(tokio::spawn(async move { (number, question.await, began.elapsed(), within) }));
        tokio::time::sleep(FAST).await;
    }
    let mut answers = 0;
    for question in asked {
        let (number, outcome, took, within) = question.await.expect("no panic");
        assert!(took <= within + Duration::from_millis(1), "{number}: {took:?} of {within:?}");
        if let Ok(reply) = outcome {
            assert_eq!(reply.text, number.to_string());
            answers += 1;
        }
    }
    assert!(answers > 300, "{answers}");
    assert_eq!((remote.running(), remote.standing().waiting), (0, 0));
    assert_eq!(server.under_way.load(Ordering::SeqCst), 0);
}
