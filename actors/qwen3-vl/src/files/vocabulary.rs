//! Whether a tokenizer is of the model that a configuration describes.

use super::{FolderError, Generation, json};
use crate::config::Config;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Token that ends every turn.
pub(super) const TURN_END: &str = "<|im_end|>";

#[derive(Deserialize)]
struct TokenizerFile {
    #[serde(default)]
    added_tokens: Vec<Added>,
    model: Bpe,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct Bpe {
    vocab: HashMap<String, u32>,
}

/// Checks ids against `config`. Where nothing says what ends an answer, the end of a turn does.
pub(super) fn check(
    bytes: &[u8],
    path: &Path,
    config: &Config,
    generation: &mut Generation,
) -> Result<(), FolderError> {
    let file: TokenizerFile = json::parse(bytes, path)?;
    let added: HashMap<&str, u32> = file.added_tokens.iter().map(|token| (token.content.as_str(), token.id)).collect();
    let id_of = |token: &str| added.get(token).copied();
    let expected = [
        ("<|image_pad|>", config.image_token),
        ("<|video_pad|>", config.video_token),
        ("<|vision_start|>", config.vision_start_token),
        ("<|vision_end|>", config.vision_end_token),
    ];
    for (token, expected) in expected {
        let found = id_of(token);
        if found != Some(expected) {
            return Err(FolderError::OtherTokenizer { path: path.to_path_buf(), token, found, expected });
        }
    }
    let ids = file.model.vocab.values().copied().chain(added.values().copied());
    let vocabulary = config.text.vocabulary;
    if let Some(found) = ids.max().filter(|id| *id as usize >= vocabulary) {
        return Err(FolderError::Vocabulary { path: path.to_path_buf(), found, vocabulary });
    }
    for token in ["<|im_start|>", TURN_END] {
        if id_of(token).is_none() {
            let problem = format!("it has no {token}");
            return Err(FolderError::Garbled { path: path.to_path_buf(), problem });
        }
    }
    if generation.ends.is_empty() {
        generation.ends.extend(id_of(TURN_END));
    }
    if let Some(end) = generation.ends.iter().find(|end| **end as usize >= vocabulary) {
        return Err(FolderError::Vocabulary { path: path.to_path_buf(), found: *end, vocabulary });
    }
    Ok(())
}
