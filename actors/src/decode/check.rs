//! The validity checks: a snapshot that fails one is not of this layout, or was taken in the middle of a change.
//!
//! What a turn in progress may upset for a moment (who stands on a tile, hit points below zero, where the leader is) is
//! checked only while the game awaits a command; everything else always.

use super::layout::{
    self, Bag, Dungeon, Entity, Half, MonsterData, OBJECTS, Point, TEAM, TileData, WILD, Word, at, kind,
};
use super::pmd_red::{Floor, exists, position, view, word};
use super::{DecodeError, Expected};
use std::mem::offset_of;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH};
use wire::ring::Snapshot;

const TERRAIN_STAIRS: u16 = 0x0200;
/// A tile that does not exist.
const NOWHERE: (i16, i16) = (-1, -1);
/// How far hit points may be below zero while a monster faints.
const HP_MIN_IN_MOTION: i64 = -999;

fn expect(check: &'static str, address: u32, expected: Expected, found: i64) -> Result<(), DecodeError> {
    let holds = match expected {
        Expected::Exactly(value) => found == value,
        Expected::Between(low, high) => (low..=high).contains(&found),
        Expected::Either(one, other) => found == one || found == other,
        Expected::That(_) => false,
    };
    if holds { Ok(()) } else { Err(DecodeError::Invalid { check, address, expected, found }) }
}

/// The pointer to the dungeon lies in the heap, and the dungeon behind it too.
pub(super) fn dungeon_pointer(pointer: u32) -> Result<(), DecodeError> {
    let range = Expected::Between(i64::from(layout::DUNGEON_FIRST), i64::from(layout::DUNGEON_LAST));
    expect("dungeon pointer is in the heap", at::DUNGEON, range, i64::from(pointer))?;
    expect("dungeon pointer is aligned", at::DUNGEON, Expected::Exactly(0), i64::from(pointer % 4))
}

/// The bag is where it belongs, its slots are used from the first on, and the numbers are possible.
pub(super) fn bag(pointer: u32, bag: &Bag) -> Result<(), DecodeError> {
    expect("bag pointer", at::BAG_POINTER, Expected::Exactly(i64::from(at::BAG)), i64::from(pointer))?;
    let used = bag.items.iter().position(|item| !exists(item)).unwrap_or(bag.items.len());
    for (slot, item) in bag.items.iter().enumerate() {
        let address = at::BAG + 4 * slot as u32;
        if slot >= used {
            expect("bag has no gap", address, Expected::Exactly(0), i64::from(exists(item)))?;
        } else {
            expect("bag item number", address + 2, Expected::Between(1, 239), i64::from(item.id))?;
        }
    }
    let offset = |offset: usize| at::BAG + offset as u32;
    let money = i64::from(bag.money.signed());
    expect("money", offset(offset_of!(Bag, money)), Expected::Between(0, 99_999), money)?;
    let bank = i64::from(bag.bank.signed());
    expect("bank", offset(offset_of!(Bag, bank)), Expected::Between(0, 9_999_999), bank)?;
    for (index, count) in bag.storage.iter().enumerate() {
        let address = offset(offset_of!(Bag, storage) + 2 * index);
        expect("storage", address, Expected::Between(0, 999), i64::from(count.get()))?;
    }
    Ok(())
}

/// A check of a running floor; the flag says whether the game rests, awaiting a command.
type OfFloor = fn(Floor<'_>, bool) -> Result<(), DecodeError>;

/// What is checked of a running floor besides its leader, in this order.
pub(super) const OF_FLOOR: [(&str, OfFloor); 10] = [
    ("the table of the team leads to its entities", |floor, _| {
        let target = (offset_of!(Dungeon, team_pointers), offset_of!(Dungeon, team_entities), size_of::<Entity>());
        table(floor, "team table", &floor.dungeon.team_pointers, target)
    }),
    ("the table of wild monsters leads to their entities", |floor, _| {
        let target = (offset_of!(Dungeon, wild_pointers), offset_of!(Dungeon, wild_entities), size_of::<Entity>());
        table(floor, "wild table", &floor.dungeon.wild_pointers, target)
    }),
    ("the table of items leads to their entities", |floor, _| {
        let target = (offset_of!(Dungeon, item_pointers), offset_of!(Dungeon, item_entities), size_of::<Entity>());
        table(floor, "item table", &floor.dungeon.item_pointers, target)
    }),
    ("the table of traps leads to their entities", |floor, _| {
        let target = (offset_of!(Dungeon, trap_pointers), offset_of!(Dungeon, trap_entities), size_of::<Entity>());
        table(floor, "trap table", &floor.dungeon.trap_pointers, target)
    }),
    ("the table of tiles leads to the tiles", |floor, _| {
        let target = (offset_of!(Dungeon, tile_pointers), offset_of!(Dungeon, tiles), size_of::<TileData>());
        table(floor, "tile table", &floor.dungeon.tile_pointers, target)
    }),
    ("dungeon and floor have possible numbers", |floor, _| place_in_dungeon(floor)),
    ("every monster is possible and on its tile", |floor, rests| {
        let mut monsters = floor.monsters().enumerate();
        monsters.try_for_each(|(slot, (entity, data))| monster(floor, slot, entity, data, rests))
    }),
    ("the list of living monsters names monsters and has no gap", |floor, _| active(floor)),
    ("every item and trap is possible and on its tile", objects),
    ("stairs are on the tile that is noted for them", |floor, _| stairs(floor)),
];

/// Checks a running floor and returns the leader's slot in the team.
pub(super) fn floor(snapshot: &Snapshot, floor: Floor<'_>) -> Result<Option<usize>, DecodeError> {
    for (_, check) in OF_FLOOR {
        check(floor, floor.rests())?;
    }
    leader(snapshot, floor)
}

impl<'a> Floor<'a> {
    /// Whether no turn is in progress.
    pub(super) fn rests(self) -> bool {
        self.dungeon.awaits_command == 1
    }

    fn at(self, offset: usize) -> u32 {
        self.address + offset as u32
    }

    fn monsters(self) -> impl Iterator<Item = (&'a Entity, &'a MonsterData)> {
        let team = self.dungeon.team_entities.iter().zip(&self.dungeon.team);
        team.chain(self.dungeon.wild_entities.iter().zip(&self.dungeon.wild))
    }

    /// Address of a monster's entity.
    fn monster_entity(self, slot: usize) -> u32 {
        // The team's entities are directly followed by the wild ones.
        self.at(offset_of!(Dungeon, team_entities) + slot * size_of::<Entity>())
    }

    /// Address of a monster's values.
    fn monster_data(self, slot: usize) -> u32 {
        self.at(offset_of!(Dungeon, team) + slot * size_of::<MonsterData>())
    }

    fn tile(self, point: &Point) -> Option<(&'a TileData, u32)> {
        let index = position(point).index()?;
        Some((&self.dungeon.tiles[index], self.at(offset_of!(Dungeon, tiles) + index * size_of::<TileData>())))
    }
}

const _: () =
    assert!(offset_of!(Dungeon, wild_entities) == offset_of!(Dungeon, team_entities) + TEAM * size_of::<Entity>());
const _: () = assert!(offset_of!(Dungeon, wild) == offset_of!(Dungeon, team) + TEAM * size_of::<MonsterData>());

/// A pointer table points into the array that it belongs to, entry by entry.
fn table(
    floor: Floor<'_>,
    check: &'static str,
    pointers: &[Word],
    (table, target, stride): (usize, usize, usize),
) -> Result<(), DecodeError> {
    let first = floor.at(target);
    match pointers.iter().enumerate().find(|(index, pointer)| pointer.get() != first + (index * stride) as u32) {
        None => Ok(()),
        Some((index, pointer)) => {
            let expected = Expected::Exactly(i64::from(first) + (index * stride) as i64);
            expect(check, floor.at(table + 4 * index), expected, i64::from(pointer.get()))
        }
    }
}

fn place_in_dungeon(floor: Floor<'_>) -> Result<(), DecodeError> {
    let dungeon = floor.dungeon;
    expect("dungeon number", floor.at(offset_of!(Dungeon, id)), Expected::Between(0, 97), i64::from(dungeon.id))?;
    let last = i64::from(dungeon.floors_and_one).saturating_sub(1).clamp(1, 99);
    expect("floor number", floor.at(offset_of!(Dungeon, floor)), Expected::Between(1, last), i64::from(dungeon.floor))
}

fn monster(floor: Floor<'_>, slot: usize, entity: &Entity, data: &MonsterData, rests: bool) -> Result<(), DecodeError> {
    let at_entity = floor.monster_entity(slot);
    let kind = i64::from(entity.kind.get());
    expect("monster entity's kind", at_entity, Expected::Either(0, i64::from(kind::MONSTER)), kind)?;
    if kind == 0 {
        return Ok(());
    }
    let at_data = floor.monster_data(slot);
    let pointer = at_entity + offset_of!(Entity, data) as u32;
    expect("monster's values", pointer, Expected::Exactly(i64::from(at_data)), i64::from(entity.data.get()))?;
    let at_position = at_entity + offset_of!(Entity, position) as u32;
    within_map("monster is on the map", at_position, &entity.position)?;
    if let Some((tile, address)) = floor.tile(&entity.position).filter(|_| rests) {
        let found = i64::from(tile.monster.get());
        let expected = Expected::Exactly(i64::from(at_entity));
        expect("monster's tile", address + offset_of!(TileData, monster) as u32, expected, found)?;
    }
    monster_values(at_data, data, rests)
}

fn monster_values(address: u32, data: &MonsterData, rests: bool) -> Result<(), DecodeError> {
    let offset = |offset: usize| address + offset as u32;
    let species = i64::from(data.species.signed());
    expect("species", offset(offset_of!(MonsterData, species)), Expected::Between(1, 423), species)?;
    expect("level", offset(offset_of!(MonsterData, level)), Expected::Between(1, 100), i64::from(data.level))?;
    let hp_max = i64::from(data.hp_max.signed());
    expect("hit points at most", offset(offset_of!(MonsterData, hp_max)), Expected::Between(1, 999), hp_max)?;
    let hp_min = if rests { 0 } else { HP_MIN_IN_MOTION };
    let hp = i64::from(data.hp.signed());
    expect("hit points", offset(offset_of!(MonsterData, hp)), Expected::Between(hp_min, hp_max), hp)?;
    let direction = i64::from(data.direction);
    expect("direction", offset(offset_of!(MonsterData, direction)), Expected::Between(0, 7), direction)?;
    for (index, stage) in data.stages.iter().enumerate() {
        let address = offset(offset_of!(MonsterData, stages) + index * size_of::<Half>());
        expect("stage", address, Expected::Between(0, 20), i64::from(stage.signed()))?;
    }
    Ok(())
}

/// The list of living monsters has no gap and names only monsters.
fn active(floor: Floor<'_>) -> Result<(), DecodeError> {
    let list = &floor.dungeon.active;
    let living = list.iter().position(|pointer| pointer.get() == 0).unwrap_or(list.len());
    let first = floor.monster_entity(0);
    for (index, pointer) in list.iter().enumerate() {
        let pointer = pointer.get();
        let address = floor.at(offset_of!(Dungeon, active) + 4 * index);
        if index >= living {
            expect("list of monsters has no gap", address, Expected::Exactly(0), i64::from(pointer))?;
            continue;
        }
        let offset = pointer.wrapping_sub(first);
        let stride = size_of::<Entity>() as u32;
        if offset % stride != 0 || offset / stride >= (TEAM + WILD) as u32 {
            let expected = Expected::That("a monster entity's address");
            return expect("list of monsters", address, expected, i64::from(pointer));
        }
    }
    Ok(())
}

fn objects(floor: Floor<'_>, rests: bool) -> Result<(), DecodeError> {
    let dungeon = floor.dungeon;
    for index in 0..OBJECTS {
        let item = (offset_of!(Dungeon, item_entities), offset_of!(Dungeon, items), i64::from(kind::ITEM));
        if object(floor, index, &dungeon.item_entities[index], item, rests)? {
            let address = floor.at(offset_of!(Dungeon, items) + 4 * index + 2);
            expect("item number", address, Expected::Between(1, 239), i64::from(dungeon.items[index].id))?;
        }
        let trap = (offset_of!(Dungeon, trap_entities), offset_of!(Dungeon, traps), i64::from(kind::TRAP));
        if object(floor, index, &dungeon.trap_entities[index], trap, rests)? {
            let address = floor.at(offset_of!(Dungeon, traps) + 4 * index);
            expect("trap number", address, Expected::Between(0, 19), i64::from(dungeon.traps[index].kind))?;
        }
    }
    Ok(())
}

/// Checks the entity of an item or a trap and says whether its slot is used.
fn object(
    floor: Floor<'_>,
    index: usize,
    entity: &Entity,
    (entities, data, kind): (usize, usize, i64),
    rests: bool,
) -> Result<bool, DecodeError> {
    let address = floor.at(entities + index * size_of::<Entity>());
    let found = i64::from(entity.kind.get());
    expect("object entity's kind", address, Expected::Either(0, kind), found)?;
    if found == 0 {
        return Ok(false);
    }
    let expected = Expected::Exactly(i64::from(floor.at(data + 4 * index)));
    let pointer = address + offset_of!(Entity, data) as u32;
    expect("object's values", pointer, expected, i64::from(entity.data.get()))?;
    within_map("object is on the map", address + offset_of!(Entity, position) as u32, &entity.position)?;
    if let Some((tile, at_tile)) = floor.tile(&entity.position).filter(|_| rests) {
        let found = i64::from(tile.object.get());
        let expected = Expected::Exactly(i64::from(address));
        expect("object's tile", at_tile + offset_of!(TileData, object) as u32, expected, found)?;
    }
    Ok(true)
}

/// Stairs are on exactly the tile that is noted for them, or nowhere.
fn stairs(floor: Floor<'_>) -> Result<(), DecodeError> {
    let dungeon = floor.dungeon;
    let noted = &dungeon.stairs;
    let noted_at = floor.at(offset_of!(Dungeon, stairs));
    if (noted.x.signed(), noted.y.signed()) != NOWHERE {
        within_map("stairs are on the map", noted_at, noted)?;
        if let Some((tile, address)) = floor.tile(noted) {
            let flag = i64::from(tile.terrain.get() & TERRAIN_STAIRS);
            expect("stairs' tile", address, Expected::Exactly(i64::from(TERRAIN_STAIRS)), flag)?;
        }
    }
    let index = position(noted).index();
    let has_stairs = |tile: &TileData| tile.terrain.get() & TERRAIN_STAIRS != 0;
    match dungeon.tiles.iter().enumerate().position(|(other, tile)| has_stairs(tile) && Some(other) != index) {
        None => Ok(()),
        Some(other) => {
            let address = floor.at(offset_of!(Dungeon, tiles) + other * size_of::<TileData>());
            let found = i64::from(dungeon.tiles[other].terrain.get());
            expect("only one tile has stairs", address, Expected::That("no stairs here"), found)
        }
    }
}

/// Exactly one member of the team leads; the game's own notes of it agree.
pub(super) fn leader(snapshot: &Snapshot, floor: Floor<'_>) -> Result<Option<usize>, DecodeError> {
    let (dungeon, rests) = (floor.dungeon, floor.rests());
    let leads =
        |slot: &usize| dungeon.team_entities[*slot].kind.get() == kind::MONSTER && dungeon.team[*slot].is_leader == 1;
    let count = (0..TEAM).filter(leads).count();
    let address = floor.monster_data(0) + offset_of!(MonsterData, is_leader) as u32;
    let expected = if rests { Expected::Exactly(1) } else { Expected::Between(0, 1) };
    expect("exactly one leader", address, expected, count as i64)?;
    let Some(slot) = (0..TEAM).find(leads).filter(|_| rests) else { return Ok((0..TEAM).find(leads)) };
    let noted = i64::from(word(snapshot, "the pointer to the leader", at::LEADER)?);
    let entity = i64::from(floor.monster_entity(slot));
    expect("leader pointer", at::LEADER, Expected::Either(0, entity), noted)?;
    let tile: &Point = view(snapshot, "the leader's tile", at::LEADER_TILE)?;
    let (x, y) = (dungeon.team_entities[slot].position.x, dungeon.team_entities[slot].position.y);
    expect("leader's tile", at::LEADER_TILE, Expected::Exactly(i64::from(x.signed())), i64::from(tile.x.signed()))?;
    expect("leader's tile", at::LEADER_TILE + 2, Expected::Exactly(i64::from(y.signed())), i64::from(tile.y.signed()))?;
    Ok(Some(slot))
}

fn within_map(check: &'static str, address: u32, point: &Point) -> Result<(), DecodeError> {
    expect(check, address, Expected::Between(0, MAP_WIDTH as i64 - 1), i64::from(point.x.signed()))?;
    expect(check, address + 2, Expected::Between(0, MAP_HEIGHT as i64 - 1), i64::from(point.y.signed()))
}
