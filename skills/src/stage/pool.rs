//! Machines that rest between runs, and how much memory all of them take up.

use crate::sandbox::Sandbox;
use crate::skill::Skill;
use std::sync::Arc;

/// Machines that no run uses now, the one that rested longest first.
#[derive(Debug)]
pub struct Pool {
    /// All machines together.
    pub bytes_max: usize,
    idle: Vec<Sandbox>,
    /// Bytes of machines that runs use, as they were when each was last resumed.
    busy_bytes: usize,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool { bytes_max: super::BYTES_MAX, idle: Vec::new(), busy_bytes: 0 }
    }
}

impl Pool {
    /// A machine for this skill: one that rests, or a new one.
    ///
    /// # Errors
    /// When none can be made.
    pub fn take(&mut self, skill: &Arc<Skill>) -> Result<Sandbox, String> {
        let found = self.idle.iter().rposition(|sandbox| {
            let other = sandbox.skill();
            other.revision == skill.revision && other.tier == skill.tier && other.manifest == skill.manifest
        });
        match found {
            Some(index) => Ok(self.idle.remove(index)),
            None => Sandbox::new(skill),
        }
    }

    /// A machine whose run is over rests until it is wanted again.
    pub fn give_back(&mut self, sandbox: Sandbox) {
        sandbox.rest();
        self.idle.push(sandbox);
    }

    /// The bytes of a machine in use changed.
    pub fn account(&mut self, before: usize, now: usize) {
        self.busy_bytes = (self.busy_bytes + now).saturating_sub(before);
    }

    /// Makes room for a machine that has `own` bytes and wants to grow to `wanted`; gives what it may grow to.
    pub fn make_room(&mut self, own: usize, wanted: usize) -> usize {
        let others = self.busy_bytes.saturating_sub(own);
        self.shrink_idle(self.bytes_max.saturating_sub(others + wanted));
        wanted.min(self.bytes_max.saturating_sub(others))
    }

    /// Bytes of all machines.
    pub fn bytes(&self) -> usize {
        self.busy_bytes + self.idle.iter().map(Sandbox::bytes).sum::<usize>()
    }

    /// Throws resting machines away until all machines fit.
    pub fn shrink(&mut self) {
        self.shrink_idle(self.bytes_max.saturating_sub(self.busy_bytes));
    }

    fn shrink_idle(&mut self, bytes_max: usize) {
        let mut bytes: usize = self.idle.iter().map(Sandbox::bytes).sum();
        while bytes > bytes_max && !self.idle.is_empty() {
            bytes -= self.idle.remove(0).bytes();
        }
    }
}
