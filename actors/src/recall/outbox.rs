//! Memories on their way to the indexes role: a bounded queue, and one batch at a time of which it is not known whether it
//! was kept. A batch that was under way when the role died is sent again, and the role counts what it knew already. One of
//! which it dies twice is let go: it may be what kills it.

use std::collections::VecDeque;
use wire::recall::NewMemory;

/// Memories that wait at most; more are let go, the oldest first.
const WAITING_MAX: usize = 4_096;
/// Bytes of memories in a batch, so that a message is never too large.
const BATCH_BYTES_MAX: usize = 56 << 10;
/// Bytes of a memory besides its vector, detail and names, rounded up.
const MEMORY_BYTES: usize = 256;

/// The role dies so often with the same batch under way, then the batch is let go.
const DEATHS_MAX: u32 = 2;

/// What waits for the role.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<NewMemory>,
    under_way: Option<(u64, Batch)>,
    /// What was under way and is to be sent again, before all that waits.
    returned: Option<Batch>,
    next_batch: u64,
}

/// Memories that are sent together.
#[derive(Clone, Debug, Default)]
struct Batch {
    memories: Vec<NewMemory>,
    /// How often the role died while it was under way.
    deaths: u32,
}

impl Outbox {
    /// Takes memories; gives how many had to be let go.
    pub fn push(&mut self, memories: Vec<NewMemory>) -> u64 {
        self.waiting.extend(memories);
        let excess = self.waiting.len().saturating_sub(WAITING_MAX);
        self.waiting.drain(..excess);
        excess as u64
    }

    /// The next batch to send, once the one before is known to be kept.
    pub fn next(&mut self) -> Option<(u64, Vec<NewMemory>)> {
        if self.under_way.is_some() {
            return None;
        }
        let batch = self.returned.take().or_else(|| self.gather())?;
        self.next_batch += 1;
        let memories = batch.memories.clone();
        self.under_way = Some((self.next_batch, batch));
        Some((self.next_batch, memories))
    }

    /// As much of what waits as one message carries.
    fn gather(&mut self) -> Option<Batch> {
        let mut bytes = 0;
        let fits = |memory: &&NewMemory| {
            bytes += bytes_of(memory);
            bytes <= BATCH_BYTES_MAX
        };
        let count = self.waiting.iter().take_while(fits).count().max(1).min(self.waiting.len());
        (count > 0).then(|| Batch { memories: self.waiting.drain(..count).collect(), deaths: 0 })
    }

    /// The role has answered a batch; whether it was the one under way.
    pub fn settle(&mut self, batch: u64) -> bool {
        self.under_way.take_if(|(under_way, _)| *under_way == batch).is_some()
    }

    /// The batch under way was not sent.
    pub fn take_back(&mut self) {
        self.returned = self.under_way.take().map(|(_, batch)| batch).or(self.returned.take());
    }

    /// The role is gone; gives how many memories are let go because it was not the first time with them under way.
    pub fn lose(&mut self) -> u64 {
        if let Some((_, batch)) = &mut self.under_way {
            batch.deaths += 1;
        }
        self.take_back();
        let given_up = self.returned.take_if(|batch| batch.deaths >= DEATHS_MAX);
        given_up.map_or(0, |batch| batch.memories.len() as u64)
    }

    /// Everything is let go; gives how many memories that were.
    pub fn clear(&mut self) -> u64 {
        let count = self.len() as u64;
        *self = Outbox { next_batch: self.next_batch, ..Outbox::default() };
        count
    }

    /// Memories that are not known to be kept.
    pub fn len(&self) -> usize {
        let sent = self.under_way.as_ref().map(|(_, batch)| batch).into_iter().chain(&self.returned);
        self.waiting.len() + sent.map(|batch| batch.memories.len()).sum::<usize>()
    }
}

fn bytes_of(new: &NewMemory) -> usize {
    let names = new.memory.skill.len() + new.memory.action.len();
    MEMORY_BYTES + names + new.detail.len() + new.vector.len() * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::codec;
    use wire::link::CONTROL_BYTES_MAX;
    use wire::recall::{DETAIL_BYTES_MAX, DIMENSIONS_MAX, Memory, ToIndexes};

    fn new(step: u64) -> NewMemory {
        let memory = Memory { step, skill: "take-stairs".into(), action: "step NE".into(), ..Memory::default() };
        NewMemory { memory, vector: vec![0.5; DIMENSIONS_MAX as usize], detail: vec![1; DETAIL_BYTES_MAX] }
    }

    #[test]
    fn batches_fit_a_message_and_come_one_at_a_time_in_order() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push((0..20).map(new).collect()), 0);
        let mut steps = Vec::new();
        while let Some((batch, memories)) = outbox.next() {
            assert_eq!(outbox.next(), None, "one batch is under way");
            steps.extend(memories.iter().map(|new| new.memory.step));
            let message = codec::encode(&ToIndexes::Remember { batch, memories }).expect("it can be written");
            assert!(message.len() <= CONTROL_BYTES_MAX, "{} bytes", message.len());
            assert!(!outbox.settle(batch + 1), "no such batch is under way");
            assert!(outbox.settle(batch));
        }
        assert_eq!(steps, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_under_way_is_sent_again_and_the_oldest_is_let_go_when_too_much_waits() {
        let mut outbox = Outbox::default();
        outbox.push((0..3).map(new).collect());
        let first = outbox.next().expect("a batch");
        outbox.take_back();
        assert_eq!(outbox.len(), 3);
        let again = outbox.next().expect("the batch again");
        assert_eq!((again.1, again.0 > first.0), (first.1, true));
        assert_eq!(outbox.lose(), 0, "the role may have died of something else");
        let light = |step| NewMemory { memory: Memory { step, ..Memory::default() }, ..NewMemory::default() };
        assert_eq!(outbox.push((3..3 + WAITING_MAX as u64).map(light).collect()), 0);
        assert_eq!(outbox.push(vec![light(9_999)]), 1);
        assert_eq!(outbox.clear(), WAITING_MAX as u64 + 3);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn a_batch_of_which_the_role_dies_twice_is_let_go_and_what_comes_after_it_is_sent() {
        let mut outbox = Outbox::default();
        outbox.push((0..20).map(new).collect());
        let deadly = outbox.next().expect("a batch").1;
        assert_eq!(outbox.lose(), 0);
        assert_eq!(outbox.lose(), 0, "nothing was under way this time");
        assert_eq!(outbox.next().expect("the batch again").1, deadly);
        outbox.take_back();
        assert_eq!(outbox.next().expect("it was not sent").1, deadly);
        assert_eq!(outbox.lose(), deadly.len() as u64);
        let after = outbox.next().expect("the next batch").1;
        assert_eq!(after[0].memory.step, deadly.len() as u64);
        assert_eq!(outbox.len(), 20 - deadly.len());
    }
}
