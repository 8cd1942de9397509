//! One command plays a game, and the log proves it.

use std::collections::BTreeMap;
use tests::bridge::{BridgeRole, Client, LoneBridge};
use tests::{Finished, Program, Scratch, burrow};
use wire::buttons::Button;
use wire::control::Role;
use wire::emulator::{Answer, Request};
use wire::event::Event;
use wire::hash::Hash;
use wire::memory::Region;
use wire::ring::{ReadOutcome, Snapshot};

const FAST: [&str; 4] = ["--pace", "unthrottled", "--quiet", "--seed"];
/// Where the game counts its frames.
const FRAME_COUNTER: u32 = 0x0203_B0B8;
/// Where it counts, key by key, the frames in which it saw them held.
const KEY_FRAMES: u32 = 0x0203_C010;
/// The first of the 32 pixels that show the frame counter.
const COUNTER_X: usize = 208;
/// Frames the machine takes to start the game.
const START_FRAMES: u32 = 30;

fn play(more: &[&str]) -> Finished {
    Program::run(&[&FAST[..], &["7"], more].concat()).finish()
}

/// What must be the same in two runs of the same seed.
fn trace(finished: &Finished) -> Vec<(u64, String, Hash)> {
    finished.steps().into_iter().map(|(number, step)| (number, step.action.clone(), step.ram_hash)).collect()
}

/// Panics at the first step in which two traces differ.
fn assert_same(left: &Finished, right: &Finished) {
    let (left, right) = (trace(left), trace(right));
    assert!(!left.is_empty(), "no steps were taken");
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len(), "one took more steps than the other");
}

#[test]
fn a_run_reaches_its_floors_and_its_log_tells_every_turn() {
    let finished = play(&["--floors", "3"]).expect_success();
    assert_eq!(finished.floors()[..3], [1, 2, 3]);
    assert_eq!(finished.torn, 0);
    let steps = finished.steps();
    let numbers: Vec<u64> = steps.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=steps.len() as u64).collect::<Vec<_>>(), "steps are numbered without gaps");
    // A step takes at most the one turn it decided on, except where the game passes turns by itself (sleep).
    let turns = steps.last().expect("steps were taken").1.state.turns;
    assert!(turns > 0 && turns <= steps.len() as u64 + 20, "{turns} turns in {} steps", steps.len());
    let Some(Event::RunEnded { complete: true, .. }) = finished.lines.last().map(|line| &line.event) else {
        panic!("the log does not end with a complete run: {:?}", finished.lines.last());
    };
    assert_eq!((finished.count("RunStarted"), finished.count("EmulatorConnected")), (1, 1));
    for role in [Role::EmulatorBridge, Role::Actors, Role::Indexes, Role::Skills] {
        let is_ready = |event: &Event| matches!(event, Event::ProcessReady { role: name, .. } if name == role.name());
        assert!(finished.lines.iter().any(|line| is_ready(&line.event)), "{role} was never ready");
    }
}

#[test]
fn every_line_of_a_process_is_numbered_without_gaps() {
    let finished = play(&["--steps", "150"]).expect_success();
    let mut lines: BTreeMap<(String, u32), Vec<u64>> = BTreeMap::new();
    for line in &finished.lines {
        lines.entry((line.process.clone(), line.pid)).or_default().push(line.seq);
    }
    for (process, mut numbers) in lines {
        numbers.sort();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "lines of {process:?} are missing");
    }
}

#[test]
fn the_same_seed_gives_the_same_steps_actions_and_memory() {
    let (first, second) = (play(&["--floors", "3"]).expect_success(), play(&["--floors", "3"]).expect_success());
    assert_same(&first, &second);
}

#[test]
fn another_seed_gives_another_game() {
    let other = Program::run(&[&FAST[..], &["8", "--steps", "120"]].concat()).finish().expect_success();
    let same = trace(&play(&["--steps", "120"]).expect_success()) == trace(&other);
    assert!(!same, "seed 8 plays the game of seed 7");
}

#[test]
fn a_game_on_another_bridge_is_the_same_game() {
    let bridge = LoneBridge::start(&burrow());
    let remote = play(&["--floors", "2", "--emulator", &bridge.address]).expect_success();
    let local = play(&["--floors", "2"]).expect_success();
    assert_same(&remote, &local);
    let is_local = remote.lines.iter().find_map(|line| match &line.event {
        Event::EmulatorConnected { local, .. } => Some(*local),
        _ => None,
    });
    assert_eq!(is_local, Some(false), "frames came over the WebSocket");
}

#[test]
fn the_planner_asks_no_model() {
    let finished = play(&["--steps", "30"]).expect_success();
    let asks = |event: &Event| matches!(event, Event::ModelCalled { .. } | Event::DecisionSummary { .. });
    assert!(!finished.lines.iter().any(|line| asks(&line.event)));
}

#[test]
fn a_game_that_no_profile_explains_is_played_from_pixels_and_says_so() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[game]\nprofile = \"none\"\n");
    let finished = play(&["--config", config.to_str().expect("a temporary path is text"), "--steps", "50"]);
    let finished = finished.expect_success();
    assert_eq!(finished.steps().len(), 50);
    let alert = |event: &Event| matches!(event, Event::AlertRaised { alert, .. } if alert == "unknown game");
    assert!(finished.lines.iter().any(|line| alert(&line.event)));
}

#[test]
fn a_stopped_run_goes_on_as_if_it_had_not_been_stopped() {
    let scratch = Scratch::new();
    let run = scratch.path().join("run");
    let first = Program::run_in(&run, &[&FAST[..], &["7", "--floors", "3"]].concat(), None);
    first.wait_for_steps(60);
    tests::signal(first.pid(), rustix::process::Signal::INT);
    let first = first.finish();
    assert_eq!(first.status.code(), Some(130), "{}", first.stderr);
    assert_eq!(first.count("RunEnded"), 1, "{:?}", first.lines.last());
    let taken = first.steps().last().expect("steps were taken").0;
    let path = run.to_str().expect("a temporary path is text");
    let second = Program::start(&run, &["run", "--resume", path, "--quiet"]).finish().expect_success();
    assert_eq!((second.count("RunResumed"), second.count("CheckpointRestored")), (1, 1));
    assert_eq!(second.steps()[taken as usize].0, taken + 1, "steps go on");
    assert_eq!(second.floors(), [1, 2, 3], "each floor is counted once");
    let whole = play(&["--floors", "3"]).expect_success();
    assert_same(&second, &whole);
}

/// The number that the game shows in the first row of pixels, one bit a pixel.
fn counter_in(pixels: &[u8]) -> u32 {
    (0..32).fold(0, |counter, bit| {
        let at = 2 * (COUNTER_X + bit);
        let green = u16::from_le_bytes([pixels[at], pixels[at + 1]]) >> 5 & 0x3F;
        counter << 1 | u32::from(green > 31)
    })
}

#[test]
fn picture_and_memory_are_of_the_same_frame() {
    let scratch = Scratch::new();
    let bridge = BridgeRole::start(&burrow(), scratch.path(), 1);
    let mut client = Client::connect(&bridge.address);
    client.ask(Request::Step { frames: START_FRAMES, until: None });
    assert_eq!(client.ask(Request::Run { speed_permille: 0 }), Answer::Done);
    let (mut snapshot, mut newest, mut seen, mut last) = (Snapshot::default(), 0, 0, 0);
    let frames = if tests::is_soak() { 200_000 } else { 5_000 };
    while seen < frames {
        match bridge.ring.read_newer(newest, &mut snapshot) {
            ReadOutcome::Fresh => {
                let memory = snapshot.bytes_at(FRAME_COUNTER, 4).expect("the snapshot holds working memory");
                let memory = u32::from_le_bytes(memory.try_into().expect("four bytes"));
                assert_eq!(memory, counter_in(&snapshot.pixels), "frame {}", snapshot.stamp.frame);
                assert!(memory > last, "the game's own counter grows");
                (newest, last) = (snapshot.stamp.sequence, memory);
                seen += 1;
            }
            ReadOutcome::Stale | ReadOutcome::Lapped => std::thread::yield_now(),
        }
    }
}

#[test]
fn a_killed_bridge_leaves_no_torn_frame() {
    let scratch = Scratch::new();
    let mut snapshot = Snapshot::default();
    for life in 1..=if tests::is_soak() { 1_000 } else { 20 } {
        let bridge = BridgeRole::start(&burrow(), scratch.path(), life);
        let mut client = Client::connect(&bridge.address);
        client.ask(Request::Step { frames: START_FRAMES, until: None });
        client.ask(Request::Run { speed_permille: 0 });
        let (mut newest, mut seen) = (0, 0);
        // The moment of the kill differs from life to life, down to the middle of a write.
        while seen < 40 + life {
            if bridge.ring.read_newer(newest, &mut snapshot) == ReadOutcome::Fresh {
                (newest, seen) = (snapshot.stamp.sequence, seen + 1);
            }
        }
        tests::kill(bridge.child.id());
        tests::wait_for("the bridge to die", || (!tests::lives(bridge.child.id())).then_some(()));
        if bridge.ring.read_newer(0, &mut snapshot) == ReadOutcome::Fresh {
            let memory = snapshot.bytes_at(FRAME_COUNTER, 4).expect("the snapshot holds working memory");
            assert_eq!(u32::from_le_bytes(memory.try_into().expect("four bytes")), counter_in(&snapshot.pixels));
        } else {
            panic!("the dead bridge's last whole frame cannot be read");
        }
    }
}

#[test]
fn a_hold_of_n_frames_is_n_frames() {
    let scratch = Scratch::new();
    let bridge = BridgeRole::start(&burrow(), scratch.path(), 1);
    let mut client = Client::connect(&bridge.address);
    client.ask(Request::Step { frames: START_FRAMES, until: None });
    let region = Region { address: KEY_FRAMES + 4 * (Button::Up as u32).trailing_zeros(), length: 4 };
    let held = |client: &mut Client| {
        let Answer::Memory { bytes } = client.ask(Request::Read { regions: vec![region] }) else { panic!("no memory") };
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    };
    let mut expected = held(&mut client);
    for frames in (1..=40).chain([1, 1, 2, 100]) {
        client.ask(Request::Input { at_frame: None, frames: vec![Button::Up as u16; frames], echo: None });
        client.ask(Request::Step { frames: frames as u32 + 3, until: None });
        expected += frames as u32;
        assert_eq!(held(&mut client), expected, "after a hold of {frames} frames");
    }
}
