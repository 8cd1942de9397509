//! A floor that answers keys as the game does, as far as skills can tell: steps, blows, menus, and the fog of war.

use wire::buttons::{Button, Mask};
use wire::items::{Use, action, use_of};
use wire::observation::{
    BagItem, DIRECTIONS, Direction, FloorItem, MenuAction, MenuKind, Meter, Monster, NO_ROOM, Observation, Position,
    Screen, Terrain, Tile,
};

/// A berry that heals, a small meal, and missiles.
pub const BERRY: u8 = 55;
pub const TURNIP: u8 = 82;
pub const PEBBLES: u8 = 8;

/// How far the leader sees.
const SIGHT: i16 = 4;
/// Blows that a foe takes.
const BLOWS: u32 = 3;
/// Items on a page of the bag.
const ENTRIES_A_PAGE: i16 = 8;
const HP_MAX: i32 = 40;

/// A floor and whoever is on it. Foes stay where they are and do not strike.
pub struct Burrow {
    /// What is seen of it.
    pub seen: Observation,
    /// The menu offers no meal.
    pub cannot_eat: bool,
    tiles: Vec<Tile>,
    stairs: Option<Position>,
    items: Vec<FloorItem>,
    blows: u32,
    chosen: usize,
}

impl Burrow {
    /// A floor drawn with letters: `#` wall, `.` floor, `@` leader, `f` foe, `z` sleeping foe, `n` neutral one, `!`
    /// berry, `>` stairs, space unknown for good.
    pub fn new(rows: &[&str]) -> Burrow {
        let mut seen = Observation {
            screen: Screen::Command,
            dungeon: 1,
            floor: 2,
            last_floor: 20,
            turns_left: 900,
            belly: Meter { value: 90, max: 100 },
            leader: Some(0),
            ..Observation::default()
        };
        seen.menu.entries_per_page = ENTRIES_A_PAGE;
        seen.tiles.fill(Tile { room: NO_ROOM, ..Tile::default() });
        let mut burrow = Burrow {
            tiles: seen.tiles.clone(),
            seen,
            cannot_eat: false,
            stairs: None,
            items: Vec::new(),
            blows: 0,
            chosen: 0,
        };
        let mut others = Vec::new();
        for (y, row) in rows.iter().enumerate() {
            for (x, letter) in row.chars().enumerate() {
                burrow.draw(letter, Position { x: x as i16, y: y as i16 }, &mut others);
            }
        }
        others.sort_by_key(|(letter, _)| *letter != '@');
        for (slot, (letter, position)) in others.into_iter().enumerate() {
            burrow.seen.monsters.push(monster(slot as u8, letter, position));
        }
        let walkable: Vec<u8> =
            (0..burrow.tiles.len()).map(|index| burrow.steps_from(wire::ways::place_of(index))).collect();
        burrow.tiles.iter_mut().zip(walkable).for_each(|(tile, walkable)| tile.walkable = walkable);
        burrow.look();
        burrow
    }

    fn draw(&mut self, letter: char, position: Position, others: &mut Vec<(char, Position)>) {
        let terrain = match letter {
            ' ' => return,
            '#' => Terrain::Wall,
            _ => Terrain::Floor,
        };
        let index = position.index().expect("it is on the map");
        self.tiles[index] = Tile { terrain, revealed: true, stairs: letter == '>', room: NO_ROOM, ..Tile::default() };
        match letter {
            '>' => self.stairs = Some(position),
            '!' => self.items.push(FloorItem { position, item: BERRY, quantity: 1, in_shop: false }),
            '@' | 'f' | 'z' | 'n' => others.push((letter, position)),
            _ => {}
        }
    }

    fn is_open(&self, place: Position) -> bool {
        place.index().is_some_and(|index| self.tiles[index].terrain == Terrain::Floor)
    }

    fn steps_from(&self, place: Position) -> u8 {
        let allowed = |direction: &Direction| {
            let (x, y) = direction.delta();
            let corners = [Position { x: place.x + x, y: place.y }, Position { x: place.x, y: place.y + y }];
            let is_free = !direction.is_diagonal() || corners.into_iter().all(|corner| self.is_open(corner));
            self.is_open(place) && self.is_open(place.step(*direction)) && is_free
        };
        DIRECTIONS.into_iter().filter(allowed).fold(0, |steps, direction| steps | 1 << direction as u8)
    }

    /// Puts these items into the bag; missiles are set.
    pub fn carry(&mut self, items: &[u8]) {
        let item = |(slot, item): (usize, &u8)| BagItem {
            slot: slot as u8,
            item: *item,
            quantity: 1,
            sticky: false,
            set: use_of(*item) == Use::Missile,
        };
        self.seen.bag = items.iter().enumerate().map(item).collect();
    }

    /// Leaves the leader with so many hit points.
    pub fn hurt(&mut self, hp: i32) {
        self.leader().hp = Some(Meter { value: hp, max: HP_MAX });
    }

    /// Foes that are left.
    pub fn foes(&self) -> usize {
        self.seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral).count()
    }

    /// Whether a command is awaited.
    pub fn is_on_command(&self) -> bool {
        self.seen.screen == Screen::Command && !self.seen.is_turning
    }

    /// Whether every tile that borders on a floor was seen.
    pub fn is_explored(&self) -> bool {
        self.tiles.iter().zip(&self.seen.tiles).all(|(own, seen)| own.terrain != Terrain::Floor || seen.revealed)
    }

    /// Holds keys frame by frame; returns what came of it.
    pub fn press(&mut self, keys: &[Mask]) -> &'static str {
        let before = self.seen.clone();
        self.answer(keys.iter().fold(0, |all, held| all | held));
        self.look();
        let place = |seen: &Observation| seen.leader().map(|own| (own.position, own.direction));
        match () {
            () if before.floor != self.seen.floor => "scene changed",
            () if before.screen != self.seen.screen || before.menu.actions != self.seen.menu.actions => "menu changed",
            () if (before.menu.cursor, before.menu.page) != (self.seen.menu.cursor, self.seen.menu.page) => {
                "cursor moved"
            }
            () if place(&before).map(|own| own.0) != place(&self.seen).map(|own| own.0) => "moved",
            () if before.turns_left != self.seen.turns_left => "turn passed",
            () if before.is_turning != self.seen.is_turning => "menu changed",
            () if place(&before) != place(&self.seen) => "faced",
            () => "none",
        }
    }

    fn answer(&mut self, held: Mask) {
        let is = |button: Button| held & button as Mask != 0;
        let pad = DIRECTIONS.into_iter().find(|direction| wire::keys::pad(*direction) == held);
        match self.seen.screen {
            Screen::Menu(_) if is(Button::B) => self.close(),
            Screen::Menu(_) if is(Button::Down) => self.seen.menu.cursor += 1,
            Screen::Menu(_) if is(Button::Up) => self.seen.menu.cursor -= 1,
            Screen::Menu(_) if is(Button::Right) => self.seen.menu.page += 1,
            Screen::Menu(kind) if is(Button::A) => self.choose(kind),
            Screen::Menu(_) => {}
            _ if is(Button::A) && is(Button::B) => self.pass_turn(),
            _ if is(Button::L) && is(Button::R) => self.throw(),
            _ if is(Button::A) => self.strike(),
            _ if is(Button::Start) => self.seen.is_turning = true,
            _ if is(Button::B) && self.seen.is_turning => self.seen.is_turning = false,
            _ if is(Button::B) => self.open(MenuKind::Main, Vec::new()),
            _ => {
                if let Some(direction) = pad {
                    self.walk(direction);
                }
            }
        }
    }

    fn walk(&mut self, direction: Direction) {
        let from = self.leader().position;
        self.leader().direction = direction;
        let to = from.step(direction);
        let may_step = from.index().is_some_and(|index| self.tiles[index].walkable >> direction as u8 & 1 == 1);
        if self.seen.is_turning || !may_step || self.seen.monster_at(to).is_some() {
            return;
        }
        self.leader().position = to;
        self.pass_turn();
        if let Some(index) = self.items.iter().position(|item| item.position == to) {
            let item = self.items.remove(index).item;
            let slot = self.seen.bag.len() as u8;
            self.seen.bag.push(BagItem { slot, item, quantity: 1, sticky: false, set: false });
        }
        if self.stairs == Some(to) {
            let entry = |action| MenuAction { action, selectable: true };
            self.open(MenuKind::List, vec![entry(0x39), entry(action::STAIRS)]);
        }
    }

    fn strike(&mut self) {
        let ahead = self.leader().position.step(self.leader().direction);
        self.pass_turn();
        self.wound(ahead);
    }

    fn throw(&mut self) {
        let (mut place, direction) = (self.leader().position, self.leader().direction);
        self.seen.bag.retain(|item| !item.set);
        self.pass_turn();
        for _ in 0..9 {
            place = place.step(direction);
            self.wound(place);
        }
    }

    fn wound(&mut self, place: Position) {
        let is_foe = |other: &Monster| other.position == place && !other.is_team && !other.is_neutral;
        if self.seen.monsters.iter().any(is_foe) {
            self.blows += 1;
            if self.blows.is_multiple_of(BLOWS) {
                self.seen.monsters.retain(|other| !is_foe(other));
            }
        }
    }

    fn open(&mut self, kind: MenuKind, actions: Vec<MenuAction>) {
        self.seen.screen = Screen::Menu(kind);
        (self.seen.menu.cursor, self.seen.menu.page) = (0, 0);
        self.seen.menu.actions = actions;
    }

    fn close(&mut self) {
        self.seen.screen = Screen::Command;
        self.seen.menu.actions.clear();
    }

    fn choose(&mut self, kind: MenuKind) {
        let menu = &self.seen.menu;
        let entry = |action| MenuAction { action, selectable: true };
        match (kind, menu.actions.get(menu.cursor as usize).map(|entry| entry.action)) {
            (MenuKind::Main, _) if menu.cursor == 1 => self.open(MenuKind::List, Vec::new()),
            (MenuKind::List, None) => {
                self.chosen = (menu.page * ENTRIES_A_PAGE + menu.cursor) as usize;
                let last = if self.cannot_eat { 0x09 } else { action::EAT };
                self.open(MenuKind::List, vec![entry(0x08), entry(last)]);
            }
            (MenuKind::List, Some(action::EAT)) => self.eat(),
            (MenuKind::List, Some(action::STAIRS)) => {
                self.close();
                self.seen.floor += 1;
            }
            _ => self.close(),
        }
    }

    fn eat(&mut self) {
        self.close();
        self.pass_turn();
        match use_of(self.seen.bag.remove(self.chosen).item) {
            Use::Food(filling) => self.seen.belly.value += filling,
            Use::Heal => self.hurt(HP_MAX),
            _ => {}
        }
    }

    fn pass_turn(&mut self) {
        self.seen.turns_left -= 1;
        if let Some(hp) = &mut self.leader().hp {
            hp.value = (hp.value + 1).min(hp.max);
        }
    }

    fn leader(&mut self) -> &mut Monster {
        &mut self.seen.monsters[0]
    }

    /// Reveals what is near.
    fn look(&mut self) {
        let here = self.leader().position;
        let is_near = |place: &Position| place.distance(here) <= SIGHT;
        for (index, tile) in self.tiles.iter().enumerate().filter(|(index, _)| is_near(&wire::ways::place_of(*index))) {
            self.seen.tiles[index] = *tile;
        }
        self.seen.stairs =
            self.stairs.filter(|place| place.index().is_some_and(|index| self.seen.tiles[index].revealed));
        let revealed = |item: &&FloorItem| item.position.index().is_some_and(|index| self.seen.tiles[index].revealed);
        self.seen.items = self.items.iter().filter(revealed).copied().collect();
    }
}

fn monster(slot: u8, letter: char, position: Position) -> Monster {
    let is_leader = letter == '@';
    Monster {
        slot,
        spawn_id: 10 + u16::from(slot),
        is_team: is_leader,
        is_leader,
        is_neutral: letter == 'n',
        species: 3,
        level: 2,
        position,
        direction: if letter == '@' { Direction::South } else { Direction::West },
        hp: is_leader.then_some(Meter { value: HP_MAX, max: HP_MAX }),
        is_incapacitated: letter == 'z',
        ..Monster::default()
    }
}
