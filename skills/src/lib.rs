//! The skills role: loads the skills of a folder, plays them for the pilot, and takes up what changes in the folder.

pub mod api;
mod builtin;
mod confine;
pub mod guidance;
pub mod manifest;
pub mod names;
pub mod rehearsal;
pub mod sandbox;
pub mod script;
mod serve;
pub mod shelf;
pub mod skill;
pub mod source;
pub mod stage;
pub mod watch;

use shelf::Checks;
use wire::role::RoleHandle;

/// The file that describes a skill.
pub const MANIFEST: &str = "skill.toml";
/// The file with its script.
pub const SCRIPT: &str = "main.luau";
/// The file with guidance for a model.
pub const GUIDANCE: &str = "SKILL.md";

/// How scripts are checked when they are loaded.
pub const CHECKS: Checks = Checks { compile: script::compile, rehearse: rehearsal::rehearse };

/// For who needs to know of manifests alone, and must not run what a script or its compiler would do.
pub const MANIFESTS_ALONE: Checks = Checks { compile: skill::Script::unread, rehearse: |_, _| Ok(()) };

/// Serves the parent until it says `Stop` or is gone; returns the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    serve::serve(handle, serve::Parts { checks: CHECKS, confine: confine::confine, play: stage::Stage::new })
}
