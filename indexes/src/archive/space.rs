//! An open space: seven silos, and what is known of each besides.

use super::{Archive, ArchiveError, lock, note_of};
use crate::bloom::Bloom;
use crate::generation::{Generation, silo_folder};
use crate::intake::Known;
use crate::note::Note;
use crate::silo::Silo;
use crate::store::reads::SiloKey;
use crate::vectors::Access;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use wire::event::Event;
use wire::recall::{Memory, NewMemory, Outcome, SPANS, Space};

/// The nearest memories that are compared with a new one.
const NEAR: usize = 4;
/// So many times [`super::ArchiveOptions::fold_at`] memories without an index are searched one by one; with more the silo
/// is brought up to date first.
const UNINDEXED_MAX: usize = 4;

/// The silos of a space.
#[derive(Debug)]
pub struct OpenSpace {
    /// The space.
    pub space: Space,
    /// Its number in the store; 0 where the store does not know it and may not be written.
    pub(crate) number: u32,
    /// One for each of [`SPANS`].
    pub shelves: Vec<Shelf>,
    /// Held while memories are added or forgotten.
    pub(crate) changing: Mutex<()>,
}

/// A silo, its folder, and how far it is behind the store.
#[derive(Debug)]
pub struct Shelf {
    /// The silo.
    pub silo: Arc<Silo>,
    pub(crate) key: SiloKey,
    pub(crate) folder: PathBuf,
    /// `None` until the keeper has looked through the store.
    pub(crate) bloom: Mutex<Option<Bloom>>,
    /// Whether the store holds memories that are neither in the generation nor fresh.
    pub(crate) is_behind: AtomicBool,
    /// Whether the generation cannot be continued.
    pub(crate) is_unsound: AtomicBool,
    /// Held by whoever makes the next generation.
    pub(crate) keeping: Mutex<()>,
    pub(crate) fault: Mutex<Option<Fault>>,
    /// When a memory was added last.
    pub(crate) touched: Mutex<Instant>,
}

/// Why the last attempt to bring a silo up to date failed.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub at: Instant,
    pub message: String,
}

impl OpenSpace {
    /// Opens all silos at the same time.
    pub(super) fn open(archive: &Archive, space: &Space) -> Result<OpenSpace, ArchiveError> {
        let begin = Instant::now();
        if silo_folder(&archive.folder, space, 1).is_none() {
            return Err(ArchiveError::Refused(format!("{:?} is no name for a space", space.name)));
        }
        let number = match archive.is_writable() {
            true => archive.store.enter_space(space)?,
            false => archive.store.space_number(space)?.unwrap_or(0),
        };
        let refused = AtomicUsize::new(0);
        let opened = in_parallel(&SPANS, |span| open_shelf(archive, space, SiloKey { space: number, span }, &refused));
        let shelves = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
        let open = OpenSpace { space: space.clone(), number, shelves, changing: Mutex::default() };
        let generations = open.shelves.iter().filter_map(|shelf| shelf.silo.generation());
        archive.options.report.tell(Event::SilosOpened {
            space: space.name.clone(),
            silos: open.shelves.iter().filter(|shelf| !shelf.silo.is_empty()).count() as u32,
            memories: open.len(),
            bytes: generations.map(|generation| generation.bytes()).sum(),
            refused: refused.into_inner() as u32,
            took_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Ok(open)
    }

    /// Memories that can be found.
    pub fn len(&self) -> u64 {
        self.shelves.iter().map(|shelf| shelf.silo.len() as u64).sum()
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shelf of a span.
    pub fn shelf(&self, span: u32) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.key.span == span)
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.shelves.iter().filter_map(|shelf| lock(&shelf.fault).as_ref().map(|fault| fault.message.clone())).collect()
    }

    pub(super) fn fall_behind(&self, spans: impl Iterator<Item = u32>) {
        for span in spans {
            if let Some(shelf) = self.shelf(span) {
                shelf.is_behind.store(true, Ordering::Release);
            }
        }
    }

    pub(super) fn known<'a>(&'a self, archive: &'a Archive) -> View<'a> {
        View { archive, space: self }
    }
}

impl Shelf {
    /// Steps that its clips span.
    pub fn span(&self) -> u32 {
        self.key.span
    }

    pub(super) fn has_fault(&self) -> bool {
        lock(&self.fault).is_some()
    }

    pub(super) fn enter(&self, memory: &Memory) {
        *lock(&self.touched) = Instant::now();
        if let Some(bloom) = lock(&self.bloom).as_mut() {
            bloom.enter(memory);
        }
    }
}

/// What the silos of a space know.
pub(super) struct View<'a> {
    archive: &'a Archive,
    space: &'a OpenSpace,
}

impl Known for View<'_> {
    type Error = ArchiveError;

    fn is_new(&self, memory: &Memory) -> bool {
        let shelf = self.space.shelf(memory.span);
        shelf.is_none_or(|shelf| lock(&shelf.bloom).as_ref().is_some_and(|bloom| bloom.is_new(memory)))
    }

    fn near(&self, new: &NewMemory) -> Result<Vec<(f32, Memory)>, ArchiveError> {
        let Some(shelf) = self.space.shelf(new.memory.span) else { return Ok(Vec::new()) };
        let names = self.archive.names();
        let found = shelf.silo.search(&new.vector, NEAR)?;
        Ok(found.into_iter().map(|(distance, note)| (distance, note.memory(&names))).collect())
    }

    fn arrival(&self, memory: &Memory) -> Result<Option<u64>, ArchiveError> {
        let key = SiloKey { space: self.space.number, span: memory.span };
        Ok(self.archive.store.arrival(key, memory.layout)?.map(|record| record.memory.id))
    }

    fn seen(&self, id: u64) -> Result<Option<(u32, Outcome)>, ArchiveError> {
        Ok(self.archive.store.record(id)?.map(|record| (record.seen, record.memory.outcome)))
    }
}

fn open_shelf(archive: &Archive, space: &Space, key: SiloKey, refused: &AtomicUsize) -> Result<Shelf, ArchiveError> {
    let folder = silo_folder(&archive.folder, space, key.span).unwrap_or_default();
    let shelf = Shelf {
        silo: Arc::new(Silo::new(space.clone(), key.span)),
        key,
        folder,
        bloom: Mutex::default(),
        is_behind: AtomicBool::new(false),
        is_unsound: AtomicBool::new(false),
        keeping: Mutex::default(),
        fault: Mutex::default(),
        touched: Mutex::new(Instant::now()),
    };
    let opened = Generation::open_best(&shelf.folder, space, key.span, Access::Mapped, archive.is_writable());
    let (generation, faults) = match opened {
        Ok(opened) => (opened.generation, opened.refused),
        Err(error) => (None, vec![error]),
    };
    for error in faults {
        refused.fetch_add(1, Ordering::Relaxed);
        shelf.is_behind.store(true, Ordering::Release);
        let (path, message) = (shelf.folder.display().to_string(), error.to_string());
        archive.options.report.tell(Event::GenerationRefused { path, message });
    }
    let settled = archive.store.settled(key)?;
    // A generation that this store does not know of was made from another one.
    match generation.filter(|_| settled.is_some()) {
        Some(generation) => shelf.begin_with(archive, generation, settled.unwrap_or(0))?,
        None => shelf.is_unsound.store(true, Ordering::Release),
    }
    shelf.load_fresh(archive, space)?;
    Ok(shelf)
}

impl Shelf {
    fn begin_with(&self, archive: &Archive, generation: Generation, settled: u64) -> Result<(), ArchiveError> {
        let is_older = generation.number() < settled;
        self.silo.use_generation(generation);
        self.silo.remove(&archive.store.tombstones(self.key)?);
        let revised: Vec<Note> = archive.store.revised(self.key)?.iter().map(|(_, record)| note_of(record)).collect();
        self.silo.revise(&revised);
        if is_older { self.reconcile(archive) } else { Ok(()) }
    }

    /// Compares a generation with the store, memory by memory: what it knows is older than the store's own notes of what
    /// has changed since.
    fn reconcile(&self, archive: &Archive) -> Result<(), ArchiveError> {
        let Some(generation) = self.silo.generation() else { return Ok(()) };
        let (mut after, mut dead, mut revised) = (0, Vec::new(), Vec::new());
        let mut notes = generation.notes().iter().peekable();
        loop {
            let records = archive.store.records(self.key, after, generation.last_id())?;
            let Some(last) = records.last() else { break };
            after = last.memory.id;
            for note in records.iter().map(note_of) {
                while let Some(gone) = notes.next_if(|held| held.id < note.id) {
                    dead.push(gone.id);
                }
                match notes.next_if(|held| held.id == note.id) {
                    Some(held) if held == &note => {}
                    Some(held) if (held.trajectory, held.step) == (note.trajectory, note.step) => revised.push(note),
                    // The generation holds something else under this id, or does not hold it.
                    held => {
                        dead.extend(held.map(|held| held.id));
                        self.is_unsound.store(true, Ordering::Release);
                    }
                }
            }
        }
        dead.extend(notes.map(|note| note.id));
        self.silo.remove(&dead);
        self.silo.revise(&revised);
        Ok(())
    }

    /// Takes in what came after the generation, unless that is much.
    fn load_fresh(&self, archive: &Archive, space: &Space) -> Result<(), ArchiveError> {
        let mut after = self.silo.generation().map_or(0, |generation| generation.last_id());
        let count = usize::try_from(archive.store.count(self.key, after)?).unwrap_or(usize::MAX);
        if archive.is_writable() && count > archive.options.fold_at.saturating_mul(UNINDEXED_MAX) {
            self.is_behind.store(true, Ordering::Release);
            return Ok(());
        }
        let dimensions = space.dimensions as usize;
        loop {
            let page = archive.store.page(self.key, dimensions, after, u64::MAX)?;
            let Some(last) = page.last_id else { return Ok(()) };
            after = last;
            let rows = page.rows.chunks_exact(dimensions.max(1)).map(<[f32]>::to_vec);
            let entries: Vec<(Note, Vec<f32>)> = page.records.iter().map(note_of).zip(rows).collect();
            self.silo.add(&entries)?;
        }
    }
}

/// Does something for each, on as many threads as the machine has cores; the results are in their order.
fn in_parallel<T: Copy + Send + Sync, R: Send>(things: &[T], work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..cores.min(things.len()) {
            scope.spawn(|| {
                while let Some((place, thing)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    things.get(place).map(|thing| (place, *thing))
                } {
                    let result = work(thing);
                    lock(&results).push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}
