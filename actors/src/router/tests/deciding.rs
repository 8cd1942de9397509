//! A question's way to its answer.

use super::*;

#[test]
fn a_models_decision_is_for_the_step_that_asked_and_says_what_it_was_shown() {
    play(async {
        let model = Scripted::new(says("fight 0.9"));
        let rig = Rig::new(&[&model], |_| {});
        let decision = decided(rig.with(|scene| (scene.instance, scene.step) = (3, 7)).await);
        assert_eq!((decision.instance, decision.step, decision.basis.frame), (3, 7, 70));
        assert_eq!((decision.skill.as_str(), decision.tier.as_str(), decision.source), ("fight", "t0", Source::Model));
        assert_eq!((decision.confidence, decision.arguments.as_str()), (Some(0.9), "{}"));
        let ask = model.asked.lock().unwrap()[0].clone();
        assert_eq!((ask.instance, ask.step), (3, 7));
        assert_eq!(ask.prompt.picture.as_deref(), Some(&b"png"[..]));
        let call = rig.told("ModelCalled").remove(0);
        assert_eq!((call["instance"].as_u64(), call["step"].as_u64()), (Some(3), Some(7)));
        assert_eq!((call["outcome"].as_str(), call["tokens_in"].as_u64()), (Some("answered"), Some(100)));
        assert!((call["cost"].as_f64().unwrap() - 0.000_2).abs() < 1e-12);
    });
}

#[test]
fn with_nothing_to_choose_nobody_is_asked() {
    play(async {
        let model = Scripted::new(says("explore"));
        let rig = Rig::new(&[&model], |_| {});
        assert_eq!(fallback(rig.with(|scene| scene.offers = vec!["explore"]).await), Fallback::NoChoice);
        assert_eq!(fallback(rig.with(|scene| scene.offers = vec![]).await), Fallback::NoChoice);
        let off = Rig::new(&[], |_| {});
        assert_eq!(fallback(off.with(|_| {}).await), Fallback::Off);
        let off = Rig::new(&[&model], |settings| settings.is_used = false);
        assert_eq!(fallback(off.with(|_| {}).await), Fallback::Off);
        assert_eq!(model.calls(), 0);
    });
}

#[test]
fn an_answer_that_cannot_be_used_is_asked_for_once_more_and_then_of_the_next_tier() {
    play(async {
        let (small, large) = (Scripted::new(says("explore")), Scripted::new(says("fight")));
        let rig = Rig::new(&[&small, &large], |settings| settings.is_cached = false);
        small.then([says("dance"), says("fight")]);
        let decision = decided(rig.with(|_| {}).await);
        assert_eq!((decision.skill.as_str(), decision.tier.as_str()), ("fight", "t0"));
        let asked = small.asked.lock().unwrap().clone();
        let repair = asked[1].prompt.repair.clone().expect("it says what was wrong");
        assert_eq!((repair.answer.as_str(), repair.complaint.as_str()), ("dance", "`dance` is not on offer"));
        assert_ne!(asked[0].prompt.key, asked[1].prompt.key);
        assert_eq!(rig.outcomes(), ["unusable", "repaired"]);
        small.then([says("dance"), says("sing")]);
        let decision = decided(rig.with(|scene| scene.step = 2).await);
        assert_eq!((decision.skill.as_str(), decision.tier.as_str()), ("fight", "t1"));
        let counts = rig.counts().await;
        assert_eq!((small.calls(), large.calls(), counts.repaired, counts.escalated), (4, 1, 1, 1));
        large.then([says("sing"), says("sing")]);
        assert_eq!(fallback(rig.with(|scene| scene.step = 3).await), Fallback::Unusable);
    });
}

#[test]
fn a_decision_that_is_not_sure_is_asked_of_the_next_tier() {
    play(async {
        let (small, large) = (Scripted::new(says("explore 0.3")), Scripted::new(says("fight 0.8")));
        let rig = Rig::new(&[&small, &large], |settings| settings.is_cached = false);
        assert_eq!(decided(rig.with(|_| {}).await).tier, "t1");
        assert_eq!(decided(rig.with(|scene| scene.step = 2).await).tier, "t1");
        assert_eq!((small.calls(), large.calls()), (1, 2), "the game stays there for a while");
        for step in 3..9 {
            rig.with(|scene| scene.step = step).await;
        }
        assert_eq!(small.calls(), 2, "and comes down again");
    });
}

#[test]
fn an_unsure_decision_is_followed_where_no_better_one_comes_in_time() {
    play(async {
        let (small, large) = (Scripted::new(says("explore 0.3")), Scripted::new(slow(5_000, "fight 0.8")));
        let rig = Rig::new(&[&small, &large], |settings| settings.is_cached = false);
        let decision = decided(rig.with(|_| {}).await);
        assert_eq!((decision.tier.as_str(), decision.skill.as_str()), ("t0", "explore"));
        large.then([fails(ModelError::Unreachable("gone".into()))]);
        let decision = decided(rig.with(|scene| scene.instance = 1).await);
        assert_eq!((decision.tier.as_str(), large.calls()), ("t0", 2));
        let alone = Rig::new(&[&small], |_| {});
        assert_eq!(decided(alone.with(|_| {}).await).confidence, Some(0.3));
    });
}

#[test]
fn each_failure_of_all_tiers_is_the_planners_turn_with_its_cause() {
    let refused = ModelError::Refused { status: 500, message: "no".into() };
    let cases = [
        (ModelError::Busy, Fallback::Busy, "busy"),
        (ModelError::Late, Fallback::Late, "late"),
        (ModelError::Open("it failed".into()), Fallback::Open, "open"),
        (ModelError::Unreachable("gone".into()), Fallback::Failed, "unreachable"),
        (refused, Fallback::Failed, "refused"),
        (ModelError::Unusable("no JSON".into()), Fallback::Unusable, "unusable"),
    ];
    play(async move {
        for (error, cause, outcome) in cases {
            let (small, large) = (Scripted::new(fails(error.clone())), Scripted::new(fails(error.clone())));
            let rig = Rig::new(&[&small, &large], |_| {});
            assert_eq!(fallback(rig.with(|_| {}).await), cause, "{error}");
            assert_eq!(rig.outcomes(), [outcome, outcome]);
            large.then([says("fight")]);
            let decision = decided(rig.with(|scene| scene.step = 2).await);
            assert_eq!(decision.tier, "t1", "the next tier that is ready decides after {error}");
        }
        let (small, large) = (Scripted::new(says("fight")), Scripted::new(says("explore")));
        let rig = Rig::new(&[&small, &large], |_| {});
        small.is_ready.store(false, Ordering::Relaxed);
        assert_eq!(decided(rig.with(|_| {}).await).tier, "t1");
        large.is_ready.store(false, Ordering::Relaxed);
        assert_eq!(small.calls(), 0);
        small.then([fails(ModelError::Open("nobody listens there".into()))]);
        let asked = rig.with(|scene| scene.foe = Some(2)).await;
        let Routed::Planner { cause: Fallback::Open, reason } = asked else { panic!("{asked:?}") };
        assert!(reason.contains("nobody listens there"), "the lowest says why none can be asked: {reason}");
        assert_eq!(small.asked.lock().unwrap()[0].prompt.picture, None);
    });
}

#[test]
fn no_answer_within_the_deadline_is_late_and_the_call_is_cancelled() {
    play(async {
        let model = Scripted::new(slow(60_000, "fight"));
        let rig = Rig::new(&[&model], |_| {});
        let began = tokio::time::Instant::now();
        assert_eq!(fallback(rig.with(|_| {}).await), Fallback::Late);
        assert!(began.elapsed() < Duration::from_millis(1_000));
        assert_eq!((model.alive(), rig.counts().await.under_way), (0, 0));
        assert_eq!(rig.outcomes(), ["late"]);
    });
}

#[test]
fn an_asker_that_stops_waiting_cancels_its_call() {
    play(async {
        let model = Scripted::new(slow(500, "fight"));
        let rig = Rig::new(&[&model], |_| {});
        let inquiry = Box::new(inquiry(&Scene::default()));
        let question = AskRouter { inquiry, deadline: Duration::from_secs(1) };
        assert_eq!(rig.port.ask(question, Duration::from_millis(50)).await, Asked::Late);
        let counts = rig.counts().await;
        tokio::task::yield_now().await;
        assert_eq!(model.alive(), 0);
        assert_eq!((counts.decisions, rig.counts().await.abandoned), (0, 1));
        assert_eq!(rig.outcomes(), ["cancelled"]);
    });
}

#[test]
fn an_answer_to_an_older_step_is_dropped_and_counted() {
    play(async {
        let model = Scripted::new(says("explore"));
        let rig = Rig::new(&[&model], |_| {});
        model.then([slow(400, "fight"), slow(10, "explore")]);
        let older = Scene { step: 1, x: 1, foe: Some(2), ..Scene::default() };
        let newer = Scene { step: 2, x: 2, ..Scene::default() };
        let (older, newer) = tokio::join!(rig.ask(&older), rig.ask(&newer));
        assert_eq!(fallback(older), Fallback::Late);
        assert_eq!(decided(newer).step, 2);
        assert_eq!(rig.counts().await.late_answers, 1);
    });
}

#[test]
fn a_budget_that_is_used_up_is_the_planners_turn_and_said_once() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |settings| (settings.calls_per_hour, settings.is_cached) = (3, false));
        for step in 1..=3 {
            decided(rig.with(|scene| scene.step = step).await);
        }
        for step in 4..=6 {
            assert_eq!(fallback(rig.with(|scene| scene.step = step).await), Fallback::Budget);
        }
        rig.now_ms.store(2 * 3_600_000, Ordering::Relaxed);
        decided(rig.with(|scene| scene.step = 7).await);
        let alerts: Vec<_> = rig.told("AlertRaised").into_iter().map(|alert| alert["alert"].clone()).collect();
        assert_eq!(alerts, ["budget used up", "budget back"]);
        assert_eq!(model.calls(), 4);
    });
}

#[test]
fn what_was_set_aside_for_failed_calls_is_given_back() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |settings| (settings.tokens_per_hour, settings.is_cached) = (250, false));
        model.then([fails(ModelError::Busy), fails(ModelError::Open("it failed".into()))]);
        for step in 1..=2 {
            fallback(rig.with(|scene| scene.step = step).await);
        }
        for step in 3..=4 {
            decided(rig.with(|scene| scene.step = step).await);
        }
        assert_eq!(fallback(rig.with(|scene| scene.step = 5).await), Fallback::Budget, "twice 110 tokens are used");
    });
}

#[test]
fn a_model_that_takes_no_pictures_is_sent_none() {
    play(async {
        let model = Scripted::new(says("fight"));
        model.is_blind.store(true, Ordering::Relaxed);
        let rig = Rig::new(&[&model], |_| {});
        decided(rig.with(|_| {}).await);
        assert_eq!(model.asked.lock().unwrap()[0].prompt.picture, None);
    });
}

#[test]
fn danger_is_asked_as_urgent() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |settings| settings.is_cached = false);
        rig.with(|_| {}).await;
        rig.with(|scene| scene.step = 2).await;
        rig.with(|scene| (scene.step, scene.hp) = (3, 30)).await;
        let asked: Vec<_> = model.asked.lock().unwrap().iter().map(|ask| ask.importance).collect();
        assert_eq!(asked, [Importance::Raised, Importance::Ordinary, Importance::Urgent]);
    });
}

#[test]
fn what_became_of_the_questions_is_told_every_second_in_which_there_were_any() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |_| {});
        rig.with(|_| {}).await;
        rig.with(|scene| scene.step = 2).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let told = rig.told("DecisionSummary");
        assert_eq!(told.len(), 1);
        assert_eq!((told[0]["model"].as_u64(), told[0]["exact"].as_u64()), (Some(1), Some(1)));
        assert_eq!((told[0]["decisions"].as_u64(), told[0]["hit_rate"].as_f64()), (Some(2), Some(0.5)));
        assert!(told[0]["cache_bytes"].as_u64() > Some(100));
    });
}

#[test]
fn what_is_wrong_with_templates_is_told_once() {
    play(async {
        let rig = Rig::new(&[&Scripted::new(says("fight"))], |_| {});
        rig.packer.problems.lock().unwrap().push("default.txt, line 3: there is no slot `mood`".to_string());
        tokio::time::sleep(Duration::from_secs(5)).await;
        let alerts = rig.told("AlertRaised");
        assert_eq!((alerts.len(), alerts[0]["alert"].as_str()), (1, Some("prompt template")));
    });
}

#[test]
fn a_game_that_is_over_is_forgotten_and_not_waited_for() {
    play(async {
        let model = Scripted::new(says("explore"));
        let rig = Rig::new(&[&model], |_| {});
        rig.live.set(3);
        decided(rig.with(|scene| scene.step = 9).await);
        for _ in 0..2 {
            assert_eq!(rig.port.ask(GameEnded(0), Duration::from_secs(1)).await, Asked::Answer(()));
        }
        assert_eq!(rig.live.get(), 2);
        let anew = decided(rig.with(|scene| (scene.step, scene.running, scene.x) = (1, Some("explore"), 9)).await);
        assert_ne!(anew.source, Source::Kept);
    });
}
