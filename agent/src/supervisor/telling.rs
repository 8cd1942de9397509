//! What the supervisor tells the roles beyond their first words: which emulators live, and sockets of their own.

use super::Supervisor;
use super::child::Child;
use super::process::Process;
use crate::failure::Failure;
use rustix::process::Signal;
use std::os::fd::{AsFd as _, BorrowedFd};
use wire::control::{Role, ToRole};
use wire::link::Link;
use wire::{Epoch, Instance};

impl Supervisor {
    /// Tells a process its first words.
    pub(super) fn tell_start(&mut self, index: usize) {
        let Process { role, instance, epoch, life, .. } = self.processes[index];
        let is_first = life == 1;
        if role == Role::Actors && !is_first {
            self.scan_log();
        }
        let start = match role {
            Role::EmulatorBridge => self.plan.start_bridge(instance.unwrap_or(0), epoch),
            Role::Actors => self.plan.start_actors(self.games_going_on(), is_first, &self.scan),
            Role::Indexes => self.plan.start_indexes(),
            Role::Skills => self.plan.start_skills(),
        };
        self.tell(index, &start, &[]);
        if role == Role::Actors {
            self.games_going_on().for_each(|instance| self.tell_emulator_up(instance));
        }
        for peer in [Role::Skills, Role::Indexes] {
            if role == Role::Actors || role == peer {
                self.connect_actors(peer);
            }
        }
    }

    /// Gives the actors and another role a socket of their own, as soon as both live; new ones for each new life. Every game
    /// has one to the indexes; to the skills one is enough.
    fn connect_actors(&mut self, peer: Role) {
        let (actors, other) = (self.index_of(Role::Actors), self.index_of(peer));
        if ![actors, other].iter().all(|index| self.processes[*index].is_told()) {
            return;
        }
        let instances: Vec<Instance> = match peer {
            Role::Indexes => self.games_going_on().collect(),
            _ => vec![0],
        };
        for instance in instances {
            match Link::pair() {
                Ok((one, another)) => {
                    self.tell(other, &ToRole::Connect { peer: Role::Actors, instance }, &[one.as_fd()]);
                    self.tell(actors, &ToRole::Connect { peer, instance }, &[another.as_fd()]);
                }
                Err(error) => {
                    return self.give_up(Failure::Os { what: format!("a socket between actors and {peer}"), error });
                }
            }
        }
    }

    pub(super) fn tell_emulator_up(&self, instance: Instance) {
        let Some(emulator) = &self.games[usize::from(instance)].emulator else { return };
        let message = ToRole::EmulatorUp { instance, epoch: emulator.epoch, address: emulator.address.clone() };
        let ring: Vec<_> = emulator.ring.iter().map(|ring| ring.as_fd()).collect();
        self.tell(self.index_of(Role::Actors), &message, &ring);
    }

    pub(super) fn tell_emulator_down(&self, instance: Instance, epoch: Epoch, restarting: bool) {
        let message = ToRole::EmulatorDown { instance, epoch, restarting };
        self.tell(self.index_of(Role::Actors), &message, &[]);
    }

    pub(super) fn tell(&self, index: usize, message: &ToRole, descriptors: &[BorrowedFd<'_>]) {
        let process = &self.processes[index];
        if let Some(live) = process.live.as_ref().filter(|_| process.is_told()) {
            live.child.tell(message, descriptors);
        }
    }

    /// The games that are still played.
    pub(super) fn games_going_on(&self) -> impl Iterator<Item = Instance> {
        self.plan.instances().filter(|instance| !self.games[usize::from(*instance)].is_over())
    }

    /// The process of a role that all games share.
    pub(super) fn index_of(&self, role: Role) -> usize {
        self.processes.iter().position(|process| process.role == role).expect("every run has the shared roles")
    }

    pub(super) fn signal_all(&self, signal: Signal) {
        self.children().for_each(|child| child.signal(signal));
    }

    fn children(&self) -> impl Iterator<Item = &Child> {
        self.processes.iter().filter_map(|process| process.live.as_ref()).map(|live| &live.child)
    }
}
