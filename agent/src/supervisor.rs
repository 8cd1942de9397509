//! The parent of the roles: starts them, watches them, starts them again, and ends them.
//!
//! One thread, the program's main one, does all of it, woken by reports from a reader and a waiter thread per child and
//! from the signal thread. It runs no C code and no actor, never waits for a child's answer, and writes to no terminal.
//!
//! Entry: [`Supervisor::run`]. Files: `child` a process's life, `process` and `game` what is known of one, `start` and
//! `telling` what roles are told, `policy` and `health` the pure decisions, `lives` deaths and restarts, `keeping` the log's files
//! and what processes take, `ending` how games and the run end.

use crate::alerts::Alerts;
use crate::export::Exports;
use crate::failure::Failure;
use crate::log_scan::LogScan;
use crate::run_log::{Follower, RunLog, Start};
use crate::screen::Screen;
use child::Report;
use health::Health;
use process::{Phase, Process};
use rustix::process::Signal;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use wire::Instance;
use wire::control::{BackendChoice, FromRole, MAGIC, Pace, Role, ToRole};
use wire::event::Event;
use wire::log::{Context, Log};
use wire::page::monotonic_ms;

mod alone;
mod child;
mod ending;
mod game;
mod health;
mod keeping;
mod lives;
mod policy;
mod process;
mod start;
mod telling;

pub use alone::{Alone, start_alone};
pub use child::REPORTS_MAX;
pub use ending::Outcome;
pub use start::Plan;

use ending::Ending;
use game::{Emulator, Game, Loss};

/// Deadlines are looked at this often.
const TICK_MS: u64 = 25;
/// A tick that comes this late means that this process itself stood still.
const STANDSTILL_MS: u64 = 1_000;
const ACTOR: &str = "supervisor";
/// The game whose picture is shown.
const SHOWN: Instance = 0;

/// The parent of one run's roles.
#[derive(Debug)]
pub struct Supervisor {
    plan: Plan,
    log: Log,
    scan: LogScan,
    screen: Screen,
    reports: Receiver<Report>,
    reporter: SyncSender<Report>,
    processes: Vec<Process>,
    games: Vec<Game>,
    ending: Option<Ending>,
    pinged_ms: u64,
    looked_ms: u64,
    looks: keeping::Looks,
    alerts: Alerts,
    /// What the log says from now on.
    news: Follower,
    /// Whom else the run is told.
    exports: Option<Exports>,
    random: u64,
}

impl Supervisor {
    /// Prepares a run. `scan` holds what its log tells of earlier processes.
    pub fn new(plan: Plan, log: Log, scan: LogScan, screen: Screen) -> Result<Supervisor, Failure> {
        let (reporter, reports) = std::sync::mpsc::sync_channel(REPORTS_MAX);
        watch_signals(reporter.clone())?;
        let processes = plan.processes(&scan);
        let url = &plan.config.emulator.url;
        // Epoch 0 leaves it to the actors to take the one that the bridge welcomes them with.
        let elsewhere = || (!url.is_empty()).then(|| Emulator { epoch: 0, address: url.clone(), ring: None });
        let games = plan.instances().map(|_| Game { emulator: elsewhere(), ..Game::default() }).collect();
        let now_ms = monotonic_ms();
        let random = plan.config.run.seed;
        let alerts = Alerts::new(plan.config.alerts.clone(), now_ms);
        let news = Follower::new(RunLog::at(&plan.folder.log_path()), Start::Last(0));
        Ok(Supervisor {
            plan,
            log,
            scan,
            screen,
            reports,
            reporter,
            processes,
            games,
            ending: None,
            pinged_ms: now_ms,
            looked_ms: now_ms,
            looks: keeping::Looks::default(),
            alerts,
            news,
            exports: None,
            random,
        })
    }

    /// Has what happens exported, too.
    pub fn telling(self, exports: Option<Exports>) -> Supervisor {
        Supervisor { exports, ..self }
    }

    /// Plays the run to its end. Must be called on the main thread.
    pub fn run(mut self, started: Event) -> Outcome {
        self.record(started);
        self.remove_old_runs();
        self.admit();
        while !self.is_over() {
            match self.reports.recv_timeout(Duration::from_millis(TICK_MS)) {
                Ok(report) => self.handle(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("this thread holds a sender"),
            }
            self.look(monotonic_ms());
        }
        self.conclude()
    }

    fn handle(&mut self, report: Report) {
        match report {
            Report::Said { index, life, message, descriptors } => self.hear(index, life, message, descriptors),
            Report::Garbled { index, life, error } => self.kill(index, life, format!("it sent no message: {error}")),
            Report::Ended { index, life, status } => self.bury(index, life, status),
            Report::Signal(signal_hook::consts::SIGTSTP) => self.pause(),
            Report::Signal(signal) => self.interrupt(signal),
        }
    }

    fn hear(&mut self, index: usize, life: u32, message: FromRole, mut descriptors: Vec<OwnedFd>) {
        let role = self.processes[index].role;
        let Some(live) = self.processes[index].live_of(life) else { return };
        match (message, &live.phase) {
            (FromRole::Hello { magic, wire_version, build, role: said }, Phase::Introducing) => {
                let ours = (MAGIC, wire::WIRE_VERSION, wire::role::BUILD, role);
                if (magic, wire_version, build.as_str(), said) != ours {
                    let why = format!("it introduced itself as {said}, build {build}, protocol {wire_version}");
                    return self.kill(index, life, why);
                }
                live.phase = Phase::Starting;
                self.tell_start(index);
            }
            (FromRole::Ready { address, detail, backend, .. }, Phase::Starting) => {
                self.keep_backend(backend, &detail);
                self.welcome(index, address, detail, descriptors.pop());
            }
            (FromRole::Failed { status, message }, _) => {
                live.failed = Some((status, message));
                live.leave_by_ms = monotonic_ms() + self.plan.config.supervision.stop_ms;
                live.child.tell(&ToRole::Stop, &[]);
            }
            (FromRole::Status(status), Phase::Serving(_)) if role == Role::Actors => self.screen.status(status),
            (FromRole::Note { instance, text }, Phase::Serving(_)) => self.note(instance, text),
            (FromRole::Finished { instance, summary }, Phase::Serving(_) | Phase::Starting)
                if role == Role::Actors && self.plan.instances().contains(&instance) =>
            {
                self.finish(instance, *summary);
            }
            (FromRole::GameFailed { instance, status, message }, Phase::Serving(_) | Phase::Starting)
                if role == Role::Actors && self.plan.instances().contains(&instance) =>
            {
                self.lose_game(instance, Loss { status, message });
            }
            (message, phase) => tracing::warn!(%role, ?phase, "unexpected: {message:?}"),
        }
    }

    /// The run stays with the emulator that it found, also when it is resumed.
    fn keep_backend(&mut self, backend: Option<BackendChoice>, detail: &str) {
        let Some(backend) = backend else { return };
        if self.plan.config.emulator.backend == backend.name() {
            return;
        }
        self.plan.config.emulator.backend = backend.name().to_string();
        if backend != BackendChoice::Libretro {
            // An open window runs at its own pace.
            self.plan.config.run.pace = Pace::Realtime;
        }
        if let Err(error) = self.plan.folder.keep_config(&self.plan.config) {
            tracing::warn!(%error, "the run's folder does not tell which emulator it found");
        }
        self.screen.note(detail.to_string());
    }

    /// A role became ready.
    fn welcome(&mut self, index: usize, address: Option<String>, detail: String, ring: Option<OwnedFd>) {
        let now_ms = monotonic_ms();
        let process = &mut self.processes[index];
        let (role, epoch, instance) = (process.role, process.epoch, process.instance);
        let Some(live) = process.live.as_mut() else { return };
        process.is_given_up = false;
        live.phase = Phase::Serving(health::Watch::new(now_ms));
        let child_pid = live.child.pid;
        live.child.tell(&ToRole::Ping, &[]);
        self.record_of(instance, Event::ProcessReady { role: role.name().to_string(), child_pid, epoch, detail });
        if let (Some(address), Some(instance)) = (address, instance) {
            if instance == SHOWN {
                self.screen.ring(ring.as_ref().and_then(|ring| ring.try_clone().ok()));
            }
            let emulator = self.games[usize::from(instance)].emulator.insert(Emulator { epoch, address, ring });
            self.plan.folder.show_ring(instance, emulator.ring.as_ref());
            self.tell_emulator_up(instance);
        }
        self.admit();
    }

    /// Looks at every deadline.
    fn look(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.looked_ms) > STANDSTILL_MS {
            self.forgive(now_ms);
        }
        self.looked_ms = now_ms;
        self.keep(now_ms);
        if self.look_at_ending(now_ms) {
            return;
        }
        if now_ms.saturating_sub(self.pinged_ms) >= self.plan.config.supervision.ping_ms {
            self.pinged_ms = now_ms;
            self.ping();
        }
        for index in 0..self.processes.len() {
            self.look_at(index, now_ms);
        }
        self.admit();
    }

    fn ping(&self) {
        for live in self.processes.iter().filter_map(|process| process.live.as_ref()) {
            if matches!(&live.phase, Phase::Serving(watch) if watch.answers()) {
                live.child.tell(&ToRole::Ping, &[]);
            }
        }
    }

    fn look_at(&mut self, index: usize, now_ms: u64) {
        let limits = &self.plan.config.supervision;
        let process = &mut self.processes[index];
        let (role, life, instance) = (process.role, process.life, process.instance);
        if process.due.is_some_and(|due| due.at_ms <= now_ms) && self.ending.is_none() {
            return self.start(index);
        }
        let Some(live) = process.live.as_mut().filter(|live| live.killed.is_none()) else { return };
        if live.failed.is_some() {
            if now_ms >= live.leave_by_ms {
                self.kill(index, life, "it failed and did not end".to_string());
            }
            return;
        }
        let page = live.child.page.read();
        match &mut live.phase {
            Phase::Introducing if now_ms >= live.since_ms + limits.handshake_ms => {
                let why = format!("it did not introduce itself within {} ms", limits.handshake_ms);
                self.kill(index, life, why);
            }
            Phase::Starting if now_ms >= page.protected_until_ms.max(live.since_ms + limits.ready_ms) => {
                let why = format!("it was not ready within {} ms", now_ms - live.since_ms);
                self.kill(index, life, why);
            }
            Phase::Introducing | Phase::Starting => {}
            Phase::Serving(watch) => match watch.observe(now_ms, page, limits) {
                Health::Unchanged => {}
                Health::Suspect { silent_ms } => {
                    let (child_pid, in_flight) = (live.child.pid, page.in_flight);
                    let role = role.name().to_string();
                    self.record_of(instance, Event::ProcessSuspected { role, child_pid, silent_ms, in_flight });
                }
                Health::Dead { silent_ms } => self.kill(index, life, format!("it made no progress for {silent_ms} ms")),
            },
        }
    }

    /// Ends a process that cannot be asked to end.
    fn kill(&mut self, index: usize, life: u32, why: String) {
        if let Some(live) = self.processes[index].live_of(life).filter(|live| live.killed.is_none()) {
            live.child.signal(Signal::KILL);
            live.killed = Some(why);
        }
    }

    /// Ctrl-Z: the roles stand still as long as this process does.
    fn pause(&mut self) {
        self.screen.pause();
        self.signal_all(Signal::STOP);
        if let Err(error) = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP) {
            tracing::warn!("cannot stop: {error}");
        }
        self.signal_all(Signal::CONT);
        self.forgive(monotonic_ms());
        self.screen.resume();
    }

    fn forgive(&mut self, now_ms: u64) {
        for live in self.processes.iter_mut().filter_map(|process| process.live.as_mut()) {
            match &mut live.phase {
                Phase::Serving(watch) => watch.forgive(now_ms),
                Phase::Introducing | Phase::Starting => live.since_ms = now_ms,
            }
        }
    }

    /// Tells a person something; of which game, where there are several.
    fn note(&mut self, instance: Option<Instance>, text: String) {
        match instance.and_then(|instance| self.plan.name_of(instance)) {
            Some(game) => self.screen.note(format!("{game}: {text}")),
            None => self.screen.note(text),
        }
    }

    fn record(&mut self, event: Event) {
        self.record_of(None, event);
    }

    /// Writes an event of a game or of all; a log that cannot be written ends the run.
    fn record_of(&mut self, instance: Option<Instance>, event: Event) {
        if let Err(error) = self.log.write(ACTOR, Context { instance, ..Context::default() }, event) {
            let failure =
                Failure::Telemetry { path: self.plan.folder.log_path(), run_dir: self.plan.folder.path.clone(), error };
            self.give_up(failure);
        }
    }
}

fn watch_signals(reports: SyncSender<Report>) -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    let failed = |error| Failure::Os { what: "signals".to_string(), error };
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP]).map_err(failed)?;
    let forward = move || {
        for signal in signals.forever() {
            if reports.send(Report::Signal(signal)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".to_string()).spawn(forward).map_err(failed)?;
    Ok(())
}
