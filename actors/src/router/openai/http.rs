//! Requests over HTTP/1.1, on connections that are kept, and what may go wrong with them.

use super::answer::{Answer, Piece, message};
use super::events::Events;
use super::request::{Manner, body};
use crate::http::{self, root_cause};
use crate::router::model::{ModelError, Prompt};
use crate::router::remote::Failure;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER, SERVER};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest way to a server.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that nobody uses is kept for so long.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// The longest body that is read as one.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How much of a refusal is told.
const MESSAGE_LETTERS_MAX: usize = 160;
/// When the answer is whole, the end of the stream is waited for so long: then the server has said what was used, and the
/// connection can be used again.
const END_MAX: Duration = Duration::from_millis(25);
/// A key shorter than this is no secret, and may be a part of ordinary words.
const SECRET_LETTERS: usize = 8;

/// A server's key.
pub struct Key {
    secret: Option<String>,
    variable: String,
}

impl Key {
    /// The key that this environment variable holds.
    pub fn new(secret: Option<String>, variable: &str) -> Result<Key, ModelError> {
        let secret = secret.map(|key| key.trim().to_string()).filter(|key| !key.is_empty());
        if let Some(key) = &secret {
            http::bearer(key, variable).map_err(ModelError::Unreachable)?;
        }
        Ok(Key { secret, variable: variable.to_string() })
    }

    /// What to do when the server wants another.
    fn remedy(&self) -> String {
        match (&self.secret, self.variable.as_str()) {
            (Some(_), variable) => format!("the key in {variable} is not accepted"),
            (None, "") => "name the environment variable with its key as key_variable".to_string(),
            (None, variable) => format!("put its key into the environment variable {variable}"),
        }
    }

    fn hide(&self, text: String) -> String {
        match self.secret.as_ref().filter(|key| key.len() >= SECRET_LETTERS) {
            Some(key) if text.contains(key) => text.replace(key, "…"),
            _ => text,
        }
    }
}

/// A way to a server.
pub struct Server {
    client: reqwest::Client,
    key: Key,
    /// Its base address; `None`: to be found.
    pub base: Option<String>,
}

/// What was heard of an answer.
pub struct Heard {
    /// The answer.
    pub answer: Answer,
    /// How long its first byte took.
    pub first_byte: Duration,
}

impl Server {
    /// A way to the server at this address, or to one on this machine.
    pub fn new(url: &str, key: Key, connections: u32) -> Result<Server, ModelError> {
        let base = if url.is_empty() { None } else { Some(base(url)?) };
        let client = http::client(key.secret.as_deref(), &key.variable).map_err(ModelError::Unreachable)?;
        let mut builder = client
            .connect_timeout(CONNECT_MAX)
            .pool_max_idle_per_host(connections.max(1) as usize)
            .pool_idle_timeout(IDLE_MAX);
        if base.as_deref().is_none_or(is_on_this_machine) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| ModelError::Unreachable(root_cause(&error)))?;
        Ok(Server { client, key, base })
    }

    /// Asks for a chat's next message.
    pub async fn converse(&self, base: &str, prompt: &Prompt, manner: &Manner<'_>) -> Result<Heard, Failure> {
        let body = body(prompt, manner).map_err(|error| final_failure(ModelError::Unusable(error.to_string())))?;
        let sent = Instant::now();
        let request = self.client.post(format!("{base}/v1/chat/completions"));
        let request = request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "text/event-stream");
        let response = self.post(request.body(body)).await?;
        let response = self.accepted(response).await?;
        listen(response, sent).await
    }

    /// Sends it. A kept connection may have been closed by the server, which is seen only when it is used: some llama-servers
    /// close it after each stream. Then it is sent once more, on another one.
    async fn post(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let again = request.try_clone();
        let error = match request.send().await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        match again.filter(|_| !error.is_connect() && !error.is_timeout()) {
            Some(again) => again.send().await.map_err(|error| broken(&error)),
            None => Err(broken(&error)),
        }
    }

    /// A small JSON document, and what the server calls itself.
    pub async fn document(&self, base: &str, path: &str, body: Option<&Value>) -> Result<(Value, String), Failure> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut request = self.client.request(method, format!("{base}{path}"));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = self.post(request).await?;
        let response = self.accepted(response).await?;
        let server = header(&response, SERVER).to_string();
        let bytes = read(response).await?;
        match serde_json::from_slice(&bytes) {
            Ok(document) => Ok((document, server)),
            Err(_) => Err(final_failure(ModelError::Unusable(format!("{path} is no JSON")))),
        }
    }

    /// The response, where the server did not refuse.
    async fn accepted(&self, response: Response) -> Result<Response, Failure> {
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        let text = read(response).await.unwrap_or_default();
        let words = match serde_json::from_slice::<Value>(&text) {
            Ok(document) => message(document.get("error").unwrap_or(&document)),
            Err(_) => String::from_utf8_lossy(&text).to_string(),
        };
        // Hidden before it is shortened: half a key is no longer found.
        let words = self.hide(words);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut message: String = words.chars().take(MESSAGE_LETTERS_MAX).collect();
        if matches!(status, 401 | 403) {
            message = format!("{message}; {}", self.key.remedy());
        }
        let is_retryable = is_retryable(status);
        Err(Failure { error: ModelError::Refused { status, message }, is_retryable, retry_after })
    }

    /// The text without the key.
    pub fn hide(&self, text: String) -> String {
        self.key.hide(text)
    }

    /// The error without the key.
    pub fn hide_in(&self, error: ModelError) -> ModelError {
        match error {
            ModelError::Open(why) => ModelError::Open(self.hide(why)),
            ModelError::Unreachable(why) => ModelError::Unreachable(self.hide(why)),
            ModelError::Refused { status, message } => ModelError::Refused { status, message: self.hide(message) },
            ModelError::Unusable(why) => ModelError::Unusable(self.hide(why)),
            ModelError::Busy | ModelError::Late => error,
        }
    }
}

/// A failure that trying again does not help.
pub fn final_failure(error: ModelError) -> Failure {
    Failure { error, is_retryable: false, retry_after: None }
}

/// Hears an answer out, until it is whole.
async fn listen(mut response: Response, sent: Instant) -> Result<Heard, Failure> {
    let kind = header(&response, CONTENT_TYPE).to_lowercase();
    if kind.contains("html") {
        return Err(final_failure(ModelError::Unusable(
            "it is a web page; is url that of a model server?".to_string(),
        )));
    }
    let mut answer = Answer::default();
    if kind.contains("json") {
        let bytes = read(response).await?;
        let first_byte = sent.elapsed();
        take(&mut answer, &String::from_utf8_lossy(&bytes))?;
        return Ok(Heard { answer, first_byte });
    }
    let mut events = Events::default();
    let mut first_byte = None;
    let mut is_done = false;
    let mut end = None;
    loop {
        // Once it is whole nothing can go wrong with it any more.
        if end.is_none() && (is_done || answer.is_whole()) {
            end = Some(Instant::now() + END_MAX);
        }
        let chunk = match end {
            None => response.chunk().await.map_err(|error| broken(&error))?,
            Some(end) => timeout_at(end, response.chunk()).await.ok().and_then(Result::ok).flatten(),
        };
        first_byte.get_or_insert_with(|| sent.elapsed());
        let is_over = chunk.is_none();
        let said = match chunk {
            Some(bytes) => events.read(&bytes).map_err(|_| too_long())?,
            None => events.end().into_iter().collect(),
        };
        for said in said {
            match said.trim() {
                "" => {}
                "[DONE]" => is_done = true,
                said if answer.is_whole() => drop(take(&mut answer, said)),
                said => take(&mut answer, said)?,
            }
        }
        if is_over {
            break;
        }
    }
    if !(is_done || answer.is_whole() || answer.is_finished()) {
        let error = ModelError::Unreachable("the answer broke off".to_string());
        return Err(Failure { error, is_retryable: true, retry_after: None });
    }
    Ok(Heard { answer, first_byte: first_byte.unwrap_or_default() })
}

fn take(answer: &mut Answer, said: &str) -> Result<(), Failure> {
    let nonsense = |error: serde_json::Error| final_failure(ModelError::Unusable(format!("it is no answer ({error})")));
    let piece: Piece = serde_json::from_str(said).map_err(nonsense)?;
    answer.take(piece).map_err(|error| {
        let is_retryable = matches!(error, ModelError::Refused { status, .. } if is_retryable(status));
        Failure { error: shortened(error), is_retryable, retry_after: None }
    })
}

fn shortened(error: ModelError) -> ModelError {
    match error {
        ModelError::Refused { status, message } if message.len() > MESSAGE_LETTERS_MAX => {
            ModelError::Refused { status, message: message.chars().take(MESSAGE_LETTERS_MAX).collect() }
        }
        error => error,
    }
}

/// A body, whole.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(&error))? {
        if bytes.len() + piece.len() > BODY_BYTES_MAX {
            return Err(too_long());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn too_long() -> Failure {
    final_failure(ModelError::Unusable("it is too long".to_string()))
}

fn broken(error: &reqwest::Error) -> Failure {
    Failure { error: ModelError::Unreachable(root_cause(error)), is_retryable: true, retry_after: None }
}

/// Whether the same request may be answered later.
fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> &str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// How long the server wants to be left alone: in milliseconds where it says them, else in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number(RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The base address that a person means.
fn base(url: &str) -> Result<String, ModelError> {
    let wrong =
        |why: &str| ModelError::Unreachable(format!("the tier's url {why}; it looks like http://127.0.0.1:8080"));
    let parsed = Url::parse(url).map_err(|_| wrong("is none"))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err(wrong("is none of a web server"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
        return Err(wrong("must not hold a key; name the environment variable that does as key_variable"));
    }
    let base = parsed.as_str().trim_end_matches('/');
    Ok(base.strip_suffix("/v1").unwrap_or(base).to_string())
}

fn is_on_this_machine(base: &str) -> bool {
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_string)).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_url_is_taken_as_it_is_meant() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:8080/v1/", "http://localhost:8080"),
            ("https://example.org/api/v1", "https://example.org/api"),
        ] {
            assert_eq!(base(url), Ok(expected.to_string()));
        }
        for url in ["", "8080", "127.0.0.1:8080", "ftp://a", "http://me:secret@a", "http://a?key=secret"] {
            let error = base(url).expect_err("it is no base address").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(is_on_this_machine("http://localhost:1") && is_on_this_machine("http://[::1]:80"));
        assert!(is_on_this_machine("http://127.9.0.1") && !is_on_this_machine("http://10.0.0.1"));
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_milliseconds() {
        let after = |name: &'static str, value: &'static str| {
            retry_after(&HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(after("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(after("retry-after-ms", "1500"), Some(Duration::from_millis(1_500)));
        for value in ["-1", "NaN", "1e300", "soon", ""] {
            assert_eq!(after("retry-after", value), None, "{value}");
        }
    }

    #[test]
    fn a_key_is_hidden_wherever_it_stands() {
        let key = Key::new(Some(" sk-a-secret\n".to_string()), "KEY").expect("it is one");
        assert_eq!(key.hide("no sk-a-secret, sk-a-secret".to_string()), "no …, …");
        assert!(Key::new(Some("a\nb".to_string()), "KEY").is_err());
        assert_eq!(Key::new(Some("x".to_string()), "KEY").expect("it is one").hide("exit".to_string()), "exit");
    }
}
