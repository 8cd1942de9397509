//! A dry run of a script over a few made-up turns, before the first game meets it: what breaks there breaks at its line.
//!
//! A script that breaks only later, in a turn like none of these, is not found here; it ends its run when it does.

use crate::sandbox::{Allowance, Answer, Chance, Handover, Sandbox, Wish};
use crate::skill::{Library, Mistake, Skill};
use crate::source::mistake;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::skill::arguments::complete;
use wire::skill::trigger::Condition;
use wire::skill::{Argument, Card, Parameter};

mod scenes;

/// Acts and calls of one rehearsal in one scene.
const HANDOVERS_MAX: u32 = 6;
/// The longest time between two acts; loop rounds and calls are counted as in a game.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs a skill's script over made-up turns, with its defaults and with what each of its triggers tells it.
///
/// # Errors
/// The first fault, with its line.
pub fn rehearse(skill: &Skill, known: &dyn Fn(&str) -> Option<Card>) -> Result<(), Mistake> {
    if skill.script.is_none() {
        return Ok(());
    }
    let library = Arc::new(stand_ins(skill, known));
    let skill = Arc::new(skill.clone());
    let parameters = skill.manifest.parameters();
    let triggers = skill.manifest.triggers().into_iter();
    let mut parts: Vec<_> = triggers.map(|trigger| (trigger.arguments, Condition::parse(&trigger.when).ok())).collect();
    if parts.is_empty() {
        parts.push((Vec::new(), None));
    }
    let path = skill.script.as_ref().map_or_else(PathBuf::new, |script| script.path.clone());
    let sandbox = Sandbox::new(&skill).map_err(|reason| mistake(&path, reason))?;
    for (given, when) in parts {
        // A parameter without a default is told something that it takes.
        let Ok(arguments) = complete(&parameters, &filled(&parameters, given)) else { continue };
        perform(&sandbox, &library, &arguments, when.as_ref())?;
    }
    Ok(())
}

/// A script may rely on what its trigger says, so it is rehearsed in those scenes alone in which that holds.
fn perform(
    sandbox: &Sandbox,
    library: &Arc<Library>,
    arguments: &[(String, Argument)],
    when: Option<&Condition>,
) -> Result<(), Mistake> {
    let skill = sandbox.skill();
    let path = PathBuf::from(sandbox.path());
    let refuse = |reason: String| mistake(&path, reason);
    let limits = skill.manifest.limits;
    for scene in scenes::all().into_iter().filter(|scene| when.is_none_or(|when| when.holds(&scene.facts()))) {
        let strand = sandbox.begin(library, arguments, "", Chance::new(1, &skill.manifest.name, 0)).map_err(refuse)?;
        let mut answer = Answer::Nothing;
        for turn in 0..HANDOVERS_MAX {
            let world = scene.world(turn);
            // A machine that is busy with something else should not make a good script look slow.
            let allowance = Allowance { deadline: Instant::now() + PATIENCE, ..Allowance::new(limits.milliseconds) };
            match sandbox.resume(&strand, &world, answer, allowance, (limits.memory_mib as usize) << 20) {
                Handover::Fault(reason) => return Err(located(&path, &reason)),
                Handover::Wish(Wish::Finish { .. }) => break,
                Handover::Wish(Wish::Call { .. }) => answer = Answer::Called(true, "done".to_string()),
                Handover::Wish(Wish::Act { .. }) => answer = Answer::Effect(scene.effect.to_string()),
            }
        }
        if let Err(reason) = sandbox.remembered(&strand) {
            return Err(refuse(reason));
        }
        sandbox.rest();
    }
    Ok(())
}

/// `path:line: message` as a mistake.
fn located(path: &std::path::Path, reason: &str) -> Mistake {
    let rest = reason.strip_prefix(&path.display().to_string()).unwrap_or(reason);
    let rest = rest.trim_start_matches(':');
    match rest.split_once(": ").map(|(line, message)| (line.parse::<u32>(), message)) {
        Some((Ok(line), message)) => Mistake { line: Some(line), ..mistake(path, message) },
        _ => mistake(path, rest.trim_start()),
    }
}

/// The required skills as far as a call looks at them.
fn stand_ins(skill: &Skill, known: &dyn Fn(&str) -> Option<Card>) -> Library {
    let names = skill.manifest.requires.keys();
    let cards = names.filter_map(|name| known(name)).filter(|card| card.has_script);
    let skills = cards.filter_map(|card| {
        let version = semver::Version::parse(&card.version).ok()?;
        let mut stand_in = skill.clone();
        stand_in.manifest.given =
            card.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.clone())).collect();
        stand_in.manifest.name.clone_from(&card.name);
        stand_in.manifest.version = version;
        stand_in.manifest.requires = BTreeMap::new();
        stand_in.revision = card.revision;
        Some((card.name.clone(), Arc::new(stand_in)))
    });
    Library { generation: 0, skills: skills.collect() }
}

fn filled(parameters: &[Parameter], mut given: Vec<(String, Argument)>) -> Vec<(String, Argument)> {
    for parameter in parameters.iter().filter(|parameter| parameter.default.is_none()) {
        if given.iter().any(|(name, _)| *name == parameter.name) {
            continue;
        }
        let value = match parameter.kind.as_str() {
            "boolean" => Argument::Truth(true),
            "text" => Argument::Text(parameter.one_of.first().cloned().unwrap_or_else(|| "text".to_string())),
            _ => Argument::Number(parameter.min.or(parameter.max).unwrap_or(1.0)),
        };
        given.push((parameter.name.clone(), value));
    }
    given
}

#[cfg(test)]
mod tests;
