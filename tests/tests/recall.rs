//! Experience in whole games: what is remembered, that it is used, and that it survives every death and every bad file.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tests::program::executable;
use tests::{Finished, Program, Scratch};
use wire::event::Event;

const FAST: [&str; 3] = ["--pace", "unthrottled", "--quiet"];

/// Games that share one folder of memories.
struct Study {
    scratch: Scratch,
    games: std::cell::Cell<u32>,
}

impl Study {
    fn new() -> Study {
        Study { scratch: Scratch::new(), games: std::cell::Cell::new(0) }
    }

    fn memories(&self) -> PathBuf {
        self.scratch.path().join("memories")
    }

    fn start(&self, arguments: &[&str]) -> Program {
        self.games.set(self.games.get() + 1);
        let run = self.scratch.path().join(format!("run-{}", self.games.get()));
        Program::run_in(&run, &[&FAST[..], arguments].concat(), None)
    }

    fn play(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish().expect_success()
    }

    /// `agent index` on the memories.
    fn index(&self, arguments: &[&str]) -> Output {
        let memories = self.memories();
        let place = ["--memories", memories.to_str().expect("a temporary path is text")];
        index(&[arguments, &place].concat())
    }

    fn stats(&self) -> Value {
        let output = self.index(&["stats", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("stats are JSON")
    }

    /// Files of every silo's present generation.
    fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.memories()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("it can be read").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|file| file == name) {
                    found.push(path);
                }
            }
        }
        found
    }
}

fn index(arguments: &[&str]) -> Output {
    Command::new(executable()).arg("index").args(arguments).output().expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// What the steps were and what they saw.
fn trace(finished: &Finished) -> Vec<(u64, String, String)> {
    finished
        .steps()
        .into_iter()
        .map(|(number, step)| (number, step.action.clone(), step.ram_hash.to_string()))
        .collect()
}

fn kept(finished: &Finished) -> u64 {
    let kept = finished.lines.iter().map(|line| match line.event {
        Event::MemoriesKept { kept, .. } => kept,
        _ => 0,
    });
    kept.sum()
}

fn recalled(finished: &Finished, wanted: &str) -> u64 {
    let counts = finished.lines.iter().map(|line| match &line.event {
        Event::RecallReturned { outcome, count, .. } if outcome == wanted => *count,
        _ => 0,
    });
    counts.sum()
}

#[test]
fn a_game_is_remembered_and_what_is_remembered_can_be_looked_at() {
    let study = Study::new();
    let first = study.play(&["--seed", "7", "--floors", "3"]);
    let stats = study.stats();
    let space = &stats["spaces"][0];
    assert_eq!(space["silos"].as_array().map(Vec::len), Some(7), "{stats}");
    assert_eq!(space["memories"].as_u64(), Some(kept(&first)), "{stats}");
    assert!(kept(&first) > 100, "{} memories of {} steps", kept(&first), first.steps().len());
    let found = study.index(&["search", "--like", "1", "--json"]);
    let lines: Vec<Value> = String::from_utf8_lossy(&found.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    assert_eq!(lines[0]["id"].as_u64(), Some(1), "a memory is nearest to itself: {lines:?}");
    assert!(lines.len() > 1);
}

#[test]
fn with_recall_off_play_is_the_same_whatever_is_remembered() {
    let study = Study::new();
    let before = study.play(&["--seed", "7", "--floors", "2", "--recall", "off"]);
    let after = study.play(&["--seed", "7", "--floors", "2", "--recall", "off"]);
    assert!(kept(&before) > 0);
    assert_eq!(trace(&before), trace(&after));
    assert_eq!(recalled(&after, "found"), 0);
}

#[test]
fn floors_that_were_played_before_are_recognised() {
    let study = Study::new();
    let first = study.play(&["--seed", "7", "--floors", "4"]);
    let again = study.play(&["--seed", "7", "--floors", "4", "--recall", "on"]);
    assert!(recalled(&again, "found") > 0);
    assert_eq!(first.count("LayoutRecognised"), 0);
    assert!(again.count("LayoutRecognised") >= 2, "{} floors recognised", again.count("LayoutRecognised"));
    let (first, again) = (first.steps().len(), again.steps().len());
    assert!(again < first, "{again} steps where it took {first} before");
}

#[test]
fn a_killed_indexes_role_loses_nothing_that_it_said_to_be_kept() {
    let study = Study::new();
    let kills = if tests::is_soak() { 50 } else { 4 };
    let program = study.start(&["--seed", "7", "--floors", "0", "--steps", "1000000"]);
    for life in 0..kills {
        let pid = program.role("indexes", life);
        let steps = program.last_step();
        program.wait_for_steps(steps + 100);
        tests::kill(pid);
    }
    program.role("indexes", kills);
    let steps = program.last_step();
    program.wait_for_steps(steps + 200);
    tests::signal(program.pid(), rustix::process::Signal::INT);
    let finished = program.finish();
    let numbers: Vec<u64> = finished.steps().iter().map(|(number, _)| *number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no step is missing or doubled");
    let verified = study.index(&["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let stored = study.stats()["spaces"][0]["memories"].as_u64().unwrap_or_default();
    assert!(stored >= kept(&finished) && stored > 0, "{stored} stored, {} said to be kept", kept(&finished));
}

#[test]
fn a_silo_that_was_damaged_is_refused_and_made_anew_and_the_game_goes_on() {
    let study = Study::new();
    study.play(&["--seed", "7", "--floors", "3"]);
    assert!(study.index(&["compact"]).status.success());
    let files = study.files("vectors.faiss");
    assert_eq!(files.len(), 7, "{files:?}");
    for (at, path) in files.iter().enumerate() {
        let mut bytes = std::fs::read(path).expect("it can be read");
        match at % 3 {
            0 => *bytes.last_mut().expect("it is not empty") ^= 1,
            1 => bytes.truncate(bytes.len() / 2),
            _ => bytes = b"no index".to_vec(),
        }
        std::fs::write(path, bytes).expect("it can be written");
    }
    let verified = study.index(&["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{}", String::from_utf8_lossy(&verified.stdout));
    let memories = study.stats()["spaces"][0]["memories"].clone();
    let finished = study.play(&["--seed", "8", "--floors", "2", "--recall", "on"]);
    assert_eq!(finished.count("GenerationRefused"), 7);
    let has_died = |event: &Event| matches!(event, Event::ProcessExited { expected: false, .. });
    assert!(!finished.lines.iter().any(|line| has_died(&line.event)), "the role does not die of it");
    assert!(study.index(&["compact"]).status.success());
    let verified = study.index(&["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert!(study.stats()["spaces"][0]["memories"].as_u64() >= memories.as_u64());
}

#[test]
fn a_role_that_stands_still_is_late_and_the_game_does_not_wait() {
    let study = Study::new();
    study.play(&["--seed", "7", "--floors", "2"]);
    let program = study.start(&["--seed", "7", "--floors", "0", "--steps", "1000000", "--recall", "on"]);
    let pid = program.role("indexes", 0);
    program.wait_for_steps(30);
    tests::signal(pid, rustix::process::Signal::STOP);
    let steps = program.last_step();
    program.wait_for_steps(steps + 40);
    tests::signal(pid, rustix::process::Signal::CONT);
    tests::signal(program.pid(), rustix::process::Signal::INT);
    let finished = program.finish();
    assert!(recalled(&finished, "late") > 0);
}

#[test]
fn of_two_runs_at_once_one_keeps_memories_and_the_other_says_why_not() {
    let study = Study::new();
    let first = study.start(&["--seed", "7", "--floors", "0", "--steps", "1000000"]);
    first.wait_for_steps(50);
    let second = study.play(&["--seed", "8", "--floors", "2"]);
    assert_eq!(kept(&second), 0);
    let says_so = second.lines.iter().any(|line| match &line.event {
        Event::AlertRaised { alert, detail } => alert == "memories not kept" && detail.contains("process"),
        _ => false,
    });
    assert!(says_so, "no alert says that its memories are not kept");
    let compact = study.index(&["compact"]);
    assert_eq!(compact.status.code(), Some(69), "{}", String::from_utf8_lossy(&compact.stderr));
    drop(first);
}

#[test]
fn what_is_exported_can_be_imported_elsewhere() {
    let study = Study::new();
    study.play(&["--seed", "7", "--floors", "2"]);
    let target = study.scratch.path().join("out");
    let exported = study.index(&["export", text(&target)]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let elsewhere = study.scratch.path().join("elsewhere");
    let import = || index(&["import", text(&target), "--memories", text(&elsewhere)]);
    let imported = import();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert!(import().status.success(), "the same again adds nothing");
    let stats = index(&["stats", "--json", "--memories", text(&elsewhere)]);
    let stats: Value = serde_json::from_slice(&stats.stdout).expect("stats are JSON");
    let here = study.stats();
    assert_eq!(stats["spaces"][0]["memories"], here["spaces"][0]["memories"]);
    assert_eq!(stats["spaces"][0]["name"], here["spaces"][0]["name"]);
    let again = study.index(&["export", text(&target)]);
    assert_eq!(again.status.code(), Some(64), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_folder_without_memories_is_named() {
    let output = index(&["stats", "--memories", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(66));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.lines().count() == 1 && error.contains("/nowhere/at/all"), "{error}");
}
