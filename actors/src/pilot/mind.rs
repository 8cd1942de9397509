//! What decides, skills or built-in rules: what both expect and learn, and what of them a checkpoint keeps.

use super::journey::{Journey, Seen};
use super::task::Task;
use crate::brain::{Effect, Move};
use serde::{Deserialize, Serialize};
use wire::codec::{self, CodecError};
use wire::skill::facts::Facts;

/// What a checkpoint keeps.
#[derive(Serialize, Deserialize)]
struct Minds {
    #[serde(with = "wire::blob")]
    rules: Vec<u8>,
    /// Empty where no skills are played through.
    #[serde(with = "wire::blob")]
    skilled: Vec<u8>,
    /// What is known from pictures; empty where memory tells it.
    #[serde(with = "wire::blob")]
    looking: Vec<u8>,
}

impl Journey {
    /// The name of who decided on a move.
    pub(super) fn decider(&self, choice: &Move) -> &'static str {
        if self.routing.decision_for(&choice.skill).is_some() {
            "router"
        } else if choice.version.is_some() {
            "planner"
        } else {
            self.brain.name()
        }
    }

    /// What is known and remembered, for a checkpoint.
    pub(super) fn mind(&self) -> Vec<u8> {
        let (rules, looking) = (self.brain.save(), self.looking.save());
        let skilled = self.skilled.as_ref().map_or(Ok(Vec::new()), |skilled| skilled.save());
        let minds = skilled.and_then(|skilled| codec::encode(&Minds { rules, skilled, looking }));
        minds.unwrap_or_else(|error| {
            tracing::warn!(%error, "what skills remember is too large for a checkpoint");
            Vec::new()
        })
    }

    /// Takes up what [`Journey::mind`] returned.
    pub(super) fn restore_minds(&mut self, mind: &[u8]) -> Result<(), CodecError> {
        let minds: Minds = codec::decode(mind)?;
        self.brain.restore(&minds.rules)?;
        self.looking.restore(&minds.looking)?;
        match &mut self.skilled {
            Some(skilled) => skilled.restore(&minds.skilled),
            None => Ok(()),
        }
    }

    /// A move is about to be made.
    pub(super) fn expect(&mut self, choice: &Move, before: &Seen) {
        if let Some(skilled) = &mut self.skilled {
            skilled.mind.headway.expect(choice.expect, &before.observation);
        }
    }

    /// Learns what a move did. The rules learn of their own moves alone.
    pub(super) fn note(&mut self, choice: &Move, effect: Effect) {
        if choice.version.is_none() {
            self.brain.note(effect);
        }
        if let Some(skilled) = &mut self.skilled {
            skilled.mind.headway.note(effect);
            skilled.mind.effect = effect.name().to_string();
        }
    }

    pub(super) fn look_at_task(&mut self, after: &Seen) {
        let (Some(task), Some(skilled), Some(aboard)) = (&mut self.task, &self.skilled, &self.aboard) else { return };
        let seen = &after.observation;
        let bearings = skilled.mind.headway.bearings(seen, aboard.profile.episode(seen));
        task.look(&Facts::of(seen, &bearings));
    }

    pub(super) fn is_task_met(&self) -> bool {
        self.task.as_ref().map(Task::result).is_some_and(|result| result.is_met)
    }
}
