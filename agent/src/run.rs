//! `agent run`: from the command line to a supervised run and its summary.

use crate::cli::RunArgs;
use crate::config::{Backend, Config};
use crate::export::{self, Exports};
use crate::failure::Failure;
use crate::log_scan::LogScan;
use crate::run_folder::{self, RunFolder};
use crate::screen::{self, Heading, Mode, Screen};
use crate::settings::{self, without_token};
use crate::summary;
use crate::supervisor::{Plan, Supervisor};
use std::net::TcpListener;
use std::path::Path;
use wire::event::Event;
use wire::log::Log;

/// Plays a run; returns the exit status.
pub fn run(args: &RunArgs) -> Result<i32, Failure> {
    let folder =
        std::env::current_dir().map_err(|error| Failure::Os { what: "the current folder".to_string(), error })?;
    let (plan, scan, listener) = match &args.resume {
        Some(path) => resume(path, args, &folder)?,
        None => begin(args, &folder)?,
    };
    let log_path = plan.folder.log_path();
    let run_dir = plan.folder.path.clone();
    let log = Log::open(&plan.telemetry(), "agent").map_err(|error| Failure::Telemetry {
        path: log_path.clone(),
        run_dir: run_dir.clone(),
        error,
    })?;
    let metrics = metrics_address(listener.as_ref());
    let exports = Exports::start(&plan.config, listener, &plan.folder)?;
    let mode = Mode::choose(args.quiet);
    let mut screen = Screen::start(mode, heading(&plan, &scan))
        .map_err(|error| Failure::Os { what: "the screen's thread".to_string(), error })?;
    metrics.into_iter().for_each(|address| screen.note(format!("metrics for Prometheus at {address}")));
    let first = first_event(&plan, &scan);
    let asked = plan.config.run.clone();
    let keeps_log = plan.config.telemetry.backend == Backend::File;
    let outcome = Supervisor::new(plan, log, scan, screen)?.telling(exports).run(first);
    if mode != Mode::Quiet {
        let near = |path: &Path| path.strip_prefix(&folder).unwrap_or(path).to_path_buf();
        let log = keeps_log.then(|| near(&log_path));
        screen::print(&summary::text(&asked, &outcome, &near(&run_dir), log.as_deref()));
    }
    match outcome.failure {
        Some(failure) => Err(failure),
        None => Ok(outcome.status),
    }
}

fn begin(args: &RunArgs, folder: &Path) -> Result<(Plan, LogScan, Option<TcpListener>), Failure> {
    let config = settings::resolve(Config::load(args.config.as_deref())?, args, folder)?;
    let listener = listen(&config)?;
    let named = args.run_dir.as_ref().map(|named| folder.join(named));
    let run = RunFolder::create(&config, named.as_deref(), &run_folder::name_of_new_run()?)?;
    Ok((plan(config, run, false)?, LogScan::default(), listener))
}

fn resume(path: &Path, args: &RunArgs, folder: &Path) -> Result<(Plan, LogScan, Option<TcpListener>), Failure> {
    let (run, kept) = RunFolder::reopen(path)?;
    if kept.telemetry.backend != Backend::File {
        let message = "kept no log, so nobody knows how far it came; start a new run";
        return Err(Failure::Folder { path: run.path, message });
    }
    let config = settings::resolve(kept.clone(), args, folder)?;
    let listener = listen(&config)?;
    if config != kept {
        run.keep_config(&config)?;
    }
    let mut scan = LogScan::default();
    let log = run.log_path();
    scan.advance(&log).map_err(|error| Failure::NoInput {
        path: log,
        error,
        remedy: "a run cannot go on without it",
    })?;
    Ok((plan(config, run, true)?, scan, listener))
}

/// Takes the address of metrics, before anything else is begun.
fn listen(config: &Config) -> Result<Option<TcpListener>, Failure> {
    Some(config.export.prometheus.as_str()).filter(|address| !address.is_empty()).map(export::listen).transpose()
}

fn metrics_address(listener: Option<&TcpListener>) -> Option<String> {
    Some(format!("http://{}{}", listener?.local_addr().ok()?, export::PATH))
}

fn plan(config: Config, folder: RunFolder, resumed: bool) -> Result<Plan, Failure> {
    let rom = if config.emulator.url.is_empty() { Some(folder.rom(&config)?) } else { None };
    let token = folder.token()?;
    Ok(Plan { config, folder, rom, token, task: None, checkpoint: None, resumed })
}

fn first_event(plan: &Plan, scan: &LogScan) -> Event {
    let run = plan.folder.name.clone();
    if plan.resumed {
        let checkpoint = plan.folder.newest_checkpoint(0).map(|path| path.display().to_string());
        let (steps_done, floors_done) = scan.steps_and_floors();
        return Event::RunResumed { run, checkpoint, steps_done, floors_done };
    }
    Event::RunStarted {
        run,
        version: env!("CARGO_PKG_VERSION").to_string(),
        seed: plan.config.run.seed,
        instances: plan.config.run.instances,
        brain: plan.config.run.brain.clone(),
        pace: plan.config.run.pace.name().to_string(),
        rom: game(plan),
        argv: std::env::args_os().map(|argument| without_token(&argument.to_string_lossy())).collect(),
    }
}

fn heading(plan: &Plan, scan: &LogScan) -> Heading {
    let run = &plan.config.run;
    let several = if run.instances > 1 { format!("{} games of ", run.instances) } else { String::new() };
    let what = format!("{several}{}, {}, {}, seed {}", game(plan), run.brain, run.pace.name(), run.seed);
    Heading {
        run: plan.folder.name.clone(),
        what,
        floors: run.floors,
        steps: run.steps,
        floors_before: plan.instances().map(|instance| scan.game(instance).done.floors).collect(),
    }
}

fn game(plan: &Plan) -> String {
    let emulator = &plan.config.emulator;
    if !emulator.url.is_empty() {
        without_token(&emulator.url)
    } else if let "mgba-lua" | "mgba-http" = emulator.backend.as_str() {
        "the game in the mGBA window".to_string()
    } else if emulator.rom.as_os_str().is_empty() {
        "Burrow".to_string()
    } else {
        emulator.rom.display().to_string()
    }
}
