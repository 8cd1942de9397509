//! What a log says of a run, added up.

use crate::run_log::{self, Follower, RunLog, Start};
use crate::screen;
use crate::trend::Sample;
use actors::quantiles::Quantiles;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use wire::event::{Event, Latency, StepCompleted};
use wire::log::Line;

/// Progress is told this often.
const TELL: Duration = Duration::from_secs(2);

/// Durations in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// How they are spread.
    pub spread: Quantiles,
    /// All of them together.
    pub sum_us: u64,
}

impl Times {
    fn add(&mut self, us: u64) {
        self.spread.add(us);
        self.sum_us += us;
    }

    /// Their mean.
    pub fn mean_us(&self) -> f64 {
        self.sum_us as f64 / self.spread.count().max(1) as f64
    }
}

/// The parts of a step's time, in the order in which they are told. The first seven and what is left make up the whole.
pub const PARTS: [&str; 8] = ["emulator", "inference", "capture", "decode", "recall", "skill", "websocket", "rest"];

/// What happened in a second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Steps that ended in it.
    pub steps: u64,
    /// Their whole time, and what of it was neither the emulator's nor a model's.
    pub total_us: u64,
    /// See there.
    pub overhead_us: u64,
}

/// Runs of a skill, by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkillRuns {
    /// Outcomes and how often each was.
    pub outcomes: BTreeMap<String, u64>,
    /// Steps of all.
    pub steps: u64,
}

/// Calls of a tier.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Outcomes and how often each was.
    pub outcomes: BTreeMap<String, u64>,
    /// How long answers took.
    pub took: Times,
    /// Tokens read, of these kept by the server, and written.
    pub tokens: (u64, u64, u64),
    /// By the tier's prices.
    pub cost: f64,
}

/// A life that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Which game.
    pub instance: u16,
    /// `fainted`, `completed` or `left`.
    pub outcome: String,
    /// The highest floor.
    pub floor: u32,
    /// Its turns.
    pub turns: u64,
    /// What the game said last.
    pub message: String,
}

/// What a run did and what it took.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The run's name.
    pub name: String,
    /// What it was, as its first line says.
    pub what: String,
    /// How it ended, as its last line says; nothing while it goes on or when it was cut off.
    pub end: Option<(bool, String)>,
    /// Microseconds since 1970 of the first and the last line.
    pub span_us: Option<(i64, i64)>,
    /// Lines, and those that were torn.
    pub lines: (u64, u64),
    /// Whole steps.
    pub total: Times,
    /// What of them was neither the emulator's nor a model's.
    pub overhead: Times,
    /// Their parts, as [`PARTS`] names them.
    pub parts: [Times; PARTS.len()],
    /// Steps whose keys had no effect.
    pub ineffective: u64,
    /// Steps by who decided.
    pub brains: BTreeMap<String, u64>,
    /// Why no model decided, where one was to.
    pub fallbacks: BTreeMap<String, u64>,
    /// Seconds of the run, by their number.
    pub seconds: BTreeMap<u64, Second>,
    /// Processes: role, game.
    pub processes: BTreeMap<(String, u16), Vec<Sample>>,
    /// Skills.
    pub skills: BTreeMap<String, SkillRuns>,
    /// Tiers.
    pub tiers: BTreeMap<String, Calls>,
    /// Decisions by their source.
    pub sources: BTreeMap<&'static str, u64>,
    /// Floors reached: game, step, floor.
    pub floors: Vec<(u16, u64, u32)>,
    /// Lives that ended.
    pub lives: Vec<Life>,
    /// What went wrong, and how often.
    pub faults: BTreeMap<String, u64>,
    /// Questions to experience, by outcome.
    pub recalls: BTreeMap<String, u64>,
}

impl Tally {
    /// Reads a whole log.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub fn read(log: &RunLog) -> io::Result<Tally> {
        let mut tally = Tally { name: log.name(), ..Tally::default() };
        let mut told = Instant::now();
        let mut follower = Follower::new(log.clone(), Start::First);
        let read = follower.advance(&mut |line| {
            tally.add_text(line);
            if told.elapsed() >= TELL {
                told = Instant::now();
                screen::progress(&format!("report: {} lines of {} read", tally.lines.0, tally.name));
            }
            ControlFlow::Continue(())
        });
        read.map(drop)?;
        if !follower.rest().is_empty() {
            tally.add_text(follower.rest());
        }
        Ok(tally)
    }

    /// Seconds from the first line to the last.
    pub fn duration_s(&self) -> f64 {
        self.span_us.map_or(0.0, |(first, last)| (last - first) as f64 / 1e6)
    }

    /// Steps in all games.
    pub fn steps(&self) -> u64 {
        self.total.spread.count()
    }

    fn add_text(&mut self, line: &[u8]) {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) => self.add(line),
            // An event of another version is whole nevertheless.
            Err(_) if serde_json::from_slice::<serde_json::Value>(line).is_ok() => self.lines.0 += 1,
            Err(_) => self.lines.1 += 1,
        }
    }

    fn add(&mut self, line: Line) {
        self.lines.0 += 1;
        let at_us = line.ts.parse::<jiff::Timestamp>().map(|ts| ts.as_microsecond()).ok();
        if let Some(at_us) = at_us {
            let (first, last) = self.span_us.unwrap_or((at_us, at_us));
            self.span_us = Some((first.min(at_us), last.max(at_us)));
        }
        let at_s = at_us.map_or(0.0, |at_us| (at_us - self.span_us.map_or(at_us, |span| span.0)) as f64 / 1e6);
        let instance = line.instance.unwrap_or(0);
        match line.event {
            Event::StepCompleted(step) => self.add_step(&step, at_s),
            Event::ProcessSampled { role, child_pid, resident_bytes, cpu_ms, .. } => {
                let sample = Sample { at_s, pid: child_pid, resident_bytes, cpu_ms };
                self.processes.entry((role, instance)).or_default().push(sample);
            }
            Event::FloorReached { floor, .. } => self.floors.push((instance, line.step.unwrap_or(0), floor)),
            Event::EpisodeEnded { outcome, floor, turns, message } => {
                self.lives.push(Life { instance, outcome, floor, turns, message });
            }
            event => self.add_other(event),
        }
    }

    fn add_step(&mut self, step: &StepCompleted, at_s: f64) {
        let Latency { total_us, overhead_us, .. } = step.latency;
        self.total.add(total_us);
        self.overhead.add(overhead_us);
        for (part, us) in self.parts.iter_mut().zip(parts(&step.latency, step.source.as_deref() == Some("model"))) {
            part.add(us);
        }
        self.ineffective += u64::from(step.effect == "none");
        *self.brains.entry(step.brain.clone()).or_default() += 1;
        if let Some(why) = &step.fallback {
            *self.fallbacks.entry(why.clone()).or_default() += 1;
        }
        let second = self.seconds.entry(at_s.max(0.0) as u64).or_default();
        second.steps += 1;
        second.total_us += total_us;
        second.overhead_us += overhead_us;
    }

    fn add_other(&mut self, event: Event) {
        match event {
            Event::RunStarted { seed, instances, brain, pace, rom, version, .. } => {
                let games = if instances > 1 { format!("{instances} games of ") } else { String::new() };
                self.what = format!("{games}{rom}, {brain}, {pace}, seed {seed}, version {version}");
            }
            Event::RunResumed { .. } => self.end = None,
            Event::RunEnded { complete, reason, .. } => self.end = Some((complete, reason)),
            Event::SkillFinished { skill, outcome, steps, .. } => {
                let runs = self.skills.entry(skill).or_default();
                *runs.outcomes.entry(outcome).or_default() += 1;
                runs.steps += steps;
            }
            Event::ModelCalled { tier, outcome, took_us, tokens_in, tokens_cached, tokens_out, cost, .. } => {
                let calls = self.tiers.entry(tier).or_default();
                if matches!(outcome.as_str(), "answered" | "repaired" | "unusable") {
                    calls.took.add(took_us);
                }
                *calls.outcomes.entry(outcome).or_default() += 1;
                let (read, kept, written) = calls.tokens;
                calls.tokens = (read + tokens_in, kept + tokens_cached, written + tokens_out);
                calls.cost += cost;
            }
            Event::DecisionSummary { .. } => {
                for (source, count) in run_log::sources(&event) {
                    *self.sources.entry(source).or_default() += count;
                }
            }
            Event::RecallReturned { outcome, count, .. } => *self.recalls.entry(outcome).or_default() += count,
            event => {
                if let Some(fault) = fault(&event) {
                    *self.faults.entry(fault).or_default() += 1;
                }
            }
        }
    }
}

/// The parts of a step's time, as [`PARTS`] names them. What a model was waited for is not in the overhead; what the router took
/// without any model is.
fn parts(latency: &Latency, is_by_model: bool) -> [u64; PARTS.len()] {
    let Latency { capture_us, decode_us, recall_us, route_us, skill_us, apply_us, overhead_us, total_us, .. } =
        *latency;
    let outside = total_us.saturating_sub(overhead_us);
    let known = capture_us + decode_us + recall_us + skill_us + apply_us;
    let has_waited = route_us <= outside && (is_by_model || overhead_us < known + route_us);
    let (emulator, rest) = match has_waited {
        true => (outside - route_us, overhead_us.saturating_sub(known)),
        false => (outside, overhead_us.saturating_sub(known + route_us)),
    };
    [emulator, route_us, capture_us, decode_us, recall_us, skill_us, apply_us, rest]
}

/// What goes wrong in an event, in few words.
fn fault(event: &Event) -> Option<String> {
    match event {
        Event::ProcessExited { role, expected: false, .. } => Some(format!("{role} died")),
        Event::ProcessSuspected { role, .. } => Some(format!("{role} made no progress for a while")),
        Event::CircuitOpened { role, .. } => Some(format!("{role} was given up for a while")),
        Event::EmulatorLost { .. } => Some("the emulator was lost".to_string()),
        Event::EmulatorSilent { .. } => Some("the emulator was silent".to_string()),
        Event::EmulatorChanged { .. } => Some("the window was changed by somebody else".to_string()),
        Event::SkillRejected { skill, .. } => Some(format!("a text of {skill} was rejected")),
        Event::GenerationRefused { .. } => Some("a silo's files were damaged".to_string()),
        Event::StatementSlowed { .. } => Some("the experience store was slow".to_string()),
        Event::DecodeFailed { check, .. } => Some(format!("memory failed a check: {check}")),
        Event::CheckpointRestored { .. } => Some("the game went back to a checkpoint".to_string()),
        Event::AlertRaised { alert, .. } => Some(format!("alert: {alert}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_step_make_up_the_whole() {
        let latency = Latency {
            capture_us: 40,
            decode_us: 60,
            recall_us: 100,
            route_us: 20_000,
            skill_us: 300,
            apply_us: 500,
            overhead_us: 1_500,
            total_us: 26_500,
            ..Latency::default()
        };
        assert_eq!(parts(&latency, true), [5_000, 20_000, 40, 60, 100, 300, 500, 500]);
        let unrouted = Latency { route_us: 200, total_us: 6_500, ..latency };
        assert_eq!(parts(&unrouted, false), [5_000, 200, 40, 60, 100, 300, 500, 300]);
        assert_eq!(parts(&Latency::default(), false), [0; PARTS.len()]);
    }
}
