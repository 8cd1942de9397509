//! The report's charts: steps a second, where the time went, and memory, over the time of the run.

use super::tally::{Second, Tally};
use crate::plot::{Chart, Series};
use std::io;
use std::path::Path;

/// Points of a line at most.
const POINTS: usize = 120;

/// Draws the charts into a folder; gives their titles and files.
pub fn draw(tally: &Tally, folder: &Path) -> io::Result<Vec<(&'static str, &'static str)>> {
    let mut drawn = Vec::new();
    for (title, file, chart) in [
        ("Steps a second", "steps.png", steps(tally)),
        ("Time of a step", "latency.png", latency(tally)),
        ("Memory of each process", "memory.png", memory(tally)),
        ("Floors", "floors.png", floors(tally)),
    ] {
        if chart.series.iter().any(|series| series.points.len() > 1) {
            chart.write(&folder.join(file))?;
            drawn.push((title, file));
        }
    }
    Ok(drawn)
}

fn chart(title: &str, x: &str, y: &str, series: Vec<Series>) -> Chart {
    Chart { title: title.to_string(), x: x.to_string(), y: y.to_string(), series }
}

/// Seconds of the run in at most so many slices: the middle of each, how long it is, and its sum.
fn slices(tally: &Tally) -> Vec<(f64, f64, Second)> {
    let last = tally.seconds.keys().next_back().map_or(0, |last| last + 1);
    let width = last.div_ceil(POINTS as u64).max(1);
    let slice = |first: u64| {
        let sum = tally.seconds.range(first..first + width).fold(Second::default(), |sum, (_, second)| Second {
            steps: sum.steps + second.steps,
            total_us: sum.total_us + second.total_us,
            overhead_us: sum.overhead_us + second.overhead_us,
        });
        let length = width.min(last - first) as f64;
        (first as f64 + length / 2.0, length, sum)
    };
    (0..last).step_by(width as usize).map(slice).collect()
}

fn steps(tally: &Tally) -> Chart {
    let points = slices(tally).into_iter().map(|(at, length, sum)| (at, sum.steps as f64 / length)).collect();
    chart("Steps a second", "seconds", "steps/s", vec![Series { name: "steps".to_string(), points }])
}

fn latency(tally: &Tally) -> Chart {
    let slices = slices(tally);
    let line = |name: &str, of: fn(&Second) -> u64| {
        let with_steps = slices.iter().filter(|(_, _, sum)| sum.steps > 0);
        let points = with_steps.map(|(at, _, sum)| (*at, of(sum) as f64 / sum.steps as f64 / 1e3)).collect();
        Series { name: name.to_string(), points }
    };
    let series = vec![line("whole step", |sum| sum.total_us), line("overhead", |sum| sum.overhead_us)];
    chart("Time of a step", "seconds", "ms", series)
}

fn memory(tally: &Tally) -> Chart {
    let series = tally.processes.iter().map(|((role, instance), samples)| {
        let name = if *instance > 0 { format!("{role} {instance}") } else { role.clone() };
        let every = samples.len().div_ceil(POINTS).max(1);
        let point = |sample: &crate::trend::Sample| (sample.at_s, sample.resident_bytes as f64 / f64::from(1 << 20));
        Series { name, points: samples.iter().step_by(every).map(point).collect() }
    });
    chart("Memory of each process", "seconds", "MiB", series.collect())
}

fn floors(tally: &Tally) -> Chart {
    let mut games: std::collections::BTreeMap<u16, Vec<(f64, f64)>> = Default::default();
    for (instance, step, floor) in &tally.floors {
        games.entry(*instance).or_default().push((*step as f64, f64::from(*floor)));
    }
    let series = games.into_iter().map(|(game, points)| Series { name: format!("game {game}"), points }).collect();
    chart("Floors", "steps", "floor", series)
}
