//! How long a turn takes: a script that looks, finds the way to the unknown and steps. Prints the median and the 99th
//! percentile; asserts nothing about time.

use semver::Version;
use skills::manifest::{Limits, Manifest};
use skills::rehearsal::rehearse;
use skills::skill::{Library, Skill, Tier};
use skills::stage::Stage;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use wire::hash::Hash;
use wire::observation::{DIRECTIONS, Monster, Observation, Position, Screen, Terrain, Tile};
use wire::skill::{Bearings, Candidate, Sight, Turn};

const TURNS: u64 = 20_000;
const SOURCE: &str = r#"
return function()
    while true do
        local seen = observe()
        for _, foe in seen.foes do
            if foe.is_adjacent and not foe.is_asleep then
                attack(seen.facing, "it is next to me")
            end
        end
        local way = path.unknown()
        if not way then
            finish("failure", "everything is known")
        end
        step(way.direction, "to the unknown")
    end
end"#;

fn main() {
    let path = PathBuf::from("core/walk/main.luau");
    let skill = Skill {
        manifest: Manifest {
            name: "walk".to_string(),
            version: Version::new(1, 0, 0),
            description: "Walks.".to_string(),
            requires: BTreeMap::new(),
            given: BTreeMap::new(),
            offers: Vec::new(),
            success: None,
            limits: Limits { steps: u32::MAX, ..Limits::DEFAULT },
        },
        tier: Tier::Core,
        folder: Path::new("core/walk").to_path_buf(),
        revision: Hash(1),
        script: Some(skills::script::compile(&path, SOURCE).expect("the script compiles")),
        guidance: None,
    };
    report("compile and check", 1_000, |_| {
        skills::script::compile(&path, SOURCE).expect("the script compiles");
    });
    report("rehearsal", 200, |_| rehearse(&skill, &|_| None).expect("the script plays along"));
    let mut stage = Stage::new();
    let skills = BTreeMap::from([("walk".to_string(), Arc::new(skill))]);
    stage.use_library(Arc::new(Library { generation: 1, skills }));
    stage.begin(0, Vec::new());
    let floor = floor();
    report("turn", TURNS, |id| {
        let before = (id > 0).then_some(&floor);
        let turned = stage.turn(turn(id, Sight::between(before, &floor)));
        assert!(turned.act.is_some(), "{turned:?}");
    });
    // Between two turns of a game, an emulator has the caches for a while.
    let mut elsewhere = vec![0u8; 24 << 20];
    let mut spent = Vec::new();
    for id in TURNS..TURNS + 2_000 {
        elsewhere.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        std::thread::sleep(std::time::Duration::from_millis(1));
        let begun = Instant::now();
        let turned = stage.turn(turn(id, Sight::between(Some(&floor), &floor)));
        spent.push(begun.elapsed().as_nanos());
        assert!(turned.act.is_some(), "{turned:?}");
    }
    spent.sort_unstable();
    println!("turn after a pause: p50 {:.1} us, p99 {:.1} us", spent[1_000] as f64 / 1e3, spent[1_980] as f64 / 1e3);
    println!("machines: {} KiB", stage.bytes() >> 10);
}

fn report(what: &str, times: u64, mut run: impl FnMut(u64)) {
    let mut spent: Vec<u128> = (0..times)
        .map(|id| {
            let begun = Instant::now();
            run(id);
            begun.elapsed().as_nanos()
        })
        .collect();
    spent.sort_unstable();
    let at = |percent: usize| spent[(spent.len() - 1) * percent / 100] as f64 / 1000.0;
    println!("{what}: p50 {:.1} us, p99 {:.1} us", at(50), at(99));
}

fn turn(id: u64, sight: Sight) -> Turn {
    Turn {
        id,
        instance: 0,
        step: id,
        sight,
        bearings: Bearings::default(),
        effect: "moved".to_string(),
        is_done: false,
        chance: id,
        candidates: vec![Candidate { skill: "walk".to_string(), revision: None, arguments: Vec::new() }],
    }
}

/// A large known area with the unknown around it, and three foes.
fn floor() -> Observation {
    let mut observation = Observation { screen: Screen::Command, floor: 1, ..Observation::default() };
    let is_open = |place: Position| (6..50).contains(&place.x) && (4..28).contains(&place.y);
    for (index, tile) in observation.tiles.iter_mut().enumerate() {
        let place = wire::ways::place_of(index);
        if is_open(place) {
            let open = DIRECTIONS.into_iter().filter(|direction| is_open(place.step(*direction)));
            let walkable = open.fold(0, |bits, direction| bits | 1 << direction as u8);
            *tile = Tile { terrain: Terrain::Floor, revealed: true, visited: true, stairs: false, room: 0, walkable };
        }
    }
    let at = |x, y| Position { x, y };
    let leader = Monster { is_team: true, is_leader: true, position: at(20, 15), ..Monster::default() };
    let foe = |slot, x| Monster { slot, position: at(x, 20), ..Monster::default() };
    observation.monsters = vec![leader, foe(4, 30), foe(5, 33), foe(6, 36)];
    observation.leader = Some(0);
    observation
}
