//! Where each token of a prompt stands, in time, height and width.
//!
//! Text stands at the same place on all three axes, one further with each token. The visual tokens of a picture spread over a
//! grid whose corner is the place after the text before it; the text after it goes on behind the largest coordinate of the
//! grid. Since a picture takes fewer places than tokens, the token after the prompt stands before the index it has.

use crate::config::TextConfig;

/// The places of a prompt's tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions {
    /// For each token its place in time, height and width.
    pub(crate) places: Vec<[u32; 3]>,
    /// Where the first token of the answer stands, on all axes.
    pub(crate) next: u32,
}

impl Positions {
    /// Adds one token of text.
    pub(crate) fn push_text(&mut self) {
        self.places.push([self.next; 3]);
        self.next += 1;
    }

    /// Adds the visual tokens of a picture: `grid` frames, rows and columns of them.
    pub(crate) fn push_picture(&mut self, grid: [u32; 3]) {
        let corner = self.next;
        for frame in 0..grid[0] {
            for row in 0..grid[1] {
                for column in 0..grid[2] {
                    self.places.push([corner + frame, corner + row, corner + column]);
                }
            }
        }
        self.next = corner + grid.into_iter().max().unwrap_or(0);
    }
}

/// The angles by which places turn the halves of a head: frequencies of time, height and width interleaved.
#[derive(Clone, Debug)]
pub(crate) struct Rotary {
    frequencies: Vec<f32>,
    axes: Vec<usize>,
}

impl Rotary {
    pub(crate) fn new(config: &TextConfig) -> Self {
        let half = config.head / 2;
        let base = config.rope_theta as f32;
        let frequencies = (0..half).map(|index| base.powf((2 * index) as f32 / config.head as f32).recip()).collect();
        let axis = |index: usize| match index % 3 {
            axis @ 1..=2 if index < 3 * config.rope_sections[axis] => axis,
            _ => 0,
        };
        Self { frequencies, axes: (0..half).map(axis).collect() }
    }

    /// Cosines and sines of the angles of these places, half a head of each to a place.
    pub(crate) fn tables(&self, places: impl ExactSizeIterator<Item = [u32; 3]>) -> (Vec<f32>, Vec<f32>) {
        let count = places.len() * self.frequencies.len();
        let (mut cosines, mut sines) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for place in places {
            for (frequency, axis) in self.frequencies.iter().zip(&self.axes) {
                let (sine, cosine) = (place[*axis] as f32 * frequency).sin_cos();
                cosines.push(cosine);
                sines.push(sine);
            }
        }
        (cosines, sines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Size;

    #[test]
    fn text_goes_on_behind_the_longest_side_of_a_picture() {
        let mut positions = Positions::default();
        positions.push_text();
        positions.push_text();
        positions.push_picture([1, 2, 3]);
        positions.push_text();
        let grid = [[2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4]];
        let expected = [[[0; 3], [1; 3]].as_slice(), &grid, &[[5; 3]]].concat();
        assert_eq!(positions.places, expected);
        assert_eq!(positions.next, 6);
    }

    #[test]
    fn axes_take_turns_and_the_rest_is_time() {
        let rotary = Rotary::new(&Size::B2.config().text);
        assert_eq!(rotary.axes.len(), 64);
        assert_eq!(rotary.axes[..6], [0, 1, 2, 0, 1, 2]);
        assert_eq!(rotary.axes[57..], [0, 1, 2, 0, 0, 0, 0]);
        assert_eq!(rotary.axes.iter().filter(|axis| **axis == 0).count(), 24);
    }
}
