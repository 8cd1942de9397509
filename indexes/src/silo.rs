//! A silo: the memories of clips of one span, as they can be found now.
//!
//! That is the current generation, the memories that came after it ("fresh", searched one by one), and which of them are
//! dead. It is searched while it changes: a search takes the state as it was when it began, and no search waits for a
//! change. Absent: the disk (generations are opened and published elsewhere) and what is worth keeping.

use crate::generation::Generation;
use crate::note::Note;
use crate::vectors::{self, VectorError};
use fresh::Fresh;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use wire::recall::Space;

mod fresh;
mod sketch;

/// The memories of clips of one span.
#[derive(Debug)]
pub struct Silo {
    space: Space,
    span: u32,
    state: RwLock<Arc<State>>,
}

/// What a search sees.
#[derive(Clone, Debug, Default)]
struct State {
    generation: Option<Arc<Generation>>,
    fresh: Fresh,
    marks: Arc<Marks>,
}

/// What became of memories since their generation was made. Each generation has its own, so that a search which began
/// before a change of generation does not find again what had died.
#[derive(Debug, Default)]
struct Marks {
    dead: RwLock<HashSet<u64>>,
    revised: RwLock<HashMap<u64, Note>>,
    /// How many of the dead lie in the generation.
    buried: AtomicUsize,
}

/// The fresh memories of a silo, for the next generation.
#[derive(Clone, Debug, Default)]
pub struct FreshMemories {
    /// Their notes; ids rise.
    pub notes: Vec<Note>,
    /// Their vectors, in the same order, one after the other.
    pub rows: Vec<f32>,
}

impl Silo {
    /// A silo without memories.
    pub fn new(space: Space, span: u32) -> Silo {
        Silo { space, span, state: RwLock::default() }
    }

    /// The space of its vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Steps that its clips span.
    pub fn span(&self) -> u32 {
        self.span
    }

    /// The memories nearest to `query` with their squared distances, nearest first. Dead ones cost no answers: as long as
    /// there are `count` living ones, as many are found (as far as the index's kind finds what is there).
    pub fn search(&self, query: &[f32], count: usize) -> Result<Vec<(f32, Note)>, VectorError> {
        vectors::check_one(query, self.space.dimensions as usize)?;
        let state = self.state();
        let mut found = state.search_generation(query, count)?;
        found.extend(state.fresh.search(query, count, |id| state.marks.is_dead(id)));
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
        found.truncate(count);
        let revised = read(&state.marks.revised);
        if !revised.is_empty() {
            for (_, note) in &mut found {
                *note = revised.get(&note.id).copied().unwrap_or(*note);
            }
        }
        Ok(found)
    }

    /// The nearest memory and its squared distance.
    pub fn distance_to_nearest(&self, query: &[f32]) -> Result<Option<(f32, Note)>, VectorError> {
        Ok(self.search(query, 1)?.into_iter().next())
    }

    /// Adds memories with their vectors; from now on they are found. Ids must rise, over all calls; those that the
    /// generation has considered are passed over. All or none are added.
    pub fn add(&self, entries: &[(Note, Vec<f32>)]) -> Result<(), VectorError> {
        for (position, (_, row)) in entries.iter().enumerate() {
            vectors::check_one(row, self.space.dimensions as usize)?;
            if row.iter().all(|value| *value == 0.0) {
                return Err(VectorError::Zero { position });
            }
        }
        self.change(|state| {
            let considered = state.considered();
            let last = state.last_id();
            let fresh = entries.iter().skip_while(|(note, _)| note.id <= considered);
            let ids = std::iter::once(last).chain(fresh.clone().map(|(note, _)| note.id));
            if !ids.is_sorted_by(|a, b| a < b) {
                return Err(VectorError::Order { last });
            }
            for (note, row) in fresh {
                state.fresh.push(*note, row);
            }
            Ok(())
        })
    }

    /// Memories that are not found any more. Ids that are not here are remembered until the next generation, which may
    /// hold them.
    pub fn remove(&self, ids: &[u64]) {
        self.change(|state| {
            let mut dead = write(&state.marks.dead);
            for id in ids {
                if dead.insert(*id) && state.generation.as_ref().is_some_and(|it| it.position(*id).is_some()) {
                    state.marks.buried.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }

    /// Memories whose notes are others now; their vectors stay.
    pub fn revise(&self, notes: &[Note]) {
        self.change(|state| write(&state.marks.revised).extend(notes.iter().map(|note| (note.id, *note))));
    }

    /// Uses a newer generation. Fresh memories that were considered for it are dropped, and of the dead those are
    /// remembered that it or what is still fresh holds.
    ///
    /// A revision of a memory in the generation stays as well: it may have come after the generation was begun.
    pub fn use_generation(&self, generation: Generation) {
        let generation = Arc::new(generation);
        self.change(|state| {
            state.fresh.drop_until(generation.last_id());
            let is_held = |id: u64| generation.position(id).is_some();
            let is_kept = |id: u64| is_held(id) || state.fresh.has(id);
            let dead: HashSet<u64> = read(&state.marks.dead).iter().copied().filter(|id| is_kept(*id)).collect();
            let is_revised = |note: &Note| {
                let position = generation.position(note.id);
                position.map_or_else(|| state.fresh.has(note.id), |position| generation.notes()[position] != *note)
            };
            let revised: HashMap<u64, Note> = read(&state.marks.revised)
                .iter()
                .filter(|(_, note)| is_revised(note))
                .map(|(id, note)| (*id, *note))
                .collect();
            let buried = AtomicUsize::new(dead.iter().filter(|id| is_held(**id)).count());
            state.marks = Arc::new(Marks { dead: RwLock::new(dead), revised: RwLock::new(revised), buried });
            state.generation = Some(generation.clone());
        });
    }

    /// Living memories.
    pub fn len(&self) -> usize {
        let state = self.state();
        let held = state.generation.as_ref().map_or(0, |generation| generation.len()) + state.fresh.len();
        held.saturating_sub(state.dead_len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memories that are in no generation yet, dead ones among them.
    pub fn fresh_len(&self) -> usize {
        self.state().fresh.len()
    }

    /// The highest id that was ever here, of memories that are dead as well; 0 without any.
    pub fn last_id(&self) -> u64 {
        self.state().last_id()
    }

    /// Dead memories that still take room here.
    pub fn dead_len(&self) -> usize {
        self.state().dead_len()
    }

    /// The current generation.
    pub fn generation(&self) -> Option<Arc<Generation>> {
        self.state().generation.clone()
    }

    /// Whether a memory is dead.
    pub fn is_dead(&self, id: u64) -> bool {
        self.state().marks.is_dead(id)
    }

    /// The living fresh memories as they are now, with revised notes.
    pub fn fresh(&self) -> FreshMemories {
        let state = self.state();
        let mut memories = FreshMemories::default();
        for (note, row) in state.fresh.iter() {
            if !state.marks.is_dead(note.id) {
                memories.notes.push(state.marks.note(note));
                memories.rows.extend_from_slice(row);
            }
        }
        memories
    }

    /// The current generation's notes as they are now, dead ones among them; for a generation that continues it.
    pub fn generation_notes(&self) -> Vec<Note> {
        let state = self.state();
        let notes = state.generation.as_ref().map(|generation| generation.notes()).unwrap_or_default();
        notes.iter().map(|note| state.marks.note(note)).collect()
    }

    fn state(&self) -> Arc<State> {
        read(&self.state).clone()
    }

    /// Changes what later searches see. The lock is held for as long as a state takes to copy: a list of blocks.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(Arc::make_mut(&mut write(&self.state)))
    }
}

impl State {
    fn search_generation(&self, query: &[f32], count: usize) -> Result<Vec<(f32, Note)>, VectorError> {
        let Some(generation) = &self.generation else { return Ok(Vec::new()) };
        let notes = generation.notes();
        let mut margin = count / 2;
        loop {
            // With as many more as are dead there are `count` living ones, wherever the dead lie. Mostly they lie apart, so
            // the first questions ask for fewer.
            let buried = self.marks.buried.load(Ordering::Relaxed);
            let wanted = count.saturating_add(margin.min(buried));
            let nearest = generation.vectors().search(query, wanted)?;
            let dead = read(&self.marks.dead);
            let known = nearest.iter().filter_map(|(position, it)| Some((*it, *notes.get(*position as usize)?)));
            let living: Vec<(f32, Note)> = known.filter(|(_, note)| !dead.contains(&note.id)).take(count).collect();
            if living.len() == count || margin >= buried {
                return Ok(living);
            }
            margin = margin.saturating_mul(4).max(count);
        }
    }

    /// The highest id that the generation holds or has passed over.
    fn considered(&self) -> u64 {
        self.generation.as_ref().map_or(0, |generation| generation.last_id())
    }

    fn last_id(&self) -> u64 {
        self.fresh.last_id().max(self.considered())
    }

    fn dead_len(&self) -> usize {
        let dead = read(&self.marks.dead);
        let fresh = dead.iter().filter(|id| self.fresh.has(**id)).count();
        self.marks.buried.load(Ordering::Relaxed) + fresh
    }
}

impl Marks {
    fn is_dead(&self, id: u64) -> bool {
        read(&self.dead).contains(&id)
    }

    fn note(&self, note: &Note) -> Note {
        read(&self.revised).get(&note.id).copied().unwrap_or(*note)
    }
}

// Nothing that holds these locks can panic halfway, so a poisoned one still guards something whole.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
