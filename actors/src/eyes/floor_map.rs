//! A floor as it is put together from many readings: ground, rooms, stairs, traps and what lies about.
//!
//! The small map shows all ground that is known, but not which walls are; the tiles in view show both. What lies between
//! follows from the game's own rules: a room that is entered is known with its walls, and so is what is near the leader.

use reader::{Cell, Ground, Mark, Reading};
use serde::{Deserialize, Serialize};
use wire::observation::{DIRECTIONS, FloorItem, MAP_WIDTH, NO_ROOM, Observation, Position, TILES, Terrain, Tile, Trap};
use wire::ways::place_of;

use crate::profile::Rules;

/// How sure the reader must be of a tile for it to count.
pub(super) const SURE: f32 = 0.6;
/// How sure it must be to take back what was known.
const CERTAIN: f32 = 0.9;
const ITEMS_MAX: usize = 64;
const TRAPS_MAX: usize = 64;
const ROOMS_MAX: usize = 32;
/// Tiles of a room's side at most.
const ROOM_SIDE_MAX: i16 = 16;

/// A floor, as far as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FloorMap {
    ground: Vec<Terrain>,
    pub stairs: Option<Position>,
    pub traps: Vec<Position>,
    pub items: Vec<FloorItem>,
    rooms: Vec<Room>,
    /// The whole floor is shown, walls included.
    pub is_shown: bool,
    /// Whether a small map was read of this floor.
    is_begun: bool,
}

/// A room: its first and last column and row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Room {
    left: i16,
    top: i16,
    right: i16,
    bottom: i16,
}

impl Default for FloorMap {
    fn default() -> FloorMap {
        FloorMap {
            ground: vec![Terrain::Unknown; TILES],
            stairs: None,
            traps: Vec::new(),
            items: Vec::new(),
            rooms: Vec::new(),
            is_shown: false,
            is_begun: false,
        }
    }
}

impl FloorMap {
    /// Whether it is whole: bytes from elsewhere may say anything.
    pub fn is_sound(&self) -> bool {
        self.ground.len() == TILES
    }

    /// Lays a picture at rest over what is known.
    pub fn lay(&mut self, reading: &Reading, leader: Position, floor: u8, rules: &Rules) {
        let marks = reading.minimap.as_ref().map(|minimap| &minimap.marks).filter(|marks| marks.len() == TILES);
        if let Some(marks) = marks {
            self.lay_marks(marks);
        }
        for cell in &reading.cells {
            self.lay_cell(cell, leader, marks.map(Vec::as_slice));
        }
        let Some(marks) = marks else { return };
        let sight = if floor >= rules.dark_from { rules.dark_sight } else { rules.sight };
        self.lay_near(marks, leader, sight);
        if !std::mem::replace(&mut self.is_begun, true) {
            self.find_rooms(marks, rules);
        }
        self.enter_room(leader, marks, rules);
        if self.is_shown {
            (0..TILES).for_each(|index| self.wall_up(place_of(index), marks));
        }
    }

    /// The tile is one that somebody stands on.
    pub fn set_foot(&mut self, place: Position) {
        if let Some(index) = place.index()
            && matches!(self.ground[index], Terrain::Unknown | Terrain::Wall)
        {
            self.ground[index] = Terrain::Floor;
        }
    }

    /// What the ground is.
    pub fn terrain(&self, place: Position) -> Terrain {
        place.index().map_or(Terrain::Wall, |index| self.ground[index])
    }

    /// The item at a place is gone.
    pub fn take(&mut self, place: Position) -> Option<FloorItem> {
        let index = self.items.iter().position(|item| item.position == place)?;
        Some(self.items.swap_remove(index))
    }

    /// Fills in what the observation says of the floor.
    pub fn fill(&self, into: &mut Observation) {
        for (index, tile) in into.tiles.iter_mut().enumerate() {
            let place = place_of(index);
            let terrain = self.ground[index];
            if terrain == Terrain::Unknown {
                *tile = Tile { room: NO_ROOM, ..Tile::default() };
                continue;
            }
            *tile = Tile {
                terrain,
                revealed: true,
                visited: true,
                stairs: self.stairs == Some(place),
                room: self.room_of(place),
                walkable: if terrain == Terrain::Wall { 0 } else { self.steps_from(place) },
            };
        }
        into.stairs = self.stairs;
        into.items.clone_from(&self.items);
        into.traps.clear();
        into.traps.extend(self.traps.iter().map(|position| Trap { position: *position, kind: 0 }));
    }

    fn lay_marks(&mut self, marks: &[Mark]) {
        for (index, mark) in marks.iter().enumerate() {
            match mark {
                Mark::Floor | Mark::Item => self.ground[index] = Terrain::Floor,
                Mark::Water => self.ground[index] = Terrain::Secondary,
                // All ground that is known shows, so this is none.
                Mark::Dark if matches!(self.ground[index], Terrain::Floor | Terrain::Secondary) => {
                    self.ground[index] = Terrain::Unknown;
                }
                Mark::Dark | Mark::Stairs | Mark::Foe | Mark::Ally | Mark::Leader => {}
            }
        }
        self.items.retain(|item| {
            let mark = item.position.index().map(|index| marks[index]);
            !matches!(mark, None | Some(Mark::Dark | Mark::Floor | Mark::Water))
        });
        for (index, _) in marks.iter().enumerate().filter(|(_, mark)| **mark == Mark::Item) {
            self.note_item(place_of(index), None);
        }
        if let Some(stairs) = stairs_of(marks) {
            self.stairs = Some(stairs);
            self.set_foot(stairs);
        }
    }

    /// Near the leader everything is known.
    fn lay_near(&mut self, marks: &[Mark], leader: Position, sight: i16) {
        for y in leader.y - sight..=leader.y + sight {
            for x in leader.x - sight..=leader.x + sight {
                self.wall_up(Position { x, y }, marks);
            }
        }
    }

    /// A tile that is known and shows no ground is a wall. Where a dot covers it, that is not known.
    fn wall_up(&mut self, place: Position, marks: &[Mark]) {
        let Some(index) = place.index() else { return };
        if marks[index] == Mark::Dark && self.ground[index] == Terrain::Unknown {
            self.ground[index] = Terrain::Wall;
        }
    }

    fn lay_cell(&mut self, cell: &Cell, leader: Position, marks: Option<&[Mark]>) {
        let place = Position { x: leader.x + i16::from(cell.dx), y: leader.y + i16::from(cell.dy) };
        let Some(index) = place.index() else { return };
        if cell.ground.confidence < SURE {
            return;
        }
        let mark = marks.map(|marks| marks[index]);
        let is_ground_there = matches!(mark, Some(Mark::Floor | Mark::Water | Mark::Item));
        let certain = cell.ground.confidence >= CERTAIN;
        match cell.ground.value {
            Ground::Hidden | Ground::Askew => return,
            Ground::Unseen if !is_ground_there && !self.is_shown => self.ground[index] = Terrain::Unknown,
            Ground::Wall if !is_ground_there => self.ground[index] = Terrain::Wall,
            Ground::Unseen | Ground::Wall => {}
            Ground::Water => self.ground[index] = Terrain::Secondary,
            Ground::Floor => self.ground[index] = Terrain::Floor,
            Ground::Stairs => {
                self.ground[index] = Terrain::Floor;
                self.stairs = Some(place);
            }
            Ground::Trap => {
                self.ground[index] = Terrain::Floor;
                if !self.traps.contains(&place) && self.traps.len() < TRAPS_MAX {
                    self.traps.push(place);
                }
            }
        }
        if certain && cell.ground.value == Ground::Floor {
            self.traps.retain(|trap| *trap != place);
        }
        match cell.item.value {
            Some(item) if cell.item.confidence >= SURE => self.note_item(place, Some(item)),
            None if cell.item.confidence >= CERTAIN && cell.being.value.is_none() && mark != Some(Mark::Item) => {
                self.take(place);
            }
            _ => {}
        }
    }

    fn note_item(&mut self, position: Position, item: Option<u8>) {
        if let Some(known) = self.items.iter_mut().find(|known| known.position == position) {
            known.item = item.unwrap_or(known.item);
        } else if self.items.len() < ITEMS_MAX {
            let item = item.unwrap_or_default();
            self.items.push(FloorItem { position, item, quantity: 1, in_shop: false });
        }
    }

    /// The room that the leader stands in is known with its walls.
    fn enter_room(&mut self, leader: Position, marks: &[Mark], rules: &Rules) {
        if self.room_of(leader) == NO_ROOM
            && let Some(room) = self.room_around(leader, marks, rules)
        {
            self.add_room(room, marks);
        }
    }

    /// Rooms that were known before this memory began.
    fn find_rooms(&mut self, marks: &[Mark], rules: &Rules) {
        for index in 0..TILES {
            let place = place_of(index);
            if self.is_ground(place)
                && self.room_of(place) == NO_ROOM
                && let Some(room) = self.room_around(place, marks, rules)
            {
                self.add_room(room, marks);
            }
        }
    }

    fn add_room(&mut self, room: Room, marks: &[Mark]) {
        if self.rooms.len() == ROOMS_MAX {
            return;
        }
        self.rooms.retain(|known| !room.covers(known));
        self.rooms.push(room);
        for y in room.top - 1..=room.bottom + 1 {
            for x in room.left - 1..=room.right + 1 {
                let place = Position { x, y };
                if room.holds(place) {
                    self.set_foot(place);
                } else {
                    self.wall_up(place, marks);
                }
            }
        }
    }

    /// The largest rectangle of ground around a place, if it is one that only a room can be.
    fn room_around(&self, place: Position, marks: &[Mark], rules: &Rules) -> Option<Room> {
        // What a dot covers may be ground.
        let is_covered = |index: usize| {
            let is_dot = matches!(marks[index], Mark::Stairs | Mark::Foe | Mark::Ally | Mark::Leader);
            is_dot && self.ground[index] == Terrain::Unknown
        };
        let is_open = |place: Position| self.is_ground(place) || place.index().is_some_and(is_covered);
        let span = |y: i16| {
            let mut reach = (place.x, place.x);
            while is_open(Position { x: reach.0 - 1, y }) && place.x - reach.0 < ROOM_SIDE_MAX {
                reach.0 -= 1;
            }
            while is_open(Position { x: reach.1 + 1, y }) && reach.1 - place.x < ROOM_SIDE_MAX {
                reach.1 += 1;
            }
            is_open(Position { x: place.x, y }).then_some(reach)
        };
        let spans = |step: i16| -> Vec<(i16, i16)> {
            let mut all = Vec::new();
            let mut reach: Option<(i16, i16)> = None;
            for distance in 0..=ROOM_SIDE_MAX {
                let Some((left, right)) = span(place.y + step * distance) else { break };
                let narrowed = reach.map_or((left, right), |(first, last)| (first.max(left), last.min(right)));
                reach = Some(narrowed);
                all.push(narrowed);
            }
            all
        };
        let (above, below) = (spans(-1), spans(1));
        let (width_min, height_min) = rules.room_min;
        let mut best: Option<(i32, Room)> = None;
        for (up, (first, last)) in above.iter().enumerate() {
            for (down, (left, right)) in below.iter().enumerate() {
                let (left, right) = (*first.max(left), *last.min(right));
                let room = Room { left, right, top: place.y - up as i16, bottom: place.y + down as i16 };
                let (width, height) = (right - left + 1, room.bottom - room.top + 1);
                let area = i32::from(width) * i32::from(height);
                if width >= width_min && height >= height_min && best.is_none_or(|(most, _)| area > most) {
                    best = Some((area, room));
                }
            }
        }
        best.map(|(_, room)| room)
    }

    fn room_of(&self, place: Position) -> u8 {
        self.rooms.iter().position(|room| room.holds(place)).map_or(NO_ROOM, |room| room as u8)
    }

    fn is_ground(&self, place: Position) -> bool {
        place.index().is_some_and(|index| matches!(self.ground[index], Terrain::Floor | Terrain::Secondary))
    }

    /// Which steps the ground allows an ordinary walker, as far as it is known; corners are not cut.
    fn steps_from(&self, place: Position) -> u8 {
        DIRECTIONS.into_iter().fold(0, |steps, direction| {
            let (x, y) = direction.delta();
            let is_floor = self.terrain(place.step(direction)) == Terrain::Floor;
            let corners = [Position { x: place.x + x, y: place.y }, Position { x: place.x, y: place.y + y }];
            let is_free = !direction.is_diagonal() || corners.into_iter().all(|corner| self.is_ground(corner));
            steps | u8::from(is_floor && is_free) << direction as u8
        })
    }
}

impl Room {
    fn holds(&self, place: Position) -> bool {
        (self.left..=self.right).contains(&place.x) && (self.top..=self.bottom).contains(&place.y)
    }

    fn covers(&self, other: &Room) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }
}

/// The top left of the stairs' dot, where enough of it shows to tell.
fn stairs_of(marks: &[Mark]) -> Option<Position> {
    let mut shown =
        marks.iter().enumerate().filter(|(_, mark)| **mark == Mark::Stairs).map(|(index, _)| place_of(index));
    let first = shown.next()?;
    let (least, most) = shown.fold((first, first), |(least, most), place| {
        let smaller = Position { x: least.x.min(place.x), y: least.y.min(place.y) };
        (smaller, Position { x: most.x.max(place.x), y: most.y.max(place.y) })
    });
    // At the map's last column or row the dot is cut off.
    let spans = |least: i16, most: i16, side: usize| most - least == 1 || (most == least && least as usize == side - 1);
    let height = TILES / MAP_WIDTH;
    (spans(least.x, most.x, MAP_WIDTH) && spans(least.y, most.y, height)).then_some(least)
}
