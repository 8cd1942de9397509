//! What telemetry costs: an event, and its share of a run's time on the processors.
//!
//! An event is one `write(2)`, and what of it is the system's is measured beside it, since no line can take less. A virtual machine's
//! host stops whatever runs, some of them thousands of times a second, which no program sees but on a clock. So a computation that asks
//! nothing of the system is timed beside events, and the same events are written several times: what belongs to an event, as the
//! beginning of a page of its file, comes at the same place each time, and what disturbs it elsewhere. So does what the kernel does now
//! and then, as fetching pages: of that, the middle one of the passes knows as little.
//!
//! The share is that of all lines that a whole run wrote, at what a line costs here in the same minute: two runs with and without a
//! log differ by less than two runs alike.

use crate::bench::percentiles;
use crate::failure::Failure;
use crate::platform;
use crate::worker;
use actors::hot_paths::step_event;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use wire::control::TelemetryTarget;
use wire::event::Event;
use wire::log::{Context, LOG_FILE, Log, open_for_appending};

const EVENTS: usize = 100_000;
/// Times that all of them are written, each time into a fresh file.
const PASSES: usize = 7;
/// Events before any is measured.
const WARM_UP: usize = 2_000;
const STEPS: u64 = 2_000;
const LIMIT: Duration = Duration::from_secs(600);

/// What each event took, in nanoseconds, a list a pass.
type Passes = Vec<Vec<u64>>;

/// Measures; `steps`: how many the run takes.
pub fn measure(steps: Option<u64>, folder: &Path) -> Result<Value, Failure> {
    let path = folder.join("events.jsonl");
    let (step, line_bytes, alone, small) = files(&path).map_err(|error| Failure::Unwritable {
        path: path.clone(),
        error,
        remedy: "set TMPDIR to a folder that can be written",
    })?;
    let undisturbed = medians(&step);
    let computing = compute(median(undisturbed.clone()));
    let (cpu_ms, lines) = run(steps.unwrap_or(STEPS), folder)?;
    let step = step.concat();
    let mean_ns = step.iter().sum::<u64>() as f64 / step.len() as f64;
    let share = lines as f64 * mean_ns / (cpu_ms as f64 * 1e6);
    Ok(json!({
        "step_event_ns": percentiles(step),
        "step_event_undisturbed_ns": percentiles(undisturbed),
        "file_alone_ns": percentiles(alone.concat()),
        "file_alone_undisturbed_ns": percentiles(medians(&alone)),
        "small_event_ns": percentiles(small.concat()),
        "computing_as_long_ns": percentiles(computing),
        "step_event_bytes": line_bytes,
        "run_lines": lines,
        "run_cpu_ms": cpu_ms,
        "share_of_run_cpu_percent": (share * 1e5).round() / 1e3,
    }))
}

/// Writes steps, as many bytes as theirs without the log, and events of few fields; gives a step's bytes, too.
fn files(path: &Path) -> io::Result<(Passes, usize, Passes, Passes)> {
    let mut line_bytes = 0;
    let step = passes(path, |path| {
        let took = write(path, step_event)?;
        line_bytes = path.metadata()?.len() as usize / (EVENTS + WARM_UP);
        Ok(took)
    })?;
    let alone = passes(path, |path| append(path, line_bytes))?;
    let small = passes(path, |path| write(path, || Event::FloorReached { floor: 3, floors: 3, dungeon: 1 }))?;
    Ok((step, line_bytes, alone, small))
}

/// Does something with a fresh file, several times.
fn passes(path: &Path, mut pass: impl FnMut(&Path) -> io::Result<Vec<u64>>) -> io::Result<Passes> {
    let one = |_| {
        let took = pass(path)?;
        std::fs::remove_file(path)?;
        Ok(took)
    };
    (0..PASSES).map(one).collect()
}

fn write(path: &Path, event: impl Fn() -> Event) -> io::Result<Vec<u64>> {
    let log = Log::open(&TelemetryTarget::File(path.to_path_buf()), "agent")?;
    let prepare = |place: u64| {
        let (frame, dur_us) = (Some(20 * place), Some(45_708));
        (Context { instance: Some(0), step: Some(place), frame, dur_us }, event())
    };
    timed(prepare, |(context, event)| log.write("pilot", context, event))
}

/// How long the system alone takes for as many bytes as an event's line has.
fn append(path: &Path, line_bytes: usize) -> io::Result<Vec<u64>> {
    let (mut file, line) = (open_for_appending(path)?, vec![b'x'; line_bytes]);
    timed(|_| (), |()| file.write_all(&line))
}

/// How long a computation takes that takes this long where nothing disturbs it.
fn compute(long_ns: u64) -> Vec<u64> {
    const ROUNDS: u64 = 10_000;
    let of = |count: u64| {
        let rounds = |()| {
            (0..count).for_each(|round| {
                black_box(round);
            });
            Ok::<(), Infallible>(())
        };
        let Ok(took) = timed(|_| (), rounds);
        took
    };
    let took_ns = median(of(ROUNDS)).max(1);
    of(long_ns * ROUNDS / took_ns)
}

/// How long each of many took, in nanoseconds, once it was prepared.
fn timed<T, E>(prepare: impl Fn(u64) -> T, mut work: impl FnMut(T) -> Result<(), E>) -> Result<Vec<u64>, E> {
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

/// What each took in the middle one of the passes.
fn medians(passes: &Passes) -> Vec<u64> {
    let places = passes.first().map_or(0, Vec::len);
    (0..places).map(|place| median(passes.iter().map(|pass| pass[place]).collect())).collect()
}

fn median(mut of: Vec<u64>) -> u64 {
    let middle = of.len() / 2;
    *of.select_nth_unstable(middle).1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_disturbs_single_passes_is_left_out_and_what_comes_in_each_is_not() {
        let pass = |disturbed| (0..7).map(|place| if place == disturbed || place == 5 { 9 } else { 1 }).collect();
        assert_eq!(medians(&(0..7).map(pass).collect()), [1, 1, 1, 1, 1, 9, 1]);
        assert!(medians(&Vec::new()).is_empty());
    }
}
