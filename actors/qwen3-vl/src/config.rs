//! What a Qwen3-VL checkpoint is shaped like: `config.json`, as several releases of `transformers` write it.
//!
//! Both names of the rotary settings are read (`rope_scaling` and `rope_parameters`, with `rope_theta` inside or beside it),
//! both of the precision (`dtype` and `torch_dtype`), and tied embeddings at either level. Instruct and Thinking checkpoints
//! are shaped alike. Absent: mixtures of experts, and rotary scaling beyond the default kind.

mod read;
mod sizes;

use crate::error::ConfigError;
use candle_core::DType;

pub(crate) use read::OneOrMany;
pub use sizes::Size;

/// The shape of a whole network.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The decoder.
    pub text: TextConfig,
    /// The vision tower; none in a network that only measures text.
    pub vision: Option<VisionConfig>,
    /// The token that stands for one visual token of a picture.
    pub image_token: u32,
    /// The token that stands for one visual token of a video.
    pub video_token: u32,
    /// The token before a picture.
    pub vision_start_token: u32,
    /// The token after a picture.
    pub vision_end_token: u32,
    /// Tokens that end an answer, where the configuration says so.
    pub ends: Vec<u32>,
    /// The embedding of tokens is also what makes logits of hidden states.
    pub is_tied: bool,
    /// The precision that the weights were saved in.
    pub dtype: DType,
}

/// The shape of the decoder. Sizes are counts of numbers or of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// Tokens there are.
    pub vocabulary: usize,
    /// Width of a hidden state.
    pub hidden: usize,
    /// Width inside of a feed-forward block.
    pub inner: usize,
    /// Layers.
    pub layers: usize,
    /// Heads that ask.
    pub heads: usize,
    /// Heads that are asked; each serves `heads / key_heads` of those that ask.
    pub key_heads: usize,
    /// Width of a head.
    pub head: usize,
    /// What keeps a norm from dividing by nothing.
    pub norm_epsilon: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How many frequencies turn with time, height and width; together half a head.
    pub rope_sections: [usize; 3],
    /// Tokens of a prompt and its answer together, at most.
    pub context: usize,
    /// The projections of attention have biases.
    pub has_attention_bias: bool,
}

/// The shape of the vision tower. Sizes are counts of numbers or of layers, sides are in pixels or patches.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// Blocks.
    pub layers: usize,
    /// Width of a hidden state.
    pub hidden: usize,
    /// Width inside of a feed-forward block.
    pub inner: usize,
    /// Heads.
    pub heads: usize,
    /// Colours.
    pub channels: usize,
    /// Pixels to a side of a patch.
    pub patch: usize,
    /// Frames to a patch.
    pub frames: usize,
    /// Patches to a side of what becomes one visual token.
    pub merge: usize,
    /// Width of a visual token: that of the decoder's hidden states.
    pub out: usize,
    /// Learned positions; their square root is how many there are to a side.
    pub positions: usize,
    /// Blocks whose output is also added to the decoder's first layers, in this order.
    pub deepstack: Vec<usize>,
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] where it is no JSON or lacks a size, [`ConfigError::OtherArchitecture`] where it describes
    /// something else than Qwen3-VL, [`ConfigError::Quantised`] where weights are not plain numbers,
    /// [`ConfigError::Unsupported`] where sizes do not fit each other or a setting is not understood.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        read::config(json)
    }

    /// How many weights there are, a tied embedding counted once.
    pub fn weights(&self) -> usize {
        let embeddings = if self.is_tied { 1 } else { 2 } * self.text.vocabulary * self.text.hidden;
        embeddings + self.text.weights() + self.vision.as_ref().map_or(0, VisionConfig::weights)
    }
}

impl TextConfig {
    /// How many weights the layers and the last norm have.
    fn weights(&self) -> usize {
        let (asked, keys) = (self.heads * self.head, self.key_heads * self.head);
        let biases = if self.has_attention_bias { asked + 2 * keys + self.hidden } else { 0 };
        let attention = self.hidden * (2 * asked + 2 * keys) + 2 * self.head + biases;
        self.layers * (attention + 3 * self.hidden * self.inner + 2 * self.hidden) + self.hidden
    }
}

impl VisionConfig {
    /// Values in one patch.
    pub fn patch_values(&self) -> usize {
        self.channels * self.frames * self.patch * self.patch
    }

    /// Learned positions to a side.
    pub fn positions_side(&self) -> usize {
        self.positions.isqrt()
    }

    /// Visual tokens that a picture of this grid becomes.
    pub fn tokens(&self, grid: [usize; 3]) -> usize {
        grid[0] * (grid[1] / self.merge) * (grid[2] / self.merge)
    }

    /// How many weights the tower has, with its mergers.
    fn weights(&self) -> usize {
        let hidden = self.hidden;
        let linear = |from: usize, to: usize| from * to + to;
        let block = linear(hidden, 3 * hidden) + linear(hidden, hidden) + 4 * hidden;
        let block = block + linear(hidden, self.inner) + linear(self.inner, hidden);
        let merged = hidden * self.merge * self.merge;
        let merger = linear(merged, merged) + linear(merged, self.out);
        let embedding = linear(self.patch_values(), hidden) + self.positions * hidden;
        let deepstack = self.deepstack.len() * (merger + 2 * merged);
        embedding + self.layers * block + merger + 2 * hidden + deepstack
    }
}
