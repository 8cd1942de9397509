//! Decisions that are kept, found again and shared.

use super::*;

#[test]
fn a_decision_goes_on_until_something_that_matters_changes() {
    play(async {
        let model = Scripted::new(says("explore"));
        let rig = Rig::new(&[&model], |_| {});
        assert_eq!(decided(rig.with(|_| {}).await).source, Source::Model);
        for step in 2..30 {
            let decision = decided(
                rig.with(|scene| (scene.step, scene.x, scene.running) = (step, step as i16, Some("explore"))).await,
            );
            assert_eq!((decision.source, decision.step), (Source::Kept, step));
            assert_eq!(decision.basis.frame, 10, "the model was shown the first step");
        }
        let seen = rig.with(|scene| (scene.step, scene.running, scene.foe) = (30, Some("explore"), Some(2))).await;
        assert_eq!(decided(seen).source, Source::Model);
        assert_eq!(model.calls(), 2);
    });
}

#[test]
fn the_same_prompt_is_answered_from_memory_and_so_is_a_situation_with_a_picture_like_it() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |_| {});
        decided(rig.with(|_| {}).await);
        let exact = decided(rig.with(|scene| scene.instance = 1).await);
        assert_eq!((exact.source, exact.instance, exact.basis.frame), (Source::Exact, 1, 10));
        let similar = decided(rig.with(|scene| (scene.instance, scene.x, scene.picture) = (2, 8, 0b1111)).await);
        assert_eq!(similar.source, Source::Similar);
        let unlike = decided(rig.with(|scene| (scene.instance, scene.x, scene.picture) = (3, 9, 0b1_1111)).await);
        assert_eq!(unlike.source, Source::Model);
        assert_eq!(rig.counts().await.cache_entries, 1, "the same answer in the same situation is one entry");
    });
}

#[test]
fn several_games_that_ask_the_same_at_a_time_share_one_call() {
    play(async {
        let model = Scripted::new(slow(100, "fight"));
        let rig = Rig::new(&[&model], |_| {});
        let ask = |instance| {
            let rig = &rig;
            async move { decided(rig.with(|scene| scene.instance = instance).await) }
        };
        let (first, second, third) = tokio::join!(ask(0), ask(1), ask(2));
        assert_eq!([first.source, second.source, third.source], [Source::Model, Source::Shared, Source::Shared]);
        assert_eq!([first.instance, second.instance, third.instance], [0, 1, 2]);
        assert_eq!((model.calls(), rig.told("ModelCalled").len()), (1, 1));
    });
}

#[test]
fn one_asker_that_stops_waiting_does_not_cancel_the_others() {
    play(async {
        let model = Scripted::new(slow(100, "fight"));
        let rig = Rig::new(&[&model], |_| {});
        let question = AskRouter { inquiry: Box::new(inquiry(&Scene::default())), deadline: Duration::from_secs(1) };
        let impatient = rig.port.ask(question, Duration::from_millis(20));
        let (impatient, patient) = tokio::join!(impatient, rig.with(|scene| scene.instance = 1));
        assert_eq!(impatient, Asked::Late);
        assert_eq!(decided(patient).source, Source::Shared);
        assert_eq!((model.calls(), model.alive()), (1, 0));
    });
}

#[test]
fn those_who_share_a_call_that_runs_late_ask_once_more_in_the_time_that_is_left() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |_| {});
        model.then([slow(5_000, "fight")]);
        let early = Box::new(inquiry(&Scene::default()));
        let early = AskRouter { inquiry: early, deadline: Duration::from_millis(200) };
        let early = rig.port.ask(early, Duration::from_millis(200));
        let others = [1, 2, 3].map(|instance| rig.with(move |scene: &mut Scene| scene.instance = instance));
        let (early, others) = tokio::join!(early, futures_util::future::join_all(others));
        assert_eq!(fallback(early.answer().unwrap()), Fallback::Late);
        let sources: Vec<_> = others.into_iter().map(|other| decided(other).source).collect();
        assert_eq!(sources, [Source::Model, Source::Shared, Source::Shared]);
        assert_eq!(model.calls(), 2);
    });
}

#[test]
fn without_caching_a_model_is_asked_at_every_step() {
    play(async {
        let model = Scripted::new(slow(100, "explore"));
        let rig = Rig::new(&[&model], |settings| settings.is_cached = false);
        decided(rig.with(|_| {}).await);
        decided(rig.with(|scene| (scene.step, scene.running) = (2, Some("explore"))).await);
        let (one, other) = tokio::join!(rig.with(|scene| scene.instance = 1), rig.with(|scene| scene.instance = 2));
        assert_eq!((decided(one).source, decided(other).source), (Source::Model, Source::Model));
        let counts = rig.counts().await;
        assert_eq!((model.calls(), counts.cache_entries, counts.model), (4, 0, 4));
    });
}

#[test]
fn what_came_to_nothing_is_asked_again() {
    play(async {
        let model = Scripted::new(says("fight"));
        let rig = Rig::new(&[&model], |_| {});
        decided(rig.with(|_| {}).await);
        let vain = |step| Outcome { step, is_effective: false, ..Outcome::default() };
        let mut later = inquiry(&Scene { step: 3, x: 9, foe: Some(2), fruitless: 2, ..Scene::default() });
        later.outcomes = vec![vain(1), vain(2)];
        rig.ask_inquiry(later).await;
        model.then([says("explore")]);
        let again = decided(rig.with(|scene| scene.step = 4).await);
        assert_eq!((again.source, again.skill.as_str()), (Source::Model, "explore"));
    });
}

#[test]
fn a_higher_tiers_answer_is_found_by_the_prompt_that_a_lower_one_was_asked() {
    play(async {
        let (small, large) = (Scripted::new(says("explore 0.3")), Scripted::new(says("fight 0.9")));
        let rig = Rig::new(&[&small, &large], |_| {});
        assert_eq!(decided(rig.with(|_| {}).await).tier, "t1");
        let other = decided(rig.with(|scene| scene.instance = 1).await);
        assert_eq!((other.source, other.tier.as_str()), (Source::Exact, "t1"));
        assert_eq!((small.calls(), large.calls()), (1, 1));
    });
}

#[test]
fn a_game_that_is_stuck_does_not_follow_a_lower_tiers_memory() {
    play(async {
        let (small, large) = (Scripted::new(says("explore")), Scripted::new(says("fight")));
        let rig = Rig::new(&[&small, &large], |_| {});
        decided(rig.with(|scene| scene.fruitless = 3).await);
        let stuck = decided(rig.with(|scene| (scene.step, scene.fruitless) = (2, 4)).await);
        assert_eq!((stuck.tier.as_str(), stuck.source), ("t1", Source::Model));
    });
}

#[test]
fn where_nothing_is_known_but_the_picture_only_the_very_same_prompt_is_found_again() {
    play(async {
        let model = Scripted::new(says("press-a"));
        let rig = Rig::new(&[&model], |_| {});
        let ask = |step, picture: u64| {
            let scene = Scene { step, offers: vec!["press-a", "press-b"], ..Scene::default() };
            let mut inquiry = inquiry(&Scene { running: Some("press-a"), ..scene });
            inquiry.seen = Arc::new(Observation::default());
            inquiry.basis.frame_hash = Hash(picture);
            rig.ask_inquiry(inquiry)
        };
        // The packer here shows no picture, so what it packs is the same each time.
        assert_eq!(decided(ask(1, 1).await).source, Source::Model);
        assert_eq!(decided(ask(2, 1).await).source, Source::Exact);
        assert_eq!(decided(ask(3, 2).await).source, Source::Exact);
        assert_eq!(rig.counts().await.cache_entries, 1);
    });
}

#[test]
fn what_a_lower_tier_decided_in_its_stead_is_not_a_higher_ones_answer() {
    play(async {
        let (small, large) = (Scripted::new(says("explore")), Scripted::new(says("fight")));
        let rig = Rig::new(&[&small, &large], |_| {});
        large.then([fails(ModelError::Unreachable("gone".into()))]);
        let stuck = |step| move |scene: &mut Scene| (scene.step, scene.fruitless) = (step, 4);
        assert_eq!(decided(rig.with(stuck(1)).await).tier, "t0");
        let again = decided(rig.with(stuck(2)).await);
        assert_eq!((again.tier.as_str(), again.source), ("t1", Source::Model));
    });
}
