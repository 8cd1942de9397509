//! What became of all questions, and the line about it in the log.

use crate::quantiles::Quantiles;
use std::collections::BTreeMap;
use wire::decision::{Fallback, Routed, Source};
use wire::event::Event;

/// What became of all questions since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Questions that were answered.
    pub decisions: u64,
    /// By a model that was asked for this step.
    pub model: u64,
    /// By what was answered to the same prompt before.
    pub exact: u64,
    /// By what was decided in a situation like it.
    pub similar: u64,
    /// By what another game was asking.
    pub shared: u64,
    /// By going on, since nothing that matters changed.
    pub kept: u64,
    /// By the planner, with the cause.
    pub planner: BTreeMap<Fallback, u64>,
    /// Questions that went on to a higher tier.
    pub escalated: u64,
    /// Answers that could be used after they were asked for once more.
    pub repaired: u64,
    /// Answers that came when nobody waited for them any more, or a later step was answered.
    pub late_answers: u64,
    /// Times that a tier said that too many questions wait.
    pub busy: u64,
    /// Questions whose asker stopped waiting.
    pub abandoned: u64,
    /// Calls of models.
    pub calls: u64,
    /// Tokens of prompts, as the servers counted them.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// What they cost by the tiers' prices.
    pub cost: f64,
    /// Questions under way now.
    pub under_way: u64,
    /// Entries of the cache now.
    pub cache_entries: u64,
    /// What it weighs now, in bytes.
    pub cache_bytes: u64,
    /// Questions that wait for a tier now.
    pub waiting: u64,
    /// Questions that the tiers take at a time now.
    pub limit: u64,
}

impl Counts {
    /// An answer was given.
    pub(super) fn answered(&mut self, routed: &Routed) {
        self.decisions += 1;
        match routed {
            Routed::Decided(decision) => *self.of(decision.source) += 1,
            Routed::Planner { cause, .. } => *self.planner.entry(*cause).or_default() += 1,
        }
    }

    fn of(&mut self, source: Source) -> &mut u64 {
        match source {
            Source::Model => &mut self.model,
            Source::Exact => &mut self.exact,
            Source::Similar => &mut self.similar,
            Source::Shared => &mut self.shared,
            Source::Kept => &mut self.kept,
        }
    }

    /// The share of models' decisions for which no model had to be asked.
    pub fn hit_rate(&self) -> f64 {
        let hits = self.exact + self.similar + self.shared + self.kept;
        if hits == 0 { 0.0 } else { hits as f64 / (hits + self.model) as f64 }
    }
}

/// Gathers what is told of one second.
#[derive(Debug, Default)]
pub(super) struct Summary {
    told: Counts,
    latencies: Quantiles,
}

impl Summary {
    /// An answer took so long.
    pub fn took(&mut self, duration_us: u64) {
        self.latencies.add(duration_us);
    }

    /// What is to be told since the last time, if anything.
    pub fn tell(&mut self, now: &Counts) -> Option<Event> {
        let before = std::mem::replace(&mut self.told, now.clone());
        let is_quiet = (now.decisions, now.late_answers) == (before.decisions, before.late_answers);
        if is_quiet {
            return None;
        }
        let since = |fallback: &Fallback| {
            let count = |counts: &Counts| counts.planner.get(fallback).copied().unwrap_or(0);
            count(now) - count(&before)
        };
        let causes = Fallback::ALL.iter().map(|cause| (cause.name(), since(cause))).filter(|(_, count)| *count > 0);
        let (p50_us, p99_us, max_us) = self.latencies.summary();
        self.latencies.clear();
        Some(Event::DecisionSummary {
            decisions: now.decisions - before.decisions,
            model: now.model - before.model,
            exact: now.exact - before.exact,
            similar: now.similar - before.similar,
            shared: now.shared - before.shared,
            kept: now.kept - before.kept,
            planner: Fallback::ALL.iter().map(since).sum(),
            planner_causes: causes.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "),
            escalated: now.escalated - before.escalated,
            repaired: now.repaired - before.repaired,
            late_answers: now.late_answers - before.late_answers,
            busy: now.busy - before.busy,
            hit_rate: now.hit_rate(),
            cache_entries: now.cache_entries,
            cache_bytes: now.cache_bytes,
            waiting: now.waiting,
            limit: now.limit,
            p50_us,
            p99_us,
            max_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_told_of_alone_and_a_quiet_one_not_at_all() {
        let (mut counts, mut summary) = (Counts::default(), Summary::default());
        assert_eq!(summary.tell(&counts), None);
        for cause in [Fallback::Late, Fallback::Busy, Fallback::Late] {
            counts.answered(&Routed::Planner { cause, reason: String::new() });
            summary.took(500);
        }
        let Some(Event::DecisionSummary { decisions, planner, planner_causes, max_us, .. }) = summary.tell(&counts)
        else {
            panic!("there is something to tell");
        };
        assert_eq!((decisions, planner, planner_causes.as_str(), max_us), (3, 3, "busy 1, late 2", 500));
        counts.answered(&Routed::Planner { cause: Fallback::Open, reason: String::new() });
        let Some(Event::DecisionSummary { planner_causes, max_us, .. }) = summary.tell(&counts) else {
            panic!("there is something to tell");
        };
        assert_eq!((planner_causes.as_str(), max_us), ("open 1", 0));
        assert_eq!(summary.tell(&counts), None);
    }
}
