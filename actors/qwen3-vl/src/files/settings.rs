//! What a folder says besides weights and shapes: chat template, preparation of pictures, sampling.

use super::{FolderError, WHOLE, json};
use crate::config::{OneOrMany, VisionConfig};
use crate::picture::Preparation;
use serde::Deserialize;
use std::path::Path;

/// How the model wants to be sampled: `generation_config.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generation {
    /// Tokens that end an answer.
    pub ends: Vec<u32>,
    /// Whether to sample at all; otherwise the likeliest token is taken.
    pub is_sampled: bool,
    /// What logits are divided by.
    pub temperature: Option<f32>,
    /// How many of the likeliest tokens are left.
    pub top_k: Option<usize>,
    /// How much probability the tokens left have together.
    pub top_p: Option<f32>,
    /// How likely a token must be, as a share of the likeliest.
    pub min_p: Option<f32>,
    /// What logits of tokens said before are divided by, or multiplied with where they are negative.
    pub repetition_penalty: Option<f32>,
    /// What is taken from the logits of tokens said before.
    pub presence_penalty: Option<f32>,
}

#[derive(Deserialize)]
struct TemplateFile {
    chat_template: Option<serde_json::Value>,
}

pub(super) fn template(root: &Path) -> Result<String, FolderError> {
    let jinja = root.join("chat_template.jinja");
    if jinja.is_file() {
        let text = json::read(&jinja, json::CONFIG_BYTES_MAX, WHOLE)?;
        return String::from_utf8(text)
            .map_err(|_| FolderError::Garbled { path: jinja, problem: "it is no UTF-8".to_string() });
    }
    for name in ["chat_template.json", "tokenizer_config.json"] {
        let path = root.join(name);
        if path.is_file() {
            let file: TemplateFile = json::parse(&json::read(&path, json::TOKENIZER_BYTES_MAX, WHOLE)?, &path)?;
            if let Some(template) = file.chat_template.as_ref().and_then(serde_json::Value::as_str) {
                return Ok(template.to_string());
            }
        }
    }
    Err(FolderError::Missing {
        path: root.join("chat_template.json"),
        remedy: "nor does tokenizer_config.json have a chat template; copy chat_template.json from the model's page",
    })
}

pub(super) fn preparation(root: &Path, vision: Option<&VisionConfig>) -> Result<Preparation, FolderError> {
    let path = root.join("preprocessor_config.json");
    let bytes = json::read(&path, json::CONFIG_BYTES_MAX, WHOLE)?;
    let read = Preparation::parse(&bytes).map_err(|source| FolderError::Pictures { path: path.clone(), source })?;
    if let Some(VisionConfig { patch, frames, merge, .. }) = vision
        && (&read.patch, &read.temporal, &read.merge) != (patch, frames, merge)
    {
        let problem = format!(
            "patches of {} with {} frames, merged by {}, where config.json has {patch}, {frames} and {merge}",
            read.patch, read.temporal, read.merge
        );
        return Err(FolderError::Garbled { path, problem });
    }
    Ok(read)
}

#[derive(Deserialize)]
struct GenerationFile {
    eos_token_id: Option<OneOrMany>,
    #[serde(default)]
    do_sample: bool,
    temperature: Option<f32>,
    top_k: Option<usize>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    presence_penalty: Option<f32>,
}

pub(super) fn generation(root: &Path) -> Result<Generation, FolderError> {
    let path = root.join("generation_config.json");
    let file: GenerationFile = json::parse(&json::read(&path, json::CONFIG_BYTES_MAX, WHOLE)?, &path)?;
    let is_share = |value: &Option<f32>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
    let is_positive = |value: &Option<f32>| value.is_none_or(|value| value > 0.0 && value.is_finite());
    let is_sane = is_share(&file.top_p)
        && is_share(&file.min_p)
        && file.temperature.is_none_or(|value| value >= 0.0 && value.is_finite())
        && is_positive(&file.repetition_penalty)
        && file.presence_penalty.is_none_or(f32::is_finite);
    if !is_sane {
        return Err(FolderError::Garbled { path, problem: "a sampling setting is out of range".to_string() });
    }
    Ok(Generation {
        ends: file.eos_token_id.map(OneOrMany::into_vec).unwrap_or_default(),
        is_sampled: file.do_sample,
        temperature: file.temperature,
        top_k: file.top_k,
        top_p: file.top_p,
        min_p: file.min_p,
        repetition_penalty: file.repetition_penalty,
        presence_penalty: file.presence_penalty,
    })
}
