//! Dangers and what worked: whether earlier experience of situations like this one says clearly that another skill does
//! better here than the one whose turn it is.
//!
//! Only who offers itself now is ever chosen, only with a foe in sight, and only on the word of several encounters for both
//! sides. Where experience says nothing clear, nothing changes.

use super::fusion::{Recollection, value};
use std::collections::{BTreeMap, BTreeSet};
use wire::recall::Memory;

/// The squared distance, of vectors of unit length, beyond which a situation is another one.
const DISTANCE_MAX: f32 = 0.25;
/// Independent encounters that must speak for or against a skill.
const ENCOUNTERS_MIN: usize = 3;
/// Steps of one trajectory that make one encounter.
const ENCOUNTER_STEPS: u64 = 32;
/// How much better another skill must have done, on a scale from -1 to 1.
const MARGIN: f32 = 0.25;
/// The same for one that goes on already because of it, so that it is not dropped at once.
const MARGIN_TO_STAY: f32 = 0.1;

/// What experience says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    /// The skill to ask first.
    pub skill: String,
    /// Why, for a person.
    pub reason: String,
    /// The memories that say so.
    pub memories: Vec<u64>,
}

/// How one skill did.
#[derive(Default)]
struct Record<'a> {
    weight: f32,
    sum: f32,
    encounters: BTreeSet<(u64, u64)>,
    memories: Vec<&'a Memory>,
}

impl Record<'_> {
    fn mean(&self) -> f32 {
        self.sum / self.weight
    }

    fn is_evidence(&self) -> bool {
        self.encounters.len() >= ENCOUNTERS_MIN && self.weight > 0.0
    }
}

/// Which of the skills on offer, the first of which would act, did clearly better in situations like this one. `advised` is
/// the one that acts already on such advice.
pub(crate) fn advise(found: &[Recollection], offered: &[&str], advised: Option<&str>) -> Option<Advice> {
    let top = *offered.first()?;
    let mut records: BTreeMap<&str, Record<'_>> = BTreeMap::new();
    let alike = found.iter().filter(|found| found.memory.foe != 0 && found.distance <= DISTANCE_MAX);
    for Recollection { memory, weight, .. } in alike {
        let record = records.entry(memory.skill.as_str()).or_default();
        record.weight += weight;
        record.sum += weight * value(&memory.outcome);
        record.encounters.insert((memory.trajectory, memory.step / ENCOUNTER_STEPS));
        record.memories.push(memory);
    }
    let before = records.get(top).filter(|record| record.is_evidence())?;
    let others = offered.iter().filter(|skill| **skill != top);
    let known = others
        .filter_map(|skill| records.get(skill).filter(|record| record.is_evidence()).map(|record| (*skill, record)));
    let (skill, record) = known.max_by(|(_, one), (_, other)| one.mean().total_cmp(&other.mean()))?;
    let margin = if advised == Some(skill) { MARGIN_TO_STAY } else { MARGIN };
    if record.mean() - before.mean() < margin {
        return None;
    }
    let memories = before.memories.iter().chain(&record.memories).map(|memory| memory.id).collect();
    let reason = format!(
        "recalled: {} encounters like this went better with {skill} ({:+.2}) than {} with {top} ({:+.2})",
        record.encounters.len(),
        record.mean(),
        before.encounters.len(),
        before.mean(),
    );
    Some(Advice { skill: skill.to_string(), reason, memories })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::recall::Outcome;

    fn found(id: u64, skill: &str, hp_lost_share: f32) -> Recollection {
        let outcome = Outcome { hp_lost_share, steps: 32, ..Outcome::default() };
        let memory = Memory { id, trajectory: id, foe: 5, skill: skill.into(), outcome, ..Memory::default() };
        Recollection { memory, distance: 0.05, weight: 0.016 }
    }

    fn evidence(fight: f32, flee: f32) -> Vec<Recollection> {
        (0..3).map(|id| found(id, "fight", fight)).chain((3..6).map(|id| found(id, "flee", flee))).collect()
    }

    #[test]
    fn who_clearly_did_better_here_is_asked_first() {
        let advice = advise(&evidence(0.6, 0.1), &["fight", "flee", "explore"], None).expect("it is clear");
        assert_eq!((advice.skill.as_str(), advice.memories), ("flee", vec![0, 1, 2, 3, 4, 5]));
        assert!(advice.reason.starts_with("recalled: 3 encounters"), "{}", advice.reason);
    }

    #[test]
    fn where_experience_says_nothing_clear_nothing_changes() {
        let offered = ["fight", "flee"];
        assert_eq!(advise(&evidence(0.1, 0.6), &offered, None), None, "the one whose turn it is does better");
        assert_eq!(advise(&evidence(0.3, 0.15), &offered, None), None, "hardly better");
        assert!(advise(&evidence(0.3, 0.15), &offered, Some("flee")).is_some(), "it goes on where it acts already");
        assert_eq!(
            advise(&evidence(0.6, 0.1), &["fight", "explore"], None),
            None,
            "who does not offer itself is not asked"
        );
        assert_eq!(advise(&[], &offered, None), None);
        assert_eq!(advise(&evidence(0.6, 0.1), &[], None), None);
    }

    #[test]
    fn few_far_or_dependent_encounters_are_no_evidence() {
        let offered = ["fight", "flee"];
        let mut few = evidence(0.6, 0.1);
        few.pop();
        assert_eq!(advise(&few, &offered, None), None);
        let mut one_life = evidence(0.6, 0.1);
        one_life.iter_mut().for_each(|found| found.memory.trajectory = 1);
        assert_eq!(advise(&one_life, &offered, None), None);
        let mut far = evidence(0.6, 0.1);
        far[0].distance = 0.9;
        assert_eq!(advise(&far, &offered, None), None);
        let mut calm = evidence(0.6, 0.1);
        calm[4].memory.foe = 0;
        assert_eq!(advise(&calm, &offered, None), None);
    }
}
