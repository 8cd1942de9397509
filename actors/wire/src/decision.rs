//! What a decision is: what was asked of the router, who answered, and upon which pixels and memory.

use crate::hash::Hash;
use crate::{Epoch, Instance, Step};
use serde::{Deserialize, Serialize};

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
    /// A model's decision, made now or earlier.
    Decided(Decision),
    /// The planner decides, the lowest tier that always answers.
    Planner {
        /// What kept the models from it.
        cause: Fallback,
        /// The same, for a person.
        reason: String,
    },
}

/// Why no model's decision is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The router is not asked: another brain plays.
    Off,
    /// There is nothing to choose: at most one skill offers itself.
    NoChoice,
    /// As many questions as may wait are waiting.
    Busy,
    /// No answer came within the deadline.
    Late,
    /// The tokens, the money or the calls of this hour are used up.
    Budget,
    /// Every server is left alone after it failed again and again.
    Open,
    /// Every tier that was asked failed.
    Failed,
    /// What the models answered cannot be used, also after it was asked for once more.
    Unusable,
}

impl Fallback {
    /// Every cause.
    pub const ALL: [Fallback; 8] = [
        Fallback::Off,
        Fallback::NoChoice,
        Fallback::Busy,
        Fallback::Late,
        Fallback::Budget,
        Fallback::Open,
        Fallback::Failed,
        Fallback::Unusable,
    ];

    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Fallback::Off => "off",
            Fallback::NoChoice => "no_choice",
            Fallback::Busy => "busy",
            Fallback::Late => "late",
            Fallback::Budget => "budget",
            Fallback::Open => "open",
            Fallback::Failed => "failed",
            Fallback::Unusable => "unusable",
        }
    }
}

/// Where a decision came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A model was asked for this step.
    Model,
    /// A model had been asked exactly this before.
    Exact,
    /// A model had been asked in a situation like this one.
    Similar,
    /// A model was being asked exactly this, by another game.
    Shared,
    /// Nothing that matters changed since this game's last decision: it goes on.
    Kept,
}

impl Source {
    /// Every source.
    pub const ALL: [Source; 5] = [Source::Model, Source::Exact, Source::Similar, Source::Shared, Source::Kept];

    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Source::Model => "model",
            Source::Exact => "exact",
            Source::Similar => "similar",
            Source::Shared => "shared",
            Source::Kept => "kept",
        }
    }
}

/// Which skill acts, why, and upon what that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The game it is for.
    pub instance: Instance,
    /// The step it is for; it is never applied to another.
    pub step: Step,
    /// The pixels and memory that the model was shown: of an earlier step unless the source is [`Source::Model`].
    pub basis: Basis,
    /// Where it came from.
    pub source: Source,
    /// The tier that decided.
    pub tier: String,
    /// The chosen skill, one of those on offer.
    pub skill: String,
    /// Its arguments, as a JSON object; only those that the model gave.
    pub arguments: String,
    /// Between 0 and 1, where there is one: from the answer's token probabilities, else as the model put it.
    pub confidence: Option<f32>,
    /// Why, in the model's words.
    pub reason: String,
}
