//! What to do while foes that can act are in sight.

use super::explore::walk;
use super::memory::{Act, Memory};
use super::situation::Situation;
use super::{Plan, Skill, face, menus, needs, pass_turn};
use wire::buttons::Button;
use wire::items::{self, Use, action};
use wire::keys;
use wire::observation::{Monster, Position};
use wire::skill::Expectation;
use wire::ways::{can_strike, line, open_sides};

/// Foes farther away than this many steps are left alone.
const CONCERN_DISTANCE: i16 = 9;
/// Turns to wait for foes to come before going on.
const PATIENCE: u32 = 5;
/// Health, in hundredths, below which the leader is in danger while foes are near.
const DANGER_BELOW: i32 = 30;
/// How far a missile flies for sure.
const THROW_DISTANCE_MAX: i16 = 6;
/// How far to go for a place where fewer can reach the leader.
const RETREAT_STEPS_MAX: u16 = 4;
/// How far to flee to the stairs.
const FLIGHT_STEPS_MAX: u16 = 14;
/// Health below which a fire seed is not saved for later.
const BURN_BELOW: i32 = 60;

/// What to do about the foes in sight; nothing when there are none that matter.
pub(super) fn plan(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let near = |foe: &&&Monster| foe.position.distance(situation.leader.position) <= CONCERN_DISTANCE;
    let nearest = *situation.awake.iter().find(near)?;
    memory.is_resting = false;
    if is_in_danger(memory, situation) {
        let rescue = survive(memory, situation);
        if rescue.is_some() {
            return rescue;
        }
    }
    if let Some(plan) = hold_narrow_place(situation) {
        return Some(plan);
    }
    if let Some(foe) = target(memory, situation) {
        return burn(memory, situation, foe).or_else(|| attack(memory, situation, foe, "it is next to the leader"));
    }
    throw(memory, situation).or_else(|| meet(memory, situation, nearest))
}

/// Faces a foe next to the leader, then strikes.
pub(super) fn attack(
    memory: &mut Memory,
    situation: &Situation<'_>,
    foe: &Monster,
    reason: &'static str,
) -> Option<Plan> {
    let direction = situation.leader.position.direction_to(foe.position)?;
    if situation.leader.direction != direction {
        return Some(face(Skill::Fight, direction, reason).for_goal("fight"));
    }
    memory.strike(foe.slot, foe.spawn_id);
    let action = format!("attack {}", direction.name());
    let reason = format!("{reason} (species {}, level {})", foe.species, foe.level);
    let gesture = keys::press(Button::A as u16);
    Some(Plan::new(Skill::Fight, action, reason, gesture, Expectation::Turn).for_goal("fight"))
}

/// The foe to strike: the one struck most often, else the weakest.
fn target<'a>(memory: &Memory, situation: &Situation<'a>) -> Option<&'a Monster> {
    situation.adjacent().max_by_key(|foe| {
        let strikes = memory.strikes(foe.slot, foe.spawn_id);
        (strikes, std::cmp::Reverse(foe.level), std::cmp::Reverse(foe.slot))
    })
}

fn is_in_danger(memory: &Memory, situation: &Situation<'_>) -> bool {
    let attackers = situation.awake.iter().filter(|foe| foe.position.distance(situation.leader.position) <= 2).count();
    let expected = memory.headway.hardest_hit.max(situation.hp.max / 8);
    attackers > 0 && (situation.health() < DANGER_BELOW || situation.hp.value <= expected * attackers.min(3) as i32)
}

/// Low hit points and foes near.
fn survive(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    heal(memory, situation)
        .or_else(|| flee_to_stairs(memory, situation))
        .or_else(|| disable(memory, situation))
        .or_else(|| target(memory, situation).and_then(|foe| burn(memory, situation, foe)))
        .or_else(|| hop(memory, situation))
}

fn heal(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let berry = items::find(situation.observation, Use::Heal)?;
    needs::use_item(memory, situation, berry, action::EAT)
}

/// Those who are no faster never catch up with who keeps going, and nobody follows to the next floor.
fn flee_to_stairs(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let stairs = situation.observation.stairs?;
    let own = situation.reach.distance(stairs);
    if own > FLIGHT_STEPS_MAX {
        return None;
    }
    let from_stairs = situation.reach_from(stairs);
    let is_cut_off = situation.awake.iter().any(|foe| from_stairs.distance(foe.position) < own);
    if is_cut_off {
        return None;
    }
    memory.wants_stairs = true;
    walk(Skill::Flee, situation, &situation.reach, stairs, "hit points are low, and the stairs are near")
        .map(|plan| plan.for_goal("flee down the stairs"))
}

fn disable(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let foe = situation.adjacent().max_by_key(|foe| (foe.level, std::cmp::Reverse(foe.slot)))?;
    let seed = items::find(situation.observation, Use::Disable)?;
    let direction = situation.leader.position.direction_to(foe.position)?;
    let act = Act::UseItem { item: seed.item, action: action::THROW };
    memory.intend(Some(direction), act)?;
    menus::go_on(memory, situation)
}

fn burn(memory: &mut Memory, situation: &Situation<'_>, foe: &Monster) -> Option<Plan> {
    if situation.health() > BURN_BELOW {
        return None;
    }
    let seed = items::find(situation.observation, Use::Burn)?;
    let direction = situation.leader.position.direction_to(foe.position)?;
    memory.intend(Some(direction), Act::UseItem { item: seed.item, action: action::EAT })?;
    menus::go_on(memory, situation)
}

fn hop(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let seed = items::find(situation.observation, Use::Escape)?;
    needs::use_item(memory, situation, seed, action::EAT)
}

/// With several foes about, goes where fewer of them can strike at once.
fn hold_narrow_place(situation: &Situation<'_>) -> Option<Plan> {
    let here = situation.leader.position;
    let crowd = situation.awake.iter().filter(|foe| foe.position.distance(here) <= 5).count();
    if crowd < 2 || open_sides(situation.observation, here) <= 2 {
        return None;
    }
    let better = |place: Position| {
        open_sides(situation.observation, place) <= 2
            && situation.threats_at(place) <= situation.threats_at(here).min(1)
    };
    let (place, _) = situation
        .reach
        .places()
        .filter(|(place, distance)| (1..=RETREAT_STEPS_MAX).contains(distance) && better(*place))
        .filter(|(place, distance)| situation.awake.iter().all(|foe| foe.position.distance(*place) >= *distance as i16))
        .min_by_key(|(_, distance)| *distance)?;
    walk(Skill::Fight, situation, &situation.reach, place, "fewer can strike there at once")
        .map(|plan| plan.for_goal("fight in a narrow place"))
}

fn throw(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let missiles = items::find(situation.observation, Use::Missile)?;
    let from = situation.leader.position;
    let lines = situation.awake.iter().filter_map(|foe| line(situation.observation, from, foe.position));
    let (direction, _) = lines
        .filter(|(_, distance)| (2..=THROW_DISTANCE_MAX).contains(distance))
        .min_by_key(|(_, distance)| *distance)?;
    let act =
        if missiles.set { Act::ThrowSet } else { Act::UseItem { item: missiles.item, action: action::THROW_STRAIGHT } };
    memory.intend(Some(direction), act)?;
    menus::go_on(memory, situation).map(|plan| plan.for_goal("fight"))
}

/// Lets a foe come, so that the leader strikes first; goes to it when it does not.
fn meet(memory: &mut Memory, situation: &Situation<'_>, foe: &Monster) -> Option<Plan> {
    memory.patience += 1;
    let (place, distance) = situation.striking_place(foe)?;
    if memory.patience <= PATIENCE {
        return Some(pass_turn(Skill::Fight, "a foe comes; who waits strikes first").for_goal("fight"));
    }
    if memory.patience > 4 * PATIENCE || distance == 0 {
        return None;
    }
    debug_assert!(can_strike(situation.observation, place, foe.position));
    walk(Skill::Fight, situation, &situation.reach, place, "the foe does not come").map(|plan| plan.for_goal("fight"))
}
