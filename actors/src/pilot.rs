//! The pilot actor: plays one game, step after step.
//!
//! It looks, remembers, asks, decides, acts and looks again; the order is in `pilot/journey.rs`. What it decides from is
//! named by hashes, what it did is checked in memory, and a step is over only when its line is in the log. Between
//! steps it hears that an emulator died or lives, and that it should stop.
//!
//! Absent: the logic of play, which is in [`crate::brain`] and in skills.

use crate::port::{Envelope, Question};
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, WrapFuture as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use wire::Epoch;
use wire::control::FromRole;
use wire::link::Link;

mod boarding;
mod company;
mod crew;
mod journey;
mod ledger;
mod live;
mod looking;
mod mind;
mod pressing;
mod recalling;
mod record;
mod report;
mod routing;
mod skilled;
mod task;
mod turn;

pub use company::Seat;
pub use crew::{Commons, Crew};
pub use journey::{Course, Journey};
pub use task::{Player, Task};

/// Plays one game.
pub struct Pilot {
    journey: Option<Box<Journey>>,
    emulator: Option<EmulatorUp>,
    is_stopping: bool,
    is_finished: bool,
    /// Whether the run has other games, which go on when this one cannot.
    is_one_of_several: bool,
    parent: Arc<Link>,
    page: Seat,
}

/// An emulator lives.
pub struct EmulatorUp {
    /// Its life.
    pub epoch: Epoch,
    /// Where it is.
    pub address: String,
    /// Its ring, when it is on this machine.
    pub ring: Option<OwnedFd>,
}

impl Question for EmulatorUp {
    type Answer = ();
}

/// The emulator died and will not come back.
pub struct EmulatorLost;

impl Question for EmulatorLost {
    type Answer = ();
}

/// Finish the step, save, and report.
pub struct Stop;

impl Question for Stop {
    type Answer = ();
}

/// Show a sign of life.
pub struct Ping;

impl Question for Ping {
    type Answer = ();
}

impl Pilot {
    /// A pilot that waits for its emulator.
    pub fn new(journey: Journey, parent: Arc<Link>, page: Seat) -> Pilot {
        let is_one_of_several = journey.is_one_of_several();
        let journey = Some(Box::new(journey));
        Pilot { journey, emulator: None, is_stopping: false, is_finished: false, is_one_of_several, parent, page }
    }

    /// Does the next thing, unless something is being done or there is nothing to do until a message comes.
    fn advance(&mut self, context: &mut Context<Pilot>) {
        let Some(mut journey) = self.journey.take() else { return };
        let (emulator, is_stopping) = (self.emulator.take(), self.is_stopping);
        if self.is_finished || (emulator.is_none() && !is_stopping && !journey.can_continue()) {
            self.journey = Some(journey);
            return;
        }
        let going_on = async move {
            let course = if let Some(emulator) = emulator {
                journey.board(emulator).await
            } else if is_stopping {
                journey.finish("stopped").await
            } else {
                journey.go_on().await
            };
            (journey, course)
        };
        context.spawn(going_on.into_actor(self).map(|(journey, course), pilot, context| {
            pilot.journey = Some(journey);
            pilot.page.advance();
            pilot.follow(course, context);
        }));
    }

    /// This game is over.
    fn end(&mut self, message: &FromRole) {
        self.is_finished = true;
        self.page.finish();
        // A parent that is gone takes this process with it.
        let _ = self.parent.send(message, &[]);
    }

    fn follow(&mut self, course: Course, context: &mut Context<Pilot>) {
        match course {
            Course::Onward => self.advance(context),
            Course::Finished(summary) => {
                let instance = self.page.instance();
                self.end(&FromRole::Finished { instance, summary });
            }
            // Where the log cannot be written, no game can be played.
            Course::Failed { status, message } if self.is_one_of_several && status != wire::exit::IO => {
                let instance = self.page.instance();
                self.end(&FromRole::GameFailed { instance, status, message });
            }
            Course::Failed { status, message } => std::process::exit(wire::role::fail(&self.parent, status, message)),
        }
    }
}

impl Actor for Pilot {
    type Context = Context<Pilot>;
}

impl Handler<Envelope<EmulatorUp>> for Pilot {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<EmulatorUp>, context: &mut Context<Pilot>) {
        envelope.answer(|emulator| self.emulator = Some(emulator));
        self.advance(context);
    }
}

impl Handler<Envelope<EmulatorLost>> for Pilot {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<EmulatorLost>, context: &mut Context<Pilot>) {
        envelope.answer(|EmulatorLost| self.is_stopping = true);
        self.advance(context);
    }
}

impl Handler<Envelope<Stop>> for Pilot {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Stop>, context: &mut Context<Pilot>) {
        envelope.answer(|Stop| self.is_stopping = true);
        // Others may still be about to finish their step.
        if self.page.is_everybody_finished() {
            std::process::exit(wire::exit::OK);
        }
        self.advance(context);
    }
}

impl Handler<Envelope<Ping>> for Pilot {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Ping>, _: &mut Context<Pilot>) {
        envelope.answer(|Ping| self.page.advance());
    }
}
