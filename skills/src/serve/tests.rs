//! The role in this process, with a pilot and a parent that are this test.

use super::*;
use crate::skill::{Mistake, Script, Skill};
use std::fs;
use std::path::PathBuf;
use wire::control::{Role, TelemetryTarget};
use wire::log::read_lines;
use wire::skill::Card;

/// Answers every turn with the names of the skills that there are.
struct Parrot(Arc<Library>);

impl Play for Parrot {
    fn use_library(&mut self, library: Arc<Library>) {
        self.0 = library;
    }

    fn begin(&mut self, _: Instance, _: Vec<(String, Remembered)>) {}

    fn turn(&mut self, turn: Turn) -> Turned {
        let notes = self.0.skills.keys().map(|name| (name.clone(), String::new())).collect();
        Turned { id: turn.id, notes, ..Turned::default() }
    }
}

fn compile(path: &Path, source: &str) -> Result<Script, Mistake> {
    if source.contains("syntax") {
        return Err(crate::source::mistake(path, "this is no Luau"));
    }
    Ok(Script { path: path.to_path_buf(), source: source.to_string(), bytecode: Vec::new() })
}

fn rehearse(_: &Skill, _: &dyn Fn(&str) -> Option<Card>) -> Result<(), Mistake> {
    Ok(())
}

/// A role that runs, and its folder.
struct Running {
    root: PathBuf,
    parent: Link,
    page: ProgressPage,
    role: Option<thread::JoinHandle<i32>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn start(name: &str) -> Running {
    let root = std::env::temp_dir().join(format!("pocketpilot-serve-{name}-{}", std::process::id()));
    fs::create_dir_all(root.join("skills/core")).expect("it is made");
    skill(&root, "eat", "1.0.0", "");
    let (parent, link) = Link::pair().expect("a pair is made");
    let (page, descriptor) = ProgressPage::create().expect("a page is made");
    let other = ProgressPage::open(descriptor).expect("it opens");
    let telemetry = TelemetryTarget::File(root.join("telemetry.jsonl"));
    let start = ToRole::StartSkills(StartSkills { folder: root.join("skills"), telemetry });
    let parts = Parts {
        checks: Checks { compile, rehearse },
        confine: |_| vec!["no sandbox in this test".to_string()],
        play: || Parrot(Arc::default()),
    };
    let role = thread::spawn(move || serve(RoleHandle { link, page: other, start }, parts));
    Running { root, parent, page, role: Some(role) }
}

fn skill(root: &Path, name: &str, version: &str, script: &str) {
    let folder = root.join("skills/core").join(name);
    fs::create_dir_all(&folder).expect("it is made");
    let manifest = format!("name = \"{name}\"\nversion = \"{version}\"\ndescription = \"It.\"\n");
    fs::write(folder.join("main.luau"), script).expect("it is written");
    fs::write(folder.join("skill.toml"), manifest).expect("it is written");
}

impl Running {
    fn hear(&self) -> FromRole {
        self.parent.receive().expect("the role says something").0
    }

    fn connect(&self) -> Link {
        let (pilot, other) = Link::pair().expect("a pair is made");
        self.parent.send(&ToRole::Connect { peer: Role::Actors, instance: 0 }, &[other.as_fd()]).expect("it is sent");
        pilot
    }

    fn end(&mut self) -> i32 {
        self.role.take().expect("it runs").join().expect("it does not panic")
    }
}

fn shelf(pilot: &Link) -> (u64, Vec<String>) {
    match pilot.receive().expect("a shelf comes").0 {
        FromSkills::Shelf { generation, is_last: true, cards } => {
            (generation, cards.iter().map(|card| format!("{} {}", card.name, card.version)).collect())
        }
        other => panic!("{other:?} came"),
    }
}

#[test]
fn the_pilot_gets_the_shelf_and_its_turns_answered_while_skills_change() {
    let mut running = start("turns");
    let FromRole::Ready { detail, .. } = running.hear() else { panic!("the role is not ready") };
    assert!(detail.starts_with("1 skills; ") && detail.ends_with("; no sandbox in this test"), "{detail}");
    let pilot = running.connect();
    assert_eq!(shelf(&pilot), (1, vec!["eat 1.0.0".to_string()]));

    let turn = ToSkills::Turn(Box::new(turn(7)));
    pilot.send(&turn, &[]).expect("it is sent");
    let FromSkills::Turned(turned) = pilot.receive().expect("it is answered").0 else { panic!("no answer") };
    assert_eq!((turned.id, turned.notes.len()), (7, 1));

    skill(&running.root, "rest", "1.0.0", "");
    assert_eq!(shelf(&pilot), (2, vec!["eat 1.0.0".to_string(), "rest 1.0.0".to_string()]));
    assert!(
        matches!(running.hear(), FromRole::Note { text: note, .. } if note.starts_with("skills: rest 1.0.0 is new"))
    );

    skill(&running.root, "eat", "1.1.0", "syntax");
    let FromRole::Note { text: note, .. } = running.hear() else { panic!("no note") };
    assert_eq!(note, "skills: core/eat/main.luau: this is no Luau; version 1.0.0 stays");

    let before = running.page.read().progress;
    running.parent.send(&ToRole::Ping, &[]).expect("it is sent");
    running.parent.send(&ToRole::Stop, &[]).expect("it is sent");
    assert_eq!(running.end(), exit::OK);
    assert!(running.page.read().progress > before);
    let (lines, _) = read_lines(&running.root.join("telemetry.jsonl")).expect("it reads");
    let names: Vec<_> =
        lines.iter().map(|line| serde_json::to_value(&line.event).expect("JSON")["event"].clone()).collect();
    assert_eq!(names[..2], ["SkillLoaded", "SkillLoaded"]);
    assert!(names.contains(&"SkillRejected".into()), "{names:?}");
}

#[test]
fn a_pilot_that_dies_or_talks_nonsense_is_replaced_by_the_next() {
    let mut running = start("pilots");
    running.hear();
    drop(running.connect());
    let nonsense = running.connect();
    shelf(&nonsense);
    nonsense.send(&vec![9u8; 100], &[]).expect("it is sent");
    assert!(matches!(nonsense.receive::<FromSkills>(), Err(LinkError::Closed)));
    assert_eq!(shelf(&running.connect()).0, 1);
    running.parent.send(&ToRole::Stop, &[]).expect("it is sent");
    assert_eq!(running.end(), exit::OK);
}

#[test]
fn the_role_ends_to_be_started_anew_when_its_folder_is_replaced() {
    let mut running = start("replaced");
    running.hear();
    fs::rename(running.root.join("skills"), running.root.join("aside")).expect("it is renamed");
    fs::create_dir(running.root.join("skills")).expect("it is made");
    assert_eq!(running.end(), exit::UNFINISHED);
}

#[test]
fn a_large_shelf_comes_in_parts_and_too_large_an_answer_loses_its_notes() {
    let manifest = "name = \"NAME\"\nversion = \"1.0.0\"\ndescription = \"TEXT\"\n".replace("TEXT", &"x".repeat(1000));
    let mut library = Library::default();
    for number in 0..200 {
        let name = format!("skill-{number}");
        let text = manifest.replace("NAME", &name);
        let source = crate::source::Source { path: Path::new("x"), text: &text };
        let manifest = crate::manifest::Manifest::parse(&source, &name, crate::skill::Tier::Core).expect("it is right");
        let skill = Skill {
            manifest: manifest.manifest,
            tier: crate::skill::Tier::Core,
            folder: PathBuf::new(),
            revision: wire::hash::Hash(0),
            script: None,
            guidance: None,
        };
        library.skills.insert(name, Arc::new(skill));
    }
    let (left, right) = Link::pair().expect("a pair is made");
    let mut names = 0;
    let parts = parts::of_shelf(&library);
    assert!(parts.len() > 3);
    for (index, part) in parts.iter().enumerate() {
        left.send(part, &[]).expect("each part fits");
        let FromSkills::Shelf { is_last, cards, .. } = right.receive().expect("it comes").0 else { panic!("no shelf") };
        assert_eq!(is_last, index + 1 == parts.len());
        names += cards.len();
    }
    assert_eq!(names, 200);
    let notes = vec![("eat".to_string(), "x".repeat(70_000))];
    parts::send_turned(&left, Turned { id: 3, notes, ..Turned::default() }).expect("it is sent");
    let FromSkills::Turned(turned) = right.receive().expect("it comes").0 else { panic!("no answer") };
    assert_eq!((turned.id, turned.notes.len()), (3, 0));
}

fn turn(id: u64) -> Turn {
    Turn {
        id,
        instance: 0,
        step: 1,
        sight: wire::skill::Sight::between(None, &wire::observation::Observation::default()),
        bearings: wire::skill::Bearings::default(),
        effect: String::new(),
        is_done: false,
        chance: 0,
        candidates: Vec::new(),
    }
}
