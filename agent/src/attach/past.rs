//! The steps of a game before now: those that were followed, and from the log all others, a few thousand at a time.

use crate::run_log::{ByStep, Found, RunLog};
use crate::spectator::Step;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::Instance;
use wire::event::Event;
use wire::log::Line;

/// Steps that are kept at a time.
const STEPS_MAX: usize = 5_000;
/// Steps that are read at a time.
const READ: usize = 1_000;

/// Steps that are looked at while time stands still.
#[derive(Debug)]
pub struct Past {
    log: RunLog,
    game: Instance,
    /// A part of the game's steps, oldest first.
    steps: VecDeque<Arc<Step>>,
    /// The one that is looked at.
    place: usize,
    /// The last step when time was stopped.
    last: u64,
    /// Why no more could be read.
    problem: Option<String>,
}

impl Past {
    /// Time was stopped after these steps of a game.
    pub fn new(log: RunLog, game: Instance, steps: VecDeque<Arc<Step>>) -> Past {
        let (place, last) = (steps.len().saturating_sub(1), steps.back().map_or(0, |step| step.step));
        Past { log, game, steps, place, last, problem: None }
    }

    /// The step that is looked at.
    pub fn step(&self) -> Option<&Arc<Step>> {
        self.steps.get(self.place)
    }

    /// The steps around it that are kept, oldest first.
    pub fn steps(&self) -> &VecDeque<Arc<Step>> {
        &self.steps
    }

    /// Its place among them.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Why the log could not be read.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Goes so many steps on, or back where that is negative, up to the first step of all; breaks beyond the last one.
    pub fn go(&mut self, by: i64) -> ControlFlow<()> {
        let read = if by == i64::MIN { self.read_first() } else { self.read_towards(by) };
        self.problem = read.err().map(|error| error.to_string());
        let place = usize::try_from((self.place as i64).saturating_add(by)).unwrap_or(0);
        if place >= self.steps.len() {
            return ControlFlow::Break(());
        }
        self.place = place;
        ControlFlow::Continue(())
    }

    /// Reads what is on the way.
    fn read_towards(&mut self, by: i64) -> io::Result<()> {
        let log = ByStep::of_log(&self.log)?;
        while (self.place as i64).saturating_add(by) < 0 {
            let Some(first) = self.steps.front().map(|step| step.step) else { return Ok(()) };
            let older = steps(&log.before(self.game, first, READ)?);
            if older.is_empty() {
                return Ok(());
            }
            self.place += older.len();
            older.into_iter().rev().for_each(|step| self.steps.push_front(step));
            while self.steps.len() > STEPS_MAX && self.place + 1 < self.steps.len() {
                self.steps.pop_back();
            }
        }
        while (self.place as i64).saturating_add(by) >= self.steps.len() as i64 {
            let Some(newest) = self.steps.back().map(|step| step.step).filter(|step| *step < self.last) else {
                return Ok(());
            };
            let newer = steps(&log.since(self.game, newest + 1, READ)?);
            if newer.is_empty() {
                return Ok(());
            }
            self.steps.extend(newer);
            while self.steps.len() > STEPS_MAX && self.place > 0 {
                self.steps.pop_front();
                self.place -= 1;
            }
        }
        Ok(())
    }

    fn read_first(&mut self) -> io::Result<()> {
        let first = steps(&ByStep::of_log(&self.log)?.since(self.game, 0, READ)?);
        if first.first().is_some_and(|first| self.steps.front().is_none_or(|kept| first.step < kept.step)) {
            (self.steps, self.place) = (first.into(), 0);
        }
        Ok(())
    }
}

fn steps(found: &[Found]) -> Vec<Arc<Step>> {
    let steps = found.iter().filter_map(|found| {
        let line: Line = serde_json::from_slice(&found.line).ok()?;
        let Event::StepCompleted(done) = line.event else { return None };
        let (step, frame) = (found.step, line.frame.unwrap_or(0));
        Some(Arc::new(Step { ts: line.ts, step, frame, done: *done }))
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fmt::Write as _;
    use wire::event::StepCompleted;

    const ALL: u64 = 12_000;

    /// A run of many steps, of which the last few are known.
    fn past(name: &str) -> (std::path::PathBuf, Past) {
        let folder = std::env::temp_dir().join(format!("pocketpilot-past-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("it is made");
        let log = RunLog::at(&folder.join("telemetry.jsonl"));
        let done = Event::StepCompleted(Box::default());
        let done = serde_json::to_value(done).expect("it is JSON");
        let mut text = String::new();
        for step in 1..=ALL {
            let mut line = json!({ "ts": "2026-11-29T03:20:28.197082Z", "seq": step, "process": "actors", "pid": 7,
                "actor": "pilot", "level": "info", "instance": 0, "step": step });
            line.as_object_mut().expect("an object").extend(done.as_object().cloned().expect("an object"));
            writeln!(text, "{line}").expect("it is written");
        }
        std::fs::write(&log.path, text).expect("it is written");
        let known = (ALL - 9..=ALL).map(|step| {
            let (ts, done) = ("2026-11-29T03:20:28.197082Z".to_string(), StepCompleted::default());
            Arc::new(Step { ts, step, frame: 0, done })
        });
        let past = Past::new(log, 0, known.collect());
        (folder, past)
    }

    fn at(past: &Past) -> u64 {
        past.step().map_or(0, |step| step.step)
    }

    #[test]
    fn every_step_is_reached_backwards_and_forwards_and_few_are_kept() {
        let (folder, mut past) = past("walk");
        let mut expected = ALL;
        while expected > 1 {
            assert!(past.go(-100).is_continue());
            expected = expected.saturating_sub(100).max(1);
            assert_eq!((at(&past), past.problem()), (expected, None));
            assert!(past.steps.len() <= STEPS_MAX);
        }
        assert!(past.go(-1).is_continue() && at(&past) == 1, "there is nothing before the first step");
        while expected < ALL {
            let by = 777.min(ALL - expected);
            assert!(past.go(by as i64).is_continue());
            expected += by;
            assert_eq!(at(&past), expected);
            assert!(past.steps.len() <= STEPS_MAX);
        }
        assert!(past.go(1).is_break(), "beyond the last step is now");
        std::fs::remove_dir_all(folder).expect("it is removed");
    }

    #[test]
    fn the_first_step_is_reached_at_once_and_a_log_that_is_gone_is_told() {
        let (folder, mut past) = past("first");
        assert!(past.go(i64::MIN).is_continue());
        assert_eq!((at(&past), past.place()), (1, 0));
        assert!(past.go(5).is_continue());
        assert_eq!((at(&past), past.place()), (6, 5));
        std::fs::remove_dir_all(folder).expect("it is removed");
        assert!(past.go(-100).is_continue());
        assert_eq!(at(&past), 1, "what is kept is shown");
    }
}
