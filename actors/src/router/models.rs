//! From the settings to a router whose tiers are models behind servers.

use super::model::ModelError;
use super::openai::OpenAi;
use super::prompt::Packer;
use super::remote::{Exchange as _, Limits, Probed, Remote};
use super::{Clock, Live, Router, Setup, Tier};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::link::Link;
use wire::log::Log;
use wire::router::{RouterSettings, TierSettings};

/// A router as the settings describe it, for so many games. Its servers are looked for from now on. Must be called on a tokio
/// runtime.
///
/// # Errors
/// One line: what is wrong with a tier.
pub fn assemble(
    settings: &RouterSettings,
    seed: u64,
    games: usize,
    log: Arc<Log>,
    parent: Option<Arc<Link>>,
) -> Result<Router, String> {
    let wanted = if settings.is_used { settings.tiers.as_slice() } else { &[] };
    let tiers = wanted.iter().zip(0..).map(|(tier, number)| {
        let server = server(tier).map_err(|error| format!("router.tiers {}: {error}", tier.name))?;
        let limits = Limits {
            waiting_max: settings.waiting_max as usize,
            concurrency_max: tier.concurrency as usize,
            hedge: settings.hedge,
            probe: Duration::from_millis(settings.probe_ms),
            seed: seed.wrapping_add(number),
        };
        let model = Arc::new(Remote::start(Arc::new(server), tier, limits, log.clone()));
        Ok(Tier { settings: tier.clone(), model })
    });
    let tiers = tiers.collect::<Result<Vec<_>, String>>()?;
    let live = Live::default();
    live.set(games);
    let packer = Packer::new(Some(settings.prompts.clone()), settings.objective.clone());
    let started = Instant::now();
    let clock: Clock = Arc::new(move || started.elapsed().as_millis() as u64);
    Ok(Router::new(Setup { settings: settings.clone(), tiers, packer: Arc::new(packer), log, live, clock, parent }))
}

/// Looks once, for so long at most, for the server that a tier describes.
///
/// # Errors
/// One line: why it cannot be asked, and what to do after a semicolon where that is known.
pub async fn look(tier: &TierSettings, limit: Duration) -> Result<Probed, String> {
    let found = match server(tier) {
        Ok(server) => tokio::time::timeout(limit, server.probe()).await.unwrap_or(Err(ModelError::Late)),
        Err(error) => Err(error),
    };
    found.map_err(|error| match error {
        ModelError::Unreachable(why) => why,
        error => error.to_string(),
    })
}

/// The server of a tier, with its key.
fn server(tier: &TierSettings) -> Result<OpenAi, ModelError> {
    OpenAi::new(tier, std::env::var(&tier.key_variable).ok())
}
