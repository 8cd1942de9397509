//! `agent report`: what a run did and what it took, from its log.

use std::path::Path;
use tests::{Finished, Program, Scratch};
use wire::exit;
use wire::log::LOG_FILE;

fn report(arguments: &[&str]) -> Finished {
    let scratch = Scratch::new();
    Program::start(scratch.path(), &[&["report"], arguments].concat()).finish()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

#[test]
fn a_run_is_told_with_its_times_play_skills_and_processes() {
    // In real time, so that it takes some seconds on any machine.
    let run = Program::run(&["--steps", "30", "--pace", "realtime", "--quiet"]).finish().expect_success();
    let told = report(&[text(run.run())]).expect_success();
    for part in [
        "- done: steps done",
        "- 30 steps in",
        "| emulator |",
        "| **whole step** | 100.0 % |",
        "## Skills",
        "| start-game |",
        "## Processes",
        "| agent | 1 |",
        "![Steps a second](steps.png)",
    ] {
        assert!(told.stdout.contains(part), "no {part:?} in {}", told.stdout);
    }
    let folder = run.run().join("report");
    assert_eq!(std::fs::read_to_string(folder.join("report.md")).expect("it is kept"), told.stdout);
    let chart = std::fs::read(folder.join("steps.png")).expect("it is drawn");
    assert!(chart.starts_with(b"\x89PNG"));
}

#[test]
fn a_slower_run_is_told_from_one_alike() {
    let run = Program::run(&["--steps", "60", "--pace", "unthrottled", "--quiet"]).finish().expect_success();
    let log = std::fs::read_to_string(run.run().join(LOG_FILE)).expect("it is there");
    let scratch = Scratch::new();
    // The same steps, one after the other at a known distance, for two minutes.
    let spread = |name: &str, distance_ms: usize| {
        let steps: Vec<&str> = log.lines().filter(|line| line.contains("\"StepCompleted\"")).collect();
        let lines = steps.iter().cycle().take(120_000 / distance_ms).enumerate().map(|(place, line)| {
            let at_ms = place * distance_ms + place % 7;
            let ts = format!("2026-11-29T03:{:02}:{:02}.{:03}000Z", at_ms / 60_000, at_ms / 1_000 % 60, at_ms % 1_000);
            let (_, rest) = line.split_once("\",").expect("a line begins with its time");
            format!("{{\"ts\":\"{ts}\",{rest}\n")
        });
        scratch.file(name, lines.collect::<String>())
    };
    let (fast, like, slow) = (spread("fast.jsonl", 20), spread("like.jsonl", 20), spread("slow.jsonl", 40));
    let compare = |this: &Path, other: &Path| {
        let out = scratch.path().join("out");
        report(&[text(this), "--compare", text(other), "--out", text(&out)])
    };
    let told = compare(&like, &fast);
    assert_eq!(told.status.code(), Some(exit::OK), "{}", told.stdout);
    assert!(
        told.stdout.contains("| steps a second |") && told.stdout.contains("no difference shown"),
        "{}",
        told.stdout
    );
    let told = compare(&slow, &fast);
    assert_eq!(told.status.code(), Some(exit::UNFINISHED), "{}", told.stdout);
    let line = told.stdout.lines().find(|line| line.contains("| steps a second |")).expect("it is compared");
    assert!(line.contains("**worse**"), "{line}");
}

#[test]
fn a_run_that_is_not_there_or_a_folder_that_cannot_be_written_is_one_line() {
    let missing = report(&["no-such-run"]);
    assert_eq!(
        (missing.status.code(), missing.stderr.lines().count()),
        (Some(exit::NO_INPUT), 1),
        "{}",
        missing.stderr
    );
    let run = Program::run(&["--steps", "1", "--pace", "unthrottled", "--quiet"]).finish().expect_success();
    let scratch = Scratch::new();
    let file = scratch.file("file", "");
    let blocked = report(&[text(run.run()), "--out", text(&file.join("x"))]);
    assert_eq!((blocked.status.code(), blocked.stderr.lines().count()), (Some(exit::IO), 1), "{}", blocked.stderr);
    assert!(blocked.stderr.contains("--out"), "{}", blocked.stderr);
}
