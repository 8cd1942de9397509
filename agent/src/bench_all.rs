//! `agent bench all`: every bench that needs nothing but this machine, one after another, and what changed since earlier runs.
//!
//! Each is this very program with `agent bench NAME`, so that one that fails, in whatever way, does not lose the figures of the
//! others. Times are told and never judged; what can fail is in [`figures`].

use crate::cli::{BenchArgs, BenchKind};
use crate::failure::Failure;
use crate::platform;
use crate::screen;
use crate::worker;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wire::exit;

mod change;
mod figures;
mod history;

/// Time for one bench.
const LIMIT: Duration = Duration::from_secs(1_800);
/// What is measured, and the options with which it takes a few minutes, and about one.
const BENCHES: [(BenchKind, &[&str], &[&str]); 9] = [
    (BenchKind::Decode, &[], &[]),
    (BenchKind::Bridge, &[], &[]),
    (BenchKind::Skills, &[], &[]),
    (BenchKind::Recall, &["--count", "10000", "--no-install"], &["--count", "2500", "--no-install"]),
    (BenchKind::Router, &["--quick"], &["--quick", "--instances", "8", "--steps", "80", "--decisions", "2"]),
    (BenchKind::Models, &["--models", "reader"], &["--models", "reader", "--quick"]),
    (BenchKind::Telemetry, &[], &["--steps", "300"]),
    (BenchKind::Loop, &[], &["--steps", "300"]),
    (BenchKind::Instructions, &[], &[]),
];
/// The longest description of a commit.
const COMMIT_LENGTH_MAX: usize = 48;

/// Measures, tells, keeps and compares; returns the exit status.
pub fn measure(args: &BenchArgs) -> Result<i32, Failure> {
    // A file that cannot be used is said before minutes are spent.
    let past = args.history.as_deref().map(history::read).transpose()?.unwrap_or_default();
    let ts = wire::log::now();
    let (benches, took_s) = measure_each(args);
    let entry = json!({
        "ts": ts,
        "version": env!("CARGO_PKG_VERSION"),
        "commit": commit(),
        "machine": {
            "cpu": platform::processor(),
            "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            "memory_mib": platform::memory_mib(),
            "kernel": platform::kernel(),
        },
        "build": if cfg!(debug_assertions) { "dev" } else { "release" },
        "quick": args.quick,
        "took_s": took_s,
        "broken": figures::broken(&benches),
        "benches": benches,
    });
    let alike: Vec<Value> = past.entries.into_iter().filter(|other| is_alike(&entry, other)).collect();
    let changes = change::compare(&entry, &alike);
    if args.json {
        screen::print(&format!("{entry}\n"));
    } else {
        screen::print(&format!("{}{}", heading(&entry), change::table(&changes)));
    }
    if past.torn > 0 {
        screen::complain(&format!("lines of the history that were cut short and passed over: {}", past.torn));
    }
    if args.history.is_some() {
        let runs = alike.len().min(change::RUNS_MAX);
        let changed = change::beyond_noise(&changes);
        screen::complain(&match (runs, changed.len()) {
            (0, _) => "history: the first run of its kind (machine, build, --quick)".to_string(),
            (_, 0) => format!("history: nothing changed beyond noise since the last {runs} runs alike"),
            (_, count) => format!("history: {count} figures changed beyond noise since the last {runs} runs alike"),
        });
        changed.iter().for_each(|line| screen::complain(&format!("  {line}")));
    }
    if let Some(path) = &args.history {
        history::append(path, &entry)?;
    }
    Ok(judge(&entry["benches"]))
}

/// Says which benches failed and which figures break their bounds; gives the exit status.
pub fn judge(benches: &Value) -> i32 {
    let broken = figures::broken(benches);
    let failed: Vec<_> =
        benches.as_object().into_iter().flatten().filter(|(_, found)| found["failed"].is_string()).collect();
    for (name, found) in &failed {
        screen::complain(&format!("agent: bench {name} failed: {}", found["failed"].as_str().unwrap_or_default()));
    }
    for broken in &broken {
        screen::complain(&format!("agent: {}", broken.says));
    }
    if failed.is_empty() && broken.is_empty() { exit::OK } else { exit::UNFINISHED }
}

fn measure_each(args: &BenchArgs) -> (Value, Value) {
    let (mut benches, mut took_s) = (Map::new(), Map::new());
    for (place, (kind, usual, quick)) in BENCHES.into_iter().enumerate() {
        let name = kind.name();
        screen::progress(&format!("{name} ({} of {})", place + 1, BENCHES.len()));
        let begun = Instant::now();
        let found = match figures_of(kind, if args.quick { quick } else { usual }, args.core.as_deref()) {
            Ok(figures) => figures,
            Err(failure) => {
                screen::progress(&format!("{name} failed: {failure}"));
                json!({ "failed": failure.to_string() })
            }
        };
        took_s.insert(name.to_string(), json!((begun.elapsed().as_secs_f64() * 10.0).round() / 10.0));
        benches.insert(name.to_string(), found);
    }
    (Value::Object(benches), Value::Object(took_s))
}

fn figures_of(kind: BenchKind, options: &[&str], core: Option<&Path>) -> Result<Value, Failure> {
    let core = core.map(|core| core.display().to_string());
    let mut arguments = vec!["bench", kind.name(), "--json"];
    arguments.extend(options);
    arguments.extend(core.iter().flat_map(|core| ["--core", core]));
    let failed = |message: String| Failure::Role { status: exit::SOFTWARE, message };
    // A count of instructions over its budget is judged here with the other bounds.
    let told = worker::have_done_or(&arguments, LIMIT, &[exit::OK, exit::UNFINISHED])?;
    let mut report: Value =
        serde_json::from_str(&told).map_err(|error| failed(format!("it printed no JSON: {error}")))?;
    let figures = report["figures"].take();
    match figures["reader"]["left_out"].as_str() {
        Some(why) => Err(failed(why.to_string())),
        None if !figures.is_object() => Err(failed("it printed no figures".to_string())),
        None => Ok(figures),
    }
}

/// Whether two runs can be compared.
fn is_alike(one: &Value, other: &Value) -> bool {
    let gib = |entry: &Value| entry["machine"]["memory_mib"].as_u64().map(|mib| (mib + 512) >> 10);
    let machine = |entry: &Value| (entry["machine"]["cpu"].clone(), entry["machine"]["cores"].clone(), gib(entry));
    machine(one) == machine(other) && one["build"] == other["build"] && one["quick"] == other["quick"]
}

fn heading(entry: &Value) -> String {
    let mut text = String::new();
    let machine = &entry["machine"];
    let word = |value: &Value| value.as_str().unwrap_or("?").to_string();
    let _ = writeln!(
        text,
        "{} build {} ({}) on {}, {} cores, {} MiB, {}",
        word(&entry["build"]),
        word(&entry["version"]),
        entry["commit"].as_str().unwrap_or("commit unknown"),
        word(&machine["cpu"]),
        machine["cores"],
        machine["memory_mib"],
        word(&machine["kernel"]),
    );
    text
}

/// The commit that was built, where the build was told; else that of the folder, if it is this project's.
fn commit() -> Option<String> {
    if let Some(commit) = option_env!("POCKETPILOT_COMMIT").filter(|commit| is_commit(commit)) {
        return Some(commit.to_string());
    }
    if !Path::new("agent/src/bench_all.rs").is_file() {
        return None;
    }
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).stdin(Stdio::null());
    let told = git.output().ok().filter(|told| told.status.success())?;
    let commit = String::from_utf8_lossy(&told.stdout).trim().to_string();
    is_commit(&commit).then_some(commit)
}

/// Whether a text is the name of a commit and nothing else.
fn is_commit(text: &str) -> bool {
    let hexadecimal = text.strip_suffix("-dirty").unwrap_or(text);
    (7..=COMMIT_LENGTH_MAX).contains(&text.len()) && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(cpu: &str, memory_mib: u64, build: &str, quick: bool) -> Value {
        json!({ "build": build, "quick": quick, "machine": { "cpu": cpu, "cores": 2, "memory_mib": memory_mib } })
    }

    #[test]
    fn runs_of_another_machine_or_build_are_not_compared() {
        let here = entry("x", 7_900, "dev", true);
        assert!(is_alike(&here, &entry("x", 7_910, "dev", true)));
        for other in [
            entry("y", 7_900, "dev", true),
            entry("x", 16_000, "dev", true),
            entry("x", 7_900, "release", true),
            entry("x", 7_900, "dev", false),
            json!({}),
        ] {
            assert!(!is_alike(&here, &other), "{other}");
        }
    }

    #[test]
    fn a_commit_is_never_a_path() {
        assert!(is_commit("dd6d7270aa11-dirty") && is_commit("85f85fb"));
        for text in ["", "/home/x", "v1.0", "dd6d727/x", "main", "deadbeef deadbeef"] {
            assert!(!is_commit(text), "{text}");
        }
    }

    #[test]
    fn a_failed_bench_or_a_broken_bound_makes_the_status() {
        let fine = json!({ "decode": { "p50_us": 1.0 } });
        assert_eq!(judge(&fine), exit::OK);
        let failed = json!({ "decode": { "failed": "it crashed" } });
        assert_eq!(judge(&failed), exit::UNFINISHED);
        let bad = json!({ "bridge": { "published_to_bare": 0.1 } });
        assert_eq!(judge(&bad), exit::UNFINISHED);
    }
}
