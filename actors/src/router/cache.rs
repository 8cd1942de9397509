//! What models decided, to be found again: for exactly the same prompt, or in the same situation with a picture like it.
//!
//! Decisions of one situation that say the same are one entry, which keeps the prompts and pictures that they were made for.
//! An entry is trusted for a while: longer each time the model, asked again, says the same; it is replaced when the model says
//! something else. What came to nothing is dropped. The whole never weighs more than its limit; what was not used for longest
//! goes first. Time comes in.

use super::situation::{Class, Situation};
use super::verdict::Verdict;
use entry::{Entry, entry_bytes};
use size::root_bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use wire::hash::Hash;

mod entry;
mod size;

pub use size::{limit_bytes, machine_bytes};

/// Entries of one situation, at most: as many different answers.
const ANSWERS_MAX: usize = 8;
/// What the maps weigh beyond their entries' shares: roots may be emptier than other nodes.
const ROOTS_BYTES: usize = root_bytes::<u64, Box<Entry>>()
    + root_bytes::<Hash, u64>()
    + root_bytes::<(Hash, u64), ()>()
    + root_bytes::<u64, u64>();

/// What models decided.
///
/// Its maps are trees: they grow with each entry by a bounded number of bytes and never double, so that their weight can be
/// counted entry by entry.
#[derive(Debug)]
pub struct Cache {
    limit_bytes: usize,
    similar_bits: u32,
    bytes: usize,
    /// Names the next entry.
    next: u64,
    /// Counts uses, to know which is the oldest.
    uses: u64,
    entries: BTreeMap<u64, Box<Entry>>,
    by_prompt: BTreeMap<Hash, u64>,
    by_situation: BTreeSet<(Hash, u64)>,
    by_use: BTreeMap<u64, u64>,
}

/// What a decision was made for.
#[derive(Clone, Copy, Debug)]
pub struct Occasion {
    /// Names the prompt.
    pub prompt: Hash,
    /// The situation.
    pub situation: Situation,
    /// The picture's difference hash.
    pub picture: u64,
}

impl Cache {
    /// An empty cache of so many bytes at most, in which pictures are alike whose hashes differ in so many bits at most.
    pub fn new(limit_bytes: usize, similar_bits: u32) -> Cache {
        Cache {
            limit_bytes,
            similar_bits,
            bytes: 0,
            next: 0,
            uses: 0,
            entries: BTreeMap::new(),
            by_prompt: BTreeMap::new(),
            by_situation: BTreeSet::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// What was answered to this very prompt.
    pub fn exact(&mut self, prompt: Hash, now_ms: u64) -> Option<Rc<Verdict>> {
        let name = *self.by_prompt.get(&prompt)?;
        if !self.entries.get(&name)?.is_trusted(now_ms) {
            return None;
        }
        self.used(name)
    }

    /// What a tier of at least this level decided in this situation, with a picture like this one.
    pub fn similar(&mut self, occasion: &Occasion, level: usize, now_ms: u64) -> Option<Rc<Verdict>> {
        let is_wanted = |entry: &Entry| entry.verdict.level >= level && entry.is_trusted(now_ms);
        let name = self.nearest(occasion, is_wanted)?;
        self.used(name)
    }

    /// Learns what a model decided.
    pub fn learn(&mut self, occasion: &Occasion, verdict: Rc<Verdict>, now_ms: u64) {
        let known = self.by_prompt.get(&occasion.prompt).copied();
        let known = known.or_else(|| self.nearest(occasion, |entry| entry.verdict.level == verdict.level));
        if let Some(name) = known
            && self.entries.get(&name).is_some_and(|entry| !entry.verdict.agrees(&verdict))
        {
            self.remove(name);
        }
        let same = self.named(occasion.situation.key, |entry| {
            entry.verdict.level == verdict.level && entry.verdict.agrees(&verdict)
        });
        match same {
            Some(name) => self.confirm(name, occasion, verdict, now_ms),
            None => self.insert(occasion, verdict, now_ms),
        }
        self.fit();
    }

    /// Drops what was decided in this situation if it says the same as this, which came to nothing.
    pub fn forget(&mut self, situation: Hash, verdict: &Verdict) {
        while let Some(name) = self.named(situation, |entry| entry.verdict.agrees(verdict)) {
            self.remove(name);
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it weighs, the maps included.
    pub fn bytes(&self) -> usize {
        if self.is_empty() { 0 } else { self.bytes + ROOTS_BYTES }
    }

    fn named(&self, situation: Hash, is_wanted: impl Fn(&Entry) -> bool) -> Option<u64> {
        self.names(situation).find(|name| self.entries.get(name).is_some_and(|entry| is_wanted(entry)))
    }

    fn names(&self, situation: Hash) -> impl Iterator<Item = u64> {
        self.by_situation.range((situation, 0)..=(situation, u64::MAX)).map(|(_, name)| *name)
    }

    /// The entry of this situation with the picture most like this one, if one is alike.
    fn nearest(&self, occasion: &Occasion, is_wanted: impl Fn(&Entry) -> bool) -> Option<u64> {
        let wanted = self.names(occasion.situation.key).filter_map(|name| {
            let entry = self.entries.get(&name).filter(|entry| is_wanted(entry))?;
            Some((entry.difference(occasion.picture), name))
        });
        wanted.min().filter(|(bits, _)| *bits <= self.similar_bits).map(|(_, name)| name)
    }

    /// Notes a use.
    fn used(&mut self, name: u64) -> Option<Rc<Verdict>> {
        let entry = self.entries.get_mut(&name)?;
        self.uses += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, name);
        entry.used = self.uses;
        Some(entry.verdict.clone())
    }

    fn insert(&mut self, occasion: &Occasion, verdict: Rc<Verdict>, now_ms: u64) {
        let known: Vec<_> = self.names(occasion.situation.key).collect();
        for oldest in known.iter().take((known.len() + 1).saturating_sub(ANSWERS_MAX)) {
            self.remove(*oldest);
        }
        self.next += 1;
        self.uses += 1;
        let entry = Entry::new(occasion, verdict, self.uses, now_ms);
        self.by_prompt.insert(occasion.prompt, self.next);
        self.by_situation.insert((occasion.situation.key, self.next));
        self.by_use.insert(self.uses, self.next);
        self.bytes += entry_bytes(&entry);
        self.entries.insert(self.next, Box::new(entry));
    }

    /// The model says the same again.
    fn confirm(&mut self, name: u64, occasion: &Occasion, verdict: Rc<Verdict>, now_ms: u64) {
        let Some(entry) = self.entries.get_mut(&name) else { return };
        self.bytes -= entry_bytes(entry);
        let dropped = entry.confirm(occasion, verdict, now_ms);
        self.bytes += entry_bytes(entry);
        if let Some(prompt) = dropped {
            self.unlink(prompt, name);
        }
        self.by_prompt.insert(occasion.prompt, name);
        self.used(name);
    }

    fn remove(&mut self, name: u64) {
        let Some(entry) = self.entries.remove(&name) else { return };
        self.bytes -= entry_bytes(&entry);
        self.by_use.remove(&entry.used);
        self.by_situation.remove(&(entry.situation, name));
        entry.prompts.iter().for_each(|prompt| self.unlink(*prompt, name));
    }

    /// A prompt leads to this entry no more, unless it leads to another one by now.
    fn unlink(&mut self, prompt: Hash, name: u64) {
        if self.by_prompt.get(&prompt) == Some(&name) {
            self.by_prompt.remove(&prompt);
        }
    }

    /// Lets go of what was not used for longest, until the rest fits.
    fn fit(&mut self) {
        while self.bytes() > self.limit_bytes
            && let Some((_, name)) = self.by_use.first_key_value()
        {
            self.remove(*name);
        }
    }
}

/// For how long an entry of this class is trusted that was confirmed so far that it counts so many times.
fn trusted_ms(class: Class, times: u32) -> u64 {
    class.trusted_ms() * u64::from(times)
}

#[cfg(test)]
mod tests;
