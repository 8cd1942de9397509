//! Decides which memories are new, and which say no more than one that is known.
//!
//! A memory is merged with a known one where clip, place, picture, foe, what was done and what came of it are alike:
//! that one was then seen once more, and its outcome is the mean. Nothing else is ever dropped.

use crate::store::writes::Change;
use std::collections::HashMap;
use wire::recall::{DETAIL_BYTES_MAX, KeyMoments, Memory, NewMemory, Outcome, SPANS};

/// Clips whose squared distance is at most this are alike; vectors have unit length.
const ALIKE_DISTANCE: f32 = 0.01;
/// Pictures whose difference hashes differ in at most this many bits are alike.
const ALIKE_BITS: u32 = 2;
/// Outcomes whose lost shares of hit points differ by at most this are alike.
const ALIKE_SHARE: f32 = 0.1;
/// A vector whose length differs from 1 by less than this is left as it is.
const UNIT: f32 = 1e-4;

/// What is known already.
pub trait Known {
    /// Why what is known cannot be looked at.
    type Error;
    /// Whether no memory in such a situation is known, for certain.
    fn is_new(&self, memory: &Memory) -> bool;
    /// The nearest memories in the same silo, each with its squared distance.
    fn near(&self, memory: &NewMemory) -> Result<Vec<(f32, Memory)>, Self::Error>;
    /// The arrival on a floor of this layout.
    fn arrival(&self, memory: &Memory) -> Result<Option<u64>, Self::Error>;
    /// How often a memory was seen, and what came of it.
    fn seen(&self, id: u64) -> Result<Option<(u32, Outcome)>, Self::Error>;
}

/// A batch, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// What is to be written. Several merges with one memory are one.
    pub changes: Vec<Change>,
    /// For each memory, in order, whether it is new.
    pub is_new: Vec<bool>,
}

/// Refuses what cannot be kept, and gives the vector unit length.
pub fn checked(mut new: NewMemory, dimensions: usize) -> Result<NewMemory, String> {
    if !SPANS.contains(&new.memory.span) {
        return Err(format!("a memory spans {} steps, and there is no such silo", new.memory.span));
    }
    if new.vector.len() != dimensions {
        return Err(format!("a vector has {} numbers, and the space {dimensions}", new.vector.len()));
    }
    if new.detail.len() > DETAIL_BYTES_MAX {
        return Err(format!("a detail has {} bytes; {DETAIL_BYTES_MAX} are the most", new.detail.len()));
    }
    if !new.memory.outcome.hp_lost_share.is_finite() {
        return Err("an outcome is not a finite number".to_string());
    }
    let length = new.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::MIN_POSITIVE {
        return Err("a vector is not finite or has no length".to_string());
    }
    if (length - 1.0).abs() > UNIT {
        new.vector.iter_mut().for_each(|value| *value /= length);
    }
    Ok(new)
}

/// Sorts a batch.
pub fn sort<K: Known>(known: &K, memories: Vec<NewMemory>) -> Result<Sorted, K::Error> {
    let mut sorting = Sorting { sorted: Sorted::default(), merges: HashMap::new() };
    for memory in memories {
        sorting.place(known, memory)?;
    }
    Ok(sorting.sorted)
}

/// A batch that is being sorted.
struct Sorting {
    sorted: Sorted,
    /// Where in the changes the merge with a known memory stands.
    merges: HashMap<u64, usize>,
}

impl Sorting {
    fn place<K: Known>(&mut self, known: &K, new: NewMemory) -> Result<(), K::Error> {
        let is_new = !self.meet_own(&new) && !self.meet_known(known, &new)?;
        self.sorted.is_new.push(is_new);
        if is_new {
            let NewMemory { memory, vector, detail } = new;
            self.sorted.changes.push(Change::Add { memory, vector, detail, seen: 1 });
        }
        Ok(())
    }

    /// Merges it with one of the same batch.
    fn meet_own(&mut self, new: &NewMemory) -> bool {
        for change in &mut self.sorted.changes {
            let Change::Add { memory, vector, detail, seen } = change else { continue };
            let is_same = is_same_arrival(memory, &new.memory)
                || (may_be_alike(memory, &new.memory)
                    && is_alike(memory, &new.memory, squared_distance(vector, &new.vector)));
            if is_same {
                memory.outcome = mean(&memory.outcome, *seen, &new.memory.outcome);
                memory.time_s = memory.time_s.max(new.memory.time_s);
                *seen = seen.saturating_add(1);
                if !new.detail.is_empty() {
                    detail.clone_from(&new.detail);
                }
                return true;
            }
        }
        false
    }

    /// Merges it with one that is kept.
    fn meet_known<K: Known>(&mut self, known: &K, new: &NewMemory) -> Result<bool, K::Error> {
        let arrival = if is_arrival(&new.memory) { known.arrival(&new.memory)? } else { None };
        let target = match arrival {
            Some(id) => Some(id),
            None if known.is_new(&new.memory) => None,
            None => {
                let near = known.near(new)?;
                let alike = near.iter().find(|(distance, memory)| is_alike(memory, &new.memory, *distance));
                alike.map(|(_, memory)| memory.id)
            }
        };
        match target {
            Some(id) => self.merge(known, id, new),
            None => Ok(false),
        }
    }

    fn merge<K: Known>(&mut self, known: &K, target: u64, new: &NewMemory) -> Result<bool, K::Error> {
        if let Some(Change::Merge { seen, time_s, outcome, detail, .. }) =
            self.merges.get(&target).and_then(|place| self.sorted.changes.get_mut(*place))
        {
            *outcome = mean(outcome, *seen, &new.memory.outcome);
            *time_s = (*time_s).max(new.memory.time_s);
            *seen = seen.saturating_add(1);
            if !new.detail.is_empty() {
                detail.clone_from(&new.detail);
            }
            return Ok(true);
        }
        let Some((seen, outcome)) = known.seen(target)? else { return Ok(false) };
        self.merges.insert(target, self.sorted.changes.len());
        self.sorted.changes.push(Change::Merge {
            id: target,
            seen: seen.saturating_add(1),
            time_s: new.memory.time_s,
            outcome: mean(&outcome, seen, &new.memory.outcome),
            detail: new.detail.clone(),
        });
        Ok(true)
    }
}

/// Whether it is the arrival on a floor whose layout is named.
fn is_arrival(memory: &Memory) -> bool {
    memory.layout != 0 && memory.keys.has(KeyMoments::FLOOR)
}

fn is_same_arrival(known: &Memory, new: &Memory) -> bool {
    is_arrival(known) && is_arrival(new) && known.span == new.span && known.layout == new.layout
}

/// What costs little to tell.
fn may_be_alike(known: &Memory, new: &Memory) -> bool {
    known.span == new.span && (known.picture ^ new.picture).count_ones() <= ALIKE_BITS
}

fn is_alike(known: &Memory, new: &Memory, distance: f32) -> bool {
    let place = |memory: &Memory| (memory.span, memory.dungeon, memory.floor, memory.foe);
    let outcome = |memory: &Memory| (memory.outcome.is_lost, memory.outcome.floors, memory.outcome.foes);
    distance <= ALIKE_DISTANCE
        && may_be_alike(known, new)
        && place(known) == place(new)
        && outcome(known) == outcome(new)
        && (known.outcome.hp_lost_share - new.outcome.hp_lost_share).abs() <= ALIKE_SHARE
        // What was done in a situation is half of what a memory says.
        && (&known.skill, &known.action) == (&new.skill, &new.action)
        && is_arrival(known) == is_arrival(new)
        && (!is_arrival(new) || known.layout == new.layout)
}

/// The mean of an outcome that was seen so often and one more.
fn mean(known: &Outcome, seen: u32, new: &Outcome) -> Outcome {
    let share = f64::from(seen) / f64::from(seen.saturating_add(1));
    let mix = |known: f64, new: f64| known * share + new * (1.0 - share);
    let count = |known: u16, new: u16| mix(f64::from(known), f64::from(new)).round() as u16;
    let few = |known: u8, new: u8| mix(f64::from(known), f64::from(new)).round() as u8;
    Outcome {
        steps: known.steps.max(new.steps),
        floors: few(known.floors, new.floors),
        is_lost: known.is_lost,
        hp_lost: count(known.hp_lost, new.hp_lost),
        hp_lost_share: mix(f64::from(known.hp_lost_share), f64::from(new.hp_lost_share)) as f32,
        foes: few(known.foes, new.foes),
        items: few(known.items, new.items),
    }
}

fn squared_distance(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| (left - right) * (left - right)).sum()
}

#[cfg(test)]
mod tests;
