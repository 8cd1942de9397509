//! One block of the tower: every patch of a frame sees every other, and then a feed-forward network.

use crate::config::VisionConfig;
use crate::linear::Linear;
use crate::norm::LayerNorm;
use candle_core::{DType, Result, Tensor};
use candle_nn::{VarBuilder, ops, rotary_emb};

/// Patches that ask at once: bounds the memory for scores, which grows with the square of a picture.
pub(crate) const QUERIES_MAX: usize = 512;

/// What all blocks need to know of a picture.
#[derive(Debug)]
pub(super) struct Frames {
    /// Frames there are.
    pub(super) count: usize,
    /// Patches of each.
    pub(super) patches: usize,
    /// `[patches of all frames, half a head]`.
    pub(super) cosines: Tensor,
    /// As the cosines.
    pub(super) sines: Tensor,
}

#[derive(Debug)]
pub(super) struct Block {
    heads: usize,
    attention_norm: LayerNorm,
    queries_keys_values: Linear,
    projection: Linear,
    feed_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
}

impl Block {
    pub(super) fn load(vb: &VarBuilder, config: &VisionConfig) -> Result<Self> {
        let hidden = config.hidden;
        Ok(Self {
            heads: config.heads,
            attention_norm: LayerNorm::load(&vb.pp("norm1"), hidden)?,
            queries_keys_values: Linear::load(&vb.pp("attn.qkv"), hidden, 3 * hidden, true)?,
            projection: Linear::load(&vb.pp("attn.proj"), hidden, hidden, true)?,
            feed_norm: LayerNorm::load(&vb.pp("norm2"), hidden)?,
            inner: Linear::load(&vb.pp("mlp.linear_fc1"), hidden, config.inner, true)?,
            outer: Linear::load(&vb.pp("mlp.linear_fc2"), config.inner, hidden, true)?,
        })
    }

    /// From `[patches, hidden]` to the same.
    pub(super) fn forward(&self, hidden: &Tensor, frames: &Frames) -> Result<Tensor> {
        let hidden = (hidden + self.attend(&self.attention_norm.forward(hidden)?, frames)?)?;
        let fed = self.inner.forward(&self.feed_norm.forward(&hidden)?)?.gelu()?;
        hidden + self.outer.forward(&fed)?
    }

    fn attend(&self, normed: &Tensor, frames: &Frames) -> Result<Tensor> {
        let (patches, width) = normed.dims2()?;
        let head = width / self.heads;
        let asked = self.queries_keys_values.forward(normed)?.reshape((patches, 3, self.heads, head))?;
        let part = |index: usize| asked.narrow(1, index, 1)?.squeeze(1)?.transpose(0, 1)?.unsqueeze(0)?.contiguous();
        let turn = |part: Tensor| {
            let turned = rotary_emb::rope(&part.to_dtype(DType::F32)?, &frames.cosines, &frames.sines)?;
            turned.to_dtype(part.dtype())
        };
        let queries = (turn(part(0)?)? * (head as f64).sqrt().recip())?;
        let (keys, values) = (turn(part(1)?)?, part(2)?);
        let mut seen = Vec::new();
        for frame in 0..frames.count {
            let start = frame * frames.patches;
            let keys = keys.narrow(2, start, frames.patches)?;
            let values = values.narrow(2, start, frames.patches)?;
            for first in (0..frames.patches).step_by(QUERIES_MAX) {
                let queries = queries.narrow(2, start + first, QUERIES_MAX.min(frames.patches - first))?;
                let scores = queries.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
                let weights = ops::softmax_last_dim(&scores)?.to_dtype(values.dtype())?;
                seen.push(weights.matmul(&values)?);
            }
        }
        let seen = Tensor::cat(&seen, 2)?.squeeze(0)?.transpose(0, 1)?.reshape((patches, width))?;
        self.projection.forward(&seen)
    }
}
