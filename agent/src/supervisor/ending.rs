//! How a run ends: the actors finish their step, then everybody is asked to end, then what is left is killed.

use super::Supervisor;
use super::process::Live;
use crate::failure::Failure;
use crate::log_scan::SkillTally;
use rustix::process::Signal;
use std::collections::BTreeMap;
use wire::control::{Role, Summary, ToRole};
use wire::event::Event;
use wire::exit;
use wire::page::monotonic_ms;

/// A process that SIGKILL did not end within this time is left to the kernel.
const KILLED_MS: u64 = 2_000;
/// Exit statuses of processes that a signal asked to end begin here.
const SIGNALLED: i32 = 128;

/// What is still to be done in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The actors finish their step and save a checkpoint.
    Finishing { until_ms: u64 },
    /// Everybody was asked to end.
    Closing { until_ms: u64 },
    /// Everybody was told to end, by a signal that can be caught.
    Terminating { until_ms: u64 },
    /// Everybody was killed.
    Killed { until_ms: u64 },
}

/// A run that is ending.
#[derive(Debug)]
pub struct Ending {
    stage: Stage,
    signal: Option<i32>,
    failure: Option<Failure>,
    summary: Option<Summary>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit status of the program.
    pub status: i32,
    /// Why the asked-for work was not done, if that was a failure.
    pub failure: Option<Failure>,
    /// What was done.
    pub summary: Summary,
    /// What became of the runs of each skill.
    pub skills: BTreeMap<String, SkillTally>,
}

impl Ending {
    /// Whether the roles were asked to end, so that their ends are no surprise.
    pub fn is_closing(&self) -> bool {
        !matches!(self.stage, Stage::Finishing { .. })
    }
}

impl Supervisor {
    pub(super) fn is_over(&self) -> bool {
        let Some(ending) = &self.ending else { return false };
        let gave_up = matches!(ending.stage, Stage::Killed { until_ms } if monotonic_ms() >= until_ms);
        gave_up || (ending.is_closing() && self.processes.iter().all(|process| process.live.is_none()))
    }

    /// The actors say that the run is over.
    pub(super) fn finish(&mut self, summary: Summary) {
        self.screen.finished(summary.clone());
        match &mut self.ending {
            Some(ending) => ending.summary = Some(summary),
            None => self.ending = Some(Ending { summary: Some(summary), ..self.closing(None) }),
        }
        self.close();
    }

    /// Something made it impossible to go on.
    pub(super) fn give_up(&mut self, failure: Failure) {
        match &mut self.ending {
            Some(ending) => ending.failure = ending.failure.take().or(Some(failure)),
            None => self.ending = Some(self.closing(Some(failure))),
        }
        self.close();
    }

    /// A signal asks to end: the first one kindly, the second one at once.
    pub(super) fn interrupt(&mut self, signal: i32) {
        let now_ms = monotonic_ms();
        let until_ms = now_ms + self.plan.config.supervision.finish_ms;
        if let Some(ending) = &mut self.ending {
            if ending.signal.replace(signal).is_some() {
                ending.stage = Stage::Killed { until_ms: now_ms + KILLED_MS };
                self.signal_all(Signal::KILL);
            }
            return;
        }
        let stage = Stage::Finishing { until_ms };
        self.ending = Some(Ending { stage, signal: Some(signal), failure: None, summary: None });
        self.screen.note("stopping: the step is finished first; once more to end at once".to_string());
        if self.processes[self.index_of(Role::Actors)].is_told() {
            self.tell(Role::Actors, &ToRole::Stop, &[]);
        } else {
            self.close();
        }
    }

    /// A role ended while the run was ending.
    pub(super) fn mourn_in_ending(&mut self, role: Role, live: &Live) {
        let Some(ending) = &mut self.ending else { return };
        if let Some((status, message)) = &live.failed
            && ending.failure.is_none()
            && ending.summary.is_none()
        {
            ending.failure = Some(Failure::Role { status: *status, message: message.clone() });
        }
        if role == Role::Actors && !ending.is_closing() {
            self.close();
        }
    }

    /// Looks at the end's deadlines. Returns whether nothing else needs to be looked at.
    pub(super) fn look_at_ending(&mut self, now_ms: u64) -> bool {
        let Some(ending) = &mut self.ending else { return false };
        match ending.stage {
            Stage::Finishing { until_ms } if now_ms >= until_ms => self.close(),
            Stage::Closing { until_ms } if now_ms >= until_ms => {
                ending.stage = Stage::Terminating { until_ms: now_ms + self.plan.config.supervision.stop_ms / 4 };
                self.signal_all(Signal::TERM);
            }
            Stage::Terminating { until_ms } if now_ms >= until_ms => {
                ending.stage = Stage::Killed { until_ms: now_ms + KILLED_MS };
                self.signal_all(Signal::KILL);
            }
            Stage::Finishing { .. } => return false,
            Stage::Closing { .. } | Stage::Terminating { .. } | Stage::Killed { .. } => {}
        }
        true
    }

    /// Writes the run's last event and says how it ended.
    pub(super) fn conclude(mut self) -> Outcome {
        let said = self.ending.as_mut().and_then(|ending| ending.summary.take());
        let mut summary = said.unwrap_or_else(|| self.summary_from_log());
        self.own_up();
        // The actors know only that they were stopped; why is known here.
        if let Some(Ending { failure: Some(failure), .. }) = &self.ending {
            summary.complete = false;
            summary.reason = failure.to_string();
        }
        self.record(Event::RunEnded {
            complete: summary.complete,
            reason: summary.reason.clone(),
            steps: summary.steps,
            floors: summary.floors,
            best_floor: summary.best_floor,
            episodes: summary.episodes,
            turns: summary.turns,
        });
        let ending = self.ending.take();
        let (failure, signal) = ending.map_or((None, None), |ending| (ending.failure, ending.signal));
        let status = match (&failure, signal) {
            (Some(failure), _) => failure.status(),
            (None, _) if summary.complete => exit::OK,
            (None, Some(signal)) => SIGNALLED + signal,
            (None, None) => exit::UNFINISHED,
        };
        self.screen.end();
        self.scan_log();
        Outcome { status, failure, summary, skills: self.scan.skills }
    }

    /// A run that went on without a role says so in its end, whatever it reached.
    fn own_up(&mut self) {
        let given_up = self.processes.iter().filter(|process| process.is_given_up);
        let names: Vec<&str> = given_up.map(|process| process.role.name()).collect();
        if let Some(ending) = self
            .ending
            .as_mut()
            .filter(|ending| ending.failure.is_none() && ending.signal.is_none() && !names.is_empty())
        {
            let log = self.plan.folder.log_path();
            let message =
                format!("the run went on without {}, which kept dying; see {}", names.join(", "), log.display());
            ending.failure = Some(Failure::Role { status: exit::UNFINISHED, message });
        }
    }

    fn closing(&self, failure: Option<Failure>) -> Ending {
        let stage = Stage::Finishing { until_ms: 0 };
        Ending { stage, signal: None, failure, summary: None }
    }

    /// Asks everybody to end, once.
    fn close(&mut self) {
        let until_ms = monotonic_ms() + self.plan.config.supervision.stop_ms * 3 / 4;
        match &mut self.ending {
            Some(ending) if !ending.is_closing() => ending.stage = Stage::Closing { until_ms },
            _ => return,
        }
        for process in &mut self.processes {
            process.due = None;
            let told = process.is_told();
            match process.live.as_mut() {
                Some(live) if told => live.child.tell(&ToRole::Stop, &[]),
                // It does not listen yet; the end of its socket is what it would notice.
                Some(live) => live.child.signal(Signal::KILL),
                None => {}
            }
        }
    }

    /// What the log tells of a run whose actors could not say it themselves.
    fn summary_from_log(&mut self) -> Summary {
        self.scan_log();
        let done = &self.scan.done;
        Summary {
            reason: "stopped".to_string(),
            steps: done.step,
            floors: done.floors,
            best_floor: done.best_floor,
            episodes: done.episodes,
            turns: self.scan.turns,
            ..Summary::default()
        }
    }

    fn scan_log(&mut self) {
        if let Err(error) = self.scan.advance(&self.plan.folder.log_path()) {
            tracing::warn!("{}: {error}", self.plan.folder.log_path().display());
        }
    }
}
