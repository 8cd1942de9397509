//! The vision tower: from the patches of one picture to visual tokens.
//!
//! Patches see each other within a frame. Four (or more) neighbours are merged into one visual token at the end; what some of
//! the blocks in between say is merged as well, and is added to the first layers of the decoder (DeepStack).

mod block;
mod grid;
mod merger;

use crate::config::VisionConfig;
use crate::linear::{self, Linear};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Init, VarBuilder};

pub(crate) use block::QUERIES_MAX;
use block::{Block, Frames};
use merger::Merger;

/// A picture as the decoder takes it.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// What stands in the places of visual tokens: `[tokens, hidden]`.
    pub(crate) tokens: Tensor,
    /// What is added after each of the first layers: `[tokens, hidden]` each.
    pub(crate) deepstack: Vec<Tensor>,
}

#[derive(Debug)]
pub(crate) struct Vision {
    config: VisionConfig,
    device: Device,
    arithmetic: DType,
    patches: Linear,
    positions: Tensor,
    blocks: Vec<Block>,
    merger: Merger,
    deepstack: Vec<Merger>,
}

impl Vision {
    /// Loads the tensors under `vb`.
    pub(crate) fn load(vb: &VarBuilder, config: &VisionConfig) -> Result<Self> {
        let blocks = vb.pp("blocks");
        let mergers = vb.pp("deepstack_merger_list");
        Ok(Self {
            config: config.clone(),
            device: vb.device().clone(),
            arithmetic: linear::arithmetic(vb.dtype(), vb.device()),
            patches: patches(&vb.pp("patch_embed.proj"), config)?,
            positions: vb.pp("pos_embed").get_with_hints(
                (config.positions, config.hidden),
                "weight",
                Init::Randn { mean: 0.0, stdev: 0.5 },
            )?,
            blocks: (0..config.layers).map(|layer| Block::load(&blocks.pp(layer), config)).collect::<Result<_>>()?,
            merger: Merger::before_shuffle(&vb.pp("merger"), config)?,
            deepstack: (0..config.deepstack.len())
                .map(|index| Merger::after_shuffle(&mergers.pp(index), config))
                .collect::<Result<_>>()?,
        })
    }

    /// Looks at one picture: `patches` as in [`crate::PatchedPicture`], of which there are as many as `grid` says.
    pub(crate) fn look(&self, patches: &[f32], grid: [usize; 3]) -> Result<Sight> {
        let [frames, rows, columns] = grid;
        let count = rows * columns;
        let patches = Tensor::from_slice(patches, (frames * count, self.config.patch_values()), &self.device)?;
        let embedded = self.patches.forward(&patches.to_dtype(self.arithmetic)?)?;
        let mut hidden = (embedded + self.learned_positions(grid)?)?;
        let frames = self.frames(grid)?;
        let mut deepstack = vec![None; self.deepstack.len()];
        for (layer, block) in self.blocks.iter().enumerate() {
            hidden = block.forward(&hidden, &frames)?;
            if let Some(index) = self.config.deepstack.iter().position(|wanted| *wanted == layer) {
                deepstack[index] = Some(self.deepstack[index].forward(&hidden)?);
            }
        }
        Ok(Sight { tokens: self.merger.forward(&hidden)?, deepstack: deepstack.into_iter().flatten().collect() })
    }

    /// `[patches, hidden]`: the same for every frame.
    fn learned_positions(&self, [frames, rows, columns]: [usize; 3]) -> Result<Tensor> {
        let count = rows * columns;
        let (indexes, shares) = grid::corners(rows, columns, &self.config);
        let corners = self.positions.index_select(&Tensor::new(indexes, &self.device)?, 0)?.to_dtype(DType::F32)?;
        let shares = Tensor::from_vec(shares, (4 * count, 1), &self.device)?;
        let mixed = corners.broadcast_mul(&shares)?.reshape((4, count, self.config.hidden))?.sum(0)?;
        mixed.to_dtype(self.arithmetic)?.repeat((frames, 1))
    }

    fn frames(&self, [frames, rows, columns]: [usize; 3]) -> Result<Frames> {
        let (cosines, sines) = grid::rotary(rows, columns, &self.config);
        let count = rows * columns;
        let table = |values: Vec<f32>| {
            let half = values.len() / count;
            Tensor::from_vec(values, (count, half), &self.device)?.repeat((frames, 1))
        };
        Ok(Frames { count: frames, patches: count, cosines: table(cosines)?, sines: table(sines)? })
    }
}

/// The checkpoint has a convolution whose windows do not overlap: a product with whole patches.
fn patches(vb: &VarBuilder, config: &VisionConfig) -> Result<Linear> {
    let shape = (config.hidden, config.channels, config.frames, config.patch, config.patch);
    let weight = vb.get_with_hints(shape, "weight", linear::spread(config.patch_values()))?;
    let weight = weight.reshape((config.hidden, config.patch_values()))?;
    Ok(Linear::of(weight, Some(linear::bias(vb, config.hidden)?)))
}
