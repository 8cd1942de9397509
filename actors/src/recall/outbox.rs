//! Memories on their way to the indexes role: a bounded queue, and one batch at a time of which it is not known whether it
//! was kept. A batch that was under way when the role died is sent again; the role counts what it knew already.

use std::collections::VecDeque;
use wire::recall::NewMemory;

/// Memories that wait at most; more are let go, the oldest first.
const WAITING_MAX: usize = 4_096;
/// Bytes of memories in a batch, so that a message is never too large.
const BATCH_BYTES_MAX: usize = 56 << 10;
/// Bytes of a memory besides its vector, detail and names, rounded up.
const MEMORY_BYTES: usize = 256;

/// What waits for the role.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<NewMemory>,
    under_way: Option<(u64, Vec<NewMemory>)>,
    next_batch: u64,
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
        if self.under_way.is_some() || self.waiting.is_empty() {
            return None;
        }
        let mut bytes = 0;
        let fits = |memory: &&NewMemory| {
            bytes += bytes_of(memory);
            bytes <= BATCH_BYTES_MAX
        };
        let count = self.waiting.iter().take_while(fits).count().max(1);
        self.next_batch += 1;
        let batch = (self.next_batch, self.waiting.drain(..count).collect());
        self.under_way = Some(batch.clone());
        Some(batch)
    }

    /// The role has answered a batch; whether it was the one under way.
    pub fn settle(&mut self, batch: u64) -> bool {
        self.under_way.take_if(|(under_way, _)| *under_way == batch).is_some()
    }

    /// The batch under way was not sent, or the role is gone.
    pub fn take_back(&mut self) {
        if let Some((_, memories)) = self.under_way.take() {
            memories.into_iter().rev().for_each(|memory| self.waiting.push_front(memory));
        }
    }

    /// Everything is let go; gives how many memories that were.
    pub fn clear(&mut self) -> u64 {
        self.take_back();
        let count = self.waiting.len() as u64;
        self.waiting.clear();
        count
    }

    /// Memories that are not known to be kept.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.under_way.as_ref().map_or(0, |(_, memories)| memories.len())
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
        let light = |step| NewMemory { memory: Memory { step, ..Memory::default() }, ..NewMemory::default() };
        assert_eq!(outbox.push((3..3 + WAITING_MAX as u64).map(light).collect()), 0);
        assert_eq!(outbox.push(vec![light(9_999)]), 1);
        assert_eq!(outbox.clear(), WAITING_MAX as u64 + 3);
        assert_eq!(outbox.len(), 0);
    }
}
