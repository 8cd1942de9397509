//! The largest floor the layout allows: all 1,792 tiles known, 20 monsters, 64 items, 64 traps and a full bag, every
//! validity check satisfied. Tests take it apart; benches measure how long it takes to decode.

use super::layout::{
    self, BAG, Bag, DUNGEON_BYTES, Dungeon, Entity, Half, Item, MonsterData, OBJECTS, Point, TEAM, TileData, WILD,
    Word, at, kind,
};
use bytemuck::Zeroable;
use std::mem::offset_of;
use wire::memory::Region;
use wire::observation::{DIRECTIONS, MAP_HEIGHT, MAP_WIDTH, NO_ROOM, Position, TILES};
use wire::ring::Snapshot;

/// Where the game puts the object of a dungeon.
pub const DUNGEON_ADDRESS: u32 = 0x0200_3AF4;
/// Where the leader stands.
pub const LEADER: Position = Position { x: 2, y: 2 };
/// Where the stairs are.
pub const STAIRS: Position = Position { x: 50, y: 28 };

const WORK_MEMORY: Region = Region { address: 0x0200_0000, length: 0x4_0000 };
const FAST_MEMORY: Region = Region { address: 0x0300_1B00, length: 0x100 };
const MONSTER_ROW: i16 = 2;
const ITEM_ROW: i16 = 10;
const TRAP_ROW: i16 = 16;
const LOG_TEXT: &[u8] = b"#CGTwiggle#R took 12 damage! It~27s not very effective #n\x85";

/// The snapshot, with the object of the dungeon at its usual place.
pub fn full_snapshot() -> Snapshot {
    full_snapshot_at(DUNGEON_ADDRESS)
}

/// The snapshot, with the object of the dungeon at an address of choice.
///
/// # Panics
/// When the dungeon does not fit into the work memory there.
pub fn full_snapshot_at(dungeon: u32) -> Snapshot {
    let mut snapshot = Snapshot {
        regions: vec![WORK_MEMORY, FAST_MEMORY],
        memory: vec![0; (WORK_MEMORY.length + FAST_MEMORY.length) as usize],
        ..Snapshot::default()
    };
    let start = (dungeon - WORK_MEMORY.address) as usize;
    let bytes = &mut snapshot.memory[start..start + DUNGEON_BYTES];
    fill_dungeon(bytemuck::from_bytes_mut(bytes), dungeon);
    fill_fixed(&mut snapshot, dungeon);
    snapshot
}

/// Overwrites bytes of a snapshot.
///
/// # Panics
/// When they are not in the snapshot's first region.
pub fn poke(snapshot: &mut Snapshot, address: u32, bytes: &[u8]) {
    let start = (address - snapshot.regions[0].address) as usize;
    snapshot.memory[start..start + bytes.len()].copy_from_slice(bytes);
}

fn fill_fixed(snapshot: &mut Snapshot, dungeon: u32) {
    let leader = dungeon + offset_of!(Dungeon, team_entities) as u32;
    let mut put = |address: u32, bytes: &[u8]| poke(snapshot, address, bytes);
    put(at::MODE, &1_u32.to_le_bytes());
    put(at::DUNGEON, &dungeon.to_le_bytes());
    put(at::FLOOR_RUNS, &[1]);
    put(at::LEADER, &leader.to_le_bytes());
    put(at::LEADER_TILE, bytemuck::bytes_of(&point(LEADER)));
    put(at::BAG_POINTER, &at::BAG.to_le_bytes());
    put(at::KEYS_SEEN, &0x0010_u16.to_le_bytes());
    let mut bag = Bag::zeroed();
    for (slot, item) in bag.items.iter_mut().enumerate() {
        *item = held_item(55 + slot as u8);
    }
    bag.money = Word::of(12_345);
    bag.bank = Word::of(9_999_999);
    put(at::BAG, bytemuck::bytes_of(&bag));
}

fn fill_dungeon(dungeon: &mut Dungeon, address: u32) {
    dungeon.awaits_command = 1;
    dungeon.frames_waited = Half::of(1);
    dungeon.id = 3;
    dungeon.floor = 7;
    dungeon.floors_and_one = 11;
    dungeon.turns_left = Half::of(987);
    dungeon.weather = 4;
    dungeon.stairs = point(STAIRS);
    dungeon.log_next = Half::of(0);
    let newest = &mut dungeon.log[layout::LOG_LINES - 1];
    newest.used = 1;
    newest.text[..LOG_TEXT.len()].copy_from_slice(LOG_TEXT);
    fill_map(dungeon);
    fill_tables(dungeon, address);
    fill_monsters(dungeon, address);
    fill_objects(dungeon, address);
}

/// One room fills the map but for a wall around it.
fn fill_map(dungeon: &mut Dungeon) {
    let inside =
        |place: Position| (1..MAP_WIDTH as i16 - 1).contains(&place.x) && (1..MAP_HEIGHT as i16 - 1).contains(&place.y);
    for index in 0..TILES {
        let place = Position { x: (index % MAP_WIDTH) as i16, y: (index / MAP_WIDTH) as i16 };
        let steps = DIRECTIONS.into_iter().filter(|direction| inside(place) && inside(place.step(*direction)));
        let tile = &mut dungeon.tiles[index];
        tile.terrain = Half::of(i16::from(inside(place)) | if place == STAIRS { 0x0200 } else { 0 });
        tile.knowledge = Half::of(3);
        tile.room = if inside(place) { 0 } else { NO_ROOM };
        tile.walkable = steps.fold(0, |steps, direction| steps | 1 << direction as u8);
    }
    let room = &mut dungeon.rooms[0];
    room.exists = 1;
    room.first_x = Half::of(1);
    room.first_y = Half::of(1);
    room.end_x = Half::of(MAP_WIDTH as i16 - 1);
    room.end_y = Half::of(MAP_HEIGHT as i16 - 1);
}

fn fill_tables(dungeon: &mut Dungeon, address: u32) {
    let fill = |table: &mut [Word], target: usize, stride: usize| {
        for (index, pointer) in table.iter_mut().enumerate() {
            *pointer = Word::of(address + (target + index * stride) as u32);
        }
    };
    fill(&mut dungeon.team_pointers, offset_of!(Dungeon, team_entities), size_of::<Entity>());
    fill(&mut dungeon.wild_pointers, offset_of!(Dungeon, wild_entities), size_of::<Entity>());
    fill(&mut dungeon.item_pointers, offset_of!(Dungeon, item_entities), size_of::<Entity>());
    fill(&mut dungeon.trap_pointers, offset_of!(Dungeon, trap_entities), size_of::<Entity>());
    fill(&mut dungeon.tile_pointers, offset_of!(Dungeon, tiles), size_of::<TileData>());
    fill(&mut dungeon.active, offset_of!(Dungeon, team_entities), size_of::<Entity>());
}

fn fill_monsters(dungeon: &mut Dungeon, address: u32) {
    for slot in 0..TEAM + WILD {
        let is_team = slot < TEAM;
        let place = Position { x: LEADER.x + 2 * slot as i16, y: MONSTER_ROW };
        let entity_at = offset_of!(Dungeon, team_entities) + slot * size_of::<Entity>();
        let data_at = offset_of!(Dungeon, team) + slot * size_of::<MonsterData>();
        let (entity, data) = match slot.checked_sub(TEAM) {
            None => (&mut dungeon.team_entities[slot], &mut dungeon.team[slot]),
            Some(slot) => (&mut dungeon.wild_entities[slot], &mut dungeon.wild[slot]),
        };
        *entity = thing(kind::MONSTER, place, address + data_at as u32);
        entity.spawn_id = Half::of(10 + slot as i16);
        data.species = Half::of(1 + slot as i16);
        data.level = 5 + slot as u8;
        data.is_foe = u8::from(!is_team);
        data.is_leader = u8::from(slot == 0);
        data.hp = Half::of(20 + slot as i16);
        data.hp_max = Half::of(40);
        data.stages = [Half::of(10); 6];
        data.direction = slot as u8 % 8;
        data.belly = Half::of(55);
        data.belly_thousandths = Half::of(100);
        data.belly_max = Half::of(100);
        data.experience = Word::of(1000);
        if let Some(index) = place.index() {
            dungeon.tiles[index].monster = Word::of(address + entity_at as u32);
        }
    }
}

fn fill_objects(dungeon: &mut Dungeon, address: u32) {
    let spread = |first_row: i16, index: usize| Position { x: 2 + index as i16 % 32, y: first_row + index as i16 / 32 };
    for index in 0..OBJECTS {
        let place = spread(ITEM_ROW, index);
        let entity_at = offset_of!(Dungeon, item_entities) + index * size_of::<Entity>();
        let data_at = offset_of!(Dungeon, items) + index * size_of::<Item>();
        dungeon.item_entities[index] = thing(kind::ITEM, place, address + data_at as u32);
        dungeon.items[index] = held_item(1 + index as u8);
        let tile = place.index().map(|tile| &mut dungeon.tiles[tile]);
        tile.into_iter().for_each(|tile| tile.object = Word::of(address + entity_at as u32));

        let place = spread(TRAP_ROW, index);
        let entity_at = offset_of!(Dungeon, trap_entities) + index * size_of::<Entity>();
        let data_at = offset_of!(Dungeon, traps) + index * size_of::<layout::TrapData>();
        dungeon.trap_entities[index] = thing(kind::TRAP, place, address + data_at as u32);
        dungeon.traps[index].kind = index as u8 % 20;
        let tile = place.index().map(|tile| &mut dungeon.tiles[tile]);
        tile.into_iter().for_each(|tile| tile.object = Word::of(address + entity_at as u32));
    }
}

fn thing(kind: u32, place: Position, data: u32) -> Entity {
    let mut entity = Entity::zeroed();
    entity.kind = Word::of(kind);
    entity.position = point(place);
    entity.is_visible = 1;
    entity.data = Word::of(data);
    entity
}

fn held_item(id: u8) -> Item {
    let mut item = Item::zeroed();
    item.flags = layout::item_flag::EXISTS;
    item.id = id;
    item
}

fn point(place: Position) -> Point {
    Point { x: Half::of(place.x), y: Half::of(place.y) }
}

const _: () = assert!(BAG == 20 && DUNGEON_BYTES == 0x1CEDC);
