//! One question's way to its answer.

use super::desk::Desk;
use super::inquiry::{Importance, Inquiry};
use super::model::{Ask, ModelError};
use crate::port::Reply;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use wire::decision::{Decision, Fallback, Routed, Source};

/// Decides, and answers within the deadline.
pub(super) async fn answer(desk: Rc<Desk>, inquiry: Box<Inquiry>, deadline: Duration, mut reply: Reply<Routed>) {
    let deadline = Instant::now() + deadline;
    let decided = timeout_at(deadline, decide(&desk, &inquiry, deadline));
    tokio::select! {
        biased;
        () = reply.abandoned() => {}
        decided = decided => reply.send(decided.unwrap_or_else(|_| planner(Fallback::Late, "no answer within the deadline"))),
    }
}

async fn decide(desk: &Desk, inquiry: &Inquiry, deadline: Instant) -> Routed {
    if inquiry.offers.len() < 2 {
        return planner(Fallback::NoChoice, "there is nothing to choose");
    }
    let tier = &desk.tiers[0];
    let mut prompt = desk.packer.pack(&tier.settings, inquiry);
    prompt.picture = desk.packer.picture(&tier.settings, inquiry);
    let ask = Ask {
        instance: inquiry.instance,
        step: inquiry.step,
        importance: Importance::Ordinary,
        deadline: deadline.into_std(),
        prompt: Arc::new(prompt),
    };
    let reply = match tier.model.ask(ask).await {
        Ok(reply) => reply,
        Err(error) => return planner(cause(&error), &error.to_string()),
    };
    match desk.packer.read(&reply, inquiry) {
        Err(complaint) => planner(Fallback::Unusable, &complaint),
        Ok(answer) => Routed::Decided(Decision {
            instance: inquiry.instance,
            step: inquiry.step,
            basis: inquiry.basis,
            source: Source::Model,
            tier: tier.settings.name.clone(),
            skill: answer.skill,
            arguments: serde_json::Value::Object(answer.arguments).to_string(),
            confidence: answer.confidence,
            reason: answer.reason,
        }),
    }
}

fn cause(error: &ModelError) -> Fallback {
    match error {
        ModelError::Busy => Fallback::Busy,
        ModelError::Late => Fallback::Late,
        ModelError::Open(_) => Fallback::Open,
        ModelError::Unreachable(_) | ModelError::Refused { .. } => Fallback::Failed,
        ModelError::Unusable(_) => Fallback::Unusable,
    }
}

fn planner(cause: Fallback, reason: &str) -> Routed {
    Routed::Planner { cause, reason: reason.to_string() }
}
