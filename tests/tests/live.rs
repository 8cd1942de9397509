//! The agent plays in a real mGBA window, and goes on whatever is done to that window.

use tests::live::{LiveWindow, free_port};
use tests::{Finished, Program, Scratch, burrow, is_soak, wait_for};
use wire::event::Event;
use wire::exit;
use wire::log::Line;

fn endless(live: &LiveWindow) -> Program {
    Program::run(&["--emulator", &live.emulator(), "--steps", "1000000", "--quiet"])
}

/// Waits for the next event of this kind after `after` others; returns the line.
fn event(program: &Program, name: &str, after: usize) -> Line {
    wait_for(name, || {
        program.lines().into_iter().filter(|line| tests::program::name_of(&line.event) == name).nth(after)
    })
}

fn stop(program: Program) -> Finished {
    tests::signal(program.pid(), rustix::process::Signal::TERM);
    program.finish()
}

fn steps_follow_each_other(finished: &Finished) {
    let numbers: Vec<u64> = finished.steps().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

/// Milliseconds from one line to another, for a person to read.
fn milliseconds(from: &Line, to: &Line) -> i64 {
    let of = |line: &Line| {
        let clock = line.ts.split_once('T').map_or("", |(_, clock)| clock.trim_end_matches('Z'));
        clock.split(':').fold(0.0, |seconds, part| seconds * 60.0 + part.parse::<f64>().unwrap_or_default())
    };
    ((of(to) - of(from)) * 1000.0) as i64
}

#[test]
fn floors_are_reached_in_a_live_window_with_every_key_in_the_next_frame() {
    let Some(live) = LiveWindow::open() else { return };
    let floors = if is_soak() { "3" } else { "2" };
    let finished = Program::run(&["--emulator", &live.emulator(), "--floors", floors, "--quiet"]).finish();
    assert_eq!(finished.status.code(), Some(exit::OK), "{}", finished.stderr);
    steps_follow_each_other(&finished);
    let connected = finished.lines.iter().find_map(|line| match &line.event {
        Event::EmulatorConnected { backend, profile, sha1, .. } => {
            Some((backend.clone(), profile.clone(), sha1.clone()))
        }
        _ => None,
    });
    let (backend, profile, sha1) = connected.expect("it connected");
    assert_eq!((backend.as_str(), profile.as_str()), ("mgba-lua", "burrow"));
    assert!(sha1.is_some_and(|sha1| sha1.len() == 40), "the ROM's SHA-1 was not read");
    let steps = finished.steps();
    // A game that still starts reads no keys.
    let unseen: Vec<u64> =
        steps.iter().filter(|(step, seen)| *step > 3 && seen.keys_seen == Some(false)).map(|(step, _)| *step).collect();
    assert!(unseen.is_empty(), "the game did not see the keys of steps {unseen:?}");
    let frame = |line: &Line| line.frame.expect("a step names its frame");
    let lines: Vec<&Line> =
        finished.lines.iter().filter(|line| matches!(line.event, Event::StepCompleted(_))).collect();
    // Frames from the one a decision was made on to the first its keys were held in; 1 is the least.
    let mut ages: Vec<u64> = lines.iter().zip(&steps).map(|(line, (_, step))| step.held_from - frame(line)).collect();
    ages.sort_unstable();
    let (p50, p99) = (ages[ages.len() / 2], ages[ages.len() * 99 / 100]);
    let idle: u64 = ages.iter().map(|age| age - 1).sum();
    let frames = frame(lines[lines.len() - 1]) - frame(lines[0]);
    println!(
        "{} steps in {frames} frames; keys are held {p50} frame after the one they were decided on, p99 {p99}; the game \
         waited for {idle} frames in all; from {} to {}",
        ages.len(),
        lines[0].ts,
        lines[lines.len() - 1].ts
    );
    assert!(p50 <= 2, "decided on frames {p50} frames old");
    // How the slowest fare on a busy machine says nothing of the program; the campaign runs alone.
    if is_soak() {
        assert!(p99 <= 2, "decided on frames {p99} frames old");
        assert!(idle * 10 <= frames, "the game waited for {idle} of {frames} frames");
    }
}

#[test]
fn a_paused_window_is_said_to_be_and_the_run_waits() {
    let Some(mut live) = LiveWindow::open() else { return };
    let program = endless(&live);
    program.wait_for_steps(20);
    live.window.pause();
    let silent = event(&program, "EmulatorSilent", 0);
    let steps = program.last_step();
    let last = event(&program, "StepCompleted", steps as usize - 1);
    if is_soak() {
        std::thread::sleep(std::time::Duration::from_secs(30));
    }
    assert_eq!(program.last_step(), steps, "it played on blindly");
    live.window.resume();
    let resumed = event(&program, "EmulatorResumed", 0);
    println!(
        "the alarm came {} ms after the last step, play went on {} ms after the alarm",
        milliseconds(&last, &silent),
        milliseconds(&silent, &resumed)
    );
    program.wait_for_steps(steps + 20);
    let finished = stop(program);
    assert_eq!(finished.count("EmulatorLost"), 0);
    steps_follow_each_other(&finished);
}

#[test]
fn a_reloaded_script_and_a_reopened_window_are_found_again() {
    let Some(mut live) = LiveWindow::open() else { return };
    let program = endless(&live);
    program.wait_for_steps(20);
    live.load_script();
    event(&program, "EmulatorChanged", 0);
    program.wait_for_steps(program.last_step() + 20);
    live.window.close();
    event(&program, "EmulatorSilent", 0);
    live.window.reopen(&burrow());
    live.load_script();
    let loaded = std::time::SystemTime::now();
    let changed = event(&program, "EmulatorChanged", 1);
    println!(
        "{} ms after its script was loaded the window was found: {}",
        loaded.elapsed().map_or(0, |time| time.as_millis()),
        changed.ts
    );
    program.wait_for_steps(program.last_step() + 20);
    let finished = stop(program);
    steps_follow_each_other(&finished);
    assert_eq!(finished.count("ProcessExited"), 4, "no process had to die for it");
}

#[test]
fn a_reset_under_the_agent_drops_the_old_plan_and_play_goes_on() {
    let Some(mut live) = LiveWindow::open() else { return };
    let program = endless(&live);
    program.wait_for_steps(60);
    live.window.reset();
    let changed = event(&program, "EmulatorChanged", 0);
    assert!(matches!(&changed.event, Event::EmulatorChanged { what, .. } if what.contains("reset")), "{changed:?}");
    program.wait_for_steps(program.last_step() + 40);
    steps_follow_each_other(&stop(program));
}

#[test]
fn a_killed_bridge_finds_the_window_again_and_leaves_the_game_where_it_was() {
    let Some(live) = LiveWindow::open() else { return };
    let program = endless(&live);
    program.wait_for_steps(60);
    tests::kill(program.role("emulator-bridge", 0));
    program.role("emulator-bridge", 1);
    program.wait_for_steps(program.last_step() + 40);
    let finished = stop(program);
    steps_follow_each_other(&finished);
    assert_eq!(finished.count("CheckpointRestored"), 0, "somebody's game was put back");
}

#[test]
fn a_stopped_run_goes_on_in_the_window_where_the_game_stands() {
    let Some(live) = LiveWindow::open() else { return };
    let program = endless(&live);
    program.wait_for_steps(60);
    let finished = stop(program);
    let (run, before) = (finished.run().to_path_buf(), finished.steps().len());
    let again = Program::start(&run, &["--resume", run.to_str().expect("it is text"), "--steps", "120", "--quiet"]);
    let resumed = again.finish();
    assert_eq!(resumed.status.code(), Some(exit::OK), "{}", resumed.stderr);
    assert!(before < 120 && resumed.steps().len() == 120);
    assert_eq!(resumed.count("CheckpointRestored"), 0, "somebody's game was put back");
}

#[test]
fn auto_takes_the_live_window_and_says_so() {
    let Some(live) = LiveWindow::open() else { return };
    let scratch = Scratch::new();
    let config = scratch.path().join("config.toml");
    let text = format!("[emulator]\nmgba_lua = \"{}\"\nmgba_http = \"127.0.0.1:{}\"\n", live.address, free_port());
    std::fs::write(&config, text).expect("it is written");
    let finished = Program::run(&["--config", config.to_str().expect("it is text"), "--steps", "10"]).finish();
    assert_eq!(finished.status.code(), Some(exit::OK), "{}", finished.stderr);
    assert!(finished.stdout.contains("live mGBA window"), "{}", finished.stdout);
}

#[test]
fn auto_without_a_window_takes_the_embedded_emulator_and_says_so() {
    let scratch = Scratch::new();
    let config = scratch.path().join("config.toml");
    let text =
        format!("[emulator]\nmgba_lua = \"127.0.0.1:{}\"\nmgba_http = \"127.0.0.1:{}\"\n", free_port(), free_port());
    std::fs::write(&config, text).expect("it is written");
    let arguments = ["--config", config.to_str().expect("it is text"), "--steps", "10", "--pace", "unthrottled"];
    let finished = Program::run(&arguments).finish();
    assert_eq!(finished.status.code(), Some(exit::OK), "{}", finished.stderr);
    assert!(finished.stdout.contains("no mGBA window answers"), "{}", finished.stdout);
}

#[test]
fn without_a_window_the_one_line_says_what_to_open_and_load() {
    let finished =
        Program::run(&["--emulator", &format!("mgba-lua:127.0.0.1:{}", free_port()), "--steps", "10"]).finish();
    assert_eq!(finished.status.code(), Some(exit::UNAVAILABLE), "{}", finished.stderr);
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line: {}", finished.stderr);
    assert!(finished.stderr.contains("pocketpilot.lua"), "{}", finished.stderr);
}
