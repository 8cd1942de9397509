//! `agent attach`: somebody looks at a run from another terminal, while it is played and afterwards.

use std::path::Path;
use tests::program::executable;
use tests::terminal::Terminal;
use tests::{Program, Scratch, is_soak, wait_for};
use wire::event::{Event, Level};
use wire::exit;
use wire::log::Line;

/// A terminal that is attached to a run; none, and a line that says why, where there is no tmux.
fn attach(run: &Path) -> Option<Terminal> {
    if let Err(missing) = Terminal::available() {
        eprintln!("skipped: {missing}");
        return None;
    }
    let run = run.to_str().expect("a temporary path is text");
    Some(Terminal::start((150, 45), &executable(), &["attach", run]))
}

/// The number of the step that is shown.
fn step(terminal: &Terminal) -> Option<u64> {
    let text = terminal.text();
    text.split("step ").skip(1).find_map(|after| after.split_whitespace().next()?.parse().ok())
}

#[test]
fn a_run_is_shown_live_and_goes_on_when_nobody_looks_any_more() {
    let mut program = Program::run(&["--steps", "100000", "--floors", "0", "--pace", "unthrottled", "--quiet"]);
    program.wait_for_steps(5);
    let Some(terminal) = attach(program.run_folder()) else { return };
    for part in ["LIVE", "HP ", "belly ", "why: ", "decided by planner", "pixels ", "q leave"] {
        terminal.wait_for(part);
    }
    let first = wait_for("a step to be shown", || step(&terminal));
    wait_for("a later step to be shown", || step(&terminal).filter(|step| *step > first));
    let coloured = wait_for("a picture", || Some(terminal.coloured()).filter(|text| text.matches('▀').count() > 1_000));
    assert!(coloured.contains("\x1b[38;2;"), "the picture has colours");

    terminal.press("2");
    for part in ["emulator-bridge", "actors", "ready"] {
        terminal.wait_for(part);
    }
    terminal.press("4");
    terminal.wait_for("SkillLoaded");
    terminal.press("q");
    terminal.wait_for("status 0");
    let left = program.last_step();
    program.wait_for_steps(left + 5);
    assert!(program.is_running());
}

#[test]
fn time_stands_still_while_somebody_looks_back() {
    let program = Program::run(&["--steps", "100000", "--floors", "0", "--pace", "unthrottled", "--quiet"]);
    program.wait_for_steps(60);
    let Some(terminal) = attach(program.run_folder()) else { return };
    terminal.wait_for("LIVE");
    terminal.press("Left");
    terminal.wait_for("PAST");
    let back = wait_for("a step to be shown", || step(&terminal));
    terminal.press("Home");
    wait_for("the first step", || step(&terminal).filter(|step| *step == 1));
    program.wait_for_steps(program.last_step() + 10);
    assert_eq!(step(&terminal), Some(1));
    terminal.press("End");
    terminal.wait_for("LIVE");
    wait_for("the newest step", || step(&terminal).filter(|step| *step > back));
}

#[test]
fn a_run_that_ended_is_shown_with_its_end() {
    let run = Program::run(&["--steps", "30", "--pace", "unthrottled", "--quiet"]).finish().expect_success();
    let Some(terminal) = attach(run.run()) else { return };
    for part in ["ended, done: steps done", "no picture", "step 30"] {
        terminal.wait_for(part);
    }
    terminal.press("C-c");
    terminal.wait_for("status 0");
}

#[test]
fn steps_of_a_run_of_a_billion_are_shown_with_their_whole_numbers() {
    let run = Program::run(&["--steps", "5", "--pace", "unthrottled", "--quiet"]).finish().expect_success();
    let log = run.run().join("telemetry.jsonl");
    let lines = std::fs::read_to_string(&log).expect("it is read").replace("\"step\":", "\"step\":123456789");
    std::fs::write(&log, lines).expect("it is written");
    let Some(terminal) = attach(run.run()) else { return };
    for step in 1..=5 {
        terminal.wait_for(&format!("\u{2502}123456789{step} "));
    }
}

#[test]
fn a_step_of_the_past_is_shown_with_its_own_picture_where_it_was_kept() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[telemetry]\ninspection = true\n");
    let arguments = ["--steps", "30", "--pace", "unthrottled", "--quiet", "--emulator", "libretro"];
    let config = ["--config", config.to_str().expect("a temporary path is text")];
    let inspected = Program::run(&[&arguments[..], &config].concat()).finish().expect_success();
    let Some(terminal) = attach(inspected.run()) else { return };
    terminal.wait_for("no picture");
    terminal.press("Home");
    wait_for("the first step", || step(&terminal).filter(|step| *step == 1));
    let cells = || terminal.coloured().matches('▀').count();
    wait_for("its picture", || (cells() > 1_000).then_some(()));
    terminal.press("End");
    terminal.wait_for("no picture");
    terminal.press("Left");
    terminal.wait_for("leader");
    assert!(!terminal.text().contains("the map is of now"), "it is that of the step: the game is over");
    terminal.press("End");
    terminal.wait_for("no picture");
    assert!(cells() < 1_000);

    let plain = Program::run(&arguments).finish().expect_success();
    let Some(terminal) = attach(plain.run()) else { return };
    terminal.wait_for("no picture");
    terminal.press("Left");
    terminal.wait_for("inspection = true");
    assert!(cells() < 1_000);
}

/// While the game is played, pictures that were seen are remembered.
#[test]
fn a_step_that_was_watched_is_shown_with_its_own_picture() {
    let program = Program::run(&["--steps", "100000", "--floors", "0", "--pace", "realtime", "--quiet"]);
    program.wait_for_steps(3);
    let Some(terminal) = attach(program.run_folder()) else { return };
    terminal.wait_for("LIVE");
    wait_for("a step that was watched", || {
        let seen = step(&terminal)?;
        program.wait_for_steps(seen + 4);
        terminal.press("Left");
        terminal.wait_for("PAST");
        let is_shown = terminal.coloured().matches('▀').count() > 1_000 && !terminal.text().contains("was not kept");
        terminal.press("End");
        terminal.wait_for("LIVE");
        is_shown.then_some(())
    });
}

#[test]
fn whoever_comes_and_goes_does_not_disturb_the_run() {
    let times = if is_soak() { 1_000 } else { 8 };
    let mut program = Program::run(&["--steps", "10000000", "--floors", "0", "--pace", "unthrottled", "--quiet"]);
    program.wait_for_steps(5);
    for _ in 0..times {
        let Some(terminal) = attach(program.run_folder()) else { return };
        terminal.wait_for("LIVE");
        terminal.press("q");
        terminal.wait_for("status 0");
    }
    assert!(program.is_running());
    let lines = program.lines();
    // A disk that is slow under the other tests is not the doing of whoever looks.
    let is_of_disk = |line: &Line| matches!(line.event, Event::StatementSlowed { .. });
    let troubles: Vec<_> = lines.iter().filter(|line| line.level != Level::Info && !is_of_disk(line)).collect();
    assert!(troubles.is_empty(), "the run has noticed something: {troubles:?}");
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let run = Program::run(&["--steps", "1", "--pace", "unthrottled", "--quiet"]).finish().expect_success();
    let scratch = Scratch::new();
    let path = run.run().to_str().expect("a temporary path is text").to_string();
    let finished = Program::start(scratch.path(), &["attach", &path]).finish();
    assert_eq!(finished.status.code(), Some(exit::USAGE));
    assert!(finished.stderr.contains("agent tail"), "{}", finished.stderr);
    assert_eq!(finished.stderr.lines().count(), 1);
}
