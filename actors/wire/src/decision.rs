//! What is asked of a brain through the router and what it decides. The shapes are final; until tiers exist the
//! router answers [`Routed::Unavailable`] and the pilot's own brain decides.

use crate::hash::Hash;
use crate::{Epoch, Instance, Step};
use serde::{Deserialize, Serialize};

/// A question to the router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionQuery {
    /// Which game.
    pub instance: Instance,
    /// The step it is asked for.
    pub step: Step,
    /// What the decision is made from.
    pub basis: Basis,
    /// Names of the skills on offer.
    pub skills: Vec<String>,
    /// Longest wait, in microseconds.
    pub deadline_us: u64,
}

/// The exact pixels and memory that a decision is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Number of the frame.
    pub frame: u64,
    /// Life of the emulator.
    pub epoch: Epoch,
    /// Hash of the pixels.
    pub frame_hash: Hash,
    /// Hash of the memory snapshot.
    pub ram_hash: Hash,
}

/// The router's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Routed {
    /// A tier decided.
    Decided(Decision),
    /// The deadline passed.
    Late,
    /// No tier can be asked.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// What to do, why, and upon what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The step it is for; it is never applied to another.
    pub step: Step,
    /// What it was made from.
    pub basis: Basis,
    /// The tier or brain that decided.
    pub tier: String,
    /// The chosen skill.
    pub skill: String,
    /// Its arguments, as JSON.
    pub arguments: String,
    /// Between 0 and 1, where the tier gives one.
    pub confidence: Option<f32>,
    /// Why, in a sentence.
    pub reason: String,
}
