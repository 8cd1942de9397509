//! Runs that are not kept any more: when the folder of runs has grown beyond what it may have, the oldest go.
//!
//! Invariants: a run that is being played is never touched, nor is a folder that holds no run. What is removed is told in the log of
//! the run that begins.

use crate::run_folder::{self, RUN_FILE};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A run that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// What it took on the disk.
    pub bytes: u64,
}

struct Old {
    path: PathBuf,
    bytes: u64,
    written: SystemTime,
}

/// Removes the oldest runs beside this one, until all together take no more than so many bytes.
///
/// # Errors
/// When the folder cannot be listed. A run that cannot be removed stays, and the next one goes.
pub fn remove_beyond(bytes_max: u64, own: &Path) -> io::Result<Vec<Removed>> {
    let Some(runs) = own.parent() else { return Ok(Vec::new()) };
    let mut old = Vec::new();
    let mut total = size(own);
    for entry in std::fs::read_dir(runs)?.filter_map(Result::ok) {
        let path = entry.path();
        let is_run = entry.file_type().is_ok_and(|kind| kind.is_dir()) && path.join(RUN_FILE).exists();
        if !is_run || path == own {
            continue;
        }
        let written = std::fs::read_dir(&path)
            .into_iter()
            .flatten()
            .filter_map(|file| file.ok()?.metadata().ok()?.modified().ok());
        let written = written.max().unwrap_or(SystemTime::UNIX_EPOCH);
        let bytes = size(&path);
        total += bytes;
        old.push(Old { path, bytes, written });
    }
    old.sort_by_key(|run| run.written);
    let mut removed = Vec::new();
    for Old { path, bytes, .. } in old {
        if total <= bytes_max {
            break;
        }
        // Whoever plays a run holds a lock on its folder.
        let Ok(_lock) = run_folder::lock(&path) else { continue };
        if std::fs::remove_dir_all(&path).is_ok() {
            total -= bytes;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            removed.push(Removed { name, bytes });
        }
    }
    Ok(removed)
}

/// What a folder takes, links not followed.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_runs_go_and_what_is_played_or_no_run_stays() {
        let runs = std::env::temp_dir().join(format!("pocketpilot-old-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&runs);
        let run = |name: &str, age_s: u64| {
            let folder = runs.join(name);
            std::fs::create_dir_all(folder.join("checkpoints")).expect("it is made");
            std::fs::write(folder.join("checkpoints/1"), [0; 1_000]).expect("it is written");
            let file = std::fs::File::create(folder.join(RUN_FILE)).expect("it is made");
            let then = SystemTime::now() - std::time::Duration::from_secs(age_s);
            for path in [&folder, &folder.join("checkpoints")] {
                std::fs::File::open(path).and_then(|file| file.set_modified(then)).expect("it is aged");
            }
            file.set_modified(then).expect("it is aged");
            folder
        };
        let (own, middle, oldest, played) = (run("own", 0), run("b", 500), run("c", 900), run("a", 2_000));
        std::fs::create_dir_all(runs.join("notes")).expect("it is made");
        let lock = run_folder::lock(&played).expect("nobody plays it");
        let removed = remove_beyond(3_000, &own).expect("it can be listed");
        drop(lock);
        let left = [&own, &middle, &oldest, &played].map(|folder| folder.exists());
        let is_note_there = runs.join("notes").exists();
        std::fs::remove_dir_all(&runs).expect("it is removed");
        assert_eq!(removed, [Removed { name: "c".into(), bytes: 1_000 }]);
        assert_eq!((left, is_note_there), ([true, true, false, true], true));
    }
}
