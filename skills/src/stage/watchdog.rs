//! The last resort: a thread that ends the process when a script runs far beyond its limits.
//!
//! Invariant: the machine's own limits stop every script that is known; this is for the one that is not. The parent
//! starts the process anew and tells it the turns again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How often it looks.
const LOOK_MS: u64 = 50;
/// Looks without anybody to watch, after which it sleeps until it is woken.
const IDLE_LOOKS: u32 = 100;
/// How far beyond its limit a script may run, whatever the limit.
const GRACE_MS: u64 = 200;
/// How far beyond its limit a script may run, as a multiple of it.
const GRACE_FACTOR: u64 = 4;

/// Watches whoever is on the stage.
#[derive(Debug)]
pub struct Watchdog {
    shared: Arc<Shared>,
    sleeper: Option<thread::Thread>,
    origin: Instant,
}

/// What the thread and the stage share.
#[derive(Debug, Default)]
struct Shared {
    /// Milliseconds since the origin after which the process is ended; 0: nobody is on the stage.
    deadline_ms: AtomicU64,
}

impl Watchdog {
    /// Starts the thread. Where none can be started, nobody watches.
    pub fn start() -> Watchdog {
        let origin = Instant::now();
        let shared = Arc::new(Shared::default());
        let watched = Arc::downgrade(&shared);
        let spawned = thread::Builder::new().name("watchdog".to_string()).spawn(move || watch(&watched, origin));
        let sleeper = match spawned {
            Ok(handle) => Some(handle.thread().clone()),
            Err(error) => {
                tracing::warn!(%error, "no thread watches the scripts");
                None
            }
        };
        Watchdog { shared, sleeper, origin }
    }

    /// Watches while a script with this limit runs.
    pub fn watch<T>(&self, limit_ms: u32, run: impl FnOnce() -> T) -> T {
        let now_ms = elapsed_ms(self.origin);
        let deadline_ms = now_ms + u64::from(limit_ms) * GRACE_FACTOR + GRACE_MS;
        // SYNC POINT: Relaxed is enough: the number stands for itself, and being seen a moment later does no harm.
        self.shared.deadline_ms.store(deadline_ms, Ordering::Relaxed);
        if let Some(sleeper) = &self.sleeper {
            sleeper.unpark();
        }
        let result = run();
        self.shared.deadline_ms.store(0, Ordering::Relaxed);
        result
    }
}

fn watch(watched: &Weak<Shared>, origin: Instant) {
    let mut idle = 0;
    while let Some(shared) = watched.upgrade() {
        let deadline_ms = shared.deadline_ms.load(Ordering::Relaxed);
        drop(shared);
        match deadline_ms {
            0 => idle += 1,
            deadline_ms if elapsed_ms(origin) > deadline_ms => {
                eprintln!("skills: a script does not stop; the process ends");
                std::process::abort();
            }
            _ => idle = 0,
        }
        if idle > IDLE_LOOKS {
            thread::park();
            idle = 0;
        } else {
            thread::sleep(Duration::from_millis(LOOK_MS));
        }
    }
}

fn elapsed_ms(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(sleeper) = &self.sleeper {
            sleeper.unpark();
        }
    }
}
