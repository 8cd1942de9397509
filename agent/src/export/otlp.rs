//! What is sent to an OpenTelemetry collector: OTLP's protobuf messages over plain HTTP/1.1.
//!
//! Plain, because the parent of a run has no C code in it, which TLS would need: a collector beside the run goes on with TLS. An
//! address may hold a user's name and password, and the environment headers: both are sent and told to nobody.

use super::gen_ai::schema_url;
use super::instruments::{Definition, Instruments, Kind};
use super::spans::text;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use base64::Engine as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use std::time::Duration;

mod points;

/// Headers for the collector, as OpenTelemetry's specification names the variable: `name=value,name=value`.
pub const HEADERS_VARIABLE: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE: &str = "pocketpilot";
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
/// How long a collector may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Of an answer more is not read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For a person.
    pub reason: String,
    /// Whether it may be taken later, and after how long if that was said.
    pub again: Option<Option<Duration>>,
}

/// Where things are sent.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its address without secrets: scheme, host, port and path.
    pub address: String,
    headers: HeaderMap,
}

/// Sends.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client<HttpConnector, Body>,
    target: Target,
    resource: Resource,
    scope: InstrumentationScope,
}

impl Target {
    /// Reads an address, and headers as the environment has them.
    ///
    /// # Errors
    /// What it must be, without what it is.
    pub fn read(url: &str, headers: &str) -> Result<Target, String> {
        let wrong =
            || "must be http://HOST:PORT, as http://127.0.0.1:4318; a collector there can go on with TLS".to_string();
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let (Some("http"), Some(authority), None) = (uri.scheme_str(), uri.authority(), uri.query()) else {
            return Err(wrong());
        };
        let mut sent = HeaderMap::new();
        let (user, place) =
            authority.as_str().rsplit_once('@').map_or((None, authority.as_str()), |(user, place)| (Some(user), place));
        if uri.host().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        if let Some(user) = user {
            let secret = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user));
            sent.insert(AUTHORIZATION, hidden(&secret).ok_or_else(wrong)?);
        }
        for pair in headers.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let malformed = || format!("goes with {HEADERS_VARIABLE}, which must be name=value,name=value");
            let (name, value) = pair.split_once('=').ok_or_else(malformed)?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| malformed())?;
            sent.insert(name, hidden(value.trim()).ok_or_else(malformed)?);
        }
        Ok(Target { address: format!("http://{place}{}", uri.path().trim_end_matches('/')), headers: sent })
    }
}

impl Sender {
    /// Prepares sending what a run of this name does. Needs a runtime around it.
    pub fn new(target: Target, run: &str) -> Sender {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(ANSWER));
        let attributes = vec![
            text("service.name", SERVICE),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", run),
        ];
        let scope = InstrumentationScope {
            name: SERVICE.to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            ..InstrumentationScope::default()
        };
        Sender {
            client: Client::builder(TokioExecutor::new()).build(connector),
            target,
            resource: Resource { attributes, ..Resource::default() },
            scope,
        }
    }

    /// Where it sends, without secrets.
    pub fn address(&self) -> &str {
        &self.target.address
    }

    /// Sends spans; returns how many of them the collector did not want.
    pub async fn send_spans(&self, spans: Vec<Span>) -> Result<u64, Refusal> {
        let scope_spans = ScopeSpans { scope: Some(self.scope.clone()), spans, schema_url: schema_url() };
        let resource_spans = ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![scope_spans],
            schema_url: schema_url(),
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        let answer = self.send("/v1/traces", request.encode_to_vec()).await?;
        let partial = ExportTraceServiceResponse::decode(&answer[..]).ok().and_then(|answer| answer.partial_success);
        Ok(partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0)))
    }

    /// Sends what the instruments say; both times are in nanoseconds since 1970.
    pub async fn send_metrics(&self, instruments: &Instruments, began: u64, now: u64) -> Result<(), Refusal> {
        let metrics: Vec<Metric> =
            instruments.families().map(|(it, family)| points::metric(it, &family, began, now)).collect();
        let scope_metrics = ScopeMetrics { scope: Some(self.scope.clone()), metrics, schema_url: schema_url() };
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            schema_url: schema_url(),
        };
        let request = ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] };
        self.send("/v1/metrics", request.encode_to_vec()).await.map(drop)
    }

    async fn send(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let mut request = Request::post(format!("{}{path}", self.target.address))
            .body(Body::from(body))
            .map_err(|error| Refusal { reason: error.to_string(), again: None })?;
        let headers = request.headers_mut();
        headers.extend(self.target.headers.clone());
        headers.insert(CONTENT_TYPE, PROTOBUF);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("pocketpilot/", env!("CARGO_PKG_VERSION"))));
        let answering = async {
            let response = self.client.request(request).await.map_err(|error| later(root_cause(&error)))?;
            let (head, body) = response.into_parts();
            let body = to_bytes(Body::new(body), ANSWER_BYTES_MAX).await.map_err(|error| later(root_cause(&error)))?;
            judge(head.status, &head.headers).map(|()| body.to_vec())
        };
        let late = |_| Err(later(format!("no answer within {} s", ANSWER.as_secs())));
        tokio::time::timeout(ANSWER, answering).await.unwrap_or_else(late)
    }
}

/// What an answer's status means, by OTLP's rules.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Refusal> {
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("it answered with status {}", status.as_u16());
    let asked = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let again = matches!(status.as_u16(), 429 | 502 | 503 | 504).then_some(asked);
    Err(Refusal { reason, again })
}

fn later(reason: String) -> Refusal {
    Refusal { reason, again: Some(None) }
}

fn hidden(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What is behind an error: the last cause says it best, and names no address.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
