//! What the documents say about the code is true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use wire::event::EVENT_NAMES;

fn read(path: &str) -> String {
    std::fs::read_to_string(tests::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The project's own files of a kind.
fn files(extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the project can be read").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && name != "runs" && !name.to_string_lossy().starts_with('.') {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|kind| kind == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&tests::root(), extension, &mut found);
    found
}

#[test]
fn siblings_never_depend_on_each_other() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(tests::root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let siblings = BTreeSet::from(["actors", "emulator-bridge", "indexes", "skills"]);
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let own: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|dependency| siblings.contains(dependency) || ["agent", "tests", "wire"].contains(dependency))
            .collect();
        if siblings.contains(name) {
            assert_eq!(own, BTreeSet::from(["wire"]), "{name} depends on more of the project than wire");
        }
        if name == "wire" {
            assert_eq!(own, BTreeSet::new(), "wire depends on the project");
        }
    }
}

#[test]
fn every_event_is_documented_and_every_documented_event_exists() {
    let text = read("docs/telemetry.md");
    let documented: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(documented, EVENT_NAMES.iter().copied().collect());
}

#[test]
fn every_field_of_every_event_is_documented() {
    let text = read("docs/telemetry.md");
    let source = read("actors/wire/src/event.rs");
    let events = source.split("pub enum Event {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the enum");
    let mut event = "";
    let mut fields = 0;
    for line in events.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {") {
            event = name;
        } else if let Some((field, _)) = line.split_once(": ") {
            let section = text.split(&format!("### {event}\n")).nth(1).and_then(|rest| rest.split("\n### ").next());
            let section = section.unwrap_or_else(|| panic!("{event} is not documented"));
            assert!(section.contains(&format!("`{field}`")), "{event}.{field} is not documented");
            fields += 1;
        }
    }
    assert!(fields > 50, "only {fields} fields were found");
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let specification = read("SPECIFICATION.md");
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a source file");
    let sources: String = files("rs").iter().map(read).collect();
    let mut promises = 0;
    for line in specification.lines() {
        let Some(number) = line.split('|').nth(1).and_then(|cell| cell.trim().parse::<u32>().ok()) else { continue };
        promises += 1;
        assert_eq!(number, promises, "promises are numbered without gaps");
        let named: Vec<&str> = line.rsplit('|').nth(1).expect("a last column").split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "promise {number} names no test");
        for test in named {
            let name = test.rsplit("::").next().expect("a name");
            assert!(sources.contains(&format!("fn {name}(")), "promise {number} names `{test}`, which does not exist");
        }
    }
    assert!(promises > 20, "only {promises} promises were found");
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    // The fixture game's art is a table that a program writes.
    let written_by_hand = |path: &PathBuf| path.file_name().is_some_and(|name| name != "art_data.c");
    for path in files("rs").into_iter().chain(files("c")).filter(written_by_hand) {
        let lines = std::fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_fixture_game_is_what_its_sources_make() {
    if Command::new("arm-none-eabi-gcc").arg("--version").output().is_err() {
        println!("skipped: arm-none-eabi-gcc is not installed (scripts/setup.sh --tests)");
        return;
    }
    let scratch = tests::Scratch::new();
    let folder = tests::root().join("emulator-bridge/burrow");
    let copied = Command::new("cp").arg("-r").arg(&folder).arg(scratch.path()).status().expect("cp runs");
    assert!(copied.success());
    let copy = scratch.path().join("burrow");
    std::fs::remove_file(copy.join("burrow.gba")).expect("the built game is there");
    let made = Command::new("make").arg("-C").arg(&copy).output().expect("make runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (ours, theirs) = (std::fs::read(tests::burrow()), std::fs::read(copy.join("burrow.gba")));
    assert!(ours.expect("committed") == theirs.expect("made"), "the committed game is not what its sources make");
}
