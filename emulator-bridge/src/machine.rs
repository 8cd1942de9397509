//! The emulator's own thread: requests in the order of their arrival, frames when they are due.
//!
//! Invariants: a frame is in the ring before anybody is told of it; nothing here waits for a client; keys are scheduled
//! by frame number, so that a hold is exact whatever the requests' timing. Between two requests frames pass only in
//! `Run`, or where the emulator is live and runs by itself. How frames pass is in `machine/passing.rs`.

mod passing;

use crate::backend::{BackendError, EmulatorBackend, packed_rows};
use crate::clock::Clock;
use crate::outbox::Outbox;
use crate::publish::Publisher;
use crate::schedule::Schedule;
use crate::server::places::Place;
use passing::{Echo, Live};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wire::emulator::{Answer, Capabilities, ClientMessage, FramePush, READ_BYTES_MAX};
use wire::emulator::{Refusal, Reply, Request, Welcome};
use wire::memory::Region;
use wire::page::ProgressPage;
use wire::{Epoch, Instance};

/// The most regions one request may name.
const REQUEST_REGIONS_MAX: usize = 1024;
/// The longest sleep between two looks at whether waiting still makes sense.
const WAIT_SLICE: Duration = Duration::from_millis(50);

/// What the emulator's thread is handed.
pub(crate) enum Job {
    /// Carry this out and answer. Its place is free as soon as it is taken up.
    Request(ClientMessage, Arc<Outbox>, Place),
    /// Show that work passes through.
    Ping,
}

/// What other threads know of the machine.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Number of the newest frame.
    pub frame: AtomicU64,
    /// Whether a sign of life is on its way through the queue.
    pub is_pinged: AtomicBool,
    /// Set to end the emulator's thread.
    pub stopping: AtomicBool,
    /// What the emulator says of itself. Another game may be put into a live one.
    pub welcome: Mutex<Option<Welcome>>,
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
    /// Present where the emulator is live.
    live: Option<Live>,
    /// Whether the game saw the keys of the last `Input`.
    echo: Option<Echo>,
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
        let live = (!backend.introduction().capabilities.frame_step).then(Live::default);
        let vitals = Vitals { welcome: Mutex::new(Some(welcome(backend.as_ref()))), ..Vitals::default() };
        Machine {
            backend,
            instance,
            epoch,
            publisher,
            page,
            vitals: Arc::new(vitals),
            frame: 0,
            schedule: Schedule::default(),
            run: None,
            pace: None,
            live,
            echo: None,
            subscribers: Vec::new(),
        }
    }

    /// Works until told to stop or until nobody can ask any more.
    pub(crate) fn work(mut self, jobs: &Receiver<Job>) {
        while !self.vitals.stopping.load(Ordering::Acquire) {
            let job = match (&self.live, &self.run) {
                (Some(live), _) => jobs.recv_timeout(live.grace(Instant::now())),
                (None, None) => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                (None, Some(clock)) => jobs.recv_timeout(clock.wait(Instant::now()).min(WAIT_SLICE)),
            };
            let is_idle = matches!(job, Err(RecvTimeoutError::Timeout));
            match job {
                Ok(Job::Request(message, outbox, place)) => {
                    drop(place);
                    self.carry_out(message, &outbox);
                }
                Ok(Job::Ping) => {
                    // A swap, so that what was set before the next ping was left out is seen from here on.
                    self.vitals.is_pinged.swap(false, Ordering::AcqRel);
                    self.advance();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.live.is_some() {
                if is_idle {
                    self.idle();
                }
            } else if self.run.as_ref().is_some_and(|clock| clock.wait(Instant::now()).is_zero()) {
                // One frame between two requests, so that neither a flood of requests nor a fast clock starves the other.
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
            Request::Input { at_frame, frames, echo } => {
                let first_frame = self.input(at_frame, &frames)?;
                self.echo = echo.map(|place| Echo::new(place, &frames));
                Ok(Answer::Scheduled { first_frame })
            }
            Request::Need { regions } => {
                self.check_regions(&regions, can)?;
                self.backend.need(&regions);
                Ok(Answer::Done)
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
                self.refresh()?;
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
                self.echo = None;
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

    /// What the emulator says of itself changed.
    fn renew_welcome(&mut self) {
        let renewed = welcome(self.backend.as_ref());
        *self.vitals.welcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewed);
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

/// A backend's introduction as clients are given it.
fn welcome(backend: &dyn EmulatorBackend) -> Welcome {
    let introduction = backend.introduction();
    Welcome {
        version: wire::WIRE_VERSION,
        backend: introduction.backend.to_string(),
        capabilities: introduction.capabilities,
        cartridge: introduction.cartridge.clone(),
        system: introduction.system.clone(),
        core: introduction.core.clone(),
        width: introduction.width,
        height: introduction.height,
        frame_rate_micro: introduction.frame_rate_micro,
        regions: introduction.regions.clone(),
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
