//! Each test has a folder of its own, which is removed with it.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicUsize, Ordering};

mod hostile;

/// A folder of skills.
struct Place {
    root: PathBuf,
    shelf: Shelf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn compile(path: &Path, source: &str) -> Result<Script, Mistake> {
    match source.find("syntax") {
        Some(at) => Err(crate::source::Source { path, text: source }.mistake(at, "this is no Luau")),
        None => Ok(Script { path: path.to_path_buf(), source: source.to_string(), bytecode: Vec::new() }),
    }
}

fn rehearse(skill: &Skill, known: &dyn Fn(&str) -> Option<Card>) -> Result<(), Mistake> {
    let Some(script) = &skill.script else { return Ok(()) };
    let unknown =
        script.source.lines().filter_map(|line| line.strip_prefix("call ")).find(|name| known(name).is_none());
    match unknown {
        Some(name) => Err(crate::source::mistake(&script.path, format!("calls {name}"))),
        None => Ok(()),
    }
}

impl Place {
    fn new() -> Place {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("pocketpilot-shelf-{}-{count}", std::process::id()));
        for tier in Tier::ALL {
            fs::create_dir_all(root.join(tier.name())).expect("it is made");
        }
        let shelf = Shelf::new(&root, Checks { compile, rehearse });
        Place { root, shelf }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
    }

    /// Writes a skill: `core/eat`, its version, what it requires.
    fn skill(&self, folder: &str, version: &str, requires: &[(&str, &str)]) {
        let name = folder.split('/').next_back().expect("it has a name");
        let mut text = format!("name = \"{name}\"\nversion = \"{version}\"\ndescription = \"It.\"\n[requires]\n");
        for (name, range) in requires {
            text.push_str(&format!("{name} = \"{range}\"\n"));
        }
        self.write(&format!("{folder}/skill.toml"), &text);
        if !self.root.join(folder).join("main.luau").exists() {
            self.write(&format!("{folder}/main.luau"), "return function() end\n");
        }
    }

    fn remove(&self, folder: &str) {
        fs::remove_dir_all(self.root.join(folder)).expect("it is removed");
    }

    /// Looks, and gives each change as a line.
    fn look(&mut self) -> Vec<String> {
        let refreshed = self.shelf.refresh(&BTreeSet::new());
        refreshed.changes.iter().map(line).collect()
    }

    fn used(&self) -> Vec<String> {
        let library = self.shelf.library();
        library.skills.values().map(|skill| format!("{} {}", skill.folder.display(), skill.manifest.version)).collect()
    }
}

fn line(change: &Change) -> String {
    let name = |skill: &Skill| format!("{} {}", skill.folder.display(), skill.manifest.version);
    match change {
        Change::Loaded(skill) => format!("loaded {}", name(skill)),
        Change::Reloaded { skill, before } => format!("reloaded {} before {before}", name(skill)),
        Change::Rejected { name, mistake, kept } => {
            format!("rejected {name} keeping {}: {mistake}", kept.as_deref().unwrap_or("none"))
        }
        Change::Removed { skill, now } => format!("removed {} now {}", name(skill), now.as_deref().unwrap_or("none")),
    }
}

#[test]
fn a_higher_tier_is_used_until_its_folder_is_gone() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    assert_eq!(place.look(), ["loaded core/eat 1.0.0"]);
    place.skill("custom/eat", "2.0.0", &[]);
    place.skill("community/eat", "1.5.0", &[]);
    assert_eq!(place.look(), ["reloaded custom/eat 2.0.0 before 1.0.0"]);
    place.remove("community/eat");
    assert_eq!(place.look(), [""; 0]);
    place.remove("custom/eat");
    assert_eq!(place.look(), ["removed custom/eat 2.0.0 now 1.0.0", "reloaded core/eat 1.0.0 before 2.0.0"]);
    place.remove("core/eat");
    assert_eq!(place.look(), ["removed core/eat 1.0.0 now none"]);
}

#[test]
fn a_broken_edit_leaves_the_last_good_version_and_is_said_once() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.look();
    place.write("core/eat/main.luau", "return\n  syntax\n");
    assert_eq!(place.look(), ["rejected eat keeping 1.0.0: core/eat/main.luau:2:3: this is no Luau"]);
    assert_eq!(place.look(), [""; 0]);
    assert_eq!(place.used(), ["core/eat 1.0.0"]);
    place.write("core/eat/main.luau", "return\n  syntax -- edited\n");
    assert_eq!(place.look().len(), 1, "another text with the same mistake is said again");
    place.skill("core/eat", "1.1.0", &[]);
    assert_eq!(place.look().len(), 1);
    place.write("core/eat/main.luau", "return function() end\n");
    assert_eq!(place.look(), ["reloaded core/eat 1.1.0 before 1.0.0"]);
    assert_eq!(place.shelf.library().generation, 2);
}

#[test]
fn two_edits_within_one_tick_are_both_seen() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.look();
    let file = fs::File::open(place.root.join("core/eat/main.luau")).expect("it opens");
    for number in 0..20 {
        place.write("core/eat/main.luau", &format!("return {:2}\n", number));
        let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        file.set_times(times).expect("the time is set");
        assert_eq!(place.look().len(), 1, "edit {number}");
    }
}

#[test]
fn requirements_are_checked_at_their_line_and_again_when_another_skill_comes() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[("use-item", "^1")]);
    let missing = "use-item is required, but there is no such skill, or it could not be loaded";
    assert_eq!(place.look(), [format!("rejected eat keeping none: core/eat/skill.toml:5:1: {missing}")]);
    place.skill("core/use-item", "2.0.0", &[]);
    let changes = place.look();
    let other = "use-item ^1 is required, but the one that is there is 2.0.0 (core/use-item)";
    assert_eq!(changes[0], format!("rejected eat keeping none: core/eat/skill.toml:5:1: {other}"));
    place.skill("core/use-item", "1.4.0", &[]);
    assert_eq!(place.look(), ["loaded core/eat 1.0.0", "reloaded core/use-item 1.4.0 before 2.0.0"]);
    place.remove("core/use-item");
    let changes = place.look();
    assert!(changes[0].starts_with("rejected eat keeping none: core/eat/skill.toml:5:1: use-item"), "{changes:?}");
    assert_eq!(changes[1..], ["removed core/eat 1.0.0 now none", "removed core/use-item 1.4.0 now none"]);
    place.skill("community/use-item", "1.9.0", &[]);
    assert_eq!(place.look(), ["loaded core/eat 1.0.0", "loaded community/use-item 1.9.0"]);
}

#[test]
fn whoever_closes_a_circle_is_rejected_and_the_others_play_on() {
    let mut place = Place::new();
    place.skill("core/a", "1.0.0", &[("b", "*")]);
    place.skill("core/b", "1.0.0", &[("c", "*")]);
    place.skill("core/c", "1.0.0", &[]);
    assert_eq!(place.look().len(), 3);
    place.skill("core/c", "1.1.0", &[("a", "*")]);
    let circle = "skills that require each other in a circle cannot run: c -> a -> b -> c";
    assert_eq!(place.look(), [format!("rejected c keeping 1.0.0: core/c/skill.toml:5:1: {circle}")]);
    assert_eq!(place.used(), ["core/a 1.0.0", "core/b 1.0.0", "core/c 1.0.0"]);
}

#[test]
fn a_circle_of_new_skills_loads_none_of_them() {
    let mut place = Place::new();
    place.skill("core/a", "1.0.0", &[("b", "*")]);
    place.skill("core/b", "1.0.0", &[("a", "*")]);
    let changes = place.look();
    assert!(changes[0].ends_with("circle cannot run: a -> b -> a"), "{changes:?}");
    assert!(changes[1].ends_with("circle cannot run: b -> a -> b"), "{changes:?}");
    assert_eq!(place.used(), [""; 0]);
}

#[test]
fn a_failed_trial_is_a_mistake_like_any_other() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.write("core/eat/main.luau", "call use-item\n");
    assert_eq!(place.look(), ["rejected eat keeping none: core/eat/main.luau: calls use-item"]);
    place.skill("core/use-item", "1.0.0", &[]);
    place.skill("core/eat", "1.0.0", &[("use-item", "*")]);
    assert_eq!(place.look(), ["loaded core/eat 1.0.0", "loaded core/use-item 1.0.0"]);
}

#[test]
fn guidance_alone_is_a_skill_without_a_script() {
    let mut place = Place::new();
    place.write("custom/notes/SKILL.md", "---\nname: notes\ndescription: About foes.\n---\n# Foes\n");
    assert_eq!(place.look(), ["loaded custom/notes 1.0.0"]);
    let card = place.shelf.library().skills["notes"].card();
    assert_eq!((card.has_script, card.description.as_str()), (false, "About foes."));
    place.write("custom/notes/main.luau", "return 1");
    let changes = place.look();
    assert!(changes[0].ends_with("there is main.luau, but no skill.toml that describes it"), "{changes:?}");
    place.skill("custom/notes", "3.0.0", &[]);
    assert_eq!(place.look(), ["reloaded custom/notes 3.0.0 before 1.0.0"]);
}

#[test]
fn a_manifest_without_script_and_guidance_is_a_mistake_and_an_empty_folder_is_none() {
    let mut place = Place::new();
    fs::create_dir_all(place.root.join("custom/new")).expect("it is made");
    assert_eq!(place.look(), [""; 0]);
    place.skill("custom/new", "1.0.0", &[]);
    fs::remove_file(place.root.join("custom/new/main.luau")).expect("it is removed");
    let changes = place.look();
    let message = "rejected new keeping none: custom/new: there is skill.toml, but neither main.luau nor SKILL.md";
    assert!(changes[0].starts_with(message), "{changes:?}");
}

#[test]
fn a_hundred_skills_load_and_a_thousand_is_the_end() {
    let mut place = Place::new();
    for number in 0..=SKILLS_MAX {
        place.skill(&format!("core/skill-{number:04}"), "1.0.0", &[]);
    }
    let changes = place.look();
    assert_eq!((changes.len(), place.used().len()), (SKILLS_MAX + 1, SKILLS_MAX));
    assert!(
        changes[0].ends_with("core/skill-1000: there are 1001 skills; the first 1000 are loaded"),
        "{}",
        changes[0]
    );
}

#[test]
fn without_a_core_folder_the_built_in_skills_are_there() {
    let mut place = Place::new();
    fs::remove_dir(place.root.join("core")).expect("it is removed");
    place.look();
    assert_eq!(place.shelf.library().skills.len(), builtin::skills().count());
    assert!(place.shelf.core_folder().is_none());
}
