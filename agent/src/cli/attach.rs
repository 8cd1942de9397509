//! The command line of `agent attach`, as typed.

use clap::Args;
use std::path::PathBuf;

/// Examples of `attach`.
pub const ATTACH_EXAMPLES: &str = "\
Examples:
  agent attach                             the newest run, while it plays or afterwards, in any other terminal
  agent attach runs/20261129T003841Z-5ba7bf
                                           another one, by its folder, its name or its log
  agent attach --web                       as a page in a browser; the link is printed

Keys: arrow keys go back and forth through the steps (Page Up and Page Down by a hundred, Home to the first), End goes back to now; Tab
shows the next game, 1 to 4 what is below the picture; q leaves. The run does not notice that it is looked at.

The picture needs a terminal with colours; kitty, and terminals with its protocol or with sixel, show it sharp.

The page of --web is served on this machine alone, to who has the link, and knows the same keys ([ and ] show the other games);
Ctrl-C ends it.

Exit status: 0 when it was left, 64 where there is no terminal, 66 when there is no run.";

/// Options of `attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The run: its folder, its name, or its log [default: the newest one]
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Serve a page for a browser on this machine, instead of drawing on the terminal
    #[arg(long)]
    pub web: bool,
    /// The page's port [default: one that is free]
    #[arg(long, value_name = "N", requires = "web")]
    pub port: Option<u16>,
    /// Configuration file, which says where runs are [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
