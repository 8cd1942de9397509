//! Which lines of a log are wanted.

use crate::cli::{Steps, TailArgs};
use crate::failure::Failure;
use serde::Deserialize;
use std::borrow::Cow;
use wire::control::Role;
use wire::event::EVENT_NAMES;

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    processes: Vec<String>,
    events: Vec<String>,
    steps: Option<Steps>,
}

/// What a filter asks of a line.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    process: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    step: Option<u64>,
}

impl Filter {
    /// The filter that was asked for; names that nobody writes are refused.
    pub fn new(args: &TailArgs) -> Result<Filter, Failure> {
        let roles = [Role::EmulatorBridge, Role::Actors, Role::Indexes, Role::Skills].map(Role::name);
        let processes: Vec<&str> = roles.into_iter().chain(["agent"]).collect();
        args.process.iter().try_for_each(|name| check("process", name, &processes))?;
        args.event.iter().try_for_each(|name| check("event", name, EVENT_NAMES))?;
        Ok(Filter { processes: args.process.clone(), events: args.event.clone(), steps: args.step })
    }

    /// Whether all lines are wanted.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether a line is wanted; nothing if it is torn.
    pub fn passes(&self, line: &[u8]) -> Option<bool> {
        let head: Head<'_> = serde_json::from_slice(line).ok()?;
        let is_among = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let is_in = |steps: Steps| head.step.is_some_and(|step| (steps.first..=steps.last).contains(&step));
        Some(
            is_among(&self.processes, &head.process)
                && is_among(&self.events, &head.event)
                && self.steps.is_none_or(is_in),
        )
    }
}

fn check(kind: &str, name: &str, known: &[&str]) -> Result<(), Failure> {
    if known.contains(&name) {
        return Ok(());
    }
    let likeness = |known: &&&str| (strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()) * 1e6) as u64;
    let nearest = known.iter().max_by_key(likeness).copied().unwrap_or_default();
    let all = if known.len() > 10 { "docs/telemetry.md lists them".to_string() } else { known.join(", ") };
    Err(Failure::Usage(format!("there is no {kind} {name}; did you mean {nearest}? ({all})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(processes: &[&str], events: &[&str], steps: Option<Steps>) -> Filter {
        let own = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Filter { processes: own(processes), events: own(events), steps }
    }

    #[test]
    fn lines_pass_by_process_event_and_step() {
        let line = br#"{"ts":"x","seq":1,"process":"actors","step":7,"event":"StepCompleted","state":{"step":9}}"#;
        let steps = |first, last| Some(Steps { first, last });
        assert_eq!(filter(&[], &[], None).passes(line), Some(true));
        assert_eq!(filter(&["skills", "actors"], &["StepCompleted"], steps(7, 7)).passes(line), Some(true));
        assert_eq!(filter(&["skills"], &[], None).passes(line), Some(false));
        assert_eq!(filter(&[], &["RunEnded"], None).passes(line), Some(false));
        assert_eq!(filter(&[], &[], steps(8, 9)).passes(line), Some(false));
        assert_eq!(filter(&[], &[], steps(0, 9)).passes(br#"{"process":"agent","event":"RunEnded"}"#), Some(false));
        assert_eq!(filter(&[], &[], None).passes(&line[..40]), None, "a torn line");
    }

    #[test]
    fn a_misspelt_name_is_refused_with_the_nearest_one() {
        let message = check("event", "stepcomplete", EVENT_NAMES).expect_err("it is refused").to_string();
        assert!(message.contains("did you mean StepCompleted?"), "{message}");
        let message = check("process", "actor", &["agent", "actors"]).expect_err("it is refused").to_string();
        assert!(message.contains("did you mean actors?") && message.contains("(agent, actors)"), "{message}");
    }
}
