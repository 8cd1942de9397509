//! The made-up turns of a rehearsal: what scripts meet most often.

use crate::sandbox::World;
use std::rc::Rc;
use wire::items::action;
use wire::observation::{
    BagItem, DIRECTIONS, Dialogue, FloorItem, Menu, MenuAction, MenuKind, Meter, Monster, Observation, Position,
    Screen, Terrain, Tile, Trap,
};
use wire::skill::facts::Facts;
use wire::skill::{Bearings, Phase};

/// Turns of one kind.
pub struct Scene {
    observation: Observation,
    phase: Phase,
    /// What comes of every act.
    pub effect: &'static str,
}

impl Scene {
    /// What a trigger goes by when the scene begins.
    pub fn facts(&self) -> Facts {
        Facts::of(&self.observation, &Bearings { phase: self.phase, ..Bearings::default() })
    }

    /// The turn of this number.
    pub fn world(&self, turn: u32) -> Rc<World> {
        let serial = u64::from(turn) + 1;
        let frame = self.observation.frame + serial * 20;
        let observation = Observation { frame, turns: serial, ..self.observation.clone() };
        let bearings = Bearings { phase: self.phase, ..Bearings::default() };
        let effect = if turn == 0 { String::new() } else { self.effect.to_string() };
        Rc::new(World::new(serial, observation, bearings, effect, serial))
    }
}

/// All scenes.
pub fn all() -> [Scene; 6] {
    let open = |screen| Observation { screen, ..room() };
    let mut menu = open(Screen::Menu(MenuKind::List));
    let actions =
        [action::STAIRS, action::EAT, action::THROW_STRAIGHT].map(|action| MenuAction { action, selectable: true });
    menu.menu = Menu { cursor: 0, entries_on_page: 3, entries_per_page: 8, page: 0, actions: actions.to_vec() };
    let mut main = open(Screen::Menu(MenuKind::Main));
    main.menu = Menu { entries_on_page: 6, entries_per_page: 6, ..Menu::default() };
    let mut dialogue = open(Screen::Dialogue);
    dialogue.dialogue = Dialogue { text: "Welcome!".to_string(), cursor: 0 };
    let title = Observation { screen: Screen::Title, ..Observation::default() };
    let mut quiet = room();
    quiet.monsters.truncate(1);
    quiet.items.clear();
    quiet.bag.clear();
    let scene = |observation, phase, effect| Scene { observation, phase, effect };
    [
        scene(room(), Phase::Playing, "moved"),
        scene(quiet, Phase::Playing, "none"),
        scene(menu, Phase::Playing, "menu changed"),
        scene(main, Phase::Playing, "cursor moved"),
        scene(dialogue, Phase::Playing, "text changed"),
        scene(title, Phase::Title, "scene changed"),
    ]
}

/// A room with a foe next to the leader, another afar, items, a trap, stairs, and a corridor into the unknown.
fn room() -> Observation {
    let mut observation = Observation {
        frame: 1000,
        screen: Screen::Command,
        dungeon: 1,
        floor: 1,
        last_floor: 3,
        turns_left: 900,
        money: 10,
        belly: Meter { value: 40, max: 100 },
        message: "A foe came into sight.".to_string(),
        ..Observation::default()
    };
    let is_open = |place: Position| {
        (10..18).contains(&place.x) && (8..14).contains(&place.y) || (18..24).contains(&place.x) && place.y == 10
    };
    for (index, tile) in observation.tiles.iter_mut().enumerate() {
        let place = wire::ways::place_of(index);
        if !(9..24).contains(&place.x) || !(7..15).contains(&place.y) {
            continue;
        }
        *tile = Tile {
            terrain: Terrain::Wall,
            revealed: true,
            visited: true,
            room: wire::observation::NO_ROOM,
            ..Tile::default()
        };
        if is_open(place) {
            tile.terrain = Terrain::Floor;
            tile.room = if place.x < 18 { 0 } else { wire::observation::NO_ROOM };
            let open = DIRECTIONS.into_iter().filter(|direction| is_open(place.step(*direction)));
            tile.walkable = open.fold(0, |bits, direction| bits | 1 << direction as u8);
        }
    }
    let at = |x, y| Position { x, y };
    let hp = |value, max| Some(Meter { value, max });
    let leader = Monster {
        is_team: true,
        is_leader: true,
        level: 6,
        position: at(12, 10),
        hp: hp(14, 30),
        ..Monster::default()
    };
    let ally = Monster { slot: 1, is_team: true, level: 5, position: at(11, 10), hp: hp(20, 25), ..Monster::default() };
    let near = Monster { slot: 4, spawn_id: 1, species: 16, level: 4, position: at(13, 10), ..Monster::default() };
    let far = Monster {
        slot: 5,
        spawn_id: 2,
        species: 19,
        level: 4,
        position: at(16, 12),
        is_incapacitated: true,
        ..Monster::default()
    };
    observation.monsters = vec![leader, ally, near, far];
    observation.leader = Some(0);
    let item = |x, item| FloorItem { position: at(x, 9), item, quantity: 1, in_shop: false };
    observation.items = vec![item(11, 82), item(15, 105)];
    observation.traps = vec![Trap { position: at(14, 13), kind: 3 }];
    observation.bag = [1, 53, 55, 82, 68, 188]
        .into_iter()
        .enumerate()
        .map(|(slot, item)| BagItem { slot: slot as u8, item, quantity: 1, sticky: false, set: slot == 0 })
        .collect();
    observation.stairs = Some(at(16, 8));
    if let Some(index) = at(16, 8).index() {
        observation.tiles[index].stairs = true;
    }
    observation
}
