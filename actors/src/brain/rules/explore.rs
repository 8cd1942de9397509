//! Items, unknown places and stairs while no foe is at hand.

use super::memory::Memory;
use super::situation::Situation;
use super::{Plan, Skill, face, needs, step};
use wire::buttons::Button;
use wire::items::{Use, use_of};
use wire::keys;
use wire::observation::{DIRECTIONS, Monster, Position};
use wire::skill::Expectation;
use wire::ways::{Reach, UNREACHED, can_strike, nearest_frontier};

/// Slots of the bag.
const BAG_SLOTS: usize = 20;
/// Health, in hundredths, at which sleeping foes are worth waking.
const HUNT_HEALTH_MIN: i32 = 70;

/// The next step on this floor.
pub(super) fn plan(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let observation = situation.observation;
    let hurries = memory.headway.hurries(observation);
    memory.wants_stairs = false;
    if !hurries {
        let found = join(memory, situation)
            .or_else(|| pick_up(memory, situation))
            .or_else(|| hunt(memory, situation))
            .or_else(|| explore(situation));
        if found.is_some() {
            return found;
        }
        if let Some(plan) = observation.stairs.and_then(|_| needs::rest_before_stairs(situation)) {
            return Some(plan);
        }
    }
    descend(memory, situation).or_else(|| explore(situation)).or_else(|| break_out(memory, situation))
}

/// Goes to somebody who may come along.
fn join(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let observation = situation.observation;
    let is_new = |other: &&Monster| other.is_neutral && !memory.spoken_to.contains(&(other.slot, other.spawn_id));
    let stray = observation.monsters.iter().find(is_new)?;
    let leader = situation.leader;
    if can_strike(observation, leader.position, stray.position) {
        let direction = leader.position.direction_to(stray.position)?;
        if leader.direction != direction {
            return Some(face(Skill::JoinAlly, direction, "somebody to talk to"));
        }
        memory.speak(stray.slot, stray.spawn_id);
        let gesture = keys::press(Button::A as u16);
        return Some(Plan::new(Skill::JoinAlly, "press A (talk)", "it may come along", gesture, Expectation::Text));
    }
    let (place, _) = situation.striking_place(stray)?;
    walk(Skill::JoinAlly, situation, &situation.reach, place, "somebody waits there")
        .map(|plan| plan.for_goal("meet a stranger"))
}

fn pick_up(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let observation = situation.observation;
    let here = situation.leader.position;
    if observation.items.iter().any(|item| item.position == here) && !memory.refused.contains(&here) {
        memory.refuse(here);
    }
    let is_full = observation.bag.len() >= BAG_SLOTS;
    let stacks = |item: u8| observation.bag.iter().any(|own| own.item == item && use_of(item) == Use::Missile);
    let wanted = observation.items.iter().filter(|item| {
        let fits = !is_full || use_of(item.item) == Use::Money || stacks(item.item);
        fits && !item.in_shop && !memory.refused.contains(&item.position)
    });
    let (item, _) = nearest(wanted.map(|item| (item, item.position)), &situation.reach)?;
    let reason = format!("item {} lies there", item.item);
    walk(Skill::PickUp, situation, &situation.reach, item.position, reason)
        .map(|plan| plan.for_goal("gather what lies about"))
}

/// Sleeping foes are experience for free.
fn hunt(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    if situation.health() < HUNT_HEALTH_MIN {
        return None;
    }
    let (foe, (place, distance)) = situation
        .asleep
        .iter()
        .filter_map(|foe| Some((*foe, situation.striking_place(foe)?)))
        .min_by_key(|(_, (_, distance))| *distance)?;
    if distance == 0 {
        return super::fight::attack(memory, situation, foe, "it sleeps");
    }
    walk(Skill::Fight, situation, &situation.reach, place, "a foe sleeps there").map(|plan| plan.for_goal("hunt"))
}

/// Goes to the nearest known tile that borders on the unknown.
fn explore(situation: &Situation<'_>) -> Option<Plan> {
    let frontier = nearest_frontier(situation.observation, &situation.reach)?;
    let floor = situation.observation.floor;
    walk(Skill::Explore, situation, &situation.reach, frontier, "the map ends there")
        .map(|plan| plan.for_goal(format!("explore floor {floor}")))
}

/// Goes to the stairs.
fn descend(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let stairs = situation.observation.stairs?;
    let floor = situation.observation.floor;
    let here = situation.leader.position;
    memory.wants_stairs = true;
    let goal = format!("take the stairs of floor {floor}");
    if here == stairs {
        // The stairs' menu was closed; it opens again when the leader comes back.
        let aside = DIRECTIONS.into_iter().find(|direction| situation.may_step(here, *direction))?;
        return Some(step(Skill::TakeStairs, here, aside, "the stairs open only when stepped on").for_goal(goal));
    }
    walk(Skill::TakeStairs, situation, &situation.reach, stairs, "nothing more to do on this floor")
        .map(|plan| plan.for_goal(goal))
}

/// When every way is barred: over a trap, or through whoever bars it.
fn break_out(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let observation = situation.observation;
    let reach = situation.reach_regardless();
    let stairs = observation.stairs.filter(|stairs| reach.distance(*stairs) != UNREACHED);
    let goal = stairs.or_else(|| nearest_frontier(observation, &reach))?;
    memory.wants_stairs = stairs.is_some();
    let direction = reach.first_step(goal)?;
    let ahead = situation.leader.position.step(direction);
    if let Some(other) = observation.monster_at(ahead).filter(|other| !other.is_team) {
        return super::fight::attack(memory, situation, other, "it bars the way");
    }
    Some(step(Skill::Explore, situation.leader.position, direction, "there is no way around"))
}

fn nearest<T>(places: impl Iterator<Item = (T, Position)>, reach: &Reach) -> Option<(T, u16)> {
    let reached = places.map(|(thing, place)| (thing, reach.distance(place)));
    reached.filter(|(_, distance)| (1..UNREACHED).contains(distance)).min_by_key(|(_, distance)| *distance)
}

/// One step of the way to a place.
pub(super) fn walk(
    skill: Skill,
    situation: &Situation<'_>,
    reach: &Reach,
    place: Position,
    reason: impl Into<std::borrow::Cow<'static, str>>,
) -> Option<Plan> {
    let direction = reach.first_step(place)?;
    Some(step(skill, situation.leader.position, direction, reason))
}
