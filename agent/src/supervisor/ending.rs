//! How a run ends: the actors finish their step, then everybody is asked to end, then what is left is killed.

use super::Supervisor;
use super::game::{Game, Loss};
use super::process::Live;
use crate::export::Exports;
use crate::failure::Failure;
use crate::log_scan::{ModelTally, Played, SkillTally};
use crate::summary;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use wire::Instance;
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
}

/// How a run ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Exit status of the program.
    pub status: i32,
    /// Why the asked-for work was not done, if that was a failure.
    pub failure: Option<Failure>,
    /// What was done in all games.
    pub summary: Summary,
    /// What was done in each.
    pub games: Vec<Summary>,
    /// What became of the runs of each skill.
    pub skills: BTreeMap<String, SkillTally>,
    /// What became of the questions to models.
    pub models: ModelTally,
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

    /// The actors say that a game is over.
    pub(super) fn finish(&mut self, instance: Instance, summary: Summary) {
        self.screen.finished(instance, summary.clone());
        self.watch(monotonic_ms());
        self.alerts.leave(instance);
        let game = &mut self.games[usize::from(instance)];
        // A life of the actors that died right after it said so may be followed by one that says so again.
        game.summary.get_or_insert(summary);
        self.leave_game(instance);
    }

    /// A game cannot go on; the others do, where there are any.
    pub(super) fn lose_game(&mut self, instance: Instance, loss: Loss) {
        if let Some(name) = self.plan.name_of(instance) {
            let detail = loss.message.clone();
            self.screen.note(format!("{name} is given up: {detail}"));
            self.record_of(Some(instance), Event::AlertRaised { alert: "game given up".to_string(), detail });
        }
        self.games[usize::from(instance)].loss.get_or_insert(loss);
        self.leave_game(instance);
    }

    /// A game is over: nobody needs its bridge any more. With the last one the run is over.
    fn leave_game(&mut self, instance: Instance) {
        if self.games_going_on().next().is_some() {
            return self.retire_bridge(instance);
        }
        if self.ending.is_none() {
            // A run of which no game was played to an end fails as a run of one game does.
            let losses: Option<Vec<&Loss>> = self.games.iter().map(|game| game.loss.as_ref()).collect();
            let first = losses.and_then(|losses| losses.first().map(|loss| (*loss).clone()));
            let failure = first.map(|Loss { status, message }| Failure::Role { status, message });
            self.ending = Some(Ending { stage: Stage::Finishing { until_ms: 0 }, signal: None, failure });
        }
        self.close();
    }

    fn retire_bridge(&mut self, instance: Instance) {
        let Some(process) = self.processes.iter_mut().find(|process| process.instance == Some(instance)) else {
            return;
        };
        process.is_retired = true;
        process.due = None;
        process.end();
    }

    /// Something made it impossible to go on.
    pub(super) fn give_up(&mut self, failure: Failure) {
        match &mut self.ending {
            Some(ending) => ending.failure = ending.failure.take().or(Some(failure)),
            None => {
                let stage = Stage::Finishing { until_ms: 0 };
                self.ending = Some(Ending { stage, signal: None, failure: Some(failure) });
            }
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
        self.ending = Some(Ending { stage, signal: Some(signal), failure: None });
        self.screen.note("stopping: the step is finished first; once more to end at once".to_string());
        let actors = self.index_of(Role::Actors);
        if self.processes[actors].is_told() {
            self.tell(actors, &ToRole::Stop, &[]);
        } else {
            self.close();
        }
    }

    /// A role ended while the run was ending.
    pub(super) fn mourn_in_ending(&mut self, role: Role, live: &Live) {
        let is_going_on = self.games_going_on().next().is_some();
        let Some(ending) = &mut self.ending else { return };
        if let Some((status, message)) = &live.failed
            && ending.failure.is_none()
            && is_going_on
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
        let games = self.summaries();
        let mut summary = summary::of_all(&games);
        let events = self.exports.as_mut().map(Exports::finish);
        self.hear_exports(events.unwrap_or_default());
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
        self.plan.instances().for_each(|instance| self.plan.folder.show_ring(instance, None));
        self.screen.end();
        self.scan_log();
        Outcome { status, failure, summary, games, skills: self.scan.skills, models: self.scan.models }
    }

    /// A run that went on without a role or a game says so in its end, whatever it reached; and one that nobody watches, that somebody
    /// should look at it.
    fn own_up(&mut self) {
        let raised: Vec<&str> = self.alerts.raised().into_iter().collect();
        let is_watched = std::io::stdout().is_terminal();
        let given_up = self.processes.iter().filter(|process| process.is_given_up);
        let mut names: Vec<String> = given_up.map(|process| format!("{}, which kept dying", process.name)).collect();
        let lost = self.plan.instances().zip(&self.games).filter(|(_, game)| game.loss.is_some());
        names.extend(lost.filter_map(|(instance, _)| self.plan.name_of(instance)));
        if let Some(ending) = self.ending.as_mut().filter(|ending| ending.failure.is_none() && ending.signal.is_none())
        {
            let log = self.plan.folder.log_path();
            let what = match (names.is_empty(), raised.is_empty() || is_watched) {
                (false, _) => format!("the run went on without {}", names.join(", ")),
                (true, false) => format!("somebody should look at this run ({})", raised.join(", ")),
                (true, true) => return,
            };
            let message = format!("{what}; see {}", log.display());
            ending.failure = Some(Failure::Role { status: exit::UNFINISHED, message });
        }
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
            process.end();
        }
    }

    /// How each game ended: as its pilot said, or as the log tells.
    fn summaries(&mut self) -> Vec<Summary> {
        if self.games.iter().any(|game| game.summary.is_none()) {
            self.scan_log();
        }
        let games = self.plan.instances().zip(&self.games);
        games.map(|(instance, game)| self.summary_of(instance, game)).collect()
    }

    fn summary_of(&self, instance: Instance, game: &Game) -> Summary {
        let Played { done, turns, .. } = self.scan.game(instance);
        let from_log = || Summary {
            reason: "stopped".to_string(),
            steps: done.step,
            floors: done.floors,
            best_floor: done.best_floor,
            episodes: done.episodes,
            turns,
            ..Summary::default()
        };
        let summary = game.summary.clone().unwrap_or_else(from_log);
        match &game.loss {
            Some(loss) => Summary { complete: false, reason: loss.message.clone(), ..summary },
            None => summary,
        }
    }

    pub(super) fn scan_log(&mut self) {
        if let Err(error) = self.scan.advance(&self.plan.folder.log_path()) {
            tracing::warn!("{}: {error}", self.plan.folder.log_path().display());
        }
    }
}
