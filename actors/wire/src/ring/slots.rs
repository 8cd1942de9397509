//! The stamping protocol of the ring, over any words that behave like atomics, so that loom can explore it.
//!
//! Layout in words: word 0 is the newest sequence number; each slot starts with its stamp, then four words of
//! description, then payload.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
use memmap2::MmapRaw;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

const DESCRIPTION_WORDS: usize = 4;

/// The words of a ring.
pub(super) trait Words {
    /// The word at an index.
    fn word(&self, index: usize) -> &AtomicU64;
}

/// The stamps of the slots of one ring.
pub(super) struct Slots<'a, W: Words> {
    words: &'a W,
    first: usize,
    stride: usize,
}

impl<'a, W: Words> Slots<'a, W> {
    /// The slots begin at word `first`, `stride` words apart.
    pub(super) fn new(words: &'a W, first: usize, stride: usize) -> Slots<'a, W> {
        Slots { words, first, stride }
    }

    /// Writer: the slot's content is about to change.
    pub(super) fn begin(&self, slot: usize) {
        self.stamp(slot).store(0, Ordering::Relaxed);
        // SYNC POINT: whoever sees any of the writes that follow also sees the stamp gone.
        fence(Ordering::Release);
    }

    /// Writer: sets the words that describe the slot.
    pub(super) fn describe(&self, slot: usize, description: &[u64; DESCRIPTION_WORDS]) {
        for (index, word) in description.iter().enumerate() {
            self.words.word(self.at(slot) + 1 + index).store(*word, Ordering::Relaxed);
        }
    }

    /// Writer: the slot is whole.
    pub(super) fn publish(&self, slot: usize, sequence: u64) {
        // SYNC POINT: whoever sees this stamp sees everything written before it.
        self.stamp(slot).store(sequence, Ordering::Release);
        self.words.word(0).store(sequence, Ordering::Release);
    }

    /// Reader: the newest sequence number, 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.words.word(0).load(Ordering::Acquire)
    }

    /// Reader: whether the slot is whole and of this sequence number, before copying.
    pub(super) fn holds(&self, slot: usize, sequence: u64) -> bool {
        self.stamp(slot).load(Ordering::Acquire) == sequence
    }

    /// Reader: the words that describe the slot; to be believed only after `still_holds`.
    pub(super) fn description(&self, slot: usize) -> [u64; DESCRIPTION_WORDS] {
        std::array::from_fn(|index| self.words.word(self.at(slot) + 1 + index).load(Ordering::Relaxed))
    }

    /// Reader: whether the slot was of this sequence number all the while it was copied.
    pub(super) fn still_holds(&self, slot: usize, sequence: u64) -> bool {
        // SYNC POINT: pairs with the fence in `begin`; the copy's reads come before the stamp's read.
        fence(Ordering::Acquire);
        self.stamp(slot).load(Ordering::Relaxed) == sequence
    }

    fn at(&self, slot: usize) -> usize {
        self.first + slot * self.stride
    }

    fn stamp(&self, slot: usize) -> &AtomicU64 {
        self.words.word(self.at(slot))
    }
}

/// The words of a mapped ring.
pub(super) struct Published<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Published<'a> {
    /// Views a mapping as words.
    #[cfg(not(loom))]
    pub(super) fn new(map: &'a MmapRaw) -> Published<'a> {
        let pointer = map.as_ptr().cast::<AtomicU64>();
        assert!(pointer.is_aligned(), "a mapping starts at a page");
        // SAFETY: the pointer is aligned and valid for `len / 8` words as long as the mapping lives; AtomicU64 has the
        // layout of u64 and any bytes are a valid value; words of a read-only mapping are only loaded.
        Published { words: unsafe { std::slice::from_raw_parts(pointer, map.len() / 8) } }
    }

    #[cfg(loom)]
    pub(super) fn new(_: &'a MmapRaw) -> Published<'a> {
        unreachable!("loom explores the protocol over words of its own")
    }
}

impl Words for Published<'_> {
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words[index]
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    struct Model(Vec<AtomicU64>);

    impl Words for Model {
        fn word(&self, index: usize) -> &AtomicU64 {
            &self.0[index]
        }
    }

    // One word of publication, three slots of stamp + description; the description's words stand for the payload too.
    #[test]
    fn readers_never_believe_a_torn_slot() {
        loom::model(|| {
            let model = Arc::new(Model((0..1 + 3 * 5).map(|_| AtomicU64::new(0)).collect()));
            let writer = model.clone();
            let thread = thread::spawn(move || {
                let slots = Slots::new(&*writer, 1, 5);
                // Five publications over three slots, so that the slot the reader is in is written again.
                for sequence in [1, 4] {
                    slots.begin(1);
                    slots.describe(1, &[sequence; 4]);
                    slots.publish(1, sequence);
                }
            });
            let slots = Slots::new(&*model, 1, 5);
            let sequence = slots.newest();
            if sequence > 0 && slots.holds(1, sequence) {
                let copy = slots.description(1);
                if slots.still_holds(1, sequence) {
                    assert_eq!(copy, [sequence; 4]);
                }
            }
            thread.join().expect("the writer ends");
        });
    }
}
