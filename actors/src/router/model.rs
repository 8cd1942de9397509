//! What asks a model: the shapes that every backend shares, whether it is a server or a model in this process.
//!
//! Whatever a model does ends in a value within the deadline. Dropping the future of a question cancels it.

use super::inquiry::Importance;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use wire::hash::Hash;
use wire::{Instance, Step};

/// A model that can be asked.
pub trait Model: Send + Sync {
    /// Asks. Never waits beyond [`Ask::deadline`].
    fn ask(&self, ask: Ask) -> Answering;

    /// How it stands.
    fn standing(&self) -> Standing;

    /// Answers that came when nobody waited for them any more, and were dropped. Where a dropped question ends the work on
    /// it, there are none.
    fn late_answers(&self) -> u64 {
        0
    }
}

/// An answer under way.
pub type Answering = Pin<Box<dyn Future<Output = Result<Reply, ModelError>> + Send>>;

/// A question to a model.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which game asks.
    pub instance: Instance,
    /// The step it asks for.
    pub step: Step,
    /// How much it matters.
    pub importance: Importance,
    /// When the answer must be there.
    pub deadline: Instant,
    /// What is asked.
    pub prompt: Arc<Prompt>,
}

/// What a model is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// What does not change from step to step, so that a server can keep it: rules and the skills there are.
    pub system: Arc<str>,
    /// What is so now.
    pub user: String,
    /// The picture, as a PNG file. It comes last.
    pub picture: Option<Arc<[u8]>>,
    /// An earlier answer that could not be used, and what is wrong with it.
    pub repair: Option<Repair>,
    /// The JSON Schema of the answer.
    pub schema: serde_json::Value,
    /// About how many tokens this is, the picture included.
    pub tokens: u32,
    /// Tokens that the answer may have.
    pub answer_tokens: u32,
    /// Names exactly this prompt, the picture included.
    pub key: Hash,
}

/// An answer that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// The answer.
    pub answer: String,
    /// What is wrong with it, for the model.
    pub complaint: String,
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The answer.
    pub text: String,
    /// What it thought before, where it says so.
    pub reasoning: String,
    /// The model that answered.
    pub model: String,
    /// Tokens of the prompt, and how many of them the server had kept.
    pub tokens_in: u64,
    /// Of these, tokens that the server had kept from before.
    pub tokens_cached: u64,
    /// Tokens of the answer; estimated where the stream was ended before the server said so.
    pub tokens_out: u64,
    /// The geometric mean of the answer's token probabilities, where the server gives them.
    pub confidence: Option<f32>,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether a second request was sent because the first took long.
    pub is_hedged: bool,
    /// From the question until it was sent, in microseconds.
    pub waited_us: u64,
    /// From sending until the first byte of the answer, in microseconds.
    pub first_byte_us: u64,
    /// From the question until the answer was whole, in microseconds.
    pub took_us: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// As many questions as may wait are waiting.
    #[error("too many questions wait for it")]
    Busy,
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Late,
    /// It is left alone for a while after it failed again and again.
    #[error("it is left alone for a while: {0}")]
    Open(String),
    /// It cannot be reached, or the connection broke.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The server refused.
    #[error("refused with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the server said, shortened, without the key.
        message: String,
    },
    /// What came is not what the protocol says.
    #[error("the answer makes no sense: {0}")]
    Unusable(String),
}

/// How a model stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it may be asked: it was found and is not left alone.
    pub is_ready: bool,
    /// Whether it takes pictures; what it does not know of itself it says yes to.
    pub takes_pictures: bool,
    /// Questions that wait.
    pub waiting: usize,
    /// Questions at a time, as of now.
    pub limit: usize,
}
