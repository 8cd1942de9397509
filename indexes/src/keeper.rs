//! Keeps silos in order: folds new memories into the next generation, makes generations anew, forgets what is of least
//! use. A thread of the lowest priority does it in the role; commands call [`Archive::keep_up`].
//!
//! Nothing here changes what can be found, but for what is forgotten on purpose: whatever fails, the silo stays as it
//! was, and it is tried again later.

use crate::archive::{Archive, ArchiveError, OpenSpace, Shelf, lock};
use crate::bloom::Bloom;
use crate::kind::Kind;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

mod fold;
mod forget;

/// The keeper looks around at least this often.
const LOOK: Duration = Duration::from_secs(5);
/// A silo to which nothing was added for this long is folded sooner.
const IDLE: Duration = Duration::from_secs(30);
/// An idle silo is folded when it has this share of [`crate::archive::ArchiveOptions::fold_at`].
const IDLE_SHARE: usize = 8;
/// After a failure it is tried again after this long.
const RETRY: Duration = Duration::from_secs(30);
/// A generation of which more than one in so many memories is dead is made anew.
const DEAD_SHARE: usize = 5;
/// An index that learns is not made of fewer memories.
const LEARN_FROM: usize = 1_024;
/// The lowest priority that a thread can have.
const NICE: i32 = 19;

/// How far a long piece of work is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub what: &'static str,
    /// In which space.
    pub space: String,
    /// In which silo.
    pub span: u32,
    /// So much is done.
    pub done: u64,
    /// Of so much.
    pub total: u64,
}

/// What a silo needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    Nothing,
    /// The next generation is this one and what is new.
    Fold,
    /// The next generation is made from the store.
    Rebuild(Kind),
}

/// How a silo stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Condition {
    /// Kind of the generation; `None`: there is none that can be continued.
    kind: Option<Kind>,
    /// Memories in it, dead ones among them.
    held: usize,
    /// Dead memories in the silo.
    dead: usize,
    /// Memories that are in no generation.
    fresh: usize,
    is_behind: bool,
    is_idle: bool,
}

/// The thread that keeps an archive.
#[derive(Debug)]
pub struct Keeper {
    archive: Arc<Archive>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to keep an archive that can be written.
    pub fn start(archive: Arc<Archive>) -> io::Result<Keeper> {
        let kept = archive.clone();
        let (end, ended) = sync_channel(1);
        archive.wake.set_keeper(true);
        let thread = thread::Builder::new().name("keeper".to_string()).spawn(move || {
            // Where the system refuses, the keeper is merely not as quiet.
            let _ = rustix::process::setpriority_process(None, NICE);
            let _leave = Leave(&kept);
            keep(&kept);
            let _ = end.send(());
        })?;
        Ok(Keeper { archive, ended, thread: Some(thread) })
    }

    /// Tells the thread to end. From now on nobody who brings memories makes room for them.
    pub fn dismiss(&self) {
        self.archive.wake.set_stopping(true);
    }

    /// Ends the thread; waits at most so long for the step that it is at. What it had begun is done again another time.
    pub fn stop(mut self, limit: Duration) {
        self.dismiss();
        if self.ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            self.thread = None;
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.dismiss();
        if let Some(thread) = self.thread.take() {
            // A keeper that died has left the silos as they were.
            let _ = thread.join();
        }
        // A thread that is still at a step must find that it is to end.
        if !self.archive.wake.has_keeper() {
            self.archive.wake.set_stopping(false);
        }
    }
}

/// However the thread ends, it is known to be gone.
struct Leave<'a>(&'a Archive);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.wake.set_keeper(false);
    }
}

fn keep(archive: &Archive) {
    let is_stopping = || archive.wake.is_stopping();
    while !is_stopping() {
        let mut has_worked = false;
        for space in archive.open_spaces() {
            for shelf in &space.shelves {
                let is_due = lock(&shelf.fault).as_ref().is_none_or(|fault| fault.at.elapsed() > RETRY);
                if !is_stopping() && is_due {
                    has_worked |= archive.attend(&space, shelf);
                }
            }
        }
        if !has_worked {
            archive.wake.wait_for_work(LOOK);
        }
    }
}

impl Archive {
    /// Brings every silo of the open spaces up to date.
    pub fn keep_up(&self) -> Result<(), ArchiveError> {
        for space in self.open_spaces() {
            for shelf in &space.shelves {
                while self.keep(&space, shelf, true)? {}
            }
        }
        Ok(())
    }

    /// A visit to one silo, by the keeper or where it has fallen behind; says whether there was work.
    pub(crate) fn attend(&self, space: &OpenSpace, shelf: &Shelf) -> bool {
        let is_idle = lock(&shelf.touched).elapsed() > IDLE;
        let kept = self.fill_bloom(space, shelf).and_then(|()| self.keep(space, shelf, is_idle));
        match kept {
            Ok(has_worked) => {
                *lock(&shelf.fault) = None;
                has_worked
            }
            Err(ArchiveError::Stopped) => false,
            Err(error) => {
                let message = format!("the silo of {} steps cannot be brought up to date: {error}", shelf.span());
                tracing::warn!("{message}");
                shelf.set_fault(message);
                false
            }
        }
    }

    /// Does what a silo needs most; says whether there was anything.
    pub(crate) fn keep(&self, space: &OpenSpace, shelf: &Shelf, is_idle: bool) -> Result<bool, ArchiveError> {
        let _one_at_a_time = lock(&shelf.keeping);
        if self.forget_over_capacity(space, shelf)? {
            return Ok(true);
        }
        let condition = shelf.condition(is_idle);
        let living = (condition.held + condition.fresh).saturating_sub(condition.dead);
        let living = match condition.is_behind {
            true => usize::try_from(self.store.count(shelf.key, 0)?).unwrap_or(usize::MAX),
            false => living,
        };
        match duty(condition, kind_for(self.options.kind, living), self.options.fold_at) {
            Duty::Nothing => return Ok(false),
            Duty::Fold => self.fold(space, shelf, &mut |_, _| {})?,
            Duty::Rebuild(kind) => self.rebuild(space, shelf, kind, &mut |_, _| {})?,
        }
        Ok(true)
    }

    /// Learns which situations a silo holds, once after opening and whenever the filter has become full.
    fn fill_bloom(&self, space: &OpenSpace, shelf: &Shelf) -> Result<(), ArchiveError> {
        if lock(&shelf.bloom).as_ref().is_some_and(|bloom| !bloom.is_full()) {
            return Ok(());
        }
        let known = usize::try_from(self.store.count(shelf.key, 0)?).unwrap_or(usize::MAX);
        let mut bloom = Bloom::new(self.options.capacity.max(known).saturating_mul(2));
        let mut after = 0;
        let mut enter_rest = |bloom: &mut Bloom| -> Result<(), ArchiveError> {
            loop {
                let records = self.store.records(shelf.key, after, u64::MAX)?;
                let Some(last) = records.last() else { return Ok(()) };
                after = last.memory.id;
                records.iter().for_each(|record| bloom.enter(&record.memory));
                self.go_on()?;
            }
        };
        enter_rest(&mut bloom)?;
        // What came meanwhile; then nothing can come before the filter is in place.
        let _changing = lock(&space.changing);
        enter_rest(&mut bloom)?;
        *lock(&shelf.bloom) = Some(bloom);
        Ok(())
    }

    /// Breaks long work off when the process is to end.
    fn go_on(&self) -> Result<(), ArchiveError> {
        match self.wake.is_stopping() {
            true => Err(ArchiveError::Stopped),
            false => Ok(()),
        }
    }
}

impl Shelf {
    fn condition(&self, is_idle: bool) -> Condition {
        let generation = self.silo.generation();
        let is_unsound = self.is_unsound.load(Ordering::Acquire);
        Condition {
            kind: generation.as_ref().filter(|_| !is_unsound).map(|generation| generation.kind()),
            held: generation.map_or(0, |generation| generation.len()),
            dead: self.silo.dead_len(),
            fresh: self.silo.fresh_len(),
            is_behind: self.is_behind.load(Ordering::Acquire),
            is_idle,
        }
    }

    pub(crate) fn set_fault(&self, message: String) {
        *lock(&self.fault) = Some(crate::archive::Fault { at: Instant::now(), message });
    }
}

/// What a silo needs, when an index of `wanted` would suit it best.
fn duty(condition: Condition, wanted: Kind, fold_at: usize) -> Duty {
    let Condition { kind, held, dead, fresh, is_behind, is_idle } = condition;
    let is_enough = fresh >= fold_at.max(1) || (is_idle && fresh >= (fold_at / IDLE_SHARE).max(1));
    let is_dying = held > 0 && dead > held / DEAD_SHARE;
    if !(is_behind || is_enough || is_dying) {
        return Duty::Nothing;
    }
    match kind == Some(wanted) && !is_dying {
        true => Duty::Fold,
        false => Duty::Rebuild(wanted),
    }
}

/// The kind of index for so many memories.
fn kind_for(chosen: Option<Kind>, living: usize) -> Kind {
    match chosen {
        Some(kind) if kind.is_trained() && living < LEARN_FROM => Kind::Flat,
        Some(kind) => kind,
        None => Kind::for_size(living),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLD_AT: usize = 800;

    fn sound() -> Condition {
        Condition { kind: Some(Kind::Hnsw), held: 10_000, ..Condition::default() }
    }

    #[test]
    fn a_silo_is_folded_when_enough_is_new_and_sooner_when_it_is_idle() {
        let with = |fresh, is_idle| duty(Condition { fresh, is_idle, ..sound() }, Kind::Hnsw, FOLD_AT);
        assert_eq!(with(799, false), Duty::Nothing);
        assert_eq!(with(800, false), Duty::Fold);
        assert_eq!(with(99, true), Duty::Nothing);
        assert_eq!(with(100, true), Duty::Fold);
    }

    #[test]
    fn a_silo_is_made_anew_when_its_kind_changes_or_a_fifth_is_dead_or_its_generation_is_not_to_be_used() {
        let rebuild = Duty::Rebuild(Kind::Hnsw);
        let with = |condition| duty(condition, Kind::Hnsw, FOLD_AT);
        assert_eq!(with(Condition { kind: Some(Kind::Flat), fresh: 800, ..sound() }), rebuild);
        assert_eq!(with(Condition { dead: 2_000, ..sound() }), Duty::Nothing);
        assert_eq!(with(Condition { dead: 2_001, ..sound() }), rebuild);
        assert_eq!(with(Condition { kind: None, held: 0, is_behind: true, ..sound() }), rebuild);
        assert_eq!(with(Condition { kind: None, held: 0, ..sound() }), Duty::Nothing);
        assert_eq!(with(Condition { is_behind: true, ..sound() }), Duty::Fold);
    }

    #[test]
    fn an_index_that_learns_is_not_made_of_few() {
        assert_eq!(kind_for(Some(Kind::IvfPq), 1_000), Kind::Flat);
        assert_eq!(kind_for(Some(Kind::IvfPq), 2_000), Kind::IvfPq);
        assert_eq!(kind_for(None, 10), Kind::for_size(10));
    }
}
