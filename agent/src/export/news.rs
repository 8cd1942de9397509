//! What exports read of a line of the log: only what they tell on, so that reading it costs little.

use serde::Deserialize;
use std::borrow::Cow;
use wire::Instance;
use wire::event::{Latency, Level, State};
use wire::log::Line;

/// Events that are told on, besides steps.
const TOLD: &[&str] = &[
    "AlertCleared",
    "AlertRaised",
    "DecisionSummary",
    "EpisodeEnded",
    "FloorReached",
    "ModelCalled",
    "ModelProbed",
    "ProcessExited",
    "ProcessReady",
    "ProcessRestarted",
    "ProcessSampled",
];

/// A line, as far as exports know it.
#[derive(Clone, Debug)]
pub enum News {
    /// A step.
    Step(Level, Box<StepNews>),
    /// One of the other events that are told on.
    Other(Box<Line>),
    /// Anything else.
    Unknown(Level),
    /// No line: it was cut short.
    Torn,
}

/// What is read of a step.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "docs/telemetry.md describes each field")]
pub struct StepNews {
    pub ts: String,
    pub pid: u32,
    pub instance: Option<Instance>,
    #[serde(default)]
    pub step: u64,
    pub frame: Option<u64>,
    pub brain: String,
    pub eyes: String,
    pub tier: Option<String>,
    pub source: Option<String>,
    pub fallback: Option<String>,
    pub skill: String,
    pub action: String,
    pub reason: String,
    pub effect: String,
    pub latency: Latency,
    pub state: State,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    level: Level,
}

impl News {
    /// Reads a line.
    pub fn read(line: &[u8]) -> News {
        let Ok(Head { event, level }) = serde_json::from_slice::<Head<'_>>(line) else { return News::Torn };
        let read = match &*event {
            "StepCompleted" => serde_json::from_slice(line).ok().map(|step| News::Step(level, Box::new(step))),
            event if TOLD.contains(&event) => serde_json::from_slice(line).ok().map(|line| News::Other(Box::new(line))),
            _ => None,
        };
        // A line of another version has a name and no more that is known here.
        read.unwrap_or(News::Unknown(level))
    }
}

/// A line's time in nanoseconds since 1970, or 0 where it has none.
pub fn nanoseconds(ts: &str) -> u64 {
    ts.parse::<jiff::Timestamp>().ok().and_then(|ts| u64::try_from(ts.as_nanosecond()).ok()).unwrap_or(0)
}

/// Lines as a run writes them.
#[cfg(test)]
pub mod samples {
    use super::*;
    use wire::event::{Event, StepCompleted};

    /// Of a game's step.
    pub fn line(instance: Option<Instance>, step: Option<u64>, event: Event) -> News {
        let (level, seq) = (event.level(), 1);
        let (ts, process, actor) = ("2026-11-29T03:00:01.000000Z".to_string(), "actors".to_string(), "x".to_string());
        let line = Line { ts, seq, process, pid: 7, actor, level, instance, step, frame: Some(9), dur_us: None, event };
        News::read(&serde_json::to_vec(&line).expect("a line is JSON"))
    }

    /// A step that was decided by rules.
    pub fn step(instance: Instance, step: u64, change: impl Fn(&mut StepCompleted)) -> News {
        let mut done = StepCompleted { brain: "planner".into(), skill: "explore".into(), ..StepCompleted::default() };
        done.reason = "nothing else to do".to_string();
        done.latency =
            Latency { capture_us: 10, decode_us: 20, skill_us: 300, apply_us: 70, overhead_us: 500, ..done.latency };
        done.latency.total_us = 2_000;
        change(&mut done);
        line(Some(instance), Some(step), Event::StepCompleted(Box::new(done)))
    }

    /// A call of a model.
    pub fn call(step: u64, outcome: &str) -> News {
        let is_answer = outcome == "answered";
        let event = Event::ModelCalled {
            tier: "local".into(),
            model: "small".into(),
            outcome: outcome.into(),
            reason: if is_answer { String::new() } else { "secret words of a server".into() },
            attempts: 1,
            hedged: false,
            waited_us: 1_000,
            first_byte_us: 2_000,
            took_us: 400_000,
            tokens_in: if is_answer { 900 } else { 0 },
            tokens_cached: 0,
            tokens_out: if is_answer { 30 } else { 0 },
            cost: 0.25,
            confidence: Some(0.5),
        };
        line(Some(0), Some(step), event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_is_told_on_exists() {
        for event in TOLD {
            assert!(wire::event::EVENT_NAMES.contains(event), "{event}");
        }
    }

    #[test]
    fn a_line_is_a_step_another_event_unknown_or_torn() {
        let head = "{\"ts\":\"2026-11-29T03:00:00.000001Z\",\"seq\":1,\"process\":\"agent\",\"pid\":7,\"actor\":\"x\",\"level\":\"warn\"";
        let raised = format!("{head},\"event\":\"AlertRaised\",\"alert\":\"stuck\",\"detail\":\"\"}}");
        assert!(matches!(News::read(raised.as_bytes()), News::Other(_)));
        let later = format!("{head},\"event\":\"DragonTamed\",\"dragon\":3}}");
        assert!(matches!(News::read(later.as_bytes()), News::Unknown(Level::Warn)));
        assert!(matches!(News::read(head.as_bytes()), News::Torn));
    }

    #[test]
    fn times_are_nanoseconds() {
        assert_eq!(nanoseconds("1970-01-01T00:00:01.000002Z"), 1_000_002_000);
        assert_eq!(nanoseconds("yesterday"), 0);
    }
}
