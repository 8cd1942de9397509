//! The telemetry actor: gathers what happens too often to be written one by one.
//!
//! Events themselves are written by whoever causes them, straight to the log, because a step is not over before its
//! line is the kernel's. Samples (each captured frame, each unanswered question) come here, are counted in memory and
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
    unanswered: [Unanswered; 2],
}

#[derive(Default)]
struct Frames {
    asked: u64,
    fresh: u64,
    similar: u64,
    capture: Quantiles,
}

#[derive(Default)]
struct Unanswered {
    reason: String,
    total: u64,
    written: u64,
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

/// Who did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// Experience.
    Recall = 0,
    /// The models.
    Router = 1,
}

/// A question to recall or to the router that got no answer.
#[derive(Clone, Debug)]
pub struct UnansweredSample {
    /// Who did not answer.
    pub who: Silent,
    /// Why.
    pub reason: String,
}

impl Question for UnansweredSample {
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
        let unanswered = [Unanswered::default(), Unanswered::default()];
        Telemetry { log, instance, frames: Frames::default(), all_captures: Quantiles::default(), unanswered }
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
        for who in [Silent::Recall, Silent::Router] {
            self.flush_unanswered(who);
        }
    }

    fn flush_unanswered(&mut self, who: Silent) {
        let entry = &mut self.unanswered[who as usize];
        if entry.total == entry.written {
            return;
        }
        let count = entry.total - entry.written;
        entry.written = entry.total;
        let (outcome, reason) = ("unavailable".to_string(), entry.reason.clone());
        self.write(match who {
            Silent::Recall => {
                Event::RecallReturned { outcome, reason, count, prefetched: 0, p50_us: 0, p99_us: 0, max_us: 0 }
            }
            Silent::Router => Event::ModelCalled { outcome, reason, count },
        });
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

impl Handler<Envelope<UnansweredSample>> for Telemetry {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<UnansweredSample>, _: &mut Context<Telemetry>) {
        envelope.answer(|sample| {
            let entry = &mut self.unanswered[sample.who as usize];
            entry.total += 1;
            entry.reason = sample.reason;
            // The first is written at once, so that a run which lacks something says so from its start.
            if entry.total == 1 {
                self.flush_unanswered(sample.who);
            }
        });
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
