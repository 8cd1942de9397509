//! A model behind a server, asked so that nobody waits in vain: how many requests there are at a time follows what the
//! server can do, failures are tried again under the deadline, and a server that fails again and again is left alone.
//!
//! Invariants: a question ends in a value no later than its deadline; one whose future is dropped takes up no place and no
//! request any more; no more than the limit are under way, and no more than may wait wait. Absent: how a server is spoken
//! to, which is an [`Exchange`]'s; what the answer says.

use super::model::{Answering, Ask, Model, ModelError, Reply, Standing};
use place::Inner;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wire::log::Log;
use wire::router::TierSettings;

mod asking;
mod backoff;
mod breaker;
mod concurrency;
mod latency;
mod place;
mod probing;

pub(super) use probing::tell;

/// What speaks to a server.
pub trait Exchange: Send + Sync + 'static {
    /// One request, not tried again. Dropping the future ends it. The reply's `attempts`, `is_hedged`, `waited_us` and
    /// `took_us` are filled in by who asked.
    fn send(&self, ask: &Ask) -> Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

    /// Finds the server and learns what it can do.
    fn probe(&self) -> Pin<Box<dyn Future<Output = Result<Probed, ModelError>> + Send>>;
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub error: ModelError,
    /// Whether the same request may do better later.
    pub is_retryable: bool,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// What a server was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// Its base address.
    pub url: String,
    /// The model that is asked.
    pub model: String,
    /// How answers are held to a schema.
    pub dialect: String,
    /// Whether it takes pictures.
    pub takes_pictures: bool,
    /// Whether it holds answers to a schema.
    pub takes_schema: bool,
    /// Whether it tells how probable its words were.
    pub tells_probabilities: bool,
}

/// Limits of a [`Remote`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Questions that may wait.
    pub waiting_max: usize,
    /// Requests at a time, at most.
    pub concurrency_max: usize,
    /// Whether a request that takes longer than 95 of 100 is sent a second time.
    pub hedge: bool,
    /// A server that is left alone is looked for this often.
    pub probe: Duration,
    /// Where the random waits start from.
    pub seed: u64,
}

/// A model behind a server.
pub struct Remote {
    inner: Arc<Inner>,
    probing: AbortHandle,
}

impl Remote {
    /// Starts looking for the server, on the current tokio runtime. That ends when this is dropped.
    pub fn start(exchange: Arc<dyn Exchange>, tier: &TierSettings, limits: Limits, log: Arc<Log>) -> Remote {
        let inner = Arc::new(Inner::new(exchange, limits));
        let probing = tokio::spawn(probing::run(inner.clone(), tier.clone(), log)).abort_handle();
        Remote { inner, probing }
    }

    /// Requests that are under way.
    pub fn running(&self) -> usize {
        self.inner.lock().running
    }
}

impl Model for Remote {
    fn ask(&self, ask: Ask) -> Answering {
        Box::pin(asking::answer(self.inner.clone(), ask, Instant::now()))
    }

    fn standing(&self) -> Standing {
        self.inner.standing()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.probing.abort();
    }
}

#[cfg(test)]
mod tests;
