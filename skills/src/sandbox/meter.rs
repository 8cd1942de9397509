//! What a script may spend until it acts: time, and rounds of loops and calls. Luau asks at every one of them.
//!
//! Invariant: a limit that was broken stays broken until the meter is set anew, so that `pcall` cannot swallow it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// Loop rounds and calls for each millisecond that a skill may take: a script that never ends is stopped by this number
/// and not by the clock, at the same place every time.
pub const INSTRUCTIONS_PER_MILLISECOND: u64 = 5_000;

/// How much later than its time a script may act when other processes had the processor: less than what the watchdog
/// allows.
const FORGIVEN_MAX: Duration = Duration::from_millis(150);

/// Which limit was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The time, in milliseconds.
    Time(u32),
    /// Loop rounds and calls.
    Instructions(u64),
    /// The script said that it is finished, in a place that cannot be left at once.
    Finished,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Time(milliseconds) => write!(formatter, "took longer than {milliseconds} ms"),
            Broken::Instructions(most) => write!(formatter, "took more than {most} instructions"),
            Broken::Finished => formatter.write_str("finished"),
        }
    }
}

/// Counts what a script spends.
#[derive(Debug)]
pub struct Meter {
    instructions: Cell<u64>,
    instructions_max: Cell<u64>,
    milliseconds: Cell<u32>,
    deadline: Cell<Option<Instant>>,
    processor_begin: Cell<Duration>,
    latest: Cell<Option<Instant>>,
    handed_over: Cell<bool>,
    broken: RefCell<Option<(Broken, Option<u32>)>>,
}

/// What is left of a turn for a script: when it must have acted, and how often it may go round.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// When it must have acted.
    pub deadline: Instant,
    /// The time that this comes from, in milliseconds.
    pub milliseconds: u32,
    /// Loop rounds and calls that are left.
    pub instructions: u64,
}

impl Allowance {
    /// What a skill with this limit has from now on.
    pub fn new(milliseconds: u32) -> Allowance {
        Allowance {
            deadline: Instant::now() + Duration::from_millis(u64::from(milliseconds)),
            milliseconds,
            instructions: u64::from(milliseconds) * INSTRUCTIONS_PER_MILLISECOND,
        }
    }

    /// What a skill with this limit has when it is called by one that has `self` left.
    pub fn within(self, milliseconds: u32) -> Allowance {
        let own = Allowance::new(milliseconds);
        Allowance {
            instructions: own.instructions.min(self.instructions),
            ..if own.deadline < self.deadline { own } else { self }
        }
    }
}

impl Meter {
    /// A meter on which nothing may be spent yet.
    pub fn new() -> Meter {
        Meter {
            instructions: Cell::new(0),
            instructions_max: Cell::new(0),
            milliseconds: Cell::new(0),
            deadline: Cell::new(None),
            processor_begin: Cell::new(Duration::ZERO),
            latest: Cell::new(None),
            handed_over: Cell::new(false),
            broken: RefCell::new(None),
        }
    }

    /// Begins anew.
    pub fn set(&self, allowance: Allowance) {
        self.instructions.set(0);
        self.instructions_max.set(allowance.instructions);
        self.milliseconds.set(allowance.milliseconds);
        self.deadline.set(Some(allowance.deadline));
        self.processor_begin.set(processor_time());
        self.latest.set(Some(allowance.deadline + FORGIVEN_MAX));
        self.handed_over.set(false);
        self.broken.replace(None);
    }

    /// Loop rounds and calls since it was set.
    pub fn spent(&self) -> u64 {
        self.instructions.get()
    }

    /// Counts one round or call; says which limit that breaks or was broken before.
    pub fn spend(&self, line: impl FnOnce() -> Option<u32>) -> Option<Broken> {
        if let Some((broken, _)) = *self.broken.borrow() {
            return Some(broken);
        }
        self.instructions.set(self.instructions.get() + 1);
        let broken = if self.instructions.get() > self.instructions_max.get() {
            Broken::Instructions(self.instructions_max.get())
        } else if self.is_late() {
            Broken::Time(self.milliseconds.get())
        } else {
            return None;
        };
        self.broken.replace(Some((broken, line())));
        Some(broken)
    }

    /// Time that other processes had the processor for is forgiven, so that a busy computer breaks no skill; not for ever.
    fn is_late(&self) -> bool {
        let now = Instant::now();
        if self.deadline.get().is_none_or(|deadline| now <= deadline) {
            return false;
        }
        let limit = Duration::from_millis(u64::from(self.milliseconds.get()));
        let used = processor_time().saturating_sub(self.processor_begin.get());
        if used >= limit || self.latest.get().is_none_or(|latest| now > latest) {
            return true;
        }
        self.deadline.set(Some(now + (limit - used)));
        false
    }

    /// Lets nothing more be spent: the script is finished.
    pub fn finish(&self) {
        self.broken.borrow_mut().get_or_insert((Broken::Finished, None));
    }

    /// Whether the script is to hand over now that a limit is broken: every other time, for it may not be able to.
    pub fn hands_over(&self) -> bool {
        !self.handed_over.replace(!self.handed_over.get())
    }

    /// The limit that was broken, and the line at which the script was.
    pub fn broken(&self) -> Option<(Broken, Option<u32>)> {
        *self.broken.borrow()
    }
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
