//! What the rules remember between decisions. It is small, bounded, and saved with each checkpoint.

use crate::brain::Effect;
use crate::brain::headway::{Headway, push_bounded};
use serde::{Deserialize, Serialize};
use wire::observation::{Direction, Observation, Position};

/// Key presses after which an intent is given up, and how many of them a press without effect counts for.
const INTENT_PRESSES_MAX: u32 = 60;
const FRUITLESS_PRESSES: u32 = 12;
/// Acts that led nowhere, remembered per floor.
const FAILED_ACTS_MAX: usize = 8;
/// Places with items that cannot be taken, remembered per floor.
const REFUSED_MAX: usize = 32;
/// Neutral ones remembered per floor.
const SPOKEN_TO_MAX: usize = 8;
/// Foes whose wounds are remembered.
const WOUNDED_MAX: usize = 16;

/// What the rules remember.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The goal that was last named.
    pub goal: String,
    /// How the game gets on.
    pub headway: Headway,
    /// What takes several presses.
    pub intent: Option<Intent>,
    /// Random steps still to make.
    pub recovery_steps: u32,
    /// Resting until the leader is well.
    pub is_resting: bool,
    /// The stairs are wanted when their menu opens.
    pub wants_stairs: bool,
    /// Turns waited for the foes in sight.
    pub patience: u32,
    /// Places of items that stay there.
    pub refused: Vec<Position>,
    /// Foes that were struck: slot, spawn number and how often.
    pub wounded: Vec<(u8, u16, u32)>,
    /// What was meant to be done on this floor and could not.
    pub failed_acts: Vec<Act>,
    /// Neutral ones that were spoken to: slot and spawn number.
    pub spoken_to: Vec<(u8, u16)>,
}

/// Something that takes several presses and no turn until its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// Look there first.
    pub face: Option<Direction>,
    /// What to do then.
    pub act: Act,
    /// Presses left before it is given up.
    pub presses_left: u32,
}

/// What an intent ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Act {
    /// Throw the set item.
    ThrowSet,
    /// Choose an item in the bag, and what to do with it.
    UseItem {
        /// The item's number.
        item: u8,
        /// The game's number for what to do.
        action: u16,
    },
}

impl Memory {
    /// Looks at a new observation in which a command is awaited.
    pub(super) fn look(&mut self, observation: &Observation) {
        let news = self.headway.look(observation);
        if news.is_new_floor {
            let (headway, goal) = (std::mem::take(&mut self.headway), std::mem::take(&mut self.goal));
            *self = Memory { headway, goal, ..Memory::default() };
        }
        if news.turn_passed {
            self.intent = None;
        }
    }

    /// Sets out to do something that takes several presses, unless it has failed on this floor before.
    pub(super) fn intend(&mut self, face: Option<Direction>, act: Act) -> Option<()> {
        let is_promising = !self.failed_acts.contains(&act);
        self.intent = is_promising.then_some(Intent { face, act, presses_left: INTENT_PRESSES_MAX });
        is_promising.then_some(())
    }

    /// Gives up what takes several presses.
    pub(super) fn give_up(&mut self) {
        if let Some(intent) = self.intent.take() {
            push_bounded(&mut self.failed_acts, intent.act, FAILED_ACTS_MAX);
        }
    }

    /// Learns what the last move did.
    pub(super) fn note(&mut self, effect: Effect) {
        self.headway.note(effect);
        if let Some(intent) = self.intent.as_mut().filter(|_| !effect.is_effective()) {
            intent.presses_left = intent.presses_left.saturating_sub(FRUITLESS_PRESSES);
        }
    }

    /// Remembers that somebody was spoken to.
    pub(super) fn speak(&mut self, slot: u8, spawn_id: u16) {
        push_bounded(&mut self.spoken_to, (slot, spawn_id), SPOKEN_TO_MAX);
    }

    /// Leaves an item where it is from now on.
    pub(super) fn refuse(&mut self, place: Position) {
        push_bounded(&mut self.refused, place, REFUSED_MAX);
    }

    /// Remembers that a foe is struck.
    pub(super) fn strike(&mut self, slot: u8, spawn_id: u16) {
        match self.wounded.iter_mut().find(|(own, id, _)| (*own, *id) == (slot, spawn_id)) {
            Some((_, _, count)) => *count += 1,
            None => push_bounded(&mut self.wounded, (slot, spawn_id, 1), WOUNDED_MAX),
        }
    }

    /// How often a foe was struck.
    pub(super) fn strikes(&self, slot: u8, spawn_id: u16) -> u32 {
        self.wounded.iter().find(|(own, id, _)| (*own, *id) == (slot, spawn_id)).map_or(0, |(_, _, count)| *count)
    }
}
