//! Makes the next generation of a silo: from the one before and what is new, or from the store alone.

use super::{Progress, kind_for};
use crate::archive::{Archive, ArchiveError, OpenSpace, Shelf, lock, note_of};
use crate::generation::{Draft, Generation, next_number, sweep};
use crate::kind::Kind;
use crate::note::Note;
use crate::store::writes::Settled;
use crate::vectors::Vectors;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;
use wire::event::Event;

/// Rows that are added to an index before somebody may ask to end.
const ROWS_AT_ONCE: usize = 512;
/// Silos that [`Archive::compact`] makes at the same time.
const AT_ONCE: usize = 2;

/// What a new generation is to know.
struct Baseline {
    /// Memories up to this id.
    through: u64,
    /// Revisions up to this one.
    stamp: u64,
    /// The notes of the generation that is continued, as they are now.
    notes: Vec<Note>,
    was_behind: bool,
    was_unsound: bool,
}

/// Is told how many of how many memories are in the index.
type Tell<'a> = &'a mut dyn FnMut(u64, u64);

impl Archive {
    /// The next generation is the present one and what came after it. The caller holds `keeping`.
    pub(super) fn fold(&self, space: &OpenSpace, shelf: &Shelf, tell: Tell<'_>) -> Result<(), ArchiveError> {
        let begin = Instant::now();
        let Some(generation) = shelf.silo.generation() else { return Ok(()) };
        let mut vectors = match generation.load() {
            Ok(vectors) => vectors,
            Err(error) => {
                shelf.is_unsound.store(true, Ordering::Release);
                shelf.is_behind.store(true, Ordering::Release);
                return Err(error.into());
            }
        };
        let mut baseline = self.baseline(space, shelf)?;
        let mut notes = std::mem::take(&mut baseline.notes);
        let added = self.add(space, shelf, (generation.last_id(), baseline.through), &mut vectors, &mut notes, tell);
        drop(generation);
        let published = added.and_then(|()| self.publish(space, shelf, &baseline, &vectors, &notes, begin));
        published.inspect_err(|_| shelf.restore(&baseline))
    }

    /// The next generation is made from the store. The caller holds `keeping`.
    pub(super) fn rebuild(
        &self,
        space: &OpenSpace,
        shelf: &Shelf,
        kind: Kind,
        tell: Tell<'_>,
    ) -> Result<(), ArchiveError> {
        let begin = Instant::now();
        let baseline = self.baseline(space, shelf)?;
        let built = self.build(space, shelf, kind, baseline.through, tell);
        let published =
            built.and_then(|(vectors, notes)| self.publish(space, shelf, &baseline, &vectors, &notes, begin));
        published.inspect_err(|_| shelf.restore(&baseline))
    }

    /// Makes all silos of a space anew that are not as they could be, some at the same time.
    pub(crate) fn rebuild_all(
        &self,
        space: &OpenSpace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), ArchiveError> {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE)
                .map(|_| {
                    let (sender, next) = (sender.clone(), &next);
                    scope.spawn(move || -> Result<(), ArchiveError> {
                        while let Some(shelf) = space.shelves.get(next.fetch_add(1, Ordering::Relaxed)) {
                            self.tidy(space, shelf, &mut |done, total| {
                                let (space, span) = (space.space.name.clone(), shelf.span());
                                // Who does not listen any more is not told.
                                let _ = sender.send(Progress { what: "compact", space, span, done, total });
                            })?;
                        }
                        Ok(())
                    })
                })
                .collect();
            drop(sender);
            receiver.iter().for_each(&mut *progress);
            let mut result = Ok(());
            for worker in workers {
                let worked = worker.join().map_err(|_| ArchiveError::Refused("a thread died".to_string()));
                result = result.and(worked.and_then(|worked| worked));
            }
            result
        })
    }

    /// Makes a silo anew unless it is as it could be.
    fn tidy(&self, space: &OpenSpace, shelf: &Shelf, tell: Tell<'_>) -> Result<(), ArchiveError> {
        let _one_at_a_time = lock(&shelf.keeping);
        self.forget_over_capacity(space, shelf)?;
        let condition = shelf.condition(true);
        let living = self.store.count(shelf.key, 0)?;
        let kind = kind_for(self.options.kind, usize::try_from(living).unwrap_or(usize::MAX));
        let is_tidy = condition.dead == 0 && condition.fresh == 0 && !condition.is_behind;
        let is_right = condition.kind == Some(kind) || (condition.held == 0 && living == 0);
        if !(is_tidy && is_right) {
            self.rebuild(space, shelf, kind, tell)?;
        }
        tell(living, living);
        Ok(())
    }

    /// Takes down what the next generation is to know, at a moment when nothing changes.
    fn baseline(&self, space: &OpenSpace, shelf: &Shelf) -> Result<Baseline, ArchiveError> {
        let _changing = lock(&space.changing);
        Ok(Baseline {
            // The newest may have been forgotten before any generation held them; they, too, are done with then.
            through: self.store.last_id(shelf.key)?.max(shelf.silo.last_id()),
            stamp: self.store.last_stamp()?,
            notes: shelf.silo.generation_notes(),
            was_behind: shelf.is_behind.swap(false, Ordering::AcqRel),
            was_unsound: shelf.is_unsound.swap(false, Ordering::AcqRel),
        })
    }

    fn build(
        &self,
        space: &OpenSpace,
        shelf: &Shelf,
        kind: Kind,
        through: u64,
        tell: Tell<'_>,
    ) -> Result<(Vectors, Vec<Note>), ArchiveError> {
        let dimensions = space.space.dimensions as usize;
        let mut notes = Vec::new();
        if !kind.is_trained() {
            let mut vectors = Vectors::build(kind, dimensions, &[])?;
            self.add(space, shelf, (0, through), &mut vectors, &mut notes, tell)?;
            return Ok((vectors, notes));
        }
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let page = self.store.page(shelf.key, dimensions, after, through)?;
            let Some(last) = page.last_id else { break };
            after = last;
            notes.extend(page.records.iter().map(note_of));
            rows.extend_from_slice(&page.rows);
            self.go_on()?;
        }
        let vectors = Vectors::build(kind, dimensions, &rows)?;
        tell(notes.len() as u64, notes.len() as u64);
        Ok((vectors, notes))
    }

    /// Adds what the store has of a silo between two ids.
    fn add(
        &self,
        space: &OpenSpace,
        shelf: &Shelf,
        (mut after, through): (u64, u64),
        vectors: &mut Vectors,
        notes: &mut Vec<Note>,
        tell: Tell<'_>,
    ) -> Result<(), ArchiveError> {
        let dimensions = space.space.dimensions as usize;
        let total = notes.len() as u64 + self.store.count(shelf.key, after)?;
        loop {
            let page = self.store.page(shelf.key, dimensions, after, through)?;
            let Some(last) = page.last_id else { return Ok(()) };
            after = last;
            for rows in page.rows.chunks(ROWS_AT_ONCE * dimensions.max(1)) {
                vectors.add(rows)?;
                tell(vectors.len() as u64, total);
                self.go_on()?;
            }
            notes.extend(page.records.iter().map(note_of));
        }
    }

    fn publish(
        &self,
        space: &OpenSpace,
        shelf: &Shelf,
        baseline: &Baseline,
        vectors: &Vectors,
        notes: &[Note],
        begin: Instant,
    ) -> Result<(), ArchiveError> {
        let number = next_number(&shelf.folder)?;
        let (space, span, last_id) = (&space.space, shelf.span(), baseline.through);
        let generation = Generation::publish(&shelf.folder, &Draft { space, span, number, last_id, vectors, notes })?;
        let tombs = self.store.tombstones(shelf.key)?;
        let tombs: Vec<u64> = tombs.into_iter().filter(|id| generation.position(*id).is_none()).collect();
        let event = Event::GenerationPublished {
            space: space.name.clone(),
            span,
            generation: number,
            kind: generation.kind().name().to_string(),
            memories: generation.len() as u64,
            bytes: generation.bytes(),
            took_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        shelf.silo.use_generation(generation);
        // Before this the store says more than the generation needs, which does no harm.
        self.store.settle(shelf.key, &Settled { generation: number, stamp: baseline.stamp, tombs: &tombs })?;
        sweep(&shelf.folder, number)?;
        self.options.report.tell(event);
        Ok(())
    }
}

impl Shelf {
    /// The generation was not made, so what was so before is so still.
    fn restore(&self, baseline: &Baseline) {
        self.is_behind.fetch_or(baseline.was_behind, Ordering::AcqRel);
        self.is_unsound.fetch_or(baseline.was_unsound, Ordering::AcqRel);
    }
}
