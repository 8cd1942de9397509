//! What seven silos found, as one list: reciprocal-rank fusion, with what says the same thing counted once.
//!
//! Within a silo, clips of one trajectory that overlap count once. What different silos find of the same moment adds up.
//! Older memories count a little less, and those in whose course things went well a little more. At most half of the list
//! comes from one floor of one trajectory.

use std::collections::BTreeMap;
use wire::recall::{Hits, Memory, Outcome};

/// The constant of reciprocal-rank fusion: how much the first ranks stand out.
const RANK_OFFSET: f32 = 60.0;
/// Pictures that differ in at most so many of 64 bits are the same.
const SAME_PICTURE_BITS: u32 = 2;
/// The part of a memory's weight that halves with age, and how long that takes.
const AGEING_SHARE: f32 = 0.5;
const HALF_LIFE_S: f32 = 30.0 * 86_400.0;
/// How much more a memory weighs whose outcome could not be better.
const HELP_SHARE: f32 = 0.25;

/// A memory as the silos together see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recollection {
    /// The memory, of the silo in which it is nearest.
    pub memory: Memory,
    /// The squared distance there.
    pub distance: f32,
    /// How much it weighs.
    pub weight: f32,
}

/// How good what followed was: -1 for the worst, 1 for the best.
pub(super) fn value(outcome: &Outcome) -> f32 {
    let gains = 0.5 * f32::from(outcome.floors) + 0.1 * f32::from(outcome.foes) + 0.05 * f32::from(outcome.items);
    let losses = outcome.hp_lost_share + if outcome.is_lost { 1.0 } else { 0.0 };
    let value = (gains.min(1.0) - losses).clamp(-1.0, 1.0);
    if value.is_nan() { 0.0 } else { value }
}

/// Fuses what the silos found; at most `count` memories, the weightiest first.
pub(super) fn fuse(silos: &[Hits], now_s: u64, count: usize) -> Vec<Recollection> {
    let mut moments: Vec<Recollection> = Vec::new();
    for Hits { span, memories } in silos {
        let mut in_silo: Vec<(u64, u64)> = Vec::new();
        for (distance, memory) in memories {
            let is_near = |(trajectory, step): &(u64, u64)| {
                *trajectory == memory.trajectory && step.abs_diff(memory.step) < u64::from(*span)
            };
            if in_silo.iter().any(is_near) {
                continue;
            }
            in_silo.push((memory.trajectory, memory.step));
            let weight = 1.0 / (RANK_OFFSET + in_silo.len() as f32);
            add(&mut moments, memory, *distance, weight);
        }
    }
    for moment in &mut moments {
        let age_s = now_s.saturating_sub(moment.memory.time_s) as f32;
        let ageing = 1.0 - AGEING_SHARE + AGEING_SHARE * (-age_s / HALF_LIFE_S).exp2();
        moment.weight *= ageing * (1.0 + HELP_SHARE * value(&moment.memory.outcome));
    }
    moments.sort_by(|left, right| right.weight.total_cmp(&left.weight).then(left.memory.id.cmp(&right.memory.id)));
    choose(moments, count)
}

/// Adds what a silo found to the moment it belongs to.
fn add(moments: &mut Vec<Recollection>, memory: &Memory, distance: f32, weight: f32) {
    let is_same = |moment: &&mut Recollection| {
        let span = u64::from(moment.memory.span.max(memory.span));
        moment.memory.trajectory == memory.trajectory && moment.memory.step.abs_diff(memory.step) < span
    };
    match moments.iter_mut().find(is_same) {
        Some(moment) => {
            moment.weight += weight;
            if distance < moment.distance {
                (moment.memory, moment.distance) = (memory.clone(), distance);
            }
        }
        None => moments.push(Recollection { memory: memory.clone(), distance, weight }),
    }
}

/// The weightiest, each picture of a deed once, and not too many of one floor.
fn choose(moments: Vec<Recollection>, count: usize) -> Vec<Recollection> {
    let floor_max = count.div_ceil(2);
    let mut floors: BTreeMap<(u64, u8, u8), usize> = BTreeMap::new();
    let mut chosen: Vec<Recollection> = Vec::new();
    for moment in moments {
        let Memory { picture, skill, trajectory, dungeon, floor, .. } = &moment.memory;
        let is_known = |other: &Recollection| {
            (other.memory.picture ^ picture).count_ones() <= SAME_PICTURE_BITS && other.memory.skill == *skill
        };
        let of_floor = floors.entry((*trajectory, *dungeon, *floor)).or_default();
        if *of_floor >= floor_max || chosen.iter().any(is_known) {
            continue;
        }
        *of_floor += 1;
        chosen.push(moment);
        if chosen.len() == count {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_000_000_000;

    fn memory(id: u64, trajectory: u64, step: u64) -> Memory {
        let picture = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Memory {
            id,
            trajectory,
            step,
            span: 4,
            time_s: NOW_S,
            floor: 1,
            picture,
            skill: "fight".into(),
            ..Memory::default()
        }
    }

    fn ids(hits: &[(u32, Vec<Memory>)], count: usize) -> Vec<u64> {
        let near = |memories: &[Memory]| {
            memories.iter().enumerate().map(|(rank, memory)| (rank as f32 / 10.0, memory.clone())).collect()
        };
        let silos: Vec<Hits> =
            hits.iter().map(|(span, memories)| Hits { span: *span, memories: near(memories) }).collect();
        fuse(&silos, NOW_S, count).iter().map(|found| found.memory.id).collect()
    }

    #[test]
    fn what_several_silos_find_of_one_moment_adds_up() {
        let (one, other) = (memory(1, 1, 100), memory(2, 2, 100));
        let again = Memory { id: 3, span: 8, step: 101, ..memory(3, 2, 101) };
        assert_eq!(ids(&[(4, vec![one.clone(), other.clone()])], 8), [1, 2]);
        assert_eq!(ids(&[(4, vec![one.clone(), other]), (8, vec![again])], 8), [3, 1]);
        assert_eq!(ids(&[], 8), [0; 0]);
    }

    #[test]
    fn overlapping_clips_and_same_pictures_count_once() {
        let clips: Vec<Memory> = (0..4).map(|index| memory(1 + index, 1, 100 + index)).collect();
        assert_eq!(ids(&[(4, clips)], 8), [1]);
        let mut same = memory(2, 2, 7);
        same.picture = memory(1, 1, 100).picture ^ 0b11;
        assert_eq!(ids(&[(4, vec![memory(1, 1, 100), same.clone()])], 8), [1]);
        same.skill = "flee".into();
        assert_eq!(ids(&[(4, vec![memory(1, 1, 100), same])], 8), [1, 2], "another deed says something else");
    }

    #[test]
    fn newer_and_better_ones_come_first_among_equals() {
        let old = Memory { time_s: NOW_S - 90 * 86_400, ..memory(1, 1, 1) };
        assert_eq!(ids(&[(4, vec![old.clone()]), (8, vec![memory(2, 2, 1)])], 8), [2, 1]);
        let lost = Memory { outcome: Outcome { is_lost: true, ..Outcome::default() }, ..memory(1, 1, 1) };
        let won = Memory { outcome: Outcome { floors: 1, ..Outcome::default() }, ..memory(2, 2, 1) };
        assert_eq!(ids(&[(4, vec![lost]), (8, vec![won])], 8), [2, 1]);
    }

    #[test]
    fn at_most_half_comes_from_one_floor_of_one_trajectory() {
        let mut clips: Vec<Memory> = (0..8).map(|index| memory(1 + index, 1, 100 * index)).collect();
        clips.push(memory(50, 2, 1));
        assert_eq!(ids(&[(4, clips)], 4), [1, 2, 50]);
    }

    #[test]
    fn outcomes_are_between_the_worst_and_the_best() {
        let worst = Outcome { is_lost: true, hp_lost_share: 2.0, ..Outcome::default() };
        let best = Outcome { floors: 9, foes: 9, ..Outcome::default() };
        assert_eq!((value(&worst), value(&best), value(&Outcome::default())), (-1.0, 1.0, 0.0));
        let nothing = Outcome { hp_lost_share: f32::NAN, ..Outcome::default() };
        assert_eq!(value(&nothing), 0.0, "what is no number tells nothing");
    }
}
