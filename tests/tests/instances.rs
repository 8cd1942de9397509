//! Several games at once: each is the game that it would be alone, and what happens to one does not disturb the others.

use std::collections::BTreeMap;
use tests::program::name_of;
use tests::{Finished, Program, Scratch, kill, lives};
use wire::Instance;
use wire::event::{Event, StepCompleted};
use wire::exit;
use wire::hash::Hash;
use wire::log::Line;

const FAST: [&str; 5] = ["--pace", "unthrottled", "--quiet", "--recall", "off"];
const SEED: u64 = 31;
/// Lives of a player that presses keys at random: with this seed one of some sixty steps, with the next one of hundreds.
const SHORT_LIFE: u64 = 7;
const LIVES: [&str; 7] = ["--brain", "random", "--one-life", "--floors", "0", "--steps", "100000"];

/// Plays so many games at once.
fn start(instances: u16, more: &[&str]) -> Program {
    start_from(SEED, instances, more)
}

fn start_from(seed: u64, instances: u16, more: &[&str]) -> Program {
    let (seed, instances) = (seed.to_string(), instances.to_string());
    Program::run(&[&FAST[..], &["--seed", &seed, "--instances", &instances], more].concat())
}

/// The lines of one game.
fn of_game(lines: &[Line], instance: Instance) -> impl Iterator<Item = &Line> {
    lines.iter().filter(move |line| line.instance == Some(instance))
}

/// The completed steps of one game, with their numbers.
fn steps_of(lines: &[Line], instance: Instance) -> Vec<(u64, &StepCompleted)> {
    let steps = of_game(lines, instance).filter_map(|line| match &line.event {
        Event::StepCompleted(step) => Some((line.step.unwrap_or_default(), &**step)),
        _ => None,
    });
    steps.collect()
}

/// What must be the same in two runs of the same game.
fn trace(lines: &[Line], instance: Instance) -> Vec<(u64, String, Hash, Hash)> {
    let steps = steps_of(lines, instance).into_iter();
    steps.map(|(number, step)| (number, step.keys.clone(), step.frame_hash, step.ram_hash)).collect()
}

/// The game that this one of several is alone.
fn alone(instance: Instance, more: &[&str]) -> Finished {
    alone_with(SEED + u64::from(instance), more)
}

fn alone_with(seed: u64, more: &[&str]) -> Finished {
    let seed = seed.to_string();
    Program::run(&[&FAST[..], &["--seed", &seed], more].concat()).finish().expect_success()
}

/// Panics at the first step in which a game of several differs from the same game alone.
fn assert_same(several: &Finished, instance: Instance, alone: &Finished) {
    let (theirs, own) = (trace(&several.lines, instance), trace(&alone.lines, 0));
    assert!(!own.is_empty(), "no steps were taken");
    for (theirs, own) in theirs.iter().zip(&own) {
        assert_eq!(theirs, own, "game {instance}");
    }
    assert_eq!(theirs.len(), own.len(), "game {instance} took more steps in one of them");
}

/// Panics where steps of a game are missing or doubled.
fn assert_whole(finished: &Finished, instance: Instance) {
    let numbers: Vec<u64> = steps_of(&finished.lines, instance).iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "steps of game {instance}");
}

fn floors_of(finished: &Finished, instance: Instance) -> Vec<u32> {
    let floors = of_game(&finished.lines, instance).filter_map(|line| match line.event {
        Event::FloorReached { floor, .. } => Some(floor),
        _ => None,
    });
    floors.collect()
}

fn count_of(finished: &Finished, instance: Instance, name: &str) -> usize {
    of_game(&finished.lines, instance).filter(|line| name_of(&line.event) == name).count()
}

/// The process of a game's bridge, once it is ready; `after` lives before it are passed over.
fn bridge_of(program: &Program, instance: Instance, after: usize) -> u32 {
    tests::wait_for(&format!("the bridge of game {instance}"), || {
        let lines = program.lines();
        let mut ready = of_game(&lines, instance).filter_map(|line| match &line.event {
            Event::ProcessReady { role, child_pid, .. } if role == "emulator-bridge" => Some(*child_pid),
            _ => None,
        });
        ready.nth(after)
    })
}

/// The last step of each game.
fn last_steps(program: &Program) -> BTreeMap<Instance, u64> {
    let mut last = BTreeMap::new();
    for line in program.lines() {
        if let (Event::StepCompleted(_), Some(instance), Some(step)) = (&line.event, line.instance, line.step) {
            last.insert(instance, step);
        }
    }
    last
}

/// Waits until each game has taken so many steps more.
fn wait_for_all(program: &Program, instances: u16, more: u64) {
    let before = last_steps(program);
    let target = |instance: Instance| before.get(&instance).copied().unwrap_or_default() + more;
    tests::wait_for("each game to go on", || {
        let now = last_steps(program);
        (0..instances).all(|instance| now.get(&instance).is_some_and(|step| *step >= target(instance))).then_some(())
    });
}

#[test]
fn each_of_several_games_is_the_game_that_it_is_alone() {
    let finished = start(4, &["--floors", "2"]).finish().expect_success();
    for instance in 0..4 {
        assert_same(&finished, instance, &alone(instance, &["--floors", "2"]));
        assert_eq!(floors_of(&finished, instance), [1, 2]);
    }
    let Some(Event::RunEnded { complete: true, steps, floors: 8, best_floor: 2, .. }) =
        finished.lines.last().map(|line| &line.event)
    else {
        panic!("the log does not end with all games: {:?}", finished.lines.last());
    };
    assert_eq!(*steps as usize, finished.steps().len());
    let starts = ["actors", "indexes", "skills", "emulator-bridge"].map(|wanted| {
        let is_it = |line: &&Line| matches!(&line.event, Event::ProcessReady { role, .. } if role == wanted);
        finished.lines.iter().filter(is_it).count()
    });
    assert_eq!(starts, [1, 1, 1, 4], "one process of each role, and a bridge for each game");
}

#[test]
fn the_end_says_how_each_game_went() {
    let seed = SEED.to_string();
    let loud = ["--pace", "unthrottled", "--seed", &seed, "--instances", "3", "--floors", "1"];
    let finished = Program::run(&loud).finish().expect_success();
    for instance in 0..3 {
        assert!(finished.stdout.contains(&format!("game {instance}: floor 1: 1 reached")), "{}", finished.stdout);
        assert!(
            finished.stdout.contains(&format!("\ngame {instance}    1 floors, best floor 1, ")),
            "{}",
            finished.stdout
        );
    }
    assert!(
        finished.stdout.contains("asked     3 games, each: 1 floors\ndone      floors reached\nreached   3 floors")
    );
}

#[test]
fn a_game_that_is_over_leaves_the_others_playing() {
    let finished = start_from(SHORT_LIFE, 3, &LIVES).finish().expect_success();
    for instance in 0..3 {
        assert_same(&finished, instance, &alone_with(SHORT_LIFE + u64::from(instance), &LIVES));
    }
    let steps = [0, 1].map(|instance| steps_of(&finished.lines, instance).len());
    assert!(steps[0] + 100 < steps[1], "the games were equally long, which shows nothing: {steps:?}");
    let unexpected = |event: &Event| matches!(event, Event::ProcessExited { expected: false, .. });
    assert!(!finished.lines.iter().any(|line| unexpected(&line.event)));
}

#[test]
fn the_death_of_one_games_bridge_disturbs_that_game_alone() {
    let program = start(3, &["--floors", "4"]);
    for life in 0..2 {
        let pid = bridge_of(&program, 1, life);
        wait_for_all(&program, 3, 30);
        kill(pid);
        bridge_of(&program, 1, life + 1);
        wait_for_all(&program, 3, 5);
    }
    let finished = program.finish().expect_success();
    for instance in 0..3 {
        assert_whole(&finished, instance);
        assert_eq!(floors_of(&finished, instance), [1, 2, 3, 4]);
    }
    let of_all = |name: &str| [0, 1, 2].map(|instance| count_of(&finished, instance, name));
    assert_eq!(of_all("ProcessRestarted"), [0, 2, 0]);
    assert_eq!(of_all("CheckpointRestored"), [0, 2, 0]);
    assert_eq!(of_all("EmulatorConnected"), [1, 3, 1]);
    for instance in [0, 2] {
        assert_same(&finished, instance, &alone(instance, &["--floors", "4"]));
        let epochs = steps_of(&finished.lines, instance).iter().all(|(_, step)| step.epoch == 1);
        assert!(epochs, "lives are counted for each game");
    }
    let last = steps_of(&finished.lines, 1).last().map(|(_, step)| step.epoch);
    assert_eq!(last, Some(3));
}

/// Kills a role that all games share; each game goes on and reaches its floors.
fn all_games_survive_the_death_of(role: &str) {
    let program = start(3, &["--floors", "5"]);
    for life in 0..2 {
        let pid = program.role(role, life);
        wait_for_all(&program, 3, 25);
        kill(pid);
        program.role(role, life + 1);
        wait_for_all(&program, 3, 5);
    }
    let finished = program.finish().expect_success();
    assert_eq!((finished.torn, finished.count("ProcessRestarted")), (0, 2));
    for instance in 0..3 {
        assert_whole(&finished, instance);
        assert_eq!(floors_of(&finished, instance), [1, 2, 3, 4, 5], "game {instance}");
        assert_eq!(count_of(&finished, instance, "CheckpointRestored"), 0, "the live game is continued");
    }
}

#[test]
fn all_games_survive_the_death_of_the_actors() {
    all_games_survive_the_death_of("actors");
}

#[test]
fn all_games_survive_the_death_of_the_skills() {
    all_games_survive_the_death_of("skills");
}

#[test]
fn all_games_survive_the_death_of_the_indexes() {
    all_games_survive_the_death_of("indexes");
}

#[test]
fn a_game_that_was_over_is_not_played_again_after_the_death_of_the_actors() {
    let program = start_from(SHORT_LIFE, 2, &LIVES);
    let actors = program.role("actors", 0);
    // The other game stands still meanwhile, so that it is not over as well.
    let other = bridge_of(&program, 1, 0);
    tests::signal(other, rustix::process::Signal::STOP);
    wait_for_short_life(&program);
    kill(actors);
    tests::signal(other, rustix::process::Signal::CONT);
    program.role("actors", 1);
    let finished = program.finish().expect_success();
    let of_both = |name: &str| [0, 1].map(|instance| count_of(&finished, instance, name));
    assert_eq!(of_both("EpisodeEnded"), [1, 1]);
    assert_eq!(of_both("EmulatorConnected")[0], 1, "nobody comes aboard it again");
    assert_whole(&finished, 1);
}

/// Waits until the bridge of the game whose life was short is gone, because it is not needed any more.
fn wait_for_short_life(program: &Program) {
    tests::wait_for("the first game to be over", || {
        let lines = program.lines();
        let has_ended = |line: &Line| matches!(line.event, Event::ProcessExited { expected: true, .. });
        of_game(&lines, 0).any(has_ended).then_some(())
    });
}

#[test]
fn a_game_whose_bridge_keeps_dying_is_given_up_and_the_others_are_played_to_their_end() {
    let program = start(3, &["--steps", "2500"]);
    for life in 0..6 {
        kill(bridge_of(&program, 1, life));
    }
    let finished = program.finish();
    assert_eq!(finished.status.code(), Some(exit::UNFINISHED), "{}", finished.stderr);
    assert!(finished.stderr.contains("without game 1"), "{}", finished.stderr);
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line: {}", finished.stderr);
    let alert = |event: &Event| matches!(event, Event::AlertRaised { alert, .. } if alert == "game given up");
    let of_all = |wanted: fn(&Event) -> bool| {
        [0, 1, 2].map(|instance| of_game(&finished.lines, instance).filter(|line| wanted(&line.event)).count())
    };
    assert_eq!(of_all(alert), [0, 1, 0]);
    assert_eq!(of_all(|event| matches!(event, Event::CircuitOpened { .. })), [0, 1, 0]);
    for instance in [0, 2] {
        assert_eq!(steps_of(&finished.lines, instance).len(), 2_500);
        assert_same(&finished, instance, &alone(instance, &["--steps", "2500"]));
    }
}

#[test]
fn several_stopped_games_go_on_as_if_they_had_not_been_stopped() {
    let scratch = Scratch::new();
    let run = scratch.path().join("run");
    let path = run.to_str().expect("a temporary path is text");
    let seed = SEED.to_string();
    let arguments = [&FAST[..], &["--seed", &seed, "--instances", "3", "--floors", "3"]].concat();
    let first = Program::run_in(&run, &arguments, None);
    wait_for_all(&first, 3, 60);
    tests::signal(first.pid(), rustix::process::Signal::INT);
    let first = first.finish();
    assert_eq!(first.status.code(), Some(130), "{}", first.stderr);
    let taken = [0, 1, 2].map(|instance| steps_of(&first.lines, instance).len());
    for folder in ["checkpoints", "checkpoints-1", "checkpoints-2"] {
        let files = std::fs::read_dir(run.join(folder)).expect("each game has checkpoints of its own");
        assert!(files.count() > 0, "{folder} is empty");
    }
    let second = Program::start(&run, &["run", "--resume", path, "--quiet"]).finish().expect_success();
    assert_eq!((second.count("RunResumed"), second.count("CheckpointRestored")), (1, 3));
    for (instance, taken) in (0..).zip(taken) {
        assert_eq!(steps_of(&second.lines, instance)[taken].0, taken as u64 + 1, "steps go on");
        assert_eq!(floors_of(&second, instance), [1, 2, 3], "each floor is counted once");
        assert_same(&second, instance, &alone(instance, &["--floors", "3"]));
    }
}

#[test]
fn a_game_that_cannot_be_resumed_is_given_up_and_the_others_are_played_to_their_end() {
    let scratch = Scratch::new();
    let run = scratch.path().join("run");
    let path = run.to_str().expect("a temporary path is text");
    let seed = SEED.to_string();
    let first =
        Program::run_in(&run, &[&FAST[..], &["--seed", &seed, "--instances", "3", "--floors", "2"]].concat(), None);
    wait_for_all(&first, 3, 40);
    tests::signal(first.pid(), rustix::process::Signal::INT);
    assert_eq!(first.finish().status.code(), Some(130));
    for file in std::fs::read_dir(run.join("checkpoints-1")).expect("it has checkpoints").flatten() {
        std::fs::write(file.path(), "no checkpoint").expect("it is overwritten");
    }
    let second = Program::start(&run, &["run", "--resume", path, "--quiet"]).finish();
    assert_eq!(second.status.code(), Some(exit::UNFINISHED), "{}", second.stderr);
    assert!(second.stderr.contains("without game 1"), "{}", second.stderr);
    assert_eq!([0, 1, 2].map(|instance| floors_of(&second, instance).len()), [2, 1, 2]);
    let why = |event: &Event| matches!(event, Event::AlertRaised { detail, .. } if detail.contains("cannot resume"));
    assert!(of_game(&second.lines, 1).any(|line| why(&line.event)));
}

#[test]
fn a_run_of_which_no_game_can_be_played_fails_as_one_game_does() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[game]\nprofile = \"chess\"\n");
    let config = config.to_str().expect("a temporary path is text");
    let play = |instances| {
        let finished =
            Program::run(&["--quiet", "--config", config, "--emulator", "libretro", "--instances", instances]).finish();
        (finished.status.code(), finished.stderr)
    };
    let (status, complaint) = play("1");
    assert_eq!(status, Some(exit::CONFIG), "{complaint}");
    assert_eq!(play("3"), (status, complaint));
}

#[test]
fn a_skill_is_tried_in_one_game_alone() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[run]\ninstances = 2\n");
    let config = config.to_str().expect("a temporary path is text");
    let finished = Program::start(scratch.path(), &["skills", "run", "explore", "--config", config]).finish();
    assert_eq!(finished.status.code(), Some(exit::CONFIG), "{}", finished.stderr);
    assert!(finished.stderr.contains("run.instances is 2"), "{}", finished.stderr);
}

#[test]
fn a_stop_while_some_games_are_over_saves_the_others() {
    let program = start_from(SHORT_LIFE, 2, &LIVES);
    let other = bridge_of(&program, 1, 0);
    wait_for_all(&program, 2, 3);
    // The other game stands still meanwhile, so that it is not over as well.
    tests::signal(other, rustix::process::Signal::STOP);
    wait_for_short_life(&program);
    tests::signal(other, rustix::process::Signal::CONT);
    tests::signal(program.pid(), rustix::process::Signal::INT);
    let finished = program.finish();
    assert_eq!(finished.status.code(), Some(130), "{}", finished.stderr);
    let saved = |line: &Line| matches!(&line.event, Event::CheckpointSaved { kind, .. } if kind == "end");
    let ends = [0, 1].map(|instance| of_game(&finished.lines, instance).filter(|line| saved(line)).count());
    assert_eq!(ends, [1, 1], "each game saved its last step");
    let Some(Event::RunEnded { complete: false, episodes: 1, .. }) = finished.lines.last().map(|line| &line.event)
    else {
        panic!("the log does not end as it should: {:?}", finished.lines.last());
    };
}

#[test]
fn nothing_outlives_a_killed_parent_of_several_games() {
    let program = start(3, &["--floors", "0", "--steps", "1000000"]);
    let mut pids: Vec<u32> = ["actors", "indexes", "skills"].iter().map(|role| program.role(role, 0)).collect();
    pids.extend((0..3).map(|instance| bridge_of(&program, instance, 0)));
    wait_for_all(&program, 3, 5);
    kill(program.pid());
    for pid in pids {
        tests::wait_for("a process to follow the parent", || (!lives(pid)).then_some(()));
    }
}

#[test]
fn experience_of_several_games_is_kept_together() {
    let (seed, scratch) = (SEED.to_string(), Scratch::new());
    let memories = scratch.path().join("memories");
    let memories = memories.to_str().expect("a temporary path is text");
    let arguments = ["--pace", "unthrottled", "--quiet", "--seed", &seed, "--instances", "3", "--floors", "3"];
    let finished = Program::run(&[&arguments[..], &["--recall", "on", "--memories", memories]].concat());
    let finished = finished.finish().expect_success();
    for instance in 0..3 {
        let found = |line: &&Line| matches!(&line.event, Event::RecallReturned { outcome, .. } if outcome == "found");
        assert!(of_game(&finished.lines, instance).any(|line| found(&line)), "game {instance} asked in vain");
    }
    let kept = finished.lines.iter().filter_map(|line| match line.event {
        Event::MemoriesKept { kept, refused: 0, .. } => Some(kept),
        _ => None,
    });
    assert!(kept.sum::<u64>() > 100);
    let refused = |line: &Line| matches!(line.event, Event::MemoriesKept { refused: 1.., .. });
    assert!(!finished.lines.iter().any(refused));
}

#[test]
fn several_games_in_a_live_window_are_refused_in_one_line() {
    for emulator in ["mgba-lua", "ws://127.0.0.1:9/?token=T"] {
        let finished = Program::run(&["--quiet", "--instances", "2", "--emulator", emulator]).finish();
        assert_eq!(finished.status.code(), Some(exit::CONFIG), "{}", finished.stderr);
        assert!(finished.stderr.contains("run.instances must be 1"), "{}", finished.stderr);
        assert_eq!(finished.stderr.trim_end().lines().count(), 1, "{}", finished.stderr);
    }
}
