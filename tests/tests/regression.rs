//! What became dearer is noticed: counts of instructions against their budgets, and every bench in one line of history.

use serde_json::Value;
use std::process::{Command, Output};
use tests::Scratch;
use tests::program::executable;

const BENCHES: [&str; 9] =
    ["decode", "bridge", "skills", "recall", "router", "models", "telemetry", "loop", "instructions"];

fn bench(arguments: &[&str]) -> Output {
    Command::new(executable()).arg("bench").args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn no_path_takes_more_instructions_than_its_budget() {
    let output = bench(&["instructions", "--json"]);
    let errors = text(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let figures = &report["figures"];
    if let Some(why) = figures["left_out"].as_str() {
        println!("skipped: {why}");
        return;
    }
    let counts = figures["counts"].as_object().expect("paths are counted");
    for (name, count) in counts {
        println!("{name}: {count}");
        assert!(count["instructions"].as_u64().is_some_and(|count| count > 50), "{name}: {count}");
    }
    if figures["is_judged"] == Value::Bool(false) {
        println!("skipped: budgets are those of development builds on processors with AVX2");
    }
    assert!(output.status.success(), "{errors}");
}

#[test]
fn every_bench_is_in_the_one_line_that_is_printed_and_kept() {
    let scratch = Scratch::new();
    let history = scratch.path().join("deep/er/history.jsonl");
    let output = bench(&["all", "--quick", "--json", "--history", history.to_str().expect("a temporary path is text")]);
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{errors}\n{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert_eq!(std::fs::read_to_string(&history).expect("a line was kept"), printed);
    let entry: Value = serde_json::from_str(&printed).expect("it is JSON");
    let measured: Vec<&str> = entry["benches"].as_object().expect("benches").keys().map(String::as_str).collect();
    assert_eq!(measured, BENCHES);
    for name in BENCHES {
        assert!(entry["benches"][name]["failed"].is_null(), "{name}: {}", entry["benches"][name]);
        assert!(errors.contains(&format!("{name} (")), "progress is told: {errors}");
    }
    let machine = &entry["machine"];
    assert!(machine["cpu"].is_string() && machine["kernel"].is_string(), "{machine}");
    assert!(machine["cores"].as_u64() > Some(0) && machine["memory_mib"].as_u64() > Some(0), "{machine}");
    assert!(entry["ts"].is_string() && entry["version"].is_string(), "{printed}");
    assert!(entry["commit"].as_str().is_none_or(|commit| !commit.contains('/')), "{}", entry["commit"]);
    assert_eq!((&entry["quick"], &entry["broken"]), (&Value::Bool(true), &Value::Array(Vec::new())));
    assert!(errors.contains("history: the first run of its kind"), "{errors}");
}

#[test]
fn a_history_that_is_something_else_is_refused_before_anything_is_measured() {
    let scratch = Scratch::new();
    let diary = scratch.path().join("diary");
    std::fs::write(&diary, "dear diary\n").expect("it is written");
    let output = bench(&["all", "--quick", "--history", diary.to_str().expect("a temporary path is text")]);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(wire::exit::USAGE), 1), "{errors}");
    assert!(errors.contains("it is no history of benches") && output.stdout.is_empty(), "{errors}");
    assert_eq!(std::fs::read_to_string(&diary).expect("it is still there"), "dear diary\n");
}
