//! Which version of each skill is used: of the ones there are the first whose requirements are met, without circles.

use super::draft::Draft;
use crate::MANIFEST;
use crate::skill::{Library, Mistake, Skill};
use crate::source::{Place, mistake};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The versions of each skill that could be used, the preferred one first.
pub(super) type Options = BTreeMap<String, Vec<Arc<Draft>>>;
/// The version of each skill that is used.
pub(super) type Chosen = BTreeMap<String, Arc<Draft>>;

/// What was chosen, and what was not and why.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The version of each skill that is used.
    pub chosen: Chosen,
    /// The versions that cannot be.
    pub refused: Vec<(Arc<Draft>, Mistake)>,
}

/// Chooses. `before` is what was used until now: of the skills in a circle, those that are new close it. `try_out` has the
/// last word on a version, given what it can call.
pub(super) fn choose(
    mut options: Options,
    before: &Library,
    mut try_out: impl FnMut(&Draft, &Chosen) -> Result<(), Mistake>,
) -> Choice {
    let mut refused = Vec::new();
    // Each round takes at least one version away.
    'rounds: loop {
        options.retain(|_, versions| !versions.is_empty());
        let mut chosen: Chosen = options.iter().map(|(name, versions)| (name.clone(), versions[0].clone())).collect();
        let order = match order(&chosen) {
            Ok(order) => order,
            Err(circle) => {
                for (name, mistake) in blamed(&circle, &chosen, before) {
                    if let Some(versions) = options.get_mut(&name) {
                        refused.push((versions.remove(0), mistake));
                    }
                }
                continue;
            }
        };
        for name in order {
            let Some(draft) = chosen.get(&name).cloned() else { continue };
            let Err(mistake) = requirements_met(&draft, &chosen).and_then(|()| try_out(&draft, &chosen)) else {
                continue;
            };
            refused.push((draft, mistake));
            chosen.remove(&name);
            let versions = options.entry(name).or_default();
            versions.remove(0);
            if !versions.is_empty() {
                continue 'rounds;
            }
        }
        return Choice { chosen, refused };
    }
}

/// All skills, each after those that it requires.
///
/// # Errors
/// A circle of skills, the first one named again at its end.
fn order(chosen: &Chosen) -> Result<Vec<String>, Vec<String>> {
    let mut walk = Walk { chosen, open: Vec::new(), done: BTreeSet::new(), order: Vec::new() };
    for name in chosen.keys() {
        walk.visit(name)?;
    }
    Ok(walk.order)
}

struct Walk<'a> {
    chosen: &'a Chosen,
    open: Vec<&'a str>,
    done: BTreeSet<&'a str>,
    order: Vec<String>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &'a str) -> Result<(), Vec<String>> {
        if self.done.contains(name) {
            return Ok(());
        }
        let Some(draft) = self.chosen.get(name) else { return Ok(()) };
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let circle = self.open[start..].iter().copied().chain([name]);
            return Err(circle.map(str::to_string).collect());
        }
        self.open.push(name);
        for required in draft.skill.manifest.requires.keys() {
            self.visit(required)?;
        }
        self.open.pop();
        self.done.insert(name);
        self.order.push(name.to_string());
        Ok(())
    }
}

/// Who closed a circle, and what to tell them.
fn blamed(circle: &[String], chosen: &Chosen, before: &Library) -> Vec<(String, Mistake)> {
    let steps = || circle.windows(2).map(|step| (&step[0], &step[1]));
    let is_new = |name: &String| chosen.get(name).is_some_and(|draft| !is_used(&draft.skill, before));
    let any_new = steps().any(|(name, _)| is_new(name));
    let told = steps().filter(|(name, _)| !any_new || is_new(name)).filter_map(|(name, next)| {
        let draft = chosen.get(name)?;
        // Everybody sees the circle from where they stand.
        let start = circle.iter().position(|other| other == name)?;
        let members = &circle[..circle.len() - 1];
        let round = members[start..].iter().chain(&members[..=start]).map(String::as_str);
        let path = round.collect::<Vec<_>>().join(" -> ");
        let message = format!("skills that require each other in a circle cannot run: {path}");
        Some((name.clone(), at_requirement(draft, next, message)))
    });
    told.collect()
}

/// Whether exactly this version is in a library.
pub(super) fn is_used(skill: &Skill, library: &Library) -> bool {
    library
        .skills
        .get(&skill.manifest.name)
        .is_some_and(|used| used.tier == skill.tier && used.revision == skill.revision)
}

fn requirements_met(draft: &Draft, chosen: &Chosen) -> Result<(), Mistake> {
    for (name, range) in &draft.skill.manifest.requires {
        let message = match chosen.get(name) {
            None => format!("{name} is required, but there is no such skill, or it could not be loaded"),
            Some(found) if !range.matches(&found.skill.manifest.version) => {
                let (version, folder) = (&found.skill.manifest.version, found.skill.folder.display());
                format!("{name} {range} is required, but the one that is there is {version} ({folder})")
            }
            Some(found) if found.skill.script.is_none() => {
                format!(
                    "{name} is required, but it has no script that could be called ({})",
                    found.skill.folder.display()
                )
            }
            Some(_) => continue,
        };
        return Err(at_requirement(draft, name, message));
    }
    Ok(())
}

fn at_requirement(draft: &Draft, required: &str, message: String) -> Mistake {
    let path = draft.skill.folder.join(MANIFEST);
    match draft.requires.get(required) {
        Some(Place { line, column }) => Place { line: *line, column: *column }.mistake(&path, message),
        None => mistake(&path, message),
    }
}
