//! What a model is asked, and what it says.

use crate::chat::ChatError;
use crate::choose::{ChooseError, Sampling};
use crate::error::{Error, RowError};
use crate::picture::PictureError;
use std::time::Instant;

/// A picture of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    /// Pixels a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Lines from the top, three bytes a pixel.
    pub rgb: &'a [u8],
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Rules, the same for many questions.
    pub system: &'a str,
    /// What is asked.
    pub user: &'a str,
    /// What it looks like. It comes after the text.
    pub picture: Option<Picture<'a>>,
    /// An earlier answer, and what is wrong with it.
    pub repair: Option<(&'a str, &'a str)>,
    /// The JSON Schema that the answer obeys; without one it is free text.
    pub schema: Option<&'a serde_json::Value>,
    /// Tokens that the answer may have, reasoning included.
    pub answer_tokens: usize,
    /// When the answer must be there.
    pub deadline: Instant,
    /// How tokens are drawn.
    pub sampling: Sampling,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer.
    pub text: String,
    /// What the model thought before; empty where it does not.
    pub reasoning: String,
    /// Tokens of the prompt, those of the picture included.
    pub tokens_in: usize,
    /// Of these, tokens that were known from earlier prompts.
    pub tokens_cached: usize,
    /// Tokens of the answer, with its reasoning and the token that ends it.
    pub tokens_out: usize,
    /// The geometric mean of the probabilities of the answer's tokens, without its reasoning, 0 to 1.
    pub confidence: f32,
    /// From the call until the answer's first token, in microseconds.
    pub waited_for_first_us: u64,
}

/// Why there is no answer. Each is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Late,
    /// The prompt fills the context.
    #[error("the prompt has {tokens} tokens, and there is no room for an answer in a context of {context}; shorten it")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens of prompt and answer together, at most.
        context: usize,
    },
    /// The picture is not taken.
    #[error("{0}")]
    Picture(#[from] PictureError),
    /// No answer can be kept within the schema, or none that is short enough.
    #[error("{0}")]
    Schema(#[from] ChooseError),
    /// The question cannot be laid out.
    #[error("{0}")]
    Text(#[from] ChatError),
    /// The question makes no sense to the network.
    #[error("{0}")]
    Row(RowError),
    /// Arithmetic failed.
    #[error("the model cannot compute: {0}")]
    Computation(String),
}

impl QuestionError {
    pub(super) fn computation(error: &Error) -> Self {
        Self::Computation(first_line(error))
    }
}

impl From<RowError> for QuestionError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::TooLong { tokens, context } => Self::TooLong { tokens, context },
            other => Self::Row(other),
        }
    }
}

/// Without the trace that may follow it.
pub(super) fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
