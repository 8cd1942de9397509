//! Differences of paired values, with bootstrap intervals: the pairs are drawn again and again, with replacement, and the
//! interval holds the middle 95 % of the means that this gives.

use serde::Serialize;
use wire::random::SplitMix64;

const DRAWS: usize = 10_000;
/// Of the generator that draws; fixed, so that the same games give the same interval.
const SEED: u64 = 0x5EED;

/// What a part makes of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its mean with the part.
    pub with: f64,
    /// Its mean without.
    pub without: f64,
    /// The mean of the differences.
    pub mean: f64,
    /// The lower end of their 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Difference {
    /// Compares values of the same seeds, in the same order.
    pub fn between(with: &[f64], without: &[f64]) -> Difference {
        let differences: Vec<f64> = with.iter().zip(without).map(|(with, without)| with - without).collect();
        let (low, high) = interval(&differences);
        Difference { with: mean(with), without: mean(without), mean: mean(&differences), low, high }
    }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn interval(differences: &[f64]) -> (f64, f64) {
    if differences.is_empty() {
        return (0.0, 0.0);
    }
    let mut random = SplitMix64(SEED);
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn = differences.iter().map(|_| differences[random.below(differences.len())]);
            drawn.sum::<f64>() / differences.len() as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    (means[DRAWS * 25 / 1_000], means[DRAWS * 975 / 1_000 - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_difference_has_an_interval_without_zero() {
        let without: Vec<f64> = (0..40).map(f64::from).collect();
        let with: Vec<f64> = without.iter().enumerate().map(|(at, value)| value - 5.0 + (at % 3) as f64).collect();
        let Difference { mean, low, high, .. } = Difference::between(&with, &without);
        assert!(low < mean && mean < high && high < -3.5 && low > -4.5, "{low} {mean} {high}");
    }

    #[test]
    fn noise_has_an_interval_around_zero() {
        let with: Vec<f64> = (0..40).map(|at| f64::from(at * 7 % 11)).collect();
        let without: Vec<f64> = (0..40).map(|at| f64::from(at * 5 % 11)).collect();
        let Difference { low, high, .. } = Difference::between(&with, &without);
        assert!(low < 0.0 && high > 0.0, "{low} {high}");
    }

    #[test]
    fn no_games_are_no_difference() {
        assert_eq!(Difference::between(&[], &[]).mean, 0.0);
    }
}
