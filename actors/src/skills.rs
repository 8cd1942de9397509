//! The skills actor: speaks with the skills role over a socket of its own, for all games, one turn at a time for each.
//!
//! Each pilot counts its own turns; towards the role they have numbers of this actor's, so that no answer is taken for
//! another game's. What the socket cannot take at once waits here, in order.
//! It knows which skills can be chosen (the shelf) and hands it to the pilot when it has changed. What the role does not
//! answer is `Unavailable`, and the pilot's built-in rules play on. Absent: choosing, which is the pilot's.

use crate::peer::{self, Heard};
use crate::port::{Envelope, Question, Reply};
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, StreamHandler, WrapFuture as _};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use tokio::net::UnixDatagram;
use wire::Instance;
use wire::link::Link;
use wire::skill::{Card, FromSkills, ToSkills, Turn, Turned};

/// Messages that wait for the socket at most: a beginning, a second one and a turn for each game, and more than that.
const UNSENT_MAX: usize = 4 * wire::control::INSTANCES_MAX as usize;

/// Speaks with the skills role.
#[derive(Default)]
pub struct Skills {
    link: Option<Arc<UnixDatagram>>,
    standing: Standing,
    arriving: Vec<Card>,
    waiting: BTreeMap<Instance, Waiting>,
    wanting: Vec<Reply<Standing>>,
    unsent: VecDeque<ToSkills>,
    next_id: u64,
}

/// A turn that was asked.
struct Waiting {
    /// Its number towards the role.
    id: u64,
    /// Its number as the pilot counts.
    asked_as: u64,
    reply: Reply<SkillsAnswer>,
}

/// Which skills can be chosen, and since when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Counts the connections to the role; 0: there has been none.
    pub connection: u64,
    /// The role's count of its shelves; 0: none has come yet.
    pub generation: u64,
    /// The skills.
    pub cards: Arc<Vec<Card>>,
}

/// The parent connects the skills role.
pub struct UseLink(pub Link);

impl Question for UseLink {
    type Answer = ();
}

/// Which skills there are; the answer comes with the first shelf.
pub struct AskStanding;

impl Question for AskStanding {
    type Answer = Standing;
}

/// Tells the role something that has no answer.
pub struct Tell(pub ToSkills);

impl Question for Tell {
    type Answer = ();
}

/// A turn, for the skills as the asker knows them.
pub struct TakeTurn {
    /// [`Standing::connection`] and [`Standing::generation`].
    pub standing: (u64, u64),
    /// The turn.
    pub turn: Box<Turn>,
}

impl Question for TakeTurn {
    type Answer = SkillsAnswer;
}

/// What became of a turn.
#[derive(Debug)]
pub enum SkillsAnswer {
    /// The role's answer.
    Turned(Box<Turned>),
    /// The skills are others than the asker knows; the turn was not sent.
    Changed(Standing),
    /// The role is not there, or has not answered the turn before.
    Unavailable,
}

impl Skills {
    /// Sends a message after those that wait; `false` when it cannot be sent.
    fn send(&mut self, message: ToSkills, context: &mut Context<Skills>) -> bool {
        if self.link.is_none() || self.unsent.len() >= UNSENT_MAX {
            return false;
        }
        self.unsent.push_back(message);
        // Where others wait, somebody waits for the socket already.
        self.unsent.len() > 1 || self.flush(context)
    }

    /// Sends what waits, as far as the socket takes it; `false` when the role is gone.
    fn flush(&mut self, context: &mut Context<Skills>) -> bool {
        while let (Some(link), Some(message)) = (self.link.clone(), self.unsent.front()) {
            match peer::send(&link, message) {
                Ok(()) => drop(self.unsent.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let connection = self.standing.connection;
                    let writable = async move { link.writable().await };
                    context.spawn(writable.into_actor(self).map(move |_, skills, context| {
                        if skills.standing.connection == connection {
                            skills.flush(context);
                        }
                    }));
                    return true;
                }
                Err(error) => {
                    tracing::debug!("the skills role is not told: {error}");
                    self.lose();
                }
            }
        }
        self.link.is_some()
    }

    fn lose(&mut self) {
        self.link = None;
        self.standing = Standing { connection: self.standing.connection, ..Standing::default() };
        self.arriving.clear();
        self.unsent.clear();
        for (_, Waiting { reply, .. }) in std::mem::take(&mut self.waiting) {
            reply.send(SkillsAnswer::Unavailable);
        }
    }

    fn hear(&mut self, message: FromSkills) {
        match message {
            FromSkills::Shelf { generation, is_last, cards } => {
                self.arriving.extend(cards);
                if is_last {
                    self.standing.generation = generation;
                    self.standing.cards = Arc::new(std::mem::take(&mut self.arriving));
                    self.wanting.drain(..).for_each(|reply| reply.send(self.standing.clone()));
                }
            }
            FromSkills::Turned(mut turned) => {
                let asked = self.waiting.iter().find(|(_, waiting)| waiting.id == turned.id);
                // An answer to a turn that nobody waits for any more is dropped.
                let Some(Waiting { asked_as, reply, .. }) =
                    asked.map(|(instance, _)| *instance).and_then(|instance| self.waiting.remove(&instance))
                else {
                    return;
                };
                turned.id = asked_as;
                reply.send(SkillsAnswer::Turned(turned));
            }
        }
    }
}

impl Actor for Skills {
    type Context = Context<Skills>;
}

impl Handler<Envelope<UseLink>> for Skills {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<UseLink>, context: &mut Context<Skills>) {
        envelope.answer(|UseLink(link)| {
            self.lose();
            match peer::open(link) {
                Ok(link) => {
                    self.standing.connection += 1;
                    self.link = Some(link.clone());
                    context.add_stream(peer::messages(link, self.standing.connection));
                }
                Err(error) => tracing::warn!("the skills role cannot be heard: {error}"),
            }
        });
    }
}

impl Handler<Envelope<AskStanding>> for Skills {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskStanding>, _: &mut Context<Skills>) {
        let (AskStanding, reply) = envelope.into_parts();
        self.wanting.retain(|reply| !reply.is_abandoned());
        match self.standing.generation {
            0 => self.wanting.push(reply),
            _ => reply.send(self.standing.clone()),
        }
    }
}

impl Handler<Envelope<Tell>> for Skills {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Tell>, context: &mut Context<Skills>) {
        envelope.answer(|Tell(message)| {
            self.send(message, context);
        });
    }
}

impl Handler<Envelope<TakeTurn>> for Skills {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<TakeTurn>, context: &mut Context<Skills>) {
        let (TakeTurn { standing, mut turn }, reply) = envelope.into_parts();
        let ours = (self.standing.connection, self.standing.generation);
        // A role that has not answered a game's turn before is not asked more, so that questions cannot pile up.
        let is_stuck = self.waiting.get(&turn.instance).is_some_and(|waiting| waiting.reply.is_abandoned());
        if self.link.is_none() || ours.1 == 0 || is_stuck {
            return reply.send(SkillsAnswer::Unavailable);
        }
        if ours != standing {
            return reply.send(SkillsAnswer::Changed(self.standing.clone()));
        }
        self.next_id += 1;
        let (id, instance, asked_as) = (self.next_id, turn.instance, turn.id);
        turn.id = id;
        if self.send(ToSkills::Turn(turn), context) {
            self.waiting.insert(instance, Waiting { id, asked_as, reply });
        } else {
            reply.send(SkillsAnswer::Unavailable);
        }
    }
}

impl StreamHandler<Heard<FromSkills>> for Skills {
    fn handle(&mut self, (connection, heard): Heard<FromSkills>, _: &mut Context<Skills>) {
        if connection != self.standing.connection || self.link.is_none() {
            return;
        }
        match heard {
            Ok(message) => self.hear(message),
            Err(error) => {
                tracing::debug!("the skills role is gone: {error}");
                self.lose();
            }
        }
    }

    // One connection ends; the actor waits for the next.
    fn finished(&mut self, _: &mut Context<Skills>) {}
}

#[cfg(test)]
mod tests;
