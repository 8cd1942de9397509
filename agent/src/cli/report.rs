//! The command line of `agent report`, as typed.

use clap::Args;
use std::path::PathBuf;

/// Examples of `report`.
pub const REPORT_EXAMPLES: &str = "\
Examples:
  agent report                             the newest run: where its time went, what it took, what it did
  agent report RUN > report.md             another one, by its folder, its name or its log
  agent report --compare runs/OLDER        is the newest run slower than that one? With intervals

The text is Markdown; with its charts it also stays in the run's folder, in report/.

Exit status: 0, or 1 when --compare shows that this run is worse, 66 when there is no log.";

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: its folder, its name, or its log [default: the newest one]
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Compare it with this run
    #[arg(long, value_name = "OTHER")]
    pub compare: Option<PathBuf>,
    /// Folder of the text and its charts [default: report in the run's folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Configuration file, which says where runs are [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
