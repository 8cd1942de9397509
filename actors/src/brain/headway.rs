//! How a game gets on, from one observation to the next: what works, what does not, and whether anything gets better.
//! The rules and whoever chooses among skills judge by it alike.

use super::Effect;
use crate::profile::Episode;
use serde::{Deserialize, Serialize};
use wire::items::food;
use wire::observation::{Direction, Observation, Position};
use wire::skill::{Bearings, Expectation, Phase};

/// Steps that failed, remembered per floor.
const FAILED_STEPS_MAX: usize = 8;
/// Turns after which a step that failed may be tried again: who barred the way unseen has gone on.
const FAILED_STEP_TURNS: i16 = 40;
/// Turns after which the memory of the hardest blow fades by one hit point.
const FADING_TURNS: i16 = 32;
/// Turns left on a floor below which it is left at once.
const TURNS_LEFT_MIN: i16 = 350;
/// Belly, food included, below which a floor is left at once.
const RESERVE_MIN: i32 = 15;

/// How a game gets on. Small, bounded, and saved with each checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Headway {
    /// Dungeon and floor that the rest is about.
    floor: (u8, u8),
    /// What the last move should do, and where the leader stood.
    expected: Option<(Expectation, Option<Position>)>,
    /// Moves in a row that did nothing.
    pub fruitless: u32,
    /// Decisions since anything got better.
    pub unproductive: u32,
    /// Straight to the stairs: exploring has led nowhere.
    pub is_hurrying: bool,
    /// The most hit points lost in one turn, fading.
    pub hardest_hit: i32,
    /// Steps that did not succeed lately, and the turns that were left then.
    failed_steps: Vec<(Position, Direction, i16)>,
    seen: Seen,
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

/// What is new in an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// Another floor, or another life.
    pub is_new_floor: bool,
    /// A turn passed.
    pub turn_passed: bool,
}

impl Headway {
    /// Looks at a new observation in which a command is awaited.
    pub fn look(&mut self, observation: &Observation) -> News {
        let floor = (observation.dungeon, observation.floor);
        // A new life may begin where the last one ended; the turns left only fall on one and the same floor.
        let is_new_floor = floor != self.floor || observation.turns_left > self.seen.turns_left;
        if is_new_floor {
            let seen = Seen { hp: self.seen.hp, ..Seen::default() };
            *self = Headway { floor, hardest_hit: self.hardest_hit, seen, ..Headway::default() };
        }
        self.failed_steps
            .retain(|(_, _, turns_left)| turns_left.saturating_sub(observation.turns_left) < FAILED_STEP_TURNS);
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
        let turn_passed = (now.turns, now.turns_left) != (before.turns, before.turns_left);
        if turn_passed {
            let lost = before.hp - now.hp;
            self.hardest_hit = lost.max(self.hardest_hit - i32::from(now.turns_left % FADING_TURNS == 0));
        }
        // A loss makes later healing count as progress again.
        self.seen = Seen { hp_best: if now.hp < before.hp { now.hp } else { hp_best }, ..now };
        News { is_new_floor, turn_passed }
    }

    /// A move is about to be made.
    pub fn expect(&mut self, expectation: Expectation, observation: &Observation) {
        self.expected = Some((expectation, observation.leader().map(|leader| leader.position)));
    }

    /// Learns what the last move did.
    pub fn note(&mut self, effect: Effect) {
        self.fruitless = if effect.is_effective() { 0 } else { self.fruitless + 1 };
        let Some((Expectation::Step(goal), Some(from))) = self.expected else { return };
        if matches!(effect, Effect::None | Effect::Faced)
            && let Some(direction) = from.direction_to(goal)
        {
            push_bounded(&mut self.failed_steps, (from, direction, self.seen.turns_left), FAILED_STEPS_MAX);
        }
    }

    /// Steps that are not to be tried again for now.
    pub fn failed_steps(&self) -> Vec<(Position, Direction)> {
        self.failed_steps.iter().map(|(place, direction, _)| (*place, *direction)).collect()
    }

    /// Something is tried because nothing got better: it has its time, and then the stairs are the way out.
    pub fn begin_recovery(&mut self) {
        self.fruitless = 0;
        self.unproductive = 0;
        self.is_hurrying = true;
    }

    /// Whether this floor is to be left at once.
    pub fn hurries(&self, observation: &Observation) -> bool {
        self.is_hurrying || observation.turns_left < TURNS_LEFT_MIN || reserve(observation) < RESERVE_MIN
    }

    /// What a skill is told of it.
    pub fn bearings(&self, observation: &Observation, episode: Option<Episode>) -> Bearings {
        Bearings {
            phase: match episode {
                None => Phase::Unknown,
                Some(Episode::Title) => Phase::Title,
                Some(Episode::Playing) => Phase::Playing,
                Some(Episode::Lost) => Phase::Lost,
                Some(Episode::Won) => Phase::Won,
            },
            fruitless: self.fruitless,
            unproductive: self.unproductive,
            is_hurrying: self.hurries(observation),
            hardest_hit: self.hardest_hit,
            failed_steps: self.failed_steps(),
        }
    }
}

/// Belly, and what the food in the bag would add.
pub(crate) fn reserve(observation: &Observation) -> i32 {
    observation.belly.value + food(observation)
}

/// Appends, and forgets the oldest when there are too many.
pub(crate) fn push_bounded<T>(list: &mut Vec<T>, value: T, length_max: usize) {
    if list.len() == length_max {
        list.remove(0);
    }
    list.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::Monster;

    #[test]
    fn a_step_that_failed_may_be_tried_again_after_some_turns() {
        let here = Position { x: 5, y: 5 };
        let seen = |turns_left: i16| Observation {
            turns_left,
            leader: Some(0),
            monsters: vec![Monster { position: here, is_team: true, ..Monster::default() }],
            ..Observation::default()
        };
        let mut headway = Headway::default();
        headway.look(&seen(900));
        headway.expect(Expectation::Step(here.step(Direction::North)), &seen(900));
        headway.note(Effect::Faced);
        headway.look(&seen(901 - FAILED_STEP_TURNS));
        assert_eq!(headway.failed_steps(), [(here, Direction::North)]);
        headway.look(&seen(900 - FAILED_STEP_TURNS));
        assert_eq!(headway.failed_steps(), []);
    }
}
