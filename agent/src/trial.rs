//! `agent skills run`: one skill, tried on the embedded emulator from a saved state or from a moment that the planner plays
//! up to. It is an ordinary run with a task, in a folder of its own that is removed afterwards.

use crate::cli::ShelfArgs;
use crate::failure::Failure;
use crate::log_scan::LogScan;
use crate::run_folder::RunFolder;
use crate::screen::{self, Heading, Mode, Screen};
use crate::settings;
use crate::skills_command::Opened;
use crate::supervisor::{Outcome, Plan, Supervisor};
use crate::worker::TemporaryFolder;
use clap::Args;
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wire::control::{Pace, RecallUse, SkillTask, TaskResult};
use wire::event::Event;
use wire::exit;
use wire::log::{Line, Log};
use wire::skill::arguments;
use wire::skill::trigger::Condition;

/// How often the log is looked at for steps to show.
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// Options of `skills run`.
#[derive(Clone, Debug, Default, Args)]
pub struct TrialArgs {
    /// The skill
    #[arg(value_name = "NAME")]
    pub skill: String,
    /// Begin from this checkpoint, for example runs/latest/checkpoints/000000000500.checkpoint
    #[arg(long, value_name = "CHECKPOINT")]
    pub at: Option<PathBuf>,
    /// Or begin a new game with this seed
    #[arg(long, value_name = "S", conflicts_with = "at")]
    pub seed: Option<u64>,
    /// Let the planner play until this holds, as in a trigger: 'enemies_adjacent > 0'
    #[arg(long, value_name = "CONDITION")]
    pub until: Option<String>,
    /// What the skill must bring about; start.NAME is a fact as it was at its start: 'floor > start.floor'
    #[arg(long, value_name = "CONDITION")]
    pub expect: Option<String>,
    /// How its run must end: success, failure, interrupted, fault
    #[arg(long, value_name = "HOW")]
    pub outcome: Option<String>,
    /// Steps that it may take
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub steps: u64,
    /// Tell it something: NAME=VALUE, as often as needed
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// ROM to play [default: Burrow, the bundled game]
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object instead of a line for each step
    #[arg(long)]
    pub json: bool,
}

/// Tries a skill; returns the exit status: 0 when it did what was expected of it.
pub fn run(args: &TrialArgs) -> Result<i32, Failure> {
    let task = task(args)?;
    let temporary = TemporaryFolder::create("skill")?;
    let plan = plan(args, task, temporary.path())?;
    let log_path = plan.folder.log_path();
    let log = Log::open(&plan.telemetry(), "agent").map_err(|error| Failure::Telemetry {
        path: log_path.clone(),
        run_dir: plan.folder.path.clone(),
        error,
    })?;
    let screen = Screen::start(Mode::Quiet, Heading::default())
        .map_err(|error| Failure::Os { what: "the screen's thread".to_string(), error })?;
    let started = Event::RunStarted {
        run: plan.folder.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        seed: plan.config.run.seed,
        instances: 1,
        brain: plan.config.run.brain.clone(),
        pace: plan.config.run.pace.name().to_string(),
        rom: plan.rom.as_ref().map(|rom| rom.display().to_string()).unwrap_or_default(),
        argv: std::env::args().collect(),
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let show = (!args.json).then(|| show_steps(log_path, args.skill.clone(), is_over.clone()));
    let outcome = Supervisor::new(plan, log, LogScan::default(), screen)?.run(started);
    is_over.store(true, Ordering::Release);
    if let Some(thread) = show {
        // A thread that panicked has aborted the program.
        let _ = thread.join();
    }
    conclude(args, outcome)
}

fn task(args: &TrialArgs) -> Result<SkillTask, Failure> {
    if let Some(until) = &args.until {
        Condition::parse(until).map_err(|error| wrong("--until", until, &error))?;
    }
    if let Some(expect) = &args.expect {
        Condition::parse_with_start(expect).map_err(|error| wrong("--expect", expect, &error))?;
    }
    let opened = Opened::open_manifests(&ShelfArgs { config: args.config.clone(), skills: None })?;
    let parameters = opened.skill(&args.skill)?.card().parameters;
    let arguments = arguments::parse(&parameters, &args.arguments)
        .and_then(|given| arguments::complete(&parameters, &given))
        .map_err(|message| Failure::Usage(format!("{}: {message}", args.skill)))?;
    Ok(SkillTask {
        skill: args.skill.clone(),
        arguments,
        until: args.until.clone(),
        expect: args.expect.clone(),
        outcome: args.outcome.clone(),
        steps_max: args.steps,
    })
}

fn wrong(option: &str, text: &str, error: &wire::skill::trigger::TriggerError) -> Failure {
    Failure::Usage(format!("{option} {text:?}: {error}, at its {}. character", error.at + 1))
}

fn plan(args: &TrialArgs, task: SkillTask, run_dir: &Path) -> Result<Plan, Failure> {
    let emulator = Some("libretro");
    let mut config =
        settings::of_look(args.config.as_deref(), emulator.filter(|_| args.rom.is_none()), args.rom.as_deref())?;
    if config.run.instances > 1 {
        let message = format!("run.instances is {}; a skill is tried in one game: set it to 1", config.run.instances);
        return Err(Failure::Settings(message));
    }
    config.run.brain = "planner".to_string();
    config.run.pace = Pace::Unthrottled;
    // What is tried here is the skill, and it is no experience to keep.
    (config.recall.used, config.recall.record) = (RecallUse::Off, false);
    (config.run.floors, config.run.steps, config.run.one_life) = (0, 0, false);
    if let Some(seed) = args.seed {
        config.run.seed = seed;
    }
    let checkpoint = match &args.at {
        Some(path) => Some(path.canonicalize().map_err(|error| Failure::NoInput {
            path: path.clone(),
            error,
            remedy: "name a file in a run's folder checkpoints",
        })?),
        None => None,
    };
    let folder = RunFolder::create(&config, Some(&run_dir.join("run")), "skill")?;
    let (rom, token) = (Some(folder.rom(&config)?), folder.token()?);
    Ok(Plan { config, folder, rom, token, task: Some(task), checkpoint, resumed: false })
}

fn conclude(args: &TrialArgs, outcome: Outcome) -> Result<i32, Failure> {
    let Outcome { status, failure, summary, .. } = outcome;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let Some(TaskResult { outcome, reason, steps, is_met }) = summary.task else { return Ok(status) };
    if args.json {
        let result =
            json!({ "skill": args.skill, "met": is_met, "outcome": outcome, "reason": reason, "steps": steps });
        screen::print(&format!("{result}\n"));
    } else {
        let ended = if outcome.is_empty() { "still running" } else { outcome.as_str() };
        let wanted: Vec<&str> = [&args.expect, &args.outcome].into_iter().flatten().map(String::as_str).collect();
        let verdict = match (wanted.is_empty(), is_met) {
            (true, _) => String::new(),
            (false, true) => format!("; as expected: {}", wanted.join(", ")),
            (false, false) => format!("; but not: {}", wanted.join(", ")),
        };
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        screen::print(&format!("{}: {ended} after {steps} steps{reason}{verdict}\n", args.skill));
    }
    Ok(if is_met { exit::OK } else { exit::UNFINISHED })
}

/// Prints the steps of the skill as they come into the log.
fn show_steps(log: PathBuf, skill: String, is_over: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = None;
        let mut has_begun = false;
        let mut rest = String::new();
        loop {
            let is_last_look = is_over.load(Ordering::Acquire);
            if reader.is_none() {
                reader = std::fs::File::open(&log).ok().map(BufReader::new);
            }
            while let Some(open) = &mut reader
                && open.read_line(&mut rest).is_ok_and(|read| read > 0)
                && rest.ends_with('\n')
            {
                if let Ok(line) = serde_json::from_str::<Line>(&rest) {
                    show(&line, &skill, &mut has_begun);
                }
                rest.clear();
            }
            if is_last_look {
                return;
            }
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
    })
}

fn show(line: &Line, skill: &str, has_begun: &mut bool) {
    match &line.event {
        Event::SkillStarted { skill: started, version, reason, arguments, .. }
            if started == skill && reason == "asked for" =>
        {
            *has_begun = true;
            screen::print(&format!("{started} {version} {arguments}\n"));
        }
        Event::SkillNoted { skill, text } if *has_begun => screen::print(&format!("      note of {skill}: {text}\n")),
        Event::SkillRejected { skill: rejected, path, line, message, .. } if rejected == skill => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            screen::print(&format!("rejected: {path}{line}: {message}\n"));
        }
        Event::StepCompleted(step) if *has_begun => {
            let state = &step.state;
            screen::print(&format!(
                "{:>5}  {:<24} {:<14} hp {}/{} belly {} at {},{}  {}\n",
                line.step.unwrap_or_default(),
                step.action,
                step.effect,
                state.hp,
                state.max_hp,
                state.belly,
                state.x,
                state.y,
                step.reason
            ));
        }
        _ => {}
    }
}
