//! Vectors from a server with `/v1/embeddings`: what is seen is told in words, and the server's model makes a vector of it.
//!
//! Invariants: the key is sent to that server alone and never written anywhere; whatever the server does ends in a value
//! within the deadline; a vector that is used is finite, of unit length, and of as many numbers as the first one was.

use super::{EmbedError, Embedded, Embedder, Embedding, Scene, folder_name, normalise};
use crate::http::{self, root_cause};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use wire::hash::Hash;
use wire::recall::{DIMENSIONS_MAX, Space};

/// The environment variable that holds the server's key.
pub const KEY_VARIABLE: &str = "POCKETPILOT_EMBEDDINGS_KEY";
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How much of a refusal is told.
const REFUSAL_LETTERS_MAX: usize = 160;
/// What the server is asked first, to learn how many numbers its vectors have.
const PROBE: &str = "screen command; floor 1 of 1";

/// Asks a server.
pub struct Served {
    asker: Rc<Asker>,
}

struct Asker {
    client: Result<reqwest::Client, EmbedError>,
    address: String,
    model: String,
    key: Option<String>,
    deadline: Duration,
    /// Learnt from the first answer; 0: not yet.
    dimensions: Cell<usize>,
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    index: usize,
    embedding: Vec<f32>,
}

impl Served {
    /// Asks the server at this base address for vectors of this model. Each request has so much time.
    pub fn new(base: &str, model: &str, key: Option<String>, deadline: Duration) -> Served {
        let base = base.trim_end_matches('/');
        let address = match base.strip_suffix("/v1") {
            Some(base) => format!("{base}/v1/embeddings"),
            None => format!("{base}/v1/embeddings"),
        };
        let key = key.filter(|key| !key.is_empty());
        let client = client(key.as_deref(), deadline);
        let asker = Asker { client, address, model: model.to_string(), key, deadline, dimensions: Cell::new(0) };
        Served { asker: Rc::new(asker) }
    }
}

impl Embedder for Served {
    fn space(&mut self, game: &str) -> Pin<Box<dyn Future<Output = Result<Space, EmbedError>>>> {
        let (asker, game) = (self.asker.clone(), folder_name(game));
        Box::pin(async move {
            asker.dimensions.set(0);
            let vectors = asker.ask(&[PROBE.to_string()]).await?;
            let dimensions = vectors.first().map_or(0, Vec::len);
            asker.dimensions.set(dimensions);
            let model = Hash::of([asker.model.as_bytes()]);
            // The number counts the ways in which a situation was put into words.
            let name = format!("served1-{model}-{dimensions}-{game}");
            Ok(Space { name, dimensions: dimensions as u32 })
        })
    }

    fn sees_frames(&self) -> bool {
        false
    }

    fn embed(&self, scenes: &[Scene]) -> Embedding {
        let asker = self.asker.clone();
        let texts: Vec<String> = scenes.iter().map(Scene::text).collect();
        let answer = async move { Embedded::Ok(asker.ask(&texts).await?.into_iter().map(Some).collect()) };
        Embedding::Later(Box::pin(answer))
    }
}

impl Asker {
    async fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let milliseconds = self.deadline.as_millis() as u64;
        let asked = tokio::time::timeout(self.deadline, self.exchange(texts)).await;
        let bytes = asked.unwrap_or(Err(EmbedError::Late(milliseconds)))?;
        vectors(&bytes, texts.len(), self.dimensions.get())
    }

    async fn exchange(&self, texts: &[String]) -> Result<Vec<u8>, EmbedError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let question = Question { model: &self.model, input: texts, encoding_format: "float" };
        let body = serde_json::to_vec(&question).map_err(|error| EmbedError::Unusable(error.to_string()))?;
        let request = client.post(&self.address).header("content-type", "application/json").body(body);
        let unreachable = |error: reqwest::Error| EmbedError::Unreachable(root_cause(&error));
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(EmbedError::Unusable(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&piece);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        // A server may repeat what it was told.
        let text = self.key.as_ref().map_or(text.to_string(), |key| text.replace(key, "…"));
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = words.chars().take(REFUSAL_LETTERS_MAX).collect();
        Err(EmbedError::Refused { status: status.as_u16(), message })
    }
}

fn client(key: Option<&str>, deadline: Duration) -> Result<reqwest::Client, EmbedError> {
    let unreachable = |cause: String| EmbedError::Unreachable(cause);
    let builder = http::client(key, KEY_VARIABLE).map_err(unreachable)?;
    builder.timeout(deadline).build().map_err(|error| unreachable(root_cause(&error)))
}

/// The vectors in an answer to so many texts; 0 dimensions: any number.
fn vectors(bytes: &[u8], texts: usize, dimensions: usize) -> Result<Vec<Vec<f32>>, EmbedError> {
    let unusable = |why: String| Err(EmbedError::Unusable(why));
    let mut answer: Answer = match serde_json::from_slice(bytes) {
        Ok(answer) => answer,
        Err(error) => return unusable(format!("it is not a list of vectors ({error})")),
    };
    answer.data.sort_by_key(|row| row.index);
    if !answer.data.iter().map(|row| row.index).eq(0..texts) {
        return unusable(format!("it has {} vectors for {texts} texts", answer.data.len()));
    }
    let wanted = if dimensions == 0 { answer.data.first().map_or(0, |row| row.embedding.len()) } else { dimensions };
    if !(1..=DIMENSIONS_MAX as usize).contains(&wanted) {
        return unusable(format!("a vector has {wanted} numbers; 1 to {DIMENSIONS_MAX} are possible"));
    }
    let mut vectors = Vec::with_capacity(texts);
    for Row { embedding: mut vector, .. } in answer.data {
        if vector.len() != wanted {
            return unusable(format!("a vector has {} numbers, not {wanted}", vector.len()));
        }
        if !normalise(&mut vector) {
            return unusable("a vector is zero or not finite".to_string());
        }
        vectors.push(vector);
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests;
