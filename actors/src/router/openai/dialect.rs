//! The ways in which servers are told to hold an answer to a schema, and how a server is recognised.

use serde::Deserialize;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `structured_outputs`.
    Vllm,
    /// `json_schema` at the top, a slot for each game.
    LlamaServer,
    /// `response_format`.
    Ollama,
    /// `response_format`.
    LmStudio,
    /// `response_format`; any other server is taken for one.
    OpenAi,
    /// Nothing is sent: the prompt's words have to do.
    None,
}

impl Dialect {
    const ALL: [Dialect; 6] =
        [Dialect::Vllm, Dialect::LlamaServer, Dialect::Ollama, Dialect::LmStudio, Dialect::OpenAi, Dialect::None];

    /// The name in the configuration and in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Vllm => "vllm",
            Dialect::LlamaServer => "llama-server",
            Dialect::Ollama => "ollama",
            Dialect::LmStudio => "lm-studio",
            Dialect::OpenAi => "openai",
            Dialect::None => "none",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// Recognised by who is said to own the server's models, or by what the server calls itself.
    pub fn recognised(owner: &str, server: &str) -> Option<Dialect> {
        match owner {
            "vllm" => return Some(Dialect::Vllm),
            "llamacpp" => return Some(Dialect::LlamaServer),
            "library" | "ollama" => return Some(Dialect::Ollama),
            "organization_owner" | "lmstudio" | "lm-studio" => return Some(Dialect::LmStudio),
            "openai" | "system" => return Some(Dialect::OpenAi),
            _ => {}
        }
        server.to_lowercase().contains("llama.cpp").then_some(Dialect::LlamaServer)
    }
}

/// What `/v1/models` lists.
#[derive(Debug, Deserialize)]
pub struct Models {
    /// The models.
    #[serde(default)]
    pub data: Vec<Listed>,
}

/// A model in that list.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// Its name.
    pub id: String,
    /// Whose it is said to be.
    #[serde(default)]
    pub owned_by: Option<String>,
}

impl Models {
    /// The model to ask where none is named: of several the first that seems to see, else the first that is no model for
    /// vectors.
    pub fn choice(&self) -> Option<&str> {
        let names = || self.data.iter().map(|listed| listed.id.as_str());
        let sees = |name: &&str| ["vl", "vision", "llava"].iter().any(|word| name.to_lowercase().contains(word));
        let speaks = |name: &&str| !name.to_lowercase().contains("embed");
        names().filter(speaks).find(sees).or_else(|| names().find(speaks)).or_else(|| names().next())
    }

    /// Who is said to own this model, or the first.
    pub fn owner(&self, model: &str) -> &str {
        let listed = self.data.iter().find(|listed| listed.id == model).or(self.data.first());
        listed.and_then(|listed| listed.owned_by.as_deref()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_a_name_of_its_own() {
        assert!(Dialect::ALL.into_iter().all(|dialect| Dialect::named(dialect.name()) == Some(dialect)));
        assert_eq!(Dialect::named("auto"), None);
    }

    #[test]
    fn servers_are_recognised_by_what_they_say_of_themselves() {
        for (owner, server, dialect) in [
            ("vllm", "uvicorn", Some(Dialect::Vllm)),
            ("llamacpp", "", Some(Dialect::LlamaServer)),
            ("me", "llama.cpp", Some(Dialect::LlamaServer)),
            ("library", "", Some(Dialect::Ollama)),
            ("organization_owner", "", Some(Dialect::LmStudio)),
            ("somebody", "nginx", None),
        ] {
            assert_eq!(Dialect::recognised(owner, server), dialect, "{owner} {server}");
        }
    }

    #[test]
    fn of_several_models_one_that_sees_is_chosen() {
        let models = |names: &[&str]| Models {
            data: names.iter().map(|id| Listed { id: (*id).to_string(), owned_by: None }).collect(),
        };
        assert_eq!(models(&["nomic-embed-text", "llama3", "qwen3-VL:2b"]).choice(), Some("qwen3-VL:2b"));
        assert_eq!(models(&["nomic-embed-text", "llama3"]).choice(), Some("llama3"));
        assert_eq!(models(&[]).choice(), None);
    }
}
