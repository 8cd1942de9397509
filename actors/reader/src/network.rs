//! The network: six small ones that share a picture, each a few matrix products over pieces of it.
//!
//! | part | looks at | says |
//! |---|---|---|
//! | scene | mean colours of 8 × 8 blocks | what kind of screen it is, and whether the small map shows |
//! | cell | a tile of 24 × 24 pixels and 8 rows above it | ground, light, who stands there, which item lies there |
//! | map | one pixel of the small map | its mark |
//! | line | 8 × 11 pixels in brightness | whether a line of text runs here, the tops of its capitals in the first row |
//! | letter | 8 × 11 pixels in colour | which letter begins here |
//! | skill | what scene and cell made of the picture, and the figures read | by which skill a planner would go on |

use crate::ReaderError;
use crate::classes::{LETTERS, MARKS, SCENES, SKILLS};
use crate::dense::{Bend, Dense};
use crate::layout::{BLOCK, BLOCK_COLUMNS, BLOCK_ROWS, CELLS, LETTER_HEIGHT, LETTER_WIDTH, PATCH};
use candle_core::Tensor;
use layers::made;

pub(crate) const CHANNELS: usize = 3;
/// Values of a smallest piece of a tile.
pub(crate) const PIECE: usize = PATCH * PATCH * CHANNELS;
/// Pieces of a tile, and groups of four of them.
pub(crate) const PIECES: usize = 48;
pub(crate) const GROUPS: usize = PIECES / 4;
/// Values of a whole tile.
pub(crate) const CELL_VALUES: usize = PIECE * PIECES;
/// Values of the coarse picture.
pub(crate) const SCENE_VALUES: usize = BLOCK_COLUMNS * BLOCK_ROWS * CHANNELS;
/// Values of a piece that is looked at for a line of text.
pub(crate) const LINE_VALUES: usize = BLOCK * LETTER_HEIGHT;
/// Values of a letter.
pub(crate) const LETTER_VALUES: usize = LETTER_WIDTH * LETTER_HEIGHT * CHANNELS;
/// What is kept of a tile, and of the coarse picture.
pub(crate) const CELL_HIDDEN: usize = 96;
pub(crate) const SCENE_HIDDEN: usize = 64;
/// Numbers that describe a picture.
pub const FEATURES: usize = SCENE_HIDDEN + 2 * CELL_HIDDEN;
/// Figures of the status line that a skill is chosen by.
pub(crate) const FIGURES: usize = 6;

pub(crate) const PIECE_HIDDEN: usize = 32;
pub(crate) const GROUP_HIDDEN: usize = 48;
const MAP_HIDDEN: usize = 16;
const LINE_HIDDEN: usize = 16;
const LETTER_HIDDEN: usize = 48;
const SKILL_HIDDEN: usize = 64;

/// A layer: the name of its weights, its inputs and its outputs.
pub(crate) type Layer = (&'static str, usize, usize);

/// The layers of each part, in their order.
pub(crate) mod layers {
    use super::*;

    pub(crate) const SCENE: [Layer; 2] =
        [("scene.0", SCENE_VALUES, SCENE_HIDDEN), ("scene.1", SCENE_HIDDEN, SCENES + 1)];
    pub(crate) const CELL: [Layer; 4] = [
        ("cell.0", PIECE, PIECE_HIDDEN),
        ("cell.1", 4 * PIECE_HIDDEN, GROUP_HIDDEN),
        ("cell.2", GROUPS * GROUP_HIDDEN, CELL_HIDDEN),
        ("cell.3", CELL_HIDDEN, cell_head::ALL),
    ];
    pub(crate) const MAP: [Layer; 2] = [("map.0", CHANNELS, MAP_HIDDEN), ("map.1", MAP_HIDDEN, MARKS)];
    pub(crate) const LINE: [Layer; 2] = [("line.0", LINE_VALUES, LINE_HIDDEN), ("line.1", LINE_HIDDEN, 1)];
    pub(crate) const LETTER: [Layer; 2] =
        [("letter.0", LETTER_VALUES, LETTER_HIDDEN), ("letter.1", LETTER_HIDDEN, LETTERS)];
    pub(crate) const SKILL: [Layer; 2] =
        [("skill.0", FEATURES + FIGURES, SKILL_HIDDEN), ("skill.1", SKILL_HIDDEN, SKILLS.len())];

    /// Makes the layers of a part.
    pub(crate) fn made<T, E, const N: usize>(
        part: [Layer; N],
        make: impl Fn(Layer) -> Result<T, E>,
    ) -> Result<[T; N], E> {
        let layers = part.into_iter().map(make).collect::<Result<Vec<T>, E>>()?;
        Ok(layers.try_into().unwrap_or_else(|_| unreachable!("there is one for each")))
    }
}

/// Where each answer of the cell part begins, and how many numbers it has.
pub(crate) mod cell_head {
    use crate::classes::{BEINGS, DIRECTIONS, GROUNDS, ITEMS};

    pub(crate) const GROUND: (usize, usize) = (0, GROUNDS);
    pub(crate) const LIT: (usize, usize) = (GROUND.0 + GROUND.1, 1);
    pub(crate) const BEING: (usize, usize) = (LIT.0 + LIT.1, BEINGS);
    pub(crate) const DIRECTION: (usize, usize) = (BEING.0 + BEING.1, DIRECTIONS);
    pub(crate) const ASLEEP: (usize, usize) = (DIRECTION.0 + DIRECTION.1, 1);
    pub(crate) const ITEM: (usize, usize) = (ASLEEP.0 + ASLEEP.1, ITEMS);
    pub(crate) const ALL: usize = ITEM.0 + ITEM.1;
}

/// Tiles that are computed at a time, so that what is made of them stays in the processor's cache.
const CELLS_TOGETHER: usize = 6;

/// The network's weights.
pub(crate) struct Network {
    scene: [Dense; 2],
    cell: [Dense; 4],
    map: [Dense; 2],
    line: [Dense; 2],
    letter: [Dense; 2],
    skill: [Dense; 2],
}

impl Network {
    /// Takes weights by their names.
    ///
    /// # Errors
    /// When there is none of a name, or it is of another shape or of other numbers.
    pub(crate) fn new(find: impl Fn(&str) -> Option<Tensor>) -> Result<Network, ReaderError> {
        let numbers = |name: String, shape: &[usize]| {
            let unusable = |what: String| ReaderError::Weights(format!("{name} {what}"));
            let found = find(&name).ok_or_else(|| unusable("is missing".to_string()))?;
            if found.dims() != shape {
                return Err(unusable(format!("is {:?}, not {shape:?}", found.dims())));
            }
            found
                .flatten_all()
                .and_then(|all| all.to_vec1::<f32>())
                .map_err(|error| unusable(format!("cannot be read: {error}")))
        };
        let dense = |(name, inputs, outputs): Layer| {
            let weights = numbers(format!("{name}.weight"), &[outputs, inputs])?;
            Ok::<Dense, ReaderError>(Dense::new(&weights, &numbers(format!("{name}.bias"), &[outputs])?))
        };
        Ok(Network {
            scene: made(layers::SCENE, dense)?,
            cell: made(layers::CELL, dense)?,
            map: made(layers::MAP, dense)?,
            line: made(layers::LINE, dense)?,
            letter: made(layers::LETTER, dense)?,
            skill: made(layers::SKILL, dense)?,
        })
    }

    /// The numbers of a coarse picture to what is kept of it, and `SCENES + 1` logits.
    pub(crate) fn scene(&self, blocks: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let hidden = self.scene[0].apply(blocks, Bend::Relu);
        let logits = self.scene[1].apply(&hidden, Bend::None);
        (hidden, logits)
    }

    /// `[cells, CELL_VALUES]` to what is kept of them, `[cells, CELL_HIDDEN]`, and `[cells, cell_head::ALL]` logits.
    pub(crate) fn cell(&self, cells: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut kept, mut logits) = (Vec::new(), Vec::new());
        for cells in cells.chunks(CELLS_TOGETHER * CELL_VALUES) {
            let pieces = self.cell[0].apply(cells, Bend::Relu);
            let groups = self.cell[1].apply(&pieces, Bend::Relu);
            let hidden = self.cell[2].apply(&groups, Bend::Relu);
            logits.extend(self.cell[3].apply(&hidden, Bend::None));
            kept.extend(hidden);
        }
        (kept, logits)
    }

    /// `[pixels, 3]` to `[pixels, MARKS]` logits.
    pub(crate) fn map(&self, pixels: &[f32]) -> Vec<f32> {
        two_layers(&self.map, pixels)
    }

    /// `[places, LINE_VALUES]` to `[places, 1]` logits.
    pub(crate) fn line(&self, heads: &[f32]) -> Vec<f32> {
        two_layers(&self.line, heads)
    }

    /// `[places, LETTER_VALUES]` to `[places, LETTERS]` logits.
    pub(crate) fn letter(&self, places: &[f32]) -> Vec<f32> {
        two_layers(&self.letter, places)
    }

    /// `FEATURES + FIGURES` numbers to `SKILLS` logits.
    pub(crate) fn skill(&self, picture: &[f32]) -> Vec<f32> {
        two_layers(&self.skill, picture)
    }
}

/// The numbers that describe a picture: what is kept of the coarse picture, of the leader's tile, and of all tiles in the mean.
pub(crate) fn features(scene: &[f32], cells: &[f32]) -> Vec<f32> {
    let mut features = scene.to_vec();
    features.extend_from_slice(&cells[leader_cell() * CELL_HIDDEN..][..CELL_HIDDEN]);
    let share = 1.0 / CELLS.count() as f32;
    let sum = |place: usize| cells.iter().skip(place).step_by(CELL_HIDDEN).sum::<f32>();
    features.extend((0..CELL_HIDDEN).map(|place| sum(place) * share));
    features
}

/// The place of the leader's tile among the tiles in view.
pub(crate) fn leader_cell() -> usize {
    CELLS.into_iter().position(|cell| cell == (0, 0)).expect("the leader's tile is in view")
}

fn two_layers([first, second]: &[Dense; 2], rows: &[f32]) -> Vec<f32> {
    second.apply(&first.apply(rows, Bend::Relu), Bend::None)
}
