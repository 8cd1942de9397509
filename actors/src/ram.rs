//! The ram actor: turns a memory snapshot into an observation.
//!
//! Two observations are kept and used in turn, so that one can be looked at while the next is decoded and nothing is
//! allocated once the game runs.

use crate::decode::{DecodeError, Decoder};
use crate::port::{Envelope, Question};
use actix::{Actor, Context, Handler};
use std::sync::Arc;
use std::time::Instant;
use wire::observation::Observation;
use wire::ring::Snapshot;

const OBSERVATIONS_KEPT: usize = 2;

/// Decodes the memory of one game.
pub struct Ram {
    decoder: Option<Decoder>,
    observations: [Arc<Observation>; OBSERVATIONS_KEPT],
    newest: usize,
}

/// Sets the decoder, once the game is recognised; `None` for a game that no profile explains.
pub struct UseDecoder(pub Option<Decoder>);

impl Question for UseDecoder {
    type Answer = ();
}

/// Decodes a snapshot.
pub struct Decode(pub Arc<Snapshot>);

/// What a snapshot says.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the agent knows.
    pub observation: Arc<Observation>,
    /// How long decoding took.
    pub decode_us: u64,
}

impl Question for Decode {
    type Answer = Result<Decoded, DecodeError>;
}

impl Ram {
    /// An actor without a decoder: every observation says that the screen is unknown.
    pub fn new() -> Ram {
        Ram { decoder: None, observations: std::array::from_fn(|_| Arc::default()), newest: 0 }
    }

    fn decode(&mut self, snapshot: &Snapshot) -> Result<Decoded, DecodeError> {
        let started = Instant::now();
        let next = (self.newest + 1) % OBSERVATIONS_KEPT;
        if Arc::get_mut(&mut self.observations[next]).is_none() {
            self.observations[next] = Arc::default();
        }
        let target = Arc::get_mut(&mut self.observations[next]).expect("it was just made or found unshared");
        match &mut self.decoder {
            Some(decoder) => decoder.decode(snapshot, target)?,
            None => target.frame = snapshot.stamp.frame,
        }
        self.newest = next;
        let decode_us = started.elapsed().as_micros() as u64;
        Ok(Decoded { observation: self.observations[next].clone(), decode_us })
    }
}

impl Default for Ram {
    fn default() -> Ram {
        Ram::new()
    }
}

impl Actor for Ram {
    type Context = Context<Ram>;
}

impl Handler<Envelope<UseDecoder>> for Ram {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<UseDecoder>, _: &mut Context<Ram>) {
        envelope.answer(|UseDecoder(decoder)| self.decoder = decoder);
    }
}

impl Handler<Envelope<Decode>> for Ram {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Decode>, _: &mut Context<Ram>) {
        envelope.answer(|Decode(snapshot)| self.decode(&snapshot));
    }
}
