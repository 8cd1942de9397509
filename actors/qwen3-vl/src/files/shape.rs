//! How large a network is: of `config.json`, what shapes of tensors and needs of memory follow from.

use super::{FolderError, json};
use serde::Deserialize;
use std::path::Path;

/// The largest that any side of a network may be. It keeps products of four of them within 64 bits.
const SIDE_MAX: usize = 1 << 20;

/// The most layers that a network may have.
const LAYERS_MAX: usize = 512;

/// How large a network is, and which of its tokens mean pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The language model.
    pub text: TextShape,
    /// The vision tower.
    pub vision: VisionShape,
    /// Whether the output layer is the embedding.
    pub is_tied: bool,
    /// The token that stands for a picture.
    pub picture_token: u32,
    /// The token that stands for a video.
    pub video_token: u32,
    /// The token before a picture.
    pub vision_start_token: u32,
    /// The token after a picture.
    pub vision_end_token: u32,
    /// Tokens that end an answer, where the configuration says so.
    pub ends: Vec<u32>,
}

/// How large the language model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextShape {
    /// Tokens it knows.
    pub vocabulary: usize,
    /// Numbers of a token between layers.
    pub hidden: usize,
    /// Numbers of a token within a layer's feed-forward part.
    pub intermediate: usize,
    /// Layers.
    pub layers: usize,
    /// Heads that ask.
    pub heads: usize,
    /// Heads that are asked: keys and values.
    pub key_heads: usize,
    /// Numbers of a head.
    pub head: usize,
    /// Tokens that it was made to look back on.
    pub context_max: usize,
}

/// How large the vision tower is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisionShape {
    /// Numbers of a patch between layers.
    pub hidden: usize,
    /// Numbers of a patch within a layer's feed-forward part.
    pub intermediate: usize,
    /// Layers.
    pub layers: usize,
    /// Heads.
    pub heads: usize,
    /// Numbers of a visual token that comes out.
    pub out: usize,
    /// Colours.
    pub channels: usize,
    /// Pixels a side of a patch.
    pub patch: usize,
    /// Frames in a patch.
    pub temporal: usize,
    /// Patches a side that are merged.
    pub merge: usize,
    /// Learned positions, a square.
    pub positions: usize,
    /// Layers whose output also goes to the first layers of the language model.
    pub taps: Vec<usize>,
}

impl Shape {
    /// Reads `config.json`; `path` is for errors.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self, FolderError> {
        let kind: Kind = json::parse(bytes, path)?;
        let named = kind.architectures.unwrap_or_default().into_iter().next();
        let is_ours = kind.model_type.as_deref() == Some("qwen3_vl")
            && named.as_deref().is_none_or(|name| name == "Qwen3VLForConditionalGeneration");
        if !is_ours {
            let found = named.or(kind.model_type).unwrap_or_else(|| "nothing".to_string());
            return Err(FolderError::Architecture { path: path.to_path_buf(), found });
        }
        let raw: Raw = json::parse(bytes, path)?;
        if raw.quantization_config.is_some() {
            let problem = "it is of quantised weights, which are not read".to_string();
            return Err(FolderError::Garbled { path: path.to_path_buf(), problem });
        }
        let shape = raw.shape();
        match shape.flaw() {
            Some(problem) => Err(FolderError::Garbled { path: path.to_path_buf(), problem }),
            None => Ok(shape),
        }
    }

    /// What cannot be, in words.
    fn flaw(&self) -> Option<String> {
        let Self { text, vision, .. } = self;
        let sides = [
            ("vocab_size", text.vocabulary),
            ("hidden_size", text.hidden),
            ("intermediate_size", text.intermediate),
            ("num_attention_heads", text.heads),
            ("num_key_value_heads", text.key_heads),
            ("head_dim", text.head),
            ("vision hidden_size", vision.hidden),
            ("vision intermediate_size", vision.intermediate),
            ("vision num_heads", vision.heads),
            ("out_hidden_size", vision.out),
            ("in_channels", vision.channels),
            ("patch_size", vision.patch),
            ("temporal_patch_size", vision.temporal),
            ("spatial_merge_size", vision.merge),
            ("num_position_embeddings", vision.positions),
        ];
        if let Some((name, side)) = sides.into_iter().find(|(_, side)| *side == 0 || *side > SIDE_MAX) {
            return Some(format!("{name} is {side}"));
        }
        for (name, layers) in [("num_hidden_layers", text.layers), ("depth", vision.layers)] {
            if layers == 0 || layers > LAYERS_MAX {
                return Some(format!("{name} is {layers}"));
            }
        }
        if vision.out != text.hidden {
            return Some(format!("out_hidden_size is {}, but hidden_size is {}", vision.out, text.hidden));
        }
        if !text.heads.is_multiple_of(text.key_heads) {
            return Some(format!("{} heads cannot share {} key heads", text.heads, text.key_heads));
        }
        if !vision.hidden.is_multiple_of(vision.heads) {
            return Some(format!("{} vision heads do not divide {}", vision.heads, vision.hidden));
        }
        if vision.channels != 3 || vision.positions.isqrt().pow(2) != vision.positions {
            return Some(format!("{} channels, {} positions", vision.channels, vision.positions));
        }
        let is_tap = |tap: &usize| *tap < vision.layers;
        if vision.taps.len() > text.layers || !vision.taps.iter().all(is_tap) {
            return Some(format!("deepstack_visual_indexes is {:?}", vision.taps));
        }
        None
    }
}

#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    architectures: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Raw {
    text_config: RawText,
    vision_config: RawVision,
    image_token_id: u32,
    video_token_id: u32,
    vision_start_token_id: u32,
    vision_end_token_id: u32,
    tie_word_embeddings: Option<bool>,
    eos_token_id: Option<json::OneOrMany>,
    quantization_config: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct RawText {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    tie_word_embeddings: Option<bool>,
    eos_token_id: Option<json::OneOrMany>,
}

#[derive(Deserialize)]
struct RawVision {
    hidden_size: usize,
    intermediate_size: usize,
    depth: usize,
    num_heads: usize,
    out_hidden_size: usize,
    #[serde(default = "three")]
    in_channels: usize,
    patch_size: usize,
    temporal_patch_size: usize,
    spatial_merge_size: usize,
    num_position_embeddings: usize,
    deepstack_visual_indexes: Vec<usize>,
}

fn three() -> usize {
    3
}

impl Raw {
    fn shape(self) -> Shape {
        let Self { text_config: text, vision_config: vision, .. } = self;
        Shape {
            is_tied: self.tie_word_embeddings.unwrap_or(false) || text.tie_word_embeddings.unwrap_or(false),
            picture_token: self.image_token_id,
            video_token: self.video_token_id,
            vision_start_token: self.vision_start_token_id,
            vision_end_token: self.vision_end_token_id,
            ends: self.eos_token_id.or(text.eos_token_id).map(json::OneOrMany::into_vec).unwrap_or_default(),
            text: TextShape {
                vocabulary: text.vocab_size,
                hidden: text.hidden_size,
                intermediate: text.intermediate_size,
                layers: text.num_hidden_layers,
                heads: text.num_attention_heads,
                key_heads: text.num_key_value_heads.unwrap_or(text.num_attention_heads),
                head: text.head_dim.unwrap_or(text.hidden_size / text.num_attention_heads.max(1)),
                context_max: text.max_position_embeddings.unwrap_or(usize::MAX),
            },
            vision: VisionShape {
                hidden: vision.hidden_size,
                intermediate: vision.intermediate_size,
                layers: vision.depth,
                heads: vision.num_heads,
                out: vision.out_hidden_size,
                channels: vision.in_channels,
                patch: vision.patch_size,
                temporal: vision.temporal_patch_size,
                merge: vision.spatial_merge_size,
                positions: vision.num_position_embeddings,
                taps: vision.deepstack_visual_indexes,
            },
        }
    }
}
