//! Says in the words of a manifest why the TOML parser refused it.

use crate::names::nearest;
use crate::skill::Mistake;
use crate::source::Source;
use toml::de::{DeTable, DeValue};

/// What the parser found wrong, and where.
pub(super) fn mistake(source: &Source<'_>, error: &toml::de::Error) -> Mistake {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message().trim();
    // What is no TOML at all has no keys to speak of.
    let key = DeTable::parse(source.text).ok().and_then(|table| key_at(table.get_ref(), at));
    source.mistake(at, reworded(message, key.as_deref()))
}

/// The innermost key whose value holds this byte.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let inner = within(value.get_ref(), at);
        // A section's own span may be its heading alone, so its keys are looked through either way.
        inner.or_else(|| value.span().contains(&at).then(|| key.get_ref().to_string()))
    })
}

fn within(value: &DeValue<'_>, at: usize) -> Option<String> {
    match value {
        DeValue::Table(table) => key_at(table, at),
        DeValue::Array(values) => values.iter().find_map(|value| within(value.get_ref(), at)),
        _ => None,
    }
}

fn reworded(message: &str, key: Option<&str>) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (quoted.as_slice(), message.split_once(", expected ")) {
        ([unknown, known @ ..], Some(_)) if message.starts_with("unknown field") => {
            let known = known.iter().copied();
            match nearest(unknown, known.clone()) {
                Some(near) => format!("unknown key {unknown}; did you mean {near}?"),
                None => format!("unknown key {unknown}; known here are {}", known.collect::<Vec<_>>().join(", ")),
            }
        }
        ([unknown, known @ ..], Some(_)) if message.starts_with("unknown variant") => {
            format!("{} is \"{unknown}\"; it must be one of {}", key.unwrap_or("this"), known.join(", "))
        }
        ([missing, ..], _) if message.starts_with("missing field") => format!("the key {missing} is missing"),
        (_, Some((found, expected))) if found.starts_with("invalid ") => {
            let found = found.split_once(": ").map_or(found, |(_, found)| found);
            let (found, expected) = (found_in_words(found), expected_in_words(expected));
            format!("{} is {found}; {expected} was expected", key.unwrap_or("this"))
        }
        _ => message.to_string(),
    }
}

fn found_in_words(found: &str) -> String {
    let value = found.split('`').nth(1);
    match (found, value) {
        (_, Some(value)) => value.to_string(),
        ("sequence", _) => "a list".to_string(),
        ("map", _) => "a section".to_string(),
        _ => found.trim_start_matches("string ").to_string(),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "a string" => "a text in quotes",
        "i64" => "a whole number",
        "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "a section",
        other => other,
    }
}
