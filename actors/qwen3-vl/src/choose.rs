//! How the next token of a row is chosen: the seam between the network, which knows what is likely, and those who sample,
//! who hold an answer to a schema, or who just take the likeliest.

/// Chooses the tokens of one row, one after the other.
pub trait Choose {
    /// Chooses the next token. `logits` has one unnormalised logarithm a token of the vocabulary, and may be changed: it is
    /// this row's own, and nobody reads it afterwards.
    fn choose(&mut self, logits: &mut [f32]) -> Chosen;
}

/// A token, and what the one who chose it knows about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Index into the vocabulary.
    pub token: u32,
    /// Natural logarithm of its probability among those that could be chosen.
    pub logprob: f32,
    /// The answer ends with this token, which is part of it.
    pub is_last: bool,
}
