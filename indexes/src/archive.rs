//! A folder of experience: its store, its spaces and their silos. What the role serves and the commands work on.
//!
//! Invariants: one process writes at a time (`lock`); what `remember` has kept is on the disk before it can be found; what
//! can be found is what the store holds, whatever generations lie in the folder. Absent: sockets, and the thread that
//! keeps silos in order ([`crate::keeper`]).

use crate::generation::GenerationError;
use crate::intake::{self, checked};
use crate::kind::Kind;
use crate::note::{Names, Note};
use crate::store::rows::Record;
use crate::store::slow::SlowStatement;
use crate::store::writes::{Change, Changed};
use crate::store::{STORE_FILE, Store, StoreError};
use crate::vectors::VectorError;
use lock::Lock;
pub(crate) use space::Fault;
pub use space::{OpenSpace, Shelf};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use wake::Wake;
use wire::event::Event;
use wire::recall::{Memory, NewMemory, Space};

pub(crate) mod find;
pub mod inspect;
mod lock;
mod space;
mod wake;

/// Memories that are imported in one transaction.
const IMPORT_AT_ONCE: usize = 10_000;
/// With so many times [`ArchiveOptions::fold_at`] fresh memories in a silo, who brings more waits for the keeper.
const FRESH_MAX: usize = 3;

/// How a folder is opened.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// Whether memories may be added.
    pub is_writable: bool,
    /// The kind of every silo's index; `None`: by size.
    pub kind: Option<Kind>,
    /// Memories that each silo keeps.
    pub capacity: usize,
    /// New memories of a silo that are folded into its index.
    pub fold_at: usize,
    /// Who is told what happens.
    pub report: Report,
}

/// Who is told what happens; nobody by default.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(Event) + Send + Sync>);

/// Why something cannot be done with a folder of experience.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another process writes there.
    #[error("{}: process {pid} keeps experience here; stop it, or use another folder", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The process.
        pid: u32,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The experience store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A generation cannot be written.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// Vectors cannot be used.
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// What was brought cannot be kept.
    #[error("{0}")]
    Refused(String),
    /// The work was broken off because the process ends.
    #[error("broken off")]
    Stopped,
}

/// What became of memories that were brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// New ones.
    pub kept: u32,
    /// Those that said no more than a known one, and were counted there.
    pub merged: u32,
}

/// An open folder of experience.
#[derive(Debug)]
pub struct Archive {
    pub(crate) folder: PathBuf,
    pub(crate) options: ArchiveOptions,
    pub(crate) store: Store,
    names: RwLock<Arc<Names>>,
    spaces: Mutex<HashMap<Space, Arc<OpenSpace>>>,
    opening: Mutex<()>,
    pub(crate) wake: Wake,
    /// Kept for as long as the archive is open for writing.
    _lock: Option<Lock>,
}

impl Archive {
    /// Opens a folder, or begins it where it may be written.
    pub fn open(folder: &Path, options: &ArchiveOptions) -> Result<Archive, ArchiveError> {
        let lock = match options.is_writable {
            true => Some(Lock::take(folder)?),
            false => None,
        };
        let store = Store::open(&folder.join(STORE_FILE), options.is_writable)?;
        let archive = Archive {
            folder: folder.to_path_buf(),
            options: ArchiveOptions { fold_at: options.fold_at.max(1), ..options.clone() },
            store,
            names: RwLock::default(),
            spaces: Mutex::default(),
            opening: Mutex::default(),
            wake: Wake::default(),
            _lock: lock,
        };
        let names = archive.store.names(0)?;
        archive.learn_names(names.iter().map(|(number, name)| (*number, name.as_str())));
        Ok(archive)
    }

    /// Whether memories can be added.
    pub fn is_writable(&self) -> bool {
        self.store.is_writable()
    }

    /// The silos of a space, opened, verified and warm. What is damaged is set aside and told; it is no error.
    pub fn open_space(&self, space: &Space) -> Result<Arc<OpenSpace>, ArchiveError> {
        let _one_at_a_time = lock(&self.opening);
        if let Some(open) = lock(&self.spaces).get(space) {
            return Ok(open.clone());
        }
        let open = Arc::new(OpenSpace::open(self, space)?);
        lock(&self.spaces).insert(space.clone(), open.clone());
        self.wake.ring_work();
        Ok(open)
    }

    /// The spaces that are open.
    pub fn open_spaces(&self) -> Vec<Arc<OpenSpace>> {
        lock(&self.spaces).values().cloned().collect()
    }

    /// Keeps memories, or counts them where they are known. When this returns they survive the death of every process.
    pub fn remember(&self, space: &OpenSpace, memories: Vec<NewMemory>) -> Result<Kept, ArchiveError> {
        let kept = self.remember_batches(space, vec![memories])?.pop();
        kept.unwrap_or_else(|| Ok(Kept::default())).map_err(ArchiveError::Refused)
    }

    /// The same with several batches in one transaction. A batch that holds what cannot be kept is refused whole.
    pub fn remember_batches(
        &self,
        space: &OpenSpace,
        batches: Vec<Vec<NewMemory>>,
    ) -> Result<Vec<Result<Kept, String>>, ArchiveError> {
        self.make_room(space)?;
        let dimensions = space.space.dimensions as usize;
        let check = |batch: Vec<NewMemory>| batch.into_iter().map(|new| checked(new, dimensions)).collect();
        let checked: Vec<Result<Vec<NewMemory>, String>> = batches.into_iter().map(check).collect();
        let counts: Vec<Result<usize, String>> =
            checked.iter().map(|batch| batch.as_ref().map(Vec::len).map_err(Clone::clone)).collect();
        // Between looking at what is known and adding to it, nothing is forgotten and nothing else is added.
        let changing = lock(&space.changing);
        let memories = checked.into_iter().flatten().flatten().collect();
        let sorted = intake::sort(&space.known(self), memories)?;
        let changed = self.store.apply(space.number, &sorted.changes)?;
        self.show(space, sorted.changes, &changed)?;
        drop(changing);
        self.wake.ring_work();
        let mut is_new = sorted.is_new.into_iter();
        let mut count = |length: usize| {
            let kept = is_new.by_ref().take(length).filter(|is_new| *is_new).count();
            Kept { kept: kept as u32, merged: (length - kept) as u32 }
        };
        Ok(counts.into_iter().map(|length| length.map(&mut count)).collect())
    }

    /// Adds memories as they are, many at a time; those whose trajectory and step are known are left out. They can be
    /// found once the silos have been brought up to date ([`Archive::keep_up`], [`Archive::compact`], or the keeper).
    /// Says how many were new; `progress` is told how many were looked at.
    pub fn import(
        &self,
        space: &OpenSpace,
        memories: impl IntoIterator<Item = NewMemory>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ArchiveError> {
        let dimensions = space.space.dimensions as usize;
        let mut memories = memories.into_iter().peekable();
        let (mut seen, mut added) = (0, 0);
        while memories.peek().is_some() {
            let part = memories.by_ref().take(IMPORT_AT_ONCE).map(|new| checked(new, dimensions));
            let part: Vec<NewMemory> = part.collect::<Result<_, _>>().map_err(ArchiveError::Refused)?;
            let changing = lock(&space.changing);
            added += self.store.import(space.number, &part)?;
            space.fall_behind(part.iter().map(|new| new.memory.span));
            drop(changing);
            seen += part.len() as u64;
            progress(seen);
        }
        let names = self.store.names(0)?;
        self.learn_names(names.iter().map(|(number, name)| (*number, name.as_str())));
        self.wake.ring_work();
        Ok(added)
    }

    /// What else is kept of a memory; `None`: there is no such memory.
    pub fn fetch(&self, id: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(self.store.detail(id)?)
    }

    /// Statements that took long since the last call.
    pub fn slow_statements(&self) -> Vec<SlowStatement> {
        self.store.stopwatch().take()
    }

    /// Everything that keeps this archive from its work, in a line; empty: nothing.
    pub fn trouble(&self) -> String {
        let faults = self.open_spaces().iter().flat_map(|space| space.faults()).collect::<Vec<_>>();
        faults.first().cloned().unwrap_or_default()
    }

    /// Lets those who bring memories find them, and tells the silos.
    fn show(&self, space: &OpenSpace, changes: Vec<Change>, changed: &[Changed]) -> Result<(), ArchiveError> {
        let mut entries: HashMap<u32, Vec<(Note, Vec<f32>)>> = HashMap::new();
        for (change, changed) in changes.into_iter().zip(changed) {
            match (change, *changed) {
                (Change::Add { memory, vector, .. }, Changed::Added { id, skill, action }) => {
                    self.learn_names([(skill, memory.skill.as_str()), (action, memory.action.as_str())]);
                    let note = Note::of(&Memory { id, ..memory.clone() }, skill, action);
                    if let Some(shelf) = space.shelf(memory.span) {
                        shelf.enter(&memory);
                    }
                    entries.entry(memory.span).or_default().push((note, vector));
                }
                (Change::Merge { id, .. }, Changed::Merged { .. }) => {
                    let record = self.store.record(id)?;
                    let shelf = record.as_ref().and_then(|record| space.shelf(record.memory.span));
                    if let (Some(record), Some(shelf)) = (record, shelf) {
                        shelf.silo.revise(&[note_of(&record)]);
                    }
                }
                _ => {}
            }
        }
        for (span, entries) in entries {
            if let Some(shelf) = space.shelf(span) {
                shelf.silo.add(&entries)?;
            }
        }
        Ok(())
    }

    /// Sees to it that no silo of the space has too many fresh memories. Whoever brings them does the keeper's work where
    /// it has fallen behind: the keeper's priority is the lowest, and where games take every core it gets nowhere.
    fn make_room(&self, space: &OpenSpace) -> Result<(), ArchiveError> {
        let most = self.options.fold_at.saturating_mul(FRESH_MAX);
        let is_full = |shelf: &&Shelf| shelf.silo.fresh_len() >= most && !shelf.has_fault();
        // Of what cannot be folded there is an end as well.
        let mut overfull = space.shelves.iter().filter(|shelf| shelf.silo.fresh_len() >= most.saturating_mul(2));
        if let Some(fault) = overfull.find_map(|shelf| lock(&shelf.fault).clone()) {
            return Err(ArchiveError::Refused(fault.message));
        }
        // What was taken is kept before the process ends, however much there is.
        while let Some(shelf) = space.shelves.iter().find(is_full).filter(|_| !self.wake.is_stopping()) {
            self.attend(space, shelf);
        }
        Ok(())
    }

    pub(crate) fn names(&self) -> Arc<Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn_names<'a>(&self, names: impl IntoIterator<Item = (u32, &'a str)>) {
        for (number, name) in names {
            if self.names().number(name) != Some(number) {
                let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
                Arc::make_mut(&mut names).insert(number, name);
            }
        }
    }

    /// A record as it was kept.
    pub(crate) fn memory_of(&self, record: Record) -> Memory {
        let names = self.names();
        let (skill, action) = (names.name(record.skill).to_string(), names.name(record.action).to_string());
        Memory { skill, action, ..record.memory }
    }
}

impl Report {
    /// Tells this function.
    pub fn to(tell: impl Fn(Event) + Send + Sync + 'static) -> Report {
        Report(Arc::new(tell))
    }

    /// Tells of an event.
    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }
}

impl Default for Report {
    fn default() -> Report {
        Report::to(drop)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Report")
    }
}

pub(crate) fn note_of(record: &Record) -> Note {
    Note::of(&record.memory, record.skill, record.action)
}

// What these locks guard is changed in single steps, so a panic elsewhere leaves it whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
