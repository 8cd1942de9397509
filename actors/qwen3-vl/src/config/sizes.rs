//! The shapes of the published checkpoints, for networks of random weights: how long an answer takes and how much memory it
//! needs does not depend on what the weights are.

use super::{Config, TextConfig, VisionConfig};
use candle_core::DType;

/// A shape that is known without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Text alone, 184 million weights: large enough that reading the weights is what a step waits for.
    Text184M,
    /// Qwen3-VL-2B.
    B2,
    /// Qwen3-VL-4B.
    B4,
    /// Qwen3-VL-8B.
    B8,
}

impl Size {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::Text184M, Self::B2, Self::B4, Self::B8];

    /// What it is called: `184m`, `2b`, `4b`, `8b`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text184M => "184m",
            Self::B2 => "2b",
            Self::B4 => "4b",
            Self::B8 => "8b",
        }
    }

    /// The size of this name, in upper or lower case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name().eq_ignore_ascii_case(name))
    }

    /// The shape, as in the published `config.json`.
    pub fn config(self) -> Config {
        match self {
            Self::Text184M => config(TEXT_184M, None, true),
            Self::B2 => config(TEXT_2B, Some(vision(24, 1024, 4096, 2048, [5, 11, 17])), true),
            Self::B4 => config(TEXT_4B, Some(vision(24, 1024, 4096, 2560, [5, 11, 17])), true),
            Self::B8 => config(TEXT_8B, Some(vision(27, 1152, 4304, 4096, [8, 16, 24])), false),
        }
    }
}

const TEXT_2B: TextConfig = TextConfig {
    vocabulary: 151_936,
    hidden: 2048,
    inner: 6144,
    layers: 28,
    heads: 16,
    key_heads: 8,
    head: 128,
    norm_epsilon: 1e-6,
    rope_theta: 5e6,
    rope_sections: [24, 20, 20],
    context: 262_144,
    has_attention_bias: false,
};

const TEXT_4B: TextConfig = TextConfig { hidden: 2560, inner: 9728, layers: 36, heads: 32, ..TEXT_2B };

const TEXT_8B: TextConfig = TextConfig { hidden: 4096, inner: 12_288, layers: 36, heads: 32, ..TEXT_2B };

const TEXT_184M: TextConfig =
    TextConfig { vocabulary: 41_472, hidden: 1024, inner: 2816, layers: 12, heads: 8, key_heads: 4, ..TEXT_2B };

fn config(text: TextConfig, vision: Option<VisionConfig>, is_tied: bool) -> Config {
    Config {
        text,
        vision,
        image_token: 151_655,
        video_token: 151_656,
        vision_start_token: 151_652,
        vision_end_token: 151_653,
        ends: vec![151_645, 151_643],
        is_tied,
        dtype: DType::BF16,
    }
}

fn vision(layers: usize, hidden: usize, inner: usize, out: usize, deepstack: [usize; 3]) -> VisionConfig {
    VisionConfig {
        layers,
        hidden,
        inner,
        heads: 16,
        channels: 3,
        patch: 16,
        frames: 2,
        merge: 2,
        out,
        positions: 2304,
        deepstack: deepstack.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_as_many_weights_as_their_names_say() {
        let billions = |size: Size| size.config().weights() as f64 / 1e9;
        assert!((0.183..0.185).contains(&billions(Size::Text184M)), "{}", billions(Size::Text184M));
        assert!((2.0..2.3).contains(&billions(Size::B2)), "{}", billions(Size::B2));
        assert!((4.3..4.6).contains(&billions(Size::B4)), "{}", billions(Size::B4));
        assert!((8.6..8.9).contains(&billions(Size::B8)), "{}", billions(Size::B8));
    }
}
