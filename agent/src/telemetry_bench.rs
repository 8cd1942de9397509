//! What telemetry costs: an event, and its share of a run's time on the processors.
//!
//! An event is one `write(2)`, and what of it is the system's is measured beside it, since no line can take less. The share is that of
//! all lines that a whole run wrote, at what a line costs here in the same minute: two runs with and without a log differ by less than
//! two runs alike.

use crate::bench::percentiles;
use crate::failure::Failure;
use crate::platform;
use crate::worker;
use actors::hot_paths::step_event;
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use wire::control::TelemetryTarget;
use wire::event::Event;
use wire::log::{Context, LOG_FILE, Log, open_for_appending};

const EVENTS: usize = 100_000;
/// Events before any is measured.
const WARM_UP: usize = 2_000;
const STEPS: u64 = 2_000;
const LIMIT: Duration = Duration::from_secs(600);

/// Measures; `steps`: how many the run takes.
pub fn measure(steps: Option<u64>, folder: &Path) -> Result<Value, Failure> {
    let path = folder.join("events.jsonl");
    let unwritable = |error: io::Error| Failure::Unwritable {
        path: path.clone(),
        error,
        remedy: "set TMPDIR to a folder that can be written",
    };
    let log = Log::open(&TelemetryTarget::File(path.clone()), "agent").map_err(unwritable)?;
    let step = write(&log, step_event).map_err(unwritable)?;
    let line_bytes = path.metadata().map_err(unwritable)?.len() as usize / (EVENTS + WARM_UP);
    let alone = append(&path, line_bytes).map_err(unwritable)?;
    let small = write(&log, || Event::FloorReached { floor: 3, floors: 3, dungeon: 1 }).map_err(unwritable)?;
    let (cpu_ms, lines) = run(steps.unwrap_or(STEPS), folder)?;
    let mean_ns = step.iter().sum::<u64>() as f64 / step.len() as f64;
    let share = lines as f64 * mean_ns / (cpu_ms as f64 * 1e6);
    Ok(json!({
        "step_event_ns": percentiles(step),
        "step_event_file_alone_ns": percentiles(alone),
        "small_event_ns": percentiles(small),
        "step_event_bytes": line_bytes,
        "run_lines": lines,
        "run_cpu_ms": cpu_ms,
        "share_of_run_cpu_percent": (share * 1e5).round() / 1e3,
    }))
}

fn write(log: &Log, event: impl Fn() -> Event) -> io::Result<Vec<u64>> {
    let prepare = |place: u64| {
        let (frame, dur_us) = (Some(20 * place), Some(45_708));
        (Context { instance: Some(0), step: Some(place), frame, dur_us }, event())
    };
    timed(prepare, |(context, event)| log.write("pilot", context, event))
}

/// How long the system alone takes for as many bytes as an event's line has, at the end of the same file.
fn append(path: &Path, line_bytes: usize) -> io::Result<Vec<u64>> {
    let (mut file, line) = (open_for_appending(path)?, vec![b'x'; line_bytes]);
    timed(|_| (), |()| file.write_all(&line))
}

/// How long each of many took, in nanoseconds, once it was prepared.
fn timed<T>(prepare: impl Fn(u64) -> T, mut work: impl FnMut(T) -> io::Result<()>) -> io::Result<Vec<u64>> {
    let mut took = Vec::with_capacity(EVENTS);
    for place in 0..WARM_UP + EVENTS {
        let prepared = black_box(prepare(place as u64));
        let begun = Instant::now();
        work(prepared)?;
        if place >= WARM_UP {
            took.push(begun.elapsed().as_nanos() as u64);
        }
    }
    Ok(took)
}

/// Plays with this very program; gives its time on the processors and the lines that it wrote.
fn run(steps: u64, folder: &Path) -> Result<(u64, u64), Failure> {
    let (run_dir, memories, steps) = (folder.join("run"), folder.join("memories"), steps.to_string());
    let (run_text, memories) = (run_dir.display().to_string(), memories.display().to_string());
    let arguments = ["run", "--quiet", "--pace", "unthrottled", "--emulator", "libretro", "--steps", &steps];
    let arguments = [&arguments[..], &["--floors", "0", "--run-dir", &run_text, "--memories", &memories]].concat();
    let os = |error| Failure::Os { what: "time on the processors".to_string(), error };
    let before_ms = platform::children_cpu_ms().map_err(os)?;
    worker::have_done(&arguments, LIMIT)?;
    let cpu_ms = platform::children_cpu_ms().map_err(os)?.saturating_sub(before_ms);
    let path = run_dir.join(LOG_FILE);
    let log = std::fs::read(&path).map_err(|error| Failure::NoInput { path, error, remedy: "the run wrote no log" })?;
    Ok((cpu_ms, log.iter().filter(|byte| **byte == b'\n').count() as u64))
}
