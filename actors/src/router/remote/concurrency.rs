//! How many requests are sent at a time: one more for each round of good answers while somebody waits, half as many when the
//! server shows that it is too much ("additive increase, multiplicative decrease").
//!
//! A round is as many answers as there may be requests at a time. It is good as long as they take, on average, no longer than
//! twice the shortest of the last ones. Only requests that were sent after the last cut can cut again: those that were under way
//! with it say the same thing as it did.

use std::time::Duration;
use tokio::time::Instant;

/// Where it starts.
const FIRST: usize = 4;
/// How many times the shortest latency is too long to ask for more.
const TOLERANCE: u32 = 2;

/// Requests at a time.
#[derive(Debug)]
pub struct Concurrency {
    limit: usize,
    max: usize,
    /// Answers of this round, and how long they took together.
    answers: usize,
    took: Duration,
    /// Whether somebody had to wait in this round.
    is_wanted: bool,
    cut_at: Option<Instant>,
}

impl Concurrency {
    /// At most so many.
    pub fn new(max: usize) -> Concurrency {
        let max = max.max(1);
        Concurrency { limit: FIRST.min(max), max, answers: 0, took: Duration::ZERO, is_wanted: false, cut_at: None }
    }

    /// How many there may be now.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// An answer came. `is_wanted`: every place was taken.
    pub fn answered(&mut self, took: Duration, shortest: Duration, is_wanted: bool) {
        self.is_wanted |= is_wanted;
        self.answers += 1;
        self.took += took;
        if self.answers < self.limit {
            return;
        }
        let is_good = self.took <= shortest.saturating_mul(TOLERANCE * self.answers as u32);
        if self.is_wanted && is_good {
            self.limit = (self.limit + 1).min(self.max);
        }
        self.begin();
    }

    /// A request that was sent then was too much for the server.
    pub fn overloaded(&mut self, sent: Instant, now: Instant) {
        self.begin();
        if self.cut_at.is_none_or(|cut_at| sent > cut_at) {
            self.limit = (self.limit / 2).max(1);
            self.cut_at = Some(now);
        }
    }

    fn begin(&mut self) {
        self.answers = 0;
        self.took = Duration::ZERO;
        self.is_wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(100);
    const SLOW: Duration = Duration::from_millis(201);

    #[test]
    fn it_grows_by_one_a_round_up_to_its_maximum() {
        let mut concurrency = Concurrency::new(6);
        let limits: Vec<usize> = (0..20)
            .map(|_| {
                concurrency.answered(FAST, FAST, true);
                concurrency.limit()
            })
            .collect();
        assert_eq!(limits[..9], [4, 4, 4, 5, 5, 5, 5, 5, 6]);
        assert_eq!(limits[19], 6);
        assert_eq!(Concurrency::new(0).limit(), 1);
        assert_eq!(Concurrency::new(2).limit(), 2);
    }

    #[test]
    fn it_does_not_grow_without_demand_nor_while_answers_take_long() {
        let mut concurrency = Concurrency::new(16);
        (0..100).for_each(|_| concurrency.answered(FAST, FAST, false));
        assert_eq!(concurrency.limit(), 4);
        (0..100).for_each(|_| concurrency.answered(SLOW, FAST, true));
        assert_eq!(concurrency.limit(), 4);
    }

    #[test]
    fn it_is_halved_once_for_all_that_were_under_way_together() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut concurrency = Concurrency::new(16);
        (0..200).for_each(|_| concurrency.answered(FAST, FAST, true));
        assert_eq!(concurrency.limit(), 16);
        (0..16).for_each(|_| concurrency.overloaded(start, start + second));
        assert_eq!(concurrency.limit(), 8);
        concurrency.overloaded(start + second, start + second);
        assert_eq!(concurrency.limit(), 8);
        for cut in [4, 2, 1, 1] {
            let now = concurrency.cut_at.expect("it was cut") + second;
            concurrency.overloaded(now, now);
            assert_eq!(concurrency.limit(), cut);
        }
        (0..3).for_each(|_| concurrency.answered(FAST, FAST, true));
        assert_eq!(concurrency.limit(), 3);
    }
}
