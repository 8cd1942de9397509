//! What somebody sees who looks at a run from outside: made from its log's lines alone, and bounded, however long the run is.
//!
//! The same lines make the same sight, live or afterwards. Absent: the picture, which [`window`] takes from the run's memory, and
//! any way to tell the run something: it does not notice that it is looked at.

use crate::run_log;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::Instance;
use wire::event::{Event, StepCompleted};
use wire::log::Line;

mod rates;
mod window;

pub use rates::Rates;
pub use window::Window;

/// Steps that are kept, of all games together.
const STEPS_MAX: usize = 5_000;
/// Notices that are kept.
const NOTICES_MAX: usize = 500;

/// A step, as its line tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it was over: RFC 3339.
    pub ts: String,
    /// Its number.
    pub step: u64,
    /// The frame that it was decided on.
    pub frame: u64,
    /// The rest.
    pub done: StepCompleted,
}

/// A game of the run.
#[derive(Clone, Debug, Default)]
pub struct Game {
    /// Its last steps, oldest first.
    pub steps: VecDeque<Arc<Step>>,
    /// How fast it goes, and how it stands, over the last minutes.
    pub rates: Rates,
    /// Floors reached so far.
    pub floors: u32,
    /// Lives that ended.
    pub lives: u32,
    /// What the brain is after, and why.
    pub goal: String,
    /// The skill that runs, and since which step.
    pub skill: Option<(String, u64)>,
}

/// A process of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its life, for a role that was started again.
    pub epoch: wire::Epoch,
    /// How it is: `ready`, or how it ended.
    pub state: String,
    /// How often it was started again.
    pub restarts: u32,
    /// Its own memory.
    pub resident_bytes: u64,
    /// Of a processor, in thousandths, between the last two samples.
    pub busy_permille: u64,
    sampled: Option<(i64, u64)>,
}

/// Something that is not a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub ts: String,
    /// `info`, `warn` or `error`.
    pub level: wire::event::Level,
    /// The event's name.
    pub event: String,
    /// What it says.
    pub text: String,
}

/// What the router did lately.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routed {
    /// Decisions by their source, since the log was looked at first.
    pub sources: BTreeMap<&'static str, u64>,
    /// The share of decisions that caches knew.
    pub hit_rate: f64,
    /// Questions that wait.
    pub waiting: u64,
    /// From question to answer, in the last second: 50th and 99th percentile.
    pub took_us: (u64, u64),
    /// Calls by tier: answered, others, time of the last one.
    pub tiers: BTreeMap<String, (u64, u64, u64)>,
}

/// What is seen.
#[derive(Clone, Debug, Default)]
pub struct Spectator {
    /// What the run is, as its first line says, if that was read.
    pub what: String,
    /// How it ended.
    pub end: Option<String>,
    /// How often it was gone on with.
    pub resumed: u32,
    /// Its games.
    pub games: BTreeMap<Instance, Game>,
    /// Its processes: role, game.
    pub processes: BTreeMap<(String, Option<Instance>), Process>,
    /// What happened besides steps, oldest first.
    pub notices: VecDeque<Notice>,
    /// Alerts that are raised: game, name, what is so.
    pub alerts: BTreeMap<(Option<Instance>, String), String>,
    /// The router.
    pub routed: Routed,
    /// Lines that were torn.
    pub torn: u64,
    /// Counts what changed, so that others see whether anything did.
    pub changes: u64,
}

impl Spectator {
    /// Takes a line into account.
    pub fn take(&mut self, text: &[u8]) {
        self.changes += 1;
        match serde_json::from_slice::<Line>(text) {
            Ok(line) => self.see(line),
            // An event of another version says nothing here.
            Err(_) if serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok() => {}
            Err(_) => self.torn += 1,
        }
    }

    fn see(&mut self, line: Line) {
        let at_us = line.ts.parse::<jiff::Timestamp>().map_or(0, |ts| ts.as_microsecond());
        let instance = line.instance;
        self.notice(&line);
        match line.event {
            Event::StepCompleted(done) => {
                let step =
                    Step { ts: line.ts, step: line.step.unwrap_or(0), frame: line.frame.unwrap_or(0), done: *done };
                self.step(instance.unwrap_or(0), at_us, step);
            }
            Event::RunStarted { seed, instances, brain, pace, rom, .. } => {
                let games = if instances > 1 { format!("{instances} games of ") } else { String::new() };
                self.what = format!("{games}{rom}, {brain}, {pace}, seed {seed}");
            }
            Event::RunResumed { .. } => {
                self.end = None;
                self.resumed += 1;
            }
            Event::RunEnded { complete, reason, .. } => {
                self.end = Some(format!("{}: {reason}", if complete { "done" } else { "not done" }));
            }
            Event::FloorReached { floors, .. } => self.game(instance).floors = floors,
            Event::EpisodeEnded { .. } => self.game(instance).lives += 1,
            Event::DecisionMade { goal, reason, .. } => {
                self.game(instance).goal = if goal.is_empty() { reason } else { format!("{goal}: {reason}") };
            }
            Event::SkillStarted { skill, .. } => self.game(instance).skill = Some((skill, line.step.unwrap_or(0))),
            Event::SkillFinished { .. } => self.game(instance).skill = None,
            Event::AlertRaised { alert, detail } => drop(self.alerts.insert((instance, alert), detail)),
            Event::AlertCleared { alert, .. } => drop(self.alerts.remove(&(instance, alert))),
            event => self.see_other(instance, at_us, event),
        }
    }

    fn see_other(&mut self, instance: Option<Instance>, at_us: i64, event: Event) {
        match event {
            Event::ProcessReady { role, child_pid, epoch, .. } => {
                let process = self.process(role, instance);
                (process.pid, process.epoch, process.state) = (child_pid, epoch, "ready".to_string());
            }
            Event::ProcessExited { role, cause, expected, .. } => {
                let process = self.process(role, instance);
                process.state = if expected { "ended".to_string() } else { format!("died: {cause}") };
                process.sampled = None;
            }
            Event::ProcessRestarted { role, child_pid, restarts, .. } => {
                let process = self.process(role, instance);
                (process.pid, process.restarts, process.state) = (child_pid, restarts, "starting".to_string());
            }
            Event::ProcessSuspected { role, silent_ms, .. } => {
                self.process(role, instance).state = format!("no progress for {silent_ms} ms");
            }
            Event::ProcessSampled { role, child_pid, resident_bytes, cpu_ms, .. } => {
                let process = self.process(role, instance);
                if process.state.is_empty() || process.state.starts_with("no progress") {
                    process.state = "ready".to_string();
                }
                let before = process.sampled.replace((at_us, cpu_ms)).filter(|_| process.pid == child_pid);
                (process.pid, process.resident_bytes) = (child_pid, resident_bytes);
                if let Some((before_us, before_ms)) = before
                    && at_us > before_us
                {
                    process.busy_permille = cpu_ms.saturating_sub(before_ms) * 1_000_000 / (at_us - before_us) as u64;
                }
            }
            Event::DecisionSummary { hit_rate, waiting, p50_us, p99_us, .. } => {
                for (source, count) in run_log::sources(&event) {
                    *self.routed.sources.entry(source).or_default() += count;
                }
                (self.routed.hit_rate, self.routed.waiting, self.routed.took_us) =
                    (hit_rate, waiting, (p50_us, p99_us));
            }
            Event::ModelCalled { tier, outcome, took_us, .. } => {
                let (answered, others, last_us) = self.routed.tiers.entry(tier).or_default();
                if matches!(outcome.as_str(), "answered" | "repaired") {
                    (*answered, *last_us) = (*answered + 1, took_us);
                } else {
                    *others += 1;
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, instance: Instance, at_us: i64, step: Step) {
        let games = self.games.len().max(1);
        let game = self.games.entry(instance).or_default();
        game.rates.add(at_us, &step.done);
        // After a step back to a checkpoint, steps are counted on; a resumed game may count some again.
        game.steps.push_back(Arc::new(step));
        if game.steps.len() > STEPS_MAX / games {
            game.steps.pop_front();
        }
    }

    fn game(&mut self, instance: Option<Instance>) -> &mut Game {
        self.games.entry(instance.unwrap_or(0)).or_default()
    }

    fn process(&mut self, role: String, instance: Option<Instance>) -> &mut Process {
        self.processes.entry((role, instance)).or_default()
    }

    fn notice(&mut self, line: &Line) {
        let is_routine = matches!(
            line.event,
            Event::StepCompleted(_)
                | Event::FrameSummary { .. }
                | Event::DecisionMade { .. }
                | Event::DecisionSummary { .. }
                | Event::RecallReturned { .. }
                | Event::MemoriesKept { .. }
                | Event::ModelCalled { .. }
                | Event::ProcessSampled { .. }
                | Event::SkillStarted { .. }
                | Event::SkillFinished { .. }
                | Event::CheckpointSaved { .. }
        );
        if is_routine {
            return;
        }
        if self.notices.len() == NOTICES_MAX {
            self.notices.pop_front();
        }
        let event = serde_json::to_value(&line.event).unwrap_or_default();
        let event = event["event"].as_str().unwrap_or_default().to_string();
        let text = crate::run_log::of_event(&line.event);
        self.notices.push_back(Notice { ts: line.ts.clone(), level: line.level, event, text });
    }
}

#[cfg(test)]
mod tests;
