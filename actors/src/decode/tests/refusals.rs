//! Every validity check, broken once.

use super::{
    D, ENTITY_BYTES, MONSTER_BYTES, TEAM_ENTITIES, TEAM_VALUES, WILD_ENTITIES, decode, decoder, full_snapshot, poke,
    tile_at,
};
use crate::decode::DecodeError;
use wire::observation::Observation;

/// Breaks one thing in the largest floor and expects the check to notice it at the address of the value.
fn breaks(check: &str, address: u32, bytes: &[u8]) {
    breaks_at(check, address, address, bytes);
}

fn breaks_at(check: &str, noticed_at: u32, address: u32, bytes: &[u8]) {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, address, bytes);
    let mut observation = Observation::default();
    let before = observation.clone();
    match decoder(true).decode(&snapshot, &mut observation) {
        Err(DecodeError::Invalid { check: found, address, .. }) => {
            assert_eq!((found, address), (check, noticed_at), "{check}");
        }
        other => panic!("{check}: {other:?}"),
    }
    assert_eq!(observation, before, "{check}: a refused snapshot leaves the observation as it was");
}

#[test]
fn dungeon_pointer_outside_the_heap_is_refused() {
    breaks("dungeon pointer is in the heap", 0x0203_B418, &0x0200_11CC_u32.to_le_bytes());
    breaks("dungeon pointer is in the heap", 0x0203_B418, &0x0200_82F8_u32.to_le_bytes());
    breaks("dungeon pointer is in the heap", 0x0203_B418, &0x0800_0000_u32.to_le_bytes());
    breaks("dungeon pointer is aligned", 0x0203_B418, &(D + 2).to_le_bytes());
}

#[test]
fn tables_that_point_elsewhere_are_refused() {
    for (check, table, entries) in [
        ("team table", 0x1357C, 4),
        ("wild table", 0x1358C, 16),
        ("item table", 0x1361C, 64),
        ("trap table", 0x1371C, 64),
        ("tile table", 0xE8C0, 1792),
    ] {
        for entry in [0, entries / 2, entries - 1] {
            breaks(check, D + table + 4 * entry, &0x0200_0000_u32.to_le_bytes());
        }
    }
}

#[test]
fn impossible_places_in_the_dungeon_are_refused() {
    breaks("dungeon number", D + 0x644, &[98]);
    breaks("floor number", D + 0x645, &[0]);
    breaks("floor number", D + 0x645, &[11]);
    breaks_at("floor number", D + 0x645, D + 0x1CEC8, &[0]);
}

#[test]
fn impossible_monsters_are_refused() {
    let wild = |index: u32| (WILD_ENTITIES + ENTITY_BYTES * index, D + 0xEBC + MONSTER_BYTES * index);
    let (entity, values) = wild(5);
    breaks("monster entity's kind", entity, &[3]);
    breaks("monster's values", entity + 0x70, &[0]);
    breaks("monster is on the map", entity + 4, &56_i16.to_le_bytes());
    breaks("monster is on the map", entity + 6, &(-1_i16).to_le_bytes());
    breaks_at("monster's tile", tile_at(2, 5) + 0x10, entity + 4, &[2, 0, 5, 0]);
    breaks("species", values + 2, &0_i16.to_le_bytes());
    breaks("species", values + 2, &424_i16.to_le_bytes());
    breaks("level", values + 9, &[0]);
    breaks("level", values + 9, &[101]);
    breaks("hit points at most", values + 0x10, &1000_i16.to_le_bytes());
    breaks("hit points", values + 0xE, &41_i16.to_le_bytes());
    breaks("hit points", values + 0xE, &(-1_i16).to_le_bytes());
    breaks("direction", values + 0x46, &[8]);
    for stage in 0..6 {
        breaks("stage", values + 0x1C + 2 * stage, &21_i16.to_le_bytes());
    }
}

#[test]
fn impossible_lists_of_monsters_are_refused() {
    breaks_at("list of monsters has no gap", D + 0x135CC + 4 * 8, D + 0x135CC + 4 * 7, &[0; 4]);
    breaks("list of monsters", D + 0x135CC, &(TEAM_ENTITIES + 4).to_le_bytes());
    breaks("list of monsters", D + 0x135CC, &(TEAM_ENTITIES + 20 * ENTITY_BYTES).to_le_bytes());
    breaks("list of monsters", D + 0x135CC, &(TEAM_ENTITIES - ENTITY_BYTES).to_le_bytes());
}

#[test]
fn impossible_objects_are_refused() {
    for (entities, values, name) in [(0x1412C, 0x3804, "item"), (0x15E2C, 0x3908, "trap")] {
        let entity = D + entities + ENTITY_BYTES * 9;
        breaks("object entity's kind", entity, &[1]);
        breaks("object's values", entity + 0x70, &[0]);
        breaks("object is on the map", entity + 6, &32_i16.to_le_bytes());
        breaks_at("object's tile", tile_at(1, 1) + 0x14, entity + 4, &[1, 0, 1, 0]);
        match name {
            "item" => {
                breaks("item number", D + values + 4 * 9 + 2, &[0]);
                breaks("item number", D + values + 4 * 9 + 2, &[240]);
            }
            _ => breaks("trap number", D + values + 4 * 9, &[20]),
        }
    }
}

#[test]
fn stairs_elsewhere_than_noted_are_refused() {
    breaks("stairs are on the map", D + 0xE21C, &56_i16.to_le_bytes());
    breaks_at("stairs' tile", tile_at(51, 28), D + 0xE21C, &[51]);
    breaks("only one tile has stairs", tile_at(3, 3), &[0x01, 0x02]);
    breaks_at("only one tile has stairs", tile_at(50, 28), D + 0xE21C, &[0xFF; 4]);
}

#[test]
fn floors_without_stairs_are_reported() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, D + 0xE21C, &[0xFF; 4]);
    poke(&mut snapshot, tile_at(50, 28), &[1, 0]);
    assert_eq!(decode(&snapshot).unwrap().stairs, None);
}

#[test]
fn impossible_leaders_are_refused() {
    breaks("exactly one leader", TEAM_VALUES + 7, &[0]);
    breaks_at("exactly one leader", TEAM_VALUES + 7, TEAM_VALUES + MONSTER_BYTES + 7, &[1]);
    breaks("leader pointer", 0x0203_B450, &(TEAM_ENTITIES + ENTITY_BYTES).to_le_bytes());
    breaks("leader's tile", 0x0202_EE0C, &[9]);
    breaks("leader's tile", 0x0202_EE0E, &[9]);
}

#[test]
fn impossible_bags_are_refused() {
    breaks("bag pointer", 0x0203_B460, &[0]);
    breaks_at("bag has no gap", 0x0203_89A8 + 4 * 4, 0x0203_89A8 + 4 * 3, &[0]);
    breaks("bag item number", 0x0203_89A8 + 4 * 2 + 2, &[0]);
    breaks("bag item number", 0x0203_89A8 + 4 * 2 + 2, &[240]);
    breaks("money", 0x0203_8C08, &100_000_i32.to_le_bytes());
    breaks("bank", 0x0203_8C0C, &10_000_000_i32.to_le_bytes());
    breaks("storage", 0x0203_89F8 + 2 * 239, &1000_i16.to_le_bytes());
}
