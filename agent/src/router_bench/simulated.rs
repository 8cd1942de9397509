//! Models that only take their time, in the places of real ones: behind the real adaptive client, in the real batches.

use super::oracle::Shared;
use super::plan::Simulated;
use actors::router::Live;
use actors::router::batch::{BatchModel, BatchShape, Batched};
use actors::router::model::{Answering, Ask, Model, ModelError, Reply, Standing};
use actors::router::remote::{Exchange, Failure, Limits, Probed, Remote};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::log::Log;
use wire::random::SplitMix64;
use wire::router::RouterSettings;

/// Where the jitter starts from.
const SEED: u64 = 6;

/// The model behind whatever is in front of such a model in play.
pub fn model(
    kind: Simulated,
    oracle: &Shared,
    settings: &RouterSettings,
    live: &Live,
    log: &Arc<Log>,
) -> Arc<dyn Model> {
    let waiting_max = settings.waiting_max as usize;
    match kind {
        Simulated::Instant => Arc::new(AtOnce(oracle.clone())),
        Simulated::Batched { wait_ms, .. } => {
            let shape = BatchShape { wait: Duration::from_millis(wait_ms), waiting_max, ..BatchShape::default() };
            let latency = Latency::new(kind);
            let model = Busy { oracle: oracle.clone(), latency, free_since: Instant::now() };
            Arc::new(Batched::start(Box::new(model), shape, live.clone(), Box::new(|_, _| {})))
        }
        Simulated::Remote { .. } => {
            let exchange = Server { oracle: oracle.clone(), latency: Mutex::new(Latency::new(kind)) };
            let tier = &settings.tiers[0];
            let limits = Limits {
                waiting_max,
                concurrency_max: tier.concurrency as usize,
                hedge: settings.hedge,
                probe: Duration::from_millis(settings.probe_ms),
                seed: SEED,
            };
            Arc::new(Remote::start(Arc::new(exchange), tier, limits, log.clone()))
        }
    }
}

/// How long a model takes.
#[derive(Debug)]
pub struct Latency {
    kind: Simulated,
    random: SplitMix64,
}

impl Latency {
    /// Begins anew, always with the same times.
    pub fn new(kind: Simulated) -> Latency {
        Latency { kind, random: SplitMix64(SEED) }
    }

    /// The time of the next so many questions at once.
    pub fn next(&mut self, rows: usize) -> Duration {
        match self.kind {
            Simulated::Remote { base_ms, jitter } => {
                let swing = base_ms * 1_000 * jitter / 100;
                let drawn = self.random.below(2 * swing as usize + 1) as u64;
                Duration::from_micros(base_ms * 1_000 - swing + drawn)
            }
            Simulated::Batched { base_ms, row_ms, .. } => Duration::from_millis(base_ms + row_ms * rows as u64),
            Simulated::Instant => Duration::ZERO,
        }
    }
}

struct AtOnce(Shared);

impl Model for AtOnce {
    fn ask(&self, ask: Ask) -> Answering {
        self.0.arrived(&ask, None);
        let reply = self.0.reply(&ask);
        Box::pin(std::future::ready(Ok(Reply { attempts: 1, ..reply })))
    }

    fn standing(&self) -> Standing {
        Standing { is_ready: true, takes_pictures: true, ..Standing::default() }
    }
}

/// Works on one batch at a time.
struct Busy {
    oracle: Shared,
    latency: Latency,
    free_since: Instant,
}

impl BatchModel for Busy {
    fn run(&mut self, asks: &[Ask]) -> Vec<Result<Reply, ModelError>> {
        asks.iter().for_each(|ask| self.oracle.arrived(ask, Some(self.free_since)));
        std::thread::sleep(self.latency.next(asks.len()));
        let replies = asks.iter().map(|ask| Ok(self.oracle.reply(ask))).collect();
        self.free_since = Instant::now();
        replies
    }
}

/// Takes any number of questions at a time.
struct Server {
    oracle: Shared,
    latency: Mutex<Latency>,
}

impl Exchange for Server {
    fn send(&self, ask: &Ask) -> Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>> {
        self.oracle.arrived(ask, None);
        let latency = self.latency.lock().expect("nobody panics while holding the lock").next(1);
        let reply = self.oracle.reply(ask);
        Box::pin(async move {
            tokio::time::sleep(latency).await;
            Ok(reply)
        })
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Result<Probed, ModelError>> + Send>> {
        let model = "simulated".to_string();
        let probed = Probed { model, takes_pictures: true, takes_schema: true, ..Probed::default() };
        Box::pin(std::future::ready(Ok(probed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_stay_within_their_jitter_and_are_the_same_each_time() {
        let draw = || {
            let mut latency = Latency::new(Simulated::REMOTE);
            (0..1_000).map(|_| latency.next(1).as_micros()).collect::<Vec<_>>()
        };
        let times = draw();
        assert!(times.iter().all(|time| (1_200_000..=1_800_000).contains(time)));
        let mean = times.iter().sum::<u128>() / 1_000;
        assert!((1_480_000..1_520_000).contains(&mean), "{mean}");
        assert_eq!(times, draw());
        assert_eq!(Latency::new(Simulated::BATCHED).next(8), Duration::from_millis(420));
    }
}
