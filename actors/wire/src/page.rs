//! The progress page: one page of shared memory in which a role shows that work passes through it.
//!
//! The parent makes the page, hands it to the role and watches `progress`. A role moves it only where work passes
//! through its actors, so that a process that lives but does nothing is noticed. A stage with a deadline (loading a
//! large file, waiting for a slow server) is a protected zone: until it passes, silence is expected.

use crate::Instance;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE_BYTES: usize = 4096;
const PROGRESS: usize = 0;
const STAGE: usize = 1;
const PROTECTED_UNTIL_MS: usize = 2;
/// The first of the places in which requests are named.
const IN_FLIGHT: usize = 8;
/// Requests that a role may work on at the same time: one a game.
const IN_FLIGHT_MAX: usize = crate::control::INSTANCES_MAX as usize;

/// What a role is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stage {
    /// Started, not yet ready.
    Starting = 0,
    /// Working.
    Serving = 1,
    /// Ending on request.
    Stopping = 2,
}

/// A view of the page at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Grows whenever work passes through.
    pub progress: u64,
    /// What the role is doing.
    pub stage: Stage,
    /// The request being worked on, the first of several; 0 for none.
    pub in_flight: u64,
    /// Monotonic clock, milliseconds: until then silence is expected.
    pub protected_until_ms: u64,
}

/// The page, on either side. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProgressPage {
    map: Arc<MmapRaw>,
}

impl ProgressPage {
    /// Makes a page and the descriptor that the role opens.
    pub fn create() -> io::Result<(ProgressPage, OwnedFd)> {
        let file =
            File::from(rustix::fs::memfd_create("pocketpilot-page", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.set_len(PAGE_BYTES as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let map = MmapOptions::new().map_raw(&file)?;
        Ok((ProgressPage { map: Arc::new(map) }, file.into()))
    }

    /// Opens the page behind a descriptor from [`ProgressPage::create`].
    pub fn open(descriptor: OwnedFd) -> io::Result<ProgressPage> {
        let file = File::from(descriptor);
        let seals = rustix::fs::fcntl_get_seals(&file)?;
        if !seals.contains(SealFlags::SHRINK | SealFlags::GROW) || file.metadata()?.len() != PAGE_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "descriptor is not a progress page"));
        }
        Ok(ProgressPage { map: Arc::new(MmapOptions::new().map_raw(&file)?) })
    }

    /// Work passed through.
    pub fn advance(&self) {
        self.word(PROGRESS).fetch_add(1, Ordering::Relaxed);
    }

    /// The role enters a stage.
    pub fn enter(&self, stage: Stage) {
        self.word(STAGE).store(stage as u64, Ordering::Release);
        self.advance();
    }

    /// Names the request being worked on; 0 when it is done.
    pub fn set_in_flight(&self, id: u64) {
        self.set_in_flight_of(0, id);
    }

    /// Names the request being worked on for one of several games; 0 when it is done.
    pub fn set_in_flight_of(&self, instance: Instance, id: u64) {
        if let Some(place) = Some(usize::from(instance)).filter(|place| *place < IN_FLIGHT_MAX) {
            self.word(IN_FLIGHT + place).store(id, Ordering::Release);
        }
    }

    /// The requests being worked on, one for each game from the first, 0 for none.
    pub fn in_flight(&self) -> Vec<u64> {
        (0..IN_FLIGHT_MAX).map(|place| self.word(IN_FLIGHT + place).load(Ordering::Acquire)).collect()
    }

    /// Silence is expected for this long from now.
    pub fn protect_ms(&self, duration_ms: u64) {
        self.word(PROTECTED_UNTIL_MS).store(monotonic_ms() + duration_ms, Ordering::Release);
    }

    /// What the page shows now.
    pub fn read(&self) -> Progress {
        let stage = match self.word(STAGE).load(Ordering::Acquire) {
            0 => Stage::Starting,
            1 => Stage::Serving,
            _ => Stage::Stopping,
        };
        Progress {
            progress: self.word(PROGRESS).load(Ordering::Relaxed),
            stage,
            in_flight: self.in_flight().into_iter().find(|id| *id != 0).unwrap_or_default(),
            protected_until_ms: self.word(PROTECTED_UNTIL_MS).load(Ordering::Acquire),
        }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        // SAFETY: the mapping is one page, page-aligned, writable and kept alive by `self`; both sides use its words as
        // atomics only; `index` is one of the constants above or within the places that begin at one.
        unsafe { &*self.map.as_ptr().cast::<AtomicU64>().add(index) }
    }
}

/// The monotonic clock in milliseconds, the same in all processes of a machine.
pub fn monotonic_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_seen_on_the_other_side() {
        let (parent, descriptor) = ProgressPage::create().expect("a page is made");
        let child = ProgressPage::open(descriptor).expect("it opens");
        child.enter(Stage::Serving);
        child.set_in_flight(9);
        let seen = parent.read();
        assert_eq!((seen.progress, seen.stage, seen.in_flight), (1, Stage::Serving, 9));
    }

    #[test]
    fn requests_of_several_games_are_kept_apart() {
        let (parent, descriptor) = ProgressPage::create().expect("a page is made");
        let child = ProgressPage::open(descriptor).expect("it opens");
        let last = crate::control::INSTANCES_MAX - 1;
        child.set_in_flight_of(3, 7);
        child.set_in_flight_of(last, 8);
        child.set_in_flight_of(last + 1, 9);
        let named: Vec<_> = parent.in_flight().into_iter().enumerate().filter(|(_, id)| *id != 0).collect();
        assert_eq!(named, [(3, 7), (usize::from(last), 8)]);
        child.set_in_flight_of(3, 0);
        assert_eq!(parent.read().in_flight, 8);
    }
}
