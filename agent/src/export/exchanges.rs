//! What models were asked and said, for the spans of their calls: told on only if somebody asked for it, in this file alone.
//!
//! It stands in `exchanges.jsonl` beside the log. A call's span waits for it for a moment, as either file may be written first.

use super::gen_ai::{INPUT_MESSAGES, OUTPUT_MESSAGES};
use super::spans::text;
use crate::run_folder::EXCHANGES;
use crate::run_log::{Follower, RunLog, Start};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};
use wire::Instance;
use wire::event::Event;
use wire::log::Line;

/// How long a span waits for its words.
const PATIENCE: Duration = Duration::from_secs(2);
/// Exchanges that are kept for spans to come, and spans that wait.
const KEPT_MAX: usize = 256;
/// Pictures of a message that are told of, whatever the file says.
const PICTURES_MAX: usize = 16;
/// Of a text more is not told.
const TEXT_BYTES_MAX: usize = 32 << 10;

/// Which call: game, step, tier, outcome.
type Key = (Option<Instance>, Option<u64>, String, String);

/// Brings spans and words together.
#[derive(Debug)]
pub struct Exchanges {
    follower: Follower,
    kept: VecDeque<(Key, Exchange)>,
    waiting: VecDeque<(Key, Span, Instant)>,
}

#[derive(Clone, Debug, Deserialize)]
struct Exchange {
    instance: Option<Instance>,
    step: Option<u64>,
    tier: String,
    outcome: String,
    prompt: Vec<Message>,
    answer: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Message {
    role: String,
    text: String,
    #[serde(default)]
    pictures: usize,
}

impl Exchanges {
    /// Follows what is written from now on in a run's folder.
    pub fn new(folder: &Path) -> Exchanges {
        let follower = Follower::new(RunLog::at(&folder.join(EXCHANGES)), Start::First);
        Exchanges { follower, kept: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// Reads what was written before, and keeps none of it.
    pub fn pass(&mut self) {
        self.advance();
        self.kept.clear();
    }

    /// Keeps a call's span until its words are there.
    pub fn hold(&mut self, line: &Line, span: Span, now: Instant) {
        if let Event::ModelCalled { tier, outcome, .. } = &line.event {
            self.waiting.push_back(((line.instance, line.step, tier.clone(), outcome.clone()), span, now + PATIENCE));
        }
    }

    /// The spans that have waited long enough: those whose words are there, and those that waited in vain.
    pub fn release(&mut self, now: Instant) -> Vec<Span> {
        self.advance();
        let mut released = Vec::new();
        let too_many = self.waiting.len().saturating_sub(KEPT_MAX);
        for (place, (key, mut span, until)) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            if let Some(found) = self.kept.iter().position(|(kept, _)| *kept == key) {
                if let Some((_, exchange)) = self.kept.remove(found) {
                    exchange.tell(&mut span);
                }
                released.push(span);
            } else if now >= until || place < too_many {
                released.push(span);
            } else {
                self.waiting.push_back((key, span, until));
            }
        }
        released
    }

    /// All spans, with their words as far as they are there.
    pub fn release_all(&mut self, now: Instant) -> Vec<Span> {
        self.release(now + PATIENCE)
    }

    fn advance(&mut self) {
        let Exchanges { follower, kept, .. } = self;
        let read = follower.advance(&mut |line| {
            if let Ok(exchange) = serde_json::from_slice::<Exchange>(line) {
                let Exchange { instance, step, tier, outcome, .. } = exchange.clone();
                kept.push_back(((instance, step, tier, outcome), exchange));
                if kept.len() > KEPT_MAX {
                    kept.pop_front();
                }
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            tracing::warn!("{EXCHANGES}: {error}");
        }
    }
}

impl Exchange {
    fn tell(&self, span: &mut Span) {
        let input: Vec<Value> = self.prompt.iter().map(Message::json).collect();
        span.attributes.push(text(INPUT_MESSAGES, &Value::from(input).to_string()));
        if !self.answer.is_empty() {
            let output = json!([{
                "role": "assistant",
                "parts": [{ "type": "text", "content": cut(&self.answer) }],
                "finish_reason": "stop",
            }]);
            span.attributes.push(text(OUTPUT_MESSAGES, &output.to_string()));
        }
    }
}

impl Message {
    /// As the semantic conventions write a message. Of pictures it is told that they are there.
    fn json(&self) -> Value {
        let mut parts = vec![json!({ "type": "text", "content": cut(&self.text) })];
        parts.extend((0..self.pictures.min(PICTURES_MAX)).map(|_| json!({ "type": "image" })));
        json!({ "role": self.role, "parts": parts })
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
