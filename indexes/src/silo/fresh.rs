//! Memories that no index holds yet: blocks of rows that are looked at one by one, shared with the searches under way.

use super::sketch::Sketches;
use crate::note::Note;
use crate::vectors::ffi;
use std::sync::Arc;

/// Rows of a block: so many are copied when one is added to a block that a search is looking at.
const BLOCK_ROWS: usize = 128;

/// Memories with their vectors; ids rise.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    blocks: Vec<Arc<Block>>,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Block {
    notes: Vec<Note>,
    rows: Vec<f32>,
    sketches: Sketches,
}

impl Block {
    fn get(&self, place: usize) -> Option<(&Note, &[f32])> {
        let width = self.rows.len().checked_div(self.notes.len())?;
        Some((self.notes.get(place)?, self.rows.get(place * width..(place + 1) * width)?))
    }

    fn iter(&self) -> impl Iterator<Item = (&Note, &[f32])> {
        (0..self.notes.len()).filter_map(|place| self.get(place))
    }
}

impl Fresh {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The highest id, or 0.
    pub(super) fn last_id(&self) -> u64 {
        self.blocks.last().and_then(|block| block.notes.last()).map_or(0, |note| note.id)
    }

    pub(super) fn push(&mut self, note: Note, row: &[f32]) {
        if self.blocks.last().is_none_or(|block| block.notes.len() >= BLOCK_ROWS) {
            self.blocks.push(Arc::default());
        }
        if let Some(block) = self.blocks.last_mut() {
            let block = Arc::make_mut(block);
            block.notes.push(note);
            block.rows.extend_from_slice(row);
            block.sketches.push(row);
            self.len += 1;
        }
    }

    /// The nearest of those that are not dead, nearest first.
    pub(super) fn search(&self, query: &[f32], count: usize, is_dead: impl Fn(u64) -> bool) -> Vec<(f32, Note)> {
        if count == 0 {
            return Vec::new();
        }
        let mut nearest: Vec<(f32, Note)> = Vec::with_capacity(count.min(self.len) + 1);
        // Nothing that is as far away as the last of `count` is of use any more.
        let (mut farthest, mut reach) = (f32::INFINITY, f32::INFINITY);
        let (mut asked, mut products) = (Sketches::default(), Vec::with_capacity(BLOCK_ROWS));
        asked.push(query);
        for block in &self.blocks {
            for (place, guess) in block.sketches.compare(&asked, &mut products).enumerate() {
                if guess.is_beyond(reach) {
                    continue;
                }
                let Some((note, row)) = block.get(place) else { continue };
                let distance = ffi::distance(query, row);
                if distance >= farthest || is_dead(note.id) {
                    continue;
                }
                let at = nearest.partition_point(|(other, _)| *other <= distance);
                nearest.insert(at, (distance, *note));
                nearest.truncate(count);
                if let Some((distance, _)) = nearest.get(count - 1) {
                    (farthest, reach) = (*distance, distance.sqrt());
                }
            }
        }
        nearest
    }

    /// Drops those whose id is `last` or lower.
    pub(super) fn drop_until(&mut self, last: u64) {
        let kept: Vec<Arc<Block>> = std::mem::take(&mut self.blocks);
        self.len = 0;
        for block in kept {
            if block.notes.first().is_some_and(|note| note.id > last) {
                self.len += block.notes.len();
                self.blocks.push(block);
            } else if block.notes.last().is_some_and(|note| note.id > last) {
                for (note, row) in block.iter().filter(|(note, _)| note.id > last) {
                    self.push(*note, row);
                }
            }
        }
    }

    pub(super) fn has(&self, id: u64) -> bool {
        let block = self.blocks.partition_point(|block| block.notes.last().is_some_and(|last| last.id < id));
        let notes = self.blocks.get(block).map(|block| block.notes.as_slice()).unwrap_or_default();
        notes.binary_search_by_key(&id, |note| note.id).is_ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Note, &[f32])> {
        self.blocks.iter().flat_map(|block| block.iter())
    }
}
