//! Keys and values of earlier prompts, kept so that a prompt that begins like one of them does not compute them again.
//!
//! What is kept depends on nothing that comes after it, so that reuse changes no answer. The bound is on tokens: each takes two
//! heads' worth of numbers a layer and key head.

use crate::cache::KeysValues;
use std::collections::VecDeque;

/// One earlier prompt, or its beginning.
#[derive(Debug)]
struct Prefix {
    keys: Vec<u64>,
    layers: Vec<KeysValues>,
}

/// A bounded number of tokens of earlier prompts, the latest last.
#[derive(Debug)]
pub(super) struct Prefixes {
    tokens_max: usize,
    kept: VecDeque<Prefix>,
}

impl Prefixes {
    pub(super) fn new(tokens_max: usize) -> Self {
        Self { tokens_max, kept: VecDeque::new() }
    }

    pub(super) fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// How many of these keys one of the kept prompts begins with, and what is kept of it.
    pub(super) fn longest(&self, keys: &[u64]) -> Option<(usize, &[KeysValues])> {
        let common = |prefix: &Prefix| prefix.keys.iter().zip(keys).take_while(|(one, other)| one == other).count();
        let (count, prefix) =
            self.kept.iter().map(|prefix| (common(prefix), prefix)).max_by_key(|(count, _)| *count)?;
        (count > 0).then_some((count, prefix.layers.as_slice()))
    }

    /// How many tokens of a prompt with these keys are worth keeping: none where they are kept already, which counts as a use
    /// of them.
    pub(super) fn wanted(&mut self, keys: &[u64]) -> usize {
        let count = keys.len().min(self.tokens_max);
        match self.kept.iter().position(|prefix| prefix.keys.starts_with(&keys[..count])) {
            Some(index) => {
                let used = self.kept.remove(index);
                self.kept.extend(used);
                0
            }
            None => count,
        }
    }

    /// Keeps the beginning of a prompt. What it contains is forgotten, and so are the oldest until the bound holds.
    pub(super) fn keep(&mut self, keys: &[u64], layers: Vec<KeysValues>) {
        self.kept.retain(|prefix| !keys.starts_with(&prefix.keys));
        self.kept.push_back(Prefix { keys: keys.to_vec(), layers });
        while self.tokens() > self.tokens_max {
            self.kept.pop_front();
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    fn tokens(&self) -> usize {
        self.kept.iter().map(|prefix| prefix.keys.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_prompts_are_forgotten_first() {
        let mut prefixes = Prefixes::new(6);
        prefixes.keep(&[1, 2], Vec::new());
        prefixes.keep(&[3, 4], Vec::new());
        assert_eq!(prefixes.wanted(&[1, 2]), 0);
        prefixes.keep(&[5, 6, 7], Vec::new());
        let longest = |keys: &[u64]| prefixes.longest(keys).map_or(0, |(count, _)| count);
        assert_eq!([longest(&[1, 2, 9]), longest(&[3, 4]), longest(&[5, 6])], [2, 0, 2]);
    }

    #[test]
    fn a_longer_prompt_stands_for_its_beginning() {
        let mut prefixes = Prefixes::new(4);
        prefixes.keep(&[1, 2], Vec::new());
        assert_eq!(prefixes.wanted(&[1, 2, 3, 4, 5]), 4);
        prefixes.keep(&[1, 2, 3, 4], Vec::new());
        assert_eq!(prefixes.kept.len(), 1);
        assert_eq!(prefixes.wanted(&[1, 2, 3]), 0);
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        assert_eq!(Prefixes::new(0).wanted(&[1, 2]), 0);
    }
}
