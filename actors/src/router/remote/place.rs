//! Places at the server: who holds one may send a request; the others stand in line.

use super::backoff;
use super::breaker::Breaker;
use super::concurrency::Concurrency;
use super::latency::Latencies;
use super::{Exchange, Limits, Probed};
use crate::router::inquiry::Importance;
use crate::router::line::Line;
use crate::router::model::{ModelError, Standing};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use wire::Instance;
use wire::random::SplitMix64;

/// One of this many requests may be a second one.
const HEDGES: u64 = 20;

/// What all questions to one server share.
pub struct Inner {
    pub exchange: Arc<dyn Exchange>,
    pub limits: Limits,
    /// Told when the server is left alone from now on.
    pub opened: Notify,
    state: Mutex<State>,
}

/// How things stand.
pub struct State {
    line: Line<oneshot::Sender<Place>>,
    /// Requests under way.
    pub running: usize,
    /// Whether the first look for the server is not over yet; questions wait for that.
    is_looking: bool,
    breaker: Breaker,
    concurrency: Concurrency,
    latencies: Latencies,
    random: SplitMix64,
    probed: Option<Probed>,
    sent: u64,
    hedged: u64,
}

/// Leave to have one request under way. Dropping it gives the place to the next.
pub struct Place(Arc<Inner>);

/// A place in line. Dropping it leaves the line.
pub struct Waiting {
    inner: Arc<Inner>,
    place: Option<oneshot::Receiver<Place>>,
}

impl Inner {
    pub fn new(exchange: Arc<dyn Exchange>, limits: Limits) -> Inner {
        let state = State {
            line: Line::new(limits.waiting_max),
            running: 0,
            is_looking: true,
            breaker: Breaker::new(),
            concurrency: Concurrency::new(limits.concurrency_max),
            latencies: Latencies::default(),
            random: SplitMix64(limits.seed),
            probed: None,
            sent: 0,
            hedged: 0,
        };
        Inner { exchange, limits, opened: Notify::new(), state: Mutex::new(state) }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the lock")
    }

    pub fn standing(&self) -> Standing {
        let state = self.lock();
        Standing {
            is_ready: state.breaker.open().is_none(),
            takes_pictures: state.probed.as_ref().is_none_or(|probed| probed.takes_pictures),
            waiting: state.line.len(),
            limit: state.concurrency.limit(),
        }
    }

    /// Why the server is left alone, if it is.
    pub fn open(&self) -> Option<ModelError> {
        self.lock().open()
    }

    /// A place, or one in line.
    pub fn enter(self: &Arc<Inner>, instance: Instance, importance: Importance) -> Result<Waiting, ModelError> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if let Some(open) = state.open() {
            return Err(open);
        }
        let at_once = if state.has_place() && state.line.is_empty() {
            state.running += 1;
            Some(sender)
        } else {
            state.line.push(instance, importance, sender).map_err(|_| ModelError::Busy)?;
            None
        };
        drop(state);
        if let Some(sender) = at_once {
            // The receiver is below.
            let _ = sender.send(Place(self.clone()));
        }
        Ok(Waiting { inner: self.clone(), place: Some(receiver) })
    }

    /// A place for a second request for the same question, where one is free and there were few of them.
    pub fn second(self: &Arc<Inner>) -> Option<Place> {
        let mut state = self.lock();
        let is_allowed = (state.hedged + 1) * HEDGES <= state.sent;
        if !is_allowed || !state.has_place() || state.open().is_some() {
            return None;
        }
        state.running += 1;
        state.hedged += 1;
        Some(Place(self.clone()))
    }

    /// A question is sent; says after how long it is worth to send it a second time.
    pub fn sends(&self) -> Option<Duration> {
        let mut state = self.lock();
        state.sent += 1;
        if self.limits.hedge { state.latencies.p95() } else { None }
    }

    /// An answer came.
    pub fn succeeded(self: &Arc<Inner>, took: Duration) {
        let mut state = self.lock();
        state.latencies.note(took);
        let shortest = state.latencies.shortest().unwrap_or(took);
        let is_wanted = state.running >= state.concurrency.limit();
        state.concurrency.answered(took, shortest, is_wanted);
        state.breaker.succeeded();
        drop(state);
        self.serve();
    }

    /// A request that was sent then failed.
    pub fn failed(&self, error: &ModelError, sent: Instant, now: Instant) {
        let mut state = self.lock();
        if is_overload(error) {
            state.concurrency.overloaded(sent, now);
        }
        self.count(state, error);
    }

    /// Whether an answer may still come before the deadline: not in less than half of the shortest time that one ever took.
    pub fn is_in_time(&self, now: Instant, deadline: Instant) -> bool {
        now < deadline && self.lock().latencies.shortest().is_none_or(|shortest| now + shortest / 2 <= deadline)
    }

    /// A request that was sent then had no answer when time was up. That says something about the server only where it had
    /// as much time as is usual.
    pub fn late(&self, sent: Instant, now: Instant) {
        let mut state = self.lock();
        if state.latencies.usual().is_some_and(|usual| now - sent < usual) {
            return;
        }
        state.concurrency.overloaded(sent, now);
        self.count(state, &ModelError::Late);
    }

    /// What the look for the server found.
    pub fn found(self: &Arc<Inner>, found: Result<Probed, ModelError>) {
        let mut state = self.lock();
        state.is_looking = false;
        match found {
            Ok(probed) => {
                state.probed = Some(probed);
                state.breaker.succeeded();
                drop(state);
                self.serve();
            }
            Err(error) => {
                state.breaker.missing(&error.to_string());
                let line = state.send_away();
                drop(state);
                drop(line);
            }
        }
    }

    /// How long to wait before the next attempt.
    pub fn backoff(&self, attempts: u32, retry_after: Option<Duration>) -> Duration {
        backoff::wait(attempts, retry_after, &mut self.lock().random)
    }

    fn count(&self, mut state: MutexGuard<'_, State>, error: &ModelError) {
        if state.breaker.failed(&error.to_string()) {
            let line = state.send_away();
            drop(state);
            drop(line);
            self.opened.notify_one();
        }
    }

    /// Gives free places to those who wait.
    fn serve(self: &Arc<Inner>) {
        loop {
            let mut state = self.lock();
            if !state.has_place() {
                return;
            }
            let Some(next) = state.line.pop() else { return };
            state.running += 1;
            drop(state);
            // Who left gives it back at once.
            let _ = next.send(Place(self.clone()));
        }
    }
}

impl State {
    fn has_place(&self) -> bool {
        !self.is_looking && self.running < self.concurrency.limit()
    }

    fn open(&self) -> Option<ModelError> {
        if self.is_looking {
            return None;
        }
        self.breaker.open().map(|why| ModelError::Open(why.to_string()))
    }

    /// Everybody who waits; dropping them tells them so.
    fn send_away(&mut self) -> Vec<oneshot::Sender<Place>> {
        std::iter::from_fn(|| self.line.pop()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.serve();
    }
}

impl Waiting {
    /// The place, once it is this one's turn.
    pub async fn place(mut self) -> Result<Place, ModelError> {
        let Some(place) = self.place.as_mut() else { return Err(ModelError::Late) };
        let given = place.await;
        self.place = None;
        match given {
            Ok(place) => Ok(place),
            Err(_) => Err(self.inner.open().unwrap_or(ModelError::Busy)),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let is_in_line = self.place.as_mut().is_some_and(|place| place.try_recv().is_err());
        drop(self.place.take());
        if is_in_line {
            self.inner.lock().line.retain(|sender| !sender.is_closed());
        }
    }
}

/// Whether a failure says that the server has too much to do.
fn is_overload(error: &ModelError) -> bool {
    match error {
        ModelError::Unreachable(_) | ModelError::Late => true,
        ModelError::Refused { status, .. } => matches!(status, 408 | 429 | 503 | 504),
        ModelError::Busy | ModelError::Open(_) | ModelError::Unusable(_) => false,
    }
}
