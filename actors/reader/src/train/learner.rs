//! The network while it learns: the layers of [`crate::network`] as candle differentiates them.

use crate::classes::{LETTERS, MARKS, SCENES, SKILLS};
use crate::layout::CELLS;
use crate::network::{
    CELL_HIDDEN, CHANNELS, FEATURES, FIGURES, GROUP_HIDDEN, GROUPS, LETTER_HIDDEN, LETTER_VALUES, LINE_HIDDEN,
    LINE_VALUES, MAP_HIDDEN, PIECE, PIECE_HIDDEN, PIECES, SCENE_HIDDEN, SCENE_VALUES, SKILL_HIDDEN, cell_head,
    leader_cell,
};
use candle_core::{D, Result, Tensor};
use candle_nn::{Linear, Module as _, VarBuilder, linear};

/// The network's weights.
pub(super) struct Learner {
    scene: [Linear; 2],
    cell: [Linear; 4],
    map: [Linear; 2],
    line: [Linear; 2],
    letter: [Linear; 2],
    skill: [Linear; 2],
}

impl Learner {
    /// Takes weights, or makes them where the builder does.
    pub(super) fn new(weights: &VarBuilder<'_>) -> Result<Learner> {
        let two = |name: &str, from: usize, hidden: usize, to: usize| {
            let weights = weights.pp(name);
            Result::Ok([linear(from, hidden, weights.pp("0"))?, linear(hidden, to, weights.pp("1"))?])
        };
        let cell = weights.pp("cell");
        Ok(Learner {
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
    pub(super) fn scene(&self, blocks: &Tensor) -> Result<(Tensor, Tensor)> {
        let hidden = self.scene[0].forward(blocks)?.relu()?;
        let logits = self.scene[1].forward(&hidden)?;
        Ok((hidden, logits))
    }

    /// `[cells, CELL_VALUES]` to what is kept of them, and `[cells, cell_head::ALL]` logits.
    pub(super) fn cell(&self, cells: &Tensor) -> Result<(Tensor, Tensor)> {
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
    pub(super) fn map(&self, pixels: &Tensor) -> Result<Tensor> {
        two_layers(&self.map, pixels)
    }

    /// `[places, LINE_VALUES]` to `[places, 1]` logits.
    pub(super) fn line(&self, heads: &Tensor) -> Result<Tensor> {
        two_layers(&self.line, heads)
    }

    /// `[places, LETTER_VALUES]` to `[places, LETTERS]` logits.
    pub(super) fn letter(&self, places: &Tensor) -> Result<Tensor> {
        two_layers(&self.letter, places)
    }

    /// `[pictures, FEATURES + FIGURES]` to `[pictures, SKILLS]` logits.
    pub(super) fn skill(&self, pictures: &Tensor) -> Result<Tensor> {
        two_layers(&self.skill, pictures)
    }

    /// The numbers that describe pictures: what is kept of the coarse picture, of the leader's tile, and of all tiles in the
    /// mean. `[pictures, SCENE_HIDDEN]` and `[pictures * CELLS, CELL_HIDDEN]` to `[pictures, FEATURES]`.
    pub(super) fn features(scene_hidden: &Tensor, cell_hidden: &Tensor) -> Result<Tensor> {
        let cells = cell_hidden.reshape(((), CELLS.count(), CELL_HIDDEN))?;
        let leader = cells.narrow(1, leader_cell(), 1)?.squeeze(1)?;
        Tensor::cat(&[scene_hidden, &leader, &cells.mean(1)?], D::Minus1)
    }
}

fn two_layers(layers: &[Linear; 2], input: &Tensor) -> Result<Tensor> {
    layers[1].forward(&layers[0].forward(input)?.relu()?)
}
