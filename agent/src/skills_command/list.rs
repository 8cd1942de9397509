//! `agent skills list`: one line for each skill that is used.

use super::{Opened, describe};
use crate::failure::Failure;
use crate::screen;
use serde_json::Value;
use skills::skill::Skill;
use std::fmt::Write as _;
use wire::exit;

/// Characters of a description that a line shows.
const DESCRIPTION_CHARACTERS: usize = 72;

/// Lists the skills; returns the exit status.
pub fn list(opened: &Opened, json: bool) -> Result<i32, Failure> {
    let skills = || opened.library.skills.values();
    if json {
        let all: Vec<Value> = skills().map(|skill| describe(opened, skill)).collect();
        screen::print(&format!("{}\n", Value::from(all)));
        return Ok(exit::OK);
    }
    let width = skills().map(|skill| skill.manifest.name.len()).max().unwrap_or(0).max("name".len());
    let mut text =
        format!("{:<width$}  {:<9} {:<9}  {:>8}  {}\n", "name", "version", "from", "priority", "what it does");
    for skill in skills() {
        let name = &skill.manifest.name;
        let (version, origin) = (skill.manifest.version.to_string(), opened.origin(skill));
        let (priority, description) = (priority(skill), shortened(&skill.manifest.description));
        let _ = writeln!(text, "{name:<width$}  {version:<9} {origin:<9}  {priority:>8}  {description}");
    }
    screen::print(&text);
    if !opened.mistakes.is_empty() {
        let count = opened.mistakes.len();
        screen::complain(&format!(
            "{count} could not be loaded or are only in an older version; see `agent skills check`"
        ));
    }
    Ok(exit::OK)
}

/// The highest priority with which a skill offers itself.
fn priority(skill: &Skill) -> String {
    match (skill.manifest.offers.iter().map(|trigger| trigger.priority).max(), &skill.script) {
        (Some(priority), _) => priority.to_string(),
        (None, Some(_)) => "-".to_string(),
        (None, None) => "guidance".to_string(),
    }
}

fn shortened(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= DESCRIPTION_CHARACTERS {
        return line;
    }
    let kept: String = line.chars().take(DESCRIPTION_CHARACTERS - 1).collect();
    format!("{}…", kept.trim_end())
}
