//! Samples, and where in them what is rare stands.

use crate::classes::{DIRECTIONS, GROUND_CLASSES, MARK_CLASSES, SCENE_CLASSES, item_class, letter_class};
use crate::layout::{BLOCK, BLOCK_COLUMNS, CELLS, FINDER_ROWS};
use crate::picture::Canvas;
use crate::truth::{CellTruth, Truth};
use std::collections::BTreeMap;
use wire::random::SplitMix64;

/// A picture, and what is so on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The picture.
    pub canvas: Canvas,
    /// What is so on it.
    pub truth: Truth,
}

/// Samples to learn from.
#[derive(Debug, Default)]
pub struct Samples {
    all: Vec<Sample>,
    /// Pictures by the kind of screen.
    pub(super) scenes: Piles<usize>,
    /// Tiles with somebody on them, with an item, with neither.
    pub(super) cells: [Piles<(usize, usize)>; 3],
    /// Pixels of small maps, by their mark. Few of each picture are kept.
    pub(super) marks: Piles<(usize, usize)>,
    /// Places through which a line runs, those just beside such, and others: block and row.
    pub(super) heads: [Piles<(usize, usize, usize)>; 3],
    /// Places at which a letter begins, by the letter, and places in lines at which none does: column, row and the letter's number.
    pub(super) letters: [Piles<(usize, i32, i32, usize)>; 2],
    /// Pictures on which a skill was chosen.
    pub(super) skills: Vec<usize>,
}

/// Things in piles, so that one can be drawn from each pile as likely as from any other.
#[derive(Debug)]
pub(super) struct Piles<T> {
    piles: Vec<Vec<T>>,
    places: BTreeMap<usize, usize>,
}

impl<T> Default for Piles<T> {
    fn default() -> Piles<T> {
        Piles { piles: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T: Copy> Piles<T> {
    fn push(&mut self, pile: usize, thing: T) {
        let place = *self.places.entry(pile).or_insert_with(|| {
            self.piles.push(Vec::new());
            self.piles.len() - 1
        });
        self.piles[place].push(thing);
    }

    /// One thing of one pile; nothing where there is none.
    pub(super) fn draw(&self, generator: &mut SplitMix64) -> Option<T> {
        let pile = self.piles.get(generator.below(self.piles.len()))?;
        pile.get(generator.below(pile.len())).copied()
    }
}

/// Pixels of each mark that are kept of a picture.
const MARKS_OF_A_PICTURE: usize = 24;
/// Places without text that are kept of a picture.
const BARE_PLACES_OF_A_PICTURE: usize = 48;
/// Columns of ink that a block has where a line runs through it; with fewer it is not judged.
const INK_MIN: usize = 3;
/// Rows beside a line's head that look like one.
const NEAR_ROWS: [i32; 8] = [-3, -2, -1, 1, 2, 3, 5, -5];

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, index: usize) -> &Sample {
        &self.all[index]
    }

    /// Adds a sample. `widths` are the columns of each letter, by the network's number.
    pub fn push(&mut self, sample: Sample, widths: &[usize]) {
        let index = self.all.len();
        let truth = &sample.truth;
        let scene = SCENE_CLASSES.iter().position(|scene| *scene == truth.scene).unwrap_or_default();
        self.scenes.push(scene, index);
        for (cell, truth) in truth.cells.iter().enumerate().take(CELLS.count()) {
            if let Some((kind, pile)) = pile_of(truth) {
                self.cells[kind].push(pile, (index, cell));
            }
        }
        let mut generator = SplitMix64(index as u64);
        for (class, mark) in MARK_CLASSES.iter().enumerate() {
            let marks = truth.minimap.as_deref().unwrap_or_default();
            let places: Vec<usize> = (0..marks.len()).filter(|place| marks[*place] == *mark).collect();
            for _ in 0..MARKS_OF_A_PICTURE.min(places.len()) {
                self.marks.push(class, (index, places[generator.below(places.len())]));
            }
        }
        if let Some(lines) = &truth.lines {
            self.push_lines(index, lines, widths, &mut generator);
        }
        if truth.skill.is_some() {
            self.skills.push(index);
        }
        self.all.push(sample);
    }

    fn push_lines(&mut self, index: usize, lines: &[(u16, u16, String)], widths: &[usize], generator: &mut SplitMix64) {
        let mut ink = vec![0; BLOCK_COLUMNS * FINDER_ROWS];
        for (x, y, text) in lines {
            let (y, mut column) = (usize::from(*y), usize::from(*x));
            let first = column;
            let mut starts = Vec::new();
            for letter in text.chars() {
                let class = letter_class(letter);
                let width = widths.get(class).copied().unwrap_or_default();
                if class != 0 {
                    starts.push(column);
                    self.letters[0].push(class, (index, column as i32, y as i32, class));
                    for column in column..column + width {
                        if let Some(ink) = ink.get_mut(y * BLOCK_COLUMNS + column / BLOCK) {
                            *ink += 1;
                        }
                    }
                }
                column += width + 1;
            }
            for column in first.saturating_sub(BLOCK)..column + BLOCK {
                if !starts.contains(&column) {
                    self.letters[1].push(0, (index, column as i32, y as i32, 0));
                }
            }
        }
        let is_bare = |block: usize, y: i32| {
            usize::try_from(y).is_ok_and(|y| y < FINDER_ROWS && ink[y * BLOCK_COLUMNS + block] == 0)
        };
        for (place, _) in ink.iter().enumerate().filter(|(_, ink)| **ink >= INK_MIN) {
            let (block, y) = (place % BLOCK_COLUMNS, place / BLOCK_COLUMNS);
            self.heads[0].push(0, (index, block, y));
            for near in NEAR_ROWS {
                let near = y as i32 + near;
                if is_bare(block, near) {
                    self.heads[1].push(0, (index, block, near as usize));
                }
            }
        }
        for _ in 0..BARE_PLACES_OF_A_PICTURE {
            let (block, y) = (generator.below(BLOCK_COLUMNS), generator.below(FINDER_ROWS));
            if is_bare(block, y as i32) {
                self.heads[2].push(0, (index, block, y));
            }
        }
    }
}

/// Which kind of tile it is (somebody, an item, neither), and which of that kind; nothing for one of which nothing is known.
fn pile_of(truth: &CellTruth) -> Option<(usize, usize)> {
    if let Some(Some(being)) = truth.being {
        let direction = being.direction as usize + DIRECTIONS * usize::from(being.is_asleep);
        return Some((0, usize::from(being.species) * 2 * DIRECTIONS + direction));
    }
    if let Some(item @ Some(_)) = truth.item {
        return Some((1, item_class(item)?));
    }
    let ground = GROUND_CLASSES.iter().position(|ground| Some(*ground) == truth.ground)?;
    Some((2, 2 * ground + usize::from(truth.is_lit == Some(true))))
}
