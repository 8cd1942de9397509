//! `config.json` as it is written, and how it becomes a [`Config`].

use super::{Config, TextConfig, VisionConfig};
use crate::error::ConfigError;
use candle_core::DType;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt::Display;

/// The largest that a width of a network may be. It keeps the number of its weights within 64 bits.
const SIDE_MAX: usize = 1 << 20;

/// The most layers that a network may have.
const LAYERS_MAX: usize = 512;

/// Pixels that a side of a patch may have.
const PATCH_MAX: usize = 64;

/// Frames to a patch, and patches to a side of a visual token, at most.
const MERGE_MAX: usize = 8;

/// Red, green and blue.
const COLOURS: usize = 3;

const ARCHITECTURE: &str = "Qwen3VLForConditionalGeneration";
const MODEL_TYPE: &str = "qwen3_vl";

#[derive(Deserialize)]
struct WrittenConfig {
    text_config: Option<WrittenText>,
    vision_config: Option<WrittenVision>,
    #[serde(default = "default_image_token")]
    image_token_id: u32,
    #[serde(default = "default_video_token")]
    video_token_id: u32,
    #[serde(default = "default_vision_start_token")]
    vision_start_token_id: u32,
    #[serde(default = "default_vision_end_token")]
    vision_end_token_id: u32,
    #[serde(default)]
    tie_word_embeddings: bool,
    eos_token_id: Option<OneOrMany>,
    #[serde(alias = "torch_dtype")]
    dtype: Option<String>,
    quantization_config: Option<IgnoredAny>,
}

/// One token or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<u32> {
        match self {
            Self::One(token) => vec![token],
            Self::Many(tokens) => tokens,
        }
    }
}

#[derive(Deserialize)]
struct WrittenText {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "default_norm_epsilon")]
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_scaling: Option<WrittenRope>,
    rope_parameters: Option<WrittenRope>,
    #[serde(default = "default_context")]
    max_position_embeddings: usize,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    eos_token_id: Option<OneOrMany>,
    hidden_act: Option<String>,
    #[serde(alias = "torch_dtype")]
    dtype: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct WrittenRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    mrope_section: Option<Vec<usize>>,
    rope_theta: Option<f64>,
}

#[derive(Deserialize)]
struct WrittenVision {
    depth: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_heads: usize,
    #[serde(default = "default_channels")]
    in_channels: usize,
    #[serde(default = "default_patch")]
    patch_size: usize,
    #[serde(default = "default_pair")]
    temporal_patch_size: usize,
    #[serde(default = "default_pair")]
    spatial_merge_size: usize,
    out_hidden_size: usize,
    #[serde(default = "default_positions")]
    num_position_embeddings: usize,
    deepstack_visual_indexes: Vec<usize>,
    hidden_act: Option<String>,
}

fn default_image_token() -> u32 {
    151_655
}

fn default_video_token() -> u32 {
    151_656
}

fn default_vision_start_token() -> u32 {
    151_652
}

fn default_vision_end_token() -> u32 {
    151_653
}

fn default_norm_epsilon() -> f64 {
    1e-6
}

fn default_context() -> usize {
    128_000
}

fn default_channels() -> usize {
    3
}

fn default_patch() -> usize {
    16
}

fn default_pair() -> usize {
    2
}

fn default_positions() -> usize {
    2304
}

pub(super) fn config(json: &str) -> Result<Config, ConfigError> {
    let written: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
    check_architecture(&written)?;
    let written: WrittenConfig = serde_json::from_value(written).map_err(unreadable)?;
    if written.quantization_config.is_some() {
        return Err(ConfigError::Quantised);
    }
    let mut text = written.text_config.ok_or_else(|| unsupported("text_config", "absent", "a table"))?;
    let vision = written.vision_config.ok_or_else(|| unsupported("vision_config", "absent", "a table"))?;
    let read = Config {
        image_token: written.image_token_id,
        video_token: written.video_token_id,
        vision_start_token: written.vision_start_token_id,
        vision_end_token: written.vision_end_token_id,
        ends: written.eos_token_id.or(text.eos_token_id.take()).map(OneOrMany::into_vec).unwrap_or_default(),
        is_tied: written.tie_word_embeddings || text.tie_word_embeddings,
        dtype: dtype(written.dtype.as_deref().or(text.dtype.as_deref()))?,
        text: self::text(text)?,
        vision: Some(self::vision(vision)?),
    };
    check_fit(&read)?;
    Ok(read)
}

/// Before anything else is read: what is missing from the configuration of another network is beside the point.
fn check_architecture(written: &serde_json::Value) -> Result<(), ConfigError> {
    let named = written.get("architectures").and_then(|names| names.get(0)).and_then(|name| name.as_str());
    let kind = written.get("model_type").and_then(|kind| kind.as_str());
    if kind == Some(MODEL_TYPE) && named.is_none_or(|name| name == ARCHITECTURE) {
        return Ok(());
    }
    let found = named.filter(|name| *name != ARCHITECTURE).or(kind).unwrap_or("nothing");
    Err(ConfigError::OtherArchitecture { found: found.to_string() })
}

fn text(written: WrittenText) -> Result<TextConfig, ConfigError> {
    check_activation("text_config.hidden_act", written.hidden_act, "silu")?;
    let rope = written.rope_scaling.unwrap_or_default();
    let later = written.rope_parameters.unwrap_or_default();
    if let Some(kind) = rope.rope_type.or(later.rope_type)
        && !matches!(kind.as_str(), "default" | "mrope")
    {
        return Err(unsupported("text_config.rope_scaling.rope_type", kind, "default"));
    }
    let sections = rope.mrope_section.or(later.mrope_section).unwrap_or_else(|| vec![24, 20, 20]);
    let rope_sections = <[usize; 3]>::try_from(sections).map_err(|sections| {
        unsupported("text_config.rope_scaling.mrope_section", format!("{sections:?}"), "three numbers")
    })?;
    Ok(TextConfig {
        vocabulary: written.vocab_size,
        hidden: written.hidden_size,
        inner: written.intermediate_size,
        layers: written.num_hidden_layers,
        heads: written.num_attention_heads,
        key_heads: written.num_key_value_heads.unwrap_or(written.num_attention_heads),
        head: written.head_dim.unwrap_or(written.hidden_size / written.num_attention_heads.max(1)),
        norm_epsilon: written.rms_norm_eps,
        rope_theta: written.rope_theta.or(rope.rope_theta).or(later.rope_theta).unwrap_or(5e6),
        rope_sections,
        context: written.max_position_embeddings,
        has_attention_bias: written.attention_bias,
    })
}

fn vision(written: WrittenVision) -> Result<VisionConfig, ConfigError> {
    check_activation("vision_config.hidden_act", written.hidden_act, "gelu_pytorch_tanh")?;
    Ok(VisionConfig {
        layers: written.depth,
        hidden: written.hidden_size,
        inner: written.intermediate_size,
        heads: written.num_heads,
        channels: written.in_channels,
        patch: written.patch_size,
        frames: written.temporal_patch_size,
        merge: written.spatial_merge_size,
        out: written.out_hidden_size,
        positions: written.num_position_embeddings,
        deepstack: written.deepstack_visual_indexes,
    })
}

fn dtype(written: Option<&str>) -> Result<DType, ConfigError> {
    match written.map(|name| name.trim_start_matches("torch.")) {
        None | Some("bfloat16") => Ok(DType::BF16),
        Some("float16") => Ok(DType::F16),
        Some("float32") => Ok(DType::F32),
        Some(other) => Err(unsupported("dtype", other, "bfloat16, float16 or float32")),
    }
}

fn check_activation(field: &'static str, found: Option<String>, wanted: &str) -> Result<(), ConfigError> {
    match found {
        Some(found) if found != wanted => Err(unsupported(field, found, wanted)),
        _ => Ok(()),
    }
}

fn check_fit(config: &Config) -> Result<(), ConfigError> {
    let text = &config.text;
    check_sizes(&[
        ("text_config.vocab_size", text.vocabulary, SIDE_MAX),
        ("text_config.hidden_size", text.hidden, SIDE_MAX),
        ("text_config.intermediate_size", text.inner, SIDE_MAX),
        ("text_config.num_hidden_layers", text.layers, LAYERS_MAX),
        ("text_config.num_attention_heads", text.heads, SIDE_MAX),
        ("text_config.num_key_value_heads", text.key_heads, SIDE_MAX),
        ("text_config.head_dim", text.head, SIDE_MAX),
        ("text_config.max_position_embeddings", text.context, usize::MAX),
    ])?;
    if text.heads.saturating_mul(text.head) > SIDE_MAX {
        return Err(unsupported("text_config.head_dim", text.head, format!("at most {}", SIDE_MAX / text.heads)));
    }
    if !text.heads.is_multiple_of(text.key_heads) {
        let wanted = format!("a multiple of the {} key heads", text.key_heads);
        return Err(unsupported("text_config.num_attention_heads", text.heads, wanted));
    }
    if !text.head.is_multiple_of(2) {
        return Err(unsupported("text_config.head_dim", text.head, "even"));
    }
    let turned = text.rope_sections.iter().fold(0, |sum: usize, section| sum.saturating_add(*section));
    if turned != text.head / 2 {
        let wanted = format!("together half a head, {}", text.head / 2);
        return Err(unsupported("text_config.rope_scaling.mrope_section", format!("{:?}", text.rope_sections), wanted));
    }
    config.vision.as_ref().map_or(Ok(()), |vision| check_vision(vision, text))
}

fn check_vision(vision: &VisionConfig, text: &TextConfig) -> Result<(), ConfigError> {
    check_sizes(&[
        ("vision_config.depth", vision.layers, LAYERS_MAX),
        ("vision_config.hidden_size", vision.hidden, SIDE_MAX),
        ("vision_config.intermediate_size", vision.inner, SIDE_MAX),
        ("vision_config.num_heads", vision.heads, SIDE_MAX),
        ("vision_config.patch_size", vision.patch, PATCH_MAX),
        ("vision_config.temporal_patch_size", vision.frames, MERGE_MAX),
        ("vision_config.spatial_merge_size", vision.merge, MERGE_MAX),
        ("vision_config.num_position_embeddings", vision.positions, SIDE_MAX),
    ])?;
    if vision.channels != COLOURS {
        return Err(unsupported("vision_config.in_channels", vision.channels, COLOURS));
    }
    if !vision.hidden.is_multiple_of(4 * vision.heads) {
        return Err(unsupported("vision_config.num_heads", vision.heads, "heads of a multiple of 4 numbers"));
    }
    if vision.positions_side().pow(2) != vision.positions {
        return Err(unsupported("vision_config.num_position_embeddings", vision.positions, "a square"));
    }
    if vision.out != text.hidden {
        return Err(unsupported("vision_config.out_hidden_size", vision.out, text.hidden));
    }
    if vision.deepstack.len() > text.layers || vision.deepstack.iter().any(|layer| *layer >= vision.layers) {
        let found = format!("{:?}", vision.deepstack);
        return Err(unsupported("vision_config.deepstack_visual_indexes", found, "blocks of the tower"));
    }
    Ok(())
}

fn check_sizes(sizes: &[(&'static str, usize, usize)]) -> Result<(), ConfigError> {
    match sizes.iter().find(|(_, size, most)| *size == 0 || size > most) {
        Some((field, size, most)) => Err(unsupported(field, size, format!("1 to {most}"))),
        None => Ok(()),
    }
}

fn unreadable(error: serde_json::Error) -> ConfigError {
    ConfigError::Unreadable(error.to_string().escape_debug().to_string())
}

fn unsupported(field: &'static str, found: impl Display, wanted: impl Display) -> ConfigError {
    ConfigError::Unsupported { field, found: found.to_string(), wanted: wanted.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written() -> Value {
        json!({
            "architectures": [ARCHITECTURE], "model_type": MODEL_TYPE, "tie_word_embeddings": true,
            "torch_dtype": "float16",
            "text_config": {
                "vocab_size": 400, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 4,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rope_theta": 5000.0,
                "rope_scaling": {"rope_type": "default", "mrope_section": [4, 2, 2]}
            },
            "vision_config": {
                "depth": 4, "hidden_size": 32, "intermediate_size": 56, "num_heads": 2, "out_hidden_size": 64,
                "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 2]
            }
        })
    }

    fn parse(value: &Value) -> Result<Config, ConfigError> {
        config(&value.to_string())
    }

    #[test]
    fn both_names_of_the_rotary_settings_mean_the_same() {
        let older = parse(&written()).unwrap();
        let mut value = written();
        let text = value["text_config"].as_object_mut().unwrap();
        text.remove("rope_scaling");
        text.remove("rope_theta");
        text.insert(
            "rope_parameters".into(),
            json!({"rope_type": "default", "rope_theta": 5000.0, "mrope_section": [4, 2, 2]}),
        );
        assert_eq!(parse(&value).unwrap(), older);
    }

    #[test]
    fn embeddings_are_tied_at_either_level() {
        let mut value = written();
        value["tie_word_embeddings"] = json!(false);
        assert!(!parse(&value).unwrap().is_tied);
        value["text_config"]["tie_word_embeddings"] = json!(true);
        assert!(parse(&value).unwrap().is_tied);
    }

    #[test]
    fn precision_is_read_by_both_its_names() {
        let mut value = written();
        assert_eq!(parse(&value).unwrap().dtype, DType::F16);
        value.as_object_mut().unwrap().remove("torch_dtype");
        value["dtype"] = json!("bfloat16");
        assert_eq!(parse(&value).unwrap().dtype, DType::BF16);
        value["dtype"] = json!("int8");
        assert!(matches!(parse(&value), Err(ConfigError::Unsupported { field: "dtype", .. })));
    }

    #[test]
    fn other_architectures_are_named_in_the_refusal() {
        let mut value = written();
        value["architectures"] = json!(["Qwen3VLMoeForConditionalGeneration"]);
        let refusal = parse(&value).unwrap_err().to_string();
        assert!(refusal.contains("Qwen3VLMoeForConditionalGeneration"), "{refusal}");
        let refusal = parse(&json!({"model_type": "llama"})).unwrap_err().to_string();
        assert!(refusal.contains("llama"), "{refusal}");
    }

    #[test]
    fn sizes_that_do_not_fit_each_other_are_refused() {
        for (part, field, wrong) in [
            ("text_config", "num_key_value_heads", json!(3)),
            ("text_config", "num_key_value_heads", json!(0)),
            ("text_config", "head_dim", json!(20)),
            ("text_config", "rope_scaling", json!({"rope_type": "yarn"})),
            ("text_config", "hidden_act", json!("gelu")),
            ("vision_config", "out_hidden_size", json!(32)),
            ("vision_config", "num_position_embeddings", json!(65)),
            ("vision_config", "deepstack_visual_indexes", json!([4])),
            ("vision_config", "hidden_act", json!("gelu")),
        ] {
            let mut value = written();
            value[part][field] = wrong;
            assert!(matches!(parse(&value), Err(ConfigError::Unsupported { .. })), "{part}.{field}");
        }
    }
}
