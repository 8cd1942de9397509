//! Whether somebody should look at the run: conditions over what its log says, raised once and cleared when they are over.
//!
//! Nothing here looks at a clock or a file; the same lines at the same times give the same alerts.

use crate::config;
use crate::trend::{self, Sample, Trend};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wire::Instance;

/// Steps whose overhead is looked at together.
const OVERHEADS: usize = 200;
/// How long troubles and looks at frames are remembered.
const MEMORY_MS: u64 = 60_000;
/// Fewer looks at frames in that time say nothing.
const LOOKS_MIN: u64 = 100;
/// Samples of a process at most: a day of them.
const SAMPLES_MAX: usize = 8_640;
const MIB: f64 = (1 << 20) as f64;
const HOUR_S: f64 = 3_600.0;

/// An alert of a game or of the whole run, by its name.
type Name = (Option<Instance>, &'static str);

/// Watches a run.
#[derive(Debug)]
pub struct Alerts {
    limits: config::Alerts,
    games: BTreeMap<Instance, Game>,
    memory: BTreeMap<(String, Option<Instance>), Vec<Sample>>,
    troubles: VecDeque<u64>,
    /// When a budget was seen spent last.
    spent_ms: Option<u64>,
    raised: BTreeMap<Name, String>,
    /// Games that are over, and what was raised when they ended.
    over: BTreeSet<Instance>,
    left: BTreeSet<&'static str>,
    /// When watching began.
    since_ms: u64,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which game, where it is of one.
    pub instance: Option<Instance>,
    /// The alert.
    pub alert: &'static str,
    /// What is so, or was.
    pub detail: String,
    /// Whether it is so now.
    pub is_raised: bool,
}

/// What is known of a game.
#[derive(Debug, Default)]
struct Game {
    step: u64,
    step_ms: u64,
    floor: u32,
    /// The step at which this floor, and this turn, were seen first.
    floor_step: u64,
    turns: u64,
    turns_step: u64,
    overheads: VecDeque<u64>,
    /// Time, looks, and those without a new frame.
    looks: VecDeque<(u64, u64, u64)>,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    instance: Option<Instance>,
    step: Option<u64>,
    latency: Option<Overhead>,
    state: Option<Place>,
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    child_pid: Option<u32>,
    resident_bytes: Option<u64>,
    frames: Option<u64>,
    stale: Option<u64>,
    #[serde(borrow)]
    planner_causes: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Overhead {
    overhead_us: u64,
}

#[derive(Deserialize)]
struct Place {
    floor: u32,
    turns: u64,
}

impl Alerts {
    /// Watches from now on.
    pub fn new(limits: config::Alerts, now_ms: u64) -> Alerts {
        let (games, memory, troubles, raised, over, left) = Default::default();
        Alerts { limits, games, memory, troubles, spent_ms: None, raised, over, left, since_ms: now_ms }
    }

    /// Takes a line of the log into account, which was read now.
    pub fn note(&mut self, line: &[u8], now_ms: u64) {
        let Ok(head) = serde_json::from_slice::<Head<'_>>(line) else { return };
        // An alert is not itself a reason for one.
        if matches!(&*head.level, "warn" | "error") && !head.event.starts_with("Alert") {
            self.troubles.push_back(now_ms);
        }
        if head.instance.is_some_and(|instance| self.over.contains(&instance)) {
            return;
        }
        let game = head.instance.unwrap_or(0);
        match &*head.event {
            "StepCompleted" => self.games.entry(game).or_default().step(&head, now_ms),
            "FrameSummary" => {
                let looks = (now_ms, head.frames.unwrap_or(0), head.stale.unwrap_or(0));
                self.games.entry(game).or_default().looks.push_back(looks);
            }
            "DecisionSummary" if head.planner_causes.as_ref().is_some_and(|causes| causes.contains("budget")) => {
                self.spent_ms = Some(now_ms);
            }
            "ProcessSampled" => {
                let (Some(role), Some(pid), Some(resident_bytes)) = (head.role, head.child_pid, head.resident_bytes)
                else {
                    return;
                };
                let samples = self.memory.entry((role.into_owned(), head.instance)).or_default();
                samples.push(Sample { at_s: now_ms as f64 / 1e3, pid, resident_bytes, cpu_ms: 0 });
                if samples.len() > SAMPLES_MAX {
                    samples.drain(..samples.len() / 2);
                }
            }
            _ => {}
        }
    }

    /// A game is over: it need not get on any more. What was raised then stays so.
    pub fn leave(&mut self, instance: Instance) {
        self.games.remove(&instance);
        self.over.insert(instance);
        let (left, raised) =
            std::mem::take(&mut self.raised).into_iter().partition(|((of, _), _)| *of == Some(instance));
        self.raised = raised;
        self.left.extend(BTreeMap::into_keys(left).map(|(_, alert)| alert));
    }

    /// What is newly so, and what is not so any more.
    pub fn look(&mut self, now_ms: u64) -> Vec<Change> {
        let since_ms = now_ms.saturating_sub(MEMORY_MS);
        self.troubles.retain(|at_ms| *at_ms >= since_ms);
        for game in self.games.values_mut() {
            game.looks.retain(|(at_ms, ..)| *at_ms >= since_ms);
        }
        let now: BTreeMap<Name, String> = self.conditions(now_ms).into_iter().collect();
        let before = std::mem::take(&mut self.raised);
        let names: BTreeSet<Name> = before.keys().chain(now.keys()).copied().collect();
        let changes = names.into_iter().filter_map(|name| {
            let (instance, alert) = name;
            match (before.get(&name), now.get(&name)) {
                (None, Some(detail)) => Some(Change { instance, alert, detail: detail.clone(), is_raised: true }),
                (Some(detail), None) => Some(Change { instance, alert, detail: detail.clone(), is_raised: false }),
                _ => None,
            }
        });
        let changes = changes.collect();
        self.raised = now;
        changes
    }

    /// The alerts that are raised, or were when their game ended.
    pub fn raised(&self) -> BTreeSet<&'static str> {
        self.raised.keys().map(|(_, alert)| *alert).chain(self.left.iter().copied()).collect()
    }

    fn conditions(&self, now_ms: u64) -> Vec<(Name, String)> {
        let limits = &self.limits;
        let mut all = Vec::new();
        let is_on = |limit: u64| limit > 0;
        for (instance, game) in &self.games {
            let mut tell = |alert: &'static str, detail: String| all.push(((Some(*instance), alert), detail));
            let silent_s = now_ms.saturating_sub(game.step_ms.max(self.since_ms)) / 1_000;
            if is_on(limits.no_steps_s) && silent_s >= limits.no_steps_s {
                tell("no steps", format!("no step for {} s, after step {}", limits.no_steps_s, game.step));
            }
            let stuck = game.step - game.turns_step;
            if is_on(limits.stuck_steps) && game.floor > 0 && stuck >= limits.stuck_steps {
                tell("stuck", format!("no turn of the game passed in {} steps", limits.stuck_steps));
            }
            if is_on(limits.floor_steps) && game.floor > 0 && game.step - game.floor_step >= limits.floor_steps {
                tell("no progress", format!("still on floor {} after {} steps", game.floor, limits.floor_steps));
            }
            if let Some(overhead_ms) = game.overhead_ms()
                && is_on(limits.overhead_ms)
                && overhead_ms >= limits.overhead_ms
            {
                tell("overhead", format!("half of the last {OVERHEADS} steps took {} ms or more", limits.overhead_ms));
            }
            let (looks, stale) = game.looks.iter().fold((0, 0), |sum, look| (sum.0 + look.1, sum.1 + look.2));
            if is_on(limits.stale_percent) && looks >= LOOKS_MIN && stale * 100 >= looks * limits.stale_percent {
                tell("stale frames", format!("{} % of looks at the picture found no new one", limits.stale_percent));
            }
        }
        if self.spent_ms.is_some_and(|spent_ms| now_ms.saturating_sub(spent_ms) < MEMORY_MS) {
            all.push(((None, "budget"), "a budget of the router is spent; the planner decides".to_string()));
        }
        if is_on(limits.errors_per_minute) && self.troubles.len() as u64 >= limits.errors_per_minute {
            all.push(((None, "errors"), format!("{} warnings and errors in a minute", limits.errors_per_minute)));
        }
        let limit = limits.memory_mib_per_hour;
        for ((role, instance), samples) in self.memory.iter().filter(|_| is_on(limit)) {
            // What fills up grows as fast, but ends before it has grown by as much.
            let bytes = limit as f64 * MIB;
            if let Trend::Growing { least, seconds, .. } = trend::of_memory(samples)
                && least * HOUR_S.min(seconds) >= bytes
            {
                let detail = format!("{role} has grown by {limit} MiB within an hour, and grows on");
                all.push(((*instance, "memory"), detail));
            }
        }
        all
    }
}

impl Game {
    fn step(&mut self, head: &Head<'_>, now_ms: u64) {
        let step = head.step.unwrap_or(self.step);
        let is_first = self.step_ms == 0;
        (self.step, self.step_ms) = (step, now_ms);
        if let Some(Place { floor, turns }) = head.state {
            if is_first || floor != self.floor {
                (self.floor, self.floor_step) = (floor, step);
            }
            if is_first || turns != self.turns {
                (self.turns, self.turns_step) = (turns, step);
            }
        }
        if let Some(Overhead { overhead_us }) = head.latency {
            if self.overheads.len() == OVERHEADS {
                self.overheads.pop_front();
            }
            self.overheads.push_back(overhead_us);
        }
    }

    /// The median of the last steps, once there are enough.
    fn overhead_ms(&self) -> Option<u64> {
        if self.overheads.len() < OVERHEADS {
            return None;
        }
        let mut overheads: Vec<u64> = self.overheads.iter().copied().collect();
        let (_, median, _) = overheads.select_nth_unstable(OVERHEADS / 2);
        Some(*median / 1_000)
    }
}

#[cfg(test)]
mod tests;
