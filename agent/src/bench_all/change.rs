//! What a figure says beside those of earlier runs alike: whether it changed by more than it changes anyway.
//!
//! What is usual is the median of the last runs, give or take four of their deviations (the median of the distances from it,
//! scaled as for a normal distribution), more while runs are few, and never less than a share of the median. Neither a single
//! odd run nor a steady drift of its own makes it narrow.

use super::figures::{Better, FIGURES};
use serde_json::Value;
use std::fmt::Write as _;

/// Earlier runs that are looked at.
pub const RUNS_MAX: usize = 20;
/// Runs below which nothing is said to have changed.
const RUNS_MIN: usize = 5;
/// Deviations on each side of the median.
const DEVIATIONS: f64 = 4.0;
/// How many times more of them where runs are as few as can be.
const FEW: f64 = 2.0;
/// A normal distribution's standard deviation, in medians of the distances from its median.
const SCALE: f64 = 1.4826;
/// What changes less, as a share of the median, is the same; counts of instructions have less noise.
const LEAST_SHARE: f64 = 0.05;
const LEAST_SHARE_OF_COUNTS: f64 = 0.01;

/// What can be said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are too few runs to compare with.
    Unknown,
    /// Within what is usual.
    Same,
    /// Beyond it, to the good.
    Better,
    /// Beyond it, to the bad.
    Worse,
}

/// What a figure usually is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Its median.
    pub median: f64,
    /// The lower end of what is usual.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Runs that say so.
    pub runs: usize,
}

/// A figure now and before.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its whole name.
    pub name: String,
    /// Its value.
    pub now: f64,
    /// What it was.
    pub usual: Option<Usual>,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// Its bound, and whether it breaks it.
    pub bound: Option<(f64, bool)>,
}

impl Usual {
    /// Of these values, the newest last.
    pub fn of(values: &[f64], least_share: f64) -> Option<Usual> {
        let values = &values[values.len().saturating_sub(RUNS_MAX)..];
        let median = median(values.to_vec())?;
        let deviation = SCALE * self::median(values.iter().map(|value| (value - median).abs()).collect())?;
        let runs = values.len();
        let few = 1.0 + FEW * (RUNS_MIN as f64 / runs as f64).powi(2);
        let band = (DEVIATIONS * deviation * few).max(least_share * median.abs());
        Some(Usual { median, low: median - band, high: median + band, runs })
    }

    fn verdict(&self, now: f64, better: Better) -> Verdict {
        match (self.runs >= RUNS_MIN, now < self.low, now > self.high, better) {
            (false, ..) => Verdict::Unknown,
            (_, false, false, _) => Verdict::Same,
            (_, true, _, Better::Lower) | (_, _, true, Better::Higher) => Verdict::Better,
            _ => Verdict::Worse,
        }
    }
}

/// Compares a run with earlier ones alike, the oldest first.
pub fn compare(now: &Value, past: &[Value]) -> Vec<Change> {
    let mut changes = Vec::new();
    for figure in FIGURES {
        let least = if figure.bench() == "instructions" { LEAST_SHARE_OF_COUNTS } else { LEAST_SHARE };
        let before: Vec<_> = past.iter().map(|entry| figure.found(&entry["benches"])).collect();
        for (name, now) in figure.found(&now["benches"]) {
            let values = before.iter().flatten().filter(|(other, _)| *other == name).map(|(_, value)| *value);
            let usual = Usual::of(&values.collect::<Vec<_>>(), least);
            let verdict = usual.map_or(Verdict::Unknown, |usual| usual.verdict(now, figure.better));
            let bound = figure.bound.map(|bound| {
                let is_broken = match figure.better {
                    Better::Higher => now < bound.at,
                    Better::Lower => now > bound.at,
                };
                (bound.at, is_broken)
            });
            changes.push(Change { name, now, usual, verdict, bound });
        }
    }
    changes
}

/// A line a figure.
pub fn table(changes: &[Change]) -> String {
    let width = changes.iter().map(|change| change.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for change in changes {
        let _ = write!(text, "{:<width$} {:>12}", change.name, short(change.now));
        if let Some(usual) = change.usual {
            let _ = write!(text, "  {}", words(change.verdict, &usual));
        }
        if let Some((at, is_broken)) = change.bound {
            let _ = write!(text, "  {} {}", if is_broken { "BREAKS ITS BOUND" } else { "bound" }, short(at));
        }
        text.push('\n');
    }
    text
}

/// A line for each figure that changed by more than it usually does.
pub fn beyond_noise(changes: &[Change]) -> Vec<String> {
    let changed = changes.iter().filter(|change| matches!(change.verdict, Verdict::Better | Verdict::Worse));
    let line = |change: &Change| {
        Some(format!("{}: {} {}", change.name, short(change.now), words(change.verdict, &change.usual?)))
    };
    changed.filter_map(line).collect()
}

fn words(verdict: Verdict, usual: &Usual) -> String {
    let Usual { median, low, high, runs } = usual;
    let before = format!("median of {runs} {}, usual {} to {}", short(*median), short(*low), short(*high));
    match verdict {
        Verdict::Unknown => format!("({before}: too few to compare with)"),
        Verdict::Same => format!("as before ({before})"),
        Verdict::Better => format!("BETTER ({before})"),
        Verdict::Worse => format!("WORSE ({before})"),
    }
}

/// Four digits are enough to compare; counts are whole.
fn short(value: f64) -> String {
    let whole = value.abs().max(1e-9).log10().floor() as i32;
    let decimals = (3 - whole).clamp(0, 4) as usize;
    let text = format!("{value:.decimals$}");
    if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::random::SplitMix64;

    const PATH: &str = "loop/total_us/p50";

    fn entry(value: f64) -> Value {
        json!({ "benches": { "loop": { "total_us": { "p50": value } } } })
    }

    fn of(past: &[f64], now: f64) -> Change {
        let past: Vec<Value> = past.iter().map(|value| entry(*value)).collect();
        let found = compare(&entry(now), &past).into_iter().find(|change| change.name == PATH);
        found.expect("the figure is there")
    }

    /// About normal, with this mean and a tenth of it as deviation.
    fn noisy(random: &mut SplitMix64, mean: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| random.below(1 << 20) as f64 / f64::from(1 << 20)).sum();
        mean * (1.0 + 0.1 * (sum - 6.0))
    }

    #[test]
    fn a_steady_history_says_that_nothing_changed() {
        let steady = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 100.0];
        assert_eq!(of(&steady, 104.0).verdict, Verdict::Same);
        assert!(beyond_noise(&[of(&steady, 104.0)]).is_empty());
    }

    #[test]
    fn what_became_slower_is_worse_and_what_became_faster_is_better() {
        let steady = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 100.0];
        let worse = of(&steady, 160.0);
        assert_eq!((worse.verdict, of(&steady, 60.0).verdict), (Verdict::Worse, Verdict::Better));
        let line = &beyond_noise(&[worse])[0];
        assert!(line.starts_with("loop/total_us/p50: 160 WORSE (median of 7 100, usual "), "{line}");
    }

    #[test]
    fn a_rate_that_falls_is_worse() {
        let entry = |rate: f64| json!({ "benches": { "bridge": { "bare_frames_per_s": rate } } });
        let past: Vec<Value> = (0..6).map(|at| entry(6_000.0 + f64::from(at))).collect();
        assert_eq!(compare(&entry(3_000.0), &past)[0].verdict, Verdict::Worse);
        assert_eq!(compare(&entry(9_000.0), &past)[0].verdict, Verdict::Better);
    }

    #[test]
    fn few_runs_say_nothing_and_one_odd_run_changes_nothing() {
        assert_eq!(of(&[100.0; 4], 900.0).verdict, Verdict::Unknown);
        assert_eq!(of(&[], 900.0).usual, None);
        let odd = [100.0, 101.0, 5_000.0, 99.0, 100.0, 102.0];
        assert_eq!(of(&odd, 160.0).verdict, Verdict::Worse);
    }

    #[test]
    fn only_the_last_runs_count() {
        let past: Vec<f64> = [vec![10.0; 100], vec![100.0; RUNS_MAX]].concat();
        let change = of(&past, 100.0);
        assert_eq!((change.verdict, change.usual.expect("there are runs").runs), (Verdict::Same, RUNS_MAX));
    }

    #[test]
    fn noise_alone_is_hardly_ever_called_a_change() {
        let seed = 11;
        println!("seed {seed}");
        let mut random = SplitMix64(seed);
        for runs in [RUNS_MIN, 10, RUNS_MAX] {
            let is_changed = |_: &u32| {
                let past: Vec<f64> = (0..runs).map(|_| noisy(&mut random, 100.0)).collect();
                let usual = Usual::of(&past, LEAST_SHARE).expect("there are runs");
                usual.verdict(noisy(&mut random, 100.0), Better::Lower) != Verdict::Same
            };
            let changed = (0..2_000).filter(is_changed).count();
            assert!(changed <= 40, "{changed} of 2,000 after {runs} runs");
        }
    }

    #[test]
    fn numbers_have_the_digits_that_matter() {
        assert_eq!([0.0, 0.93, 2.5, 6_453.0, 1_234_567.0].map(short), ["0", "0.93", "2.5", "6453", "1234567"]);
    }
}
