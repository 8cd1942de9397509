//! The eyes actor: reads pictures. It is shared by all games of a run; a thread of its own owns the reader and takes whatever
//! waits as one batch, so that nothing blocks the actors' thread.
//!
//! What a reading means for what is known of a game is in [`MapMemory`], which each pilot has for itself; whether memory and
//! picture say the same is in [`check`]. Absent: anything of the emulated machine's memory.

use crate::port::{Envelope, Question, Reply};
use actix::{Actor, Context, Handler};
use network::Network;
use reader::Reading;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;
use wire::ring::Snapshot;

mod bag;
mod beings;
pub mod check;
mod floor_map;
mod glance;
mod map_memory;
mod network;
mod rest;
mod text;

pub(crate) use glance::Glance;
pub use map_memory::MapMemory;
pub(crate) use rest::{change, is_at_rest, is_calm};

/// Pictures that are read at a time: more gain nothing on a processor.
const BATCH_MAX: usize = 8;
/// Pictures that wait for the thread; each game looks at one after the other, and the ports are bounded before this is.
const WAITING_MAX: usize = 2 * wire::control::INSTANCES_MAX as usize;

/// Reads pictures.
#[derive(Default)]
pub struct Eyes {
    work: Option<SyncSender<Work>>,
}

/// A picture to be read.
pub struct Read(pub Arc<Snapshot>);

/// What a picture says.
#[derive(Clone, Debug)]
pub struct Sighted {
    /// The reading.
    pub reading: Reading,
    /// How long reading took, with those read beside it.
    pub read_us: u64,
}

impl Question for Read {
    type Answer = Result<Sighted, String>;
}

/// Whether pictures can be read at all; starts the thread that does.
pub struct Open;

impl Question for Open {
    type Answer = Result<(), String>;
}

struct Work {
    picture: Arc<Snapshot>,
    reply: Reply<Result<Sighted, String>>,
}

impl Eyes {
    /// The thread begins with the first game that needs it.
    fn open(&mut self) -> Result<&SyncSender<Work>, String> {
        if self.work.is_none() {
            let reader = Network::open()?;
            let (sender, receiver) = sync_channel(WAITING_MAX);
            let started = std::thread::Builder::new().name("eyes".to_string()).spawn(move || work(&reader, &receiver));
            started.map_err(|error| format!("no thread for reading pictures: {error}"))?;
            self.work = Some(sender);
        }
        self.work.as_ref().ok_or_else(|| "no reader".to_string())
    }
}

impl Actor for Eyes {
    type Context = Context<Eyes>;
}

impl Handler<Envelope<Open>> for Eyes {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Open>, _: &mut Context<Eyes>) {
        envelope.answer(|Open| self.open().map(drop));
    }
}

impl Handler<Envelope<Read>> for Eyes {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Read>, _: &mut Context<Eyes>) {
        let (Read(picture), reply) = envelope.into_parts();
        let thread = match self.open() {
            Ok(thread) => thread,
            Err(message) => return reply.send(Err(message)),
        };
        match thread.try_send(Work { picture, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                work.reply.send(Err("the thread that reads pictures takes no more".to_string()));
            }
        }
    }
}

/// Reads whatever waits, until nobody asks any more.
fn work(reader: &Network, waiting: &Receiver<Work>) {
    while let Ok(first) = waiting.recv() {
        let started = Instant::now();
        let batch: Vec<Work> = std::iter::once(first).chain(waiting.try_iter().take(BATCH_MAX - 1)).collect();
        let pictures: Vec<&Snapshot> = batch.iter().map(|work| &*work.picture).collect();
        // One picture that cannot be read does not keep the others from being read.
        let readings = match reader.read(&pictures) {
            Ok(readings) => readings.into_iter().map(Ok).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => pictures.iter().map(|picture| reader.read_one(picture)).collect::<Vec<_>>(),
        };
        let read_us = started.elapsed().as_micros() as u64;
        for (work, reading) in batch.into_iter().zip(readings) {
            work.reply.send(reading.map(|reading| Sighted { reading, read_us }));
        }
    }
}
