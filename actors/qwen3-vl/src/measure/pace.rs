//! How long a case will take, from those before it, so that one which does not fit into the time is not begun.

use super::{Case, seconds};
use crate::generate::Timing;
use std::time::Duration;

/// What was learned from the cases so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    known: Vec<Known>,
    /// Looking at a picture, in seconds.
    look: Option<f64>,
}

#[derive(Debug)]
struct Known {
    case: Case,
    /// Seconds a token of a prompt.
    token: f64,
    /// Seconds a step of the batch.
    step: f64,
}

/// Looking at a picture takes as long as a prompt of so many tokens, until it is known: its patches.
const LOOK_TOKENS: f64 = 600.0;

/// How the time of a token grows with what it looks back on, as a power. Most of the work does not grow at all.
const GROWTH: f64 = 0.25;

impl Pace {
    pub(super) fn learn(&mut self, case: &Case, timing: &Timing) {
        let (prompts, tokens) = (case.batch as f64, case.tokens as f64);
        self.known.push(Known {
            case: *case,
            token: seconds(timing.prefill_us) / (prompts * tokens),
            step: seconds(timing.decode_us) / timing.steps.max(1) as f64,
        });
        if case.has_picture {
            self.look = Some(seconds(timing.vision_us) / prompts);
        }
    }

    /// How long a case will take, from the one that is most like it; none where nothing is known.
    pub(super) fn predicted(&self, case: &Case, new_tokens: usize) -> Option<Duration> {
        let apart = |known: &&Known| (known.case.tokens.abs_diff(case.tokens), known.case.batch.abs_diff(case.batch));
        let like = self.known.iter().min_by_key(apart)?;
        let growth = (case.tokens as f64 / like.case.tokens as f64).max(1.0).powf(GROWTH);
        // A step of a larger batch takes longer, but by no means in proportion.
        let crowding = (1.0 + (case.batch as f64 / like.case.batch as f64).max(1.0)) / 2.0;
        let look = self.look.unwrap_or(like.token * LOOK_TOKENS);
        let prompts = case.batch as f64;
        let prefill = like.token * growth * prompts * case.tokens as f64;
        let decode = like.step * growth * crowding * new_tokens as f64;
        let vision = if case.has_picture { look * prompts } else { 0.0 };
        Some(Duration::try_from_secs_f64(prefill + decode + vision).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_one_case_says_how_long_the_next_will_take() {
        let mut pace = Pace::default();
        let case = Case { tokens: 100, batch: 1, has_picture: false };
        assert_eq!(pace.predicted(&case, 10), None);
        pace.learn(&case, &Timing { vision_us: 0, prefill_us: 1_000_000, decode_us: 900_000, steps: 9 });
        let predicted = |tokens, batch, has_picture| {
            pace.predicted(&Case { tokens, batch, has_picture }, 10).unwrap_or_default().as_secs_f64()
        };
        assert!((predicted(100, 1, false) - 2.0).abs() < 1e-9);
        assert!((predicted(100, 1, true) - 8.0).abs() < 1e-9);
        assert!((predicted(1600, 1, false) - 34.0).abs() < 1e-9);
        assert!((predicted(100, 3, false) - 5.0).abs() < 1e-9);
        let longer = Case { tokens: 1600, batch: 1, has_picture: true };
        pace.learn(&longer, &Timing { vision_us: 3_000_000, prefill_us: 4_800_000, decode_us: 1_000_000, steps: 10 });
        assert!((pace.predicted(&longer, 10).unwrap_or_default().as_secs_f64() - 8.8).abs() < 1e-9);
    }
}
