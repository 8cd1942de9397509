//! Text to tokens and back.
//!
//! Text never becomes a control token, whatever it says: the tokenizer underneath does not know them. Whoever wants one asks
//! for it by name.

use super::ChatError;
use serde_json::Value;
use std::collections::HashMap;

/// A byte-level tokenizer: Hugging Face's `tokenizer.json`.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    plain: tokenizers::Tokenizer,
    /// Control tokens, the longest first.
    added: Vec<(String, u32)>,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, Default)]
struct Token {
    bytes: Vec<u8>,
    is_control: bool,
    is_silent: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`ChatError::Tokenizer`] where it is no byte-level tokenizer.
    pub fn parse(json: &[u8]) -> Result<Self, ChatError> {
        let wrong = |problem: String| ChatError::Tokenizer(problem.escape_debug().to_string());
        let mut file: Value = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        let fields = file.as_object_mut().ok_or_else(|| wrong("it is no object".to_string()))?;
        let added = fields.insert("added_tokens".to_string(), Value::Array(vec![])).unwrap_or_default();
        fields.insert("truncation".to_string(), Value::Null);
        fields.insert("padding".to_string(), Value::Null);
        let plain = serde_json::to_vec(&file).map_err(|error| wrong(error.to_string()))?;
        let plain = tokenizers::Tokenizer::from_bytes(plain).map_err(|error| wrong(error.to_string()))?;

        let letters = letters();
        let mut tokens = Vec::new();
        for (token, id) in plain.get_vocab(false) {
            let bytes = token.chars().map(|letter| letters.get(&letter).copied()).collect::<Option<Vec<u8>>>();
            let bytes = bytes.ok_or_else(|| wrong(format!("{token:?} is not in bytes")))?;
            set(&mut tokens, id, Token { bytes, ..Token::default() }).map_err(wrong)?;
        }
        let mut names = Vec::new();
        for token in added.as_array().map(Vec::as_slice).unwrap_or_default() {
            let name = token["content"].as_str().filter(|name| !name.is_empty());
            let id = token["id"].as_u64().and_then(|id| u32::try_from(id).ok());
            let Some((name, id)) = name.zip(id) else {
                return Err(wrong("one of added_tokens makes no sense".to_string()));
            };
            let is_silent = token["special"].as_bool().unwrap_or(false);
            set(&mut tokens, id, Token { bytes: name.as_bytes().to_vec(), is_control: true, is_silent })
                .map_err(wrong)?;
            names.push((name.to_string(), id));
        }
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Ok(Self { plain, added: names, tokens })
    }

    /// Tokens of `text`, none of which is a control token.
    ///
    /// # Errors
    /// [`ChatError::Text`] where the tokenizer has no token for some of it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ChatError> {
        let encoded = self.plain.encode_fast(text, false).map_err(|error| ChatError::Text(error.to_string()))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The control token of this name, `<|im_end|>` say.
    pub fn control(&self, name: &str) -> Option<u32> {
        self.added.iter().find(|(added, _)| added == name).map(|(_, id)| *id)
    }

    /// Bytes of a token; none where there is no such token. Of a control token they are its name.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.tokens.get(token as usize).map_or(&[], |token| &token.bytes)
    }

    /// Whether a token is a control token.
    pub fn is_control(&self, token: u32) -> bool {
        self.tokens.get(token as usize).is_some_and(|token| token.is_control)
    }

    /// One more than the largest token.
    pub fn size(&self) -> usize {
        self.tokens.len()
    }

    /// The text of tokens. Those that only steer are left out; what is no UTF-8 is replaced.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let heard = tokens.iter().filter_map(|token| self.tokens.get(*token as usize)).filter(|token| !token.is_silent);
        let bytes: Vec<u8> = heard.flat_map(|token| token.bytes.iter().copied()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first control token named in `text`: where it starts, where it ends, which it is.
    pub(super) fn first_control(&self, text: &str) -> Option<(usize, usize, u32)> {
        self.added
            .iter()
            .filter_map(|(name, id)| text.find(name.as_str()).map(|start| (start, start + name.len(), *id)))
            .min_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)))
    }
}

/// The largest token that a tokenizer may have, so that a wrong number takes no memory.
const TOKEN_MAX: u32 = 1 << 22;

fn set(tokens: &mut Vec<Token>, id: u32, token: Token) -> Result<(), String> {
    if id > TOKEN_MAX {
        return Err(format!("token {id} is too large"));
    }
    let at = id as usize;
    if tokens.len() <= at {
        tokens.resize(at + 1, Token::default());
    }
    tokens[at] = token;
    Ok(())
}

/// The letters that byte-level tokenizers write bytes as: printable bytes as themselves, the others as 256 and up.
fn letters() -> HashMap<char, u8> {
    let is_printed = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let hidden = (0..=255_u8).filter(|byte| !is_printed(byte));
    let printed = (0..=255_u8).filter(is_printed).map(|byte| (char::from(byte), byte));
    ('\u{100}'..).zip(hidden).chain(printed).collect()
}
