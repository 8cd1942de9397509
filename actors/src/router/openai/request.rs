//! What is sent to `/v1/chat/completions`: the words that stay the same first, the picture last.

use super::dialect::Dialect;
use crate::router::model::Prompt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

/// The name of the schema, where it must have one.
const SCHEMA_NAME: &str = "decision";

/// Something in a request that a server may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A picture.
    Picture,
    /// The schema, in the server's dialect.
    Schema,
    /// Asking for token probabilities.
    Logprobs,
    /// Asking for the tokens used.
    Usage,
    /// A temperature.
    Temperature,
    /// The longest answer as `max_tokens`; it is `max_completion_tokens` otherwise.
    MaxTokens,
}

impl Feature {
    /// Every one, the likeliest to be refused first.
    pub const ALL: [Feature; 6] = [
        Feature::Picture,
        Feature::Logprobs,
        Feature::Schema,
        Feature::Usage,
        Feature::Temperature,
        Feature::MaxTokens,
    ];
}

/// The features that a server takes. What it refuses is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes(u8);

impl Takes {
    /// What a server of this dialect is asked first.
    pub fn everything(dialect: Dialect) -> Takes {
        let takes = Takes(u8::MAX);
        match dialect {
            // Neither gives probabilities that mean anything.
            Dialect::Ollama | Dialect::LmStudio => takes.without(Feature::Logprobs),
            Dialect::None => takes.without(Feature::Schema),
            Dialect::Vllm | Dialect::LlamaServer | Dialect::OpenAi => takes,
        }
    }

    /// Whether this is sent.
    pub fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// Sends it no longer.
    pub fn without(self, feature: Feature) -> Takes {
        Takes(self.0 & !(1 << feature as u8))
    }

    /// The feature that a refusal is about, where its words say so. `has_picture`: whether one was sent.
    pub fn refused(self, words: &str, has_picture: bool) -> Option<Feature> {
        let words = words.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        let features = [
            (Feature::MaxTokens, says(&["max_completion_tokens"])),
            (Feature::Logprobs, says(&["logprob"])),
            (Feature::Usage, says(&["stream_options", "include_usage"])),
            (Feature::Temperature, says(&["temperature"])),
            (Feature::Picture, has_picture && says(&["image", "vision", "multimodal", "multi-modal", "mmproj"])),
            (
                Feature::Schema,
                says(&[
                    "schema",
                    "structured",
                    "response_format",
                    "grammar",
                    "id_slot",
                    "cache_prompt",
                    "extra_forbidden",
                ]),
            ),
        ];
        features.into_iter().find(|(feature, is_named)| *is_named && self.has(*feature)).map(|(feature, _)| feature)
    }
}

/// What a request is made of, apart from the prompt.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// The model.
    pub model: &'a str,
    /// The dialect.
    pub dialect: Dialect,
    /// What may be sent.
    pub takes: Takes,
    /// The llama-server slot that keeps this game's prompt.
    pub slot: Option<u32>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<u32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    /// Without it llama-server sends twenty others with each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_outputs: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_prompt: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_slot: Option<u32>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

/// The request's body.
///
/// # Errors
/// What cannot be written as JSON; nothing that a prompt can hold.
pub fn body(prompt: &Prompt, manner: &Manner) -> Result<Vec<u8>, serde_json::Error> {
    let Manner { model, dialect, takes, slot } = *manner;
    let schema = Some(&prompt.schema).filter(|schema| takes.has(Feature::Schema) && !schema.is_null());
    let is_llama = dialect == Dialect::LlamaServer;
    let named = |schema: &Value| json!({"type": "json_schema", "json_schema": {"name": SCHEMA_NAME, "strict": true, "schema": schema}});
    let has_format = matches!(dialect, Dialect::Ollama | Dialect::LmStudio | Dialect::OpenAi);
    let request = Request {
        model,
        messages: messages(prompt, takes.has(Feature::Picture)),
        max_tokens: takes.has(Feature::MaxTokens).then_some(prompt.answer_tokens),
        max_completion_tokens: (!takes.has(Feature::MaxTokens)).then_some(prompt.answer_tokens),
        temperature: takes.has(Feature::Temperature).then_some(0),
        stream: true,
        stream_options: takes.has(Feature::Usage).then(|| usage(dialect)),
        logprobs: takes.has(Feature::Logprobs).then_some(true),
        top_logprobs: takes.has(Feature::Logprobs).then_some(1),
        structured_outputs: schema.filter(|_| dialect == Dialect::Vllm).map(|schema| json!({ "json": schema })),
        json_schema: schema.filter(|_| is_llama),
        response_format: schema.filter(|_| has_format).map(named),
        cache_prompt: is_llama.then_some(true),
        id_slot: slot.filter(|_| is_llama),
    };
    serde_json::to_vec(&request)
}

/// vLLM says with every piece how many tokens there were, so that they are known also where the rest is not read.
fn usage(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Vllm => json!({"include_usage": true, "continuous_usage_stats": true}),
        _ => json!({"include_usage": true}),
    }
}

fn messages(prompt: &Prompt, with_picture: bool) -> Vec<Message<'_>> {
    let text = |role, text| Message { role, content: Content::Text(text) };
    let mut messages = Vec::with_capacity(4);
    if !prompt.system.is_empty() {
        messages.push(text("system", &prompt.system));
    }
    match prompt.picture.as_ref().filter(|_| with_picture) {
        Some(picture) => {
            let url = format!("data:image/png;base64,{}", STANDARD.encode(picture));
            let parts = vec![Part::Text { text: &prompt.user }, Part::ImageUrl { image_url: ImageUrl { url } }];
            messages.push(Message { role: "user", content: Content::Parts(parts) });
        }
        None => messages.push(text("user", &prompt.user)),
    }
    if let Some(repair) = &prompt.repair {
        messages.push(text("assistant", &repair.answer));
        messages.push(text("user", &repair.complaint));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::model::Repair;
    use std::sync::Arc;

    fn prompt() -> Prompt {
        Prompt {
            system: Arc::from("rules"),
            user: "now".to_string(),
            picture: Some(Arc::from(&b"png"[..])),
            schema: json!({"type": "object"}),
            answer_tokens: 64,
            ..Prompt::default()
        }
    }

    fn sent(prompt: &Prompt, dialect: Dialect, takes: Takes, slot: Option<u32>) -> Value {
        let manner = Manner { model: "m", dialect, takes, slot };
        serde_json::from_slice(&body(prompt, &manner).expect("it is JSON")).expect("it is JSON")
    }

    #[test]
    fn the_picture_comes_last_and_a_repair_after_it() {
        let repair = Some(Repair { answer: "{".to_string(), complaint: "it has no end".to_string() });
        let takes = Takes::everything(Dialect::OpenAi);
        let sent = sent(&Prompt { repair, ..prompt() }, Dialect::OpenAi, takes, None);
        let messages = json!([
            {"role": "system", "content": "rules"},
            {"role": "user", "content": [
                {"type": "text", "text": "now"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ]},
            {"role": "assistant", "content": "{"},
            {"role": "user", "content": "it has no end"},
        ]);
        assert_eq!(sent["messages"], messages);
        assert_eq!((&sent["max_tokens"], &sent["temperature"], &sent["stream"]), (&json!(64), &json!(0), &json!(true)));
        assert_eq!((&sent["logprobs"], &sent["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
    }

    #[test]
    fn each_dialect_tells_the_schema_in_its_own_field() {
        let schema = json!({"type": "object"});
        let format = json!({"type": "json_schema",
            "json_schema": {"name": SCHEMA_NAME, "strict": true, "schema": {"type": "object"}}});
        for (dialect, field, value) in [
            (Dialect::Vllm, "structured_outputs", json!({ "json": schema })),
            (Dialect::LlamaServer, "json_schema", schema.clone()),
            (Dialect::Ollama, "response_format", format.clone()),
            (Dialect::LmStudio, "response_format", format.clone()),
            (Dialect::OpenAi, "response_format", format.clone()),
            (Dialect::None, "none", Value::Null),
        ] {
            let sent = sent(&prompt(), dialect, Takes::everything(dialect), Some(3));
            for name in ["structured_outputs", "json_schema", "response_format"] {
                assert_eq!(sent.get(name), Some(&value).filter(|_| name == field), "{dialect:?} {name}");
            }
            let is_llama = dialect == Dialect::LlamaServer;
            assert_eq!(sent.get("id_slot"), Some(&json!(3)).filter(|_| is_llama), "{dialect:?}");
            assert_eq!(sent.get("cache_prompt"), Some(&json!(true)).filter(|_| is_llama), "{dialect:?}");
        }
    }

    #[test]
    fn what_a_server_refuses_is_left_out() {
        let all = Takes::everything(Dialect::Vllm);
        let mut takes = all;
        for (words, feature) in [
            ("`logprobs` is not supported", Feature::Logprobs),
            ("image input is not supported - hint: provide the mmproj", Feature::Picture),
            ("Unsupported parameter: use 'max_completion_tokens' instead of 'max_tokens'", Feature::MaxTokens),
            ("temperature does not support 0", Feature::Temperature),
            ("unknown field stream_options", Feature::Usage),
            ("invalid json schema", Feature::Schema),
        ] {
            assert_eq!(takes.refused(words, true), Some(feature), "{words}");
            takes = takes.without(feature);
            assert_eq!(takes.refused(words, true), None, "{words}");
        }
        let sent = sent(&prompt(), Dialect::Vllm, takes, None);
        let names: std::collections::BTreeSet<&str> =
            sent.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, ["max_completion_tokens", "messages", "model", "stream"].into());
        assert_eq!(sent["messages"][1]["content"], "now");
        assert_eq!(all.refused("no such image", false), None, "none was sent");
    }

    #[test]
    fn the_same_prompt_is_the_same_bytes_up_to_what_is_new() {
        let manner = Manner { model: "m", dialect: Dialect::Vllm, takes: Takes::everything(Dialect::Vllm), slot: None };
        let body = |user: &str| body(&Prompt { user: user.to_string(), ..prompt() }, &manner).expect("it is JSON");
        let (one, two) = (body("step 1"), body("step 2"));
        let same = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
        let told = String::from_utf8_lossy(&one[..same]).to_string();
        assert!(told.starts_with(r#"{"model":"m","messages":[{"role":"system","content":"rules"}"#), "{told}");
        assert!(told.ends_with("step "), "{told}");
    }
}
