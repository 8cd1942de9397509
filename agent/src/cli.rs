//! The command line, as typed. What it means together with the configuration is decided in [`crate::settings`].

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use wire::control::{Eyes, Pace, RecallUse};

mod attach;
mod bench;
mod index;
mod report;
mod skills;
mod tail;

use crate::eval::{EVAL_EXAMPLES, EvalArgs};
use crate::train::{TRAIN_EXAMPLES, TrainArgs};
use attach::ATTACH_EXAMPLES;
pub use attach::AttachArgs;
use bench::BENCH_EXAMPLES;
pub use bench::{BenchArgs, BenchKind, Vision};
use index::INDEX_EXAMPLES;
pub use index::{ChosenArgs, IndexArgs, IndexCommand, PlaceArgs};
use report::REPORT_EXAMPLES;
pub use report::ReportArgs;
use skills::SKILLS_EXAMPLES;
pub use skills::{ShelfArgs, SkillsArgs, SkillsCommand};
use tail::TAIL_EXAMPLES;
pub use tail::{Steps, TailArgs};

const RUN_EXAMPLES: &str = "\
Examples:
  agent                                    play Burrow, the bundled game, until floor five is reached
  agent --floors 2 --pace unthrottled      two floors, as fast as the machine can
  agent --instances 4 --floors 3           four games at once, each until floor three is reached
  agent run --rom game.gba --steps 1000    another game, a thousand steps
  agent --emulator mgba-lua                the game in an open mGBA window, with our script loaded in it
  agent --emulator 'ws://127.0.0.1:9000/?token=T'   a bridge that runs already
  agent --eyes reader                      play from what is read on the picture, without looking into memory
  agent --resume runs/latest               go on where an earlier run stopped
  agent tail --follow                      in another terminal: what it does and why

Exit status: 0 when the asked-for work was done, 1 when the run ended before, 64 to 78 when something has to be
changed first (one line on stderr says what), 130 and 143 after Ctrl-C and SIGTERM.";

const BRIDGE_EXAMPLES: &str = "\
Example:
  agent emulator-bridge --listen 127.0.0.1:9000 --rom game.gba
  agent --emulator 'ws://127.0.0.1:9000/?token=TOKEN'      in another terminal, with the token it printed";

const RAM_EXAMPLES: &str = "\
Examples:
  agent ram                                what the game in an open mGBA window looks like to the agent, now
  agent ram --watch                        the same, again and again while you play; Ctrl-C ends it
  agent ram --emulator mgba-lua:HOST:PORT  a window on another machine or port
  agent ram --rom game.gba                 a ROM on the built-in emulator, after its first two seconds
  agent ram --profile pmd-red              read as this game, whatever the ROM is
  agent ram --watch --json | jq .state.leader

To see a live game, open it in mGBA and load emulator-bridge/mgba/pocketpilot.lua in Tools > Scripting. Memory that
the decoder refuses is no error: the validity check that it fails is shown. The open questions are what nobody has seen
confirmed yet about the layout of a game; with --watch an answer, once seen, stays.

Exit status: 0 when something was read, 69 when there is no emulator to read, 77 when it lets nobody in, 64 to 78 when
something else has to be changed first, 130 after Ctrl-C.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  agent doctor                             this machine, and whether a live mGBA window answers
  agent doctor --emulator                  and the emulator that a run would play on: connection, speed, keys
  agent doctor --emulator=mgba-lua:127.0.0.1:27100
                                           and the mGBA window at this address

Exit status: 0 when all is well, 69 when there is a PROBLEM; the line below it says how to fix it.";

/// An agent that plays an emulated game.
#[derive(Debug, Parser)]
#[command(name = "agent", version, about, after_help = RUN_EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without one, `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play (the default)
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Serve one emulator over WebSocket, without an agent
    #[command(after_help = BRIDGE_EXAMPLES)]
    EmulatorBridge(BridgeArgs),
    /// Check what a run needs, and say how to fix what is missing
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Show what the agent makes of the game's memory, and which check fails if one does
    #[command(after_help = RAM_EXAMPLES)]
    Ram(RamArgs),
    /// Show what a run does, or did: its log, filtered and readable
    #[command(after_help = TAIL_EXAMPLES)]
    Tail(TailArgs),
    /// Look at a run on this terminal, while it plays or afterwards
    #[command(after_help = ATTACH_EXAMPLES)]
    Attach(AttachArgs),
    /// Tell what a run did, what it took, and where its time went; compare two
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Measure the parts of a step on this machine
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArgs),
    /// Role: runs the actors.
    #[command(hide = true)]
    Actors,
    /// Role: holds the memory silos.
    #[command(hide = true)]
    Indexes {
        /// Check FAISS, print its version, end.
        #[arg(long)]
        self_test: bool,
    },
    /// List, check, make, try and test skills
    #[command(after_help = SKILLS_EXAMPLES)]
    Skills(SkillsArgs),
    /// Look into the memories of earlier play, check, move and search them
    #[command(after_help = INDEX_EXAMPLES)]
    Index(IndexArgs),
    /// Play many seeds with and without a part of the agent, and say what it is worth
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArgs),
    /// Train the reader, the network that reads the game from its picture, or judge its weights
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArgs),
    /// Does one piece of work for `doctor` or `bench` that the parent must not do itself, and prints a JSON object.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Options of `run`. What is left out comes from the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// End after this many steps (0: never); replaces the configured number of floors unless --floors is given
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// End when this floor is reached (0: never); replaces the configured number of steps unless --steps is given
    #[arg(long, value_name = "N")]
    pub floors: Option<u32>,
    /// Seed of the game and of every random choice
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Play so many games at once, from 1 to 64; each further one has one more as its seed, and steps and floors hold for each
    #[arg(long, value_name = "N")]
    pub instances: Option<u16>,
    /// ROM to play [default: Burrow, the bundled game]
    #[arg(long, value_name = "FILE", conflicts_with = "emulator")]
    pub rom: Option<PathBuf>,
    /// Which emulator to play on: auto, libretro, mgba-lua or mgba-lua:HOST:PORT, mgba-http or mgba-http:HOST:PORT, or a
    /// bridge that runs already, ws://HOST:PORT/?token=TOKEN
    #[arg(long, value_name = "WHICH")]
    pub emulator: Option<String>,
    /// Who decides: planner (chooses among skills), router (asks a model which of them), rules (built in, without skills) or random
    #[arg(long, value_name = "NAME")]
    pub brain: Option<String>,
    /// Whether experience of earlier play takes part in decisions: auto is as the game's profile says
    #[arg(long, value_enum, value_name = "USE")]
    pub recall: Option<RecallArg>,
    /// Folder of the memories of earlier play [default: the configured one]
    #[arg(long, value_name = "DIR")]
    pub memories: Option<PathBuf>,
    /// What play is based on: ram (the game's memory), reader (what a small network reads on the picture, and nothing else) or
    /// both (memory, and an alarm where the picture says otherwise)
    #[arg(long, value_enum, value_name = "EYES")]
    pub eyes: Option<EyesArg>,
    /// How emulated time relates to the wall clock
    #[arg(long, value_enum)]
    pub pace: Option<PaceArg>,
    /// End when the first life ends
    #[arg(long)]
    pub one_life: bool,
    /// Exactly this folder for the run's files [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Go on with the run in this folder, from its newest checkpoint
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "seed", "rom", "emulator", "run_dir"])]
    pub resume: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `emulator-bridge`.
#[derive(Debug, Args)]
pub struct BridgeArgs {
    /// Address to listen on; port 0 for any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// ROM to serve
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// libretro core [default: look in the usual places]
    #[arg(long, value_name = "FILE", requires = "rom")]
    pub core: Option<PathBuf>,
    /// What clients must know [default: a new random one, printed]
    #[arg(long, value_name = "TOKEN", requires = "rom")]
    pub token: Option<String>,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Measure the emulator too: the one that a run would play on, or this one; WHICH is as for `run --emulator`
    #[arg(long, value_name = "WHICH", num_args = 0..=1, require_equals = true)]
    pub emulator: Option<Option<String>>,
}

/// Options of `ram`.
#[derive(Debug, Args)]
pub struct RamArgs {
    /// Go on showing what changes
    #[arg(long)]
    pub watch: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
    /// Which emulator to look into: auto, libretro, mgba-lua or mgba-lua:HOST:PORT, mgba-http or mgba-http:HOST:PORT
    #[arg(long, value_name = "WHICH")]
    pub emulator: Option<String>,
    /// ROM to look into, on the built-in emulator [default: Burrow, where no window answers]
    #[arg(long, value_name = "FILE", conflicts_with = "emulator")]
    pub rom: Option<PathBuf>,
    /// Game profile to read it with; `none` for none [default: recognise the ROM]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// What to do
    #[arg(value_enum)]
    pub what: WorkerKind,
    /// libretro core
    #[arg(long, value_name = "FILE")]
    pub core: Option<PathBuf>,
    /// ROM
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Folder for what an emulator wants to keep
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// How many memories
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub count: usize,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which emulator
    #[arg(long, value_name = "WHICH")]
    pub emulator: Option<String>,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkerKind {
    /// Loads the core and the ROM and runs a frame
    CheckEmulator,
    /// Looks whether a live window answers
    FindWindow,
    /// Measures the emulator that a run would play on
    ProbeEmulator,
    /// Looks for the servers of models
    FindModels,
    /// Measures the emulator bridge
    BenchBridge,
    /// Measures decoding
    BenchDecode,
    /// Measures a turn of the skills
    BenchSkills,
    /// Measures the router with recorded play
    BenchRouter,
    /// Measures one of the models in this process
    BenchModels,
    /// Goes the paths whose instructions are counted
    CountInstructions,
    /// Makes silos to measure
    RecallMake,
    /// Compares what they find with what is nearest
    RecallCompare,
    /// Measures the memory that they take
    RecallMemory,
    /// Measures one of them, and writes it for Python
    RecallSingle,
}

impl WorkerKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            WorkerKind::CheckEmulator => "check-emulator",
            WorkerKind::FindWindow => "find-window",
            WorkerKind::ProbeEmulator => "probe-emulator",
            WorkerKind::FindModels => "find-models",
            WorkerKind::BenchBridge => "bench-bridge",
            WorkerKind::BenchDecode => "bench-decode",
            WorkerKind::BenchSkills => "bench-skills",
            WorkerKind::BenchRouter => "bench-router",
            WorkerKind::BenchModels => "bench-models",
            WorkerKind::CountInstructions => "count-instructions",
            WorkerKind::RecallMake => "recall-make",
            WorkerKind::RecallCompare => "recall-compare",
            WorkerKind::RecallMemory => "recall-memory",
            WorkerKind::RecallSingle => "recall-single",
        }
    }
}

/// How emulated time relates to the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaceArg {
    /// The game waits for each decision; frames pass at the real machine's rate
    Lockstep,
    /// The game never waits
    Realtime,
    /// The game waits for each decision; frames pass as fast as they go
    Unthrottled,
}

impl From<PaceArg> for Pace {
    fn from(pace: PaceArg) -> Pace {
        match pace {
            PaceArg::Lockstep => Pace::Lockstep,
            PaceArg::Realtime => Pace::Realtime,
            PaceArg::Unthrottled => Pace::Unthrottled,
        }
    }
}

/// What play is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EyesArg {
    /// The game's memory
    Ram,
    /// What is read on the picture, and nothing else
    Reader,
    /// Memory, compared with what is read on the picture
    Both,
}

impl From<EyesArg> for Eyes {
    fn from(eyes: EyesArg) -> Eyes {
        match eyes {
            EyesArg::Ram => Eyes::Ram,
            EyesArg::Reader => Eyes::Reader,
            EyesArg::Both => Eyes::Both,
        }
    }
}

/// Whether experience takes part in decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecallArg {
    /// As the game's profile says
    Auto,
    /// Yes
    On,
    /// No
    Off,
}

impl From<RecallArg> for RecallUse {
    fn from(used: RecallArg) -> RecallUse {
        match used {
            RecallArg::Auto => RecallUse::Auto,
            RecallArg::On => RecallUse::On,
            RecallArg::Off => RecallUse::Off,
        }
    }
}

impl Cli {
    /// The command line's meaning: options without a subcommand are those of `run`.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or_else(|| Command::Run(Box::new(self.run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn run_args(line: &str) -> RunArgs {
        match Cli::try_parse_from(line.split_whitespace()).expect("it is accepted").into_command() {
            Command::Run(args) => *args,
            other => panic!("{line} means {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_without_a_subcommand_are_those_of_run() {
        for line in ["agent --floors 2 --pace unthrottled -q", "agent run --floors 2 --pace unthrottled -q"] {
            let args = run_args(line);
            assert_eq!((args.floors, args.pace, args.quiet), (Some(2), Some(PaceArg::Unthrottled), true));
        }
        assert!(run_args("agent").floors.is_none());
    }

    #[test]
    fn a_resumed_run_keeps_its_game() {
        assert_eq!(run_args("agent --resume runs/x --floors 9").floors, Some(9));
        for option in ["--seed 3", "--rom a.gba", "--run-dir y", "--config c.toml"] {
            let line = format!("agent --resume runs/x {option}");
            assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }

    #[test]
    fn doctor_measures_the_configured_emulator_or_a_named_one() {
        let emulator = |line: &str| match Cli::try_parse_from(line.split_whitespace()).map(Cli::into_command) {
            Ok(Command::Doctor(args)) => args.emulator,
            other => panic!("{line} means {other:?}"),
        };
        assert_eq!(emulator("agent doctor"), None);
        assert_eq!(emulator("agent doctor --emulator"), Some(None));
        assert_eq!(emulator("agent doctor --emulator=libretro"), Some(Some("libretro".to_string())));
    }

    #[test]
    fn skills_without_a_command_is_the_role() {
        let command = |line: &str| match Cli::try_parse_from(line.split_whitespace()).map(Cli::into_command) {
            Ok(Command::Skills(args)) => args.command,
            other => panic!("{line} means {other:?}"),
        };
        assert!(command("agent skills").is_none());
        let Some(SkillsCommand::Check { named, shelf }) = command("agent skills check eat --skills x") else {
            panic!("it is a check")
        };
        assert_eq!((named.as_slice(), shelf.skills), (["eat".to_string()].as_slice(), Some(PathBuf::from("x"))));
    }

    #[test]
    fn a_bridge_without_a_rom_is_the_role() {
        let bridge = |line: &str| match Cli::try_parse_from(line.split_whitespace()).map(Cli::into_command) {
            Ok(Command::EmulatorBridge(args)) => args.rom,
            other => panic!("{line} means {other:?}"),
        };
        assert_eq!(bridge("agent emulator-bridge"), None);
        assert_eq!(bridge("agent emulator-bridge --rom a.gba"), Some(PathBuf::from("a.gba")));
    }
}
