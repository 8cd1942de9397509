//! One question, from standing in line to its answer.

use super::Failure;
use super::backoff::ATTEMPTS_MAX;
use super::place::{Inner, Place};
use crate::router::model::{Ask, ModelError, Reply};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

type Sending = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// Asks until there is an answer, trying again makes no sense, or the time is up.
pub async fn answer(inner: Arc<Inner>, ask: Ask, asked: Instant) -> Result<Reply, ModelError> {
    let deadline = Instant::from_std(ask.deadline);
    if asked >= deadline {
        return Err(ModelError::Late);
    }
    let waiting = inner.enter(ask.instance, ask.importance)?;
    let place = timeout_at(deadline, waiting.place()).await.map_err(|_| ModelError::Late)??;
    let waited = asked.elapsed();
    if !inner.is_in_time(Instant::now(), deadline) {
        return Err(ModelError::Late);
    }
    let mut attempts = 0;
    let mut is_hedged = false;
    loop {
        let failure = match attempt(&inner, &ask, deadline, &mut attempts, &mut is_hedged).await {
            Ok(mut reply) => {
                drop(place);
                reply.attempts = attempts;
                reply.is_hedged = is_hedged;
                reply.waited_us = waited.as_micros() as u64;
                reply.took_us = asked.elapsed().as_micros() as u64;
                return Ok(reply);
            }
            Err(failure) => failure,
        };
        if !failure.is_retryable || attempts >= ATTEMPTS_MAX || inner.open().is_some() {
            return Err(failure.error);
        }
        let wait = inner.backoff(attempts, failure.retry_after);
        if !inner.is_in_time(Instant::now() + wait, deadline) {
            return Err(failure.error);
        }
        // The place is kept: a server that fails is asked less for as long.
        sleep(wait).await;
        if let Some(open) = inner.open() {
            return Err(open);
        }
    }
}

/// Sends it, and a second time where the first takes long; the first answer counts.
async fn attempt(
    inner: &Arc<Inner>,
    ask: &Ask,
    deadline: Instant,
    attempts: &mut u32,
    is_hedged: &mut bool,
) -> Result<Reply, Failure> {
    let mut first = Sent::new(inner, ask, deadline, None, attempts);
    let Some(patience) = inner.sends() else { return first.outcome().await };
    let impatient = (first.sent + patience).min(deadline);
    tokio::select! {
        biased;
        outcome = first.outcome() => return outcome,
        () = sleep_until(impatient) => {}
    }
    let Some(place) = inner.second() else { return first.outcome().await };
    *is_hedged = true;
    let mut second = Sent::new(inner, ask, deadline, Some(place), attempts);
    let (outcome, other) = tokio::select! {
        biased;
        outcome = first.outcome() => (outcome, &mut second),
        outcome = second.outcome() => (outcome, &mut first),
    };
    match outcome {
        Err(failure) if failure.error != ModelError::Late => other.outcome().await,
        outcome => outcome,
    }
}

/// A request under way. What becomes of it is counted once, also when time ran out and nobody waits for it any more.
struct Sent<'a> {
    inner: &'a Arc<Inner>,
    sending: Option<Sending>,
    sent: Instant,
    deadline: Instant,
    _place: Option<Place>,
}

impl<'a> Sent<'a> {
    fn new(inner: &'a Arc<Inner>, ask: &Ask, deadline: Instant, place: Option<Place>, attempts: &mut u32) -> Sent<'a> {
        *attempts += 1;
        let sending = Some(inner.exchange.send(ask));
        Sent { inner, sending, sent: Instant::now(), deadline, _place: place }
    }

    async fn outcome(&mut self) -> Result<Reply, Failure> {
        let late = Failure { error: ModelError::Late, is_retryable: false, retry_after: None };
        let Some(sending) = self.sending.as_mut() else { return Err(late) };
        let outcome = timeout_at(self.deadline, sending).await;
        self.sending = None;
        match outcome {
            Ok(Ok(reply)) => {
                self.inner.succeeded(self.sent.elapsed());
                Ok(reply)
            }
            Ok(Err(failure)) => {
                self.inner.failed(&failure.error, self.sent, Instant::now());
                Err(failure)
            }
            Err(_) => {
                self.inner.late(self.sent, Instant::now());
                Err(late)
            }
        }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if self.sending.take().is_some() && now >= self.deadline {
            self.inner.late(self.sent, now);
        }
    }
}
