//! What follows from a picture's grid alone: which learned positions each patch mixes, and by which angles it turns.
//!
//! Patches are in the order in which the tower takes them: those of one visual token follow each other.

use crate::config::VisionConfig;

/// Base of the rotary frequencies of the tower.
const THETA: f32 = 10_000.0;

/// The rows and columns of the patches of one frame, in order.
pub(super) fn places(rows: usize, columns: usize, merge: usize) -> Vec<[usize; 2]> {
    let mut places = Vec::with_capacity(rows * columns);
    for top in (0..rows).step_by(merge) {
        for left in (0..columns).step_by(merge) {
            for row in top..top + merge {
                places.extend((left..left + merge).map(|column| [row, column]));
            }
        }
    }
    places
}

/// Four learned positions for each patch, and how much of each: bilinear interpolation of a square of positions that is
/// stretched over the picture. The first corners of all patches come first, then the second ones, and so on.
pub(super) fn corners(rows: usize, columns: usize, config: &VisionConfig) -> (Vec<u32>, Vec<f32>) {
    let side = config.positions_side();
    let (down, right) = (spread(rows, side), spread(columns, side));
    let places = places(rows, columns, config.merge);
    let (mut indexes, mut shares) = (Vec::with_capacity(4 * places.len()), Vec::with_capacity(4 * places.len()));
    for [is_lower, is_righter] in [[false, false], [false, true], [true, false], [true, true]] {
        for [row, column] in &places {
            let (row, row_share) = corner(down[*row], side, is_lower);
            let (column, column_share) = corner(right[*column], side, is_righter);
            indexes.push((row * side + column) as u32);
            shares.push(row_share * column_share);
        }
    }
    (indexes, shares)
}

/// Cosines and sines of the angles of each patch, half a head of each: the first half of them turns with the row, the second
/// with the column.
pub(super) fn rotary(rows: usize, columns: usize, config: &VisionConfig) -> (Vec<f32>, Vec<f32>) {
    let quarter = config.hidden / config.heads / 4;
    let frequencies: Vec<f32> =
        (0..quarter).map(|index| THETA.powf((2 * index) as f32 / (2 * quarter) as f32).recip()).collect();
    let places = places(rows, columns, config.merge);
    let angles = places.iter().flatten().flat_map(|place| frequencies.iter().map(|by| *place as f32 * by));
    angles.map(|angle| (angle.cos(), angle.sin())).unzip()
}

/// `count` numbers evenly from 0 to `side - 1`, each counted from the end that it is nearer to.
fn spread(count: usize, side: usize) -> Vec<f32> {
    let last = (side - 1) as f32;
    let step = last / (count - 1).max(1) as f32;
    (0..count)
        .map(|index| {
            if index < count / 2 || count == 1 { step * index as f32 } else { last - step * (count - 1 - index) as f32 }
        })
        .collect()
}

/// One of the two whole positions beside `at`, and its share.
fn corner(at: f32, side: usize, is_upper: bool) -> (usize, f32) {
    let below = at.floor();
    match is_upper {
        true => ((below as usize + 1).min(side - 1), at - below),
        false => (below as usize, 1.0 - (at - below)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_of_one_visual_token_follow_each_other() {
        let expected = [[0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [0, 3], [1, 2], [1, 3]];
        assert_eq!(places(2, 4, 2), expected);
    }

    #[test]
    fn positions_reach_from_edge_to_edge() {
        assert_eq!(spread(3, 5), [0.0, 2.0, 4.0]);
        assert_eq!(spread(1, 5), [0.0]);
        assert_eq!(corner(2.25, 4, true), (3, 0.25));
        assert_eq!(corner(3.0, 4, true), (3, 0.0));
    }
}
