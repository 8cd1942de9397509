//! From what the network says of places to lines of text.

use crate::layout::{BLOCK, BLOCK_COLUMNS, FINDER_ROWS, WIDTH};
use crate::reading::Line;

/// Blocks without a letter that a line may span.
const GAP_BLOCKS: usize = 2;
/// Columns before the first block that are looked at for letters: a cursor stands there, and the first block may be missed.
const BEFORE: usize = 2 * BLOCK;
/// Two lines do not begin within so many rows of each other.
const ROWS_APART: usize = 7;
/// How much more it counts that a line is sure than that it is long, and blocks from which on length does not count.
const SURENESS: i32 = 4;
const BLOCKS_COUNTED: f32 = 4.0;
/// Lines that a picture has, at most: a screen full of them, several in a row.
const LINES_MAX: usize = 48;
/// How likely a letter must be to be one.
const LETTER_SURE: f32 = 0.6;
/// Columns of a space, its gap included.
const SPACE: usize = 4;

/// Where a line of text may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub y: usize,
    /// First column that is looked at for a letter, and the one after the last.
    pub columns: (usize, usize),
    score: f32,
}

/// Finds lines: `heads` is how likely a line runs through each block, for each row, row by row.
pub(crate) fn find(heads: &[f32]) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for (y, row) in heads.chunks_exact(BLOCK_COLUMNS).enumerate().take(FINDER_ROWS) {
        let mut run: Option<(usize, usize, f32)> = None;
        for (column, likely) in row.iter().enumerate().filter(|(_, likely)| **likely > 0.5) {
            run = match run {
                Some((first, last, score)) if column - last <= GAP_BLOCKS + 1 => Some((first, column, score + likely)),
                ended => {
                    found.extend(ended.map(|run| stretch(y, run)));
                    Some((column, column, *likely))
                }
            };
        }
        found.extend(run.map(|run| stretch(y, run)));
    }
    found.sort_by(|left, right| right.score.total_cmp(&left.score));
    let mut kept: Vec<Stretch> = Vec::new();
    for stretch in found {
        let is_free = kept.iter().all(|other| {
            other.y.abs_diff(stretch.y) >= ROWS_APART
                || other.columns.1 <= stretch.columns.0 + BEFORE
                || stretch.columns.1 <= other.columns.0 + BEFORE
        });
        if is_free && kept.len() < LINES_MAX {
            kept.push(stretch);
        }
    }
    kept.sort_by_key(|stretch| (stretch.y, stretch.columns.0));
    kept
}

/// Letters that begin in the block before belong to it, as do those that begin in its last columns.
fn stretch(y: usize, (first, last, score): (usize, usize, f32)) -> Stretch {
    let columns = ((first * BLOCK).saturating_sub(BEFORE), ((last + 1) * BLOCK).min(WIDTH));
    // Sure and short goes before unsure and long.
    let blocks = (last - first + 1) as f32;
    let score = (score / blocks).powi(SURENESS) * blocks.min(BLOCKS_COUNTED);
    Stretch { y, columns, score }
}

/// A letter that may be there.
pub(crate) struct Letter {
    pub text: char,
    pub confidence: f32,
    pub column: usize,
    /// The first column after it and its gap.
    pub end: usize,
}

/// Reads a line whose capitals begin at row `y`; nothing where no letter is sure.
pub(crate) fn read(y: usize, mut letters: Vec<Letter>) -> Option<Line> {
    letters.retain(|letter| letter.confidence >= LETTER_SURE);
    // Of letters that would lie over each other the surest is there.
    letters.sort_by(|left, right| right.confidence.total_cmp(&left.confidence));
    let mut kept: Vec<Letter> = Vec::new();
    for letter in letters {
        if kept.iter().all(|other| other.end <= letter.column || letter.end <= other.column) {
            kept.push(letter);
        }
    }
    kept.sort_by_key(|letter| letter.column);
    let first = kept.first()?;
    let mut line = Line { x: first.column as u16, y: y as u16, text: String::new(), confidence: 1.0 };
    let mut end = first.column;
    for letter in &kept {
        // A wide gap is one space less than its columns say where two letters do not touch.
        line.text.extend(std::iter::repeat_n(' ', (letter.column - end + SPACE / 2) / SPACE));
        line.text.push(letter.text);
        line.confidence = line.confidence.min(letter.confidence);
        end = letter.end;
    }
    Some(line)
}

/// The most likely class, and how likely it is.
pub(crate) fn most_likely(probabilities: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::MIN);
    for (class, likely) in probabilities.iter().enumerate() {
        if *likely > best.1 {
            best = (class, *likely);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(lines: &[(usize, std::ops::Range<usize>, f32)]) -> Vec<f32> {
        let mut heads = vec![0.0; FINDER_ROWS * BLOCK_COLUMNS];
        for (y, blocks, likely) in lines {
            heads[y * BLOCK_COLUMNS..][blocks.clone()].fill(*likely);
        }
        heads
    }

    #[test]
    fn a_line_is_found_once_and_its_neighbours_are_others() {
        let found =
            find(&heads(&[(20, 2..9, 0.9), (21, 2..9, 0.7), (32, 2..4, 0.9), (32, 6..8, 0.9), (20, 20..24, 0.8)]));
        let places: Vec<_> = found.iter().map(|stretch| (stretch.y, stretch.columns)).collect();
        assert_eq!(places, [(20, (0, 72)), (20, (144, 192)), (32, (0, 64))]);
    }

    #[test]
    fn letters_and_spaces_are_read_by_their_widths() {
        let letter = |column: usize, text: char, confidence: f32| Letter { text, confidence, column, end: column + 6 };
        // What seems to begin within a letter is none, nor what is not sure.
        let letters = vec![letter(9, '3', 0.8), letter(3, 'B', 0.99), letter(14, 'l', 0.7), letter(19, 'F', 0.95)];
        let line = read(2, letters).expect("there are letters");
        assert_eq!((line.x, line.y, line.text.as_str(), line.confidence), (3, 2, "B3 F", 0.8));
        assert_eq!(read(2, vec![letter(3, 'B', 0.5)]), None);
    }
}
