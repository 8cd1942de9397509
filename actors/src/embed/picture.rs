//! The large shapes of a frame: the lowest frequencies of its brightness.

use crate::capture::{BRIGHTEST, brightness};
use wire::ring::Snapshot;

/// Numbers that a picture gives.
pub(super) const DIMENSIONS: usize = 96;
/// Cells in a row and in a column of the picture that is looked at.
const CELLS: usize = 32;
/// Frequencies in each direction.
const FREQUENCIES: usize = 10;
/// Every so many-th pixel of a row and of a column is looked at.
const PIXEL_STRIDE: usize = 2;
/// Below this share of the brightest possible picture, a picture shows nothing.
const CONTRAST_MIN: f32 = 1e-3;

/// What the transform needs to know beforehand.
#[derive(Debug)]
pub(super) struct Shapes {
    /// For each frequency, a cosine for each cell.
    cosines: [[f32; CELLS]; FREQUENCIES],
    /// Which frequencies are kept, lowest first.
    kept: [(usize, usize); DIMENSIONS],
}

impl Default for Shapes {
    fn default() -> Shapes {
        let cosine = |frequency: usize, cell: usize| {
            (std::f32::consts::PI * frequency as f32 * (cell as f32 + 0.5) / CELLS as f32).cos()
        };
        let cosines = std::array::from_fn(|frequency| std::array::from_fn(|cell| cosine(frequency, cell)));
        let mut places: Vec<(usize, usize)> =
            (1..FREQUENCIES * FREQUENCIES).map(|index| (index / FREQUENCIES, index % FREQUENCIES)).collect();
        places.sort_by_key(|(vertical, horizontal)| (vertical + horizontal, *vertical));
        let kept = std::array::from_fn(|index| places[index]);
        Shapes { cosines, kept }
    }
}

impl Shapes {
    /// Writes a frame's numbers; leaves them at zero where it shows nothing.
    pub(super) fn write(&self, frame: &Snapshot, target: &mut [f32]) {
        let Some(cells) = cells(frame) else { return };
        let mut rows = [[0.0_f32; FREQUENCIES]; CELLS];
        for (row, sums) in cells.iter().zip(&mut rows) {
            for (sum, cosines) in sums.iter_mut().zip(&self.cosines) {
                *sum = row.iter().zip(cosines).map(|(cell, cosine)| cell * cosine).sum();
            }
        }
        for (value, (vertical, horizontal)) in target.iter_mut().zip(self.kept) {
            *value = rows.iter().zip(&self.cosines[vertical]).map(|(row, cosine)| row[horizontal] * cosine).sum();
        }
        let length_squared: f32 = target.iter().map(|value| value * value).sum();
        if length_squared.sqrt() < CONTRAST_MIN * (CELLS * CELLS) as f32 {
            target.fill(0.0);
        }
    }
}

/// The mean brightness of each cell, from 0 to 1; nothing for a frame that is smaller than the cells or cut short.
fn cells(frame: &Snapshot) -> Option<[[f32; CELLS]; CELLS]> {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let bytes = frame.format.bytes();
    if width < CELLS || height < CELLS || frame.pixels.len() < width * height * bytes {
        return None;
    }
    let mut sums = [[(0_u32, 0_u32); CELLS]; CELLS];
    for y in (0..height).step_by(PIXEL_STRIDE) {
        let row = &frame.pixels[y * width * bytes..(y + 1) * width * bytes];
        let sums = &mut sums[y * CELLS / height];
        for (x, pixel) in row.chunks_exact(bytes).enumerate().step_by(PIXEL_STRIDE) {
            let (sum, count) = &mut sums[x * CELLS / width];
            *sum += brightness(pixel, frame.format);
            *count += 1;
        }
    }
    Some(sums.map(|row| row.map(|(sum, count)| sum as f32 / ((count.max(1) * BRIGHTEST) as f32))))
}
