//! Two runs beside each other: what differs, by how much at least, and whether that is for the worse.

use super::tally::{Second, Tally};
use serde::Serialize;
use wire::random::SplitMix64;

const DRAWS: usize = 2_000;
/// Of the generator that draws; fixed, so that the same logs give the same interval.
const SEED: u64 = 0x5EED;
/// Seconds that are drawn together: what is slow for a moment is slow for some of them.
const BLOCK: usize = 5;
/// Fewer blocks say nothing.
const BLOCKS_MIN: usize = 4;
/// A change that is smaller than this is no regression, however sure it is.
const WORSE_BY: f64 = 0.05;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    StepsASecond,
    StepTime,
    Overhead,
}

/// A measure of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What it is.
    pub name: &'static str,
    /// Its value in this run.
    pub this: f64,
    /// In the other one.
    pub other: f64,
    /// How many times the other's it is.
    pub ratio: f64,
    /// The lower end of the ratio's 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// What that means.
    pub verdict: Verdict,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The runs are too short.
    TooShort,
    /// The interval holds 1, or the difference is small.
    NoDifference,
    /// Better than the other.
    Better,
    /// Worse than the other.
    Worse,
}

impl Verdict {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Verdict::TooShort => "too short to tell",
            Verdict::NoDifference => "no difference shown",
            Verdict::Better => "better",
            Verdict::Worse => "**worse**",
        }
    }
}

/// Compares a run with another one.
pub fn compare(this: &Tally, other: &Tally) -> Vec<Comparison> {
    let blocks = [blocks(this), blocks(other)];
    [
        ("steps a second", Measure::StepsASecond, true),
        ("time of a step, µs", Measure::StepTime, false),
        ("overhead of a step, µs", Measure::Overhead, false),
    ]
    .into_iter()
    .map(|(name, measure, is_more_better)| {
        let [this, other] = [0, 1].map(|run| measure.of(blocks[run].iter()));
        let (low, high) = interval(&blocks, measure);
        let ratio = this / other;
        let is_short = blocks.iter().any(|blocks| blocks.len() < BLOCKS_MIN) || !ratio.is_finite();
        let (is_more, is_less) = (low > 1.0 + WORSE_BY, high < 1.0 - WORSE_BY);
        let verdict = match (is_short, is_more, is_less) {
            (true, ..) => Verdict::TooShort,
            (_, false, false) => Verdict::NoDifference,
            (_, is_more, _) if is_more == is_more_better => Verdict::Better,
            _ => Verdict::Worse,
        };
        Comparison { name, this, other, ratio, low, high, verdict }
    })
    .collect()
}

/// What happened in some seconds together.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    seconds: f64,
    sum: Second,
}

impl Measure {
    fn of<'a>(self, blocks: impl Iterator<Item = &'a Block>) -> f64 {
        let sum = blocks.fold(Block::default(), |sum, block| Block {
            seconds: sum.seconds + block.seconds,
            sum: Second {
                steps: sum.sum.steps + block.sum.steps,
                total_us: sum.sum.total_us + block.sum.total_us,
                overhead_us: sum.sum.overhead_us + block.sum.overhead_us,
            },
        });
        let steps = sum.sum.steps as f64;
        match self {
            Measure::StepsASecond => steps / sum.seconds,
            Measure::StepTime => sum.sum.total_us as f64 / steps,
            Measure::Overhead => sum.sum.overhead_us as f64 / steps,
        }
    }
}

/// The run's seconds in blocks, without the first and the last, which are not whole.
fn blocks(tally: &Tally) -> Vec<Block> {
    let seconds = tally.seconds.keys().next().zip(tally.seconds.keys().next_back());
    let Some((first, last)) = seconds else { return Vec::new() };
    let whole: Vec<Second> =
        (first + 1..*last).map(|second| tally.seconds.get(&second).copied().unwrap_or_default()).collect();
    let sum = |block: &[Second]| Block {
        seconds: block.len() as f64,
        sum: Second {
            steps: block.iter().map(|second| second.steps).sum(),
            total_us: block.iter().map(|second| second.total_us).sum(),
            overhead_us: block.iter().map(|second| second.overhead_us).sum(),
        },
    };
    whole.chunks_exact(BLOCK).map(sum).collect()
}

fn interval(blocks: &[Vec<Block>; 2], measure: Measure) -> (f64, f64) {
    if blocks.iter().any(Vec::is_empty) {
        return (f64::NAN, f64::NAN);
    }
    let mut random = SplitMix64(SEED);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let [this, other] = [0, 1].map(|run| {
                let blocks = &blocks[run];
                let drawn: Vec<Block> = blocks.iter().map(|_| blocks[random.below(blocks.len())]).collect();
                measure.of(drawn.iter())
            });
            this / other
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    (ratios[DRAWS * 25 / 1_000], ratios[DRAWS * 975 / 1_000 - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: u64, steps: u64, step_us: u64) -> Tally {
        let second = |at: u64| {
            let steps = steps + at * 7 % 5;
            Second { steps, total_us: steps * step_us, overhead_us: steps * step_us / 10 }
        };
        Tally { seconds: (0..seconds).map(|at| (at, second(at))).collect(), ..Tally::default() }
    }

    #[test]
    fn what_is_slower_for_sure_is_worse_and_what_is_alike_is_not() {
        let verdicts = |this: &Tally, other: &Tally| -> Vec<Verdict> {
            compare(this, other).into_iter().map(|comparison| comparison.verdict).collect()
        };
        let (fast, slow, like) = (run(120, 60, 900), run(120, 40, 1_300), run(90, 60, 905));
        assert_eq!(verdicts(&slow, &fast), [Verdict::Worse; 3]);
        assert_eq!(verdicts(&fast, &slow), [Verdict::Better; 3]);
        assert_eq!(verdicts(&like, &fast), [Verdict::NoDifference; 3]);
        assert_eq!(verdicts(&run(15, 60, 900), &fast), [Verdict::TooShort; 3]);
        assert_eq!(verdicts(&Tally::default(), &Tally::default()), [Verdict::TooShort; 3]);
    }

    #[test]
    fn the_interval_holds_the_ratio() {
        for comparison in compare(&run(120, 40, 1_300), &run(120, 60, 900)) {
            let Comparison { low, ratio, high, .. } = comparison;
            assert!(low <= ratio && ratio <= high, "{comparison:?}");
        }
    }
}
