//! `agent skills show`: everything that a skill says of itself.

use super::{Opened, describe};
use crate::failure::Failure;
use crate::screen;
use skills::skill::Skill;
use std::fmt::Write as _;
use wire::exit;
use wire::skill::{Argument, Parameter};

/// Shows one skill; returns the exit status.
pub fn show(opened: &Opened, name: &str, json: bool) -> Result<i32, Failure> {
    let skill = opened.skill(name)?;
    if json {
        let mut description = describe(opened, skill);
        description["guidance"] = skill.guidance.as_ref().map(|guidance| guidance.body.as_str()).into();
        screen::print(&format!("{description}\n"));
    } else {
        screen::print(&text(opened, skill));
    }
    Ok(exit::OK)
}

fn text(opened: &Opened, skill: &Skill) -> String {
    let manifest = &skill.manifest;
    let place = match opened.is_built_in(skill) {
        true => "built in".to_string(),
        false => format!("{}, {}", skill.tier.name(), opened.folder_of(skill).display()),
    };
    let mut text = format!("{} {} ({place})\n{}\n", manifest.name, manifest.version, manifest.description.trim());
    for trigger in &manifest.offers {
        let told: Vec<String> =
            trigger.arguments.iter().map(|(name, value)| format!("{name}={}", written(value))).collect();
        let told = if told.is_empty() { String::new() } else { format!("  with {}", told.join(" ")) };
        let _ = writeln!(text, "  offers itself   {:>5}  {}{told}", trigger.priority, trigger.when);
    }
    for parameter in manifest.given.values() {
        let _ = writeln!(text, "  can be told     {}", described(parameter));
    }
    if let Some(success) = &manifest.success {
        let _ = writeln!(text, "  is done when    {success}");
    }
    for (name, range) in &manifest.requires {
        let _ = writeln!(text, "  calls           {name} {range}");
    }
    if skill.script.is_some() {
        let limits = manifest.limits;
        let (steps, milliseconds, memory) = (limits.steps, limits.milliseconds, limits.memory_mib);
        let _ = writeln!(text, "  may take        {steps} steps, {milliseconds} ms for each, {memory} MiB");
    }
    let _ = writeln!(text, "  revision        {}", skill.revision);
    if let Some(guidance) = &skill.guidance {
        let _ = write!(text, "\n{}\n", guidance.body.trim());
    }
    text
}

fn described(parameter: &Parameter) -> String {
    let Parameter { name, description, kind, default, min, max, one_of } = parameter;
    let bounds = match (min, max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" to {max}"),
        (None, None) if !one_of.is_empty() => format!(": {}", one_of.join(", ")),
        (None, None) => String::new(),
    };
    let default = default.as_ref().map_or("needed".to_string(), |default| format!("else {}", written(default)));
    format!("{name} ({kind}{bounds}; {default}): {description}")
}

fn written(value: &Argument) -> String {
    match value {
        Argument::Truth(truth) => truth.to_string(),
        Argument::Number(number) => number.to_string(),
        Argument::Text(text) => text.clone(),
    }
}
