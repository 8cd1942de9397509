//! Checkpoints: the emulator's whole state and the agent's, in one file that is either there and whole or not there.
//!
//! A checkpoint is written beside its place, forced to disk, and renamed. Its end carries a hash of all that comes
//! before, so that a file damaged later is recognised and the one before it is used.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wire::hash::Hash;
use wire::{Step, codec};

/// Checkpoints that are kept; older ones are removed.
pub const CHECKPOINTS_KEPT: usize = 3;
const HASH_BYTES: usize = 8;
const EXTENSION: &str = "checkpoint";

/// Everything needed to go on from a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// [`wire::WIRE_VERSION`] of the agent that wrote it.
    pub version: u32,
    /// The last completed step.
    pub step: Step,
    /// Title and code of the game.
    pub game: String,
    /// The brain that `mind` belongs to.
    pub brain: String,
    /// The brain's memory.
    #[serde(with = "wire::blob")]
    pub mind: Vec<u8>,
    /// How far the journey had come.
    pub progress: Progress,
    /// Turns taken in the life that goes on.
    pub turns: u64,
    /// The emulator's state with its save memory, as the bridge gave it.
    #[serde(with = "wire::blob")]
    pub emulator: Vec<u8>,
}

/// How far a journey has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Floors reached, over all lives.
    pub floors: u32,
    /// The highest floor reached in this life.
    pub floor: u32,
    /// The highest floor reached in any life.
    pub best_floor: u32,
    /// Lives that ended.
    pub episodes: u32,
    /// Turns taken in lives that ended.
    pub turns_before: u64,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not a whole checkpoint.
    #[error("{path}: not a whole checkpoint ({reason})")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Checkpoint {
    /// The checkpoint as a file holds it.
    pub fn encode(&self) -> Result<Vec<u8>, codec::CodecError> {
        let mut bytes = codec::encode(self)?;
        let hash = Hash::of([bytes.as_slice()]);
        bytes.extend_from_slice(&hash.0.to_le_bytes());
        Ok(bytes)
    }

    /// Reads a file that [`write_checkpoint`] wrote.
    pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_path_buf(), reason };
        let bytes = fs::read(path).map_err(|error| CheckpointError::File { path: path.to_path_buf(), error })?;
        let split = bytes.len().checked_sub(HASH_BYTES).ok_or_else(|| damaged("too short".into()))?;
        let (content, hash) = bytes.split_at(split);
        if Hash::of([content]).0.to_le_bytes() != hash {
            return Err(damaged("its hash does not match".into()));
        }
        let checkpoint: Checkpoint = codec::decode(content).map_err(|error| damaged(error.to_string()))?;
        match checkpoint.version {
            wire::WIRE_VERSION => Ok(checkpoint),
            version => Err(damaged(format!("version {version}; this agent writes {}", wire::WIRE_VERSION))),
        }
    }
}

/// Writes an encoded checkpoint into a folder and removes old ones; gives its path.
pub fn write_checkpoint(folder: &Path, step: Step, bytes: &[u8]) -> Result<PathBuf, CheckpointError> {
    let path = folder.join(format!("{step:012}.{EXTENSION}"));
    let beside = path.with_extension("partial");
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&beside, &path)
    };
    if let Err(error) = write() {
        // What was written of it is worth nothing, and its space may be what is missing.
        let _ = fs::remove_file(&beside);
        return Err(CheckpointError::File { path, error });
    }
    for old in newest_first(folder).into_iter().skip(CHECKPOINTS_KEPT) {
        // One that cannot be removed does no harm.
        let _ = fs::remove_file(old);
    }
    Ok(path)
}

/// The checkpoint files of a folder, newest first.
pub fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    paths.reverse();
    paths
}

/// The newest checkpoint that is whole, and what is wrong with those that were passed over.
pub fn newest_whole(folder: &Path) -> (Option<(PathBuf, Checkpoint)>, Vec<CheckpointError>) {
    let mut passed_over = Vec::new();
    for path in newest_first(folder) {
        match Checkpoint::read(&path) {
            Ok(checkpoint) => return (Some((path, checkpoint)), passed_over),
            Err(error) => passed_over.push(error),
        }
    }
    (None, passed_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(step: Step) -> Checkpoint {
        Checkpoint {
            version: wire::WIRE_VERSION,
            step,
            game: "BURROW BPPE".into(),
            brain: "planner".into(),
            mind: vec![1, 2, 3],
            progress: Progress::default(),
            turns: 0,
            emulator: vec![7; 1000],
        }
    }

    #[test]
    fn a_damaged_checkpoint_is_passed_over_and_old_ones_are_removed() {
        let folder = std::env::temp_dir().join(format!("pocketpilot-checkpoints-{}", std::process::id()));
        for step in 1..=5 {
            write_checkpoint(&folder, step, &checkpoint(step).encode().expect("encodes")).expect("writes");
        }
        assert_eq!(newest_first(&folder).len(), CHECKPOINTS_KEPT);
        let newest = newest_first(&folder).remove(0);
        let bytes = fs::read(&newest).expect("reads");
        for damaged in [&bytes[..bytes.len() - 1], &bytes[..3], &[]] {
            fs::write(&newest, damaged).expect("writes");
            let (found, passed_over) = newest_whole(&folder);
            assert_eq!(found.expect("the one before is whole").1, checkpoint(4));
            assert_eq!(passed_over.len(), 1);
        }
        for at in (0..bytes.len()).step_by(37) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            fs::write(&newest, &flipped).expect("writes");
            assert!(Checkpoint::read(&newest).is_err(), "a flipped bit at {at} was not noticed");
        }
        fs::remove_dir_all(&folder).expect("removes");
    }
}
