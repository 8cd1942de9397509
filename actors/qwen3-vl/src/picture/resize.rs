//! Bicubic resizing of bytes, as the reference's tensor library does it on a CPU: antialiased when it shrinks, first along
//! lines, then along columns, bytes in between, with the weights of an output pixel rounded to 16-bit integers.

/// Keys' cubic with a = -1/2 reaches two pixels to each side.
const REACH: f64 = 2.0;

/// Fractional bits of a weight are never more than this.
const PRECISION_MAX: u32 = 22;

/// Resizes RGB bytes from one (width, height) to another.
pub(super) fn bicubic(rgb: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    let lines = if from.0 == to.0 { rgb.to_vec() } else { along_lines(rgb, from.0, to.0) };
    if from.1 == to.1 { lines } else { along_columns(&lines, to.0, from.1, to.1) }
}

fn along_lines(rgb: &[u8], width: usize, wide: usize) -> Vec<u8> {
    let weights = Weights::new(width, wide);
    let mut resized = Vec::with_capacity(rgb.len() / width * wide);
    for line in rgb.chunks_exact(width * 3) {
        for tap in &weights.taps {
            let mut sums = [weights.half(); 3];
            for (pixel, weight) in line[tap.start * 3..].chunks_exact(3).zip(&tap.weights) {
                for (sum, byte) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*byte) * weight;
                }
            }
            resized.extend(sums.map(|sum| weights.byte(sum)));
        }
    }
    resized
}

fn along_columns(rgb: &[u8], width: usize, height: usize, high: usize) -> Vec<u8> {
    let weights = Weights::new(height, high);
    let stride = width * 3;
    let mut resized = Vec::with_capacity(stride * high);
    let mut sums = vec![0_i32; stride];
    for tap in &weights.taps {
        sums.fill(weights.half());
        for (line, weight) in rgb[tap.start * stride..].chunks_exact(stride).zip(&tap.weights) {
            for (sum, byte) in sums.iter_mut().zip(line) {
                *sum += i32::from(*byte) * weight;
            }
        }
        resized.extend(sums.iter().map(|sum| weights.byte(*sum)));
    }
    resized
}

/// What each output pixel takes from which input pixels, in fixed point.
struct Weights {
    taps: Vec<Tap>,
    precision: u32,
}

struct Tap {
    start: usize,
    weights: Vec<i32>,
}

impl Weights {
    fn new(from: usize, to: usize) -> Self {
        let exact: Vec<(usize, Vec<f64>)> = (0..to).map(|pixel| exact(from, to, pixel)).collect();
        let largest = exact.iter().flat_map(|(_, weights)| weights).fold(0.0_f64, |most, weight| most.max(*weight));
        let fits = |bits: &u32| 0.5 + largest * f64::from(1_u32 << (bits + 1)) < f64::from(1_u32 << 15);
        let precision = (0..PRECISION_MAX).take_while(fits).count() as u32;
        let unit = f64::from(1_u32 << precision);
        let taps = exact
            .into_iter()
            .map(|(start, weights)| Tap {
                start,
                weights: weights.iter().map(|weight| (weight * unit).round() as i32).collect(),
            })
            .collect();
        Self { taps, precision }
    }

    /// Half a step, so that dropping the fraction rounds.
    fn half(&self) -> i32 {
        1 << (self.precision - 1)
    }

    fn byte(&self, sum: i32) -> u8 {
        (sum >> self.precision).clamp(0, 255) as u8
    }
}

/// The first input pixel of an output pixel, and the weights from there on; they add up to 1.
fn exact(from: usize, to: usize, pixel: usize) -> (usize, Vec<f64>) {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let center = scale * (pixel as f64 + 0.5);
    let start = (center - REACH * stretch + 0.5).max(0.0) as usize;
    let end = ((center + REACH * stretch + 0.5) as usize).min(from);
    let mut weights: Vec<f64> = (start..end).map(|input| cubic((input as f64 - center + 0.5) / stretch)).collect();
    let sum: f64 = weights.iter().sum();
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    (start, weights)
}

fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < REACH {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}
