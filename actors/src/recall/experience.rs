//! What becomes a memory: clips of play, kept until what came of them is known.
//!
//! A key moment is a clip of one step. A longer clip is kept when it has been at least half its span since the last one of
//! its kind, if it holds a key moment; where nothing happened, every fourth of its spans. What came of a clip is looked at
//! over the steps that follow, to the end of the floor or of the life at most. Bounded: at most a horizon's clips wait.

use super::moments::Tally;
use std::collections::VecDeque;
use wire::Step;
use wire::recall::{KeyMoments, Memory, NewMemory, SPANS};

/// Steps over which the outcome of a clip is looked at.
const HORIZON_STEPS: u64 = 32;
/// Spans that pass between two clips in which nothing happens.
const QUIET_SPANS: u64 = 2;
/// Deeds that may wait for their step's vector.
const DEEDS_MAX: usize = 128;

/// Gathers memories.
#[derive(Debug, Default)]
pub(super) struct Experience {
    pending: VecDeque<Pending>,
    /// For each span, the last step of its last clip.
    kept_at: [Step; SPANS.len()],
    /// The step of the last key moment.
    key_at: Option<Step>,
    /// The last step, which is a memory if the life ends with it.
    last: Option<Pending>,
    arrival: Option<Pending>,
    deeds: VecDeque<(Step, String, String)>,
}

/// A memory whose outcome is not known yet.
#[derive(Clone, Debug)]
struct Pending {
    new: NewMemory,
    tally: Tally,
}

impl Experience {
    /// A step, once its vector is known. `memory` says where and when it is; `clip` gives the clip of a span that ends with
    /// it. Its deed may come before or after.
    pub fn take(&mut self, memory: &Memory, tally: Tally, clip: impl Fn(u32) -> Option<Vec<f32>>) {
        let step = memory.step;
        if memory.keys.is_any() {
            self.key_at = Some(step);
        }
        self.last = None;
        for (index, span) in SPANS.into_iter().enumerate() {
            let is_due = if span == 1 { memory.keys.is_any() } else { self.is_due(index, step) };
            if !is_due && span != 1 {
                continue;
            }
            let Some(vector) = clip(span) else { continue };
            let mut memory = Memory { span, ..memory.clone() };
            if let Some((_, skill, action)) = self.deeds.iter().find(|(of, ..)| *of == step) {
                (memory.skill, memory.action) = (skill.clone(), action.clone());
            }
            let pending = Pending { new: NewMemory { memory, vector, detail: Vec::new() }, tally };
            if span != 1 {
                self.kept_at[index] = step;
                self.pending.push_back(pending);
            } else if pending.new.memory.keys.has(KeyMoments::FLOOR) && pending.new.memory.layout != 0 {
                // It is kept when the floor ends, with what was learnt of it.
                self.arrival = Some(pending);
            } else if is_due {
                self.pending.push_back(pending);
            } else {
                self.last = Some(pending);
            }
        }
    }

    /// What was done in a step.
    pub fn note_deed(&mut self, step: Step, skill: &str, action: &str) {
        let waiting = self.pending.iter_mut().rev().take_while(|pending| pending.new.memory.step >= step);
        for pending in waiting.chain(&mut self.last).chain(&mut self.arrival) {
            let memory = &mut pending.new.memory;
            if memory.step == step {
                (memory.skill, memory.action) = (skill.to_string(), action.to_string());
            }
        }
        if self.deeds.len() == DEEDS_MAX {
            self.deeds.pop_front();
        }
        self.deeds.push_back((step, skill.to_string(), action.to_string()));
    }

    /// The memories whose outcome is known at this step.
    pub fn mature(&mut self, step: Step, tally: &Tally) -> Vec<NewMemory> {
        let is_ripe = |pending: &Pending| step.saturating_sub(pending.new.memory.step) >= HORIZON_STEPS;
        let mut ripe = Vec::new();
        while self.pending.front().is_some_and(is_ripe) {
            ripe.extend(self.pending.pop_front().and_then(|pending| pending.closed(step, tally, false)));
        }
        ripe
    }

    /// The floor ends, and so does what is looked at: all memories of it. `known` is what was learnt of it.
    pub fn end_floor(&mut self, step: Step, tally: &Tally, known: Option<Vec<u8>>) -> Vec<NewMemory> {
        self.end(step, tally, known, false)
    }

    /// The life ends.
    pub fn end_life(&mut self, step: Step, tally: &Tally, known: Option<Vec<u8>>, is_lost: bool) -> Vec<NewMemory> {
        let last = self.pending.back_mut().filter(|pending| pending.new.memory.span == 1);
        let last = last.filter(|pending| pending.new.memory.step + 1 >= step);
        match (last, self.last.take()) {
            (_, Some(mut pending)) => {
                pending.new.memory.keys = pending.new.memory.keys.with(KeyMoments::END);
                self.pending.push_back(pending);
            }
            (Some(pending), None) => pending.new.memory.keys = pending.new.memory.keys.with(KeyMoments::END),
            (None, None) => {}
        }
        self.end(step, tally, known, is_lost)
    }

    /// The game was put back or exchanged: what waits has no outcome.
    pub fn forget(&mut self) {
        *self = Experience::default();
    }

    /// Memories that wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    fn end(&mut self, step: Step, tally: &Tally, known: Option<Vec<u8>>, is_lost: bool) -> Vec<NewMemory> {
        self.last = None;
        let arrival = self.arrival.take().map(|mut arrival| {
            arrival.new.detail = known.unwrap_or_default();
            arrival
        });
        let ended = self.pending.drain(..).chain(arrival);
        ended.filter_map(|pending| pending.closed(step, tally, is_lost)).collect()
    }

    fn is_due(&self, index: usize, step: Step) -> bool {
        let span = u64::from(SPANS[index]);
        let since = step.saturating_sub(self.kept_at[index]);
        let holds_key = self.key_at.is_some_and(|key| step - key < span);
        since >= if holds_key { (span / 2).max(1) } else { QUIET_SPANS * span }
    }
}

impl Pending {
    /// With its outcome; nothing when it is not known what was done.
    fn closed(mut self, step: Step, tally: &Tally, is_lost: bool) -> Option<NewMemory> {
        let memory = &mut self.new.memory;
        memory.outcome = tally.since(&self.tally, step.saturating_sub(memory.step), is_lost);
        (!memory.skill.is_empty()).then_some(self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(step: Step, keys: KeyMoments) -> Memory {
        Memory { step, keys, floor: 1, ..Memory::default() }
    }

    fn play(experience: &mut Experience, steps: std::ops::Range<Step>, keys: KeyMoments) -> Vec<NewMemory> {
        let mut kept = Vec::new();
        for step in steps {
            experience.take(&memory(step, keys), Tally::default(), |span| {
                (step >= u64::from(span)).then(|| vec![span as f32])
            });
            experience.note_deed(step, "explore", "step E");
            kept.extend(experience.mature(step, &Tally::default()));
        }
        kept
    }

    #[test]
    fn clips_are_kept_at_their_strides_and_no_step_without_a_key_moment() {
        let mut experience = Experience::default();
        let quiet = play(&mut experience, 1..400, KeyMoments::default());
        let of = |kept: &[NewMemory], span| kept.iter().filter(|new| new.memory.span == span).count();
        assert_eq!(of(&quiet, 1), 0);
        assert!(of(&quiet, 2) <= 100 && of(&quiet, 64) <= 4, "{} of two steps", of(&quiet, 2));
        let mut experience = Experience::default();
        let eventful = play(&mut experience, 1..400, KeyMoments::FIGHT);
        assert_eq!((of(&eventful, 1), of(&eventful, 8)), (367, 90));
        assert!(eventful.iter().all(|new| new.memory.skill == "explore" && new.memory.outcome.steps == 32));
        assert!(experience.len() < 100, "{} wait", experience.len());
    }

    #[test]
    fn the_end_of_a_floor_and_of_a_life_ends_what_is_looked_at() {
        let mut experience = Experience::default();
        let arrival = Memory { layout: 77, ..memory(1, KeyMoments::FLOOR) };
        experience.take(&arrival, Tally::default(), |span| (span == 1).then(|| vec![1.0]));
        experience.note_deed(1, "explore", "step E");
        play(&mut experience, 2..5, KeyMoments::default());
        let ended = experience.end_floor(5, &Tally::default(), Some(vec![1, 2, 3]));
        let first = ended.iter().find(|new| new.memory.keys.has(KeyMoments::FLOOR)).expect("the arrival is kept");
        assert_eq!((first.memory.layout, first.memory.outcome.steps, first.detail.as_slice()), (77, 4, &[1, 2, 3][..]));
        assert_eq!(experience.len(), 0);
        play(&mut experience, 6..8, KeyMoments::default());
        let ended = experience.end_life(8, &Tally::default(), None, true);
        assert!(ended.iter().all(|new| new.memory.outcome.is_lost));
        assert!(ended.iter().any(|new| new.memory.keys.has(KeyMoments::END) && new.memory.span == 1));
    }

    #[test]
    fn deeds_find_their_steps_before_and_after_the_vectors() {
        let mut experience = Experience::default();
        experience.note_deed(3, "fight", "attack E");
        experience.take(&memory(3, KeyMoments::FIGHT), Tally::default(), |span| (span == 1).then(|| vec![1.0]));
        experience.take(&memory(4, KeyMoments::FIGHT), Tally::default(), |span| (span == 1).then(|| vec![1.0]));
        let kept = experience.end_floor(5, &Tally::default(), None);
        assert_eq!(kept.len(), 1, "nobody knows what was done in step 4");
        assert_eq!(kept[0].memory.skill, "fight");
    }
}
