//! `agent doctor`: what a run needs, what of it is there, and how to get what is missing.

use crate::bundled;
use crate::cli::{DoctorArgs, WorkerKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::platform;
use crate::probe;
use crate::screen::{self, Mode};
use crate::skills_command::Opened;
use crate::worker::{self, TemporaryFolder};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use wire::exit;

/// A core that takes longer to load than this is broken.
const WORKER_LIMIT: Duration = Duration::from_secs(20);
/// Looking for windows on another machine, reading a large ROM through one and watching its frames takes a while.
const PROBE_LIMIT: Duration = Duration::from_secs(60);
/// A run of an hour writes less.
const FREE_BYTES_MIN: u64 = 256 << 20;

/// What a check found: what is there, or what is wrong and how to fix it.
type Finding = Result<String, (String, String)>;

/// Examines this machine; returns the exit status.
pub fn examine(args: &DoctorArgs) -> Result<i32, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let temporary = TemporaryFolder::create("doctor")?;
    let mut checks: Vec<(String, Finding)> = [
        ("kernel", check_kernel()),
        ("core and Burrow", check_bundled(&config, temporary.path())),
        ("configured ROM", check_rom(&config, temporary.path())),
        ("FAISS", check_indexes()),
        ("loopback", check_loopback()),
        ("runs folder", check_runs(&config.telemetry.runs)),
        ("memories", check_memories(&config.indexes.folder)),
        ("skills folder", check_skills(&config.skills.folder)),
        ("terminal", Ok(describe_terminal(Mode::choose(false)))),
    ]
    .map(|(name, finding)| (name.to_string(), finding))
    .into();
    let emulator = args.emulator.as_ref().map(|named| named.as_deref());
    checks.extend(look_at_emulator(args.config.as_deref(), emulator));
    let fix = "change router in config.toml, or play without --brain router";
    checks.extend(look_at("models", WorkerKind::FindModels, &[("--config", args.config.as_deref())], fix));
    let mut text = String::new();
    for (name, finding) in &checks {
        match finding {
            Ok(found) => {
                let _ = writeln!(text, "ok       {name:<16} {found}");
            }
            Err((problem, fix)) => {
                let _ = writeln!(text, "PROBLEM  {name:<16} {problem}\n{:<26}fix: {fix}", "");
            }
        }
    }
    screen::print(&text);
    let well = checks.iter().all(|(_, finding)| finding.is_ok());
    Ok(if well { exit::OK } else { exit::UNAVAILABLE })
}

fn check_kernel() -> Finding {
    let refused = |what: &str, error: std::io::Error| {
        (format!("{}: {what}: {error}", platform::kernel()), "use Linux 5.4 or newer".to_string())
    };
    platform::check_sealed_memory().map_err(|error| refused("sealed shared memory", error))?;
    platform::check_process_handles().map_err(|error| refused("process handles", error))?;
    Ok(format!("{}: sealed shared memory, process handles", platform::kernel()))
}

fn check_bundled(config: &Config, folder: &Path) -> Finding {
    let rom = folder.join(bundled::ROM_FILE);
    let written = std::fs::write(&rom, bundled::ROM);
    written.map_err(|error| (error.to_string(), "set TMPDIR to a folder that can be written".to_string()))?;
    check_emulator(config, &rom, folder)
}

fn check_rom(config: &Config, folder: &Path) -> Finding {
    if config.emulator.rom.as_os_str().is_empty() {
        return Ok("none; Burrow is played".to_string());
    }
    check_emulator(config, &config.emulator.rom, folder)
}

fn check_emulator(config: &Config, rom: &Path, folder: &Path) -> Finding {
    let core = Some(config.emulator.core.as_path()).filter(|core| !core.as_os_str().is_empty());
    let options = [("--rom", Some(rom)), ("--folder", Some(folder)), ("--core", core)];
    match worker::ask(WorkerKind::CheckEmulator, &options, WORKER_LIMIT) {
        Ok(found) => {
            let field = |name: &str| found[name].as_str().unwrap_or("?").to_string();
            Ok(format!("{}; {} ({})", field("core"), field("title"), field("code")))
        }
        Err(failure) if failure.status() == exit::UNAVAILABLE => {
            Err((failure.to_string(), "scripts/setup.sh, or set emulator.core in config.toml".to_string()))
        }
        Err(failure) => Err((failure.to_string(), "name a Game Boy Advance ROM in emulator.rom".to_string())),
    }
}

/// Of the emulator only whether a window answers, or everything, with the one that was named or the configured one.
fn look_at_emulator(config: Option<&Path>, emulator: Option<Option<&str>>) -> Vec<(String, Finding)> {
    let kind = if emulator.is_some() { WorkerKind::ProbeEmulator } else { WorkerKind::FindWindow };
    let options = [("--config", config), ("--emulator", emulator.flatten().map(Path::new))];
    look_at("emulator", kind, &options, "change emulator in config.toml, or name another with --emulator")
}

/// What a worker finds; where it finds nothing out, what to do about that.
fn look_at(what: &str, kind: WorkerKind, options: &[(&str, Option<&Path>)], fix: &str) -> Vec<(String, Finding)> {
    let found = worker::ask(kind, options, PROBE_LIMIT).map(serde_json::from_value::<Vec<probe::Finding>>);
    let findings = match found {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => return vec![(what.to_string(), Err((error.to_string(), fix.to_string())))],
        Err(failure) => return vec![(what.to_string(), Err((failure.to_string(), fix.to_string())))],
    };
    let settle = |probe::Finding { name, found, fix }| {
        let finding = match fix {
            Some(fix) => Err((found, fix)),
            None => Ok(found),
        };
        (name, finding)
    };
    findings.into_iter().map(settle).collect()
}

fn check_indexes() -> Finding {
    let fix = "build again with `cargo clean -p faiss-sys && cargo build`, on this machine";
    worker::have_done(&["indexes", "--self-test"], WORKER_LIMIT)
        .map_err(|failure| (failure.to_string(), fix.to_string()))
}

fn check_loopback() -> Finding {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    match bound {
        Ok(address) => Ok(format!("a port can be opened ({address})")),
        Err(error) => Err((error.to_string(), "allow programs to listen on 127.0.0.1".to_string())),
    }
}

fn check_runs(runs: &Path) -> Finding {
    let fix = "set telemetry.runs in config.toml to a folder that can be written".to_string();
    // The folder is made by the first run; until then the nearest one above it matters.
    let here = std::env::current_dir().unwrap_or_default().join(runs);
    let folder = here.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let probe = folder.join(format!(".pocketpilot-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    written.map_err(|error| (format!("{}: {error}", folder.display()), fix.clone()))?;
    let free = platform::free_bytes(folder).map_err(|error| (format!("{}: {error}", folder.display()), fix))?;
    let found = format!("{}: can be written, {} MiB free", folder.display(), free >> 20);
    if free < FREE_BYTES_MIN { Err((found, format!("free {} MiB", FREE_BYTES_MIN >> 20))) } else { Ok(found) }
}

fn check_memories(folder: &Path) -> Finding {
    let place = folder.display().to_string();
    if !folder.exists() {
        return Ok(format!("{place}: none yet; runs keep them there"));
    }
    let failed = |failure: Failure| (failure.to_string(), "set indexes.folder in config.toml to another".to_string());
    let arguments = ["index", "stats", "--json", "--memories", &place];
    let answers = [exit::OK, exit::NO_INPUT];
    let text = worker::have_done_or(&arguments, WORKER_LIMIT, &answers).map_err(failed)?;
    let stats: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let counts = stats["spaces"].as_array().into_iter().flatten();
    let memories: u64 = counts.filter_map(|space| space["memories"].as_u64()).sum();
    Ok(format!("{place}: {memories} memories; `agent index verify` checks them"))
}

fn check_skills(folder: &Path) -> Finding {
    let opened = Opened::read(folder);
    let count = opened.library.skills.len();
    let core = if opened.has_built_in_core() { ", the core ones built in" } else { "" };
    match opened.mistakes.first() {
        None => Ok(format!("{}: {count} skills{core}", folder.display())),
        Some((_, mistake)) => Err((opened.line(mistake), "`agent skills check` names every mistake".to_string())),
    }
}

fn describe_terminal(mode: Mode) -> String {
    match mode {
        Mode::Live => "the live view is shown".to_string(),
        Mode::Plain | Mode::Quiet => "one line a floor is shown (no terminal, TERM=dumb or NO_COLOR)".to_string(),
    }
}
