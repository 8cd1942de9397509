//! Charts as PNG files: lines over a logarithmic or an even axis, with ticks and a legend.
//!
//! Letters are those of Burrow's font, three times as large: a pixel font needs no file and looks the same everywhere.

use canvas::{Canvas, Colour};
use std::path::Path;

mod canvas;

/// Points of one colour, joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What the points are over.
    pub x: String,
    /// What the points are.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
}

const WIDTH: usize = 960;
const HEIGHT: usize = 600;
/// Where the plot lies: left, top, right, bottom.
const FRAME: [i32; 4] = [110, 60, 700, 520];
const TICKS: usize = 5;
const DOT: i32 = 3;

const PAPER: Colour = [250, 250, 247];
const INK: Colour = [40, 42, 48];
const GRID: Colour = [222, 222, 216];
/// Colours that people tell apart whatever their eyes (Okabe, Ito 2008).
const COLOURS: [Colour; 7] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [0, 0, 0]];

impl Chart {
    /// Writes it as a PNG file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        self.draw().write(path)
    }

    fn draw(&self) -> Canvas {
        let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::of(points().map(|point| point.0), false);
        let y = Axis::of(points().map(|point| point.1), true);
        let [left, top, right, bottom] = FRAME;
        let across = |value: f64| left + (x.share(value) * f64::from(right - left)) as i32;
        let down = |value: f64| bottom - (y.share(value) * f64::from(bottom - top)) as i32;
        canvas.text((left, 20), &self.title, INK, 2);
        for tick in x.ticks() {
            canvas.line((across(tick), top), (across(tick), bottom), GRID);
            canvas.text((across(tick) - 12, bottom + 10), &figure(tick), INK, 2);
        }
        for tick in y.ticks() {
            canvas.line((left, down(tick)), (right, down(tick)), GRID);
            canvas.text((8, down(tick) - 8), &figure(tick), INK, 2);
        }
        canvas.line((left, bottom), (right, bottom), INK);
        canvas.line((left, top), (left, bottom), INK);
        canvas.text(((left + right) / 2 - 60, bottom + 40), &self.x, INK, 2);
        canvas.text((8, top - 24), &self.y, INK, 2);
        for (series, place) in self.series.iter().zip(0..) {
            let colour = COLOURS[place as usize % COLOURS.len()];
            let dots: Vec<(i32, i32)> = series.points.iter().map(|(x, y)| (across(*x), down(*y))).collect();
            for pair in dots.windows(2) {
                canvas.line(pair[0], pair[1], colour);
                canvas.line((pair[0].0, pair[0].1 + 1), (pair[1].0, pair[1].1 + 1), colour);
            }
            for (x, y) in dots {
                canvas.fill((x - DOT, y - DOT), (2 * DOT + 1, 2 * DOT + 1), colour);
            }
            let line = top + 24 * place;
            canvas.fill((right + 16, line + 4), (16, 6), colour);
            canvas.text((right + 40, line), &series.name, INK, 2);
        }
        canvas
    }
}

/// From the smallest value to the largest.
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, from_zero: bool) -> Axis {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let least =
            values.iter().copied().fold(f64::INFINITY, f64::min).min(if from_zero { 0.0 } else { f64::INFINITY });
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !least.is_finite() || !most.is_finite() {
            return Axis { least: 0.0, most: 1.0 };
        }
        if most > least { Axis { least, most } } else { Axis { least: least - 0.5, most: most + 0.5 } }
    }

    fn share(&self, value: f64) -> f64 {
        ((value - self.least) / (self.most - self.least)).clamp(0.0, 1.0)
    }

    /// Round numbers, about five of them.
    fn ticks(&self) -> Vec<f64> {
        let rough = (self.most - self.least) / TICKS as f64;
        let decade = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * decade).find(|step| *step >= rough);
        let step = step.unwrap_or(decade);
        let first = (self.least / step).ceil() as i64;
        (first..).map(|place| place as f64 * step).take_while(|tick| *tick <= self.most + step * 1e-6).collect()
    }
}

fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => format!("{:.0}k", value / 1000.0),
        size if size >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        assert_eq!(Axis { least: 0.0, most: 9.3 }.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(Axis { least: 128.0, most: 2048.0 }.ticks(), [500.0, 1000.0, 1500.0, 2000.0]);
        let flat = Axis::of([3.0, 3.0].into_iter(), false);
        assert!((flat.share(3.0) - 0.5).abs() < 1e-9 && !flat.ticks().is_empty());
        assert_eq!(Axis::of([f64::NAN].into_iter(), true).ticks().len(), 6);
    }

    #[test]
    fn a_chart_is_a_picture_with_every_line_in_its_colour() {
        let line =
            |name: &str, height: f64| Series { name: name.into(), points: vec![(1.0, height), (8.0, 2.0 * height)] };
        let chart = Chart {
            title: "Tokens a second".into(),
            x: "batch".into(),
            y: "tokens/s".into(),
            series: vec![line("first", 10.0), line("second", 25.0)],
        };
        let canvas = chart.draw();
        assert!(COLOURS[..2].iter().all(|colour| canvas.count(*colour) > 200));
        assert_eq!(canvas.count(COLOURS[2]), 0);
        let empty = Chart { series: Vec::new(), ..chart };
        assert!(empty.draw().count(INK) > 500, "axes and words are there without a line");
    }
}
