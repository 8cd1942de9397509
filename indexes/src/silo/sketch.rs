//! Vectors in a byte a number: enough to tell that one is too far away to matter, at a quarter of the memory that has to
//! be read. What they tell is a bound and never an answer, so that nothing is lost by asking them first.

use crate::vectors::ffi;

/// The highest code; the lowest is its negative.
const CODE_MAX: f32 = 127.0;
/// How much of the squared lengths is allowed for the rounding of sums.
const ROUNDING: f32 = 1e-5;

/// Vectors in a byte a number, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketches {
    codes: Vec<i8>,
    scales: Vec<Scale>,
}

/// How codes and vector belong together.
#[derive(Clone, Copy, Debug, Default)]
struct Scale {
    /// A number is about its code times this.
    step: f32,
    /// Squared length of the vector that the codes tell.
    square: f32,
    /// Distance of that vector from the true one.
    error: f32,
}

impl Sketches {
    pub(super) fn push(&mut self, row: &[f32]) {
        let most = row.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let step = if most > 0.0 { most / CODE_MAX } else { 1.0 };
        let mut scale = Scale { step, ..Scale::default() };
        for value in row {
            let code = (value / step).round().clamp(-CODE_MAX, CODE_MAX);
            scale.square += code * step * code * step;
            scale.error += (value - code * step) * (value - code * step);
            self.codes.push(code as i8);
        }
        scale.error = scale.error.sqrt();
        self.scales.push(scale);
    }

    /// Compares a vector, itself the only one of its sketches, with each of these. `products` is room to work in.
    pub(super) fn compare(&self, query: &Sketches, products: &mut Vec<i32>) -> impl Iterator<Item = Guess> {
        ffi::dot_products(&query.codes, &self.codes, products);
        let query = query.scales.first().copied().unwrap_or_default();
        self.scales.iter().zip(products.iter()).map(move |(scale, product)| {
            let squares = (scale.square + query.square) * (1.0 - ROUNDING);
            let square = squares - 2.0 * scale.step * query.step * *product as f32;
            Guess { square, error: scale.error + query.error }
        })
    }
}

/// What sketches tell of the distance of two vectors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    /// Squared distance of what the codes tell.
    square: f32,
    /// How much farther they may be apart than the vectors are.
    error: f32,
}

impl Guess {
    /// Whether the vectors are certainly farther apart than this distance, which is not squared.
    pub(super) fn is_beyond(self, reach: f32) -> bool {
        let reach = reach + self.error;
        self.square > reach * reach * (1.0 + ROUNDING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Mixture;
    use wire::random::SplitMix64;

    #[test]
    fn a_guess_is_never_beyond_the_distance_and_mostly_near_it() {
        let mut random = SplitMix64(5);
        for dimensions in [1, 7, 16, 33, 256] {
            let rows = Mixture::new(dimensions, 20, 1).rows(300, 0);
            // Also of other lengths, near and far, and one that is the question itself.
            let scaled: Vec<f32> = rows.iter().map(|value| value * (1.0 + random.below(3) as f32 * 0.01)).collect();
            let query = &rows[..dimensions];
            let (mut asked, mut sketches, mut near) = (Sketches::default(), Sketches::default(), 0);
            asked.push(query);
            let all = [rows.as_slice(), &scaled].concat();
            all.chunks_exact(dimensions).for_each(|row| sketches.push(row));
            let mut products = Vec::new();
            let guesses: Vec<Guess> = sketches.compare(&asked, &mut products).collect();
            assert_eq!(guesses.len(), 600);
            for (row, guess) in all.chunks_exact(dimensions).zip(guesses) {
                let distance = ffi::distance(query, row).sqrt();
                assert!(!guess.is_beyond(distance), "{guess:?} is not beyond {distance}");
                let reach = 0.9 * distance - 0.05;
                near += usize::from(reach <= 0.0 || guess.is_beyond(reach));
            }
            assert!(near > 500, "{near} of 600 guesses are near, at {dimensions} dimensions");
        }
    }
}
