//! Calls of models as the semantic conventions name them.

use super::*;
use crate::export::news::samples::call;
use crate::export::spans::Tracer;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// An attribute's value as text.
pub fn told(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn probed(url: &str, dialect: &str) -> Event {
    Event::ModelProbed {
        tier: "local".into(),
        url: url.into(),
        model: "small".into(),
        dialect: dialect.into(),
        pictures: true,
        schema: true,
        logprobs: false,
        problem: None,
        took_ms: 3,
    }
}

#[test]
fn a_call_is_a_client_span_with_the_conventions_names() {
    let spans = Tracer::new("run", false).take(&call(3, "answered"));
    let [span] = &spans[..] else { panic!("{} spans", spans.len()) };
    assert_eq!((span.name.as_str(), span.kind), ("chat small", SpanKind::Client as i32));
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 400_000_000);
    let expected = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "small"),
        ("gen_ai.response.model", "small"),
        ("gen_ai.usage.input_tokens", "900"),
        ("gen_ai.usage.output_tokens", "30"),
        ("pocketpilot.tier", "local"),
        ("pocketpilot.step", "3"),
    ];
    for (key, value) in expected {
        assert_eq!(told(span, key).as_deref(), Some(value), "{key}");
    }
    assert!(told(span, "error.type").is_none() && span.status.is_none());
    assert_eq!(schema_url(), "https://opentelemetry.io/schemas/1.37.0");
}

#[test]
fn a_call_that_failed_names_its_kind_and_the_servers_words_only_where_asked_for() {
    for (tells_content, words) in [(false, ""), (true, "secret words of a server")] {
        let spans = Tracer::new("run", tells_content).take(&call(3, "late"));
        assert_eq!(told(&spans[0], "error.type").as_deref(), Some("late"));
        assert!(told(&spans[0], "gen_ai.usage.input_tokens").is_none());
        let status = spans[0].status.clone().expect("it failed");
        assert_eq!((status.code, status.message.as_str()), (StatusCode::Error as i32, words));
    }
}

#[test]
fn a_server_is_named_by_what_it_was_found_to_be() {
    let server = |url: &str, dialect: &str| {
        let mut servers = Servers::default();
        servers.note(&probed(url, dialect));
        servers.of("local")
    };
    let place = |host: &str, port| Some((host.to_string(), Some(port)));
    let named = |provider: &str, place| Server { provider: provider.to_string(), place };
    assert_eq!(server("http://127.0.0.1:8000", "vllm"), named("vllm", place("127.0.0.1", 8_000)));
    assert_eq!(server("https://api.example.org/v1", "none"), named("openai", place("api.example.org", 443)));
    assert_eq!(server("", "none"), named("pocketpilot", None));
    assert_eq!(Servers::default().of("local"), Server::default());
}

#[test]
fn a_model_in_the_program_is_no_client_of_anybody() {
    let mut tracer = Tracer::new("run", false);
    let event = probed("in this process", "none");
    assert!(tracer.take(&crate::export::news::samples::line(None, None, event)).is_empty());
    let spans = tracer.take(&call(1, "answered"));
    assert_eq!(spans[0].kind, SpanKind::Internal as i32);
    assert_eq!(told(&spans[0], "server.address"), None);
}
