//! The router actor: chooses who answers a decision: a cache, a question that is under way already, or a tier's model.
//!
//! Whatever happens ends in a value within the deadline: a model's decision for exactly this step, or the planner's turn with
//! the cause named. Absent: what is shown to a model (`prompt`), how a server is spoken to (`openai`), who acts (the pilot).

use crate::port::{Envelope, Question};
use actix::{Actor, Context, Handler};
use std::time::Duration;
use wire::decision::{Fallback, Routed};

pub mod inquiry;
pub mod line;
pub mod model;
pub mod recording;

pub use inquiry::{Importance, Inquiry, Offer, Outcome};

/// Routes decisions of all games.
#[derive(Default)]
pub struct Router;

/// A decision that is wanted.
pub struct AskRouter {
    /// What is asked.
    pub inquiry: Box<Inquiry>,
    /// Longest wait.
    pub deadline: Duration,
}

impl Question for AskRouter {
    type Answer = Routed;
}

impl Actor for Router {
    type Context = Context<Router>;
}

impl Handler<Envelope<AskRouter>> for Router {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<AskRouter>, _: &mut Context<Router>) {
        envelope.answer(|_| Routed::Planner { cause: Fallback::Off, reason: "no model plays".to_string() });
    }
}
