//! What is asked of experience and what comes back. The shapes are final; until the silos exist the answer is
//! [`Recall::Unavailable`].

use crate::{Instance, Step};
use serde::{Deserialize, Serialize};

/// A question to the silos: what happened in situations like this one?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecallQuery {
    /// Which game.
    pub instance: Instance,
    /// The step it is asked for; an answer for another step is dropped.
    pub step: Step,
    /// The embedding space the vector belongs to.
    pub space: String,
    /// The situation's embedding; all values finite.
    pub vector: Vec<f32>,
    /// How many memories are wanted.
    pub count: u32,
    /// Longest wait, in microseconds.
    pub deadline_us: u64,
}

/// What experience says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recall {
    /// The nearest memories, best first.
    Found {
        /// The memories.
        memories: Vec<Memory>,
        /// Silos that answered within the deadline.
        silos: u32,
    },
    /// The deadline passed before any silo answered.
    Late,
    /// There is nothing to ask.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// One remembered clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Identity in the experience store.
    pub id: u64,
    /// Steps the clip spans: 1, 2, 4, 8, 16, 32 or 64.
    pub span: u32,
    /// Fused score, higher is nearer.
    pub score: f32,
    /// What was done.
    pub action: String,
    /// Progress made afterwards, in floors and fractions of one.
    pub progress: f32,
    /// Hit points lost afterwards.
    pub hp_lost: i32,
    /// The floor it happened on.
    pub floor: u32,
}
