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
    let shared = shared_terms(offers);
    for offer in offers {
        let running = if offer.is_running { " (running)" } else { "" };
        let _ = write!(
            text,
            "- {}{running}: {}",
            offer.skill,
            line(&offer.description, DESCRIPTION_LETTERS_MAX[usize::from(in_short)])
        );
        let why: Vec<String> = terms(&offer.why).into_iter().filter(|term| !shared.contains(term)).collect();
        if !in_short && !why.is_empty() {
            let _ = write!(text, " On offer because: {}", why.join(" and "));
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

/// What must all hold for a skill to be on offer.
fn terms(why: &str) -> Vec<String> {
    let why = line(why, TEXT_LETTERS_MAX);
    // One with alternatives is left as it is.
    let is_plain = !why.contains('(') && !why.contains(" or ");
    let terms = if is_plain { why.split(" and ").collect() } else { vec![why.as_str()] };
    terms.into_iter().filter(|term| !matches!(*term, "true" | "")).map(str::to_string).collect()
}

/// What holds for every skill on offer says nothing about any of them.
fn shared_terms(offers: &[Offer]) -> Vec<String> {
    let mut whys = offers.iter().map(|offer| terms(&offer.why)).filter(|terms| terms.len() > 1);
    let first = whys.next().unwrap_or_default();
    let others: Vec<_> = whys.collect();
    let is_shared = |term: &String| !others.is_empty() && others.iter().all(|terms| terms.contains(term));
    first.into_iter().filter(is_shared).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_every_skill_on_offer_is_left_out_of_its_reason() {
        let offer = |why: &str| Offer {
            skill: "a".to_string(),
            description: "B.".to_string(),
            parameters: Vec::new(),
            arguments: Vec::new(),
            why: why.to_string(),
            priority: 0,
            is_running: false,
        };
        let said = |whys: &[&str]| skills(&whys.iter().map(|why| offer(why)).collect::<Vec<_>>(), false);
        let text = said(&[
            "can_act and hp < 5",
            "can_act and\n  belly < 9 and hp < 7",
            "true",
            "can_act",
            "a or b and can_act",
        ]);
        let expected = "- a: B. On offer because: hp < 5\n- a: B. On offer because: belly < 9 and hp < 7\n- a: B.\n\
                        - a: B.\n- a: B. On offer because: a or b and can_act\n";
        assert_eq!(text, expected);
        assert_eq!(said(&["can_act and hp < 5"]), "- a: B. On offer because: can_act and hp < 5\n");
    }
}
