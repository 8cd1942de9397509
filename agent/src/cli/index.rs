//! The command line of `agent index`, as typed.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Examples of `index`.
pub const INDEX_EXAMPLES: &str = "\
Examples:
  agent index stats                        spaces and silos: memories, kinds, bytes, what is not folded yet
  agent index verify                       check every checksum and every count; changes nothing
  agent index search --like 4711           the memories nearest to memory 4711
  agent index export out                   vectors as .npy, memories as JSON lines, an index for Python's faiss
  agent index import out                   the same folder, into these silos (or those of another machine)
  agent index compact                      fold new memories, leave out forgotten ones, rebuild what was refused

The silos are in the folder that config.toml names under [indexes]. import and compact change it, so they need that no
run writes there meanwhile; the others may be used while a game is played.

Exit status: 0 when it was done and all is well, 1 when verify found something wrong, 64 to 78 when something has to be
changed first.";

/// Options of `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// What to do
    #[command(subcommand)]
    pub command: IndexCommand,
}

/// What to do with the silos.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Show what the silos hold
    Stats {
        #[command(flatten)]
        place: PlaceArgs,
        /// One JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Check the store and every file of every silo
    Verify {
        #[command(flatten)]
        place: PlaceArgs,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Fold new memories into the silos' indexes now, and rebuild what needs it
    Compact {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Write memories into a folder that other programs can read
    Export {
        /// The folder, which must not exist yet
        #[arg(value_name = "DIR")]
        target: PathBuf,
        #[command(flatten)]
        chosen: ChosenArgs,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Add the memories of an exported folder
    Import {
        /// A folder that `export` wrote
        #[arg(value_name = "DIR")]
        source: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Find the memories nearest to one of them
    Search {
        /// The memory, by its id
        #[arg(long, value_name = "ID")]
        like: u64,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10)]
        count: u32,
        #[command(flatten)]
        place: PlaceArgs,
        /// One JSON object a line instead of a table
        #[arg(long)]
        json: bool,
    },
}

/// Where the silos are.
#[derive(Clone, Debug, Default, Args)]
pub struct PlaceArgs {
    /// The folder of the silos [default: the configured one]
    #[arg(long, value_name = "DIR")]
    pub memories: Option<PathBuf>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Some of the silos.
#[derive(Clone, Debug, Default, Args)]
pub struct ChosenArgs {
    /// Of this space alone, as `stats` names it
    #[arg(long, value_name = "NAME")]
    pub space: Option<String>,
    /// Of clips of this many steps alone
    #[arg(long, value_name = "STEPS")]
    pub span: Option<u32>,
}
