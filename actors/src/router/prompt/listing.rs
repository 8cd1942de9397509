//! The parts of a prompt that are lists: skills on offer, outcomes, memories, guidance.

use super::situation::line;
use crate::router::{Offer, Outcome};
use std::fmt::Write as _;
use wire::skill::{Argument, Parameter};

/// Outcomes that are told, the newest.
const OUTCOMES_MAX: usize = 8;
/// Letters of a description, whole and in short.
const DESCRIPTION_LETTERS_MAX: [usize; 2] = [1024, 160];
/// Letters of other texts.
const TEXT_LETTERS_MAX: usize = 300;

/// The skills on offer, in their order; in short without what parameters mean and why they are on offer.
pub(super) fn skills(offers: &[Offer], in_short: bool) -> String {
    let mut text = String::with_capacity(256 * offers.len());
    for offer in offers {
        let running = if offer.is_running { " (running)" } else { "" };
        let _ = write!(
            text,
            "- {}{running}: {}",
            offer.skill,
            line(&offer.description, DESCRIPTION_LETTERS_MAX[usize::from(in_short)])
        );
        if !in_short && offer.why != "true" && !offer.why.is_empty() {
            let _ = write!(text, " On offer because: {}", line(&offer.why, TEXT_LETTERS_MAX));
        }
        text.push('\n');
        for parameter in &offer.parameters {
            let told = offer.arguments.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value);
            let _ = write!(text, "  {} ({}", parameter.name, takes(parameter));
            match (told, &parameter.default) {
                (Some(told), _) => drop(write!(text, "; {} now", written(told))),
                (None, Some(default)) => drop(write!(text, "; {} unless given", written(default))),
                (None, None) => text.push_str("; must be given"),
            }
            text.push(')');
            if !in_short && !parameter.description.is_empty() {
                let _ = write!(text, ": {}", line(&parameter.description, TEXT_LETTERS_MAX));
            }
            text.push('\n');
        }
    }
    text
}

/// What was done last and what came of it, the newest last. What came again and again is one line.
pub(super) fn outcomes(outcomes: &[Outcome]) -> Vec<String> {
    let mut lines: Vec<(String, u32)> = Vec::new();
    for outcome in &outcomes[outcomes.len().saturating_sub(OUTCOMES_MAX)..] {
        let mut text = format!("- {}: {}", outcome.skill, line(&outcome.action, TEXT_LETTERS_MAX));
        let _ = write!(text, " -> {}", if outcome.effect.is_empty() { "?" } else { outcome.effect.as_str() });
        if !outcome.is_effective {
            text.push_str(", in vain");
        }
        if outcome.hp_lost > 0 {
            let _ = write!(text, ", {} hit points lost", outcome.hp_lost);
        }
        match lines.last_mut().filter(|(last, _)| *last == text) {
            Some((_, times)) => *times += 1,
            None => lines.push((text, 1)),
        }
    }
    let lines = lines.into_iter();
    lines.map(|(text, times)| if times > 1 { format!("{text} ({times} times)\n") } else { text + "\n" }).collect()
}

/// Recalled memories, the weightiest first.
pub(super) fn memories(memories: &[String], most: u32) -> Vec<String> {
    memories.iter().take(most as usize).map(|memory| format!("- {}\n", line(memory, TEXT_LETTERS_MAX))).collect()
}

/// Guidance by name, as much as fits into so many bytes. It does not depend on the step, so that it stays the same.
pub(super) fn guidance(texts: &[(String, String)], bytes_max: usize) -> String {
    let mut texts: Vec<&(String, String)> = texts.iter().collect();
    texts.sort();
    let mut all = String::new();
    for (name, text) in texts {
        let heading = format!("{}# {name}\n{}\n", if all.is_empty() { "" } else { "\n" }, text.trim());
        if all.len() + heading.len() <= bytes_max {
            all += &heading;
        }
    }
    all
}

fn takes(parameter: &Parameter) -> String {
    let Parameter { kind, min, max, one_of, .. } = parameter;
    let range = match (min, max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" up to {max}"),
        (None, None) => String::new(),
    };
    if one_of.is_empty() {
        return format!("{kind}{range}");
    }
    let texts: Vec<String> = one_of.iter().map(|text| format!("{text:?}")).collect();
    texts.join(", ")
}

fn written(argument: &Argument) -> String {
    match argument {
        Argument::Truth(truth) => truth.to_string(),
        Argument::Number(number) => number.to_string(),
        Argument::Text(text) => format!("{text:?}"),
    }
}
