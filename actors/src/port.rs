//! The one way in which actors ask each other: a bounded port with deadlines.
//!
//! actix's own `Addr::send` and `do_send` ignore the mailbox's bound, so a slow actor would gather messages without
//! limit. Here each question carries a permit; when all are out, the answer is `Busy` at once, and it is counted.
//! Asking never blocks and never waits longer than its deadline. clippy bans the other ways.

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Something that can be asked of an actor.
pub trait Question: Send + 'static {
    /// What comes back.
    type Answer: Send + 'static;
}

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// The answer.
    Answer(T),
    /// As many questions as the port takes are already waiting.
    Busy,
    /// The deadline passed first; a later answer is dropped.
    Late,
    /// The actor has ended.
    Gone,
}

impl<T> Asked<T> {
    /// The answer, if there is one.
    pub fn answer(self) -> Option<T> {
        match self {
            Asked::Answer(answer) => Some(answer),
            Asked::Busy | Asked::Late | Asked::Gone => None,
        }
    }
}

/// A question on its way. The permit goes back when the envelope, or the reply taken from it, is dropped.
pub struct Envelope<Q: Question> {
    question: Q,
    reply: Reply<Q::Answer>,
}

/// Where the answer goes.
pub struct Reply<T> {
    sender: oneshot::Sender<T>,
    _permit: Permit,
}

impl<Q: Question> Envelope<Q> {
    /// Answers with a function of the question.
    pub fn answer(self, function: impl FnOnce(Q) -> Q::Answer) {
        self.reply.send(function(self.question));
    }

    /// The question, and where its answer goes later.
    pub fn into_parts(self) -> (Q, Reply<Q::Answer>) {
        (self.question, self.reply)
    }
}

impl<T> Reply<T> {
    /// Answers. An asker that no longer waits is no fault.
    pub fn send(self, answer: T) {
        let _ = self.sender.send(answer);
    }

    /// Whether the asker no longer waits.
    pub fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// Ends when the asker no longer waits.
    pub async fn abandoned(&mut self) {
        self.sender.closed().await;
    }
}

impl<Q: Question> Message for Envelope<Q> {
    type Result = ();
}

/// A bounded way to one actor. Clones share the bound.
pub struct Port<A: Actor> {
    address: Addr<A>,
    bound: Arc<Bound>,
}

#[derive(Debug)]
struct Bound {
    name: &'static str,
    capacity: usize,
    waiting: AtomicUsize,
    busy: AtomicU64,
}

struct Permit(Arc<Bound>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Release);
    }
}

impl<A: Actor> Clone for Port<A> {
    fn clone(&self) -> Port<A> {
        Port { address: self.address.clone(), bound: self.bound.clone() }
    }
}

impl<A: Actor> Port<A> {
    /// A port of at most `capacity` waiting questions. The actor's mailbox must hold at least as many.
    pub fn new(name: &'static str, address: Addr<A>, capacity: usize) -> Port<A> {
        let bound = Bound { name, capacity, waiting: AtomicUsize::new(0), busy: AtomicU64::new(0) };
        Port { address, bound: Arc::new(bound) }
    }

    /// The actor's name.
    pub fn name(&self) -> &'static str {
        self.bound.name
    }

    /// How many questions were answered `Busy` so far.
    pub fn busy(&self) -> u64 {
        self.bound.busy.load(Ordering::Relaxed)
    }

    /// Asks, and waits for the answer until the deadline.
    pub async fn ask<Q>(&self, question: Q, deadline: Duration) -> Asked<Q::Answer>
    where
        Q: Question,
        A: Handler<Envelope<Q>>,
        A::Context: ToEnvelope<A, Envelope<Q>>,
    {
        let receiver = match self.post(question) {
            Ok(receiver) => receiver,
            Err(refused) => return refused,
        };
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok(answer)) => Asked::Answer(answer),
            Ok(Err(_)) => Asked::Gone,
            Err(_) => Asked::Late,
        }
    }

    /// Tells without waiting for an answer; `false` when the port is full or the actor gone.
    pub fn tell<Q>(&self, question: Q) -> bool
    where
        Q: Question,
        A: Handler<Envelope<Q>>,
        A::Context: ToEnvelope<A, Envelope<Q>>,
    {
        self.post(question).is_ok()
    }

    fn post<Q>(&self, question: Q) -> Result<oneshot::Receiver<Q::Answer>, Asked<Q::Answer>>
    where
        Q: Question,
        A: Handler<Envelope<Q>>,
        A::Context: ToEnvelope<A, Envelope<Q>>,
    {
        let Some(permit) = self.permit() else {
            self.bound.busy.fetch_add(1, Ordering::Relaxed);
            return Err(Asked::Busy);
        };
        let (sender, receiver) = oneshot::channel();
        let envelope = Envelope { question, reply: Reply { sender, _permit: permit } };
        match self.address.try_send(envelope) {
            Ok(()) => Ok(receiver),
            Err(actix::prelude::SendError::Full(_)) => {
                self.bound.busy.fetch_add(1, Ordering::Relaxed);
                Err(Asked::Busy)
            }
            Err(actix::prelude::SendError::Closed(_)) => Err(Asked::Gone),
        }
    }

    fn permit(&self) -> Option<Permit> {
        let taken = self.bound.waiting.fetch_add(1, Ordering::Acquire);
        let permit = Permit(self.bound.clone());
        (taken < self.bound.capacity).then_some(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::Context;

    struct Slow {
        held: Vec<Reply<u32>>,
    }

    struct Double(u32);

    impl Question for Double {
        type Answer = u32;
    }

    struct Release;

    impl Question for Release {
        type Answer = usize;
    }

    impl Actor for Slow {
        type Context = Context<Slow>;
    }

    impl Handler<Envelope<Double>> for Slow {
        type Result = ();

        fn handle(&mut self, envelope: Envelope<Double>, _: &mut Context<Slow>) {
            let (question, reply) = envelope.into_parts();
            if question.0 == 0 { self.held.push(reply) } else { reply.send(question.0 * 2) }
        }
    }

    impl Handler<Envelope<Release>> for Slow {
        type Result = ();

        fn handle(&mut self, envelope: Envelope<Release>, _: &mut Context<Slow>) {
            let held = self.held.len();
            self.held.clear();
            envelope.answer(|_| held);
        }
    }

    const DEADLINE: Duration = Duration::from_secs(10);

    #[test]
    fn a_full_port_answers_busy_and_counts_it() {
        actix::System::new().block_on(async {
            let port = Port::new("slow", Slow { held: Vec::new() }.start(), 3);
            assert_eq!(port.ask(Double(21), DEADLINE).await, Asked::Answer(42));
            assert!(port.tell(Double(0)) && port.tell(Double(0)));
            // The third permit carries the question that shows the other two have been taken up.
            assert_eq!(port.ask(Double(1), DEADLINE).await, Asked::Answer(2));
            assert!(port.tell(Double(0)));
            assert_eq!(port.ask(Double(1), DEADLINE).await, Asked::Busy);
            assert_eq!(port.busy(), 1);
            let other = Port { address: port.address.clone(), bound: Port::new("x", port.address.clone(), 1).bound };
            assert_eq!(other.ask(Release, DEADLINE).await, Asked::Answer(3));
            assert_eq!(port.ask(Double(4), DEADLINE).await, Asked::Answer(8));
        });
    }

    #[test]
    fn a_late_answer_is_a_value_and_its_permit_returns() {
        actix::System::new().block_on(async {
            let port = Port::new("slow", Slow { held: Vec::new() }.start(), 1);
            assert_eq!(port.ask(Double(0), Duration::from_millis(1)).await, Asked::Late);
            assert_eq!(port.ask(Double(1), DEADLINE).await, Asked::Busy);
        });
    }
}
