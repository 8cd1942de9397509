//! Deaths and restarts: what is done with the verdicts of the restart policy.

use super::child::{self, cause};
use super::ending::Ending;
use super::game::Loss;
use super::policy::{self, Death, Verdict};
use super::process::{Due, Live, Phase, Process};
use super::{SHOWN, Supervisor};
use crate::failure::Failure;
use std::process::ExitStatus;
use wire::Instance;
use wire::control::Role;
use wire::event::Event;
use wire::exit;
use wire::page::monotonic_ms;

/// Processes that may be starting at the same time, besides those that are started again.
const COMING_MAX: usize = 8;

impl Supervisor {
    /// Starts processes that have not lived yet, a few at a time, so that many bridges do not wait for each other's start
    /// longer than a new process may take.
    pub(super) fn admit(&mut self) {
        while self.ending.is_none() {
            let is_coming = |process: &&Process| process.live.as_ref().is_some_and(|live| !live.phase.is_serving());
            let coming = self.processes.iter().filter(is_coming).count();
            let next = self.processes.iter().position(|process| process.life == 0 && !process.is_retired);
            match next {
                Some(index) if coming < COMING_MAX => self.start(index),
                _ => return,
            }
        }
    }

    /// Starts a process's next life.
    pub(super) fn start(&mut self, index: usize) {
        let process = &mut self.processes[index];
        let (role, instance, due) = (process.role, process.instance, process.due.take());
        process.life += 1;
        process.epoch += 1;
        process.restarts += u32::from(due.is_some());
        let (epoch, restarts) = (process.epoch, process.restarts);
        let child = match child::spawn(role, index, process.life, &self.reporter) {
            Ok(child) => child,
            Err(error) => return self.give_up(Failure::Os { what: format!("cannot start {role}"), error }),
        };
        let child_pid = child.pid;
        let since_ms = monotonic_ms();
        self.processes[index].live =
            Some(Live { child, since_ms, phase: Phase::Introducing, failed: None, leave_by_ms: 0, killed: None });
        if let Some(due) = due {
            let role = role.name().to_string();
            let event = Event::ProcessRestarted { role, child_pid, epoch, restarts, delay_ms: due.delay_ms };
            self.record_of(instance, event);
        }
    }

    /// A process ended.
    pub(super) fn bury(&mut self, index: usize, life: u32, status: ExitStatus) {
        let process = &mut self.processes[index];
        if process.life != life {
            return;
        }
        let Some(live) = process.live.take() else { return };
        let (role, instance, epoch, is_retired) = (process.role, process.instance, process.epoch, process.is_retired);
        let now_ms = monotonic_ms();
        let reason = live.failed.as_ref().map(|(_, message)| message).or(live.killed.as_ref());
        let cause = reason.map_or_else(|| cause(status), |reason| format!("{}: {reason}", cause(status)));
        let expected = is_retired || self.ending.as_ref().is_some_and(Ending::is_closing);
        let event = Event::ProcessExited {
            role: role.name().to_string(),
            child_pid: live.child.pid,
            epoch,
            cause: cause.clone(),
            expected,
        };
        self.record_of(instance, event);
        if is_retired {
            return;
        }
        if let Some(instance) = instance {
            self.games[usize::from(instance)].emulator = None;
            self.plan.folder.show_ring(instance, None);
            if instance == SHOWN {
                self.screen.ring(None);
            }
        }
        if self.ending.is_some() {
            if let Some(instance) = instance {
                self.tell_emulator_down(instance, epoch, false);
            }
            return self.mourn_in_ending(role, &live);
        }
        self.set_aside(index, live.child.page.in_flight());
        let status = live.failed.as_ref().map(|(status, _)| *status).or(status.code());
        let death = Death { at_ms: now_ms, lived_ms: now_ms.saturating_sub(live.since_ms), status };
        let jitter = self.jitter();
        let process = &mut self.processes[index];
        let (history, verdict) = policy::decide(&process.history, death, &self.plan.config.supervision, jitter);
        process.history = history;
        let message = live.failed.map(|(_, message)| message);
        self.carry_out(index, verdict, &cause, message);
    }

    fn carry_out(&mut self, index: usize, verdict: Verdict, cause: &str, message: Option<String>) {
        let now_ms = monotonic_ms();
        let (name, epoch) = (self.processes[index].name.clone(), self.processes[index].epoch);
        if let Some(instance) = self.processes[index].instance {
            self.tell_emulator_down(instance, epoch, matches!(verdict, Verdict::Restart { .. }));
        }
        match verdict {
            Verdict::Restart { delay_ms } => {
                self.processes[index].due = Some(Due { at_ms: now_ms + delay_ms, delay_ms });
                self.screen.note(format!("{name} ended ({cause}); it is started again"));
            }
            Verdict::Permanent { status } => {
                let message = message.unwrap_or_else(|| format!("{name} ended with {cause}; the lines above say why"));
                self.give_up(Failure::Role { status, message });
            }
            Verdict::Open { retry_ms, deaths } => self.open_circuit(index, retry_ms, deaths, cause),
        }
    }

    fn open_circuit(&mut self, index: usize, retry_ms: u64, deaths: u32, cause: &str) {
        let Process { role, instance, restarts, .. } = self.processes[index];
        let name = self.processes[index].name.clone();
        let window_s = self.plan.config.supervision.window_s;
        let retry_s = retry_ms / 1_000;
        self.record_of(instance, Event::CircuitOpened { role: role.name().to_string(), restarts, window_s, retry_s });
        let often = format!("{name} ended {deaths} times within {window_s} s, the last time with {cause}");
        let log = self.plan.folder.log_path();
        match role {
            Role::EmulatorBridge => {
                let message =
                    format!("{often}; nothing is left to play on: check the core and the ROM with `agent doctor`");
                self.lose_game(instance.unwrap_or(0), Loss { status: exit::UNAVAILABLE, message });
            }
            Role::Actors => self.give_up(Failure::Role {
                status: exit::SOFTWARE,
                message: format!("{often}; this is a defect: report it with {}", log.display()),
            }),
            Role::Indexes | Role::Skills => {
                self.processes[index].due = Some(Due { at_ms: monotonic_ms() + retry_ms, delay_ms: retry_ms });
                self.processes[index].is_given_up = true;
                let detail = format!("{often}; the run goes on without it, one try each {retry_s} s");
                self.screen.note(detail.clone());
                self.record(Event::AlertRaised { alert: format!("{role} given up"), detail });
            }
        }
    }

    /// Two deaths over the same request: it is named, so that nobody tries it a third time.
    fn set_aside(&mut self, index: usize, in_flight: Vec<u64>) {
        let process = &mut self.processes[index];
        let (name, own, last) = (process.name.clone(), process.instance, std::mem::take(&mut process.last_in_flight));
        process.last_in_flight.clone_from(&in_flight);
        let requests = (0..).zip(in_flight).zip(last).filter(|((_, now), last)| *now != 0 && now == last);
        for ((place, request), _) in requests.collect::<Vec<((Instance, u64), u64)>>() {
            let of_game = self.plan.name_of(place).filter(|_| own.is_none());
            let of_game = of_game.map_or(String::new(), |game| format!(" of {game}"));
            let detail = format!("{name} died twice on request {request}{of_game}");
            let event = Event::AlertRaised { alert: "request set aside".to_string(), detail };
            self.record_of(Some(own.unwrap_or(place)), event);
        }
    }

    /// A number from 0 to 1, the next of a sequence that the run's seed begins (splitmix64).
    fn jitter(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}
