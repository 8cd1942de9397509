//! Forgets what is of least use when a silo holds more than it may.

use crate::archive::{Archive, ArchiveError, OpenSpace, Shelf, lock};
use crate::store::rows::Record;
use std::sync::atomic::Ordering;
use wire::event::Event;
use wire::recall::KeyMoments;

/// One in so many memories goes when there are too many, so that this need not be done often.
const BATCH_SHARE: usize = 20;
/// Memories that are forgotten in one transaction; who brings new ones waits no longer than for these.
const AT_ONCE: usize = 512;
/// After this long a memory counts half, in seconds.
const HALF_LIFE_S: f64 = 60.0 * 86_400.0;
/// What a key moment adds to a memory's weight of 1.
const MOMENTS: [(KeyMoments, f64); 7] = [
    (KeyMoments::FLOOR, 3.0),
    (KeyMoments::END, 3.0),
    (KeyMoments::FIGHT, 1.5),
    (KeyMoments::HURT, 1.5),
    (KeyMoments::ITEM, 1.0),
    (KeyMoments::ROOM, 0.5),
    (KeyMoments::PICTURE, 0.5),
];

impl Archive {
    /// Forgets the least useful memories of a silo that holds too many; says whether there were any. The caller holds
    /// `keeping`.
    pub(super) fn forget_over_capacity(&self, space: &OpenSpace, shelf: &Shelf) -> Result<bool, ArchiveError> {
        let capacity = self.options.capacity.max(1);
        // Only where the silo does not have them all must the store be asked.
        if !shelf.is_behind.load(Ordering::Acquire) && shelf.silo.len() <= capacity {
            return Ok(false);
        }
        let living = usize::try_from(self.store.count(shelf.key, 0)?).unwrap_or(usize::MAX);
        if living <= capacity {
            return Ok(false);
        }
        let least = self.least_useful(shelf, living - capacity + capacity / BATCH_SHARE)?;
        for ids in least.chunks(AT_ONCE) {
            let _changing = lock(&space.changing);
            self.store.forget(shelf.key, ids)?;
            shelf.silo.remove(ids);
        }
        let (space, span, memories) = (space.space.name.clone(), shelf.span(), least.len() as u64);
        self.options.report.tell(Event::MemoriesRetired { space, span, memories });
        Ok(!least.is_empty())
    }

    fn least_useful(&self, shelf: &Shelf, count: usize) -> Result<Vec<u64>, ArchiveError> {
        let (mut weights, mut after): (Vec<(f64, u64)>, u64) = (Vec::new(), 0);
        loop {
            let records = self.store.records(shelf.key, after, u64::MAX)?;
            let Some(last) = records.last() else { break };
            after = last.memory.id;
            weights.extend(records.iter().map(|record| (weight(record), record.memory.id)));
            self.go_on()?;
        }
        // Of those that weigh the same the older goes.
        let order = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if count < weights.len() {
            weights.select_nth_unstable_by(count, order);
            weights.truncate(count);
        }
        Ok(weights.into_iter().map(|(_, id)| id).collect())
    }
}

/// How much a memory is worth keeping. Only the order matters, so it needs no present time: all memories age alike.
fn weight(record: &Record) -> f64 {
    let memory = &record.memory;
    let moments = MOMENTS.iter().filter(|(moment, _)| memory.keys.has(*moment)).map(|(_, worth)| worth);
    let outcome = &memory.outcome;
    let lost = if outcome.is_lost { 3.0 } else { 0.0 };
    let tells = 2.0 * f64::from(outcome.floors.min(2)) + 2.0 * f64::from(outcome.hp_lost_share.clamp(0.0, 1.0));
    let gains = 0.5 * f64::from(outcome.foes.min(4)) + 0.25 * f64::from(outcome.items.min(4));
    let worth = 1.0 + moments.sum::<f64>() + lost + tells + gains;
    let seen = 1.0 + f64::from(record.seen).ln();
    (worth * seen).log2() + memory.time_s as f64 / HALF_LIFE_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::recall::{Memory, Outcome};

    fn record(change: impl FnOnce(&mut Record)) -> f64 {
        let memory = Memory { time_s: 1_800_000_000, ..Memory::default() };
        let mut record = Record { memory, seen: 1, ..Record::default() };
        change(&mut record);
        weight(&record)
    }

    #[test]
    fn key_moments_telling_outcomes_and_what_is_seen_often_weigh_more_and_age_takes_away() {
        let plain = record(|_| {});
        assert!(record(|record| record.memory.keys = KeyMoments::FLOOR) > plain);
        assert!(record(|record| record.memory.outcome = Outcome { is_lost: true, ..Outcome::default() }) > plain);
        assert!(record(|record| record.seen = 2) > plain);
        assert!(record(|record| record.memory.time_s -= 86_400) < plain);
        let old_and_telling = record(|record| {
            record.memory.time_s -= 86_400 * 60;
            record.memory.keys = KeyMoments::END;
        });
        assert!(old_and_telling > plain);
    }
}
