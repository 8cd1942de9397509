//! The ranges of the configuration's values.

use super::{
    BACKENDS, BRAINS, Backend, Config, DIALECTS, DTYPES, EMBEDDERS, Export, INDEX_KINDS, Recall, STATES, TIER_BACKENDS,
};
use crate::export;
use wire::control::INSTANCES_MAX;
use wire::router::TierSettings;

/// A value that is out of its range.
pub(super) struct Violation {
    /// Its section.
    pub section: &'static str,
    /// Its key.
    pub key: &'static str,
    /// What it is and what it must be.
    pub message: String,
}

/// The first value that is out of its range.
pub(super) fn violation(config: &Config) -> Option<Violation> {
    let supervision = &config.supervision;
    let numbers = [
        ("emulator", "deadline_ms", config.emulator.deadline_ms, 10, 600_000),
        ("run", "instances", config.run.instances.into(), 1, INSTANCES_MAX.into()),
        ("pilot", "checkpoint_every_steps", config.pilot.checkpoint_every_steps, 1, 1_000_000),
        ("pilot", "decision_deadline_ms", config.pilot.decision_deadline_ms, 10, 600_000),
        ("telemetry", "part_mib", config.telemetry.part_mib, 1, 65_536),
        ("telemetry", "runs_mib", config.telemetry.runs_mib, 0, 1_048_576),
        ("telemetry", "log_mib", config.telemetry.log_mib, 0, 16_777_216),
        ("alerts", "no_steps_s", config.alerts.no_steps_s, 0, 86_400),
        ("alerts", "stuck_steps", config.alerts.stuck_steps, 0, 1_000_000),
        ("alerts", "floor_steps", config.alerts.floor_steps, 0, 1_000_000_000),
        ("alerts", "stale_percent", config.alerts.stale_percent, 0, 100),
        ("alerts", "overhead_ms", config.alerts.overhead_ms, 0, 600_000),
        ("alerts", "memory_mib_per_hour", config.alerts.memory_mib_per_hour, 0, 1_000_000),
        ("alerts", "errors_per_minute", config.alerts.errors_per_minute, 0, 1_000_000),
        ("recall", "deadline_ms", config.recall.deadline_ms, 1, 60_000),
        ("indexes", "capacity", u64::from(config.indexes.capacity), 100, 10_000_000),
        ("indexes", "fold_at", u64::from(config.indexes.fold_at), 16, 1_000_000),
        ("router", "deadline_ms", config.router.deadline_ms, 10, 600_000),
        ("router", "waiting_max", u64::from(config.router.waiting_max), 1, 10_000),
        ("router", "stay_steps", u64::from(config.router.stay_steps), 0, 100_000),
        ("router", "cache_mib", u64::from(config.router.cache_mib), 0, 65_536),
        ("router", "similar_bits", u64::from(config.router.similar_bits), 0, 64),
        ("router", "probe_ms", config.router.probe_ms, 100, 600_000),
        ("supervision", "ping_ms", supervision.ping_ms, 10, 60_000),
        ("supervision", "suspect_ms", supervision.suspect_ms, 50, 600_000),
        ("supervision", "kill_ms", supervision.kill_ms, 100, 600_000),
        ("supervision", "handshake_ms", supervision.handshake_ms, 100, 600_000),
        ("supervision", "ready_ms", supervision.ready_ms, 100, 600_000),
        ("supervision", "backoff_ms", supervision.backoff_ms, 1, 60_000),
        ("supervision", "backoff_max_ms", supervision.backoff_max_ms, 1, 600_000),
        ("supervision", "stable_s", supervision.stable_s, 1, 86_400),
        ("supervision", "restarts_max", u64::from(supervision.restarts_max), 0, 1_000),
        ("supervision", "window_s", supervision.window_s, 1, 86_400),
        ("supervision", "retry_s", supervision.retry_s, 1, 86_400),
        ("supervision", "stop_ms", supervision.stop_ms, 10, 60_000),
        ("supervision", "finish_ms", supervision.finish_ms, 10, 600_000),
    ];
    let number = numbers.into_iter().find(|(_, _, value, least, most)| !(least..=most).contains(&value));
    if let Some((section, key, value, least, most)) = number {
        return Some(Violation { section, key, message: format!("is {value}; it must be from {least} to {most}") });
    }
    let names = [
        ("run", "brain", &config.run.brain, BRAINS),
        ("emulator", "backend", &config.emulator.backend, BACKENDS),
        ("indexes", "kind", &config.indexes.kind, INDEX_KINDS),
        ("recall", "embedder", &config.recall.embedder, EMBEDDERS),
    ];
    if let Some((section, key, value, known)) =
        names.into_iter().find(|(_, _, value, known)| !known.contains(&value.as_str()))
    {
        return Some(Violation {
            section,
            key,
            message: format!("is {value:?}; it must be one of {}", known.join(", ")),
        });
    }
    relation(config).or_else(|| exports(config)).or_else(|| tiers(config))
}

/// What is wrong with the places that a run is exported to. Their addresses may hold secrets and are not repeated.
fn exports(config: &Config) -> Option<Violation> {
    let Export { prometheus, otlp, .. } = &config.export;
    let wrong = |key, message: String| Some(Violation { section: "export", key, message });
    if !prometheus.is_empty() && export::loopback(prometheus).is_none() {
        let message =
            "must be HOST:PORT of this machine alone, as 127.0.0.1:9184: whoever reaches it reads what it serves";
        return wrong("prometheus", message.to_string());
    }
    let checked = if otlp.is_empty() { Ok(()) } else { export::check_target(otlp) };
    if let Err(message) = checked {
        return wrong("otlp", message);
    }
    let key = if prometheus.is_empty() { "otlp" } else { "prometheus" };
    let is_asked = !prometheus.is_empty() || !otlp.is_empty();
    let message = "follows the log's file; set telemetry.backend to \"file\", or leave it empty";
    (is_asked && config.telemetry.backend != Backend::File).then(|| wrong(key, message.to_string())).flatten()
}

/// What is wrong with the tiers of models.
fn tiers(config: &Config) -> Option<Violation> {
    let router = &config.router;
    let wrong = |key, message: String| Some(Violation { section: "router", key, message });
    if !(0.0..=1.0).contains(&router.escalate_below) {
        return wrong("escalate_below", format!("is {}; it must be from 0 to 1", router.escalate_below));
    }
    if !router.money_per_hour.is_finite() || router.money_per_hour < 0.0 {
        return wrong("money_per_hour", format!("is {}; it must be 0 or more", router.money_per_hour));
    }
    if router.tiers.is_empty() && config.run.brain == "router" {
        return wrong(
            "tiers",
            "is empty, and run.brain is \"router\"; add a [[router.tiers]] with the url of a server".into(),
        );
    }
    router.tiers.iter().enumerate().find_map(|(index, tier)| {
        let name = match tier.name.as_str() {
            "" => format!("number {}", index + 1),
            name => name.to_string(),
        };
        if router.tiers[..index].iter().any(|other| other.name == tier.name) {
            return wrong("tiers", format!("holds two of the name {:?}; telemetry tells them apart by it", tier.name));
        }
        wrong_in(tier).and_then(|message| wrong("tiers", format!("{name}: {message}")))
    })
}

fn wrong_in(tier: &TierSettings) -> Option<String> {
    let numbers = [
        ("pictures", tier.pictures, 0, 1),
        ("picture_scale", tier.picture_scale, 1, 8),
        ("memories", tier.memories, 0, 64),
        ("context_tokens", tier.context_tokens, 512, 10_000_000),
        ("answer_tokens", tier.answer_tokens, 32, 100_000),
        ("concurrency", tier.concurrency, 1, 1_024),
        ("batch", tier.batch, 0, 64),
    ];
    if let Some((key, value, least, most)) =
        numbers.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value))
    {
        return Some(format!("{key} is {value}; it must be from {least} to {most}"));
    }
    let names = [
        ("backend", &tier.backend, TIER_BACKENDS),
        ("dtype", &tier.dtype, DTYPES),
        ("dialect", &tier.dialect, DIALECTS),
        ("state", &tier.state, STATES),
    ];
    if let Some((key, value, known)) = names.into_iter().find(|(_, value, known)| !known.contains(&value.as_str())) {
        return Some(format!("{key} is {value:?}; it must be one of {}", known.join(", ")));
    }
    if tier.backend == "qwen3-vl" && tier.folder.as_os_str().is_empty() {
        return Some("folder is empty; name the folder that holds the model's files".to_string());
    }
    let prices = [("input_price", tier.input_price), ("output_price", tier.output_price)];
    if let Some((key, value)) = prices.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0) {
        return Some(format!("{key} is {value}; it must be 0 or more"));
    }
    if tier.name.is_empty() || tier.name == "planner" {
        return Some("name must be there, and not \"planner\", which is what always answers".to_string());
    }
    if !tier.url.is_empty() && !["http://", "https://"].iter().any(|scheme| tier.url.starts_with(scheme)) {
        return Some(format!(
            "url is {:?}; it must begin with http:// or https://, or be empty to look on this machine",
            tier.url
        ));
    }
    if tier.answer_tokens * 2 > tier.context_tokens {
        return Some(
            "answer_tokens must be at most half of context_tokens, which hold the question as well".to_string(),
        );
    }
    None
}

/// Values that are each in range, but not together.
fn relation(config: &Config) -> Option<Violation> {
    let supervision = &config.supervision;
    let url = &config.emulator.url;
    let wrong = |section, key, message: &str| Some(Violation { section, key, message: message.to_string() });
    if supervision.kill_ms <= supervision.suspect_ms {
        return wrong("supervision", "kill_ms", "must be larger than supervision.suspect_ms");
    }
    if supervision.suspect_ms < 2 * supervision.ping_ms {
        return wrong("supervision", "suspect_ms", "must be at least twice supervision.ping_ms");
    }
    if supervision.backoff_max_ms < supervision.backoff_ms {
        return wrong("supervision", "backoff_max_ms", "must not be smaller than supervision.backoff_ms");
    }
    let is_window = config.emulator.backend.starts_with("mgba-");
    if config.run.instances > 1 && (is_window || !url.is_empty()) {
        return wrong(
            "run",
            "instances",
            "must be 1 with a live window or a bridge that runs already, which is one game; several are played with \
             --emulator libretro",
        );
    }
    let Recall { embedder, embeddings_url, embeddings_model, .. } = &config.recall;
    if embedder == "qwen3-vl" && !config.router.tiers.iter().any(|tier| tier.backend == "qwen3-vl") {
        return wrong("recall", "embedder", "is \"qwen3-vl\"; add a [[router.tiers]] with that backend and its folder");
    }
    if embedder == "qwen3-vl" && !cfg!(feature = "local-vlm") {
        return wrong("recall", "embedder", "is \"qwen3-vl\"; build the program with --features local-vlm");
    }
    if !embeddings_url.is_empty() && !["http://", "https://"].iter().any(|scheme| embeddings_url.starts_with(scheme)) {
        return wrong("recall", "embeddings_url", "must begin with http:// or https://");
    }
    if !embeddings_url.is_empty() && embeddings_model.is_empty() {
        return wrong("recall", "embeddings_model", "must name the model that the server is asked for");
    }
    if !url.is_empty() && !url.starts_with("ws://") {
        return wrong(
            "emulator",
            "url",
            "must begin with ws://, as ws://127.0.0.1:PORT/?token=TOKEN, or --emulator name one of auto, libretro, mgba-lua, mgba-http",
        );
    }
    if !url.is_empty() && !config.emulator.rom.as_os_str().is_empty() {
        return wrong("emulator", "url", "and emulator.rom exclude each other; the bridge at that address has its ROM");
    }
    None
}
