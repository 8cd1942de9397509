//! The `agent` program: the command line, and the parent of a run's processes.
//!
//! The executable starts itself again as each of its roles. The parent process runs no C code and no actor: the
//! crates of the roles are linked, but only their entry points are called, and only in the roles' own processes.
//! Commands that have no roles and look at an emulator (`ram`, `worker`) open it in their own process.

use clap::Parser as _;
use cli::{Cli, Command, SkillsArgs};
use failure::Failure;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use wire::control::Role;
use wire::exit;

mod alerts;
mod attach;
mod bench;
mod bench_all;
mod bundled;
mod cli;
mod config;
mod crash;
mod doctor;
mod eval;
mod export;
mod failure;
mod font;
mod index_command;
mod instruction_bench;
mod log_scan;
mod model_bench;
mod old_runs;
mod platform;
mod plot;
mod png_file;
mod probe;
mod ram;
mod recall_bench;
mod report;
mod roles;
mod router_bench;
mod run;
mod run_folder;
mod run_log;
mod screen;
mod settings;
mod skill_bench;
mod skill_test;
mod skills_command;
mod source;
mod spectator;
mod summary;
mod supervisor;
mod tail;
mod telemetry_bench;
mod threads;
mod train;
mod trend;
mod trial;
mod worker;

/// Says which of the program's own messages reach stderr, for example `debug` or `actors=trace`.
const LOG_VARIABLE: &str = "POCKETPILOT_LOG";

fn main() -> ExitCode {
    crash::end_process_on_panic();
    let status = match Cli::try_parse() {
        Ok(cli) => carry_out(cli.into_command()),
        Err(error) => {
            // A reader of --help that is gone already is no error.
            let _ = error.print();
            if error.use_stderr() { exit::USAGE } else { exit::OK }
        }
    };
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}

fn carry_out(command: Command) -> i32 {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match command {
        Command::Run(args) => tell(run::run(&args)),
        Command::EmulatorBridge(args) => roles::emulator_bridge(args),
        Command::Doctor(args) => tell(doctor::examine(&args)),
        Command::Ram(args) => tell(ram::show(&args)),
        Command::Tail(args) => tell(tail::show(&args)),
        Command::Attach(args) => tell(attach::attach(&args)),
        Command::Report(args) => tell(report::report(&args)),
        Command::Bench(args) => tell(bench::measure(&args)),
        Command::Index(args) => tell(index_command::carry_out(&args.command)),
        Command::Eval(args) => tell(eval::evaluate(&args)),
        Command::Train(args) => tell(train::train(&args)),
        Command::Actors => roles::serve(Role::Actors),
        Command::Indexes { self_test: true } => roles::test_indexes(),
        Command::Indexes { self_test: false } => roles::serve(Role::Indexes),
        Command::Skills(SkillsArgs { command: Some(command) }) => tell(skills_command::carry_out(&command)),
        Command::Skills(SkillsArgs { command: None }) if roles::is_role() => roles::serve(Role::Skills),
        Command::Skills(SkillsArgs { command: None }) => skills_command::explain(),
        Command::Worker(args) => worker::work(&args),
    }
}

fn tell(result: Result<i32, Failure>) -> i32 {
    result.unwrap_or_else(|failure| {
        screen::complain(&format!("agent: {failure}"));
        failure.status()
    })
}
