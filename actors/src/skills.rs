//! The skills actor: speaks with the skills role over a socket of its own, one turn at a time.
//!
//! It knows which skills can be chosen (the shelf) and hands it to the pilot when it has changed. What the role does not
//! answer is `Unavailable`, and the pilot's built-in rules play on. Absent: choosing, which is the pilot's.

use crate::peer::{self, Heard};
use crate::port::{Envelope, Question, Reply};
use actix::{Actor, AsyncContext as _, Context, Handler, StreamHandler};
use std::io;
use std::sync::Arc;
use tokio::net::UnixDatagram;
use wire::link::Link;
use wire::skill::{Card, FromSkills, ToSkills, Turn, Turned};

/// Speaks with the skills role.
#[derive(Default)]
pub struct Skills {
    link: Option<Arc<UnixDatagram>>,
    standing: Standing,
    arriving: Vec<Card>,
    waiting: Option<(u64, Reply<SkillsAnswer>)>,
    wanting: Vec<Reply<Standing>>,
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
    fn send(&mut self, message: &ToSkills) -> bool {
        let Some(link) = &self.link else { return false };
        match peer::send(link, message) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("the skills role is not told: {error}");
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.lose();
                }
                false
            }
        }
    }

    fn lose(&mut self) {
        self.link = None;
        self.standing = Standing { connection: self.standing.connection, ..Standing::default() };
        self.arriving.clear();
        if let Some((_, reply)) = self.waiting.take() {
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
            FromSkills::Turned(turned) => {
                // An answer to a turn that nobody waits for any more is dropped.
                if let Some((_, reply)) = self.waiting.take_if(|(id, _)| *id == turned.id) {
                    reply.send(SkillsAnswer::Turned(turned));
                }
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

    fn handle(&mut self, envelope: Envelope<Tell>, _: &mut Context<Skills>) {
        envelope.answer(|Tell(message)| {
            self.send(&message);
        });
    }
}

impl Handler<Envelope<TakeTurn>> for Skills {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<TakeTurn>, _: &mut Context<Skills>) {
        let (TakeTurn { standing, turn }, reply) = envelope.into_parts();
        let ours = (self.standing.connection, self.standing.generation);
        // A role that has not answered the turn before is not asked more, so that questions cannot pile up.
        let is_stuck = self.waiting.as_ref().is_some_and(|(_, reply)| reply.is_abandoned());
        if self.link.is_none() || ours.1 == 0 || is_stuck {
            return reply.send(SkillsAnswer::Unavailable);
        }
        if ours != standing {
            return reply.send(SkillsAnswer::Changed(self.standing.clone()));
        }
        let id = turn.id;
        if self.send(&ToSkills::Turn(turn)) {
            self.waiting = Some((id, reply));
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
mod tests {
    use super::*;
    use crate::port::Port;
    use std::time::Duration;
    use wire::observation::Observation;
    use wire::skill::{Bearings, Sight};

    const DEADLINE: Duration = Duration::from_secs(10);

    fn turn(id: u64) -> Box<Turn> {
        Box::new(Turn {
            id,
            instance: 0,
            step: id,
            sight: Sight::between(None, &Observation::default()),
            bearings: Bearings::default(),
            effect: String::new(),
            is_done: false,
            chance: 0,
            candidates: Vec::new(),
        })
    }

    fn take(standing: (u64, u64), id: u64) -> TakeTurn {
        TakeTurn { standing, turn: turn(id) }
    }

    fn put_on_shelf(role: &Link, generation: u64, names: &[&str]) {
        let cards = |names: &[&str]| {
            names.iter().map(|name| Card { name: (*name).to_string(), ..Card::default() }).collect::<Vec<_>>()
        };
        let (first, rest) = names.split_at(1);
        role.send(&FromSkills::Shelf { generation, is_last: false, cards: cards(first) }, &[]).expect("it is sent");
        role.send(&FromSkills::Shelf { generation, is_last: true, cards: cards(rest) }, &[]).expect("it is sent");
    }

    fn answer(role: &Link, id: u64) {
        let turned = Turned { id, spent_us: id, ..Turned::default() };
        role.send(&FromSkills::Turned(Box::new(turned)), &[]).expect("it is sent");
    }

    async fn connect(port: &Port<Skills>, generation: u64) -> (Link, Standing) {
        let (role, ours) = Link::pair().expect("a pair is made");
        port.ask(UseLink(ours), DEADLINE).await;
        put_on_shelf(&role, generation, &["explore", "fight"]);
        let standing = port.ask(AskStanding, DEADLINE).await.answer().expect("the shelf came");
        (role, standing)
    }

    #[test]
    fn the_answer_that_belongs_to_a_turn_is_taken() {
        actix::System::new().block_on(async {
            let port = Port::new("skills", Skills::default().start(), 8);
            let (role, standing) = connect(&port, 1).await;
            assert_eq!((standing.connection, standing.generation, standing.cards.len()), (1, 1, 2));
            let thread = std::thread::spawn(move || {
                while let Ok((message, _)) = role.receive::<ToSkills>() {
                    if let ToSkills::Turn(turn) = message {
                        answer(&role, turn.id - 1);
                        answer(&role, turn.id);
                        break;
                    }
                }
                role
            });
            let answered = port.ask(take((1, 1), 8), DEADLINE).await.answer();
            assert!(matches!(answered, Some(SkillsAnswer::Turned(turned)) if turned.id == 8));
            drop(thread.join());
        });
    }

    #[test]
    fn a_role_that_is_gone_is_unavailable_and_its_successor_is_told_of() {
        actix::System::new().block_on(async {
            let port = Port::new("skills", Skills::default().start(), 8);
            assert!(matches!(port.ask(take((0, 0), 1), DEADLINE).await.answer(), Some(SkillsAnswer::Unavailable)));
            let (role, _) = connect(&port, 1).await;
            drop(role);
            assert!(matches!(port.ask(take((1, 1), 2), DEADLINE).await.answer(), Some(SkillsAnswer::Unavailable)));
            let (_role, standing) = connect(&port, 1).await;
            assert_eq!(standing.connection, 2);
            let answered = port.ask(take((1, 1), 3), DEADLINE).await.answer();
            assert!(matches!(answered, Some(SkillsAnswer::Changed(now)) if now == standing));
        });
    }
}
