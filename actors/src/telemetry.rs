//! The telemetry actor: gathers what happens too often to be written one by one.
//!
//! Events themselves are written by whoever causes them, straight to the log, because a step is not over before its
//! line is the kernel's. Samples (each captured frame, each question to experience) come here, are counted in memory and
//! written as one event every 100 samples or once a second.

use crate::port::{Envelope, Question};
use crate::quantiles::Quantiles;
use actix::{Actor, AsyncContext as _, Context, Handler};
use std::sync::Arc;
use std::time::Duration;
use wire::event::Event;
use wire::log;
use wire::{Instance, log::Log};

const SAMPLES_MAX: u64 = 100;
const INTERVAL: Duration = Duration::from_secs(1);

/// Aggregates samples of one game.
pub struct Telemetry {
    log: Arc<Log>,
    instance: Instance,
    frames: Frames,
    all_captures: Quantiles,
    recalls: [Recalls; 3],
    lost_memories: u64,
}

#[derive(Default)]
struct Frames {
    asked: u64,
    fresh: u64,
    similar: u64,
    capture: Quantiles,
}

#[derive(Default)]
struct Recalls {
    reason: String,
    total: u64,
    count: u64,
    prefetched: u64,
    took: Quantiles,
}

/// One look at the ring.
#[derive(Clone, Copy, Debug)]
pub struct FrameSample {
    /// How long reading took.
    pub capture_us: u64,
    /// Whether there was a new frame.
    pub fresh: bool,
    /// Whether it looked like the one before.
    pub similar: bool,
}

impl Question for FrameSample {
    type Answer = ();
}

/// What became of a question to experience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecallOutcome {
    Found = 0,
    Late = 1,
    Unavailable = 2,
}

const RECALL_OUTCOMES: [(RecallOutcome, &str); 3] =
    [(RecallOutcome::Found, "found"), (RecallOutcome::Late, "late"), (RecallOutcome::Unavailable, "unavailable")];

/// A question to experience.
#[derive(Clone, Debug)]
pub struct RecallSample {
    outcome: RecallOutcome,
    reason: String,
    took_us: u64,
    is_prefetched: bool,
}

impl RecallSample {
    /// It was answered after this time; whether it was asked before its step began.
    pub fn found(took_us: u64, is_prefetched: bool) -> RecallSample {
        RecallSample { outcome: RecallOutcome::Found, reason: String::new(), took_us, is_prefetched }
    }

    /// It was not answered in time.
    pub fn late(took_us: u64) -> RecallSample {
        let reason = "the silos did not answer in time".to_string();
        RecallSample { outcome: RecallOutcome::Late, reason, took_us, is_prefetched: false }
    }

    /// There was nobody to ask.
    pub fn unavailable(reason: &str) -> RecallSample {
        let reason = reason.to_string();
        RecallSample { outcome: RecallOutcome::Unavailable, reason, took_us: 0, is_prefetched: false }
    }
}

impl Question for RecallSample {
    type Answer = ();
}

/// So many memories never came to be kept. What does is told by the process that keeps it.
#[derive(Clone, Copy, Debug)]
pub struct LostMemories(pub u64);

impl Question for LostMemories {
    type Answer = ();
}

/// Something that somebody should look at.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Its name.
    pub alert: String,
    /// What is wrong.
    pub detail: String,
}

impl Question for Trouble {
    type Answer = ();
}

/// Writes what has been gathered, and tells the percentiles of capturing over the whole run.
pub struct Flush;

impl Question for Flush {
    type Answer = (u64, u64, u64);
}

impl Telemetry {
    /// An actor that writes to this log.
    pub fn new(log: Arc<Log>, instance: Instance) -> Telemetry {
        Telemetry {
            log,
            instance,
            frames: Frames::default(),
            all_captures: Quantiles::default(),
            recalls: Default::default(),
            lost_memories: 0,
        }
    }

    fn write(&self, event: Event) {
        let context = log::Context { instance: Some(self.instance), ..log::Context::default() };
        // A log that cannot be written ends the run at the next step's own line; samples add nothing to that.
        let _ = self.log.write("telemetry", context, event);
    }

    fn flush(&mut self) {
        if self.frames.asked > 0 {
            let (capture_p50_us, capture_p99_us, capture_max_us) = self.frames.capture.summary();
            let Frames { asked, fresh, similar, .. } = self.frames;
            self.write(Event::FrameSummary {
                frames: asked,
                fresh,
                stale: asked - fresh,
                similar,
                capture_p50_us,
                capture_p99_us,
                capture_max_us,
            });
            self.frames.capture.clear();
            (self.frames.asked, self.frames.fresh, self.frames.similar) = (0, 0, 0);
        }
        for (outcome, _) in RECALL_OUTCOMES {
            self.flush_recalls(outcome);
        }
        let refused = std::mem::take(&mut self.lost_memories);
        if refused > 0 {
            self.write(Event::MemoriesKept { kept: 0, merged: 0, refused });
        }
    }

    fn flush_recalls(&mut self, outcome: RecallOutcome) {
        let (_, name) = RECALL_OUTCOMES[outcome as usize];
        let entry = &mut self.recalls[outcome as usize];
        if entry.count == 0 {
            return;
        }
        let (p50_us, p99_us, max_us) = entry.took.summary();
        let (reason, count, prefetched) = (entry.reason.clone(), entry.count, entry.prefetched);
        entry.took.clear();
        (entry.count, entry.prefetched) = (0, 0);
        let outcome = name.to_string();
        self.write(Event::RecallReturned { outcome, reason, count, prefetched, p50_us, p99_us, max_us });
    }
}

impl Actor for Telemetry {
    type Context = Context<Telemetry>;

    fn started(&mut self, context: &mut Context<Telemetry>) {
        context.run_interval(INTERVAL, |telemetry, _| telemetry.flush());
    }
}

impl Handler<Envelope<FrameSample>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<FrameSample>, _: &mut Context<Telemetry>) {
        envelope.answer(|sample| {
            self.frames.asked += 1;
            self.frames.fresh += u64::from(sample.fresh);
            self.frames.similar += u64::from(sample.similar);
            self.frames.capture.add(sample.capture_us);
            self.all_captures.add(sample.capture_us);
            if self.frames.asked >= SAMPLES_MAX {
                self.flush();
            }
        });
    }
}

impl Handler<Envelope<RecallSample>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<RecallSample>, _: &mut Context<Telemetry>) {
        envelope.answer(|sample| {
            let entry = &mut self.recalls[sample.outcome as usize];
            entry.total += 1;
            entry.count += 1;
            entry.prefetched += u64::from(sample.is_prefetched);
            entry.took.add(sample.took_us);
            entry.reason = sample.reason;
            // The first of each kind is written at once, as above.
            if entry.total == 1 {
                self.flush_recalls(sample.outcome);
            }
        });
    }
}

impl Handler<Envelope<LostMemories>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<LostMemories>, _: &mut Context<Telemetry>) {
        envelope.answer(|LostMemories(memories)| self.lost_memories += memories);
    }
}

impl Handler<Envelope<Trouble>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Trouble>, _: &mut Context<Telemetry>) {
        envelope.answer(|Trouble { alert, detail }| self.write(Event::AlertRaised { alert, detail }));
    }
}

impl Handler<Envelope<Flush>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Flush>, _: &mut Context<Telemetry>) {
        envelope.answer(|Flush| {
            self.flush();
            self.all_captures.summary()
        });
    }
}
