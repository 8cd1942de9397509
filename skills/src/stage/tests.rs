use super::*;
use crate::manifest::{Limits, Manifest};
use crate::skill::{Skill, Tier};
use std::path::{Path, PathBuf};
use wire::hash::Hash;
use wire::observation::{Monster, Observation, Position, Screen, Terrain, Tile};
use wire::skill::{Bearings, Outcome, Sight};

mod attacks;
mod runs;

/// A skill of one script.
pub fn skill(name: &str, source: &str) -> Skill {
    let path = PathBuf::from(format!("core/{name}/main.luau"));
    // Unchecked: what the checker would find, the machine must stand as well.
    let bytecode = crate::script::compiler().compile(source).expect("the script compiles");
    let script = crate::skill::Script { path, source: source.to_string(), bytecode };
    Skill {
        manifest: Manifest {
            name: name.to_string(),
            version: semver::Version::new(1, 0, 0),
            description: "it".to_string(),
            requires: BTreeMap::new(),
            given: BTreeMap::new(),
            offers: Vec::new(),
            success: None,
            limits: Limits::DEFAULT,
        },
        tier: Tier::Core,
        folder: Path::new("core").join(name),
        revision: Hash::of([source.as_bytes()]),
        script: Some(script),
        guidance: None,
    }
}

pub fn library(skills: impl IntoIterator<Item = Skill>) -> Arc<Library> {
    let skills = skills.into_iter().map(|skill| (skill.manifest.name.clone(), Arc::new(skill)));
    Arc::new(Library { generation: 1, skills: skills.collect() })
}

/// A room of 12 by 8 with the leader, a foe next to it, and stairs.
pub fn room() -> Observation {
    let mut observation = Observation { screen: Screen::Command, floor: 1, ..Observation::default() };
    for y in 4..12 {
        for x in 4..16 {
            let place = Position { x, y };
            let inside = |p: Position| (4..16).contains(&p.x) && (4..12).contains(&p.y);
            let walkable = wire::observation::DIRECTIONS
                .into_iter()
                .filter(|d| inside(place.step(*d)))
                .fold(0u8, |bits, d| bits | 1 << d as u8);
            let index = place.index().expect("it is on the map");
            observation.tiles[index] =
                Tile { terrain: Terrain::Floor, revealed: true, visited: true, stairs: false, room: 0, walkable };
        }
    }
    let hp = Some(wire::observation::Meter { value: 20, max: 30 });
    let leader = Monster {
        is_team: true,
        is_leader: true,
        position: Position { x: 8, y: 8 },
        hp,
        level: 5,
        ..Monster::default()
    };
    let foe = Monster { slot: 4, spawn_id: 1, position: Position { x: 9, y: 8 }, level: 3, ..Monster::default() };
    observation.monsters = vec![leader, foe];
    observation.leader = Some(0);
    observation.stairs = Some(Position { x: 14, y: 10 });
    observation
}

pub fn turn(id: u64, skills: &[&str]) -> Turn {
    Turn {
        id,
        instance: 0,
        step: id,
        sight: Sight::between(None, &room()),
        bearings: Bearings::default(),
        effect: if id == 1 { String::new() } else { "moved".to_string() },
        is_done: false,
        chance: 42 + id,
        candidates: skills
            .iter()
            .map(|skill| Candidate { skill: (*skill).to_string(), revision: None, arguments: Vec::new() })
            .collect(),
    }
}

pub fn stage(skills: impl IntoIterator<Item = Skill>) -> Stage {
    let mut stage = Stage::new();
    stage.use_library(library(skills));
    stage.begin(0, Vec::new());
    stage
}

#[test]
fn a_script_acts_once_a_turn_and_ends_when_it_returns() {
    let source = r#"
return function()
    local seen = observe()
    goal("the foe")
    assert(seen.hp == 20 and #seen.foes == 1 and seen.foes[1].is_adjacent and seen.stairs.x == 14 and seen.menu == nil)
    local effect = step("E", "there it is")
    assert(effect == "moved", effect)
    attack("W", "now")
end"#;
    let mut stage = stage([skill("walk", source)]);
    let first = stage.turn(turn(1, &["walk"]));
    assert_eq!(first.ended, []);
    let act = first.act.expect("it acts");
    assert_eq!((act.action.as_str(), act.reason.as_str(), act.goal.as_str()), ("step E", "there it is", "the foe"));
    assert!(act.is_new);
    let second = stage.turn(turn(2, &["walk"])).act.expect("it acts again");
    assert_eq!((second.action.as_str(), second.is_new), ("attack W", false));
    let third = stage.turn(turn(3, &["walk"]));
    assert!(third.act.is_none());
    assert_eq!(
        (third.ended[0].outcome, third.ended[0].reason.as_str(), third.ended[0].steps),
        (Outcome::Success, "done", 2)
    );
}

#[test]
fn faults_say_file_and_line_and_leave_other_skills_alone() {
    for (source, reason) in [
        ("return function()\n  while true do end\nend", "core/bad/main.luau:2: took more than 100000 instructions"),
        ("return function()\n  local t = nil\n  t.x = 1\nend", "core/bad/main.luau:3: attempt to index nil with 'x'"),
        (
            "return function()\n  local t = {}\n  for i = 1, 1e9 do\n t[i] = table.create(1e5, i) end\nend",
            "core/bad/main.luau:4: needs more than 8 MiB",
        ),
        (
            "return function()\n  step(3, \"x\")\nend",
            "core/bad/main.luau:2: step: argument 1 (direction) must be one of \"S\" \"SE\" \"E\" \"NE\" \"N\" \"NW\" \"W\" \"SW\", not 3",
        ),
        (
            "return function()\n  local seen = observe()\n return seen.foess\nend",
            "core/bad/main.luau:3: an observation has no field \"foess\"; did you mean \"foes\"?",
        ),
        ("return 3", "core/bad/main.luau: a script ends with `return function(arguments) ... end`, not with number"),
        (
            "return function()\n local k = \"fly\"\n map[k]()\nend",
            "core/bad/main.luau:3: map has nothing called \"fly\"",
        ),
        ("return function()\n error({})\nend", ""),
    ] {
        let mut stage = stage([skill("bad", source), skill("good", "return function() wait(nil, \"a moment\") end")]);
        let turned = stage.turn(turn(1, &["bad", "good"]));
        assert_eq!(turned.ended.len(), 1, "{source}");
        assert_eq!(turned.ended[0].outcome, Outcome::Fault, "{source}: {:?}", turned.ended);
        if !reason.is_empty() {
            assert_eq!(turned.ended[0].reason, reason, "{source}");
        } else {
            println!("{}", turned.ended[0].reason);
        }
        assert_eq!(turned.act.expect("the other acts").skill, "good");
    }
}
