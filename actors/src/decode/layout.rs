//! The memory layout of Pokémon Mystery Dungeon: Red Rescue Team (US) as plain structs.
//!
//! Invariants: every struct has alignment 1 and no padding of its own, so any bytes of the right length are a valid
//! view of it; offsets and sizes are asserted below. Only what the decoder reads has a name. Numbers are little-endian.

use bytemuck::{Pod, Zeroable};
use std::mem::offset_of;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH, TILES};

/// Members of a team.
pub(super) const TEAM: usize = 4;
/// Wild monsters of a floor.
pub(super) const WILD: usize = 16;
/// Monsters of a floor.
pub(super) const MONSTERS: usize = TEAM + WILD;
/// Items on a floor, and traps on a floor.
pub(super) const OBJECTS: usize = 64;
/// Rooms of a floor.
pub(super) const ROOMS: usize = 32;
/// Slots of the bag.
pub(super) const BAG: usize = 20;
/// Kinds of items that the storage counts.
pub(super) const STORAGE: usize = 240;
/// Lines of the message log.
pub(super) const LOG_LINES: usize = 20;
/// Entries of a sub-menu.
pub(super) const SUBMENU: usize = 10;

/// Where the fixed parts lie.
pub(super) mod at {
    pub const TOWN_CHARACTERS: u32 = 0x0300_1B84;
    pub const KEYS_SEEN: u32 = 0x0202_55F0;
    pub const DIALOGUE_STATE: u32 = 0x0202_E744;
    pub const DIALOGUE_TEXT: u32 = 0x0202_E798;
    pub const CHOICE_CURSOR: u32 = 0x0202_EBEC;
    pub const WINDOWS: u32 = 0x0202_EDD0;
    pub const LEADER_TILE: u32 = 0x0202_EE0C;
    pub const MENU_CURSOR: u32 = 0x0202_EE28;
    pub const SUBMENU: u32 = 0x0202_EE44;
    pub const SUBMENU_COUNT: u32 = 0x0202_EE6C;
    pub const TURNS_IN_PLACE: u32 = 0x0202_F22D;
    pub const BAG: u32 = 0x0203_89A8;
    pub const MODE: u32 = 0x0203_B03C;
    pub const TITLE_MENU: u32 = 0x0203_B348;
    pub const FLOOR_RUNS: u32 = 0x0203_B40C;
    pub const DUNGEON: u32 = 0x0203_B418;
    pub const LEADER: u32 = 0x0203_B450;
    pub const BAG_POINTER: u32 = 0x0203_B460;
}

/// Where the object of a dungeon may begin: it has to fit into the heap.
pub(super) const DUNGEON_FIRST: u32 = 0x0200_11D0;
/// See [`DUNGEON_FIRST`].
pub(super) const DUNGEON_LAST: u32 = 0x0200_82F4;
/// Bytes of the text of a dialogue.
pub(super) const DIALOGUE_BYTES: usize = 1000;

/// `type` of an entity.
pub(super) mod kind {
    pub const MONSTER: u32 = 1;
    pub const TRAP: u32 = 2;
    pub const ITEM: u32 = 3;
}

/// Bits of an item's flags.
pub(super) mod item_flag {
    pub const EXISTS: u8 = 0x01;
    pub const IN_SHOP: u8 = 0x02;
    pub const STICKY: u8 = 0x08;
    pub const SET: u8 = 0x10;
}

/// 16 bits, little-endian, at any address.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Half([u8; 2]);

/// 32 bits, little-endian, at any address.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Word([u8; 4]);

impl Half {
    pub(super) const fn of(value: i16) -> Half {
        Half(value.to_le_bytes())
    }

    pub(super) fn get(self) -> u16 {
        u16::from_le_bytes(self.0)
    }

    pub(super) fn signed(self) -> i16 {
        i16::from_le_bytes(self.0)
    }
}

impl Word {
    pub(super) const fn of(value: u32) -> Word {
        Word(value.to_le_bytes())
    }

    pub(super) fn get(self) -> u32 {
        u32::from_le_bytes(self.0)
    }

    pub(super) fn signed(self) -> i32 {
        i32::from_le_bytes(self.0)
    }
}

/// A tile's place.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Point {
    pub x: Half,
    pub y: Half,
}

/// An item, on the floor or in the bag.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Item {
    pub flags: u8,
    pub quantity: u8,
    pub id: u8,
    padding: u8,
}

/// A trap.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct TrapData {
    pub kind: u8,
    rest: [u8; 3],
}

/// One tile of the map.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct TileData {
    pub terrain: Half,
    padding: [u8; 2],
    pub knowledge: Half,
    rest: [u8; 3],
    pub room: u8,
    /// Steps allowed for ordinary walkers; three more classes of movers follow.
    pub walkable: u8,
    others: [u8; 5],
    pub monster: Word,
    pub object: Word,
}

/// The rectangle of a room: first column and row, and the first ones behind it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Room {
    pub exists: u8,
    discovered: u8,
    pub first_x: Half,
    pub first_y: Half,
    pub end_x: Half,
    pub end_y: Half,
    rest: [u8; 0x12],
}

/// A monster, item or trap as a thing on the map.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Entity {
    pub kind: Word,
    pub position: Point,
    skipped_8: [u8; 0x18],
    pub is_visible: u8,
    skipped_21: [u8; 5],
    pub spawn_id: Half,
    skipped_28: [u8; 0x48],
    pub data: Word,
}

/// A monster's values.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct MonsterData {
    flags: Half,
    pub species: Half,
    skipped_4: Half,
    pub is_foe: u8,
    pub is_leader: u8,
    pub shopkeeper: u8,
    pub level: u8,
    skipped_a: [u8; 4],
    pub hp: Half,
    pub hp_max: Half,
    skipped_12: [u8; 6],
    pub experience: Word,
    /// Attack, special attack, defence, special defence, accuracy, evasion; 10 is neutral.
    pub stages: [Half; 6],
    skipped_28: [u8; 0x1E],
    pub direction: u8,
    skipped_47: [u8; 0x5D],
    pub behaviour: u8,
    skipped_a5: [u8; 3],
    pub sleep: u8,
    skipped_a9: [u8; 3],
    pub burn: u8,
    skipped_ad: [u8; 3],
    pub frozen: u8,
    skipped_b1: [u8; 0xB],
    pub cringe: u8,
    skipped_bd: [u8; 3],
    pub bide: u8,
    skipped_c1: [u8; 0x27],
    pub blinker: u8,
    skipped_e9: [u8; 0x11],
    pub terrified: u8,
    skipped_fb: [u8; 0x41],
    pub belly: Half,
    pub belly_thousandths: Half,
    pub belly_max: Half,
    skipped_142: [u8; 0xC6],
}

/// One line of the message log.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct LogLine {
    pub used: u8,
    flags: [u8; 2],
    pub text: [u8; 60],
    padding: u8,
}

/// The object of a dungeon: everything on its floor.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Dungeon {
    skipped_0: [u8; 0xF],
    pub awaits_command: u8,
    skipped_10: [u8; 2],
    pub frames_waited: Half,
    skipped_14: [u8; 2],
    pub log_next: Half,
    skipped_18: [u8; 0x62C],
    pub id: u8,
    pub floor: u8,
    skipped_646: [u8; 0x20],
    pub turns_left: Half,
    skipped_668: [u8; 0x34],
    pub team: [MonsterData; TEAM],
    pub wild: [MonsterData; WILD],
    skipped_2f3c: [u8; 0x8C8],
    pub items: [Item; OBJECTS],
    skipped_3904: [u8; 4],
    pub traps: [TrapData; OBJECTS],
    skipped_3a08: [u8; 0x10],
    pub tiles: [TileData; TILES],
    start: Point,
    pub stairs: Point,
    skipped_e220: [u8; 0x44],
    pub weather: u8,
    skipped_e265: [u8; 0x65B],
    pub tile_pointers: [Word; TILES],
    skipped_104c0: [u8; 4],
    pub rooms: [Room; ROOMS],
    skipped_10844: [u8; 0x2D38],
    pub team_pointers: [Word; TEAM],
    pub wild_pointers: [Word; WILD],
    pub active: [Word; MONSTERS],
    pub item_pointers: [Word; OBJECTS],
    pub trap_pointers: [Word; OBJECTS],
    pub team_entities: [Entity; TEAM],
    pub wild_entities: [Entity; WILD],
    pub item_entities: [Entity; OBJECTS],
    pub trap_entities: [Entity; OBJECTS],
    skipped_17b2c: [u8; 0x6DD],
    pub darkness: u8,
    pub is_blind: u8,
    skipped_1820b: [u8; 2],
    pub shows_monsters: u8,
    pub shows_items: u8,
    pub shows_traps: u8,
    skipped_18210: u8,
    pub shows_stairs: u8,
    skipped_18212: [u8; 2],
    pub shows_floor_map: u8,
    skipped_18215: [u8; 0x3E5B],
    pub log: [LogLine; LOG_LINES],
    skipped_1c570: [u8; 0x958],
    pub floors_and_one: u8,
    skipped_1cec9: [u8; 0x13],
}

/// Bytes of the object of a dungeon.
pub(super) const DUNGEON_BYTES: usize = size_of::<Dungeon>();

/// The bag and what follows it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Bag {
    pub items: [Item; BAG],
    pub storage: [Half; STORAGE],
    skipped_230: [u8; 0x30],
    pub money: Word,
    pub bank: Word,
}

/// The cursor of a dungeon menu.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct MenuCursor {
    pub index: Half,
    pub entries_on_page: Half,
    pub entries_per_page: Half,
    pub page: Half,
}

/// One entry of a sub-menu.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SubmenuEntry {
    pub action: Half,
    skipped_2: u8,
    pub selectable: u8,
}

macro_rules! assert_offsets {
    ($($type:ident { $($field:ident: $offset:literal),* $(,)? } size $size:literal;)*) => {
        $(
            const _: () = assert!(size_of::<$type>() == $size && align_of::<$type>() == 1);
            $(const _: () = assert!(offset_of!($type, $field) == $offset);)*
        )*
    };
}

assert_offsets! {
    Item { flags: 0, quantity: 1, id: 2 } size 4;
    TrapData { kind: 0 } size 4;
    TileData { terrain: 0, knowledge: 4, room: 9, walkable: 0xA, monster: 0x10, object: 0x14 } size 0x18;
    Room { first_x: 2, first_y: 4, end_x: 6, end_y: 8 } size 0x1C;
    Entity { kind: 0, position: 4, is_visible: 0x20, spawn_id: 0x26, data: 0x70 } size 0x74;
    MonsterData {
        species: 2, is_foe: 6, is_leader: 7, shopkeeper: 8, level: 9, hp: 0xE, hp_max: 0x10, experience: 0x18,
        stages: 0x1C, direction: 0x46, behaviour: 0xA4, sleep: 0xA8, burn: 0xAC, frozen: 0xB0, cringe: 0xBC,
        bide: 0xC0, blinker: 0xE8, terrified: 0xFA, belly: 0x13C, belly_max: 0x140,
    } size 0x208;
    LogLine { used: 0, text: 3 } size 0x40;
    Dungeon {
        awaits_command: 0xF, frames_waited: 0x12, log_next: 0x16, id: 0x644, floor: 0x645, turns_left: 0x666,
        team: 0x69C, wild: 0xEBC, items: 0x3804, traps: 0x3908, tiles: 0x3A18, stairs: 0xE21C, weather: 0xE264,
        tile_pointers: 0xE8C0, rooms: 0x104C4, team_pointers: 0x1357C, wild_pointers: 0x1358C, active: 0x135CC,
        item_pointers: 0x1361C, trap_pointers: 0x1371C, team_entities: 0x1381C, wild_entities: 0x139EC,
        item_entities: 0x1412C, trap_entities: 0x15E2C, darkness: 0x18209, is_blind: 0x1820A,
        shows_monsters: 0x1820D, shows_items: 0x1820E, shows_traps: 0x1820F, shows_stairs: 0x18211,
        shows_floor_map: 0x18214, log: 0x1C070, floors_and_one: 0x1CEC8,
    } size 0x1CEDC;
    Bag { storage: 0x50, money: 0x260, bank: 0x264 } size 0x268;
    MenuCursor { entries_on_page: 2, page: 6 } size 8;
    SubmenuEntry { action: 0, selectable: 3 } size 4;
}
const _: () = assert!(MAP_WIDTH * MAP_HEIGHT == TILES);
