//! Asking a model behind a server without the program around it.

use crate::WATCHDOG;
use actors::router::Importance;
use actors::router::model::{Ask, Prompt};
use actors::router::openai::OpenAi;
use actors::router::remote::{Limits, Remote};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::control::TelemetryTarget;
use wire::log::Log;
use wire::router::TierSettings;

/// A key.
pub const KEY: &str = "sk-a-very-secret-key";

/// The tier of a server.
pub fn tier(url: &str) -> TierSettings {
    TierSettings {
        name: "small".to_string(),
        backend: "server".to_string(),
        folder: std::path::PathBuf::new(),
        dtype: "auto".to_string(),
        batch: 0,
        url: url.to_string(),
        model: String::new(),
        dialect: "auto".to_string(),
        key_variable: "POCKETPILOT_MODEL_KEY".to_string(),
        pictures: 1,
        picture_scale: 2,
        state: "text".to_string(),
        map: true,
        memories: 3,
        context_tokens: 4096,
        answer_tokens: 128,
        concurrency: 4,
        input_price: 0.0,
        output_price: 0.0,
    }
}

/// What is asked, in these words.
pub fn prompt(text: &str) -> Prompt {
    Prompt {
        system: Arc::from("You play a game."),
        user: text.to_string(),
        picture: Some(Arc::from(&b"\x89PNG not looked into"[..])),
        schema: json!({
            "type": "object",
            "properties": {
                "skill": {"enum": ["fight", "explore"]},
                "confidence": {"type": "number"},
                "reason": {"type": "string", "maxLength": 40},
            },
            "required": ["skill", "confidence", "reason"],
            "additionalProperties": false,
        }),
        tokens: 900,
        answer_tokens: 128,
        ..Prompt::default()
    }
}

/// A question of game 1 at step 7.
pub fn ask(prompt: Prompt, within: Duration) -> Ask {
    let deadline = Instant::now() + within;
    Ask { instance: 1, step: 7, importance: Importance::Ordinary, deadline, prompt: Arc::new(prompt) }
}

/// A model behind this server, with a key.
pub fn remote(tier: &TierSettings, limits: Limits) -> Remote {
    let log = Arc::new(Log::open(&TelemetryTarget::Null, "test").expect("a log"));
    let way = OpenAi::new(tier, Some(KEY.to_string())).expect("the tier is well described");
    Remote::start(Arc::new(way), tier, limits, log)
}

/// Limits under which so often a server that is left alone is looked for.
pub fn limits(probe: Duration) -> Limits {
    Limits { waiting_max: 32, concurrency_max: 4, hedge: false, probe, seed: 3 }
}

/// Runs it on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(async { tokio::time::timeout(WATCHDOG, future).await });
    done.expect("it ends before the watchdog bites")
}

/// Lets the runtime do other things until this is so; panics when the watchdog bites.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < WATCHDOG, "waited {WATCHDOG:?} for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
