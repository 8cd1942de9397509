//! Finds the server, and learns what it is and what it takes: by what it says of itself, and by one tiny question.

use super::answer::Says;
use super::dialect::{Dialect, Models};
use super::request::{Feature, Manner, Takes};
use super::{Found, Speaker, USUAL_PORTS};
use crate::router::model::{ModelError, Prompt};
use crate::router::remote::{Failure, Probed};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest wait for a document of a server.
const DOCUMENT_MAX: Duration = Duration::from_secs(5);
/// Tokens of the tiny answer.
const ANSWER_TOKENS: u32 = 16;

/// A grey square of 64 × 64 pixels.
const PICTURE: [u8; 98] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x40, 0x00, 0x00, 0x00, 0x40, 0x08, 0x00, 0x00, 0x00, 0x00, 0x8f, 0x02, 0x2e, 0x02, 0x00, 0x00, 0x00, 0x29, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0xed, 0xcc, 0x41, 0x11, 0x00, 0x00, 0x0c, 0x02, 0x20, 0xa3, 0x1b, 0xdd, 0x10, 0xfb,
    0xed, 0x20, 0x00, 0xe9, 0x51, 0x04, 0x02, 0x81, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x81, 0x40, 0x20, 0x10, 0x7c,
    0x0f, 0x06, 0xdf, 0x6d, 0x00, 0x79, 0x70, 0xba, 0x79, 0xfa, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
];

/// What is said at `/props`, `/api/show` and `/api/v0/models` about slots and eyes.
#[derive(Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    total_slots: Option<u32>,
    #[serde(default)]
    modalities: Option<Modalities>,
    #[serde(default)]
    capabilities: Option<Vec<String>>,
    #[serde(default)]
    data: Option<Vec<Kind>>,
}

#[derive(Debug, Deserialize)]
struct Modalities {
    #[serde(default)]
    vision: bool,
}

#[derive(Debug, Deserialize)]
struct Kind {
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Looks for the server and asks it.
pub async fn run(speaker: &Arc<Speaker>) -> Result<Probed, ModelError> {
    let (base, models, server) = find(speaker).await?;
    let named = Some(speaker.tier.model.as_str()).filter(|model| !model.is_empty());
    let Some(model) = named.or(models.choice()).map(str::to_string) else {
        return Err(ModelError::Unreachable(format!(
            "the server at {base} has no model; load one, or name it as model"
        )));
    };
    let dialect = match speaker.dialect.or_else(|| Dialect::recognised(models.owner(&model), &server)) {
        Some(dialect) => dialect,
        None => recognise(speaker, &base).await,
    };
    let details = details(speaker, &base, dialect, &model).await;
    let sees = speaker.tier.pictures > 0 && details.sees(&model);
    let mut takes = Takes::everything(dialect);
    if !sees {
        takes = takes.without(Feature::Picture);
    }
    let slots = details.total_slots.filter(|_| dialect == Dialect::LlamaServer).unwrap_or_default();
    let (mut takes, says) = try_out(speaker, &base, Manner { model: &model, dialect, takes, slot: None }).await?;
    if says.anything && !says.probabilities {
        takes = takes.without(Feature::Logprobs);
    }
    let probed = Probed {
        url: base.clone(),
        model: model.clone(),
        dialect: dialect.name().to_string(),
        takes_pictures: takes.has(Feature::Picture),
        takes_schema: takes.has(Feature::Schema) && (says.an_object || !says.anything),
        tells_probabilities: takes.has(Feature::Logprobs) && says.probabilities,
    };
    *speaker.lock() = Some(Found { base, model, dialect, takes, slots });
    Ok(probed)
}

/// The feature that a refusal is about, where it says so.
pub fn refused(sent: Takes, error: &ModelError, has_picture: bool) -> Option<Feature> {
    match error {
        ModelError::Refused { status: 400 | 415 | 422 | 500 | 501, message } => {
            sent.refused(message, has_picture && sent.has(Feature::Picture))
        }
        _ => None,
    }
}

/// The server's address and its models.
async fn find(speaker: &Speaker) -> Result<(String, Models, String), ModelError> {
    if let Some(base) = &speaker.server.base {
        let listed = models(speaker, base).await;
        return match listed {
            Ok((models, server)) => Ok((base.clone(), models, server)),
            // Some servers only chat.
            Err(ModelError::Refused { status: 404 | 405 | 501, .. }) if !speaker.tier.model.is_empty() => {
                Ok((base.clone(), Models { data: Vec::new() }, String::new()))
            }
            Err(error @ ModelError::Refused { .. }) => Err(error),
            Err(error) => Err(ModelError::Unreachable(format!(
                "no model server at {base} ({}); start one there, or set url of the tier {}",
                cause(&error),
                speaker.tier.name
            ))),
        };
    }
    for port in USUAL_PORTS {
        let base = format!("http://127.0.0.1:{port}");
        if let Ok((models, server)) = models(speaker, &base).await {
            return Ok((base, models, server));
        }
    }
    let ports = USUAL_PORTS.map(|port| port.to_string()).join(", ");
    Err(ModelError::Unreachable(format!(
        "no model server on this machine at the ports {ports}; start vLLM, llama-server, Ollama or LM Studio, \
         or set url of the tier {}",
        speaker.tier.name
    )))
}

async fn models(speaker: &Speaker, base: &str) -> Result<(Models, String), ModelError> {
    let (document, server) = document(speaker, base, "/v1/models", None).await?;
    match serde_json::from_value(document) {
        Ok(models) => Ok((models, server)),
        Err(error) => Err(ModelError::Unusable(format!("/v1/models is no list of models ({error})"))),
    }
}

/// By what only one kind of server has.
async fn recognise(speaker: &Speaker, base: &str) -> Dialect {
    let has = async |path: &str, field: &str| {
        document(speaker, base, path, None).await.is_ok_and(|(document, _)| document.get(field).is_some())
    };
    if has("/props", "default_generation_settings").await {
        return Dialect::LlamaServer;
    }
    if has("/api/version", "version").await {
        return Dialect::Ollama;
    }
    if has("/api/v0/models", "data").await { Dialect::LmStudio } else { Dialect::OpenAi }
}

async fn details(speaker: &Speaker, base: &str, dialect: Dialect, model: &str) -> Details {
    let question = json!({ "model": model });
    let asked = match dialect {
        Dialect::LlamaServer => document(speaker, base, "/props", None).await,
        Dialect::Ollama => document(speaker, base, "/api/show", Some(&question)).await,
        Dialect::LmStudio => document(speaker, base, "/api/v0/models", None).await,
        Dialect::Vllm | Dialect::OpenAi | Dialect::None => return Details::default(),
    };
    asked.ok().and_then(|(document, _)| serde_json::from_value(document).ok()).unwrap_or_default()
}

impl Details {
    /// Whether the model takes pictures; one that does not say may.
    fn sees(&self, model: &str) -> bool {
        let kind = self.data.iter().flatten().find(|kind| kind.id == model);
        self.modalities.as_ref().is_none_or(|modalities| modalities.vision)
            && self.capabilities.as_ref().is_none_or(|capabilities| capabilities.iter().any(|can| can == "vision"))
            && kind.is_none_or(|kind| kind.kind == "vlm")
    }
}

async fn document(
    speaker: &Speaker,
    base: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(Value, String), ModelError> {
    let asked = timeout(DOCUMENT_MAX, speaker.server.document(base, path, body)).await;
    asked.map_err(|_| ModelError::Late)?.map_err(|failure| failure.error)
}

/// Asks something tiny with everything, and leaves out what is refused. What the server refuses without saying why is asked
/// without each feature alone, and at last without all.
async fn try_out(speaker: &Speaker, base: &str, manner: Manner<'_>) -> Result<(Takes, Says), ModelError> {
    let mut takes = manner.takes;
    let failure = loop {
        match ask(speaker, base, Manner { takes, ..manner }).await {
            Ok(says) => return Ok((takes, says)),
            Err(failure) => match refused(takes, &failure.error, true) {
                Some(feature) => takes = takes.without(feature),
                None => break failure,
            },
        }
    };
    if !matches!(failure.error, ModelError::Refused { status: 400 | 415 | 422 | 500 | 501, .. }) {
        return Err(failure.error);
    }
    let features = Feature::ALL.into_iter().filter(|feature| takes.has(*feature));
    let each = features.clone().map(|feature| takes.without(feature));
    let none = features.fold(takes, Takes::without);
    for takes in each.chain([none]) {
        if let Ok(says) = ask(speaker, base, Manner { takes, ..manner }).await {
            return Ok((takes, says));
        }
    }
    Err(failure.error)
}

async fn ask(speaker: &Speaker, base: &str, manner: Manner<'_>) -> Result<Says, Failure> {
    let prompt = Prompt {
        user: "Say hello.".to_string(),
        picture: Some(Arc::from(&PICTURE[..])),
        schema: json!({
            "type": "object",
            "properties": {"ok": {"enum": ["yes", "no"]}},
            "required": ["ok"],
            "additionalProperties": false,
        }),
        answer_tokens: ANSWER_TOKENS,
        ..Prompt::default()
    };
    Ok(speaker.server.converse(base, &prompt, &manner).await?.answer.says())
}

/// The cause without the words that go before it.
fn cause(error: &ModelError) -> String {
    match error {
        ModelError::Unreachable(cause) | ModelError::Unusable(cause) | ModelError::Open(cause) => cause.clone(),
        error => error.to_string(),
    }
}
