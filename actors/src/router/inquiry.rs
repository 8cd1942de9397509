//! What the router is asked at one step: everything that a model may be shown, and what it may choose from.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::decision::Basis;
use wire::observation::Observation;
use wire::ring::Snapshot;
use wire::skill::{Argument, Bearings, Parameter};
use wire::{Instance, Step};

/// A decision that is wanted.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// Which game.
    pub instance: Instance,
    /// The step it is asked for.
    pub step: Step,
    /// Counts the lives of this game.
    pub life: u32,
    /// What the decision is made from.
    pub basis: Basis,
    /// The frame; its memory may be left out.
    pub frame: Arc<Snapshot>,
    /// The frame's 64-bit difference hash.
    pub picture: u64,
    /// What the frame means. Tiles that are not known have no terrain.
    pub seen: Arc<Observation>,
    /// What the pilot knows beyond that.
    pub bearings: Bearings,
    /// What may be chosen, in the order in which the planner would ask them. Names are not repeated.
    pub offers: Vec<Offer>,
    /// What was done in the last steps and what came of it, the newest last.
    pub outcomes: Vec<Outcome>,
    /// Recalled memories in words, the weightiest first.
    pub memories: Vec<String>,
    /// How unlike everything remembered this situation is: the squared distance of the nearest memory, where recall is used.
    pub novelty: Option<f32>,
    /// Guidance for the model: name and text of each skill that is guidance.
    pub guidance: Arc<Vec<(String, String)>>,
}

/// A skill that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name.
    pub skill: String,
    /// What it does.
    pub description: String,
    /// What it can be told.
    pub parameters: Vec<Parameter>,
    /// What its trigger tells it.
    pub arguments: Vec<(String, Argument)>,
    /// The trigger that holds.
    pub why: String,
    /// How urgent the trigger is.
    pub priority: i32,
    /// Whether its run goes on.
    pub is_running: bool,
}

/// What was done in a step, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The step.
    pub step: Step,
    /// The skill that acted.
    pub skill: String,
    /// What was done.
    pub action: String,
    /// What came of it.
    pub effect: String,
    /// Whether anything came of it.
    pub is_effective: bool,
    /// Hit points lost with it.
    pub hp_lost: i32,
}

/// How much a question matters. Of one game's waiting questions the more important one is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// The ordinary course of play.
    #[default]
    Ordinary,
    /// Something new: a new floor, a foe, a screen that was not there.
    Raised,
    /// Danger: hit points were lost or are few.
    Urgent,
}
