//! Merges the patches of a visual token into one vector as wide as the decoder's.

use crate::config::VisionConfig;
use crate::linear::Linear;
use crate::norm::LayerNorm;
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

#[derive(Debug)]
pub(super) struct Merger {
    norm: LayerNorm,
    /// The norm sees what is merged as one vector, instead of each patch by itself.
    is_norm_of_merged: bool,
    merged: usize,
    inner: Linear,
    outer: Linear,
}

impl Merger {
    /// The tower's last one: each patch is normed by itself.
    pub(super) fn before_shuffle(vb: &VarBuilder, config: &VisionConfig) -> Result<Self> {
        Self::load(vb, config, false)
    }

    /// One of DeepStack's: what is merged is normed together.
    pub(super) fn after_shuffle(vb: &VarBuilder, config: &VisionConfig) -> Result<Self> {
        Self::load(vb, config, true)
    }

    fn load(vb: &VarBuilder, config: &VisionConfig, is_norm_of_merged: bool) -> Result<Self> {
        let merged = config.hidden * config.merge * config.merge;
        Ok(Self {
            norm: LayerNorm::load(&vb.pp("norm"), if is_norm_of_merged { merged } else { config.hidden })?,
            is_norm_of_merged,
            merged,
            inner: Linear::load(&vb.pp("linear_fc1"), merged, merged, true)?,
            outer: Linear::load(&vb.pp("linear_fc2"), merged, config.out, true)?,
        })
    }

    /// From `[patches, hidden]` to `[visual tokens, out]`.
    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let merged = if self.is_norm_of_merged {
            self.norm.forward(&hidden.reshape(((), self.merged))?)?
        } else {
            self.norm.forward(hidden)?.reshape(((), self.merged))?
        };
        self.outer.forward(&self.inner.forward(&merged)?.gelu_erf()?)
    }
}
