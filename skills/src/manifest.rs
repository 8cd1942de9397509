//! `skill.toml`: what a skill says of itself. `deny_unknown_fields` throughout: a misspelt key is a mistake, not a wish.

use crate::skill::{Mistake, Tier};
use crate::source::{Place, Source};
use semver::{Version, VersionReq};
use std::collections::BTreeMap;
use wire::skill::{Parameter, Trigger};

mod check;
mod refuse;
pub mod schema;
mod written;

/// The manifest of a skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Lower-case letters, digits and single hyphens, at most 64; the name of its folder.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// What it does and when to use it, for whoever chooses; at most 1024 characters.
    pub description: String,
    /// Skills that it calls, and the versions it can use.
    pub requires: BTreeMap<String, VersionReq>,
    /// What it can be told, by name.
    pub given: BTreeMap<String, Parameter>,
    /// When it offers itself.
    pub offers: Vec<Trigger>,
    /// The condition with which its work is done.
    pub success: Option<String>,
    /// What one run may take.
    pub limits: Limits,
}

/// What one run of a skill may take. A community skill never gets more than [`Limits::COMMUNITY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Acts of a run.
    pub steps: u32,
    /// Longest time between two acts, in milliseconds.
    pub milliseconds: u32,
    /// Most memory of its script, in MiB.
    pub memory_mib: u32,
}

/// A manifest, and where in its file that stands which can turn out to be wrong later.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// What it says.
    pub manifest: Manifest,
    /// Where each required skill is named.
    pub requires: BTreeMap<String, Place>,
    /// Where its name stands.
    pub name: Place,
}

impl Limits {
    /// What a run may take when its manifest does not say.
    pub const DEFAULT: Limits = Limits { steps: 200, milliseconds: 20, memory_mib: 8 };
    /// The most that a manifest can ask for.
    pub const MOST: Limits = Limits { steps: 10_000, milliseconds: 50, memory_mib: 32 };
    /// The most that a community skill gets.
    pub const COMMUNITY: Limits = Limits { steps: 10_000, milliseconds: 10, memory_mib: 4 };

    /// These limits, for a skill of this tier.
    pub fn of_tier(self, tier: Tier) -> Limits {
        let Limits { steps, milliseconds, memory_mib } = match tier {
            Tier::Community => Limits::COMMUNITY,
            Tier::Core | Tier::Custom => Limits::MOST,
        };
        Limits {
            steps: self.steps.min(steps),
            milliseconds: self.milliseconds.min(milliseconds),
            memory_mib: self.memory_mib.min(memory_mib),
        }
    }
}

impl Manifest {
    /// Reads the manifest of the skill in a folder of this name.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(source: &Source<'_>, folder_name: &str, tier: Tier) -> Result<Parsed, Mistake> {
        let written = toml::from_str(source.text).map_err(|error| refuse::mistake(source, &error))?;
        check::checked(source, &written, folder_name, tier)
    }

    /// When it offers itself.
    pub fn triggers(&self) -> Vec<Trigger> {
        self.offers.clone()
    }

    /// What it can be told.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.given.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
