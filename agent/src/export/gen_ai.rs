//! The names of OpenTelemetry's semantic conventions for generative AI, of one version, and what of a log's lines they name.
//!
//! A newer version renames things; whoever moves to it changes this file, `docs/exports.md`, and nothing else.

use super::news::nanoseconds;
use super::spans::{self, Ids};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use std::collections::BTreeMap;
use wire::event::Event;
use wire::log::Line;

/// The version of the semantic conventions whose names are used.
pub const SEMANTIC_CONVENTIONS: &str = "1.37.0";

/// What is asked of a model.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Whose kind of server answers.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model that is asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Tokens of a prompt.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens of an answer.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Which tokens are counted.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
/// What kind of answer is wanted.
pub const OUTPUT_TYPE: &str = "gen_ai.output.type";
/// What a model was told, as JSON.
pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
/// What it said, as JSON.
pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
/// Why a call failed.
pub const ERROR_TYPE: &str = "error.type";
/// A server's host.
pub const SERVER_ADDRESS: &str = "server.address";
/// A server's port.
pub const SERVER_PORT: &str = "server.port";
/// The operation that all our questions are.
pub const CHAT: &str = "chat";

/// The metric of tokens, and its bounds.
pub const TOKEN_USAGE: (&str, &[f64]) = (
    "gen_ai.client.token.usage",
    &[
        1.0,
        4.0,
        16.0,
        64.0,
        256.0,
        1_024.0,
        4_096.0,
        16_384.0,
        65_536.0,
        262_144.0,
        1_048_576.0,
        4_194_304.0,
        16_777_216.0,
        67_108_864.0,
    ],
);
/// The metric of how long a call takes, and its bounds in seconds.
pub const OPERATION_DURATION: (&str, &[f64]) = (
    "gen_ai.client.operation.duration",
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
);

/// Where the schema of this version is.
pub fn schema_url() -> String {
    format!("https://opentelemetry.io/schemas/{SEMANTIC_CONVENTIONS}")
}

/// What answers for a tier, as far as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// As the semantic conventions name it.
    pub provider: String,
    /// Host and port; none of a model in the program itself.
    pub place: Option<(String, Option<u16>)>,
}

/// The servers of a run, by tier.
#[derive(Clone, Debug, Default)]
pub struct Servers(BTreeMap<String, Server>);

impl Default for Server {
    /// What is spoken to before anything was found out about it: all servers speak OpenAI's protocol.
    fn default() -> Server {
        Server { provider: "openai".to_string(), place: None }
    }
}

impl Servers {
    /// Takes into account what a server was found to be.
    pub fn note(&mut self, event: &Event) {
        let Event::ModelProbed { tier, url, dialect, problem: None, .. } = event else { return };
        let place = place_of(url);
        let provider = match (&place, dialect.as_str()) {
            (None, _) => "pocketpilot",
            (Some(_), "" | "none" | "auto") => "openai",
            (Some(_), dialect) => dialect,
        };
        self.0.insert(tier.clone(), Server { provider: provider.to_string(), place });
    }

    /// What answers for a tier.
    pub fn of(&self, tier: &str) -> Server {
        self.0.get(tier).cloned().unwrap_or_default()
    }
}

/// Whether a call with this outcome ended in an answer.
pub fn is_answer(outcome: &str) -> bool {
    matches!(outcome, "answered" | "repaired")
}

/// The span of a call, within the trace of its step. The words of a failure may be a server's: they are told on only if content is.
pub fn chat(line: &Line, ids: &Ids, server: &Server, tells_content: bool) -> Option<Span> {
    let Event::ModelCalled {
        tier,
        model,
        outcome,
        reason,
        attempts,
        hedged,
        waited_us,
        first_byte_us,
        took_us,
        tokens_in,
        tokens_cached,
        tokens_out,
        cost,
        confidence,
    } = &line.event
    else {
        return None;
    };
    let end = nanoseconds(&line.ts);
    let name = if model.is_empty() { CHAT.to_string() } else { format!("{CHAT} {model}") };
    let number = |key, value: u64| spans::number(key, value);
    let mut attributes = vec![
        spans::text(OPERATION_NAME, CHAT),
        spans::text(PROVIDER_NAME, &server.provider),
        spans::text(OUTPUT_TYPE, "json"),
        spans::text("pocketpilot.tier", tier),
        spans::text("pocketpilot.outcome", outcome),
        spans::flag("pocketpilot.hedged", *hedged),
        number("pocketpilot.attempts", u64::from(*attempts)),
        number("pocketpilot.waited_us", *waited_us),
        number("pocketpilot.first_byte_us", *first_byte_us),
    ];
    attributes.extend(spans::of_game(line.instance, line.step));
    if !model.is_empty() {
        attributes.push(spans::text(REQUEST_MODEL, model));
    }
    if let Some((host, port)) = &server.place {
        attributes.push(spans::text(SERVER_ADDRESS, host));
        attributes.extend(port.map(|port| number(SERVER_PORT, port.into())));
    }
    let mut status = None;
    if is_answer(outcome) {
        attributes.extend(answered(model, [*tokens_in, *tokens_cached, *tokens_out], *cost, *confidence));
    } else {
        attributes.push(spans::text(ERROR_TYPE, outcome));
        let message = if tells_content { reason.clone() } else { String::new() };
        status = Some(Status { message, code: StatusCode::Error.into() });
    }
    let kind = if server.provider == "pocketpilot" { SpanKind::Internal } else { SpanKind::Client };
    let mut span = ids.child(&name, line.seq, end.saturating_sub(took_us * 1_000), end, attributes);
    (span.kind, span.status) = (kind.into(), status);
    Some(span)
}

fn answered(model: &str, tokens: [u64; 3], cost: f64, confidence: Option<f32>) -> Vec<KeyValue> {
    let [tokens_in, tokens_cached, tokens_out] = tokens;
    let mut attributes = vec![
        spans::text(RESPONSE_MODEL, model),
        spans::number(INPUT_TOKENS, tokens_in),
        spans::number(OUTPUT_TOKENS, tokens_out),
        spans::number("pocketpilot.cached_tokens", tokens_cached),
        spans::fraction("pocketpilot.cost", cost),
    ];
    attributes.extend(confidence.map(|confidence| spans::fraction("pocketpilot.confidence", f64::from(confidence))));
    attributes
}

/// Host and port of a server's address.
fn place_of(url: &str) -> Option<(String, Option<u16>)> {
    let usual = if url.starts_with("https://") { 443 } else { 80 };
    let uri = url.parse::<axum::http::Uri>().ok()?;
    uri.scheme().and_then(|_| Some((uri.host()?.to_string(), Some(uri.port_u16().unwrap_or(usual)))))
}

#[cfg(test)]
mod tests;
