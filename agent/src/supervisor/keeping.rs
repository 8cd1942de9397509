//! What is kept of a run: the log goes on in a new file when the one that is written has grown large, its oldest parts are
//! removed where that is wanted, and what each process takes of the machine is written down now and then.

use super::Supervisor;
use super::process::Phase;
use crate::alerts::Change;
use crate::config::Backend;
use crate::export::Exports;
use crate::log_scan::LogScan;
use crate::old_runs;
use crate::platform;
use crate::run_log::{self, RunLog};
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use wire::control::{Role, ToRole};
use wire::event::Event;
use wire::log::open_for_appending;

/// The log's size is looked at this often.
const LOOK_MS: u64 = 1_000;
/// Processes are looked at this often.
const SAMPLE_MS: u64 = 10_000;
const MIB: u64 = 1 << 20;

/// When what was looked at last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looks {
    log_ms: u64,
    processes_ms: u64,
}

impl Supervisor {
    /// Looks at what is due.
    pub(super) fn keep(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.looks.log_ms) >= LOOK_MS {
            self.looks.log_ms = now_ms;
            if self.plan.config.telemetry.backend == Backend::File
                && let Err(error) = self.keep_log()
            {
                self.screen.note(format!("telemetry: the log cannot go on in another file: {error}"));
            }
            self.watch(now_ms);
            let events = self.exports.as_ref().map(Exports::notices);
            self.hear_exports(events.unwrap_or_default());
        }
        if now_ms.saturating_sub(self.looks.processes_ms) >= SAMPLE_MS {
            self.looks.processes_ms = now_ms;
            self.sample();
        }
    }

    /// Looks whether somebody should look.
    pub(super) fn watch(&mut self, now_ms: u64) {
        let Supervisor { alerts, news, .. } = self;
        let read = news.advance(&mut |line| {
            alerts.note(line, now_ms);
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            tracing::warn!("the log cannot be watched: {error}");
        }
        for Change { instance, alert, detail, is_raised } in self.alerts.look(now_ms) {
            let text = format!("{alert}: {detail}");
            let alert = alert.to_string();
            if is_raised {
                self.record_of(instance, Event::AlertRaised { alert, detail });
                self.screen.alarm(match instance.and_then(|instance| self.plan.name_of(instance)) {
                    Some(game) => format!("{game}: {text}"),
                    None => text,
                });
            } else {
                self.record_of(instance, Event::AlertCleared { alert, detail });
            }
        }
    }

    /// Writes down what became of an export.
    pub(super) fn hear_exports(&mut self, events: Vec<Event>) {
        for event in events {
            self.screen.note(format!("export: {}", run_log::of_event(&event)));
            self.record(event);
        }
    }

    fn keep_log(&mut self) -> io::Result<()> {
        let log = RunLog::at(&self.plan.folder.log_path());
        let bytes = log.path.metadata()?.len();
        let telemetry = &self.plan.config.telemetry;
        let (part_bytes, log_bytes) = (telemetry.part_mib * MIB, telemetry.log_mib * MIB);
        if bytes < part_bytes {
            return Ok(());
        }
        let numbers = log.numbers()?;
        let number = numbers.last().map_or(1, |last| last + 1);
        std::fs::rename(&log.path, log.part(number))?;
        // Without a new file, as on a full disk, everybody goes on in the old one, which readers must find.
        let back = |_: &io::Error| drop(std::fs::rename(log.part(number), &log.path));
        let file = open_for_appending(&log.path).inspect_err(back)?;
        for role in [Role::Actors, Role::Indexes, Role::Skills] {
            self.tell(self.index_of(role), &ToRole::LogMoved, &[file.as_fd()]);
        }
        self.log.go_on_in(file);
        self.record(Event::LogRotated { part: number, bytes });
        if log_bytes == 0 {
            return Ok(());
        }
        // What is removed must have been counted. The newest part may still be written for a moment.
        self.scan_log();
        let mut kept = bytes;
        for number in numbers.into_iter().rev() {
            kept += log.part(number).metadata()?.len();
            if kept > log_bytes {
                self.remove_parts(&log, number)?;
                break;
            }
        }
        Ok(())
    }

    /// Removes the oldest runs where all together have grown too large.
    pub(super) fn remove_old_runs(&mut self) {
        let telemetry = &self.plan.config.telemetry;
        let bytes_max = telemetry.runs_mib * MIB;
        // What lies beside a folder that somebody named is somebody's own.
        let is_among_runs = telemetry.runs.canonicalize().ok().as_deref() == self.plan.folder.path.parent();
        if bytes_max == 0 || !is_among_runs {
            return;
        }
        match old_runs::remove_beyond(bytes_max, &self.plan.folder.path) {
            Ok(removed) => removed.into_iter().for_each(|run| {
                self.record(Event::RunRemoved { run: run.name, bytes: run.bytes });
            }),
            Err(error) => self.screen.note(format!("old runs cannot be removed: {error}")),
        }
    }

    /// Removes a part and all before it.
    fn remove_parts(&mut self, log: &RunLog, newest: u64) -> io::Result<()> {
        for number in log.numbers()?.into_iter().filter(|number| *number <= newest) {
            let bytes = log.part(number).metadata()?.len();
            LogScan::remove(log, number)?;
            self.record(Event::LogPartRemoved { part: number, bytes });
        }
        Ok(())
    }

    /// Writes down what each process takes.
    fn sample(&mut self) {
        let roles = self.processes.iter().filter_map(|process| {
            let live = process.live.as_ref().filter(|live| matches!(live.phase, Phase::Serving(_)))?;
            Some((process.role.name(), process.instance, live.child.pid))
        });
        let own = ("agent", None, std::process::id());
        for (process, instance, pid) in [own].into_iter().chain(roles).collect::<Vec<_>>() {
            // A process that ended meanwhile takes nothing.
            let Ok(platform::Taken { resident_bytes, cpu_ms, threads, descriptors }) = platform::taken(pid) else {
                continue;
            };
            let role = process.to_string();
            let event = Event::ProcessSampled { role, child_pid: pid, resident_bytes, cpu_ms, threads, descriptors };
            self.record_of(instance, event);
        }
    }
}
