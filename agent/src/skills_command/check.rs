//! `agent skills check`: every mistake with its place.

use super::Opened;
use crate::failure::Failure;
use crate::screen;
use skills::skill::{Mistake, Tier};
use std::path::{Component, Path};
use wire::exit;

/// Checks the skills that were named, or all; returns the exit status.
pub fn check(opened: &Opened, named: &[String]) -> Result<i32, Failure> {
    let mut lines = Vec::new();
    let mut count = named.len();
    if named.is_empty() {
        lines.extend(opened.mistakes.iter().map(|(_, mistake)| opened.line(mistake)));
        count = opened.library.skills.len();
    }
    for name in named {
        lines.extend(check_one(opened, name)?);
    }
    lines.dedup();
    for line in &lines {
        screen::print(&format!("{line}\n"));
    }
    if lines.is_empty() {
        screen::print(&format!("{}, no mistakes\n", counted(count, "skill")));
        return Ok(exit::OK);
    }
    screen::print(&format!("{}\n", counted(lines.len(), "mistake")));
    Ok(exit::DATA)
}

/// The mistakes of one skill: of that name, or in that folder.
fn check_one(opened: &Opened, named: &str) -> Result<Vec<String>, Failure> {
    let of = |name: &str, tier: Option<Tier>| {
        let is_meant = move |mistake: &Mistake| tier.is_none_or(|tier| mistake.path.starts_with(tier.name()));
        let mistakes = opened.mistakes.iter().filter(|(other, mistake)| other == name && is_meant(mistake));
        mistakes.map(|(_, mistake)| opened.line(mistake)).collect::<Vec<_>>()
    };
    if !named.contains('/') && (opened.library.skills.contains_key(named) || !of(named, None).is_empty()) {
        return Ok(of(named, None));
    }
    let path = Path::new(named);
    let Some(folder) = skill_folder(path) else { return Err(opened.unknown(named)) };
    if let Some((tier, name)) = within(opened, &folder) {
        return Ok(of(&name, Some(tier)));
    }
    Ok(match opened.shelf.check_folder(&folder) {
        Ok(_) => Vec::new(),
        Err(mistake) => vec![mistake.to_string()],
    })
}

/// The folder that a path means: itself, or the one of a file in it.
fn skill_folder(path: &Path) -> Option<std::path::PathBuf> {
    let real = path.canonicalize().ok()?;
    if real.is_dir() { Some(real) } else { real.parent().map(Path::to_path_buf) }
}

/// Whose skill a folder holds, when it is in the folder of skills.
fn within(opened: &Opened, folder: &Path) -> Option<(Tier, String)> {
    let root = opened.folder.canonicalize().ok()?;
    let mut parts = folder.strip_prefix(root).ok()?.components();
    match (parts.next()?, parts.next()?) {
        (Component::Normal(tier), Component::Normal(name)) => {
            let tier = Tier::ALL.into_iter().find(|known| tier == known.name())?;
            Some((tier, name.to_str()?.to_string()))
        }
        _ => None,
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
