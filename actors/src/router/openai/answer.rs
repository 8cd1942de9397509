//! What a server answers, piece by piece, until there is a [`Reply`].

use super::confidence::Words;
use super::object::{Finder, thoughts};
use crate::router::model::{ModelError, Reply};
use serde::Deserialize;
use serde_json::Value;
use std::ops::Range;

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The longest thoughts.
const REASONING_BYTES_MAX: usize = 256 << 10;
/// Bytes of a token, where nobody counts them.
const TOKEN_BYTES: usize = 4;

/// A piece of a stream, or a whole answer: they differ in `delta` and `message`.
#[derive(Debug, Default, Deserialize)]
pub struct Piece {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Said>,
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
}

#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
    /// The newer name; some servers send both.
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    #[serde(default)]
    content: Option<Vec<Logprob>>,
}

#[derive(Debug, Deserialize)]
struct Logprob {
    token: String,
    #[serde(default)]
    logprob: Option<f64>,
    #[serde(default)]
    bytes: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

/// An answer that grows.
#[derive(Debug, Default)]
pub struct Answer {
    text: String,
    reasoning: String,
    model: String,
    usage: Option<Usage>,
    words: Words,
    finder: Finder,
    object: Option<Range<usize>>,
    /// Pieces that said something: each is a token or more.
    pieces: u64,
    finish: Option<String>,
}

/// What an answer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    /// Anything at all, apart from thoughts.
    pub anything: bool,
    /// How probable its tokens were.
    pub probabilities: bool,
    /// Something that begins like an object.
    pub an_object: bool,
}

impl Answer {
    /// Takes the next piece.
    ///
    /// # Errors
    /// What the server says is wrong, or [`ModelError::Unusable`] when it says too much.
    pub fn take(&mut self, piece: Piece) -> Result<(), ModelError> {
        if let Some(error) = piece.error.filter(|error| !error.is_null()) {
            return Err(complaint(&error));
        }
        if let Some(model) = piece.model.filter(|_| self.model.is_empty()) {
            self.model = model;
        }
        self.usage = piece.usage.or(self.usage);
        let Some(choice) = piece.choices.into_iter().next() else { return Ok(()) };
        self.finish = choice.finish_reason.or(self.finish.take());
        let said = choice.delta.or(choice.message).unwrap_or_default();
        let reasoning = said.reasoning_content.or(said.reasoning).unwrap_or_default();
        let content = said.content.or(said.refusal).unwrap_or_default();
        self.pieces += u64::from(!reasoning.is_empty() || !content.is_empty());
        if self.text.len() + content.len() > ANSWER_BYTES_MAX {
            return Err(ModelError::Unusable(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        if self.reasoning.len() + reasoning.len() > REASONING_BYTES_MAX {
            return Err(ModelError::Unusable(format!("it thinks for more than {REASONING_BYTES_MAX} bytes")));
        }
        self.reasoning.push_str(&reasoning);
        self.text.push_str(&content);
        for word in choice.logprobs.and_then(|logprobs| logprobs.content).unwrap_or_default() {
            self.words.note(&word.token, word.bytes.as_deref(), word.logprob.unwrap_or(f64::NEG_INFINITY));
        }
        if self.object.is_none() {
            self.object = self.finder.look(&self.text);
        }
        Ok(())
    }

    /// Whether the answer's object is whole.
    pub fn is_whole(&self) -> bool {
        self.object.is_some()
    }

    /// Whether the server said that this is all.
    pub fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether anything was said, how probable it was, and whether it may be the beginning of an object.
    pub fn says(&self) -> Says {
        let rest = thoughts(&self.text).1.trim();
        Says { anything: !rest.is_empty(), probabilities: self.words.are_told(), an_object: rest.starts_with('{') }
    }

    /// The answer as it is now. `tokens_in`: the estimate of the prompt.
    ///
    /// # Errors
    /// [`ModelError::Unusable`] when nothing was said.
    pub fn reply(self, tokens_in: u64) -> Result<Reply, ModelError> {
        let (thought, rest) = thoughts(&self.text);
        let text = self.object.clone().map_or(rest.trim(), |object| &self.text[object]);
        if text.is_empty() {
            let thought = !self.reasoning.is_empty() || !thought.is_empty();
            let why = if thought { "it only thinks; give it more answer_tokens" } else { "it is empty" };
            return Err(ModelError::Unusable(why.to_string()));
        }
        let text = text.to_string();
        let reasoning = [self.reasoning.trim(), thought].into_iter().filter(|part| !part.is_empty());
        let reasoning = reasoning.collect::<Vec<_>>().join("\n");
        let confidence = self.words.confidence(&self.text, self.object);
        let bytes = self.text.len() + self.reasoning.len();
        let estimate = self.pieces.max(bytes.div_ceil(TOKEN_BYTES) as u64);
        let usage = self.usage.unwrap_or_default();
        Ok(Reply {
            text,
            reasoning,
            model: self.model,
            tokens_in: usage.prompt_tokens.unwrap_or(tokens_in),
            tokens_cached: usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or_default(),
            tokens_out: usage.completion_tokens.unwrap_or(estimate),
            confidence,
            ..Reply::default()
        })
    }
}

/// What an error object says: `{"code":…,"message":…}`, or words alone.
fn complaint(error: &Value) -> ModelError {
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    ModelError::Refused {
        status: code.filter(|code| (400..600).contains(code)).unwrap_or(500),
        message: message(error),
    }
}

/// The words of an error object.
pub fn message(error: &Value) -> String {
    let words = error.get("message").or(error.get("error")).or(error.get("detail")).unwrap_or(error);
    words.as_str().map_or_else(|| words.to_string(), str::to_string)
}
