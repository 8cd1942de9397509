//! `agent skills new`: makes the folder of a skill that works, and says how to go on.

use super::Opened;
use crate::failure::Failure;
use crate::screen;
use skills::manifest::schema;
use skills::names::check_name;
use skills::skill::Tier;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use wire::exit;

/// The files of a new skill; NAME stands for its name.
const FILES: [(&str, &str); 3] = [
    (skills::MANIFEST, include_str!("template/skill.toml")),
    (skills::SCRIPT, include_str!("template/main.luau")),
    ("tests/first.toml", include_str!("template/tests/first.toml")),
];
const PLACEHOLDER: &str = "NAME";

/// Makes a skill; returns the exit status.
pub fn make(opened: &Opened, name: &str, tier: Tier) -> Result<i32, Failure> {
    check_name(name).map_err(Failure::Usage)?;
    let folder = opened.folder.join(tier.name()).join(name);
    if folder.symlink_metadata().is_ok() {
        let path = folder.display();
        return Err(Failure::Skill(format!("{path} is there already; edit it, remove it, or choose another name")));
    }
    if let Some(skill) = opened.library.skills.get(name) {
        let origin = match opened.is_built_in(skill) {
            true => "it is built in".to_string(),
            false => format!("copy {} to {} to change it", opened.folder_of(skill).display(), folder.display()),
        };
        return Err(Failure::Skill(format!("there is a skill {name} already; {origin}, or choose another name")));
    }
    for (file, text) in FILES {
        write(&folder.join(file), &text.replace(PLACEHOLDER, name))?;
    }
    let schema_file = opened.folder.join(schema::SCHEMA_FILE);
    if !schema_file.exists() {
        write(&schema_file, &schema::text())?;
    }
    let path = folder.display();
    screen::print(&format!(
        "made {path}: a skill that waits a few turns\n\
         \x20 1. say in {path}/{} what it does, when it offers itself and what it can be told\n\
         \x20 2. write in {path}/{} how; `agent skills schema reference` tells what scripts can do\n\
         \x20 3. agent skills check {name}\n\
         \x20 4. agent skills run {name}, and agent skills test {name}\n\
         A run that is going on takes it up at once.\n",
        skills::MANIFEST,
        skills::SCRIPT,
    ));
    Ok(exit::OK)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| write_new(path, text));
    written.map_err(|error| Failure::Unwritable {
        path: path.to_path_buf(),
        error,
        remedy: "name a folder of skills that can be written with --skills",
    })
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skill_test::SkillTest;
    use crate::worker::TemporaryFolder;

    #[test]
    fn a_new_skill_is_without_mistakes_and_is_not_made_twice() {
        let folder = TemporaryFolder::create("new-skill").expect("it is made");
        for (name, tier) in [("sing", Tier::Custom), ("dance", Tier::Community)] {
            make(&Opened::read(folder.path()), name, tier).expect("it is made");
            let opened = Opened::read(folder.path());
            assert_eq!(opened.mistakes, [], "{name}");
            assert!(opened.skill(name).is_ok_and(|skill| skill.script.is_some() && skill.tier == tier));
            for (name, other) in [(name, Tier::Custom), (name, Tier::Community), ("No Name", Tier::Custom)] {
                assert!(make(&opened, name, other).is_err(), "{name}");
            }
        }
        let test = std::fs::read_to_string(folder.path().join("custom/sing/tests/first.toml")).expect("it is there");
        assert!(toml::from_str::<SkillTest>(&test).is_ok_and(|test| test.seed == Some(1)));
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let folder = TemporaryFolder::create("misspelt-skill").expect("it is made");
        make(&Opened::read(folder.path()), "sing", Tier::Custom).expect("it is made");
        let failure = Opened::read(folder.path()).skill("sign").expect_err("there is none");
        assert_eq!(
            (failure.to_string().as_str(), failure.status()),
            ("there is no skill sign; did you mean sing?", 66)
        );
    }
}
