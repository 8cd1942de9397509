//! `SKILL.md`: guidance text for a model, in the Agent Skills format.

use std::collections::BTreeMap;

/// What a `SKILL.md` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guidance {
    /// Lower-case letters, digits and single hyphens, at most 64; the name of its folder.
    pub name: String,
    /// What it is about and when to read it, at most 1024 characters.
    pub description: String,
    /// Licence, where it says one.
    pub license: Option<String>,
    /// What it needs, at most 500 characters.
    pub compatibility: Option<String>,
    /// Further keys.
    pub metadata: BTreeMap<String, String>,
    /// The text after the front matter, in Markdown.
    pub body: String,
}
