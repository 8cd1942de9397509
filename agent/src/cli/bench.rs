//! The command line of `agent bench`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const BENCH_EXAMPLES: &str = "\
Examples:
  agent bench loop                         what a whole step takes on this machine
  agent bench all --quick                  every bench that needs nothing but this machine, in about a minute
  agent bench all --history bench.jsonl    the same at length, kept in a file and compared with what is there
  agent bench instructions                 instructions of the paths that every step goes, as valgrind counts them

`all` judges ratios that are measured within one run, and counts of instructions; times are told and never judged.

Exit status: 0 when all was measured, 1 when a bench failed or a ratio or a count breaks its bound, 64 to 78 when something
has to be changed first (one line on stderr says what).";

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure
    #[arg(value_enum)]
    pub what: BenchKind,
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Steps that `loop` and `telemetry` take [default: 2000], and each game that `router` records [default: 300]
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Memories in each of the silos that `recall` makes
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub count: u32,
    /// Have `recall` ask Python's faiss only where it is installed already
    #[arg(long)]
    pub no_install: bool,
    /// Numbers of games that `router` is measured with
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=64))]
    pub instances: Vec<u16>,
    /// Decisions that the agent without a router makes in each of its measurements; the others take as long
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub decisions: Option<u64>,
    /// Games that `router` records [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub runs: Option<u16>,
    /// Which models `models` measures: all, reader, 184m, 2b, 4b, 8b (these with --random-weights), or the folder of a Qwen3-VL
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_value = "all")]
    pub models: Vec<String>,
    /// Tokens in the prompts of `models`: auto, or numbers as in 64,1024; a model's context caps them
    #[arg(long, value_name = "N,…", default_value = "auto")]
    pub lengths: String,
    /// Whether the prompts of `models` have a picture of 480 × 320 pixels
    #[arg(long, value_enum, value_name = "WHEN", default_value = "both")]
    pub vision: Vision,
    /// Judge this machine by `models` of the real shapes whose weights are random: nothing has to be downloaded first
    #[arg(long)]
    pub random_weights: bool,
    /// Comma-separated values of `models` instead of a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Draw the figures of `models` as PNG files into this folder
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Measure less, and less exactly: `router` in a minute, `models` a tenth, `all` in about a minute
    #[arg(long)]
    pub quick: bool,
    /// File to which `all` appends what it measured, a line of JSON, and with whose last lines it compares
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// libretro core [default: look in the usual places]
    #[arg(long, value_name = "FILE")]
    pub core: Option<PathBuf>,
    /// ROM [default: Burrow, the bundled game]
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
}

/// Whether prompts have pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vision {
    /// Without
    Off,
    /// With
    On,
    /// Both ways
    Both,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchKind {
    /// Every bench below that needs nothing but this machine, one after another; what changed, and what breaks its bound
    All,
    /// Frames a second that the emulator bridge publishes, against the bare core
    Bridge,
    /// Decoding an observation
    Decode,
    /// A turn of the skills across the process boundary: observation in, keys out
    Skills,
    /// Recall over seven silos: latency, accuracy, memory, opening; and Python's faiss on the same vectors
    Recall,
    /// The model router on recorded play, with models that only take their time: decisions a second against one blocking call
    /// a decision, calls saved, waiting, overload
    Router,
    /// The models in this process: tokens a second, what a picture costs, batches; with --random-weights before any is there
    Models,
    /// Telemetry: what an event costs, and all of them in a run
    Telemetry,
    /// A whole step: overhead, capture, decode, total
    Loop,
    /// Instructions of the paths that every step goes, counted by valgrind: the same on every day
    Instructions,
}

impl BenchKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            BenchKind::All => "all",
            BenchKind::Bridge => "bridge",
            BenchKind::Decode => "decode",
            BenchKind::Skills => "skills",
            BenchKind::Models => "models",
            BenchKind::Recall => "recall",
            BenchKind::Router => "router",
            BenchKind::Telemetry => "telemetry",
            BenchKind::Loop => "loop",
            BenchKind::Instructions => "instructions",
        }
    }
}
