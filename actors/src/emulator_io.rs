//! The emulator_io actor: speaks the emulator protocol over one WebSocket.
//!
//! Every request carries an id and the emulator's epoch; a reply is matched by its id alone, so a reply that comes
//! after its deadline is dropped and can never be taken for another one's. When the connection ends, every waiting
//! request ends with `Lost`. Frames pushed by an emulator on another machine are written into a ring of this process,
//! so that the capture actor reads both kinds alike.
//!
//! Absent: reconnecting. Whoever owns the game decides what a lost emulator means.

use crate::port::{Envelope, Question, Reply};
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, WrapFuture as _};
use std::time::{Duration, Instant};
use wire::emulator::{Answer, ClientMessage, Refusal, Request, Welcome};
use wire::memory::{Condition, Place};
use wire::ring::RingReader;
use wire::{Epoch, Instance, buttons::Mask};

mod socket;

pub use socket::Socket;

/// Speaks with the emulator of one game.
pub struct EmulatorIo {
    instance: Instance,
    deadline: Duration,
    link: Option<Live>,
}

struct Live {
    socket: Socket,
    epoch: Epoch,
    next_id: u64,
}

/// Why the emulator did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmulatorError {
    /// The connection ended, or there is none.
    #[error("the emulator is gone: {0}")]
    Lost(String),
    /// It refuses to talk to this client.
    #[error("{0}")]
    Denied(String),
    /// It did not answer in time.
    #[error("the emulator did not answer within {0} ms")]
    Late(u64),
    /// It refused.
    #[error("the emulator refused: {0:?}")]
    Refused(Refusal),
    /// It answered something else.
    #[error("the emulator answered a {request} with something else")]
    Confused {
        /// What was asked.
        request: &'static str,
    },
}

/// Connects to an emulator; answers with what it says of itself and, where frames come over the connection, with the
/// ring they are written to.
pub struct Connect {
    /// `ws://…` with token.
    pub address: String,
    /// Whether its ring was handed over; if not, frames are subscribed to.
    pub has_ring: bool,
    /// Whether memory is subscribed to with them.
    pub with_memory: bool,
}

/// An emulator that was connected to.
pub struct Connected {
    /// What it says of itself.
    pub welcome: Welcome,
    /// Its life.
    pub epoch: Epoch,
    /// Its newest frame; 0: nothing was played in this life yet.
    pub frame: u64,
    /// The ring of this process that its frames are written to, where they come over the connection.
    pub ring: Option<RingReader>,
}

impl Question for Connect {
    type Answer = Result<Connected, EmulatorError>;
}

/// Holds keys, then lets frames pass until a condition holds.
pub struct Apply {
    /// Keys, frame by frame.
    pub keys: Vec<Mask>,
    /// The most frames that pass.
    pub frames_max: u32,
    /// What to wait for.
    pub until: Option<Condition>,
    /// Where the game shows the keys that it read.
    pub echo: Option<Place>,
    /// Time that passing these frames may take by itself, for a paced game.
    pub paced: Duration,
}

/// What the emulator says of a carried-out input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// First frame the keys were held in.
    pub first_frame: u64,
    /// Newest frame.
    pub last_frame: u64,
    /// Whether the condition held at the end.
    pub held: bool,
    /// Whether the game saw the keys, where it shows that.
    pub keys_seen: Option<bool>,
    /// The emulator's own time, pace included.
    pub run_us: u64,
}

impl Question for Apply {
    type Answer = Result<Receipt, EmulatorError>;
}

/// Any other request.
pub struct Ask(pub Request);

impl Question for Ask {
    type Answer = Result<Answer, EmulatorError>;
}

impl EmulatorIo {
    /// An actor without a connection. `deadline` is for one request, the game's pace not included.
    pub fn new(instance: Instance, deadline: Duration) -> EmulatorIo {
        EmulatorIo { instance, deadline, link: None }
    }

    fn message(&mut self, body: Request) -> Result<(ClientMessage, Socket), EmulatorError> {
        let live = self.link.as_mut().ok_or_else(|| EmulatorError::Lost("not connected".into()))?;
        live.next_id += 1;
        let message = ClientMessage { id: live.next_id, instance: self.instance, epoch: live.epoch, body };
        Ok((message, live.socket.clone()))
    }
}

impl Actor for EmulatorIo {
    type Context = Context<EmulatorIo>;
}

impl Handler<Envelope<Connect>> for EmulatorIo {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Connect>, context: &mut Context<EmulatorIo>) {
        let (connect, reply) = envelope.into_parts();
        let (instance, deadline) = (self.instance, self.deadline);
        self.link = None;
        let opening = async move {
            let opened = tokio::time::timeout(deadline, open(&connect, instance));
            opened.await.unwrap_or(Err(EmulatorError::Late(deadline.as_millis() as u64)))
        };
        context.spawn(opening.into_actor(self).map(move |opened, actor, _| {
            reply.send(opened.map(|(socket, connected)| {
                actor.link = Some(Live { socket, epoch: connected.epoch, next_id: 0 });
                connected
            }));
        }));
    }
}

impl Handler<Envelope<Apply>> for EmulatorIo {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Apply>, context: &mut Context<EmulatorIo>) {
        let (Apply { keys, frames_max, until, echo, paced }, reply) = envelope.into_parts();
        let input = self.message(Request::Input { at_frame: None, frames: keys, echo });
        let step = self.message(Request::Step { frames: frames_max, until });
        let ((input, socket), (step, _)) = match (input, step) {
            (Ok(input), Ok(step)) => (input, step),
            (Err(error), _) | (_, Err(error)) => return reply.send(Err(error)),
        };
        let deadline = self.deadline + paced;
        // Both leave in one piece and in this order; the emulator carries them out one after the other.
        let waiting = async move {
            let (scheduled, stepped) = socket.ask_both(input, step);
            let first_frame = match within(deadline, scheduled).await?.body {
                Answer::Scheduled { first_frame } => first_frame,
                Answer::Refused(refusal) => return Err(EmulatorError::Refused(refusal)),
                _ => return Err(EmulatorError::Confused { request: "input" }),
            };
            let answer = within(deadline, stepped).await?;
            match answer.body {
                Answer::Stepped { held, run_us, keys_seen, .. } => {
                    Ok(Receipt { first_frame, last_frame: answer.frame, held, keys_seen, run_us })
                }
                Answer::Refused(refusal) => Err(EmulatorError::Refused(refusal)),
                _ => Err(EmulatorError::Confused { request: "step" }),
            }
        };
        answer_later(self, context, reply, waiting);
    }
}

impl Handler<Envelope<Ask>> for EmulatorIo {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Ask>, context: &mut Context<EmulatorIo>) {
        let (Ask(request), reply) = envelope.into_parts();
        let (message, socket) = match self.message(request) {
            Ok(ready) => ready,
            Err(error) => return reply.send(Err(error)),
        };
        let deadline = self.deadline;
        let waiting = async move {
            match within(deadline, socket.ask(message)).await?.body {
                Answer::Refused(refusal) => Err(EmulatorError::Refused(refusal)),
                answer => Ok(answer),
            }
        };
        answer_later(self, context, reply, waiting);
    }
}

fn answer_later<T: Send + 'static>(
    actor: &EmulatorIo,
    context: &mut Context<EmulatorIo>,
    reply: Reply<T>,
    waiting: impl Future<Output = T> + 'static,
) {
    context.spawn(async move { reply.send(waiting.await) }.into_actor(actor));
}

async fn within<T>(
    deadline: Duration,
    waiting: impl Future<Output = Result<T, EmulatorError>>,
) -> Result<T, EmulatorError> {
    let started = Instant::now();
    match tokio::time::timeout(deadline, waiting).await {
        Ok(result) => result,
        Err(_) => Err(EmulatorError::Late(started.elapsed().as_millis() as u64)),
    }
}

async fn open(connect: &Connect, instance: Instance) -> Result<(Socket, Connected), EmulatorError> {
    let socket = Socket::connect(&connect.address).await?;
    let hello = Request::Hello { version: wire::WIRE_VERSION };
    let reply = socket.ask(ClientMessage { id: 0, instance, epoch: 0, body: hello }).await?;
    let (epoch, frame) = (reply.epoch, reply.frame);
    let welcome = match reply.body {
        Answer::Welcome(welcome) if welcome.version == wire::WIRE_VERSION => welcome,
        Answer::Welcome(welcome) => {
            let ours = wire::WIRE_VERSION;
            return Err(EmulatorError::Lost(format!("it speaks version {} and this agent {ours}", welcome.version)));
        }
        Answer::Refused(refusal) => return Err(EmulatorError::Refused(refusal)),
        _ => return Err(EmulatorError::Confused { request: "hello" }),
    };
    if connect.has_ring {
        return Ok((socket, Connected { welcome, epoch, frame, ring: None }));
    }
    let regions = if connect.with_memory { welcome.regions.clone() } else { Vec::new() };
    let ring = Some(socket.receive_frames(&welcome, epoch, regions.clone())?);
    let body = Request::Subscribe { every_n_frames: 0, regions };
    match socket.ask(ClientMessage { id: u64::MAX, instance, epoch, body }).await?.body {
        Answer::Done => Ok((socket, Connected { welcome, epoch, frame, ring })),
        Answer::Refused(refusal) => Err(EmulatorError::Refused(refusal)),
        _ => Err(EmulatorError::Confused { request: "subscribe" }),
    }
}
