//! `agent bench instructions`: how many instructions the paths take that every step goes, counted by valgrind's callgrind.
//!
//! A worker goes each path between two marks; callgrind writes down its counts at every mark. The counts of development builds
//! have budgets in `tests/instructions.toml`. They are told and not judged where a budget says nothing: in release builds, and on
//! a processor without AVX2, which some of the paths use. valgrind shows programs the same processor on all that have it. Scripts are
//! not among the paths: the clock that stops them reads the kernel's page of functions, which valgrind does not show.

use crate::cli::WorkerKind;
use crate::failure::Failure;
use crate::worker;
use actors::hot_paths::{HOT_PATHS, MARKS};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use wire::exit;

const BUDGETS: &str = include_str!("../../tests/instructions.toml");
const LIMIT: Duration = Duration::from_secs(600);
/// The file of counts; callgrind appends a number for each mark.
const COUNTS: &str = "counts";
/// A path that takes less than this share of its budget could have a smaller one.
const LOWER_BELOW: f64 = 0.85;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    development: BTreeMap<String, u64>,
}

/// Counts; where there is no valgrind, says so.
pub fn measure(folder: &Path) -> Result<Value, Failure> {
    let mut valgrind = Command::new("valgrind");
    let Ok(version) = valgrind.arg("--version").output() else {
        return Ok(json!({ "left_out": "valgrind is not installed (apt-get install valgrind)" }));
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_string();
    let told = worker::outcome(callgrind(folder), LIMIT, &[exit::OK])?;
    let told: Value = serde_json::from_str(&told).map_err(|error| failed(format!("the worker: {error}")))?;
    let counted = counted(folder)?;
    let is_judged = cfg!(debug_assertions) && told["has_avx2"] == json!(true);
    if counted.len() != HOT_PATHS.len() {
        return Err(failed(format!("callgrind counted {} of {} paths", counted.len(), HOT_PATHS.len())));
    }
    let budgets = if is_judged { budgets()? } else { BTreeMap::new() };
    let mut counts = Map::new();
    for (path, total) in HOT_PATHS.iter().zip(counted) {
        let instructions = total / u64::from(path.rounds);
        let mut count = json!({ "instructions": instructions });
        if let Some(budget) = budgets.get(path.name) {
            count["budget"] = json!(budget);
            count["to_budget"] = json!((instructions as f64 / *budget as f64 * 1_000.0).round() / 1_000.0);
        }
        counts.insert(path.name.to_string(), count);
    }
    Ok(json!({ "valgrind": version, "is_judged": is_judged, "counts": counts }))
}

/// A worker's part, under callgrind.
pub fn work(folder: &Path) -> Result<Value, Failure> {
    for path in HOT_PATHS {
        path.count(folder).map_err(|error| failed(format!("{}: {error}", path.name)))?;
    }
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    Ok(json!({ "has_avx2": has_avx2 }))
}

/// The counts as a table for people.
pub fn table(figures: &Value) -> String {
    let mut text = String::new();
    if let Some(why) = figures["left_out"].as_str() {
        let _ = writeln!(text, "left out: {why}");
    }
    for (name, count) in figures["counts"].as_object().into_iter().flatten() {
        let _ = write!(text, "{name:<24} {:>12}", count["instructions"].to_string());
        if let Some(share) = count["to_budget"].as_f64() {
            let advice = if share < LOWER_BELOW { "  lower it in tests/instructions.toml" } else { "" };
            let _ = write!(text, "  {share:.3} of the budget{advice}");
        }
        text.push('\n');
    }
    if figures["is_judged"] == json!(false) {
        text += "told, not judged: budgets are those of development builds on processors with AVX2\n";
    }
    text
}

/// This program as a worker under callgrind. It is named by the process that is waiting for it: within valgrind, /proc/self/exe
/// is valgrind.
fn callgrind(folder: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--dump-line=no"]);
    command.args(MARKS.map(|mark| format!("--dump-before={mark}")));
    command.arg(format!("--callgrind-out-file={}", folder.join(COUNTS).display()));
    command.arg(format!("/proc/{}/exe", std::process::id()));
    command.args(["worker", WorkerKind::CountInstructions.name(), "--folder"]).arg(folder);
    command
}

/// What was counted up to each second mark, in order.
fn counted(folder: &Path) -> Result<Vec<u64>, Failure> {
    let mut counted = Vec::new();
    for number in 1.. {
        let path = folder.join(format!("{COUNTS}.{number}"));
        if !path.exists() {
            break;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| failed(format!("callgrind's counts: {error}")))?;
        counted.extend(of_path(&text));
    }
    Ok(counted)
}

/// The instructions of one piece of callgrind's output, if a path is what it counted.
fn of_path(text: &str) -> Option<u64> {
    let trigger = text.lines().find_map(|line| line.strip_prefix("desc: Trigger:"))?;
    if !trigger.contains(MARKS[1].trim_matches('*')) {
        return None;
    }
    text.lines().find_map(|line| line.strip_prefix("summary:"))?.trim().parse().ok()
}

fn budgets() -> Result<BTreeMap<String, u64>, Failure> {
    let budgets: Budgets =
        toml::from_str(BUDGETS).map_err(|error| failed(format!("tests/instructions.toml: {error}")))?;
    Ok(budgets.development)
}

fn failed(message: String) -> Failure {
    Failure::Role { status: exit::SOFTWARE, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_budget_and_every_budget_a_path() {
        let names: Vec<String> = budgets().expect("the file is right").into_keys().collect();
        let mut paths: Vec<&str> = HOT_PATHS.iter().map(|path| path.name).collect();
        paths.sort_unstable();
        assert_eq!(names, paths);
    }

    #[test]
    fn only_what_lies_between_the_marks_is_counted() {
        let piece = |mark: &str| format!("part: 2\ndesc: Trigger: --dump-before=x::{mark}\nevents: Ir\nsummary: 420\n");
        assert_eq!(of_path(&piece("callgrind_mark_end")), Some(420));
        assert_eq!(of_path(&piece("callgrind_mark_begin")), None);
        assert_eq!(of_path("desc: Trigger: Program termination\nsummary: 7\n"), None);
    }

    #[test]
    fn a_table_says_what_could_be_lower_and_what_is_left_out() {
        let counts =
            json!({ "a": { "instructions": 80, "budget": 100, "to_budget": 0.8 }, "b": { "instructions": 5 } });
        let table = table(&json!({ "is_judged": true, "counts": counts }));
        assert!(table.contains("lower it") && table.lines().count() == 2, "{table}");
        assert!(super::table(&json!({ "left_out": "no valgrind" })).contains("no valgrind"));
    }
}
