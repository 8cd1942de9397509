//! `agent bench`: what the parts of a step cost on this machine.
//!
//! Nothing but telemetry is measured in this process: `bridge` and `decode` are done by workers, `loop` by a whole run.

use crate::bundled;
use crate::cli::{BenchArgs, BenchKind, WorkerKind};
use crate::failure::Failure;
use crate::platform;
use crate::screen;
use crate::settings::without_token;
use crate::worker::{self, TemporaryFolder};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use wire::event::{Event, Latency};
use wire::exit;
use wire::log::{LOG_FILE, read_lines};

/// One part of a step's time.
type Part = fn(&Latency) -> u64;

const PERCENTILES: [(&str, usize); 4] = [("p50", 500), ("p90", 900), ("p99", 990), ("max", 1_000)];
/// Steps of a whole run.
const STEPS: u64 = 2_000;
const LIMIT: Duration = Duration::from_secs(600);

/// Measures; returns the exit status.
pub fn measure(args: &BenchArgs) -> Result<i32, Failure> {
    if args.history.is_some() && args.what != BenchKind::All {
        return Err(Failure::Usage("--history: it goes with `bench all`".to_string()));
    }
    let temporary = TemporaryFolder::create("bench")?;
    let figures = match args.what {
        BenchKind::All => return crate::bench_all::measure(args),
        BenchKind::Bridge => bridge(args, temporary.path())?,
        BenchKind::Decode => worker::ask(WorkerKind::BenchDecode, &[], LIMIT)?,
        BenchKind::Skills => worker::ask(WorkerKind::BenchSkills, &[], LIMIT)?,
        BenchKind::Recall => crate::recall_bench::measure(args, temporary.path())?,
        BenchKind::Router => crate::router_bench::measure(args, temporary.path())?,
        BenchKind::Models => crate::model_bench::measure(args, temporary.path())?,
        BenchKind::Telemetry => crate::telemetry_bench::measure(args.steps, temporary.path())?,
        BenchKind::Loop => whole_run(args, temporary.path())?,
        BenchKind::Instructions => crate::instruction_bench::measure(temporary.path())?,
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let command: Vec<String> = std::env::args_os().map(|argument| without_token(&argument.to_string_lossy())).collect();
    let report = json!({
        "bench": args.what.name(),
        "machine": { "cpu": platform::processor(), "cores": cores, "kernel": platform::kernel() },
        "version": env!("CARGO_PKG_VERSION"),
        "optimised": !cfg!(debug_assertions),
        "command": command.join(" "),
        "figures": figures,
    });
    screen::print(&match args.what {
        _ if args.json => format!("{report}\n"),
        BenchKind::Models if args.csv => crate::model_bench::csv(&report["figures"]),
        _ => table(&report),
    });
    Ok(match args.what {
        BenchKind::Instructions => crate::bench_all::judge(&json!({ "instructions": report["figures"] })),
        _ => exit::OK,
    })
}

fn bridge(args: &BenchArgs, folder: &Path) -> Result<Value, Failure> {
    let bundled = folder.join(bundled::ROM_FILE);
    let rom = match &args.rom {
        Some(rom) => rom,
        None => {
            let remedy = "set TMPDIR to a folder that can be written";
            std::fs::write(&bundled, bundled::ROM).map_err(|error| Failure::Unwritable {
                path: bundled.clone(),
                error,
                remedy,
            })?;
            &bundled
        }
    };
    let options = [("--rom", Some(rom.as_path())), ("--folder", Some(folder)), ("--core", args.core.as_deref())];
    worker::ask(WorkerKind::BenchBridge, &options, LIMIT)
}

/// Plays with this very program, and reads its log.
fn whole_run(args: &BenchArgs, folder: &Path) -> Result<Value, Failure> {
    let run_dir = folder.join("run");
    let config = folder.join("config.toml");
    let remedy = "set TMPDIR to a folder that can be written";
    let memories = folder.join("memories");
    let (core, memories) = (quoted(args.core.as_deref()), quoted(Some(&memories)));
    let text = format!("[emulator]\ncore = {core}\n[indexes]\nfolder = {memories}\n");
    std::fs::write(&config, text).map_err(|error| Failure::Unwritable { path: config.clone(), error, remedy })?;
    let steps = args.steps.unwrap_or(STEPS).to_string();
    let (run_text, config_text) = (run_dir.display().to_string(), config.display().to_string());
    let mut arguments = vec!["run", "--quiet", "--pace", "unthrottled", "--steps", &steps];
    arguments.extend(["--config", &config_text, "--run-dir", &run_text]);
    let rom = args.rom.as_ref().map(|rom| rom.display().to_string());
    arguments.extend(rom.iter().flat_map(|rom| ["--rom", rom]));
    let start = Instant::now();
    worker::have_done(&arguments, LIMIT)?;
    let took = start.elapsed();
    let log = run_dir.join(LOG_FILE);
    let (lines, _) =
        read_lines(&log).map_err(|error| Failure::NoInput { path: log, error, remedy: "the run wrote no log" })?;
    let steps: Vec<_> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::StepCompleted(step) => Some(step.latency),
            _ => None,
        })
        .collect();
    let mut figures = Map::new();
    figures.insert("steps".to_string(), json!(steps.len()));
    figures.insert("run_s".to_string(), json!((took.as_secs_f64() * 100.0).round() / 100.0));
    let kinds: [(&str, Part); 9] = [
        ("overhead_us", |latency| latency.overhead_us),
        ("capture_us", |latency| latency.capture_us),
        ("decode_us", |latency| latency.decode_us),
        ("recall_us", |latency| latency.recall_us),
        ("route_us", |latency| latency.route_us),
        ("skill_us", |latency| latency.skill_us),
        ("script_us", |latency| latency.script_us),
        ("apply_us", |latency| latency.apply_us),
        ("total_us", |latency| latency.total_us),
    ];
    for (name, figure) in kinds {
        figures.insert(name.to_string(), percentiles(steps.iter().map(figure).collect()));
    }
    Ok(Value::Object(figures))
}

/// Percentiles of values.
pub fn percentiles(mut values: Vec<u64>) -> Value {
    values.sort_unstable();
    let at = |permille: usize| values.get(values.len().saturating_sub(1) * permille / 1_000).copied().unwrap_or(0);
    Value::Object(PERCENTILES.iter().map(|(name, permille)| (name.to_string(), json!(at(*permille)))).collect())
}

fn quoted(path: Option<&Path>) -> String {
    toml::Value::String(path.map_or_else(String::new, |path| path.display().to_string())).to_string()
}

fn table(report: &Value) -> String {
    let mut text = String::new();
    let machine = &report["machine"];
    let unoptimised = if report["optimised"] == json!(true) { "" } else { ", development build" };
    let cpu = machine["cpu"].as_str().unwrap_or("?");
    let _ =
        writeln!(text, "{} on {cpu}, {} cores{unoptimised}", report["bench"].as_str().unwrap_or("?"), machine["cores"]);
    if report["bench"] == json!("router") {
        text += &crate::router_bench::table(&report["figures"]);
    } else if report["bench"] == json!("models") {
        text += &crate::model_bench::table(&report["figures"]);
    } else if report["bench"] == json!("instructions") {
        text += &crate::instruction_bench::table(&report["figures"]);
    } else {
        list(&report["figures"], "", &mut text);
    }
    text
}

/// A line for each figure; those of a group are named behind it.
fn list(figures: &Value, group: &str, text: &mut String) {
    for (name, figure) in figures.as_object().into_iter().flatten() {
        let name = if group.is_empty() { name.clone() } else { format!("{group}.{name}") };
        let figure = match figure {
            Value::Object(parts) if PERCENTILES.iter().all(|(part, _)| parts.contains_key(*part)) => {
                PERCENTILES.iter().map(|(part, _)| format!("{part} {:<8}", parts[*part].to_string())).collect()
            }
            Value::Object(_) => {
                list(figure, &name, text);
                continue;
            }
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = writeln!(text, "{name:<32} {}", figure.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let figures = percentiles((1..=1_000).rev().collect());
        assert_eq!(figures, json!({ "p50": 500, "p90": 900, "p99": 990, "max": 1_000 }));
        assert_eq!(percentiles(Vec::new())["max"], json!(0));
    }

    #[test]
    fn a_table_has_one_line_a_figure() {
        let report = json!({
            "bench": "loop", "optimised": true, "machine": { "cpu": "x", "cores": 2 },
            "figures": { "steps": 5, "total_us": percentiles(vec![1]), "served": { "ready_ms": [1, 2], "kind": "flat" } },
        });
        let table = table(&report);
        assert_eq!(table.lines().count(), 5);
        assert!(table.contains("served.kind") && table.contains("[1,2]"), "{table}");
    }
}
