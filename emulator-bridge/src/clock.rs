//! When the next frame is due.

use std::time::{Duration, Instant};

/// How many frames a clock that fell behind makes up for; more are left out.
pub(crate) const CATCH_UP_FRAMES_MAX: u32 = 5;

/// Keeps frames at a rate without drifting: each is due one period after the last was due, however late that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    period: Duration,
    due: Instant,
}

impl Clock {
    /// A clock whose first frame is due now. `speed_permille` is in thousandths of the machine's rate; 0 lets every
    /// frame be due at once.
    pub(crate) fn start(frame_rate_micro: u64, speed_permille: u32, now: Instant) -> Clock {
        let rate = u128::from(frame_rate_micro) * u128::from(speed_permille);
        let nanoseconds = 1_000_000_000_000_000_000u128.checked_div(rate).unwrap_or(0);
        Clock { period: Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)), due: now }
    }

    /// How long to wait for the next frame.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// A frame begins; the next is due a period after this one was due.
    pub(crate) fn frame_begins(&mut self, now: Instant) {
        let behind_max = self.period.saturating_mul(CATCH_UP_FRAMES_MAX);
        let earliest = now.checked_sub(behind_max).unwrap_or(now);
        let due = self.due.max(earliest);
        self.due = due.checked_add(self.period).unwrap_or(due);
    }

    /// Forgets frames that were due in the past: the game was waiting, not late.
    pub(crate) fn forgive(&mut self, now: Instant) {
        self.due = self.due.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u64 = 59_727_500;
    const PERIOD: Duration = Duration::from_nanos(16_742_706);

    #[test]
    fn a_late_frame_does_not_move_the_ones_after_it() {
        let start = Instant::now();
        let mut clock = Clock::start(RATE, 1000, start);
        assert_eq!(clock.wait(start), Duration::ZERO);
        clock.frame_begins(start + Duration::from_millis(3));
        assert_eq!(clock.wait(start), PERIOD);
        clock.frame_begins(start + PERIOD + Duration::from_millis(2));
        assert_eq!(clock.wait(start), 2 * PERIOD);
    }

    #[test]
    fn at_most_five_missed_frames_are_made_up_for() {
        let start = Instant::now();
        let mut clock = Clock::start(RATE, 1000, start);
        let late = start + 100 * PERIOD;
        let mut made_up = 0;
        while clock.wait(late).is_zero() {
            clock.frame_begins(late);
            made_up += 1;
        }
        assert_eq!(made_up, CATCH_UP_FRAMES_MAX + 1);
    }

    #[test]
    fn without_a_speed_every_frame_is_due_at_once() {
        let start = Instant::now();
        let mut clock = Clock::start(RATE, 0, start);
        clock.frame_begins(start);
        assert_eq!(clock.wait(start), Duration::ZERO);
    }

    #[test]
    fn a_forgiven_pause_costs_no_burst() {
        let start = Instant::now();
        let mut clock = Clock::start(RATE, 1000, start);
        let later = start + 10 * PERIOD;
        clock.forgive(later);
        clock.frame_begins(later);
        assert_eq!(clock.wait(later), PERIOD);
    }
}
