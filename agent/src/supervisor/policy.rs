//! Whether and when a process that ended is started again. Nothing here looks at a clock or draws a number.

use crate::config::Supervision;
use std::collections::VecDeque;
use wire::exit;

/// What is remembered of a role's deaths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When it died, within the window, in milliseconds of the monotonic clock; oldest first.
    deaths_ms: VecDeque<u64>,
    /// Deaths since it last was stable.
    in_a_row: u32,
    /// Whether the circuit is open.
    open: bool,
}

/// The end of one life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// When, in milliseconds of the monotonic clock.
    pub at_ms: u64,
    /// How long it had lived.
    pub lived_ms: u64,
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this long.
    Restart {
        /// Milliseconds from the death.
        delay_ms: u64,
    },
    /// It dies too often: try once after this long.
    Open {
        /// Milliseconds from the death.
        retry_ms: u64,
        /// Deaths within the window.
        deaths: u32,
    },
    /// Somebody has to change something first.
    Permanent {
        /// Its exit status.
        status: i32,
    },
}

/// Decides about a death. `jitter` is from 0 to 1 and spreads restarts over the second half of the delay.
pub fn decide(history: &History, death: Death, limits: &Supervision, jitter: f64) -> (History, Verdict) {
    let mut next = history.clone();
    if let Some(status) = death.status.filter(|status| exit::is_permanent(*status)) {
        return (next, Verdict::Permanent { status });
    }
    if death.lived_ms >= limits.stable_s * 1_000 {
        next.deaths_ms.clear();
        next.in_a_row = 0;
        next.open = false;
    }
    let window_ms = limits.window_s * 1_000;
    while next.deaths_ms.front().is_some_and(|at_ms| death.at_ms.saturating_sub(*at_ms) >= window_ms) {
        next.deaths_ms.pop_front();
    }
    next.deaths_ms.push_back(death.at_ms);
    let exponent = next.in_a_row.min(32);
    next.in_a_row += 1;
    let deaths = next.deaths_ms.len() as u32;
    // A circuit that is open stays so until a life was stable: a try that fails is not five new chances.
    next.open |= deaths > limits.restarts_max;
    if next.open {
        return (next, Verdict::Open { retry_ms: limits.retry_s * 1_000, deaths });
    }
    let whole_ms = limits.backoff_ms.saturating_mul(1 << exponent).min(limits.backoff_max_ms);
    let half_ms = whole_ms / 2;
    let delay_ms = half_ms + ((whole_ms - half_ms) as f64 * jitter.clamp(0.0, 1.0)) as u64;
    (next, Verdict::Restart { delay_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn limits() -> Supervision {
        Config::built_in().supervision
    }

    fn death(at_ms: u64, lived_ms: u64) -> Death {
        Death { at_ms, lived_ms, status: None }
    }

    fn decide_all(deaths: &[Death], jitter: f64) -> Vec<Verdict> {
        let mut history = History::default();
        let decided = deaths.iter().map(|death| {
            let (next, verdict) = decide(&history, *death, &limits(), jitter);
            history = next;
            verdict
        });
        decided.collect()
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        // Far apart, so that the circuit stays closed; short lives, so that the row goes on.
        let deaths: Vec<Death> = (0..9).map(|index| death(index * 100_000, 10)).collect();
        let delays: Vec<u64> = decide_all(&deaths, 1.0)
            .iter()
            .map(|verdict| match verdict {
                Verdict::Restart { delay_ms } => *delay_ms,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    }

    #[test]
    fn jitter_spreads_over_the_second_half_of_the_delay() {
        for (jitter, delay_ms) in [(0.0, 50), (0.5, 75), (1.0, 100), (7.0, 100), (-1.0, 50)] {
            assert_eq!(decide_all(&[death(0, 10)], jitter), [Verdict::Restart { delay_ms }]);
        }
    }

    #[test]
    fn more_deaths_than_allowed_within_the_window_open_the_circuit() {
        let deaths: Vec<Death> = (0..6).map(|index| death(index * 1_000, 10)).collect();
        let verdicts = decide_all(&deaths, 0.0);
        assert!(verdicts[..5].iter().all(|verdict| matches!(verdict, Verdict::Restart { .. })), "{verdicts:?}");
        assert_eq!(verdicts[5], Verdict::Open { retry_ms: 300_000, deaths: 6 });
    }

    #[test]
    fn deaths_that_left_the_window_are_not_counted() {
        let mut deaths: Vec<Death> = (0..5).map(|index| death(index * 1_000, 10)).collect();
        deaths.push(death(60_000, 10));
        assert!(matches!(decide_all(&deaths, 0.0)[5], Verdict::Restart { .. }));
        deaths[5].at_ms = 59_999;
        assert!(matches!(decide_all(&deaths, 0.0)[5], Verdict::Open { .. }));
    }

    #[test]
    fn an_open_circuit_stays_open_until_a_life_was_stable() {
        let mut deaths: Vec<Death> = (0..6).map(|index| death(index * 1_000, 10)).collect();
        deaths.push(death(305_000, 10));
        deaths.push(death(700_000, 59_999));
        deaths.push(death(1_100_000, 60_000));
        let verdicts = decide_all(&deaths, 1.0);
        assert_eq!(verdicts[6], Verdict::Open { retry_ms: 300_000, deaths: 1 });
        assert_eq!(verdicts[7], Verdict::Open { retry_ms: 300_000, deaths: 1 });
        assert_eq!(verdicts[8], Verdict::Restart { delay_ms: 100 });
    }

    #[test]
    fn a_stable_life_starts_the_row_anew() {
        let verdicts = decide_all(&[death(0, 10), death(100_000, 10), death(200_000, 60_000)], 1.0);
        assert_eq!(verdicts[2], Verdict::Restart { delay_ms: 100 });
    }

    #[test]
    fn statuses_that_need_a_person_are_permanent_and_the_others_are_not() {
        for status in 0..=255 {
            let death = Death { at_ms: 0, lived_ms: 10, status: Some(status) };
            let permanent =
                matches!(decide_all(&[death], 0.0)[0], Verdict::Permanent { status: kept } if kept == status);
            assert_eq!(permanent, (64..=78).contains(&status), "status {status}");
        }
    }
}
