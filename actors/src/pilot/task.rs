//! A skill that is to be tried: the planner plays until its time has come, then it alone acts, until it ends, does what is
//! expected of it, or has used up its steps.

use crate::brain::Brain;
use crate::brain::chooser::Choice;
use crate::router::recording::Recorder;
use wire::control::{SkillTask, TaskResult};
use wire::skill::facts::Facts;
use wire::skill::trigger::{Condition, TriggerError};
use wire::skill::{Candidate, Ended, Outcome};

/// Steps for which the planner plays towards the condition before the task is given up.
const APPROACH_STEPS_MAX: u64 = 20_000;

/// Who plays a game.
pub struct Player {
    /// Decides where no skill does.
    pub brain: Box<dyn Brain>,
    /// A skill that is to be tried.
    pub task: Option<Task>,
    /// Writes down every question to the router.
    pub recorder: Option<Recorder>,
}

/// A skill that is being tried.
pub struct Task {
    asked: SkillTask,
    until: Option<Condition>,
    expect: Option<Condition>,
    start: Option<Facts>,
    approach: u64,
    result: TaskResult,
    is_over: bool,
}

impl Task {
    /// A task that has not begun.
    ///
    /// # Errors
    /// What is wrong with its conditions.
    pub fn new(asked: SkillTask) -> Result<Task, TriggerError> {
        let until = asked.until.as_deref().map(Condition::parse).transpose()?;
        let expect = asked.expect.as_deref().map(Condition::parse_with_start).transpose()?;
        let result = TaskResult::default();
        Ok(Task { asked, until, expect, start: None, approach: 0, result, is_over: false })
    }

    /// Whether its time has come.
    pub(super) fn has_begun(&self) -> bool {
        self.start.is_some()
    }

    /// Who may act, once its time has come.
    pub(super) fn choices(&mut self, facts: &Facts) -> Option<Vec<Choice>> {
        if self.start.is_none() {
            if self.until.as_ref().is_some_and(|until| !until.holds(facts)) {
                self.approach += 1;
                if self.approach > APPROACH_STEPS_MAX {
                    self.give_up(format!(
                        "the condition to begin did not come to hold within {APPROACH_STEPS_MAX} steps"
                    ));
                }
                return None;
            }
            self.start = Some(facts.clone());
        }
        let candidate =
            Candidate { skill: self.asked.skill.clone(), revision: None, arguments: self.asked.arguments.clone() };
        Some(vec![Choice { candidate, priority: i32::MAX, why: "asked for".to_string() }])
    }

    /// The skill acts.
    pub(super) fn note_step(&mut self, skill: &str) {
        if self.has_begun() && skill == self.asked.skill {
            self.result.steps += 1;
            // What was expected came about before this step, and how the run ends does not matter.
            self.is_over |= self.result.is_met && self.asked.outcome.is_none();
        }
    }

    /// A run ended.
    pub(super) fn note_end(&mut self, ended: &Ended, facts: &Facts) {
        // The run that the planner had begun ends when the task begins.
        if !self.has_begun() || ended.skill != self.asked.skill || self.is_over {
            return;
        }
        if self.result.steps == 0 && ended.steps > 0 {
            return;
        }
        self.result.outcome = ended.outcome.name().to_string();
        self.result.reason.clone_from(&ended.reason);
        self.look(facts);
        self.result.is_met |=
            self.expect.is_none() && self.asked.outcome.is_none() && ended.outcome == Outcome::Success;
        self.result.is_met |= self.expect.is_none() && self.asked.outcome.is_some();
        self.result.is_met &= self.asked.outcome.as_ref().is_none_or(|wanted| *wanted == self.result.outcome);
        self.is_over = true;
    }

    /// What a step led to.
    pub(super) fn look(&mut self, facts: &Facts) {
        let Some(start) = &self.start else { return };
        if self.expect.as_ref().is_some_and(|expect| expect.holds_since(facts, start)) {
            self.result.is_met = true;
        }
        if !self.is_over && self.result.steps >= self.asked.steps_max {
            self.result.is_met &= self.asked.outcome.is_none();
            self.give_up(format!("it may take {} steps", self.result.steps));
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What came of it.
    pub(super) fn result(&self) -> TaskResult {
        self.result.clone()
    }

    fn give_up(&mut self, reason: String) {
        self.result.reason = reason;
        self.is_over = true;
    }
}
