//! How fast a game goes and how it stands, second by second, over the last minutes.

use std::collections::VecDeque;
use wire::event::StepCompleted;

/// Seconds that are kept.
const SECONDS_MAX: usize = 300;

/// A second of a game.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Second {
    /// Seconds since 1970.
    at_s: i64,
    steps: u64,
    overhead_us: u64,
    /// Of the last step in it.
    hp: i32,
    max_hp: i32,
    floor: u32,
}

/// The last minutes of a game.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    seconds: VecDeque<Second>,
}

impl Rates {
    /// A step was over then, in microseconds since 1970.
    pub fn add(&mut self, at_us: i64, step: &StepCompleted) {
        let at_s = at_us.div_euclid(1_000_000);
        if self.seconds.back().is_none_or(|last| last.at_s < at_s) {
            self.seconds.push_back(Second { at_s, ..Second::default() });
        }
        while self.seconds.len() > SECONDS_MAX {
            self.seconds.pop_front();
        }
        let Some(second) = self.seconds.back_mut() else { return };
        second.steps += 1;
        second.overhead_us += step.latency.overhead_us;
        (second.hp, second.max_hp, second.floor) = (step.state.hp, step.state.max_hp, step.state.floor);
    }

    /// Steps in each of the last seconds, oldest first; seconds without any count.
    pub fn steps(&self, count: usize) -> Vec<u64> {
        self.series(count, |second| second.steps)
    }

    /// The mean overhead of a step in microseconds, second by second.
    pub fn overhead_us(&self, count: usize) -> Vec<u64> {
        self.series(count, |second| second.overhead_us / second.steps.max(1))
    }

    /// Hit points in percent.
    pub fn hp_percent(&self, count: usize) -> Vec<u64> {
        self.series(count, |second| {
            (second.hp.max(0) as u64 * 100).checked_div(second.max_hp.max(0) as u64).unwrap_or(0)
        })
    }

    /// Steps a second over the last ten whole seconds.
    pub fn steps_per_s(&self) -> f64 {
        let steps = self.steps(11);
        let whole = &steps[..steps.len().saturating_sub(1)];
        if whole.is_empty() { 0.0 } else { whole.iter().sum::<u64>() as f64 / whole.len() as f64 }
    }

    fn series(&self, count: usize, of: impl Fn(&Second) -> u64) -> Vec<u64> {
        let Some(last) = self.seconds.back() else { return Vec::new() };
        let first = self.seconds.front().map_or(0, |first| first.at_s).max(last.at_s - count as i64 + 1);
        let mut seconds = self.seconds.iter().filter(|second| second.at_s >= first).peekable();
        (first..=last.at_s).map(|at_s| seconds.next_if(|second| second.at_s == at_s).map_or(0, &of)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::event::{Latency, State};

    #[test]
    fn seconds_without_a_step_count_and_old_ones_are_forgotten() {
        let mut rates = Rates::default();
        let step = |overhead_us, hp| StepCompleted {
            latency: Latency { overhead_us, ..Latency::default() },
            state: State { hp, max_hp: 50, ..State::default() },
            ..StepCompleted::default()
        };
        assert_eq!((rates.steps(10), rates.steps_per_s()), (vec![], 0.0));
        for (at_us, hp) in [(1_000_000, 50), (1_900_000, 40), (4_100_000, 25)] {
            rates.add(at_us, &step(100, hp));
        }
        rates.add(4_200_000, &step(300, 20));
        assert_eq!(rates.steps(10), [2, 0, 0, 2]);
        assert_eq!((rates.overhead_us(2), rates.hp_percent(4)), (vec![0, 200], vec![80, 0, 0, 40]));
        assert!((rates.steps_per_s() - 2.0 / 3.0).abs() < 1e-9);
        (0..1_000).for_each(|second| rates.add(second * 1_000_000, &step(1, 1)));
        assert!(rates.seconds.len() <= SECONDS_MAX);
    }
}
