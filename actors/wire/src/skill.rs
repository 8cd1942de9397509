//! What the pilot and the skills role say to each other about a running skill. The shapes are final; until the sandbox
//! exists the pilot uses its built-in skills.

use crate::buttons::Mask;
use crate::{Instance, Step};
use serde::{Deserialize, Serialize};

/// What a skill wants done next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillStep {
    /// Hold these keys, frame by frame.
    Inputs {
        /// The keys.
        frames: Vec<Mask>,
    },
    /// The skill reached its end.
    Done,
    /// The skill gave up.
    Failed {
        /// Why.
        reason: String,
    },
    /// The skills role is not there; the built-in skill of the same name acts.
    Unavailable,
}

/// Asks a skill for its next inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillQuery {
    /// Which game.
    pub instance: Instance,
    /// The step it is asked for.
    pub step: Step,
    /// The skill's name.
    pub skill: String,
    /// Instructions it may use.
    pub fuel: u64,
}
