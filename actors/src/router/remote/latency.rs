//! How long the server took lately.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers that are looked back upon.
const LAST: usize = 100;
/// Fewer than these say nothing about the slow ones.
const ENOUGH: usize = 20;

/// The latest answers' times.
#[derive(Debug, Default)]
pub struct Latencies {
    last: VecDeque<Duration>,
}

impl Latencies {
    /// An answer took so long.
    pub fn note(&mut self, took: Duration) {
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(took);
    }

    /// The shortest.
    pub fn shortest(&self) -> Option<Duration> {
        self.last.iter().min().copied()
    }

    /// What 95 of 100 stay below, where enough is known.
    pub fn p95(&self) -> Option<Duration> {
        if self.last.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<Duration> = self.last.iter().copied().collect();
        let place = sorted.len() * 95 / 100;
        Some(*sorted.select_nth_unstable(place.min(self.last.len() - 1)).1)
    }

    /// Longer than this is unusual: than 95 of 100, or than all while there are few.
    pub fn usual(&self) -> Option<Duration> {
        self.p95().or_else(|| self.last.iter().max().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_and_the_shortest_of_the_last_hundred() {
        let mut latencies = Latencies::default();
        (0..19).for_each(|_| latencies.note(Duration::from_millis(1)));
        assert_eq!((latencies.p95(), latencies.usual()), (None, Some(Duration::from_millis(1))));
        (1..=100).for_each(|ms| latencies.note(Duration::from_millis(1_000 + ms)));
        assert_eq!(latencies.p95(), Some(Duration::from_millis(1_096)));
        assert_eq!(latencies.shortest(), Some(Duration::from_millis(1_001)), "the old ones are forgotten");
    }
}
