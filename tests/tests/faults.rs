//! The program under faults: killed and stopped roles, a killed parent, a full disk.

use std::collections::BTreeSet;
use tests::{Program, Scratch, kill, lives, wait_for};
use wire::event::Event;
use wire::exit;

const ROLES: [&str; 4] = ["emulator-bridge", "actors", "indexes", "skills"];
const ENDLESS: [&str; 7] = ["--floors", "0", "--steps", "1000000", "--pace", "unthrottled", "--quiet"];
/// Kills in one run: the back-off after the third is under half a second, so that the run goes on within one.
const KILLS_A_RUN: usize = 3;

/// A generator of the tests' own, so that a failing seed can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// The processes a run has ever started.
fn children(program: &Program) -> BTreeSet<u32> {
    let pids = program.lines().into_iter().filter_map(|line| match line.event {
        Event::ProcessReady { child_pid, .. } => Some(child_pid),
        _ => None,
    });
    pids.collect()
}

/// Kills a role several times at random moments of one run; the run must go on each time and reach its floors.
fn survives_the_death_of(role: &str, seed: u64) {
    let mut dice = Dice(seed);
    let name = seed.to_string();
    let program = Program::run(&["--floors", "10", "--seed", &name, "--pace", "unthrottled", "--quiet"]);
    for life in 0..KILLS_A_RUN {
        let pid = program.role(role, life);
        program.wait_for_steps(program.last_step() + 20 + dice.roll(120));
        kill(pid);
        program.role(role, life + 1);
        // It goes on: more steps come after the role's return.
        program.wait_for_steps(program.last_step() + 5);
    }
    let pids = children(&program);
    let finished = program.finish();
    let context = format!("role {role}, seed {seed}: {}", finished.stderr);
    assert!(finished.status.success(), "{context}");
    assert_eq!(finished.torn, 0, "{context}");
    assert_eq!(finished.count("ProcessRestarted"), KILLS_A_RUN, "{context}");
    assert_eq!(finished.floors().into_iter().max(), Some(10), "{context}");
    let numbers: Vec<u64> = finished.steps().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "steps are missing or doubled; {context}");
    assert_eq!(pids.into_iter().filter(|pid| lives(*pid)).count(), 0, "orphans; {context}");
    print_gaps(role, seed, &finished);
}

/// Prints how long the run paused at most for a restart: figures are for a person, the tests assert no times.
fn print_gaps(role: &str, seed: u64, finished: &tests::Finished) {
    let steps: Vec<&str> = finished
        .lines
        .iter()
        .filter(|line| matches!(line.event, Event::StepCompleted(_)))
        .map(|line| line.ts.as_str())
        .collect();
    let second_of_day = |ts: &str| -> f64 {
        let part = |range: std::ops::Range<usize>| ts[range].parse::<f64>().unwrap_or_default();
        part(11..13) * 3600.0 + part(14..16) * 60.0 + part(17..26)
    };
    let pauses = steps.windows(2).map(|pair| second_of_day(pair[1]) - second_of_day(pair[0]));
    println!("{role}, seed {seed}: longest pause between two steps {:.3} s", pauses.fold(0.0, f64::max));
}

fn campaign(role: &str) {
    for seed in 1..=if tests::is_soak() { 7 } else { 1 } {
        survives_the_death_of(role, seed);
    }
}

#[test]
fn a_run_survives_the_death_of_its_emulator_bridge() {
    campaign("emulator-bridge");
}

#[test]
fn a_run_survives_the_death_of_its_actors() {
    campaign("actors");
}

#[test]
fn a_run_survives_the_death_of_its_indexes() {
    campaign("indexes");
}

#[test]
fn a_run_survives_the_death_of_its_skills() {
    campaign("skills");
}

#[test]
fn a_role_that_does_nothing_is_noticed_and_replaced() {
    let program = Program::run(&ENDLESS);
    let pid = program.role("emulator-bridge", 0);
    program.wait_for_steps(20);
    tests::signal(pid, rustix::process::Signal::STOP);
    program.role("emulator-bridge", 1);
    program.wait_for_steps(program.last_step() + 20);
    let suspected = |event: &Event| matches!(event, Event::ProcessSuspected { child_pid, .. } if *child_pid == pid);
    assert!(program.lines().iter().any(|line| suspected(&line.event)));
    assert!(!lives(pid));
}

#[test]
fn a_role_that_keeps_dying_is_given_up_and_the_end_says_so() {
    let program = Program::run(&["--steps", "4000", "--pace", "unthrottled", "--quiet"]);
    for life in 0..6 {
        kill(program.role("skills", life));
    }
    let finished = program.finish();
    assert_eq!(finished.status.code(), Some(exit::UNFINISHED), "{}", finished.stderr);
    assert!(finished.stderr.contains("without skills"), "{}", finished.stderr);
    assert_eq!(finished.count("CircuitOpened"), 1);
    assert_eq!(finished.steps().len(), 4_000, "the game went on without it");
}

#[test]
fn nothing_outlives_a_killed_parent() {
    let program = Program::run(&ENDLESS);
    let pids: Vec<u32> = ROLES.iter().map(|role| program.role(role, 0)).collect();
    program.wait_for_steps(10);
    assert!(pids.iter().all(|pid| lives(*pid)));
    kill(program.pid());
    for pid in pids {
        wait_for("a role to follow its parent", || (!lives(pid)).then_some(()));
    }
}

#[test]
fn a_lone_bridge_that_dies_ends_the_run_that_plays_on_it() {
    let bridge = tests::bridge::LoneBridge::start(&tests::burrow());
    let program = Program::run(&[&ENDLESS[..], &["--emulator", &bridge.address]].concat());
    program.wait_for_steps(20);
    kill(bridge.pid());
    let finished = program.finish();
    assert_eq!(finished.status.code(), Some(exit::UNAVAILABLE), "{}", finished.stderr);
    assert!(finished.count("EmulatorLost") > 0);
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line: {}", finished.stderr);
}

#[test]
fn a_full_disk_ends_the_run_with_one_line_and_keeps_what_was_written() {
    let scratch = Scratch::new();
    let Some(small) = SmallDisk::mount(&scratch.path().join("small"), "256k") else { return };
    // The memories are on another disk; theirs is the next test.
    let memories = scratch.path().join("memories");
    let elsewhere = ["--memories", memories.to_str().expect("a temporary path is text")];
    let finished = Program::run_in(&small.path().join("run"), &[&ENDLESS[..], &elsewhere].concat(), None).finish();
    drop(small);
    assert_eq!(finished.status.code(), Some(exit::IO), "{}", finished.stderr);
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line: {}", finished.stderr);
    assert!(finished.stderr.contains("telemetry"), "{}", finished.stderr);
    let numbers: Vec<u64> = finished.steps().iter().map(|(number, _)| *number).collect();
    assert!(numbers.len() > 50, "only {} steps were written", numbers.len());
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(finished.torn <= ROLES.len() + 1, "{} torn lines", finished.torn);
}

#[test]
fn a_full_disk_of_memories_is_told_and_the_game_goes_on() {
    let scratch = Scratch::new();
    let Some(small) = SmallDisk::mount(&scratch.path().join("small"), "512k") else { return };
    let memories = small.path().join("memories");
    let arguments = ["--steps", "1500", "--memories", memories.to_str().expect("a temporary path is text")];
    let run = scratch.path().join("run");
    let finished = Program::run_in(&run, &[&arguments[..], &["--pace", "unthrottled", "--quiet"]].concat(), None);
    let finished = finished.finish().expect_success();
    let refused = finished.lines.iter().any(|line| matches!(line.event, Event::MemoriesKept { refused: 1.., .. }));
    assert!(refused, "no memory was refused");
    let has_died = |event: &Event| matches!(event, Event::ProcessExited { expected: false, .. });
    assert!(!finished.lines.iter().any(|line| has_died(&line.event)), "the role does not die of it");
    drop(small);
}

/// A small file system of a test's own.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// Mounts it; nothing where that is not allowed.
    fn mount(path: &std::path::Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir(path).expect("the scratch folder can be written");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(path)
            .stderr(std::process::Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(path.to_path_buf()));
        }
        println!("skipped: a small file system cannot be mounted here (needs root)");
        None
    }

    fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Left mounted it would be in the way of the folder's removal, which says so.
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
