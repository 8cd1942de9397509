//! What the pilot and the skills role say to each other over a socket of their own ([`crate::link`]).
//!
//! Order: the role sends its shelf of skills, and again whenever it changes. The pilot sends `Begin` for each game, then
//! one `Turn` after the other; each is answered by one `Turned` of the same id. Everything a script may know is in these
//! messages, so the same turns always give the same acts: that is how a run of a skill is brought back after a death.

use crate::buttons::Mask;
use crate::hash::Hash;
use crate::observation::{Direction, Position};
use crate::{Instance, Step};
use serde::{Deserialize, Serialize};

pub mod arguments;
pub mod facts;
pub mod sight;
pub mod trigger;

pub use sight::Sight;

/// From the pilot to the skills role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToSkills {
    /// A game begins or is looked at anew: no skill runs, nothing was seen, and this is what skills remember.
    Begin {
        /// Which game.
        instance: Instance,
        /// What each skill remembers, by its name.
        memories: Vec<(String, Remembered)>,
    },
    /// What the pilot sees; one of these skills should act.
    Turn(Box<Turn>),
}

/// From the skills role to the pilot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromSkills {
    /// A part of the skills that can be chosen. The parts of a new generation replace the one before when its last came.
    Shelf {
        /// Counts the shelves of one life of the role.
        generation: u64,
        /// Whether it is the last part.
        is_last: bool,
        /// Skills, in the order of their names.
        cards: Vec<Card>,
    },
    /// The answer to a turn.
    Turned(Box<Turned>),
}

/// The most bytes of [`Card::guidance`].
pub const GUIDANCE_BYTES_MAX: usize = 16 << 10;

/// What a skill remembers from one of its runs to the next: plain data, as JSON.
pub type Remembered = String;

/// What has to be known of a skill to choose it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Its version, for a person.
    pub version: String,
    /// Names the exact text of manifest and script.
    pub revision: Hash,
    /// `core`, `community` or `custom`.
    pub tier: String,
    /// What it does, for whoever chooses.
    pub description: String,
    /// When it offers itself, in the language of [`trigger`].
    pub triggers: Vec<Trigger>,
    /// What it can be told.
    pub parameters: Vec<Parameter>,
    /// The condition with which its work is done, in the language of [`trigger`].
    pub success: Option<String>,
    /// Steps that one run may take.
    pub steps_max: u32,
    /// Whether it has a script; without one it is guidance for a model.
    pub has_script: bool,
    /// Guidance for a model, at most [`GUIDANCE_BYTES_MAX`]; what is longer is cut short at a line's end.
    pub guidance: Option<String>,
}

/// When a skill offers itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The condition.
    pub when: String,
    /// Of all that offer themselves, the highest is asked first; a running skill gives way to a higher one alone.
    pub priority: i32,
    /// What it is told then.
    pub arguments: Vec<(String, Argument)>,
}

/// A value given to a skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Argument {
    /// True or false.
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What a skill can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// `boolean`, `integer`, `number`, `text`.
    pub kind: String,
    /// What it is when it is not told.
    pub default: Option<Argument>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// The texts that are allowed; empty: all.
    pub one_of: Vec<String>,
}

/// One look at the game, and who may act upon it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Counts the turns of one connection.
    pub id: u64,
    /// Which game.
    pub instance: Instance,
    /// The step that is to be decided.
    pub step: Step,
    /// What is seen.
    pub sight: Sight,
    /// What the pilot knows beyond that.
    pub bearings: Bearings,
    /// What came of the last act: `moved`, `turn passed`, `none`, …; empty before the first.
    pub effect: String,
    /// The condition with which the running skill's work is done holds: its run ends as a success before anyone is asked.
    pub is_done: bool,
    /// Where the random numbers of a run that begins with this turn come from.
    pub chance: u64,
    /// Who may act, in this order: the first that wants to act does.
    pub candidates: Vec<Candidate>,
}

/// A skill that may act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name. When it runs already, its run goes on; else one begins.
    pub skill: String,
    /// The text that is meant, when a run is brought back that began with it; any other declines.
    pub revision: Option<Hash>,
    /// What it is told if its run begins.
    pub arguments: Vec<(String, Argument)>,
}

/// What the pilot knows of the journey beyond what is seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bearings {
    /// Where the game is between its title and its end.
    pub phase: Phase,
    /// Acts in a row that did nothing.
    pub fruitless: u32,
    /// Decisions on this floor since anything got better.
    pub unproductive: u32,
    /// Straight to the stairs: time, food or ideas run out.
    pub is_hurrying: bool,
    /// The most hit points lately lost in one turn.
    pub hardest_hit: i32,
    /// Steps that did not succeed on this floor.
    pub failed_steps: Vec<(Position, Direction)>,
}

/// Where a game is between its title and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody knows: the game's profile does not say.
    #[default]
    Unknown,
    /// Not begun.
    Title,
    /// Being played.
    Playing,
    /// Lost.
    Lost,
    /// Won.
    Won,
}

impl Phase {
    /// The name in triggers and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Unknown => "unknown",
            Phase::Title => "title",
            Phase::Playing => "playing",
            Phase::Lost => "lost",
            Phase::Won => "won",
        }
    }
}

/// What came of a turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turned {
    /// The turn's id.
    pub id: u64,
    /// Runs that ended in this turn, in order; those that declined without a single act are among them.
    pub ended: Vec<Ended>,
    /// Who acts, and how; nothing when nobody wants to.
    pub act: Option<Act>,
    /// What scripts noted: skill and text.
    pub notes: Vec<(String, String)>,
    /// Time in the role, in microseconds.
    pub spent_us: u64,
}

/// A run of a skill that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Which skill.
    pub skill: String,
    /// Its version.
    pub version: String,
    /// How.
    pub outcome: Outcome,
    /// Why. Of a fault: file, line and what is wrong.
    pub reason: String,
    /// Acts of this run.
    pub steps: u32,
    /// What the skill remembers now, if it changed. Skills that it called are listed with theirs.
    pub memories: Vec<(String, Remembered)>,
}

/// How a run of a skill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did what it is for.
    Success,
    /// It could not.
    Failure,
    /// Another skill was more urgent, or the game changed.
    Interrupted,
    /// Its script is wrong, or took too much time, memory or steps.
    Fault,
}

impl Outcome {
    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Interrupted => "interrupted",
            Outcome::Fault => "fault",
        }
    }
}

/// What a skill wants done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// The skill that was chosen.
    pub skill: String,
    /// Its version.
    pub version: String,
    /// The exact text of it.
    pub revision: Hash,
    /// Whether its run begins with this act.
    pub is_new: bool,
    /// The skill whose script acts: the chosen one, or one that it called.
    pub by: String,
    /// What is done, for a person.
    pub action: String,
    /// Why.
    pub reason: String,
    /// What it is after; empty: it did not say.
    pub goal: String,
    /// What is done.
    pub deed: Deed,
}

/// What is done to the game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// Keys are held, and frames pass.
    Keys {
        /// Keys held, frame by frame.
        keys: Vec<Mask>,
        /// The most frames to run, those of `keys` included, until the game waits for somebody again.
        frames_max: u32,
        /// What should come of it.
        expect: Expectation,
    },
    /// The game's state is kept for this run of the skill; no frame passes.
    Checkpoint,
    /// The game is put back to the state that was kept; no frame passes.
    Restore,
}

/// What a move should do to the game, to be checked in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expectation {
    /// The leader stands here.
    Step(Position),
    /// The leader looks in this direction.
    Face(Direction),
    /// A turn passes.
    Turn,
    /// A menu opens, closes or changes.
    Menu,
    /// A cursor moves.
    Cursor,
    /// A text box goes on or closes.
    Text,
    /// Another floor, or another screen outside the dungeon.
    Scene,
    /// Nothing: no key is pressed.
    Nothing,
}
