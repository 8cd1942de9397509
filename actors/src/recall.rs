//! The recall actor: asks the indexes role what happened in situations like the present one, and sends it what happens now.
//!
//! Each step is looked at once: an embedder makes a vector of it, clips end with it, and what is worth keeping waits until
//! its outcome is known. Nothing here is ever waited for longer than the deadline: what the role does not answer in time is
//! `Late`, a role that is not there is `Unavailable`, and play goes on without. Absent: deciding, which is the pilot's.

use crate::embed::{BuiltIn, Embedder, KEY_VARIABLE, Scene, Served, by_reader};
use crate::peer::{self, Heard};
use crate::port::{Envelope, Port, Question, Reply};
use crate::telemetry::{RecallSample, Telemetry};
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, StreamHandler, WrapFuture as _};
use asking::Asking;
use session::Session;
use std::sync::Arc;
use std::time::Duration;
use watching::Watching;
use wire::control::{EmbedderChoice, RecallSettings};
use wire::link::Link;
use wire::observation::Position;
use wire::recall::FromIndexes;
use wire::{Instance, Step};

mod advice;
mod asking;
mod experience;
mod fusion;
mod layout;
mod moments;
mod outbox;
mod prefetch;
mod session;
mod watching;
mod window;

pub(crate) use advice::{Advice, advise};
pub use fusion::Recollection;
pub use layout::{Contradiction, KnownFloor};

/// One request to a server of embeddings has so much time; a step waits for less.
const EMBEDDING_DEADLINE: Duration = Duration::from_secs(5);
/// After a failure the embedder is left alone for so long.
const EMBEDDER_PAUSE: Duration = Duration::from_secs(10);
/// How often memories are sent that do not fill a batch.
const SENDING_INTERVAL: Duration = Duration::from_millis(500);

/// Asks experience, and gathers it.
pub struct Recalling {
    settings: RecallSettings,
    embedder: Box<dyn Embedder>,
    game: Option<Board>,
    session: Session,
    watching: Watching,
    asking: Asking,
    /// A request to the embedder is under way, or it is left alone for a while.
    is_embedding: bool,
    finishing: Option<Reply<()>>,
    awaiting: Option<Reply<()>>,
}

/// The parent connects the indexes role.
pub struct UseLink(pub Link);

impl Question for UseLink {
    type Answer = ();
}

/// A game was boarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Names the game: experience of one game says nothing of another.
    pub game: String,
    /// The run's name.
    pub run: String,
    /// Which game of the run.
    pub instance: Instance,
    /// Whether experience is asked for.
    pub is_used: bool,
}

impl Question for Board {
    type Answer = ();
}

/// Answered when the silos can be asked.
pub struct AwaitSilos;

impl Question for AwaitSilos {
    type Answer = ();
}

/// What is seen before a step is decided.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The step that is to be decided.
    pub step: Step,
    /// Counts the lives of this run.
    pub life: u32,
    /// The frame's number.
    pub frame: u64,
    /// The frame and what it means.
    pub scene: Scene,
    /// The frame's difference hash.
    pub picture: u64,
}

/// What happened in situations like this one?
pub struct AskRecall(pub Situation);

impl Question for AskRecall {
    type Answer = Recall;
}

/// What experience says.
#[derive(Clone, Debug, PartialEq)]
pub enum Recall {
    /// What was found.
    Found(Box<Recalled>),
    /// The silos did not answer in time.
    Late,
    /// There is nobody to ask.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recalled {
    /// Memories of situations like this one, the weightiest first.
    pub memories: Vec<Recollection>,
    /// The memory that knows this floor, and what it knows; told once a floor.
    pub known: Option<(u64, Arc<KnownFloor>)>,
}

/// What is done in a step, while its keys are carried out.
pub struct Note {
    /// What was seen.
    pub situation: Situation,
    /// The skill that acts.
    pub skill: String,
    /// What is done.
    pub action: String,
    /// Where the leader means to step.
    pub goal: Option<Position>,
}

impl Question for Note {
    type Answer = ();
}

/// A life ended.
pub struct EndLife {
    /// With a defeat.
    pub is_lost: bool,
}

impl Question for EndLife {
    type Answer = ();
}

/// The game was put back or exchanged: nothing that comes follows from what was.
pub struct Forget;

impl Question for Forget {
    type Answer = ();
}

/// The run ends: answered when everything that was gathered is kept.
pub struct Finish;

impl Question for Finish {
    type Answer = ();
}

impl Recalling {
    /// An actor that reports to telemetry, and tells the person at the terminal through the parent what is wrong.
    pub fn new(settings: RecallSettings, telemetry: Port<Telemetry>, parent: Option<Arc<Link>>) -> Recalling {
        let key = || std::env::var(KEY_VARIABLE).ok();
        let embedder: Box<dyn Embedder> = match (settings.embeddings_url.as_str(), &settings.embedder) {
            ("", EmbedderChoice::State) => Box::new(BuiltIn::default()),
            ("", EmbedderChoice::Reader) => Box::new(by_reader()),
            #[cfg(feature = "local-vlm")]
            ("", EmbedderChoice::Model(tier)) => Box::new(crate::embed::by_model(tier)),
            #[cfg(not(feature = "local-vlm"))]
            ("", EmbedderChoice::Model(_)) => Box::new(BuiltIn::default()),
            (url, _) => Box::new(Served::new(url, &settings.embeddings_model, key(), EMBEDDING_DEADLINE)),
        };
        let asking = Asking::new(Duration::from_millis(settings.deadline_ms), telemetry.clone());
        Recalling {
            settings,
            embedder,
            game: None,
            session: Session::new(telemetry, parent),
            watching: Watching::default(),
            asking,
            is_embedding: false,
            finishing: None,
            awaiting: None,
        }
    }

    fn is_used(&self) -> bool {
        self.game.as_ref().is_some_and(|game| game.is_used)
    }

    /// Learns the space of the game's vectors from the embedder, and has its silos opened.
    fn find_space(&mut self, context: &mut Context<Recalling>) {
        let Some(game) = self.game.clone() else { return };
        if self.is_embedding {
            return;
        }
        self.is_embedding = true;
        let space = self.embedder.space(&game.game);
        context.spawn(space.into_actor(self).map(move |space, recalling, context| {
            recalling.is_embedding = false;
            match space {
                Ok(space) if recalling.game.as_ref().is_some_and(|now| now.game == game.game) => {
                    recalling.session.use_space(space);
                    recalling.embed_waiting(context);
                }
                Ok(_) => recalling.find_space(context),
                Err(error) => recalling.pause_embedder(&error.to_string(), context),
            }
        }));
    }

    fn pause_embedder(&mut self, why: &str, context: &mut Context<Recalling>) {
        self.session.say_trouble(why);
        self.is_embedding = true;
        context.run_later(EMBEDDER_PAUSE, |recalling, context| {
            recalling.is_embedding = false;
            match recalling.session.space() {
                None => recalling.find_space(context),
                Some(_) => recalling.embed_waiting(context),
            }
        });
    }

    fn unavailable(&self, reply: Reply<Recall>, reason: &str) {
        self.session.telemetry.tell(RecallSample::unavailable(reason));
        reply.send(Recall::Unavailable { reason: reason.to_string() });
    }

    /// Says that the silos can be asked, once they can.
    fn answer_awaiting(&mut self) {
        self.session.open();
        if self.session.reason_not_to_ask().is_none()
            && let Some(reply) = self.awaiting.take()
        {
            reply.send(());
        }
    }

    /// Sends what is due, and says when all is done.
    fn send(&mut self, is_all: bool) {
        self.session.open();
        self.session.send_memories(is_all || self.finishing.is_some());
        if self.session.is_done()
            && let Some(reply) = self.finishing.take()
        {
            reply.send(());
        }
    }
}

impl Actor for Recalling {
    type Context = Context<Recalling>;

    fn started(&mut self, context: &mut Context<Recalling>) {
        context.run_interval(SENDING_INTERVAL, |recalling, _| recalling.send(true));
    }
}

impl Handler<Envelope<UseLink>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<UseLink>, context: &mut Context<Recalling>) {
        envelope.answer(|UseLink(link)| {
            self.asking.lose();
            if let Some((link, connection)) = self.session.connect(link) {
                let writable = link.clone();
                let writable = async move { writable.writable().await };
                // A socket that is new says only then that it can be written.
                context.spawn(writable.into_actor(self).map(|_, recalling, _| recalling.session.open()));
                context.add_stream(peer::messages(link, connection));
            }
        });
    }
}

impl Handler<Envelope<Board>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Board>, context: &mut Context<Recalling>) {
        envelope.answer(|board| {
            self.watching.forget();
            if !board.is_used {
                self.session.telemetry.tell(RecallSample::unavailable("experience is not asked for ([recall] use)"));
            }
            let is_another = self.game.as_ref().is_none_or(|game| game.game != board.game);
            self.watching.board(&board);
            self.game = Some(board.clone());
            if is_another && (board.is_used || self.settings.is_recorded) {
                self.session.leave_space();
                self.find_space(context);
            }
        });
    }
}

impl Handler<Envelope<AwaitSilos>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AwaitSilos>, _: &mut Context<Recalling>) {
        let (AwaitSilos, reply) = envelope.into_parts();
        self.awaiting = Some(reply);
        self.answer_awaiting();
    }
}

impl Handler<Envelope<AskRecall>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskRecall>, context: &mut Context<Recalling>) {
        let (AskRecall(situation), reply) = envelope.into_parts();
        let step = situation.step;
        self.session.open();
        self.take_up(situation, context);
        match self.session.reason_not_to_ask() {
            _ if !self.is_used() => self.unavailable(reply, "experience is not asked for"),
            Some(reason) => self.unavailable(reply, &reason),
            None => self.begin_asking(step, reply, context),
        }
    }
}

impl Handler<Envelope<Note>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Note>, context: &mut Context<Recalling>) {
        let (note, reply) = envelope.into_parts();
        reply.send(());
        let Note { situation, skill, action, goal } = note;
        let (step, scene) = (situation.step, situation.scene.clone());
        self.take_up(situation, context);
        if self.settings.is_recorded {
            let ripe = self.watching.note_deed(step, &skill, &action);
            self.session.keep(ripe);
            self.send(false);
        }
        if self.is_used() {
            self.ask_ahead(step, &scene, goal);
        }
    }
}

impl Handler<Envelope<EndLife>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<EndLife>, _: &mut Context<Recalling>) {
        envelope.answer(|EndLife { is_lost }| {
            let ended = self.watching.end_life(is_lost);
            self.session.keep(ended);
            self.asking.forget();
        });
    }
}

impl Handler<Envelope<Forget>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Forget>, _: &mut Context<Recalling>) {
        envelope.answer(|Forget| {
            self.watching.forget();
            self.asking.forget();
        });
    }
}

impl Handler<Envelope<Finish>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Finish>, _: &mut Context<Recalling>) {
        let (Finish, reply) = envelope.into_parts();
        let ended = self.watching.finish();
        self.session.keep(ended);
        self.finishing = Some(reply);
        self.send(true);
    }
}

impl StreamHandler<Heard<FromIndexes>> for Recalling {
    fn handle(&mut self, (connection, heard): Heard<FromIndexes>, context: &mut Context<Recalling>) {
        if !self.session.is_current(connection) {
            return;
        }
        match heard {
            Ok(FromIndexes::Found(found)) => self.hear_found(found, context),
            Ok(FromIndexes::Fetched { id, detail }) => self.hear_fetched(id, detail.as_deref()),
            Ok(FromIndexes::Standing(standing)) => {
                self.session.hear_standing(standing, self.settings.is_recorded);
                self.answer_awaiting();
            }
            Ok(FromIndexes::Kept { batch, .. }) => {
                self.session.hear_kept(batch);
                self.send(false);
            }
            Ok(FromIndexes::Refused { batch, reason }) => {
                self.session.hear_refused(batch, &reason);
                self.send(false);
            }
            Err(error) => {
                tracing::debug!("the indexes role is gone: {error}");
                self.session.lose();
                self.asking.lose();
                self.send(false);
            }
        }
    }

    // One connection ends; the actor waits for the next.
    fn finished(&mut self, _: &mut Context<Recalling>) {}
}

#[cfg(test)]
mod tests;
