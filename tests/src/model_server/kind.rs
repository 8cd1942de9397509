//! The kinds of servers: what each says of itself, and what it takes.

use super::http::{self, Asked};
use serde_json::{Value, json};
use std::io;
use std::net::TcpStream;

/// A kind of server with its model.
#[derive(Clone, Debug)]
pub struct Kind {
    name: &'static str,
    models: Vec<String>,
    slots: u32,
    sees: bool,
    /// Parts of a request that it refuses, and with which words.
    refuses: Vec<(&'static str, String)>,
    /// Whether it gives token probabilities to who asks for them.
    pub gives_probabilities: bool,
}

impl Kind {
    fn new(name: &'static str, model: &str) -> Kind {
        let models = vec![model.to_string()];
        Kind { name, models, slots: 0, sees: true, refuses: Vec::new(), gives_probabilities: true }
    }

    /// vLLM.
    pub fn vllm() -> Kind {
        Kind::new("vllm", "tiny/vl")
    }

    /// llama-server with so many slots.
    pub fn llama_server(slots: u32) -> Kind {
        Kind { slots, ..Kind::new("llamacpp", "tiny.gguf") }
    }

    /// Ollama.
    pub fn ollama() -> Kind {
        Kind { gives_probabilities: false, ..Kind::new("library", "tiny-vl:latest") }
    }

    /// LM Studio.
    pub fn lm_studio() -> Kind {
        Kind { gives_probabilities: false, ..Kind::new("organization_owner", "tiny-vl") }
    }

    /// A server that nobody knows.
    pub fn unknown() -> Kind {
        Kind::new("somebody", "tiny")
    }

    /// Without eyes.
    pub fn blind(self) -> Kind {
        Kind { sees: false, ..self }
    }

    /// With these models.
    pub fn with_models(self, models: &[&str]) -> Kind {
        Kind { models: models.iter().map(|model| (*model).to_string()).collect(), ..self }
    }

    /// Refuses a request with this field (`image_url`: with a picture), and says so in these words.
    pub fn refusing(mut self, field: &'static str, words: &str) -> Kind {
        self.refuses.push((field, words.to_string()));
        self
    }

    /// The words with which it refuses this.
    pub fn refusal(&self, asked: &Asked) -> Option<&str> {
        let has = |field: &str| asked.body.get(field).is_some() || (field == "image_url" && asked.picture().is_some());
        self.refuses.iter().find(|(field, _)| has(field)).map(|(_, words)| words.as_str())
    }

    /// Answers what is no chat.
    pub fn tell(&self, stream: &mut TcpStream, asked: &Asked) -> io::Result<()> {
        let document = self.document(&asked.path);
        let status = if document.is_some() { 200 } else { 404 };
        let server = if self.name == "llamacpp" { "llama.cpp" } else { "scripted" };
        let headers = [("content-type", "application/json".to_string()), ("server", server.to_string())];
        let missing = json!({"error": {"code": 404, "message": "there is no such page"}});
        http::respond(stream, status, &headers, &document.unwrap_or(missing).to_string())
    }

    fn document(&self, path: &str) -> Option<Value> {
        let listed = |model: &String| json!({"id": model, "object": "model", "created": 0, "owned_by": self.name});
        let models: Vec<Value> = self.models.iter().map(listed).collect();
        let kinds = || self.models.iter().map(|id| json!({"id": id, "type": if self.sees { "vlm" } else { "llm" }}));
        let skills = if self.sees { json!(["completion", "vision"]) } else { json!(["completion"]) };
        match (path, self.name) {
            ("/v1/models", _) => Some(json!({"object": "list", "data": models})),
            ("/props", "llamacpp") => Some(json!({
                "default_generation_settings": {},
                "total_slots": self.slots,
                "modalities": {"vision": self.sees, "audio": false},
            })),
            ("/api/version", "library") => Some(json!({"version": "0.12.0"})),
            ("/api/show", "library") => Some(json!({ "capabilities": skills })),
            ("/api/v0/models", "organization_owner") => Some(json!({"data": kinds().collect::<Vec<_>>()})),
            _ => None,
        }
    }

    /// The model that answers.
    pub fn model(&self) -> &str {
        self.models.first().map_or("", String::as_str)
    }
}
