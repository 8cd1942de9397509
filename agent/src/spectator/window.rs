//! The picture of a run that is being played: the newest frame, straight from the memory in which its processes share it.
//!
//! The run's folder has a link to that memory, which is there while the game's emulator lives. Reading it costs the run nothing:
//! the writer of the ring never waits for a reader.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wire::Instance;
use wire::ring::{ReadOutcome, RingReader, Snapshot};

/// A link that leads nowhere is followed again after this time.
const AGAIN: Duration = Duration::from_millis(250);

/// Looks at the picture of a game.
#[derive(Debug)]
pub struct Window {
    link: PathBuf,
    /// The ring, and the number of its memory.
    open: Option<(u64, RingReader)>,
    tried: Option<Instant>,
    frame: Snapshot,
}

impl Window {
    /// The window of a game of the run in this folder.
    pub fn new(run: &Path, instance: Instance) -> Window {
        let link = run.join(crate::run_folder::ring_link(instance));
        Window { link, open: None, tried: None, frame: Snapshot::default() }
    }

    /// Looks; says whether the picture is a new one.
    pub fn look(&mut self) -> bool {
        if self.tried.is_none_or(|tried| tried.elapsed() >= AGAIN) {
            self.tried = Some(Instant::now());
            self.follow();
        }
        let Some((_, ring)) = &self.open else { return false };
        let after = self.frame.stamp.sequence;
        match ring.read_newer(after, &mut self.frame) {
            ReadOutcome::Fresh => true,
            // Its pixels are mixed, and replaced within a frame.
            ReadOutcome::Lapped => {
                self.frame.stamp.sequence = 0;
                false
            }
            ReadOutcome::Stale => false,
        }
    }

    /// The newest picture that was seen, while there is one.
    pub fn picture(&self) -> Option<&Snapshot> {
        Some(&self.frame).filter(|frame| frame.width > 0)
    }

    /// Whether the emulator lives.
    pub fn is_live(&self) -> bool {
        self.open.is_some()
    }

    /// The emulator's memory is another one in each of its lives.
    fn follow(&mut self) {
        let memory = std::fs::metadata(&self.link).ok().map(|metadata| metadata.ino());
        if self.open.as_ref().map(|(open, _)| *open) == memory {
            return;
        }
        let ring = memory.and_then(|memory| {
            let ring = RingReader::open(File::open(&self.link).ok()?.into()).ok()?;
            Some((memory, ring))
        });
        if ring.is_some() {
            self.frame.stamp.sequence = 0;
        }
        self.open = ring;
    }
}
