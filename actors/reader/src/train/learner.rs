//! The network while it learns: the layers of [`crate::network`] as candle differentiates them.

use crate::layout::CELLS;
use crate::network::layers::{self, made};
use crate::network::{CELL_HIDDEN, GROUP_HIDDEN, GROUPS, Layer, PIECE, PIECE_HIDDEN, PIECES, leader_cell};
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
        let layer = |(name, inputs, outputs): Layer| linear(inputs, outputs, weights.pp(name));
        Ok(Learner {
            scene: made(layers::SCENE, layer)?,
            cell: made(layers::CELL, layer)?,
            map: made(layers::MAP, layer)?,
            line: made(layers::LINE, layer)?,
            letter: made(layers::LETTER, layer)?,
            skill: made(layers::SKILL, layer)?,
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
