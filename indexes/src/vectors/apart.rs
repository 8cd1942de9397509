//! Keeps equal vectors apart, for graphs.
//!
//! A graph of neighbours links a vector to those nearest to it. Where many are equal, they take up each other's links, and
//! the heap of them is cut off from everything else: with a hundred copies of each vector one search in eight missed what
//! it asked for, with a thousand one in four. So each number is moved by less than embeddings can mean, but enough that no
//! two vectors are equal: then hardly any is missed. The same position is always moved in the same way.

use wire::random::SplitMix64;

/// How far a number is moved at most, as a share of the mean size of the vector's numbers.
const SHARE: f32 = 3e-4;

/// The rows, each moved a little; the first of them is to have this position.
pub(super) fn apart(rows: &[f32], dimensions: usize, position: usize) -> Vec<f32> {
    let mut moved = Vec::with_capacity(rows.len());
    for (at, row) in (position as u64..).zip(rows.chunks_exact(dimensions)) {
        let size = (row.iter().map(|value| value * value).sum::<f32>() / dimensions as f32).sqrt();
        let mut bits = at;
        moved.extend(row.iter().map(|value| {
            bits = SplitMix64(bits).bits();
            // The upper 24 bits as a number from -1 to 1.
            let share = (bits >> 40) as f32 / (1 << 23) as f32 - 1.0;
            value + share * size * SHARE
        }));
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_moved_a_little_and_always_the_same_way() {
        let rows = [0.6, 0.8, 0.6, 0.8, 0.6, 0.8];
        let moved = apart(&rows, 2, 100);
        assert!(moved.iter().zip(rows).all(|(moved, value)| *moved != value && (moved - value).abs() < 3e-4));
        assert!(moved[..2] != moved[2..4] && moved[2..4] != moved[4..]);
        assert_eq!(moved[2..], apart(&rows[2..], 2, 101));
    }
}
