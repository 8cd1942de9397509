//! How the keeper hears that there may be work, and that it is to end.

use super::lock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A bell.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Whether there may be work that the keeper has not looked for.
    has_rung: Mutex<bool>,
    work: Condvar,
    has_keeper: AtomicBool,
    is_stopping: AtomicBool,
}

impl Wake {
    /// Whether a keeper is there.
    pub fn has_keeper(&self) -> bool {
        self.has_keeper.load(Ordering::Acquire)
    }

    /// Whether long work is to be broken off.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// A keeper comes or goes.
    pub fn set_keeper(&self, has_keeper: bool) {
        self.has_keeper.store(has_keeper, Ordering::Release);
        self.ring_work();
    }

    /// Long work is to be broken off, or not any more.
    pub fn set_stopping(&self, is_stopping: bool) {
        self.is_stopping.store(is_stopping, Ordering::Release);
        self.ring_work();
    }

    /// There may be work.
    pub fn ring_work(&self) {
        *lock(&self.has_rung) = true;
        self.work.notify_all();
    }

    /// Waits for the bell, unless it has rung since the last time; at most so long.
    pub fn wait_for_work(&self, limit: Duration) {
        let waited = self.work.wait_timeout_while(lock(&self.has_rung), limit, |has_rung| !*has_rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
