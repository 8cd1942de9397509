//! The emulator's own thread: requests in the order of their arrival, frames when they are due.
//!
//! Invariants: a frame is in the ring before anybody is told of it; nothing here waits for a client; keys are scheduled
//! by frame number, so that a hold is exact whatever the requests' timing. Between two requests frames pass only in
//! `Run`, or where the emulator runs by itself.

use crate::backend::{BackendBus, BackendError, EmulatorBackend, packed_rows};
use crate::clock::Clock;
use crate::outbox::Outbox;
use crate::publish::Publisher;
use crate::schedule::Schedule;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use wire::emulator::{Answer, Capabilities, ClientMessage, FramePush, READ_BYTES_MAX};
use wire::emulator::{Refusal, Reply, Request, STEP_FRAMES_MAX};
use wire::memory::{Condition, Region};
use wire::page::ProgressPage;
use wire::{Epoch, Instance};

/// The most regions one request may name.
const REQUEST_REGIONS_MAX: usize = 1024;
/// The most tests in one condition; they are made after every frame.
const TESTS_MAX: usize = 256;
/// The longest sleep between two looks at whether waiting still makes sense.
const WAIT_SLICE: Duration = Duration::from_millis(50);

/// What the emulator's thread is handed.
pub(crate) enum Job {
    /// Carry this out and answer.
    Request(ClientMessage, Arc<Outbox>),
    /// Show that work passes through.
    Ping,
}

/// What other threads know of the machine.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Number of the newest frame.
    pub frame: AtomicU64,
    /// Set to end the emulator's thread.
    pub stopping: AtomicBool,
}

/// An emulator, its clock and those who watch it.
pub(crate) struct Machine {
    pub backend: Box<dyn EmulatorBackend>,
    pub instance: Instance,
    pub epoch: Epoch,
    pub publisher: Option<Publisher>,
    pub page: Option<ProgressPage>,
    pub vitals: Arc<Vitals>,
    frame: u64,
    schedule: Schedule,
    /// Present while frames pass by themselves.
    run: Option<Clock>,
    /// Paces the frames of `Step`.
    pace: Option<Clock>,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    outbox: Arc<Outbox>,
    every_n_frames: u32,
    regions: Vec<Region>,
}

impl Machine {
    pub(crate) fn new(
        backend: Box<dyn EmulatorBackend>,
        (instance, epoch): (Instance, Epoch),
        publisher: Option<Publisher>,
        page: Option<ProgressPage>,
    ) -> Machine {
        // An emulator that cannot be stepped runs by itself from the start.
        let introduction = backend.introduction();
        let by_itself = !introduction.capabilities.frame_step;
        let run = by_itself.then(|| Clock::start(introduction.frame_rate_micro, 0, Instant::now()));
        Machine {
            backend,
            instance,
            epoch,
            publisher,
            page,
            vitals: Arc::default(),
            frame: 0,
            schedule: Schedule::default(),
            run,
            pace: None,
            subscribers: Vec::new(),
        }
    }

    /// Works until told to stop or until nobody can ask any more.
    pub(crate) fn work(mut self, jobs: &Receiver<Job>) {
        while !self.vitals.stopping.load(Ordering::Acquire) {
            let job = match &self.run {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(clock) => jobs.recv_timeout(clock.wait(Instant::now()).min(WAIT_SLICE)),
            };
            match job {
                Ok(Job::Request(message, outbox)) => self.carry_out(message, &outbox),
                Ok(Job::Ping) => self.advance(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // One frame between two requests, so that neither a flood of requests nor a fast clock starves the other.
            if self.run.as_ref().is_some_and(|clock| clock.wait(Instant::now()).is_zero()) {
                self.run_frame();
                self.push_frame(false);
            }
        }
    }

    fn carry_out(&mut self, message: ClientMessage, outbox: &Arc<Outbox>) {
        if let Some(page) = &self.page {
            page.set_in_flight(message.id);
        }
        let answer = if message.instance != self.instance {
            Err(Refusal::WrongInstance { current: self.instance })
        } else if message.epoch != self.epoch {
            Err(Refusal::StaleEpoch { current: self.epoch })
        } else {
            self.answer(message.body, outbox)
        };
        let body = answer.unwrap_or_else(Answer::Refused);
        outbox.reply(Reply { id: message.id, instance: self.instance, epoch: self.epoch, frame: self.frame, body });
        if let Some(page) = &self.page {
            page.set_in_flight(0);
        }
        self.advance();
    }

    fn answer(&mut self, request: Request, outbox: &Arc<Outbox>) -> Result<Answer, Refusal> {
        let can = self.backend.introduction().capabilities;
        match request {
            Request::Hello { .. } => {
                Err(Refusal::Malformed { message: "hello is the first message of a connection".to_string() })
            }
            Request::Subscribe { every_n_frames, regions } => {
                require(can.picture, "picture")?;
                self.check_regions(&regions, can)?;
                self.subscribers.retain(|subscriber| !Arc::ptr_eq(&subscriber.outbox, outbox));
                self.subscribers.push(Subscriber { outbox: outbox.clone(), every_n_frames, regions });
                Ok(Answer::Done)
            }
            Request::Input { at_frame, frames } => {
                let first_frame = self.schedule.set(self.frame, at_frame, &frames)?;
                Ok(Answer::Scheduled { first_frame })
            }
            Request::Step { frames, until } => self.step(frames, until.as_ref(), outbox),
            Request::Run { speed_permille } => {
                require(can.frame_step, "frame_step")?;
                self.run = Some(self.clock(speed_permille));
                Ok(Answer::Done)
            }
            Request::Pause => {
                require(can.frame_step, "frame_step")?;
                self.run = None;
                Ok(Answer::Done)
            }
            Request::Pace { speed_permille } => {
                require(can.frame_step, "frame_step")?;
                self.pace = (speed_permille > 0).then(|| self.clock(speed_permille));
                Ok(Answer::Done)
            }
            Request::Read { regions } => {
                let bytes = self.read(&regions, can)?;
                Ok(Answer::Memory { bytes })
            }
            Request::Write { address, bytes } => {
                require(can.write, "write")?;
                require_at_most("bytes written", bytes.len() as u64, u64::from(READ_BYTES_MAX))?;
                self.done(|backend| backend.write(address, &bytes))
            }
            Request::Screenshot => {
                require(can.picture, "picture")?;
                Ok(Answer::Picture(self.frame_push(Vec::new(), Vec::new())))
            }
            Request::SaveState => {
                require(can.save_state, "save_state")?;
                let begin = Instant::now();
                let state = self.backend.save_state().map_err(BackendError::refusal)?;
                Ok(Answer::State { state, run_us: begin.elapsed().as_micros() as u64 })
            }
            Request::LoadState { state } => {
                require(can.save_state, "save_state")?;
                let answer = self.done(|backend| backend.load_state(&state))?;
                self.schedule.clear();
                self.publish();
                self.push_frame(true);
                Ok(answer)
            }
            Request::Reset => {
                require(can.reset, "reset")?;
                self.done(|backend| backend.reset()).inspect(|_| self.schedule.clear())
            }
            Request::Ping => Ok(Answer::Done),
        }
    }

    fn step(&mut self, limit: u32, until: Option<&Condition>, outbox: &Outbox) -> Result<Answer, Refusal> {
        require_at_most("frames of a step", u64::from(limit), u64::from(STEP_FRAMES_MAX))?;
        let tests = until.map_or(0, |condition| condition.any_of.iter().map(|group| group.len().max(1)).sum());
        require_at_most("tests of a condition", tests as u64, TESTS_MAX as u64)?;
        let begin = Instant::now();
        if let Some(clock) = &mut self.pace {
            clock.forgive(begin);
        }
        let (mut frames, mut core, mut held) = (0, Duration::ZERO, false);
        while frames < limit && !held && self.wait_for_clock(outbox) {
            let (passed, time) = self.run_frame();
            frames += passed;
            core += time;
            held = until.is_some_and(|condition| {
                self.schedule.is_used_up() && condition.holds(&BackendBus(self.backend.as_ref()))
            });
            self.push_frame(held || frames >= limit);
        }
        let run_us = begin.elapsed().as_micros() as u64;
        Ok(Answer::Stepped { frames, held, core_us: core.as_micros() as u64, run_us })
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

    /// Lets a frame pass and publishes it. Returns how many passed and how long the emulator took.
    fn run_frame(&mut self) -> (u32, Duration) {
        let begin = Instant::now();
        if let Some(clock) = self.run.as_mut().or(self.pace.as_mut()) {
            clock.frame_begins(begin);
        }
        let keys = self.schedule.take();
        let passed = match self.backend.run_frame(keys) {
            Ok(passed) => passed,
            Err(error) => {
                tracing::error!(%error, "no frame passed");
                return (1, begin.elapsed());
            }
        };
        let time = begin.elapsed();
        self.frame += u64::from(passed);
        self.publish();
        self.vitals.frame.store(self.frame, Ordering::Release);
        self.advance();
        (passed, time)
    }

    fn publish(&mut self) {
        if let Some(publisher) = &mut self.publisher {
            publisher.publish(self.backend.as_ref(), self.frame);
        }
    }

    /// Pushes the newest frame to those who subscribed to it.
    fn push_frame(&mut self, last_of_step: bool) {
        if self.subscribers.is_empty() {
            return;
        }
        self.subscribers.retain(|subscriber| !subscriber.outbox.is_closed());
        for subscriber in &self.subscribers {
            let wanted = match subscriber.every_n_frames {
                0 => last_of_step,
                every => self.frame.is_multiple_of(u64::from(every)),
            };
            if wanted {
                let regions = subscriber.regions.clone();
                let memory = read_all(self.backend.as_ref(), &regions).unwrap_or_default();
                subscriber.outbox.push(self.frame_push(regions, memory));
            }
        }
    }

    fn frame_push(&self, regions: Vec<Region>, memory: Vec<u8>) -> FramePush {
        let picture = self.backend.picture();
        FramePush {
            frame: self.frame,
            epoch: self.epoch,
            width: picture.width,
            height: picture.height,
            format: picture.format,
            pixels: packed_rows(&picture),
            regions,
            memory,
        }
    }

    fn read(&self, regions: &[Region], can: Capabilities) -> Result<Vec<u8>, Refusal> {
        require(can.read || regions.is_empty(), "read")?;
        require_at_most("regions", regions.len() as u64, REQUEST_REGIONS_MAX as u64)?;
        let bytes = regions.iter().map(|region| u64::from(region.length)).sum();
        require_at_most("bytes read", bytes, u64::from(READ_BYTES_MAX))?;
        read_all(self.backend.as_ref(), regions).map_err(BackendError::refusal)
    }

    fn check_regions(&self, regions: &[Region], can: Capabilities) -> Result<(), Refusal> {
        self.read(regions, can).map(drop)
    }

    fn done(
        &mut self,
        act: impl FnOnce(&mut dyn EmulatorBackend) -> Result<(), BackendError>,
    ) -> Result<Answer, Refusal> {
        act(self.backend.as_mut()).map(|()| Answer::Done).map_err(BackendError::refusal)
    }

    fn clock(&self, speed_permille: u32) -> Clock {
        Clock::start(self.backend.introduction().frame_rate_micro, speed_permille, Instant::now())
    }

    fn advance(&self) {
        if let Some(page) = &self.page {
            page.advance();
        }
    }
}

fn read_all(backend: &dyn EmulatorBackend, regions: &[Region]) -> Result<Vec<u8>, BackendError> {
    let mut bytes = vec![0; regions.iter().map(|region| region.length as usize).sum()];
    let mut rest = bytes.as_mut_slice();
    for region in regions {
        let (target, after) = rest.split_at_mut(region.length as usize);
        backend.read(region.address, target)?;
        rest = after;
    }
    Ok(bytes)
}

fn require(can: bool, capability: &str) -> Result<(), Refusal> {
    if can { Ok(()) } else { Err(Refusal::Unsupported { capability: capability.to_string() }) }
}

fn require_at_most(what: &str, value: u64, limit: u64) -> Result<(), Refusal> {
    if value <= limit { Ok(()) } else { Err(Refusal::TooLarge { what: what.to_string(), limit }) }
}
