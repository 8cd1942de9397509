//! From the settings to a router whose tiers are models behind servers and in this process.

use super::batch::{BatchModel, BatchShape, Batched};
use super::exchanges::Exchanges;
use super::model::{Model, ModelError};
use super::openai::OpenAi;
use super::prompt::Packer;
use super::remote::{Exchange as _, Limits, Probed, Remote, tell};
use super::seeing::Seeing;
use super::{Clock, Live, Router, Setup, Tier};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::link::Link;
use wire::log::Log;
use wire::router::{RouterSettings, TierSettings};

/// A model in this process, and how questions to it are gathered.
type Local = (Box<dyn BatchModel>, BatchShape);

/// Questions that the reader answers at once.
const READER_BATCH: usize = 8;

/// A router as the settings describe it, for so many games. Its models are looked for from now on. Must be called on a tokio
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
    let live = Live::default();
    live.set(games);
    let wanted = if settings.is_used { settings.tiers.as_slice() } else { &[] };
    let tiers = wanted.iter().zip(0..).map(|(tier, number)| {
        let wrong = |error: ModelError| format!("router.tiers {}: {error}", tier.name);
        let waiting_max = settings.waiting_max as usize;
        let model: Arc<dyn Model> = match local(tier).map_err(wrong)? {
            Some((model, shape)) => {
                Arc::new(batched(model, BatchShape { waiting_max, ..shape }, live.clone(), tier, &log))
            }
            None => {
                let limits = Limits {
                    waiting_max,
                    concurrency_max: tier.concurrency as usize,
                    hedge: settings.hedge,
                    probe: Duration::from_millis(settings.probe_ms),
                    seed: seed.wrapping_add(number),
                };
                Arc::new(Remote::start(Arc::new(server(tier).map_err(wrong)?), tier, limits, log.clone()))
            }
        };
        Ok(Tier { settings: tier.clone(), model })
    });
    let tiers = tiers.collect::<Result<Vec<_>, String>>()?;
    let packer = Packer::new(Some(settings.prompts.clone()), settings.objective.clone());
    let started = Instant::now();
    let clock: Clock = Arc::new(move || started.elapsed().as_millis() as u64);
    let exchanges = settings.exchanges.as_deref().filter(|_| settings.is_used);
    let exchanges = exchanges.map(|path| {
        let failed = |error| format!("telemetry.inspection: {}: {error}", path.display());
        Exchanges::open(path).map_err(failed)
    });
    let exchanges = exchanges.transpose()?;
    let (settings, packer) = (settings.clone(), Arc::new(packer));
    Ok(Router::new(Setup { settings, tiers, packer, log, live, clock, parent, exchanges }))
}

/// Looks once, for so long at most, for the model that a tier describes.
///
/// # Errors
/// One line: why it cannot be asked, and what to do after a semicolon where that is known.
pub async fn look(tier: &TierSettings, limit: Duration) -> Result<Probed, String> {
    let found = match local(tier) {
        Ok(Some((mut model, _))) => {
            let prepared = tokio::task::spawn_blocking(move || model.prepare());
            let gone = |_| Err(ModelError::Unusable("it ended".to_string()));
            tokio::time::timeout(limit, prepared)
                .await
                .map_or(Err(ModelError::Late), |found| found.unwrap_or_else(gone))
        }
        Ok(None) => match server(tier) {
            Ok(server) => tokio::time::timeout(limit, server.probe()).await.unwrap_or(Err(ModelError::Late)),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    found.map_err(|error| match error {
        ModelError::Unreachable(why) => why,
        error => error.to_string(),
    })
}

/// The model of a tier in this process, and how questions to it are gathered; nothing for one behind a server.
fn local(tier: &TierSettings) -> Result<Option<Local>, ModelError> {
    let size = |usual| if tier.batch == 0 { usual } else { tier.batch as usize };
    match tier.backend.as_str() {
        "reader" => {
            // Waiting would cost more than it saves.
            let shape = BatchShape { size: size(READER_BATCH), wait: Duration::ZERO, ..BatchShape::default() };
            Ok(Some((Box::new(Seeing::default()), shape)))
        }
        #[cfg(feature = "local-vlm")]
        "qwen3-vl" => {
            let shape = BatchShape { size: size(super::local::BATCH_MAX), ..BatchShape::default() };
            Ok(Some((Box::new(super::local::Local::new(tier)), shape)))
        }
        #[cfg(not(feature = "local-vlm"))]
        "qwen3-vl" => {
            let remedy = "this program was built without it; build with `cargo build --features local-vlm`";
            Err(ModelError::Unreachable(format!("backend is \"qwen3-vl\"; {remedy}")))
        }
        _ => Ok(None),
    }
}

/// Starts a model in this process; what it was found to be is told as of a server.
fn batched(model: Box<dyn BatchModel>, shape: BatchShape, live: Live, tier: &TierSettings, log: &Arc<Log>) -> Batched {
    let (tier, log) = (tier.clone(), log.clone());
    Batched::start(model, shape, live, Box::new(move |found, took| tell(found, &tier, &log, took)))
}

/// The server of a tier, with its key.
fn server(tier: &TierSettings) -> Result<OpenAi, ModelError> {
    OpenAi::new(tier, std::env::var(&tier.key_variable).ok())
}
