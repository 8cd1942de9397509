//! A run's telemetry log as its readers find it: one file, with older parts beside it where it was rotated.
//!
//! Nothing here writes, and whoever writes does not notice. The log may belong to a run that is being played, that ended, or that
//! was played on another machine; it may be cut anywhere.

use crate::config::Config;
use crate::failure::Failure;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use wire::log::LOG_FILE;

mod by_step;
mod follower;
mod text;

pub use by_step::{ByStep, Found};
pub use follower::{Follower, Start};
pub use text::{of_event, parts, sources, text};

/// The link beside the runs that names the newest one.
const LATEST: &str = "latest";

/// Where the log of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLog {
    /// The file that is written; older parts lie beside it.
    pub path: PathBuf,
    /// The link that says which run it is, where nobody named one.
    latest: Option<PathBuf>,
}

impl RunLog {
    /// The log of the run that was named by its folder, its name or its log; without one, of the newest run.
    pub fn find(named: Option<&Path>, config: &Config) -> Result<RunLog, Failure> {
        let runs = &config.telemetry.runs;
        let Some(named) = named else {
            let latest = runs.join(LATEST);
            let remedy = "there is no run yet; start one with `agent`, or name a run's folder";
            let path = resolve(&latest).map_err(|error| Failure::NoInput { path: latest.clone(), error, remedy })?;
            return Ok(RunLog { path, latest: Some(latest) });
        };
        let among_runs = runs.join(named);
        let place = if !named.exists() && among_runs.exists() { among_runs.as_path() } else { named };
        let remedy = "name a run's folder, or its telemetry.jsonl";
        let path = resolve(place).map_err(|error| Failure::NoInput { path: named.to_path_buf(), error, remedy })?;
        Ok(RunLog { path, latest: None })
    }

    /// A log of that file.
    pub fn at(path: &Path) -> RunLog {
        RunLog { path: path.to_path_buf(), latest: None }
    }

    /// The log of another run, if there is a newer one and nobody named this one.
    pub fn newer(&self) -> Option<RunLog> {
        let latest = self.latest.as_ref()?;
        let path = resolve(latest).ok().filter(|path| *path != self.path)?;
        Some(RunLog { path, latest: Some(latest.clone()) })
    }

    /// The run's name: that of its folder.
    pub fn name(&self) -> String {
        let folder = self.path.parent().and_then(Path::file_name);
        folder.unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Its files, oldest first; the last one is written.
    pub fn parts(&self) -> io::Result<Vec<PathBuf>> {
        Ok(self.numbers()?.into_iter().map(|number| self.part(number)).chain([self.path.clone()]).collect())
    }

    /// The numbers of its older parts, oldest first.
    pub fn numbers(&self) -> io::Result<Vec<u64>> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let names = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.file_name()));
        let mut numbers: Vec<u64> = names.filter_map(|name| self.number_of(&name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The name of an older part.
    pub fn part(&self, number: u64) -> PathBuf {
        let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        self.path.with_file_name(format!("{}.{number:06}.{}", name(self.path.file_stem()), name(self.path.extension())))
    }

    /// The number of an older part of this log, by its name.
    fn number_of(&self, name: &OsStr) -> Option<u64> {
        let number = Path::new(Path::new(name).file_stem()?).extension()?.to_str()?.parse().ok()?;
        (self.part(number).file_name() == Some(name)).then_some(number)
    }
}

/// The log of a folder, or the file itself. Links are followed, so that what is meant stays the same.
fn resolve(place: &Path) -> io::Result<PathBuf> {
    let place = place.canonicalize()?;
    let path = if place.is_dir() { place.join(LOG_FILE) } else { place };
    path.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other("holds no telemetry.jsonl"),
        _ => error,
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_log_are_found_in_their_order_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("pocketpilot-parts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("it is made");
        let log = RunLog::at(&folder.join("telemetry.jsonl"));
        let older = [log.part(9), log.part(10)];
        for path in older.iter().rev().chain([&log.path]) {
            std::fs::write(path, "").expect("it is written");
        }
        for other in
            ["telemetry.x.jsonl", "other.000001.jsonl", "telemetry.000003.json", "telemetry.7.jsonl", "run.toml"]
        {
            std::fs::write(folder.join(other), "").expect("it is written");
        }
        let parts = log.parts();
        std::fs::remove_dir_all(&folder).expect("it is removed");
        let [first, second] = older;
        assert_eq!(second.file_name(), Some(OsStr::new("telemetry.000010.jsonl")));
        assert_eq!(parts.expect("it can be listed"), [first, second, log.path]);
    }
}
