//! Playing from what is read on the picture, and comparing it with memory.

use tests::bridge::LoneBridge;
use tests::{Finished, Program, Scratch, burrow};
use wire::event::Event;
use wire::hash::Hash;

const FAST: [&str; 4] = ["--pace", "unthrottled", "--quiet", "--seed"];

fn play(eyes: &str, more: &[&str]) -> Finished {
    Program::run(&[&FAST[..], &["7", "--eyes", eyes], more].concat()).finish()
}

/// What must be the same in two runs of the same seed.
fn trace(finished: &Finished) -> Vec<(u64, String, Hash)> {
    finished.steps().into_iter().map(|(number, step)| (number, step.action.clone(), step.frame_hash)).collect()
}

fn assert_same(left: &[(u64, String, Hash)], right: &[(u64, String, Hash)]) {
    assert!(!left.is_empty(), "no steps were taken");
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len(), "one took more steps than the other");
}

fn alerts(finished: &Finished) -> Vec<String> {
    let raised = finished.lines.iter().filter_map(|line| match &line.event {
        Event::AlertRaised { alert, detail } => Some(format!("{alert}: {detail}")),
        _ => None,
    });
    raised.collect()
}

#[test]
fn floors_are_reached_from_the_picture_and_memory_is_never_looked_at() {
    let finished = play("reader", &["--floors", "3"]).expect_success();
    assert_eq!(finished.floors()[..3], [1, 2, 3]);
    let nothing = Hash::of([[0_u8; 0].as_slice()]);
    for (number, step) in finished.steps() {
        assert_eq!((step.eyes.as_str(), step.ram_hash, step.keys_seen), ("reader", nothing, None), "step {number}");
        assert!(step.confidence.is_some_and(|sure| (0.0..=1.0).contains(&sure)), "step {number}");
    }
    assert_eq!(finished.count("DecodeFailed"), 0, "nothing is decoded");
}

#[test]
fn the_same_seed_gives_the_same_steps_from_the_picture() {
    let runs = [(); 2].map(|()| trace(&play("reader", &["--floors", "2"]).expect_success()));
    assert_same(&runs[0], &runs[1]);
}

#[test]
fn a_game_on_another_bridge_is_the_same_from_its_picture() {
    let bridge = LoneBridge::start(&burrow());
    let remote = play("reader", &["--floors", "2", "--emulator", &bridge.address]).expect_success();
    let local = play("reader", &["--floors", "2"]).expect_success();
    assert_same(&trace(&remote), &trace(&local));
}

#[test]
fn a_stopped_run_goes_on_from_the_picture_as_if_it_had_not_been_stopped() {
    let scratch = Scratch::new();
    let run = scratch.path().join("run");
    let arguments = [&FAST[..], &["7", "--eyes", "reader", "--steps", "150"]].concat();
    Program::run_in(&run, &arguments, None).finish().expect_success();
    let run_text = run.to_str().expect("a temporary path is text");
    let resume = ["--resume", run_text, "--steps", "300", "--pace", "unthrottled", "--quiet"];
    let resumed = Program::start(&run, &resume).finish().expect_success();
    let whole = play("reader", &["--steps", "300"]).expect_success();
    assert_same(&trace(&resumed), &trace(&whole));
}

#[test]
fn several_games_are_read_by_one_reader_each_as_it_is_alone() {
    let together = play("reader", &["--instances", "3", "--steps", "120"]).expect_success();
    for instance in 0..3_u16 {
        let seed = (7 + instance).to_string();
        let alone = Program::run(&[&FAST[..], &[&seed, "--eyes", "reader", "--steps", "120"]].concat());
        let own = together.lines.iter().filter(|line| line.instance == Some(instance));
        let own: Vec<_> = own
            .filter_map(|line| match &line.event {
                Event::StepCompleted(step) => Some((line.step?, step.action.clone(), step.frame_hash)),
                _ => None,
            })
            .collect();
        assert_same(&own, &trace(&alone.finish().expect_success()));
    }
}

#[test]
fn a_run_from_the_picture_survives_the_death_of_its_actors_and_its_bridge() {
    let program = Program::run(&[&FAST[..], &["7", "--eyes", "reader", "--floors", "4"]].concat());
    for (role, steps) in [("actors", 60), ("emulator-bridge", 140)] {
        program.wait_for_steps(steps);
        let victim = program.role(role, 0);
        tests::kill(victim);
    }
    let finished = program.finish().expect_success();
    assert_eq!(finished.count("ProcessRestarted"), 2);
    assert!(finished.steps().iter().all(|(_, step)| step.eyes == "reader"));
}

#[test]
fn a_game_whose_words_nobody_knows_is_not_played_from_its_picture() {
    for eyes in ["reader", "both"] {
        let scratch = Scratch::new();
        let config = scratch.file("config.toml", "[game]\nprofile = \"none\"\n");
        let config = config.to_str().expect("a temporary path is text");
        let finished = play(eyes, &["--config", config, "--emulator", "libretro", "--steps", "5"]);
        assert_eq!(finished.status.code(), Some(78), "{}", finished.stderr);
        assert!(finished.stderr.contains("--eyes ram"), "{}", finished.stderr);
    }
}

#[test]
fn with_the_right_profile_memory_and_picture_agree_for_a_whole_life() {
    let steps = if tests::is_soak() { "20000" } else { "1500" };
    let finished = play("both", &["--floors", "0", "--steps", steps]).expect_success();
    assert_eq!(alerts(&finished), [""; 0]);
    let compared = finished.lines.iter().find_map(|line| match &line.event {
        Event::EyesCompared { pictures, values, differing, alarms, .. } => {
            Some((*pictures, *values, *differing, *alarms))
        }
        _ => None,
    });
    let (pictures, values, differing, alarms) = compared.expect("the end says what was compared");
    println!("{pictures} pictures, {values} values compared, {differing} differing");
    assert!(pictures > 100 && alarms == 0 && differing * 100 < values, "{compared:?}");
}

#[test]
fn a_wrong_profile_raises_an_alarm_that_says_what_differs() {
    let scratch = Scratch::new();
    let own = include_str!("../../actors/profiles/burrow.toml");
    // The seed of the run, where somebody believed the hit points to be.
    let wrong = "\n[[field]]\nname = \"hp\"\naddress = 0x0203C008\ntype = \"u8\"\nrole = \"hp\"\n";
    let profile = own.replacen("\n[words]\n", &format!("{wrong}\n[words]\n"), 1);
    assert!(profile.len() > own.len(), "the profile has words");
    std::fs::create_dir(scratch.path().join("profiles")).expect("a folder can be made");
    scratch.file("profiles/burrow.toml", &profile);
    let folder = scratch.path().join("profiles");
    let config = scratch.file("config.toml", format!("[game]\nprofiles = {:?}\n", folder.display().to_string()));
    let config = config.to_str().expect("a temporary path is text");
    let finished = play("both", &["--config", config, "--emulator", "libretro", "--steps", "250"]);
    let told = alerts(&finished);
    assert!(told.iter().any(|alert| alert.starts_with("eyes differ: the hit points differ")), "{told:?}");
    assert!(!told.iter().any(|alert| alert.contains("the floor differs")), "{told:?}");
}
