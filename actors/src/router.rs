//! The router actor: chooses who answers a decision.
//!
//! There are no tiers yet, so every answer is `Unavailable`, telemetry says so, and the pilot's own brain decides.

use crate::port::{Envelope, Port, Question};
use crate::telemetry::{Telemetry, UnansweredSample};
use actix::{Actor, Context, Handler};
use wire::decision::{DecisionQuery, Routed};

const REASON: &str = "no model tier is configured: the pilot's own brain decides";

/// Routes decisions.
pub struct Router {
    telemetry: Port<Telemetry>,
}

impl Router {
    /// An actor that reports to telemetry.
    pub fn new(telemetry: Port<Telemetry>) -> Router {
        Router { telemetry }
    }
}

/// A decision that is wanted.
pub struct AskRouter(pub DecisionQuery);

impl Question for AskRouter {
    type Answer = Routed;
}

impl Actor for Router {
    type Context = Context<Router>;
}

impl Handler<Envelope<AskRouter>> for Router {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskRouter>, _: &mut Context<Router>) {
        self.telemetry.tell(UnansweredSample { reason: REASON.to_string() });
        envelope.answer(|_| Routed::Unavailable { reason: REASON.to_string() });
    }
}
