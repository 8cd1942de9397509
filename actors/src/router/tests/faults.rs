//! Thousands of faults, scripted at random: whatever models do, each question ends in time, rightly labelled.

use super::*;
use wire::random::SplitMix64;

const QUESTIONS: usize = 10_000;
const GAMES: usize = 8;
const DEADLINE_MS: u64 = 1_000;

/// What a model may do, good or bad.
fn fault(random: &mut SplitMix64) -> Play {
    let says = match random.below(14) {
        0 => Err(ModelError::Busy),
        1 => Err(ModelError::Late),
        2 => Err(ModelError::Open("it failed again and again".into())),
        3 => Err(ModelError::Unreachable("connection reset".into())),
        4 => Err(ModelError::Refused { status: 429, message: "slow down".into() }),
        5 => Err(ModelError::Unusable("cut short".into())),
        6 => Ok("nonsense"),
        7 => Ok(""),
        8 => Ok("fight nonsense"),
        9 => Ok("explore 0.2"),
        10 => Ok("fight 0.9"),
        11 => Ok("explore"),
        12 => Ok("rest"),
        _ => Ok("fight"),
    };
    let after_ms = match random.below(8) {
        0..3 => 0,
        3 => random.below(20) as u64,
        4..6 => random.below(600) as u64,
        6 => random.below(2_000) as u64,
        _ => 5_000,
    };
    Play { after_ms, says }
}

fn scene(random: &mut SplitMix64, instance: Instance, step: Step) -> Scene {
    Scene {
        instance,
        step,
        x: random.below(6) as i16,
        hp: [8, 20, 39, 40][random.below(4)],
        foe: (random.below(3) == 0).then(|| 1 + random.below(5) as i16),
        running: [None, Some("explore"), Some("fight")][random.below(3)],
        fruitless: [0, 0, 0, 5][random.below(4)],
        offers: [vec!["explore", "fight"], vec!["explore", "fight", "rest"], vec!["rest"]][random.below(3)].clone(),
        picture: random.bits() & 0xF,
        ..Scene::default()
    }
}

#[test]
fn ten_thousand_faults_each_end_in_a_decision_or_a_labelled_fallback_within_the_deadline() {
    play(async {
        let seed = 20_260;
        println!("seed {seed}");
        let models = [0, 1, 2].map(|_| Scripted::new(says("fight")));
        for (number, model) in models.iter().enumerate() {
            let mut random = SplitMix64(seed + number as u64);
            model.then(std::iter::repeat_with(|| fault(&mut random)).take(3 * QUESTIONS));
        }
        let rig = Rig::new(&models.each_ref(), |settings| settings.tokens_per_hour = 4_000_000);
        let game = |instance: usize| {
            let rig = &rig;
            let mut random = SplitMix64(seed * 100 + instance as u64);
            async move {
                let (mut abandoned, mut before, mut acted) = (0, None, None);
                for step in 1..=(QUESTIONS / GAMES) as u64 {
                    // So fast that the caches answer some questions, and not most.
                    rig.now_ms.fetch_add(1_500, Ordering::Relaxed);
                    let is_calm = acted.is_some() && random.below(4) == 0;
                    let scene = match &before {
                        Some(before) if is_calm => Scene { step, running: acted, ..Scene::clone(before) },
                        _ => scene(&mut random, instance as Instance, step),
                    };
                    acted = None;
                    before = Some(scene.clone());
                    let inquiry = inquiry(&scene);
                    let offers: Vec<_> = inquiry.offers.iter().map(|offer| offer.skill.clone()).collect();
                    let deadline = Duration::from_millis(DEADLINE_MS);
                    let question = AskRouter { inquiry: Box::new(inquiry), deadline };
                    if random.below(10) == 0 {
                        let patience = Duration::from_millis(random.below(300) as u64);
                        abandoned += u64::from(rig.port.ask(question, patience).await == Asked::Late);
                        continue;
                    }
                    match rig.port.ask(question, deadline).await {
                        Asked::Answer(Routed::Decided(decision)) => {
                            assert_eq!((decision.instance, decision.step), (instance as Instance, step));
                            assert!(offers.contains(&decision.skill), "{} of {offers:?}", decision.skill);
                            acted = scene.offers.iter().copied().find(|offer| *offer == decision.skill);
                        }
                        Asked::Answer(Routed::Planner { cause, reason }) => {
                            assert_ne!(cause, Fallback::Off);
                            assert!(!reason.is_empty());
                        }
                        other => panic!("step {step} of game {instance} ended as {other:?}"),
                    }
                }
                abandoned
            }
        };
        let abandoned: u64 = futures_util::future::join_all((0..GAMES).map(game)).await.into_iter().sum();
        // Tasks whose askers went away end when they are looked at next.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let counts = rig.counts().await;
        let planned: u64 = counts.planner.values().sum();
        let modelled = counts.model + counts.exact + counts.similar + counts.shared + counts.kept;
        println!("{counts:?}");
        assert_eq!(counts.decisions, planned + modelled);
        assert!(counts.decisions + counts.abandoned >= QUESTIONS as u64 - abandoned);
        assert!(counts.decisions + counts.abandoned <= QUESTIONS as u64);
        assert!(models.iter().map(|model| model.calls()).sum::<usize>() > QUESTIONS / 3, "too few faults were met");
        for cause in [Fallback::NoChoice, Fallback::Late, Fallback::Failed, Fallback::Unusable, Fallback::Busy] {
            assert!(counts.planner.get(&cause).is_some_and(|count| *count > 0), "{cause:?} was never met");
        }
        assert!(counts.escalated > 0 && counts.repaired > 0);
        let found = [counts.exact, counts.similar, counts.shared, counts.kept];
        assert!(found.iter().all(|count| *count > 0), "exact, similar, shared, kept: {found:?}");
        assert_eq!(counts.under_way, 0, "questions are left");
        assert_eq!(models.iter().map(|model| model.alive()).sum::<usize>(), 0, "calls are left");
        assert_eq!(rig.told("ModelCalled").len() as u64, counts.calls, "each call is told of once");
    });
}
