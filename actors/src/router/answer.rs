//! An answer: which skill acts, told how, how surely and why; and the JSON Schema that models are held to.
//!
//! Reading is strict about what would be done, and indifferent to what is around it: thoughts, code fences and words are passed
//! over, and the first whole JSON object counts. What cannot be used becomes a complaint that the model can follow.

use super::inquiry::Offer;
use super::model::Reply;
use super::packing::Answer;
use serde_json::{Map, Value, json};
use wire::skill::arguments::complete;
use wire::skill::{Argument, Parameter};

/// Letters that a reason may have.
pub const REASON_LETTERS_MAX: usize = 200;
/// Bytes of a reply that are looked at.
const REPLY_BYTES_MAX: usize = 64 << 10;
/// Places in a reply where an object may begin.
const BEGINNINGS_MAX: usize = 64;
/// How alike a name must be to be taken for a slip of the pen.
const ALIKE: f64 = 0.8;

/// Reads what a model answered to these offers.
///
/// # Errors
/// A complaint for the model: what is wrong, and what would be right.
pub fn read(reply: &Reply, offers: &[Offer]) -> Result<Answer, String> {
    let object = first_object(after_thoughts(&reply.text)?)?;
    let offer = chosen(object.get("skill"), offers)?;
    let arguments = told(object.get("arguments"), offer)?;
    let own = object.get("confidence").and_then(Value::as_f64).filter(|own| (0.0..=1.0).contains(own));
    let confidence = reply.confidence.or(own.map(|own| own as f32));
    let reason = object.get("reason").and_then(Value::as_str).unwrap_or_default();
    Ok(Answer { skill: offer.skill.clone(), arguments, confidence, reason: one_line(reason) })
}

/// The schema of an answer to these offers. It keeps to what servers make grammars of. Fields come in the order in which they
/// should be written: the skill before what it is told.
pub fn schema(offers: &[Offer]) -> Value {
    let skills: Vec<&str> = offers.iter().map(|offer| offer.skill.as_str()).collect();
    let mut told = Map::new();
    for parameter in offers.iter().flat_map(|offer| &offer.parameters) {
        match told.get_mut(&parameter.name) {
            Some(known) => widen(known, value_schema(parameter)),
            None => {
                told.insert(parameter.name.clone(), value_schema(parameter));
            }
        }
    }
    json!({
        "type": "object",
        "properties": {
            "skill": { "type": "string", "enum": skills },
            "arguments": { "type": "object", "properties": told, "additionalProperties": false },
            "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
            "reason": { "type": "string", "maxLength": REASON_LETTERS_MAX },
        },
        "required": ["skill", "arguments", "confidence", "reason"],
        "additionalProperties": false,
    })
}

fn value_schema(parameter: &Parameter) -> Value {
    let Parameter { kind, min, max, one_of, .. } = parameter;
    let mut schema = Map::new();
    let kind = match kind.as_str() {
        "text" => "string",
        kind => kind,
    };
    schema.insert("type".to_string(), json!(kind));
    if !one_of.is_empty() {
        schema.insert("enum".to_string(), json!(one_of));
    }
    for (name, bound) in [("minimum", min), ("maximum", max)] {
        if let Some(bound) = bound {
            schema.insert(name.to_string(), number(*bound));
        }
    }
    Value::Object(schema)
}

/// Two skills have a parameter of the same name: the schema takes what either takes. Which of them is meant is checked when
/// the answer is read.
fn widen(known: &mut Value, other: Value) {
    if *known == other {
        return;
    }
    let bound = |name: &str, wider: fn(f64, f64) -> f64| {
        let (left, right) = (known.get(name).and_then(Value::as_f64), other.get(name).and_then(Value::as_f64));
        left.zip(right).map(|(left, right)| number(wider(left, right)))
    };
    let (minimum, maximum) = (bound("minimum", f64::min), bound("maximum", f64::max));
    let kind = known.get("type").filter(|kind| other.get("type") == Some(*kind)).cloned();
    let mut texts = Vec::new();
    for list in [known.get("enum"), other.get("enum")] {
        match list.and_then(Value::as_array) {
            Some(list) => list.iter().for_each(|text| {
                if !texts.contains(text) {
                    texts.push(text.clone());
                }
            }),
            None => {
                texts.clear();
                break;
            }
        }
    }
    let mut schema = Map::new();
    if let Some(kind) = kind {
        schema.insert("type".to_string(), kind);
        let bounds = [("minimum", minimum), ("maximum", maximum)];
        schema.extend(bounds.into_iter().filter_map(|(name, bound)| Some((name.to_string(), bound?))));
        if !texts.is_empty() {
            schema.insert("enum".to_string(), Value::Array(texts));
        }
    }
    *known = Value::Object(schema);
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

/// What follows the thoughts of a model that writes them into its answer.
fn after_thoughts(text: &str) -> Result<&str, String> {
    const END: &str = "</think>";
    let end = (0..=text.len().min(REPLY_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = &text[..end];
    match text.rfind(END) {
        Some(end) => Ok(&text[end + END.len()..]),
        None if text.trim_start().starts_with("<think>") => {
            Err("there are thoughts and no answer: think less, and answer with one JSON object".to_string())
        }
        None => Ok(text),
    }
}

/// The first whole JSON object that names a skill; the first at all where none does.
fn first_object(text: &str) -> Result<Map<String, Value>, String> {
    let mut first = None;
    let mut broken = None;
    let mut at = 0;
    for _ in 0..BEGINNINGS_MAX {
        let Some(brace) = text[at..].find('{') else { break };
        at += brace;
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) if object.contains_key("skill") => return Ok(object),
            Some(Ok(Value::Object(object))) => {
                first.get_or_insert(object);
                at += values.byte_offset();
            }
            Some(Err(error)) if !error.is_eof() && text[at + 1..].trim_start().starts_with("\"skill\"") => {
                broken.get_or_insert(format!("the answer's object cannot be read: {error}"));
                at += 1;
            }
            _ => at += 1,
        }
    }
    // What is within an answer that cannot be read is no answer.
    if let Some(complaint) = broken {
        return Err(complaint);
    }
    let what = if text.trim().is_empty() { "the answer is empty" } else { "the answer holds no whole JSON object" };
    first.ok_or_else(|| {
        format!("{what}: answer with {{\"skill\": ..., \"arguments\": {{...}}, \"confidence\": ..., \"reason\": ...}}")
    })
}

fn chosen<'a>(skill: Option<&Value>, offers: &'a [Offer]) -> Result<&'a Offer, String> {
    let on_offer = || {
        let names: Vec<&str> = offers.iter().map(|offer| offer.skill.as_str()).collect();
        format!("on offer are: {}", names.join(", "))
    };
    let Some(skill) = skill.and_then(Value::as_str) else {
        return Err(format!("\"skill\" must be the name of a skill; {}", on_offer()));
    };
    if let Some(offer) = offers.iter().find(|offer| offer.skill == skill) {
        return Ok(offer);
    }
    let alike = |offer: &&Offer| strsim::jaro_winkler(&offer.skill, &skill.to_lowercase());
    let nearest = offers.iter().max_by(|left, right| alike(left).total_cmp(&alike(right)));
    let meant = match nearest.filter(|offer| alike(offer) >= ALIKE) {
        Some(offer) => format!("; did you mean \"{}\"?", offer.skill),
        None => ";".to_string(),
    };
    Err(format!("\"{}\" is not on offer{meant} {}", one_line(skill), on_offer()))
}

/// The arguments that were given, checked together with what the skill's trigger tells it.
fn told(given: Option<&Value>, offer: &Offer) -> Result<Map<String, Value>, String> {
    let mut told = match given {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(_) => return Err("\"arguments\" must be a JSON object".to_string()),
    };
    told.retain(|_, value| !value.is_null());
    let mut arguments = offer.arguments.clone();
    for (name, value) in &told {
        let argument = as_argument(name, value).map_err(|wrong| complaint(offer, &wrong))?;
        arguments.retain(|(other, _)| other != name);
        arguments.push((name.clone(), argument));
    }
    complete(&offer.parameters, &arguments).map_err(|wrong| complaint(offer, &wrong))?;
    Ok(told)
}

fn complaint(offer: &Offer, wrong: &str) -> String {
    format!("the arguments of {} cannot be used: {wrong}", offer.skill)
}

fn as_argument(name: &str, value: &Value) -> Result<Argument, String> {
    match value {
        Value::Bool(truth) => Ok(Argument::Truth(*truth)),
        Value::Number(number) => Ok(Argument::Number(number.as_f64().unwrap_or(f64::INFINITY))),
        Value::String(text) => Ok(Argument::Text(text.clone())),
        _ => Err(format!("{name} is neither true or false, nor a number, nor a text")),
    }
}

/// One line of bounded length, whatever the model wrote.
fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(REASON_LETTERS_MAX).collect()
}

#[cfg(test)]
mod tests;
