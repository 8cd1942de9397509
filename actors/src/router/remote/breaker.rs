//! When to leave a server alone: after several failures in a row, or when half of the last requests failed. It is closed
//! again by whatever shows that the server answers.

use std::collections::VecDeque;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// Of so many last requests …
const LAST: usize = 20;
/// … so many failures open it as well.
const OF_LAST: usize = 10;

/// Counts failures; open from the start, since the server was not found yet.
#[derive(Debug)]
pub struct Breaker {
    /// Why the server is left alone.
    open: Option<String>,
    in_a_row: u32,
    /// Whether each of the last requests failed.
    last: VecDeque<bool>,
}

impl Breaker {
    /// Of a server that was not looked for yet.
    pub fn new() -> Breaker {
        Breaker { open: Some("it was not looked for yet".to_string()), in_a_row: 0, last: VecDeque::new() }
    }

    /// Why the server is left alone, if it is.
    pub fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }

    /// It answered. Says whether it was left alone until now.
    pub fn succeeded(&mut self) -> bool {
        self.in_a_row = 0;
        self.note(false);
        let was_open = self.open.take().is_some();
        if was_open {
            self.last.clear();
        }
        was_open
    }

    /// It failed. Says whether it is left alone from now on.
    pub fn failed(&mut self, why: &str) -> bool {
        self.in_a_row += 1;
        self.note(true);
        let failures = self.last.iter().filter(|failed| **failed).count();
        let reason = if self.in_a_row >= IN_A_ROW {
            format!("it failed {} times in a row, the last time: {why}", self.in_a_row)
        } else if self.last.len() == LAST && failures >= OF_LAST {
            format!("it failed {failures} of {LAST} times, the last time: {why}")
        } else {
            return false;
        };
        self.open.replace(reason).is_none()
    }

    /// It was looked for and not found.
    pub fn missing(&mut self, why: &str) {
        self.open = Some(why.to_string());
    }

    fn note(&mut self, failed: bool) {
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> Breaker {
        let mut breaker = Breaker::new();
        assert!(breaker.open().is_some());
        assert!(breaker.succeeded());
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_closes_it() {
        let mut breaker = closed();
        assert!((0..4).all(|_| !breaker.failed("x")));
        assert!(!breaker.succeeded());
        assert!((0..4).all(|_| !breaker.failed("x")));
        assert!(breaker.failed("the cause"));
        assert!(breaker.open().expect("it is open").contains("5 times in a row, the last time: the cause"));
        assert!(!breaker.failed("another that was under way"), "it opens once");
        assert!(breaker.succeeded());
        assert_eq!(breaker.open(), None);
        assert!((0..4).all(|_| !breaker.failed("x")));
    }

    #[test]
    fn half_of_the_last_twenty_open_it() {
        let mut breaker = closed();
        for _ in 0..9 {
            assert!(!breaker.failed("x"));
            assert!(!breaker.succeeded());
        }
        assert!(!breaker.failed("x"), "only 19 are known");
        assert!(breaker.failed("x"));
        assert!(breaker.open().expect("it is open").contains("of 20 times"));
    }

    #[test]
    fn fewer_than_half_leave_it_closed() {
        let mut breaker = closed();
        for turn in 0..300 {
            assert!(!if turn % 5 < 2 { breaker.failed("x") } else { breaker.succeeded() }, "{turn}");
        }
    }
}
