//! `skill.toml`: what a skill says of itself. `deny_unknown_fields` throughout: a misspelt key is a mistake, not a wish.

use semver::{Version, VersionReq};
use std::collections::BTreeMap;
use wire::skill::{Parameter, Trigger};

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

/// What one run of a skill may take. A community skill gets half of what it asks for at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Acts of a run.
    pub steps: u32,
    /// Longest time between two acts, in milliseconds.
    pub milliseconds: u32,
    /// Most memory of its script, in MiB.
    pub memory_mib: u32,
}

impl Manifest {
    /// When it offers itself.
    pub fn triggers(&self) -> Vec<Trigger> {
        self.offers.clone()
    }

    /// What it can be told.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.given.values().cloned().collect()
    }
}
