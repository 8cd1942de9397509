//! Speaks to any server with `/v1/chat/completions`: vLLM, llama-server, Ollama, LM Studio, and what is like OpenAI's.
//!
//! Invariants: the key is sent to that server alone, and is in no log and no error; every body is read up to a limit only;
//! an answer is given as soon as its object is whole. What a server refuses (a schema, a picture, probabilities) it is not
//! sent again. Absent: trying again, waiting and limits, which are [`super::remote`]'s; what the answer means.

use super::model::{Ask, ModelError, Prompt, Reply};
use super::remote::{Exchange, Failure, Probed};
use dialect::Dialect;
use http::{Key, Server};
use request::{Manner, Takes};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use wire::router::TierSettings;

mod answer;
mod confidence;
mod dialect;
mod events;
mod http;
mod object;
mod probe;
mod request;

/// Where servers are usually found on this machine: vLLM, llama-server, Ollama, LM Studio.
const USUAL_PORTS: [u16; 4] = [8000, 8080, 11434, 1234];

/// A tier's server.
pub struct OpenAi {
    speaker: Arc<Speaker>,
}

/// What the futures share.
struct Speaker {
    server: Server,
    tier: TierSettings,
    /// The dialect that is asked for; `None`: the one that the server is recognised by.
    dialect: Option<Dialect>,
    found: Mutex<Option<Found>>,
}

/// The server as it was found.
#[derive(Clone, Debug)]
struct Found {
    base: String,
    model: String,
    dialect: Dialect,
    takes: Takes,
    /// llama-server's slots.
    slots: u32,
}

impl OpenAi {
    /// A server as the tier describes it. It is not looked for yet.
    ///
    /// # Errors
    /// What is wrong with the description or the key.
    pub fn new(tier: &TierSettings, key: Option<String>) -> Result<OpenAi, ModelError> {
        let unreachable = |why: String| ModelError::Unreachable(why);
        let dialect = match tier.dialect.as_str() {
            "" | "auto" => None,
            name => match Dialect::named(name) {
                Some(dialect) => Some(dialect),
                None => return Err(unreachable(format!("there is no dialect `{name}`; say auto"))),
            },
        };
        let key = Key::new(key, &tier.key_variable)?;
        let server = Server::new(&tier.url, key, tier.concurrency)?;
        let speaker = Speaker { server, tier: tier.clone(), dialect, found: Mutex::new(None) };
        Ok(OpenAi { speaker: Arc::new(speaker) })
    }
}

impl Exchange for OpenAi {
    fn send(&self, ask: &Ask) -> Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>> {
        let (speaker, ask) = (self.speaker.clone(), ask.clone());
        Box::pin(async move { speaker.send(&ask).await })
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = Result<Probed, ModelError>> + Send>> {
        let speaker = self.speaker.clone();
        Box::pin(async move {
            let probed = probe::run(&speaker).await;
            probed.map_err(|error| speaker.server.hide_in(error))
        })
    }
}

impl Speaker {
    async fn send(&self, ask: &Ask) -> Result<Reply, Failure> {
        let missing = || Failure {
            error: ModelError::Unreachable("it was not found yet".to_string()),
            is_retryable: false,
            retry_after: None,
        };
        loop {
            let found = self.found().ok_or_else(missing)?;
            match self.exchange(&found, &ask.prompt, found.slot(ask)).await {
                Err(failure) if self.goes_without(found.takes, &failure.error, &ask.prompt) => {}
                Err(failure) => {
                    return Err(Failure { error: self.server.hide_in(failure.error), ..failure });
                }
                Ok(reply) => {
                    let (text, reasoning) = (self.server.hide(reply.text), self.server.hide(reply.reasoning));
                    let model = if reply.model.is_empty() { found.model } else { self.server.hide(reply.model) };
                    return Ok(Reply { text, reasoning, model, ..reply });
                }
            }
        }
    }

    /// One request.
    async fn exchange(&self, found: &Found, prompt: &Prompt, slot: Option<u32>) -> Result<Reply, Failure> {
        let heard = self.server.converse(&found.base, prompt, &found.manner(slot)).await?;
        let first_byte_us = heard.first_byte.as_micros() as u64;
        let reply = heard.answer.reply(u64::from(prompt.tokens)).map_err(http::final_failure)?;
        Ok(Reply { first_byte_us, ..reply })
    }

    /// Whether the server refused something that it can be asked without; it is not sent from now on.
    fn goes_without(&self, sent: Takes, error: &ModelError, prompt: &Prompt) -> bool {
        let Some(feature) = probe::refused(sent, error, prompt.picture.is_some()) else { return false };
        tracing::info!("tier {}: the server refuses {feature:?}; it is asked without", self.tier.name);
        if let Some(found) = self.lock().as_mut() {
            found.takes = found.takes.without(feature);
        }
        true
    }

    fn found(&self) -> Option<Found> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.found.lock().expect("nobody panics while holding the lock")
    }
}

impl Found {
    fn manner(&self, slot: Option<u32>) -> Manner<'_> {
        Manner { model: &self.model, dialect: self.dialect, takes: self.takes, slot }
    }

    /// The slot of this game, where there is one for it.
    fn slot(&self, ask: &Ask) -> Option<u32> {
        Some(u32::from(ask.instance)).filter(|instance| *instance < self.slots)
    }
}
