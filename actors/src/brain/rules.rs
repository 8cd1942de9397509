//! The built-in rules: they play a dungeon without skills. It explores under the fog of war, takes what is useful, fights where few can
//! reach it, rests, eats and heals in time, and goes down the stairs when a floor has nothing more to give.
//!
//! Invariants: it never presses a key without a purpose that it can check afterwards; what it means to do over several
//! presses (an item from the bag, a throw) is an [`Intent`](memory::Intent), carried on from what memory shows, and
//! dropped when it takes too long. Absent: towns and stories; there it waits.

use super::headway::Headway;
use super::{Brain, Effect, Move, Skill};
use crate::profile::{Episode, Profile};
use memory::Memory;
use serde::{Deserialize, Serialize};
use situation::Situation;
use std::borrow::Cow;
use wire::buttons::Button;
use wire::keys;
use wire::keys::Gesture;
use wire::observation::{DIRECTIONS, Direction, Observation, Position, Screen};
use wire::random::SplitMix64;
use wire::skill::Expectation;

mod explore;
mod fight;
mod memory;
mod menus;
mod needs;
mod situation;

/// Moves in a row without any effect after which it gives up what it was doing.
const FRUITLESS_MAX: u32 = 6;
/// Decisions on a floor without any progress after which it tries at random.
const UNPRODUCTIVE_MAX: u32 = 160;
/// Random steps of one attempt to get unstuck.
const RECOVERY_STEPS: u32 = 12;

/// Plays by rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rules {
    generator: SplitMix64,
    memory: Memory,
}

impl Rules {
    /// Rules; the seed decides what it tries when it is stuck.
    pub fn new(seed: u64) -> Rules {
        Rules { generator: SplitMix64(seed), memory: Memory::default() }
    }

    fn on_screen(&mut self, observation: &Observation, profile: &Profile) -> Plan {
        if let Some(end @ (Episode::Lost | Episode::Won)) = profile.episode(observation)
            && !matches!(observation.screen, Screen::Dialogue | Screen::Choice | Screen::Printing)
        {
            let reason = if end == Episode::Won { "the dungeon is completed" } else { "the game is over" };
            return self.start_game(reason);
        }
        match observation.screen {
            Screen::Command => self.command(observation),
            Screen::Menu(_) | Screen::FloorMap => menus::in_menu(&mut self.memory, observation),
            Screen::Dialogue => menus::read_on(observation),
            Screen::Choice => menus::answer(observation),
            Screen::Title => self.start_game("the title shows"),
            Screen::Ground => wait("the rules play dungeons only, and this is a town"),
            Screen::Motion | Screen::Printing | Screen::Transition => wait("the game is busy"),
            Screen::Elsewhere | Screen::Unknown => wait("no rule knows this screen"),
        }
    }

    /// START, and A where START has done nothing.
    fn start_game(&self, reason: &'static str) -> Plan {
        let (action, button) = if self.memory.headway.fruitless.is_multiple_of(2) {
            ("press START", Button::Start)
        } else {
            ("press A", Button::A)
        };
        Plan::new(Skill::StartGame, action, reason, keys::scene(button as u16), Expectation::Scene)
            .for_goal("start a run")
    }

    fn command(&mut self, observation: &Observation) -> Plan {
        let Some(situation) = Situation::of(observation, &self.memory) else {
            return wait("no leader is in sight");
        };
        self.memory.look(observation);
        if situation.leader.is_incapacitated {
            return wait("the leader cannot act");
        }
        if let Some(plan) = menus::go_on(&mut self.memory, &situation) {
            return plan;
        }
        if observation.is_turning {
            return menus::stop_turning("nothing to look at");
        }
        if let Some(plan) = self.recover(&situation) {
            return plan;
        }
        if let Some(plan) = fight::plan(&mut self.memory, &situation) {
            return plan;
        }
        self.memory.patience = 0;
        if let Some(plan) = needs::plan(&mut self.memory, &situation) {
            return plan;
        }
        explore::plan(&mut self.memory, &situation).unwrap_or_else(|| self.wander(&situation, "nothing is left to do"))
    }

    /// When nothing has moved forward for long: random steps, and then straight to the stairs.
    fn recover(&mut self, situation: &Situation<'_>) -> Option<Plan> {
        let Headway { fruitless, unproductive, .. } = self.memory.headway;
        if fruitless >= FRUITLESS_MAX || unproductive >= UNPRODUCTIVE_MAX {
            self.memory.headway.begin_recovery();
            self.memory.recovery_steps = RECOVERY_STEPS;
        }
        self.memory.recovery_steps = self.memory.recovery_steps.checked_sub(1)?;
        Some(self.wander(situation, "no progress for long"))
    }

    fn wander(&mut self, situation: &Situation<'_>, reason: &'static str) -> Plan {
        let open: Vec<Direction> = DIRECTIONS
            .into_iter()
            .filter(|direction| situation.may_step(situation.leader.position, *direction))
            .collect();
        match open.get(self.generator.below(open.len())) {
            Some(direction) => step(Skill::RecoverWhenStuck, situation.leader.position, *direction, reason),
            None => pass_turn(Skill::RecoverWhenStuck, reason),
        }
    }
}

impl Brain for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn decide(&mut self, observation: &Observation, profile: &Profile) -> Move {
        let plan = self.on_screen(observation, profile);
        self.memory.headway.expect(plan.expect, observation);
        let goal = plan.goal.filter(|goal| self.memory.goal != *goal);
        if let Some(goal) = &goal {
            self.memory.goal.clone_from(&goal.clone().into_owned());
        }
        Move {
            skill: plan.skill.name().into(),
            version: None,
            action: plan.action,
            reason: plan.reason,
            goal,
            gesture: plan.gesture,
            expect: plan.expect,
        }
    }

    fn note(&mut self, effect: Effect) {
        self.memory.note(effect);
    }

    fn forget(&mut self) {
        self.memory = Memory::default();
    }

    fn save(&self) -> Vec<u8> {
        wire::codec::encode(self).expect("the rules' memory is bounded far below a message")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), wire::codec::CodecError> {
        *self = wire::codec::decode(state)?;
        Ok(())
    }
}

/// A move in the making.
struct Plan {
    skill: Skill,
    action: Cow<'static, str>,
    reason: Cow<'static, str>,
    goal: Option<Cow<'static, str>>,
    gesture: Gesture,
    expect: Expectation,
}

impl Plan {
    fn new(
        skill: Skill,
        action: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
        gesture: Gesture,
        expect: Expectation,
    ) -> Plan {
        Plan { skill, action: action.into(), reason: reason.into(), goal: None, gesture, expect }
    }

    fn for_goal(mut self, goal: impl Into<Cow<'static, str>>) -> Plan {
        self.goal = Some(goal.into());
        self
    }
}

fn wait(reason: &'static str) -> Plan {
    Plan::new(Skill::Wait, "wait", reason, keys::none(), Expectation::Nothing)
}

fn step(skill: Skill, from: Position, direction: Direction, reason: impl Into<Cow<'static, str>>) -> Plan {
    let action = format!("step {}", direction.name());
    Plan::new(skill, action, reason, keys::step(direction), Expectation::Step(from.step(direction)))
}

fn face(skill: Skill, direction: Direction, reason: impl Into<Cow<'static, str>>) -> Plan {
    let action = format!("face {}", direction.name());
    Plan::new(skill, action, reason, keys::step(direction), Expectation::Face(direction))
}

fn pass_turn(skill: Skill, reason: impl Into<Cow<'static, str>>) -> Plan {
    Plan::new(skill, "pass a turn", reason, keys::pass_turn(), Expectation::Turn)
}

#[cfg(test)]
mod tests;
