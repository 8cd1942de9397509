//! The recall actor: asks the silos what happened in situations like the present one.
//!
//! The silos are not built yet, so every answer is `Unavailable`, and telemetry says so.

use crate::port::{Envelope, Port, Question};
use crate::telemetry::{Silent, Telemetry, UnansweredSample};
use actix::{Actor, Context, Handler};

const REASON: &str = "no silos: experience is not recorded yet";

/// Asks experience.
pub struct Recalling {
    telemetry: Port<Telemetry>,
}

impl Recalling {
    /// An actor that reports to telemetry.
    pub fn new(telemetry: Port<Telemetry>) -> Recalling {
        Recalling { telemetry }
    }
}

/// A question to experience.
pub struct AskRecall;

/// What experience says.
#[derive(Debug)]
pub enum Recall {
    /// There is nothing to ask.
    Unavailable {
        /// Why.
        reason: String,
    },
}

impl Question for AskRecall {
    type Answer = Recall;
}

impl Actor for Recalling {
    type Context = Context<Recalling>;
}

impl Handler<Envelope<AskRecall>> for Recalling {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskRecall>, _: &mut Context<Recalling>) {
        self.telemetry.tell(UnansweredSample { who: Silent::Recall, reason: REASON.to_string() });
        envelope.answer(|_| Recall::Unavailable { reason: REASON.to_string() });
    }
}
