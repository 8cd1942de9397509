//! The skills role: knows the skill folders. Absent: loading and running scripts; the agent plays with the skills that
//! are built into its actors.

pub mod guidance;
pub mod manifest;
pub mod skill;

use std::path::Path;
use wire::control::ToRole;
use wire::exit;
use wire::role::{RoleHandle, fail, stand_by};

/// The folders of skills, the later ones taking precedence.
pub const TIERS: [&str; 3] = ["core", "community", "custom"];
/// The file that makes a folder a skill.
pub const MANIFEST: &str = "skill.toml";

/// Serves the parent until it says `Stop` or is gone; returns the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartSkills(start) = start else {
        return fail(&link, exit::PROTOCOL, "skills: the parent did not say which folder to serve");
    };
    let found = count_skills(&start.folder);
    let detail = format!("built-in skills; {found} skill folders found, which this version does not load");
    stand_by(&link, &page, detail)
}

/// Counts the folders that hold a skill. A folder that is not there holds none.
pub fn count_skills(folder: &Path) -> usize {
    let tiers = TIERS.iter().filter_map(|tier| std::fs::read_dir(folder.join(tier)).ok());
    tiers.flatten().filter_map(Result::ok).filter(|entry| entry.path().join(MANIFEST).is_file()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_a_manifest_are_counted() {
        let folder = std::env::temp_dir().join(format!("pocketpilot-skills-{}", std::process::id()));
        for (skill, file) in [("core/walk", MANIFEST), ("custom/walk", MANIFEST), ("custom/notes", "readme.md")] {
            std::fs::create_dir_all(folder.join(skill)).expect("it is made");
            std::fs::write(folder.join(skill).join(file), "").expect("it is written");
        }
        let found = count_skills(&folder);
        std::fs::remove_dir_all(&folder).expect("it is removed");
        assert_eq!((found, count_skills(&folder)), (2, 0));
    }
}
