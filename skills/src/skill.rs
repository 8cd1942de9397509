//! A skill that was loaded: one exact text of its manifest, script and guidance. It never changes; an edit makes another.

use crate::guidance::Guidance;
use crate::manifest::Manifest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::hash::Hash;
use wire::skill::{Card, GUIDANCE_BYTES_MAX};

/// Whose a skill is. Of the same name, the later one is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Comes with the program.
    Core,
    /// From somebody else: under tighter limits.
    Community,
    /// The user's own.
    Custom,
}

/// One loaded version of a skill.
#[derive(Clone, Debug)]
pub struct Skill {
    /// What it says of itself. A folder with guidance alone has one made from that.
    pub manifest: Manifest,
    /// Whose it is.
    pub tier: Tier,
    /// Its folder, relative to the folder of all skills: `core/fight`.
    pub folder: PathBuf,
    /// Names the exact text of all its files.
    pub revision: Hash,
    /// What it does.
    pub script: Option<Script>,
    /// What a model should know.
    pub guidance: Option<Guidance>,
}

/// A script that compiles.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its file as messages name it, relative to the folder of all skills: `core/fight/main.luau`.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// What the compiler made of it.
    pub bytecode: Vec<u8>,
}

/// All skills at one moment, by name: of each the version that is used.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Counts the libraries of one life of the role.
    pub generation: u64,
    /// The skills.
    pub skills: BTreeMap<String, Arc<Skill>>,
}

/// What is wrong with a skill, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistake {
    /// The file or folder, relative to the folder of all skills.
    pub path: PathBuf,
    /// Line, from 1, where there is one.
    pub line: Option<u32>,
    /// Column in characters, from 1, where there is one.
    pub column: Option<u32>,
    /// What is wrong, and what was expected; one line.
    pub message: String,
}

impl Script {
    /// A script that nobody looked at and that cannot be run.
    ///
    /// # Errors
    /// None: it has the form of what compiles scripts.
    pub(crate) fn unread(path: &Path, source: &str) -> Result<Script, Mistake> {
        Ok(Script { path: path.to_path_buf(), source: source.to_string(), bytecode: Vec::new() })
    }
}

impl Tier {
    /// All, in the order of precedence.
    pub const ALL: [Tier; 3] = [Tier::Core, Tier::Community, Tier::Custom];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Core => "core",
            Tier::Community => "community",
            Tier::Custom => "custom",
        }
    }
}

impl std::fmt::Display for Mistake {
    /// `core/fight/main.luau:3:7: what is wrong`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.path.display())?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(formatter, ":{number}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

impl Skill {
    /// What has to be known to choose it.
    pub fn card(&self) -> Card {
        let Manifest { name, version, description, .. } = &self.manifest;
        Card {
            name: name.clone(),
            version: version.to_string(),
            revision: self.revision,
            tier: self.tier.name().to_string(),
            description: description.clone(),
            triggers: self.manifest.triggers(),
            parameters: self.manifest.parameters(),
            success: self.manifest.success.clone(),
            steps_max: self.manifest.limits.steps,
            has_script: self.script.is_some(),
            guidance: self.guidance.as_ref().map(|guidance| told(&guidance.body)),
        }
    }
}

/// Guidance as it is told: whole, or up to the last line's end that fits.
fn told(body: &str) -> String {
    if body.len() <= GUIDANCE_BYTES_MAX {
        return body.to_string();
    }
    let end = (0..=GUIDANCE_BYTES_MAX).rev().find(|end| body.is_char_boundary(*end)).unwrap_or_default();
    let end = body[..end].rfind('\n').unwrap_or(end);
    body[..end].to_string()
}
