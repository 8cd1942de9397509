//! A folder of skills that a test may edit while the program plays with it: a copy of the core skills, and a configuration
//! that names it.

use crate::Scratch;
use std::path::{Path, PathBuf};

/// The folder.
pub struct Workshop {
    scratch: Scratch,
}

impl Workshop {
    /// The core skills and no others.
    pub fn new() -> Workshop {
        let scratch = Scratch::new();
        let skills = scratch.path().join("skills");
        copy(&crate::root().join("skills/core"), &skills.join("core"));
        for tier in ["community", "custom"] {
            std::fs::create_dir_all(skills.join(tier)).expect("the temporary folder can be written");
        }
        scratch.file("config.toml", format!("[skills]\nfolder = {:?}\n[emulator]\nbackend = \"libretro\"\n", skills));
        Workshop { scratch }
    }

    /// The folder of all skills.
    pub fn skills(&self) -> PathBuf {
        self.scratch.path().join("skills")
    }

    /// The configuration's file.
    pub fn config(&self) -> String {
        self.scratch.path().join("config.toml").display().to_string()
    }

    /// Where a run may put its files.
    pub fn run_dir(&self) -> PathBuf {
        self.scratch.path().join("run")
    }

    /// Writes a file of a skill, as an editor does that writes in place.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.skills().join(file);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("it can be made");
        std::fs::write(path, content).expect("it can be written");
    }

    /// Makes or replaces a skill of these two texts.
    pub fn skill(&self, folder: &str, manifest: &str, script: &str) {
        self.write(&format!("{folder}/skill.toml"), manifest);
        self.write(&format!("{folder}/main.luau"), script);
    }

    /// A manifest of a skill that offers itself when a condition holds.
    pub fn manifest(name: &str, when: &str, priority: i32) -> String {
        format!(
            "name = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"Made by a test.\"\n[[triggers]]\nwhen = \"{when}\"\n\
             priority = {priority}\n"
        )
    }
}

impl Default for Workshop {
    fn default() -> Workshop {
        Workshop::new()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the temporary folder can be written");
    for entry in std::fs::read_dir(from).expect("the core skills are there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}
