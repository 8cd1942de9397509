//! A script on a floor that always looks the same, turn after turn: what benches measure a turn with.

use crate::manifest::{Limits, Manifest};
use crate::skill::{Library, Skill, Tier};
use crate::stage::Stage;
use semver::Version;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use wire::hash::Hash;
use wire::observation::{DIRECTIONS, Monster, Observation, Position, Screen, Terrain, Tile};
use wire::skill::{Bearings, Candidate, Sight, Turn, Turned};

/// The script: it looks, finds the way to the unknown and steps.
pub const SOURCE: &str = r#"
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
/// The script's name.
pub const SCRIPT: &str = "core/walk/main.luau";
/// A script is not to be stopped because a slow machine, or one that counts its instructions, measures it.
const MILLISECONDS: u32 = 60_000;

/// A game that is always at the same place.
#[derive(Debug)]
pub struct Exercise {
    stage: Stage,
    floor: Observation,
    turns: u64,
}

impl Default for Exercise {
    fn default() -> Exercise {
        Exercise::new()
    }
}

impl Exercise {
    /// A game before its first turn.
    pub fn new() -> Exercise {
        let mut stage = Stage::new();
        let skills = BTreeMap::from([("walk".to_string(), Arc::new(skill()))]);
        stage.use_library(Arc::new(Library { generation: 1, skills }));
        stage.begin(0, Vec::new());
        Exercise { stage, floor: floor(), turns: 0 }
    }

    /// One turn.
    ///
    /// # Panics
    /// When the script does not act.
    pub fn turn(&mut self) -> Turned {
        let before = (self.turns > 0).then_some(&self.floor);
        let turn = Turn {
            id: self.turns,
            instance: 0,
            step: self.turns,
            sight: Sight::between(before, &self.floor),
            bearings: Bearings::default(),
            effect: "moved".to_string(),
            is_done: false,
            chance: self.turns,
            candidates: vec![Candidate { skill: "walk".to_string(), revision: None, arguments: Vec::new() }],
        };
        self.turns += 1;
        let turned = self.stage.turn(turn);
        assert!(turned.act.is_some(), "{turned:?}");
        turned
    }

    /// What the machines of its scripts take.
    pub fn bytes(&self) -> usize {
        self.stage.bytes()
    }
}

/// The skill that is the script.
pub fn skill() -> Skill {
    Skill {
        manifest: Manifest {
            name: "walk".to_string(),
            version: Version::new(1, 0, 0),
            description: "Walks.".to_string(),
            requires: BTreeMap::new(),
            given: BTreeMap::new(),
            offers: Vec::new(),
            success: None,
            limits: Limits { steps: u32::MAX, milliseconds: MILLISECONDS, ..Limits::DEFAULT },
        },
        tier: Tier::Core,
        folder: PathBuf::from("core/walk"),
        revision: Hash(1),
        script: Some(crate::script::compile(&PathBuf::from(SCRIPT), SOURCE).expect("the script compiles")),
        guidance: None,
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
