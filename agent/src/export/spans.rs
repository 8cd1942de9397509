//! What a run does as spans: a trace a step. The step itself is its root; within it lie the parts that took time, and the calls of
//! models that were made for it.
//!
//! The log says how long each part took, not when it began: they are laid one after the other from the step's beginning, in their
//! order. What is left of the step is the emulator's own time. Ids follow from run, process, game and step, so that what is said of
//! the same step in different lines belongs together, whichever comes first. Pure: no clock, no queue.

use super::gen_ai::{self, Servers};
use super::news::{News, StepNews, nanoseconds};
use crate::run_log::parts;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use wire::Instance;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The root of each trace.
const ROOT: &str = "step";

/// The ids of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    trace: [u8; 16],
    root: [u8; 8],
}

/// Makes spans of a run's lines.
#[derive(Clone, Debug)]
pub struct Tracer {
    run: String,
    tells_content: bool,
    servers: Servers,
}

impl Ids {
    /// Those of a step.
    pub fn of_step(run: &str, pid: u32, instance: Option<Instance>, step: u64) -> Ids {
        Ids::of(&format!("{run}/{pid}/{}/{step}", instance.unwrap_or(0)))
    }

    fn of(name: &str) -> Ids {
        let trace = xxh3_128(name.as_bytes()).max(1).to_be_bytes();
        Ids { trace, root: span_id(&trace, ROOT, 0) }
    }

    /// A span within the trace; `number` tells those of a name apart.
    pub fn child(&self, name: &str, number: u64, start: u64, end: u64, attributes: Vec<KeyValue>) -> Span {
        Span {
            trace_id: self.trace.to_vec(),
            span_id: span_id(&self.trace, name, number).to_vec(),
            parent_span_id: self.root.to_vec(),
            name: name.to_string(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            ..Span::default()
        }
    }

    fn root(&self, start: u64, end: u64, attributes: Vec<KeyValue>) -> Span {
        let span_id = self.root.to_vec();
        Span { span_id, parent_span_id: Vec::new(), ..self.child(ROOT, 0, start, end, attributes) }
    }
}

impl Tracer {
    /// Makes those of a run of this name. `tells_content` says whether what models say may be told on.
    pub fn new(run: &str, tells_content: bool) -> Tracer {
        Tracer { run: run.to_string(), tells_content, servers: Servers::default() }
    }

    /// The spans that a line makes whole.
    pub fn take(&mut self, news: &News) -> Vec<Span> {
        match news {
            News::Step(_, step) => self.step(step),
            News::Other(line) => {
                self.servers.note(&line.event);
                let ids = match line.step {
                    Some(step) => Ids::of_step(&self.run, line.pid, line.instance, step),
                    None => Ids::of(&format!("{}/{}/line {}", self.run, line.pid, line.seq)),
                };
                let tier = tier_of(line);
                let chat = tier.and_then(|tier| gen_ai::chat(line, &ids, &self.servers.of(tier), self.tells_content));
                chat.into_iter().collect()
            }
            News::Unknown(_) | News::Torn => Vec::new(),
        }
    }

    fn step(&self, step: &StepNews) -> Vec<Span> {
        let ids = Ids::of_step(&self.run, step.pid, step.instance, step.step);
        let end = nanoseconds(&step.ts);
        let start = end.saturating_sub(step.latency.total_us.saturating_mul(1_000));
        let mut spans = vec![ids.root(start, end, self.attributes(step))];
        let mut at = start;
        for (name, took_us) in parts(&step.latency).into_iter().filter(|(_, took_us)| *took_us > 0) {
            let until = at.saturating_add(took_us.saturating_mul(1_000)).min(end.max(at));
            spans.push(ids.child(name, 0, at, until, Vec::new()));
            at = until;
        }
        spans
    }

    fn attributes(&self, step: &StepNews) -> Vec<KeyValue> {
        let StepNews { state, latency, .. } = step;
        let signed = |key, value: i32| attribute(key, Value::IntValue(value.into()));
        let mut attributes = vec![
            text("pocketpilot.brain", &step.brain),
            text("pocketpilot.eyes", &step.eyes),
            text("pocketpilot.skill", &step.skill),
            text("pocketpilot.action", &step.action),
            text("pocketpilot.effect", &step.effect),
            number("pocketpilot.dungeon", state.dungeon.into()),
            number("pocketpilot.floor", state.floor.into()),
            signed("pocketpilot.hp", state.hp),
            signed("pocketpilot.max_hp", state.max_hp),
            number("pocketpilot.turns", state.turns),
            number("pocketpilot.overhead_us", latency.overhead_us),
            number("pocketpilot.script_us", latency.script_us),
        ];
        attributes.extend(of_game(step.instance, Some(step.step)));
        attributes.extend(step.frame.map(|frame| number("pocketpilot.frame", frame)));
        let optional = [
            ("pocketpilot.tier", &step.tier),
            ("pocketpilot.source", &step.source),
            ("pocketpilot.fallback", &step.fallback),
        ];
        attributes.extend(optional.into_iter().filter_map(|(key, value)| Some(text(key, value.as_deref()?))));
        // The reason of a model's decision is the model's own words.
        if self.tells_content || step.tier.is_none() {
            attributes.push(text("pocketpilot.reason", &step.reason));
        }
        attributes
    }
}

/// Which game and step something belongs to.
pub fn of_game(instance: Option<Instance>, step: Option<u64>) -> impl Iterator<Item = KeyValue> {
    let game = instance.map(|instance| number("pocketpilot.game", instance.into()));
    game.into_iter().chain(step.map(|step| number("pocketpilot.step", step)))
}

/// An attribute that is text.
pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_string()))
}

/// One that is a whole number.
pub fn number(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// One that is any number.
pub fn fraction(key: &str, value: f64) -> KeyValue {
    attribute(key, Value::DoubleValue(value))
}

/// One that is so or not.
pub fn flag(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_string(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn tier_of(line: &wire::log::Line) -> Option<&str> {
    match &line.event {
        wire::event::Event::ModelCalled { tier, .. } => Some(tier),
        _ => None,
    }
}

fn span_id(trace: &[u8; 16], name: &str, number: u64) -> [u8; 8] {
    let named = [&trace[..], name.as_bytes(), &number.to_be_bytes()].concat();
    xxh3_64(&named).max(1).to_be_bytes()
}

#[cfg(test)]
mod tests;
