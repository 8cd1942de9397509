//! The core skills that are part of the executable, so that the executable alone can play.

/// Skill, file and text.
type File = (&'static str, &'static str, &'static str);

include!(concat!(env!("OUT_DIR"), "/core.rs"));

/// The names of the built-in skills.
pub fn skills() -> impl Iterator<Item = &'static str> {
    let names: std::collections::BTreeSet<&str> = FILES.iter().map(|(skill, ..)| *skill).collect();
    names.into_iter()
}

/// The text of a file of a built-in skill.
pub fn text(skill: &str, file: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, of, _)| *name == skill && *of == file).map(|(.., text)| *text)
}
