//! What token comes next: the likeliest, one by chance, or the best that keeps an answer within a JSON Schema.
//!
//! Everything is a function of logits, settings and the seed, so that an answer can be repeated.

mod chooser;
mod closing;
mod grammar;
mod random;
mod sampling;

pub use chooser::{Chooser, Limits, Reasoning};
pub use grammar::{Grammar, Grammars};
pub use random::Random;
pub use sampling::Sampling;

/// Chooses the tokens of one row, one after the other: the seam between the network, which knows what is likely, and those who
/// sample, who hold an answer to a schema, or who just take the likeliest.
pub trait Choose {
    /// Chooses the next token. `logits` has one unnormalised logarithm a token of the vocabulary, and may be changed: it is this
    /// row's own, and nobody reads it afterwards.
    fn choose(&mut self, logits: &mut [f32]) -> Chosen;
}

/// A token that was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Index into the vocabulary.
    pub token: u32,
    /// The natural logarithm of its probability by the logits as they came.
    pub logprob: f32,
    /// Nothing comes after it. A token that only says so counts, but has no text.
    pub is_last: bool,
}

/// Why an answer cannot be kept within a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// The tokenizer cannot write everything.
    #[error("the tokenizer cannot write JSON: {0}")]
    Vocabulary(String),
    /// The schema asks for what cannot be kept, or contradicts itself.
    #[error("the schema cannot be followed: {0}")]
    Schema(String),
    /// No answer fits.
    #[error("an answer takes {needed} tokens, but {allowed} are allowed; allow more")]
    Short {
        /// Tokens of the shortest answer that was found.
        needed: usize,
        /// Tokens allowed.
        allowed: usize,
    },
}
