//! Looks for the server: at the start, and at intervals while it is left alone. What is found is told when it is new.

use super::place::Inner;
use super::{ModelError, Probed};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use wire::event::Event;
use wire::log::{Context, Log};
use wire::router::TierSettings;

/// The longest look: a server may have to load its model first.
const LOOK_MAX: Duration = Duration::from_secs(120);
/// The shortest time between two looks.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Looks for the server as long as it lives.
pub async fn run(inner: Arc<Inner>, tier: TierSettings, log: Arc<Log>) {
    let mut told = None;
    loop {
        // An interval's first tick is at once: at the start that is right. Later the server has just failed.
        let mut ticks = tokio::time::interval(inner.limits.probe.max(INTERVAL_MIN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if told.is_some() {
            ticks.tick().await;
        }
        loop {
            ticks.tick().await;
            let started = Instant::now();
            let found = tokio::time::timeout(LOOK_MAX, inner.exchange.probe()).await.unwrap_or(Err(ModelError::Late));
            tell_new(&mut told, &found, &tier, &log, started.elapsed());
            inner.found(found);
            if inner.open().is_none() {
                break;
            }
        }
        inner.opened.notified().await;
        if let Some(why) = inner.open() {
            tell_new(&mut told, &Err(why), &tier, &log, Duration::ZERO);
        }
    }
}

type Found = Result<Probed, ModelError>;

fn tell_new(told: &mut Option<Found>, found: &Found, tier: &TierSettings, log: &Log, took: Duration) {
    if told.as_ref() == Some(found) {
        return;
    }
    *told = Some(found.clone());
    tell(found, tier, log, took);
}

/// Says in the log what a model was found to be, or why there is none.
pub fn tell(found: &Found, tier: &TierSettings, log: &Log, took: Duration) {
    let problem = found.as_ref().err().map(ToString::to_string);
    let missing = || Probed { url: tier.url.clone(), model: tier.model.clone(), ..Probed::default() };
    let probed = found.as_ref().map_or_else(|_| missing(), Clone::clone);
    let event = Event::ModelProbed {
        tier: tier.name.clone(),
        url: probed.url,
        model: probed.model,
        dialect: probed.dialect,
        pictures: probed.takes_pictures,
        schema: probed.takes_schema,
        logprobs: probed.tells_probabilities,
        problem,
        took_ms: took.as_millis() as u64,
    };
    if let Err(error) = log.write("router", Context::default(), event) {
        tracing::warn!("what a model server can do is not in the log: {error}");
    }
}
