//! Ends one row of a batch when its deadline passes, and leaves the others alone.

use crate::choose::{Choose, Chooser, Chosen};
use std::time::Instant;

/// A chooser that stops in time.
pub(super) struct Timely {
    chooser: Chooser,
    deadline: Instant,
    /// A token that ends answers.
    end: u32,
    first_at: Option<Instant>,
    is_late: bool,
}

impl Timely {
    pub(super) fn new(chooser: Chooser, deadline: Instant, end: u32) -> Self {
        Self { chooser, deadline, end, first_at: None, is_late: false }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When the first token was chosen.
    pub(super) fn first_at(&self) -> Option<Instant> {
        self.first_at
    }

    /// Whether the deadline passed before the answer was whole.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
    }
}

impl Choose for Timely {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        let now = Instant::now();
        if now >= self.deadline {
            self.is_late = true;
            return Chosen { token: self.end, logprob: f32::NEG_INFINITY, is_last: true };
        }
        self.first_at.get_or_insert(now);
        self.chooser.choose(logits)
    }
}
