//! What the supervisor knows of one process of the run: the life that runs, or when the next one is due.

use super::child::{Child, Life};
use super::health::Watch;
use super::policy::History;
use rustix::process::Signal;
use wire::control::{Role, ToRole};
use wire::{Epoch, Instance};

/// How far a process has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has yet to introduce itself.
    Introducing,
    /// It was told what to do, and has yet to become ready.
    Starting,
    /// It works.
    Serving(Watch),
}

impl Phase {
    /// Whether it has become ready.
    pub fn is_serving(&self) -> bool {
        matches!(self, Phase::Serving(_))
    }
}

/// A running process.
#[derive(Debug)]
pub struct Live {
    /// The process.
    pub child: Child,
    /// When it was started.
    pub since_ms: u64,
    /// How far it has come.
    pub phase: Phase,
    /// Why it says it cannot work: status and message.
    pub failed: Option<(i32, String)>,
    /// When it must have ended after it said so.
    pub leave_by_ms: u64,
    /// Why it was killed.
    pub killed: Option<String>,
}

/// A restart that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at_ms: u64,
    /// How long after the death that is.
    pub delay_ms: u64,
}

/// One process of the run.
#[derive(Debug)]
pub struct Process {
    /// Which role.
    pub role: Role,
    /// The game that a bridge serves; `None` of a role that all games share.
    pub instance: Option<Instance>,
    /// What it is called, for a person.
    pub name: String,
    /// Its lives in this process of ours.
    pub life: Life,
    /// Its life as others count it: a bridge's goes on from those of a resumed run.
    pub epoch: Epoch,
    /// Its running process.
    pub live: Option<Live>,
    /// The restart that is due.
    pub due: Option<Due>,
    /// Restarts in the whole run.
    pub restarts: u32,
    /// Whether it kept dying, and the run goes on without it.
    pub(super) is_given_up: bool,
    /// Whether its game is over, so that it is not wanted any more.
    pub(super) is_retired: bool,
    /// Its deaths.
    pub history: History,
    /// What it was working on for each game when it last died.
    pub last_in_flight: Vec<u64>,
}

impl Process {
    /// A role that has not been started yet.
    pub fn new(role: Role, instance: Option<Instance>, name: String, epoch_before: Epoch) -> Process {
        Process {
            role,
            instance,
            name,
            life: 0,
            epoch: epoch_before,
            live: None,
            due: None,
            restarts: 0,
            is_given_up: false,
            is_retired: false,
            history: History::default(),
            last_in_flight: Vec::new(),
        }
    }

    /// The running process, if it is of this life.
    pub fn live_of(&mut self, life: Life) -> Option<&mut Live> {
        self.live.as_mut().filter(|_| self.life == life)
    }

    /// Asks it to end.
    pub fn end(&self) {
        match self.live.as_ref() {
            Some(live) if self.is_told() => live.child.tell(&ToRole::Stop, &[]),
            // It does not listen yet; the end of its socket is what it would notice.
            Some(live) => live.child.signal(Signal::KILL),
            None => {}
        }
    }

    /// Whether it has been told what to do, so that it can be told more.
    pub fn is_told(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.phase != Phase::Introducing)
    }
}
