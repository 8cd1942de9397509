//! Which statements took longer than they should.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A statement that takes longer is told of.
pub const SLOW: Duration = Duration::from_millis(50);
/// Slow statements that are kept until somebody asks; more are not told of.
const KEPT: usize = 16;

/// A statement that took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStatement {
    /// What it does.
    pub statement: &'static str,
    /// How long it took.
    pub took: Duration,
}

/// Times statements.
#[derive(Debug, Default)]
pub struct Stopwatch {
    slow: Mutex<VecDeque<SlowStatement>>,
}

impl Stopwatch {
    /// Does something, and remembers it where it took long.
    pub(super) fn time<T>(&self, statement: &'static str, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.note(statement, begin.elapsed());
        result
    }

    fn note(&self, statement: &'static str, took: Duration) {
        if took > SLOW {
            let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
            if slow.len() < KEPT {
                slow.push_back(SlowStatement { statement, took });
            }
        }
    }

    /// The slow statements since the last call.
    pub fn take(&self) -> Vec<SlowStatement> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_statements_are_told_of_once_and_in_bounded_number() {
        let watch = Stopwatch::default();
        watch.note("insert", Duration::from_millis(50));
        assert_eq!(watch.take(), []);
        (0..100).for_each(|_| watch.note("commit", Duration::from_millis(51)));
        assert_eq!(watch.take().len(), KEPT);
        assert_eq!(watch.take(), []);
    }
}
