//! Brains that need no model: they look at an observation and say which keys to press next.
//!
//! Invariants: a brain is pure. It reads no clock, starts nothing, and draws randomness only from the seed it was made
//! with, so that the same observations give the same moves, also after saving and restoring. It looks at the game before
//! every single press: what it means to do over several presses, it remembers, and checks in memory after each of them.
//! Absent: talking to the emulator, waiting, models.

use crate::profile::Profile;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use wire::keys::Gesture;
use wire::observation::Observation;
use wire::skill::Expectation;

pub(crate) mod chooser;
mod effect;
pub(crate) mod headway;
mod random;
mod rules;

pub use effect::{Effect, effect};
pub use random::RandomPlayer;
pub use rules::Rules;

/// The names that [`brain`] knows.
pub const BRAIN_NAMES: [&str; 4] = ["planner", "router", "rules", "random"];

/// Decides what to press.
pub trait Brain: Send {
    /// Its name in the configuration and in telemetry.
    fn name(&self) -> &'static str;

    /// The next move. Called whenever the profile's turn condition holds, and after [`Gesture::frames_max`] frames
    /// without it.
    fn decide(&mut self, observation: &Observation, profile: &Profile) -> Move;

    /// Tells what came of the move that was decided last. A brain that is not told assumes that it worked.
    fn note(&mut self, effect: Effect);

    /// Drops every plan and whatever it remembers of the game: something else is on the screen now.
    fn forget(&mut self);

    /// What it remembers, for a checkpoint.
    fn save(&self) -> Vec<u8>;

    /// Takes up what [`Brain::save`] returned.
    ///
    /// # Errors
    /// When the bytes are not this brain's memory; it then remembers what it did before.
    fn restore(&mut self, state: &[u8]) -> Result<(), wire::codec::CodecError>;
}

/// Makes a brain; `None` for a name that is not in [`BRAIN_NAMES`]. The planner chooses among skills, and so does a model that
/// the router asks; what both have built in are the rules, for when no skill can act.
pub fn brain(name: &str, seed: u64) -> Option<Box<dyn Brain>> {
    match name {
        "planner" | "router" | "rules" => Some(Box::new(Rules::new(seed))),
        "random" => Some(Box::new(RandomPlayer::new(seed))),
        _ => None,
    }
}

/// One decision: a few frames of keys, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The skill that it belongs to.
    pub skill: Cow<'static, str>,
    /// The version of the skill; built-in ones have none.
    pub version: Option<String>,
    /// What is pressed, for a person: `step E`, `attack NE`, `press A (stairs: proceed)`.
    pub action: Cow<'static, str>,
    /// Why, in a sentence.
    pub reason: Cow<'static, str>,
    /// The new goal, when it changes with this move.
    pub goal: Option<Cow<'static, str>>,
    /// The keys.
    pub gesture: Gesture,
    /// What should come of it.
    pub expect: Expectation,
}

/// What a move belongs to. The names are those of the built-in skills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Skill {
    Explore,
    TakeStairs,
    Fight,
    Flee,
    Eat,
    PickUp,
    UseItem,
    Throw,
    Rest,
    JoinAlly,
    AnswerDialogue,
    CloseMenu,
    StartGame,
    RecoverWhenStuck,
    Wait,
}

impl Skill {
    /// The skill's name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Skill::Explore => "explore",
            Skill::TakeStairs => "take-stairs",
            Skill::Fight => "fight",
            Skill::Flee => "flee",
            Skill::Eat => "eat",
            Skill::PickUp => "pick-up",
            Skill::UseItem => "use-item",
            Skill::Throw => "throw",
            Skill::Rest => "rest",
            Skill::JoinAlly => "join-ally",
            Skill::AnswerDialogue => "answer-dialogue",
            Skill::CloseMenu => "close-menu",
            Skill::StartGame => "start-game",
            Skill::RecoverWhenStuck => "recover-when-stuck",
            Skill::Wait => "wait",
        }
    }
}
