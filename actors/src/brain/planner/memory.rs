//! What the planner remembers between decisions. It is small, bounded, and saved with each checkpoint.

use super::{Effect, Expectation};
use serde::{Deserialize, Serialize};
use wire::observation::{Direction, Observation, Position};

/// Key presses after which an intent is given up, and how many of them a press without effect counts for.
const INTENT_PRESSES_MAX: u32 = 60;
const FRUITLESS_PRESSES: u32 = 12;
/// Acts that led nowhere, remembered per floor.
const FAILED_ACTS_MAX: usize = 8;
/// Steps that failed, remembered per floor.
const FAILED_STEPS_MAX: usize = 8;
/// Places with items that cannot be taken, remembered per floor.
const REFUSED_MAX: usize = 32;
/// Neutral ones remembered per floor.
const SPOKEN_TO_MAX: usize = 8;
/// Foes whose wounds are remembered.
const WOUNDED_MAX: usize = 16;

/// Turns after which the memory of the hardest blow fades by one hit point.
const FADING_TURNS: i16 = 32;

/// What the planner remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The goal that was last named.
    pub goal: String,
    /// Dungeon and floor that the rest is about.
    pub floor: (u8, u8),
    /// What takes several presses.
    pub intent: Option<Intent>,
    /// What the last move should do, and where the leader stood.
    pub expected: Option<(Expectation, Option<Position>)>,
    /// Moves in a row that did nothing.
    pub fruitless: u32,
    /// Decisions since anything got better.
    pub unproductive: u32,
    /// Random steps still to make.
    pub recovery_steps: u32,
    /// Straight to the stairs: exploring has led nowhere.
    pub is_hurrying: bool,
    /// Resting until the leader is well.
    pub is_resting: bool,
    /// The stairs are wanted when their menu opens.
    pub wants_stairs: bool,
    /// Turns waited for the foes in sight.
    pub patience: u32,
    /// The most hit points lost in one turn, fading.
    pub hardest_hit: i32,
    /// Steps that did not succeed.
    pub failed_steps: Vec<(Position, Direction)>,
    /// Places of items that stay there.
    pub refused: Vec<Position>,
    /// Foes that were struck: slot, spawn number and how often.
    pub wounded: Vec<(u8, u16, u32)>,
    /// What was meant to be done on this floor and could not.
    pub failed_acts: Vec<Act>,
    /// Neutral ones that were spoken to: slot and spawn number.
    pub spoken_to: Vec<(u8, u16)>,
    seen: Seen,
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

/// What was seen last, to notice progress and wounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    revealed: usize,
    experience: u32,
    bag: usize,
    money: i32,
    hp: i32,
    hp_best: i32,
    turns: u64,
    turns_left: i16,
}

impl Memory {
    /// Looks at a new observation in which a command is awaited.
    pub(super) fn look(&mut self, observation: &Observation) {
        let floor = (observation.dungeon, observation.floor);
        // A new life may begin where the last one ended; the turns left only fall on one and the same floor.
        if floor != self.floor || observation.turns_left > self.seen.turns_left {
            *self = Memory {
                floor,
                goal: std::mem::take(&mut self.goal),
                hardest_hit: self.hardest_hit,
                seen: Seen { hp: self.seen.hp, ..Seen::default() },
                ..Memory::default()
            };
        }
        let leader = observation.leader();
        let now = Seen {
            revealed: observation.tiles.iter().filter(|tile| tile.revealed).count(),
            experience: observation.experience,
            bag: observation.bag.len(),
            money: observation.money,
            hp: leader.and_then(|leader| leader.hp).map_or(0, |hp| hp.value),
            hp_best: 0,
            turns: observation.turns,
            turns_left: observation.turns_left,
        };
        let before = self.seen;
        let hp_best = if now.hp > before.hp_best { now.hp } else { before.hp_best };
        let is_better = now.revealed > before.revealed
            || now.experience != before.experience
            || (now.bag, now.money) != (before.bag, before.money)
            || now.hp > before.hp_best;
        self.unproductive = if is_better { 0 } else { self.unproductive + 1 };
        if (now.turns, now.turns_left) != (before.turns, before.turns_left) {
            let lost = before.hp - now.hp;
            self.hardest_hit = lost.max(self.hardest_hit - i32::from(now.turns_left % FADING_TURNS == 0));
            self.intent = None;
        }
        // A loss makes later healing count as progress again.
        self.seen = Seen { hp_best: if now.hp < before.hp { now.hp } else { hp_best }, ..now };
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
        self.fruitless = if effect.is_effective() { 0 } else { self.fruitless + 1 };
        if let Some(intent) = self.intent.as_mut().filter(|_| !effect.is_effective()) {
            intent.presses_left = intent.presses_left.saturating_sub(FRUITLESS_PRESSES);
        }
        let Some((Expectation::Step(goal), Some(from))) = self.expected else { return };
        if matches!(effect, Effect::None | Effect::Faced)
            && let Some(direction) = from.direction_to(goal)
        {
            push_bounded(&mut self.failed_steps, (from, direction), FAILED_STEPS_MAX);
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

fn push_bounded<T>(list: &mut Vec<T>, value: T, length_max: usize) {
    if list.len() == length_max {
        list.remove(0);
    }
    list.push(value);
}
