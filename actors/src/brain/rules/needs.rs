//! Eating, healing and resting while no foe is at hand.

use super::memory::{Act, Memory};
use super::situation::Situation;
use super::{Plan, Skill, menus, pass_turn};
use crate::brain::headway::reserve;
use wire::items::{self, Use, action};
use wire::observation::BagItem;

/// Belly at which half a filling is not wasted.
const BELLY_HUNGRY: i32 = 48;
/// Belly at which a whole filling is not wasted.
const BELLY_STARVING: i32 = 12;
/// Health, in hundredths, below which the leader rests, and at which it is well again.
const REST_BELOW: i32 = 65;
const RESTED_AT: i32 = 97;
/// The same before taking the stairs.
const REST_BEFORE_STAIRS: i32 = 85;
/// Belly that resting must leave, food in the bag included.
const RESERVE_MIN: i32 = 25;
/// Turns on the floor that resting must leave.
const REST_TURNS_LEFT_MIN: i16 = 150;
/// Health at which poison is worth a cure.
const CURE_BELOW: i32 = 60;
/// Items in the bag from which on nothing is saved for later.
const BAG_CROWDED: usize = 18;

/// What the leader needs now.
pub(super) fn plan(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    eat(memory, situation)
        .or_else(|| strengthen(memory, situation))
        .or_else(|| cure(memory, situation))
        .or_else(|| light(memory, situation))
        .or_else(|| rest(memory, situation))
}

/// Begins to use an item.
pub(super) fn use_item(memory: &mut Memory, situation: &Situation<'_>, item: &BagItem, action: u16) -> Option<Plan> {
    memory.intend(None, Act::UseItem { item: item.item, action })?;
    menus::go_on(memory, situation)
}

fn eat(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let belly = situation.observation.belly.value;
    let food = |filling| items::find(situation.observation, Use::Food(filling));
    let (small, large) = (food(50), food(100));
    let meal = match (small, large) {
        (Some(small), _) if belly <= BELLY_HUNGRY => small,
        (None, Some(large)) if belly <= BELLY_STARVING => large,
        (_, Some(large)) if belly <= BELLY_HUNGRY && situation.observation.bag.len() >= BAG_CROWDED => large,
        _ => return None,
    };
    use_item(memory, situation, meal, action::EAT)
}

fn strengthen(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let seed = items::find(situation.observation, Use::Strengthen)?;
    use_item(memory, situation, seed, action::EAT)
}

fn cure(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    if !situation.leader.is_ailing || situation.health() > CURE_BELOW {
        return None;
    }
    let seed = items::find(situation.observation, Use::Cure)?;
    use_item(memory, situation, seed, action::EAT)
}

/// A lit floor is worth most while little of it is known.
fn light(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    if situation.observation.stairs.is_some() || memory.headway.is_hurrying {
        return None;
    }
    let jar = items::find(situation.observation, Use::Light)?;
    use_item(memory, situation, jar, action::USE)
}

fn rest(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    if !can_rest(situation) {
        memory.is_resting = false;
        return None;
    }
    memory.is_resting = situation.health() < if memory.is_resting { RESTED_AT } else { REST_BELOW };
    memory.is_resting.then(|| {
        let reason = format!("{} of {} hit points, and no foe in sight", situation.hp.value, situation.hp.max);
        pass_turn(Skill::Rest, reason).for_goal("rest")
    })
}

/// Rests before a new floor.
pub(super) fn rest_before_stairs(situation: &Situation<'_>) -> Option<Plan> {
    (can_rest(situation) && situation.health() < REST_BEFORE_STAIRS)
        .then(|| pass_turn(Skill::Rest, "the next floor is harder").for_goal("rest before the next floor"))
}

fn can_rest(situation: &Situation<'_>) -> bool {
    reserve(situation.observation) >= RESERVE_MIN
        && situation.observation.turns_left > REST_TURNS_LEFT_MIN
        && situation.observation.belly.value > 0
}
