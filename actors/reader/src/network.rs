//! The network: five small ones that share a picture, each a few matrix products over pieces of it.
//!
//! | part | looks at | says |
//! |---|---|---|
//! | scene | mean colours of 8 × 8 blocks | what kind of screen it is, and whether the small map shows |
//! | cell | a tile of 24 × 24 pixels and 8 rows above it | ground, light, who stands there, which item lies there |
//! | map | one pixel of the small map | its mark |
//! | line | 8 × 11 pixels in brightness | whether a line of text runs here, the tops of its capitals in the first row |
//! | letter | 8 × 11 pixels in colour | which letter begins here |
//! | skill | what scene and cell made of the picture, and the figures read | by which skill a planner would go on |

use crate::layout::{BLOCK, BLOCK_COLUMNS, BLOCK_ROWS, CELLS, LETTER_HEIGHT, LETTER_WIDTH, PATCH};
use candle_core::{D, Result, Tensor};
use candle_nn::{Linear, Module as _, VarBuilder, linear};

const CHANNELS: usize = 3;
/// Values of a smallest piece of a tile.
pub(crate) const PIECE: usize = PATCH * PATCH * CHANNELS;
/// Pieces of a tile, and groups of four of them.
pub(crate) const PIECES: usize = 48;
const GROUPS: usize = PIECES / 4;
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
const SCENE_HIDDEN: usize = 64;
/// Numbers that describe a picture.
pub const FEATURES: usize = SCENE_HIDDEN + 2 * CELL_HIDDEN;
/// Figures of the status line that a skill is chosen by.
pub(crate) const FIGURES: usize = 6;

const PIECE_HIDDEN: usize = 32;
const GROUP_HIDDEN: usize = 48;
const MAP_HIDDEN: usize = 16;
const LINE_HIDDEN: usize = 16;
const LETTER_HIDDEN: usize = 48;
const SKILL_HIDDEN: usize = 64;

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

/// The network's weights.
pub(crate) struct Network {
    scene: [Linear; 2],
    cell: [Linear; 4],
    map: [Linear; 2],
    line: [Linear; 2],
    letter: [Linear; 2],
    skill: [Linear; 2],
}

impl Network {
    /// Takes weights, or makes them where the builder does.
    pub(crate) fn new(weights: &VarBuilder<'_>) -> Result<Network> {
        use crate::classes::{LETTERS, MARKS, SCENES, SKILLS};
        let two = |name: &str, from: usize, hidden: usize, to: usize| {
            let weights = weights.pp(name);
            Result::Ok([linear(from, hidden, weights.pp("0"))?, linear(hidden, to, weights.pp("1"))?])
        };
        let cell = weights.pp("cell");
        Ok(Network {
            scene: two("scene", SCENE_VALUES, SCENE_HIDDEN, SCENES + 1)?,
            cell: [
                linear(PIECE, PIECE_HIDDEN, cell.pp("0"))?,
                linear(4 * PIECE_HIDDEN, GROUP_HIDDEN, cell.pp("1"))?,
                linear(GROUPS * GROUP_HIDDEN, CELL_HIDDEN, cell.pp("2"))?,
                linear(CELL_HIDDEN, cell_head::ALL, cell.pp("3"))?,
            ],
            map: two("map", CHANNELS, MAP_HIDDEN, MARKS)?,
            line: two("line", LINE_VALUES, LINE_HIDDEN, 1)?,
            letter: two("letter", LETTER_VALUES, LETTER_HIDDEN, LETTERS)?,
            skill: two("skill", FEATURES + FIGURES, SKILL_HIDDEN, SKILLS.len())?,
        })
    }

    /// `[pictures, SCENE_VALUES]` to what is kept of them, and `[pictures, SCENES + 1]` logits.
    pub(crate) fn scene(&self, blocks: &Tensor) -> Result<(Tensor, Tensor)> {
        let hidden = self.scene[0].forward(blocks)?.relu()?;
        let logits = self.scene[1].forward(&hidden)?;
        Ok((hidden, logits))
    }

    /// `[cells, CELL_VALUES]` to what is kept of them, and `[cells, cell_head::ALL]` logits.
    pub(crate) fn cell(&self, cells: &Tensor) -> Result<(Tensor, Tensor)> {
        let count = cells.dim(0)?;
        let pieces = cells.reshape((count * PIECES, PIECE))?;
        let pieces = self.cell[0].forward(&pieces)?.relu()?;
        let groups = pieces.reshape((count * GROUPS, 4 * PIECE_HIDDEN))?;
        let groups = self.cell[1].forward(&groups)?.relu()?;
        let whole = groups.reshape((count, GROUPS * GROUP_HIDDEN))?;
        let hidden = self.cell[2].forward(&whole)?.relu()?;
        let logits = self.cell[3].forward(&hidden)?;
        Ok((hidden, logits))
    }

    /// `[pixels, 3]` to `[pixels, MARKS]` logits.
    pub(crate) fn map(&self, pixels: &Tensor) -> Result<Tensor> {
        two_layers(&self.map, pixels)
    }

    /// `[places, LINE_VALUES]` to `[places, 1]` logits.
    pub(crate) fn line(&self, heads: &Tensor) -> Result<Tensor> {
        two_layers(&self.line, heads)
    }

    /// `[places, LETTER_VALUES]` to `[places, LETTERS]` logits.
    pub(crate) fn letter(&self, places: &Tensor) -> Result<Tensor> {
        two_layers(&self.letter, places)
    }

    /// `[pictures, FEATURES + FIGURES]` to `[pictures, SKILLS]` logits.
    pub(crate) fn skill(&self, pictures: &Tensor) -> Result<Tensor> {
        two_layers(&self.skill, pictures)
    }

    /// The numbers that describe pictures: what is kept of the coarse picture, of the leader's tile, and of all tiles in the
    /// mean. `[pictures, SCENE_HIDDEN]` and `[pictures * CELLS, CELL_HIDDEN]` to `[pictures, FEATURES]`.
    pub(crate) fn features(scene_hidden: &Tensor, cell_hidden: &Tensor) -> Result<Tensor> {
        let cells = cell_hidden.reshape(((), CELLS.count(), CELL_HIDDEN))?;
        let leader = cells.narrow(1, leader_cell(), 1)?.squeeze(1)?;
        Tensor::cat(&[scene_hidden, &leader, &cells.mean(1)?], D::Minus1)
    }
}

/// The place of the leader's tile among the tiles in view.
pub(crate) fn leader_cell() -> usize {
    CELLS.into_iter().position(|cell| cell == (0, 0)).expect("the leader's tile is in view")
}

fn two_layers(layers: &[Linear; 2], input: &Tensor) -> Result<Tensor> {
    layers[1].forward(&layers[0].forward(input)?.relu()?)
}
