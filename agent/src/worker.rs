//! Pieces of work that load C code or must be measured alone. `doctor` and `bench` have them done in a process of their
//! own, and read the JSON object that it prints.

use crate::cli::{WorkerArgs, WorkerKind};
use crate::failure::Failure;
use crate::platform;
use crate::probe::{self, Finding};
use crate::screen;
use crate::threads;
use actors::decode::Decoder;
use actors::decode::largest_floor::full_snapshot;
use actors::profile::Profiles;
use emulator_bridge::{EmulatorBackend, Publisher, open_backend, run_bare, run_published};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use wire::exit;
use wire::observation::Observation;

/// Frames before measuring, in which a core settles.
const WARM_UP_FRAMES: u32 = 300;
const ROUND_FRAMES: u32 = 1_000;
const ROUNDS: usize = 9;
const DECODES: usize = 20_000;

/// Does the work in this process, and prints what came of it.
pub fn work(args: &WorkerArgs) -> i32 {
    let result = match args.what {
        WorkerKind::CheckEmulator => open(args).and_then(|mut backend| check_emulator(backend.as_mut())),
        WorkerKind::FindWindow => told(probe::find_window(args)),
        WorkerKind::ProbeEmulator => told(probe::measure(args)),
        WorkerKind::FindModels => told(probe::models::find(args)),
        WorkerKind::BenchBridge => open(args).and_then(|mut backend| bench_bridge(backend.as_mut())),
        WorkerKind::BenchDecode => Ok(bench_decode()),
        WorkerKind::RecallMake | WorkerKind::RecallCompare | WorkerKind::RecallMemory | WorkerKind::RecallSingle => {
            crate::recall_bench::work::work(args).map_err(|failure| (failure.status(), failure.to_string()))
        }
        WorkerKind::BenchRouter => args
            .config
            .as_deref()
            .ok_or_else(|| (exit::USAGE, "a worker that measures the router needs --config".to_string()))
            .and_then(|plan| {
                crate::router_bench::work(plan).map_err(|failure| (failure.status(), failure.to_string()))
            }),
        WorkerKind::BenchModels => args
            .config
            .as_deref()
            .ok_or_else(|| (exit::USAGE, "a worker that measures models needs --config".to_string()))
            .and_then(|plan| {
                crate::model_bench::work(plan, args.core.as_deref())
                    .map_err(|failure| (failure.status(), failure.to_string()))
            }),
        WorkerKind::CountInstructions => args
            .folder
            .as_deref()
            .ok_or_else(|| (exit::USAGE, "a worker whose instructions are counted needs --folder".to_string()))
            .and_then(|folder| {
                crate::instruction_bench::work(folder).map_err(|failure| (failure.status(), failure.to_string()))
            }),
        WorkerKind::BenchSkills => crate::skill_bench::measure(args.config.as_deref())
            .map_err(|failure| (failure.status(), failure.to_string())),
    };
    match result {
        Ok(found) => {
            screen::print(&format!("{found}\n"));
            exit::OK
        }
        Err((status, message)) => {
            screen::complain(&message);
            status
        }
    }
}

/// Has another process of this executable do something; gives what it printed, or why it failed.
pub fn have_done<S: AsRef<OsStr>>(arguments: &[S], limit: Duration) -> Result<String, Failure> {
    have_done_or(arguments, limit, &[exit::OK])
}

/// The same, where some exit statuses are answers.
pub fn have_done_or<S: AsRef<OsStr>>(arguments: &[S], limit: Duration, answers: &[i32]) -> Result<String, Failure> {
    let mut command = Command::new(platform::OWN_EXECUTABLE);
    command.args(arguments);
    outcome(command, limit, answers)
}

/// What a command prints that ends within a time with one of these exit statuses.
pub fn outcome(mut command: Command, limit: Duration, answers: &[i32]) -> Result<String, Failure> {
    let os = |error| Failure::Os { what: "cannot start a process of this program".to_string(), error };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    threads::limit(&mut command);
    let child = command.spawn().map_err(os)?;
    let handle = platform::process_handle(&child).map_err(os)?;
    let (sender, outputs) = sync_channel(1);
    let wait = move || {
        let _ = sender.send(child.wait_with_output());
    };
    std::thread::Builder::new().name("wait-worker".to_string()).spawn(wait).map_err(os)?;
    let Ok(output) = outputs.recv_timeout(limit) else {
        let _ = platform::send_signal(&handle, rustix::process::Signal::KILL);
        let message = format!("no answer within {} s", limit.as_secs());
        return Err(Failure::Role { status: exit::SOFTWARE, message });
    };
    let output = output.map_err(os)?;
    if output.status.code().is_some_and(|status| answers.contains(&status)) {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_string());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let message = match errors.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => line.trim_start_matches("agent: ").to_string(),
        None => format!("it ended with {}", output.status),
    };
    Err(Failure::Role { status: output.status.code().unwrap_or(exit::SOFTWARE), message })
}

/// Has a worker do something; gives the object that it printed.
pub fn ask(kind: WorkerKind, options: &[(&str, Option<&Path>)], limit: Duration) -> Result<Value, Failure> {
    let mut arguments = vec!["worker".to_string(), kind.name().to_string()];
    for (name, path) in options {
        arguments.extend(path.iter().flat_map(|path| [name.to_string(), path.display().to_string()]));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = have_done(&arguments, limit)?;
    serde_json::from_str(&text).map_err(|error| Failure::Role {
        status: exit::SOFTWARE,
        message: format!("a worker printed no JSON: {error}"),
    })
}

/// A folder that is removed at the end.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes a folder that no other process uses.
    pub fn create(purpose: &str) -> Result<TemporaryFolder, Failure> {
        let path = std::env::temp_dir().join(format!("pocketpilot-{purpose}-{}", std::process::id()));
        let remedy = "set TMPDIR to a folder that can be written";
        std::fs::create_dir_all(&path).map_err(|error| Failure::Unwritable { path: path.clone(), error, remedy })?;
        Ok(TemporaryFolder(path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn told(findings: Result<Vec<Finding>, Failure>) -> Result<Value, (i32, String)> {
    findings.map(|findings| json!(findings)).map_err(|failure| (failure.status(), failure.to_string()))
}

fn open(args: &WorkerArgs) -> Result<Box<dyn EmulatorBackend>, (i32, String)> {
    let missing = || (exit::USAGE, "a worker that runs an emulator needs --rom and --folder".to_string());
    let rom = args.rom.as_deref().ok_or_else(missing)?;
    let folder = args.folder.as_deref().ok_or_else(missing)?;
    open_backend(args.core.as_deref(), rom, folder).map_err(|error| (error.exit_status(), error.to_string()))
}

fn check_emulator(backend: &mut dyn EmulatorBackend) -> Result<Value, (i32, String)> {
    backend.run_frame(0).map_err(|error| (error.exit_status(), error.to_string()))?;
    let found = backend.introduction();
    Ok(json!({ "core": found.core, "title": found.cartridge.title, "code": found.cartridge.code }))
}

/// Alternates bare and published rounds on one core, so that both see the same machine in the same state.
fn bench_bridge(backend: &mut dyn EmulatorBackend) -> Result<Value, (i32, String)> {
    let failed = |error: emulator_bridge::BackendError| (error.exit_status(), error.to_string());
    let mut publisher = Publisher::create(backend, 1).map_err(failed)?;
    run_published(backend, &mut publisher, WARM_UP_FRAMES).map_err(failed)?;
    let (mut bare, mut published) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(run_bare(backend, ROUND_FRAMES).map_err(failed)?);
        published.push(run_published(backend, &mut publisher, ROUND_FRAMES).map_err(failed)?);
    }
    let rate = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        f64::from(ROUND_FRAMES) / times[ROUNDS / 2].as_secs_f64()
    };
    let (bare, published) = (rate(&mut bare), rate(&mut published));
    Ok(json!({
        "core": backend.introduction().core,
        "bare_frames_per_s": bare.round(),
        "published_frames_per_s": published.round(),
        "published_to_bare": (published / bare * 1_000.0).round() / 1_000.0,
    }))
}

fn bench_decode() -> Value {
    let profiles = Profiles::built_in();
    let profile = profiles.named("burrow").expect("the bundled game's profile is built in");
    let snapshot = full_snapshot();
    let mut decoder = Decoder::new(profile, true);
    let mut observation = Observation::default();
    let mut times_ns: Vec<u64> = (0..DECODES)
        .map(|_| {
            let start = Instant::now();
            decoder.decode(black_box(&snapshot), &mut observation).expect("the largest floor is valid");
            black_box(&observation);
            start.elapsed().as_nanos() as u64
        })
        .collect();
    times_ns.sort_unstable();
    let at = |permille: usize| times_ns[(DECODES - 1) * permille / 1_000] as f64 / 1_000.0;
    json!({ "decodes": DECODES, "p50_us": at(500), "p99_us": at(990), "max_us": at(1_000) })
}
