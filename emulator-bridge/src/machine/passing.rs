//! How frames pass: run one by one where the emulator can be stepped, waited for where it is live.

use super::{Machine, WAIT_SLICE, require_at_most};
use crate::backend::{Awaited, BackendBus, BackendError};
use crate::outbox::Outbox;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use wire::buttons::{self, Mask};
use wire::emulator::{Answer, INPUT_FRAMES_MAX, Refusal, STEP_FRAMES_MAX};
use wire::memory::{Condition, Place};

/// The most tests in one condition; they are made after every frame.
const TESTS_MAX: usize = 256;
/// A live emulator that shows no frame for this long is silent. Whoever waits for it hears so within a second.
const SILENT_AFTER: Duration = Duration::from_millis(800);
/// How long a live emulator's next frame is left waiting after a step, for the client to hand over the next keys. A
/// frame of the real machine lasts 16.7 ms.
const GRACE: Duration = Duration::from_millis(10);

/// What is kept of a live emulator.
#[derive(Debug)]
pub(super) struct Live {
    /// When its newest frame came.
    last_frame: Instant,
    /// Until when its next frame is left waiting.
    grace_until: Instant,
    /// What happened to it that no client was told of yet.
    changed: Option<String>,
    /// Why the last `Input` was refused. The `Step` that was sent along with it is refused for the same reason, since
    /// waiting for keys that nobody holds has no meaning, and its answer is not read.
    refused: Option<Refusal>,
}

impl Default for Live {
    fn default() -> Live {
        Live { last_frame: Instant::now(), grace_until: Instant::now(), changed: None, refused: None }
    }
}

impl Live {
    pub(super) fn grace(&self, now: Instant) -> Duration {
        self.grace_until.saturating_duration_since(now)
    }
}

/// Whether a game saw the keys it was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    place: Place,
    /// The keys of the first frame that presses any; 0: none does.
    pressed: Mask,
    is_seen: bool,
    /// Whether frames went by that nobody looked at.
    is_unsure: bool,
}

impl Echo {
    pub(super) fn new(place: Place, frames: &[Mask]) -> Echo {
        let pressed = frames.iter().copied().find(|mask| *mask != 0).unwrap_or(0);
        Echo { place, pressed, is_seen: false, is_unsure: false }
    }

    fn look(&mut self, bus: &BackendBus<'_>, frames: u32) {
        self.is_unsure |= frames > 1;
        let pressed = i64::from(self.pressed);
        self.is_seen |= pressed != 0 && self.place.read(bus).is_some_and(|value| value & pressed == pressed);
    }

    fn is_settled(&self) -> bool {
        self.is_seen || self.pressed == 0
    }

    fn answer(&self) -> Option<bool> {
        (self.pressed != 0 && (self.is_seen || !self.is_unsure)).then_some(self.is_seen)
    }
}

/// What one wait for a frame brought.
struct Passed {
    frames: u32,
    core: Duration,
}

impl Machine {
    /// Schedules keys; returns the number of the first frame they are held in.
    pub(super) fn input(&mut self, at_frame: Option<u64>, keys: &[Mask]) -> Result<u64, Refusal> {
        if self.live.is_none() {
            return self.schedule.set(self.frame, at_frame, keys);
        }
        let scheduled = self.hand_over(at_frame, keys);
        if let Some(live) = &mut self.live {
            live.refused = scheduled.as_ref().err().cloned();
        }
        scheduled
    }

    /// Hands keys to a live emulator, unless something happened to it since they were decided on.
    fn hand_over(&mut self, at_frame: Option<u64>, keys: &[Mask]) -> Result<u64, Refusal> {
        if let Some(what) = self.live.as_mut().and_then(|live| live.changed.take()) {
            return Err(Refusal::Changed { what });
        }
        let newest = self.frame;
        let ahead = match at_frame.map(|frame| frame.checked_sub(newest + 1)) {
            Some(None) => return Err(Refusal::FramePassed { newest }),
            Some(Some(ahead)) => ahead,
            None => 0,
        };
        require_at_most("frames scheduled ahead", ahead.saturating_add(keys.len() as u64), INPUT_FRAMES_MAX as u64)?;
        if let Some(mask) = keys.iter().find(|mask| !buttons::is_valid(**mask)) {
            return Err(Refusal::UnknownButton { mask: *mask });
        }
        let mut masks = vec![0; ahead as usize];
        masks.extend_from_slice(keys);
        let first = self.backend.hold(&masks).map_err(BackendError::refusal)?;
        Ok(newest + u64::from(first) + ahead)
    }

    pub(super) fn step(&mut self, limit: u32, until: Option<&Condition>, outbox: &Outbox) -> Result<Answer, Refusal> {
        require_at_most("frames of a step", u64::from(limit), u64::from(STEP_FRAMES_MAX))?;
        let tests = until.map_or(0, |condition| condition.any_of.iter().map(|group| group.len().max(1)).sum());
        require_at_most("tests of a condition", tests as u64, TESTS_MAX as u64)?;
        if let Some(refusal) = self.live.as_mut().and_then(|live| live.refused.take()) {
            return Err(refusal);
        }
        let begin = Instant::now();
        if let Some(clock) = &mut self.pace {
            clock.forgive(begin);
        }
        let (mut frames, mut core, mut held) = (0, Duration::ZERO, false);
        while frames < limit && !held {
            let Some(passed) = self.next_frame(outbox)? else { break };
            frames += passed.frames;
            core += passed.core;
            let bus = BackendBus(self.backend.as_ref());
            if let Some(echo) = self.echo.as_mut().filter(|echo| !echo.is_settled()) {
                echo.look(&bus, passed.frames);
            }
            held = until.is_some_and(|condition| self.keys_are_used_up() && condition.holds(&bus));
            if held || frames >= limit {
                frames += self.refresh()?;
            }
            self.push_frame(held || frames >= limit);
        }
        if let Some(live) = &mut self.live {
            live.grace_until = Instant::now() + GRACE;
        }
        let keys_seen = self.echo.and_then(|echo| echo.answer());
        let run_us = begin.elapsed().as_micros() as u64;
        Ok(Answer::Stepped { frames, held, keys_seen, core_us: core.as_micros() as u64, run_us })
    }

    /// Brings picture and memory up to date where they do not come with every frame; returns how many frames passed.
    pub(super) fn refresh(&mut self) -> Result<u32, Refusal> {
        if self.backend.introduction().capabilities.snapshot {
            return Ok(0);
        }
        let passed = self.backend.refresh().map_err(BackendError::refusal)?;
        self.count(passed);
        self.publish();
        Ok(passed)
    }

    /// Between two requests: a live emulator's frames are taken as they come.
    pub(super) fn idle(&mut self) {
        match self.await_frame(WAIT_SLICE) {
            Ok(Awaited::Frames(_)) => self.push_frame(false),
            Ok(Awaited::Silence(_)) => {}
            Ok(Awaited::Changed(what)) => self.note_change(what),
            Err(error) => {
                tracing::warn!(%error, "the emulator cannot be watched");
                std::thread::sleep(WAIT_SLICE);
            }
        }
    }

    /// Lets a frame pass and publishes it. Returns how long the emulator took.
    pub(super) fn run_frame(&mut self) -> Duration {
        let begin = Instant::now();
        if let Some(clock) = self.run.as_mut().or(self.pace.as_mut()) {
            clock.frame_begins(begin);
        }
        let keys = self.schedule.take();
        if let Err(error) = self.backend.run_frame(keys) {
            tracing::error!(%error, "no frame passed");
            return begin.elapsed();
        }
        let time = begin.elapsed();
        self.frame += 1;
        self.publish();
        self.vitals.frame.store(self.frame, Ordering::Release);
        self.advance();
        time
    }

    /// The next frame of a step; `None` when nobody waits for it any more.
    fn next_frame(&mut self, outbox: &Outbox) -> Result<Option<Passed>, Refusal> {
        if self.live.is_none() {
            return Ok(self.wait_for_clock(outbox).then(|| Passed { frames: 1, core: self.run_frame() }));
        }
        loop {
            if let Some(what) = self.live.as_mut().and_then(|live| live.changed.take()) {
                return Err(Refusal::Changed { what });
            }
            if outbox.is_closed() || self.vitals.stopping.load(Ordering::Acquire) {
                return Ok(None);
            }
            match self.await_frame(WAIT_SLICE).map_err(BackendError::refusal)? {
                Awaited::Frames(frames) => return Ok(Some(Passed { frames, core: Duration::ZERO })),
                Awaited::Silence(why) if self.silent_for() >= SILENT_AFTER => return Err(Refusal::Silent { why }),
                Awaited::Silence(_) => {}
                Awaited::Changed(what) => self.note_change(what),
            }
        }
    }

    fn await_frame(&mut self, patience: Duration) -> Result<Awaited, BackendError> {
        let awaited = self.backend.await_frame(patience);
        self.advance();
        if let Ok(Awaited::Frames(frames)) = awaited {
            self.count(frames);
            if let Some(live) = &mut self.live {
                live.last_frame = Instant::now();
            }
            if self.backend.introduction().capabilities.snapshot {
                self.publish();
            }
        }
        awaited
    }

    fn note_change(&mut self, what: String) {
        if self.publisher.as_ref().is_some_and(|publisher| !publisher.fits(self.backend.as_ref())) {
            // A ring keeps its shape: a game of another console is another life, which the parent begins.
            tracing::error!(what, "the memory is another console's now");
            std::process::exit(wire::exit::UNFINISHED);
        }
        self.echo = None;
        self.renew_welcome();
        if let Some(live) = &mut self.live {
            live.changed = Some(what);
        }
    }

    fn count(&mut self, frames: u32) {
        self.frame += u64::from(frames);
        self.vitals.frame.store(self.frame, Ordering::Release);
    }

    fn silent_for(&self) -> Duration {
        self.live.as_ref().map_or(Duration::ZERO, |live| live.last_frame.elapsed())
    }

    fn keys_are_used_up(&self) -> bool {
        if self.live.is_some() { self.backend.holding().left == 0 } else { self.schedule.is_used_up() }
    }

    /// Waits until a frame of `Step` is due; `false` when nobody waits for it any more.
    fn wait_for_clock(&mut self, outbox: &Outbox) -> bool {
        loop {
            if outbox.is_closed() || self.vitals.stopping.load(Ordering::Acquire) {
                return false;
            }
            let clock = self.run.as_ref().or(self.pace.as_ref());
            let wait = clock.map_or(Duration::ZERO, |clock| clock.wait(Instant::now()));
            if wait.is_zero() {
                return true;
            }
            std::thread::sleep(wait.min(WAIT_SLICE));
            self.advance();
        }
    }
}
