//! Burrow's memory, as far as the truth about a picture is in it. Addresses are those of `burrow/source/memory.h`.

use wire::observation::{MAP_HEIGHT, MAP_WIDTH};
use wire::ring::Snapshot;

/// Where the fixed parts lie.
mod at {
    pub const DIALOGUE_SPEAKER: u32 = 0x0202_E5D8;
    pub const DIALOGUE_STATE: u32 = 0x0202_E744;
    pub const DIALOGUE_NEXT: u32 = 0x0202_E794;
    pub const DIALOGUE_TEXT: u32 = 0x0202_E798;
    pub const DIALOGUE_CURSOR: u32 = 0x0202_EBEC;
    pub const BRIGHTNESS: u32 = 0x0202_EDC8;
    pub const WINDOWS: u32 = 0x0202_EDD0;
    pub const LEADER_TILE: u32 = 0x0202_EE0C;
    pub const MENU: u32 = 0x0202_EE28;
    pub const SUBMENU: u32 = 0x0202_EE44;
    pub const SUBMENU_COUNT: u32 = 0x0202_EE6C;
    pub const TITLE_BRIGHTNESS: u32 = 0x0200_0A80;
    pub const TEAM_NAME: u32 = 0x0203_8C10;
    pub const TEAM_RECORDS: u32 = 0x0203_81F8;
    pub const BAG: u32 = 0x0203_89A8;
    pub const MONEY: u32 = 0x0203_8C08;
    pub const FLOOR_RUNS: u32 = 0x0203_B40C;
    pub const FLOOR: u32 = 0x0203_B418;
    pub const STATE: u32 = 0x0203_C03C;
}

/// Offsets in the floor object.
mod floor {
    pub const NUMBER: u32 = 0x645;
    pub const TEAM: u32 = 0x69C;
    pub const TILES: u32 = 0x3A18;
    pub const ROOMS: u32 = 0x104C4;
    pub const ACTIVE: u32 = 0x135CC;
    pub const TEAM_ENTITIES: u32 = 0x1381C;
    pub const ITEM_ENTITIES: u32 = 0x1412C;
    pub const STAIRS: u32 = 0xE21C;
    pub const CAMERA_SHOWN: u32 = 0x181F4;
    pub const SIGHT: u32 = 0x18209;
    pub const IN_MAP: u32 = 0x18214;
    pub const POPUP_LINES: u32 = 0x1BDD4;
    pub const POPUP_WRITE: u32 = 0x1BDD4 + 0x28C;
    pub const LOG: u32 = 0x1C070;
    pub const LOG_NEXT: u32 = 0x16;
}

const TILE_BYTES: u32 = 0x18;
const ROOM_BYTES: u32 = 0x1C;
const ENTITY_BYTES: u32 = 0x74;
const MONSTER_BYTES: u32 = 0x208;
const RECORD_BYTES: u32 = 0x64;
const ACTIVE_MAX: u32 = 20;
const ITEM_MAX: u32 = 64;
const BAG_MAX: u32 = 20;
const LOG_MAX: u32 = 20;
const POPUP_SLOTS: u32 = 10;
const NO_ROOM: u8 = 0xFF;
const TRAP_KIND: u32 = 2;
const ITEM_KIND: u32 = 3;

/// A snapshot of Burrow.
#[derive(Clone, Copy)]
pub struct Memory<'a>(pub &'a Snapshot);

/// What the windows show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// Nothing over the floor.
    Free,
    /// A message over the floor.
    Message,
    /// Nothing, and no small map yet.
    Nothing,
    /// A text box.
    Dialogue,
    /// The name of the next floor.
    Banner,
    /// The main menu.
    MainMenu,
    /// The messages so far.
    Log,
    /// A list, or a page.
    List,
    /// Before a game.
    Initial,
}

/// A tile's place.
pub type Place = (i16, i16);

/// A tile.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    pub terrain: u16,
    pub is_known: bool,
    pub is_visited: bool,
    pub room: u8,
    /// A trap that shows.
    pub has_trap: bool,
}

/// Somebody on the floor.
#[derive(Clone, Copy, Debug)]
pub struct Somebody {
    pub place: Place,
    pub is_at_rest: bool,
    pub blinks: bool,
    pub species: u8,
    pub direction: u8,
    pub is_asleep: bool,
    pub is_wild: bool,
    pub is_leader: bool,
}

impl Memory<'_> {
    fn bytes<const N: usize>(&self, address: u32) -> [u8; N] {
        let bytes = self.0.bytes_at(address, N).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or([0; N])
    }

    fn byte(&self, address: u32) -> u8 {
        self.bytes::<1>(address)[0]
    }

    fn half(&self, address: u32) -> i16 {
        i16::from_le_bytes(self.bytes(address))
    }

    fn word(&self, address: u32) -> u32 {
        u32::from_le_bytes(self.bytes(address))
    }

    fn place(&self, address: u32) -> Place {
        (self.half(address), self.half(address + 2))
    }

    fn text(&self, address: u32, length_max: usize) -> String {
        let bytes = self.0.bytes_at(address, length_max).unwrap_or_default();
        bytes.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
    }

    fn floor(&self, offset: u32) -> u32 {
        self.word(at::FLOOR).wrapping_add(offset)
    }

    /// 0 title, 1 playing, 2 game over, 3 crossed.
    pub fn state(&self) -> u32 {
        self.word(at::STATE)
    }

    pub fn floor_runs(&self) -> bool {
        self.word(at::FLOOR) != 0 && self.byte(at::FLOOR_RUNS) == 1
    }

    /// From 0, black, to 31.
    pub fn brightness(&self) -> u32 {
        self.word(at::BRIGHTNESS)
    }

    /// From 0, black, to 32.
    pub fn title_brightness(&self) -> u32 {
        self.word(at::TITLE_BRIGHTNESS)
    }

    pub fn windows(&self) -> Windows {
        match self.word(at::WINDOWS) {
            0 => Windows::Free,
            1 => Windows::Nothing,
            2 => Windows::Dialogue,
            3 => Windows::Message,
            4 => Windows::Banner,
            7 => Windows::MainMenu,
            9 => Windows::Log,
            10 => Windows::List,
            _ => Windows::Initial,
        }
    }

    pub fn is_map_open(&self) -> bool {
        self.byte(self.floor(floor::IN_MAP)) != 0
    }

    pub fn floor_number(&self) -> u8 {
        self.byte(self.floor(floor::NUMBER))
    }

    /// Where the floor's number is kept.
    pub fn floor_number_address(&self) -> u32 {
        self.floor(floor::NUMBER)
    }

    /// Where a member's data are kept.
    pub fn member_address(&self, index: u32) -> u32 {
        self.floor(floor::TEAM + index * MONSTER_BYTES)
    }

    pub fn money(&self) -> i32 {
        self.word(at::MONEY) as i32
    }

    pub fn money_address() -> u32 {
        at::MONEY
    }

    pub fn level(&self, member: u32) -> u8 {
        self.byte(self.member_address(member) + 0x9)
    }

    /// Hit points, and those when well.
    pub fn hp(&self, member: u32) -> (i16, i16) {
        let member = self.member_address(member);
        (self.half(member + 0xE), self.half(member + 0x10))
    }

    /// As the status line shows it.
    pub fn belly(&self) -> i16 {
        let leader = self.member_address(0);
        self.half(leader + 0x13C) + i16::from(self.half(leader + 0x13E) > 0)
    }

    /// The pixel of the map that the picture's top left one is.
    pub fn camera(&self) -> (i32, i32) {
        let (x, y) = self.place(self.floor(floor::CAMERA_SHOWN));
        (i32::from(x), i32::from(y))
    }

    pub fn leader_tile(&self) -> Place {
        self.place(at::LEADER_TILE)
    }

    pub fn stairs(&self) -> Place {
        self.place(self.floor(floor::STAIRS))
    }

    /// A tile; nothing outside the map.
    pub fn tile(&self, (x, y): Place) -> Option<Tile> {
        let (column, row) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if column >= MAP_WIDTH || row >= MAP_HEIGHT {
            return None;
        }
        let address = self.floor(floor::TILES + (row * MAP_WIDTH + column) as u32 * TILE_BYTES);
        let knowledge = self.half(address + 4);
        let object = self.word(address + 0x14);
        let has_trap = object != 0 && self.word(object) == TRAP_KIND && self.byte(object + 0x20) != 0;
        Some(Tile {
            terrain: self.half(address) as u16,
            is_known: knowledge & 3 != 0,
            is_visited: knowledge & 2 != 0,
            room: self.byte(address + 9),
            has_trap,
        })
    }

    /// How far one sees in a corridor.
    fn sight(&self) -> i16 {
        i16::from(self.byte(self.floor(floor::SIGHT)))
    }

    /// Whether somebody at the leader's place sees this one now.
    pub fn is_in_sight(&self, seen: Place) -> bool {
        let viewer = self.leader_tile();
        if (seen.0 - viewer.0).abs().max((seen.1 - viewer.1).abs()) <= self.sight() {
            return true;
        }
        let room = self.tile(viewer).map_or(NO_ROOM, |tile| tile.room);
        if room == NO_ROOM {
            return false;
        }
        let room = self.floor(floor::ROOMS + u32::from(room) * ROOM_BYTES);
        let (first, end) = (self.place(room + 2), self.place(room + 6));
        (first.0 - 1..=end.0).contains(&seen.0) && (first.1 - 1..=end.1).contains(&seen.1)
    }

    /// Everybody on the floor, in the order in which they are kept.
    pub fn everybody(&self) -> Vec<Somebody> {
        let leader = self.floor(floor::TEAM_ENTITIES);
        let active = (0..ACTIVE_MAX).map(|index| self.word(self.floor(floor::ACTIVE) + 4 * index));
        active.take_while(|entity| *entity != 0).map(|entity| self.somebody(entity, entity == leader)).collect()
    }

    fn somebody(&self, entity: u32, is_leader: bool) -> Somebody {
        let place = self.place(entity + 4);
        let rest = [(24 * i32::from(place.0) + 12) << 8, (24 * i32::from(place.1) + 16) << 8];
        let pixel = [self.word(entity + 0xC) as i32, self.word(entity + 0x10) as i32];
        let monster = self.word(entity + 0x70);
        Somebody {
            place,
            is_at_rest: pixel == rest && self.word(entity + 0x1C) == 0,
            blinks: self.byte(entity + 0x22) != 0,
            species: self.half(monster + 4) as u8,
            direction: self.byte(monster + 0x46) & 7,
            is_asleep: self.byte(monster + 0xA8) == 1,
            is_wild: self.byte(monster + 6) != 0,
            is_leader,
        }
    }

    /// The items that lie on the floor: place and number.
    pub fn items(&self) -> Vec<(Place, u8)> {
        let entities = (0..ITEM_MAX).map(|slot| self.floor(floor::ITEM_ENTITIES + slot * ENTITY_BYTES));
        let items = entities.filter(|entity| self.word(*entity) == ITEM_KIND);
        items.map(|entity| (self.place(entity + 4), self.byte(self.word(entity + 0x70) + 2))).collect()
    }

    /// The bag: flags, quantity, number.
    pub fn bag(&self) -> Vec<[u8; 3]> {
        let slots = (0..BAG_MAX).map(|slot| self.bytes::<3>(at::BAG + 4 * slot));
        slots.take_while(|item| item[0] & 1 != 0).collect()
    }

    /// The lines of the message that shows.
    pub fn message(&self) -> Vec<String> {
        let popup = self.floor(floor::POPUP_WRITE);
        let (write, read) = (self.half(popup), self.half(popup + 2));
        let lines = (read..write).take(POPUP_SLOTS as usize);
        lines.map(|line| self.text(self.floor(floor::POPUP_LINES) + 64 * (line as u32 % POPUP_SLOTS), 60)).collect()
    }

    /// The last messages, oldest first; nothing where there was none yet.
    pub fn log(&self, rows: u32) -> Vec<Option<String>> {
        let next = self.half(self.floor(floor::LOG_NEXT)) as u32;
        let line = |row| self.floor(floor::LOG) + 0x40 * ((next + LOG_MAX - rows + row) % LOG_MAX);
        (0..rows).map(line).map(|line| (self.byte(line) != 0).then(|| self.text(line + 3, 60))).collect()
    }

    /// What the text box does.
    pub fn dialogue_state(&self) -> u32 {
        self.word(at::DIALOGUE_STATE)
    }

    /// Who speaks, and what of it shows.
    pub fn dialogue(&self) -> (String, String) {
        let shown = self.word(at::DIALOGUE_NEXT).saturating_sub(at::DIALOGUE_TEXT).min(1_000);
        (self.text(at::DIALOGUE_SPEAKER, 80), self.text(at::DIALOGUE_TEXT, shown as usize))
    }

    pub fn dialogue_cursor(&self) -> u16 {
        self.half(at::DIALOGUE_CURSOR) as u16
    }

    /// Cursor, entries on the page, entries of a page, page, pages.
    pub fn menu(&self) -> [u16; 5] {
        [0, 2, 4, 6, 8].map(|offset| self.half(at::MENU + offset) as u16)
    }

    /// The actions of a sub-menu.
    pub fn submenu(&self) -> Vec<u16> {
        let count = self.word(at::SUBMENU_COUNT).min(10);
        (0..count).map(|entry| self.half(at::SUBMENU + 4 * entry) as u16).collect()
    }

    pub fn team_name(&self) -> String {
        self.text(at::TEAM_NAME, 10)
    }

    /// A member's name and species; nothing where there is none.
    pub fn member(&self, index: u32) -> Option<String> {
        let is_there = self.half(self.member_address(index) + 2) != 0;
        is_there.then(|| self.text(at::TEAM_RECORDS + index * RECORD_BYTES + 0x58, 10))
    }
}
