//! `agent report`: what a run did, what it took, and where its time went, from its log alone.
//!
//! The text is Markdown, printed and kept in a folder with its charts. Two runs can be compared; the exit status then says
//! whether this one is worse.

use crate::cli::ReportArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::run_log::RunLog;
use crate::screen;
use compare::{Verdict, compare};
use std::io;
use std::path::{Path, PathBuf};
use tally::Tally;
use wire::exit;

mod charts;
mod compare;
mod markdown;
mod tally;

/// The folder of a report, within its run's.
const FOLDER: &str = "report";
const TEXT_FILE: &str = "report.md";

/// Writes the report; returns the exit status.
pub fn report(args: &ReportArgs) -> Result<i32, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let log = RunLog::find(args.run.as_deref(), &config)?;
    let tally = read(&log)?;
    let other = args.compare.as_ref().map(|other| read(&RunLog::find(Some(other), &config)?)).transpose()?;
    let comparisons = other.as_ref().map(|other| (other.name.as_str(), compare(&tally, other)));
    let folder = args.out.clone().unwrap_or_else(|| log.path.with_file_name(FOLDER));
    let unwritable = |path: &Path, error| Failure::Unwritable {
        path: path.to_path_buf(),
        error,
        remedy: "name a folder that can be written with --out",
    };
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
    let charts = charts::draw(&tally, &folder).map_err(|error| unwritable(&folder, error))?;
    let compared = comparisons.as_ref().map(|(name, comparisons)| (*name, comparisons.as_slice()));
    let text = markdown::write(&tally, &charts, compared);
    let path = folder.join(TEXT_FILE);
    std::fs::write(&path, &text).map_err(|error| unwritable(&path, error))?;
    screen::print(&text);
    screen::complain(&format!("agent: this report and its charts are in {}", near(&folder).display()));
    let is_worse = comparisons.iter().flat_map(|(_, all)| all).any(|one| one.verdict == Verdict::Worse);
    Ok(if is_worse { exit::UNFINISHED } else { exit::OK })
}

fn read(log: &RunLog) -> Result<Tally, Failure> {
    let remedy = "the log must be readable";
    Tally::read(log).map_err(|error: io::Error| Failure::NoInput { path: log.path.clone(), error, remedy })
}

/// A path as it is written from the current folder.
fn near(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current).unwrap_or(path).to_path_buf()
}
