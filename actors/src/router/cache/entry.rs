//! One answer to one situation, with the prompts and pictures that it was given for.

use super::size::{allocation_bytes, tree_bytes};
use super::{Occasion, trusted_ms};
use crate::router::situation::Class;
use crate::router::verdict::Verdict;
use std::rc::Rc;
use wire::hash::Hash;

/// An entry that was confirmed again and again is trusted so many times as long as a new one, at most.
const TIMES_MAX: u32 = 64;
/// Prompts, and pictures, that one entry keeps; the oldest is let go.
const KEPT_MAX: usize = 32;

/// One answer to one situation.
#[derive(Debug)]
pub(super) struct Entry {
    pub situation: Hash,
    pub verdict: Rc<Verdict>,
    /// When it was used last, counted in uses.
    pub used: u64,
    pub prompts: Vec<Hash>,
    pictures: Vec<u64>,
    class: Class,
    /// When a model said so last.
    since_ms: u64,
    /// It is trusted so many times as long as a new one.
    times: u32,
}

impl Entry {
    pub fn new(occasion: &Occasion, verdict: Rc<Verdict>, used: u64, now_ms: u64) -> Entry {
        Entry {
            situation: occasion.situation.key,
            verdict,
            used,
            prompts: vec![occasion.prompt],
            pictures: vec![occasion.picture],
            class: occasion.situation.class,
            since_ms: now_ms,
            times: 1,
        }
    }

    pub fn is_trusted(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.since_ms) < trusted_ms(self.class, self.times)
    }

    /// Bits by which the picture differs from the nearest one.
    pub fn difference(&self, picture: u64) -> u32 {
        self.pictures.iter().map(|other| (other ^ picture).count_ones()).min().unwrap_or(u64::BITS)
    }

    /// The model said the same on this occasion. Gives a prompt that is let go.
    pub fn confirm(&mut self, occasion: &Occasion, verdict: Rc<Verdict>, now_ms: u64) -> Option<Hash> {
        // Only what was asked again because it was no longer trusted tells how long it may be trusted.
        if !self.is_trusted(now_ms) {
            self.times = (self.times * 2).min(TIMES_MAX);
        }
        self.since_ms = self.since_ms.max(now_ms);
        self.verdict = verdict;
        keep(&mut self.pictures, occasion.picture);
        keep(&mut self.prompts, occasion.prompt)
    }
}

/// Adds what is not there yet; gives what there is no more room for.
fn keep<T: Copy + PartialEq>(list: &mut Vec<T>, value: T) -> Option<T> {
    if list.contains(&value) {
        return None;
    }
    let oldest = (list.len() >= KEPT_MAX).then(|| list.remove(0));
    list.push(value);
    oldest
}

/// What an entry weighs with its places in the maps.
pub(super) fn entry_bytes(entry: &Entry) -> usize {
    let Entry { verdict, prompts, pictures, .. } = entry;
    let texts = [&verdict.tier, &verdict.skill, &verdict.arguments, &verdict.reason];
    allocation_bytes(size_of::<Entry>())
        + allocation_bytes(size_of::<Verdict>() + 2 * size_of::<usize>())
        + texts.into_iter().map(|text| allocation_bytes(text.capacity())).sum::<usize>()
        + allocation_bytes(prompts.capacity() * size_of::<Hash>())
        + allocation_bytes(pictures.capacity() * size_of::<u64>())
        + tree_bytes::<u64, Box<Entry>>()
        + tree_bytes::<u64, u64>()
        + tree_bytes::<(Hash, u64), ()>()
        + prompts.len() * tree_bytes::<Hash, u64>()
}
