use super::largest_floor::{DUNGEON_ADDRESS as D, LEADER, STAIRS, full_snapshot, full_snapshot_at, poke};
use super::*;
use crate::profile::Profiles;
use proptest::prelude::*;
use wire::observation::{MenuKind, NO_ROOM, Position, Screen, TILES, Terrain};

mod refusals;

const TILE: u32 = 0x18;
const TEAM_ENTITIES: u32 = D + 0x1381C;
const WILD_ENTITIES: u32 = D + 0x139EC;
const TEAM_VALUES: u32 = D + 0x69C;
const MONSTER_BYTES: u32 = 0x208;
const ENTITY_BYTES: u32 = 0x74;

fn decoder(is_fair: bool) -> Decoder {
    let profiles = Profiles::built_in();
    Decoder::new(profiles.named("pmd-red").unwrap(), is_fair)
}

fn decode_with(is_fair: bool, snapshot: &Snapshot) -> Result<Observation, DecodeError> {
    let mut observation = Observation::default();
    decoder(is_fair).decode(snapshot, &mut observation).map(|()| observation)
}

fn decode(snapshot: &Snapshot) -> Result<Observation, DecodeError> {
    decode_with(true, snapshot)
}

fn tile_at(x: u32, y: u32) -> u32 {
    D + 0x3A18 + TILE * (56 * y + x)
}

#[test]
fn largest_floor_is_reported_whole() {
    let observation = decode(&full_snapshot()).unwrap();
    assert_eq!(observation.screen, Screen::Command);
    assert_eq!((observation.dungeon, observation.floor, observation.last_floor), (3, 7, 10));
    assert_eq!((observation.turns_left, observation.weather, observation.money), (987, 4, 12_345));
    assert_eq!((observation.belly.value, observation.belly.max), (56, 100), "the game shows belly rounded up");
    assert_eq!(observation.monsters.len(), 20);
    assert_eq!((observation.items.len(), observation.traps.len(), observation.bag.len()), (64, 64, 20));
    assert_eq!(observation.message, "Twiggle took 12 damage! It's not very effective  …");
    assert_eq!(observation.keys_seen, 0x10);
    assert_eq!(observation.stairs, Some(STAIRS));
    let leader = observation.leader().unwrap();
    assert_eq!((leader.position, leader.level, leader.is_team), (LEADER, 5, true));
    assert_eq!(leader.hp.map(|hp| (hp.value, hp.max)), Some((20, 40)));
    let corner = observation.tile(Position { x: 1, y: 1 }).unwrap();
    assert_eq!((corner.terrain, corner.walkable, corner.room), (Terrain::Floor, 0b0000_0111, 0));
    assert!(observation.tile(STAIRS).unwrap().stairs);
    let wild = observation.monsters.last().unwrap();
    assert_eq!((wild.slot, wild.spawn_id, wild.is_team, wild.hp), (19, 29, false, None));
}

#[test]
fn dungeon_is_found_through_its_pointer() {
    let elsewhere = decode(&full_snapshot_at(0x0200_11D0)).unwrap();
    assert_eq!(elsewhere, decode(&full_snapshot()).unwrap());
}

#[test]
fn leader_is_found_with_and_without_the_cached_pointer() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, 0x0203_B450, &[0; 4]);
    let observation = decode(&snapshot).unwrap();
    assert_eq!(observation.leader().unwrap().slot, 0);
    // The leader was changed to the second member, and the cache not yet filled.
    poke(&mut snapshot, TEAM_VALUES + 7, &[0]);
    poke(&mut snapshot, TEAM_VALUES + MONSTER_BYTES + 7, &[1]);
    poke(&mut snapshot, 0x0202_EE0C, &4_i16.to_le_bytes());
    let observation = decode(&snapshot).unwrap();
    assert_eq!(observation.leader().unwrap().slot, 1);
    assert_eq!(observation.monsters.iter().filter(|monster| monster.is_leader).count(), 1);
}

#[test]
fn memory_that_is_not_in_the_snapshot_is_named() {
    let mut snapshot = full_snapshot();
    snapshot.regions[0].length -= 0x1_0000;
    snapshot.memory.drain(0x3_0000..0x4_0000);
    let error = decode(&snapshot).unwrap_err();
    assert_eq!(error.check(), "memory is in the snapshot");
    assert!(error.to_string().contains("0x0203"), "{error}");
}

#[test]
fn errors_name_check_address_expectation_and_finding() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, TEAM_VALUES + 9, &[101]);
    let error = decode(&snapshot).unwrap_err();
    assert_eq!(error.to_string(), "check `level` failed at 0x02004199: expected 0x1 to 0x64, found 0x65");
}

#[test]
fn turns_in_progress_are_reported_as_motion() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, D + 0xF, &[0]);
    // A monster has left its tile, another faints, and the leader's tile is not yet rewritten.
    poke(&mut snapshot, WILD_ENTITIES + 4, &[1, 0, 1, 0]);
    poke(&mut snapshot, D + 0xEBC + MONSTER_BYTES + 0xE, &(-3_i16).to_le_bytes());
    poke(&mut snapshot, 0x0202_EE0C, &[9]);
    let observation = decode(&snapshot).unwrap();
    assert_eq!(observation.screen, Screen::Motion);
    assert_eq!(observation.monsters.len(), 20);
}

#[test]
fn screens_are_told_apart() {
    let mut snapshot = full_snapshot();
    let mut screen_with = |pokes: &[(u32, &[u8])]| {
        let whole = snapshot.memory.clone();
        pokes.iter().for_each(|(address, bytes)| poke(&mut snapshot, *address, bytes));
        let observation = decode(&snapshot).unwrap();
        snapshot.memory = whole;
        observation.screen
    };
    const WINDOWS: u32 = 0x0202_EDD0;
    const DIALOGUE: u32 = 0x0202_E744;
    assert_eq!(screen_with(&[]), Screen::Command);
    assert_eq!(screen_with(&[(WINDOWS, &[3])]), Screen::Command);
    assert_eq!(screen_with(&[(WINDOWS, &[5])]), Screen::Motion);
    assert_eq!(screen_with(&[(D + 0x12, &[0])]), Screen::Motion);
    assert_eq!(screen_with(&[(D + 0xF, &[0])]), Screen::Motion);
    assert_eq!(screen_with(&[(D + 0x12, &[0]), (0x0202_F22D, &[1])]), Screen::Command, "turning in place");
    assert_eq!(screen_with(&[(D + 0x18214, &[1])]), Screen::FloorMap);
    for (layout, kind) in
        [(6, MenuKind::Main), (7, MenuKind::Main), (8, MenuKind::Naming), (9, MenuKind::Log), (10, MenuKind::List)]
    {
        assert_eq!(screen_with(&[(WINDOWS, &[layout])]), Screen::Menu(kind));
    }
    for (state, screen) in [
        (1, Screen::Printing),
        (2, Screen::Printing),
        (3, Screen::Printing),
        (4, Screen::Choice),
        (5, Screen::Printing),
        (7, Screen::Dialogue),
        (8, Screen::Dialogue),
        (9, Screen::Dialogue),
        (11, Screen::Printing),
    ] {
        assert_eq!(screen_with(&[(WINDOWS, &[2]), (DIALOGUE, &[state])]), screen, "dialogue state {state}");
    }
    let no_floor: (u32, &[u8]) = (0x0203_B40C, &[0]);
    assert_eq!(screen_with(&[no_floor]), Screen::Transition);
    assert_eq!(screen_with(&[no_floor, (DIALOGUE, &[9])]), Screen::Dialogue);
    let no_dungeon: (u32, &[u8]) = (0x0203_B418, &[0; 4]);
    assert_eq!(screen_with(&[no_dungeon]), Screen::Elsewhere);
    assert_eq!(screen_with(&[no_dungeon, (0x0203_B03C, &[0])]), Screen::Title);
    assert_eq!(screen_with(&[no_dungeon, (0x0203_B348, &[0, 0, 0, 2])]), Screen::Title);
    assert_eq!(screen_with(&[no_dungeon, (0x0203_B348, &[0, 0, 0, 2]), (DIALOGUE, &[4])]), Screen::Choice);
}

#[test]
fn the_town_is_told_by_its_characters() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, 0x0203_B418, &[0; 4]);
    let fast_memory = snapshot.regions[0].length as usize;
    snapshot.memory[fast_memory + 0x84..fast_memory + 0x88].copy_from_slice(&0x0200_2000_u32.to_le_bytes());
    assert_eq!(decode(&snapshot).unwrap().screen, Screen::Ground);
}

#[test]
fn what_is_outside_a_dungeon_leaves_nothing_of_it() {
    let mut snapshot = full_snapshot();
    let mut observation = Observation::default();
    let mut decoder = decoder(true);
    decoder.decode(&snapshot, &mut observation).unwrap();
    poke(&mut snapshot, 0x0203_B40C, &[0]);
    decoder.decode(&snapshot, &mut observation).unwrap();
    assert_eq!((observation.floor, observation.leader, observation.stairs), (0, None, None));
    assert!(observation.monsters.is_empty() && observation.items.is_empty() && observation.traps.is_empty());
}

#[test]
fn menus_and_dialogues_are_reported() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, 0x0202_EDD0, &[10]);
    poke(&mut snapshot, 0x0202_EE28, &[2, 0, 8, 0, 8, 0, 1, 0]);
    poke(&mut snapshot, 0x0202_EE44, &[0x26, 0, 0, 1, 0x39, 0, 0, 0]);
    poke(&mut snapshot, 0x0202_EE6C, &[2]);
    let menu = decode(&snapshot).unwrap().menu;
    assert_eq!((menu.cursor, menu.entries_on_page, menu.page), (2, 8, 1));
    let actions: Vec<_> = menu.actions.iter().map(|action| (action.action, action.selectable)).collect();
    assert_eq!(actions, [(0x26, true), (0x39, false)]);
    poke(&mut snapshot, 0x0202_E744, &[4]);
    poke(&mut snapshot, 0x0202_E798, b"Proceed to the next#nfloor?\0");
    poke(&mut snapshot, 0x0202_EBEC, &[1]);
    let dialogue = decode(&snapshot).unwrap().dialogue;
    assert_eq!((dialogue.text.as_str(), dialogue.cursor), ("Proceed to the next floor?", 1));
}

/// The leader stands in a corridor at (30, 20); the tiles within two of it are known.
fn corridor() -> Snapshot {
    let mut snapshot = full_snapshot();
    for index in 0..TILES as u32 {
        let (x, y) = (index % 56, index / 56);
        let near = x.abs_diff(30).max(y.abs_diff(20)) <= 2;
        poke(&mut snapshot, tile_at(x, y) + 4, &[if near { 1 } else { 0 }]);
        poke(&mut snapshot, tile_at(x, y) + 9, &[0xFF]);
    }
    poke(&mut snapshot, tile_at(2, 2) + 0x10, &[0; 4]);
    poke(&mut snapshot, tile_at(30, 20) + 0x10, &TEAM_ENTITIES.to_le_bytes());
    poke(&mut snapshot, TEAM_ENTITIES + 4, &[30, 0, 20, 0]);
    poke(&mut snapshot, 0x0202_EE0C, &[30, 0, 20, 0]);
    snapshot
}

#[test]
fn fair_observation_has_nothing_of_unknown_tiles() {
    let observation = decode(&corridor()).unwrap();
    let known = observation.tiles.iter().filter(|tile| tile.revealed).count();
    assert_eq!(known, 25);
    let unknown = observation.tiles.iter().filter(|tile| !tile.revealed);
    for tile in unknown {
        assert_eq!((tile.terrain, tile.room, tile.walkable, tile.stairs), (Terrain::Unknown, NO_ROOM, 0, false));
    }
    let steps = |x, y| observation.tile(Position { x, y }).unwrap().walkable;
    assert_eq!(steps(30, 20), 0xFF);
    assert_eq!(steps(29, 19), 0xFF);
    assert_eq!(steps(28, 18), 0b0000_0111, "a corner may be left only towards what is known");
    assert_eq!(steps(30, 18), 0b1100_0111, "not up, and not diagonally past what is not known");
    assert_eq!(observation.stairs, None);
    assert!(observation.items.is_empty() && observation.traps.is_empty());
    assert!(observation.monsters.iter().all(|monster| monster.is_team));
}

#[test]
fn monsters_and_items_are_seen_in_the_room_and_two_tiles_around() {
    let mut snapshot = corridor();
    let move_wild = |snapshot: &mut Snapshot, x: u8, y: u8| {
        let old = WILD_ENTITIES + 4;
        let at = u32::from(snapshot.bytes_at(old, 1).unwrap()[0]);
        let row = u32::from(snapshot.bytes_at(old + 2, 1).unwrap()[0]);
        poke(snapshot, tile_at(at, row) + 0x10, &[0; 4]);
        poke(snapshot, tile_at(x.into(), y.into()) + 0x10, &WILD_ENTITIES.to_le_bytes());
        poke(snapshot, old, &[x, 0, y, 0]);
        decode(snapshot).unwrap().monsters.iter().filter(|monster| !monster.is_team).count()
    };
    assert_eq!(move_wild(&mut snapshot, 32, 22), 1);
    assert_eq!(move_wild(&mut snapshot, 33, 20), 0);
    poke(&mut snapshot, D + 0x18209, &[1]);
    assert_eq!(move_wild(&mut snapshot, 32, 22), 0, "darkness");
    assert_eq!(move_wild(&mut snapshot, 31, 21), 1, "darkness");
    poke(&mut snapshot, D + 0x1820A, &[1]);
    assert_eq!(move_wild(&mut snapshot, 31, 21), 0, "blind");
    poke(&mut snapshot, D + 0x1820D, &[1]);
    assert_eq!(decode(&snapshot).unwrap().monsters.len(), 20, "an effect shows all monsters");
    poke(&mut snapshot, D + 0x1820E, &[1]);
    assert_eq!(decode(&snapshot).unwrap().items.len(), 64, "an effect shows all items");
    poke(&mut snapshot, D + 0x18211, &[1]);
    assert_eq!(decode(&snapshot).unwrap().stairs, Some(STAIRS), "an effect shows the stairs");
}

#[test]
fn rooms_are_seen_grown_by_one_tile() {
    let mut snapshot = corridor();
    poke(&mut snapshot, tile_at(30, 20) + 9, &[4]);
    // Columns 20 to 33, rows 18 to 22.
    poke(&mut snapshot, D + 0x104C4 + 4 * 0x1C, &[1, 1, 20, 0, 18, 0, 34, 0, 23, 0]);
    let item_at = |x: u32, y: u32, snapshot: &mut Snapshot| {
        let whole = snapshot.memory.clone();
        poke(snapshot, tile_at(x, y) + 0x14, &(D + 0x1412C).to_le_bytes());
        poke(snapshot, D + 0x1412C + 4, &[x as u8, 0, y as u8, 0]);
        let seen = decode(snapshot).unwrap().items.len();
        snapshot.memory = whole;
        seen
    };
    assert_eq!(item_at(20, 18, &mut snapshot), 1);
    assert_eq!(item_at(19, 23, &mut snapshot), 1);
    assert_eq!(item_at(34, 17, &mut snapshot), 1);
    assert_eq!(item_at(18, 20, &mut snapshot), 0);
    assert_eq!(item_at(35, 20, &mut snapshot), 0);
    poke(&mut snapshot, tile_at(40, 5) + 4, &[2]);
    assert_eq!(item_at(40, 5, &mut snapshot), 1, "the map keeps items of visited places");
}

#[test]
fn hidden_traps_stay_hidden() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, D + 0x15E2C + 0x20, &[0]);
    assert_eq!(decode(&snapshot).unwrap().traps.len(), 63);
    assert_eq!(decode_with(false, &snapshot).unwrap().traps.len(), 64);
    poke(&mut snapshot, D + 0x1820F, &[1]);
    assert_eq!(decode(&snapshot).unwrap().traps.len(), 64);
}

#[test]
fn without_the_filter_everything_is_reported() {
    let observation = decode_with(false, &corridor()).unwrap();
    assert_eq!((observation.monsters.len(), observation.items.len(), observation.traps.len()), (20, 64, 64));
    assert!(observation.tiles.iter().all(|tile| tile.revealed));
    assert!(observation.monsters.iter().all(|monster| monster.hp.is_some()));
    assert_eq!(observation.stairs, Some(STAIRS));
}

#[test]
fn declared_fields_are_reported_in_order_and_checked() {
    let mut snapshot = full_snapshot();
    let profiles = Profiles::built_in();
    let burrow = profiles.named("burrow").unwrap();
    let mut decoder = Decoder::new(burrow, true);
    poke(&mut snapshot, 0x0203_C038, &77_u32.to_le_bytes());
    poke(&mut snapshot, 0x0203_C03C, &1_u32.to_le_bytes());
    let mut observation = Observation::default();
    decoder.decode(&snapshot, &mut observation).unwrap();
    assert_eq!(observation.turns, 77);
    assert_eq!(burrow.field(&observation, "run_turns"), Some(77));
    assert_eq!(burrow.episode(&observation), Some(crate::profile::Episode::Playing));
    poke(&mut snapshot, 0x0203_C03C, &4_u32.to_le_bytes());
    let error = decoder.decode(&snapshot, &mut observation).unwrap_err();
    assert_eq!(error.check(), "declared field is within its range");
}

#[test]
fn built_in_turn_conditions_agree_with_the_screen() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, 0x0203_C03C, &1_u32.to_le_bytes());
    let profiles = Profiles::built_in();
    let mut turn_with = |pokes: &[(u32, &[u8])]| {
        let whole = snapshot.memory.clone();
        pokes.iter().for_each(|(address, bytes)| poke(&mut snapshot, *address, bytes));
        let held = ["burrow", "pmd-red"].map(|name| profiles.named(name).unwrap().turn.holds(&snapshot));
        let screen = decode(&snapshot).unwrap().screen;
        snapshot.memory = whole;
        let waits = matches!(
            screen,
            Screen::Command | Screen::Menu(_) | Screen::FloorMap | Screen::Dialogue | Screen::Choice | Screen::Title
        );
        assert_eq!(held, [waits, waits], "{screen:?} {pokes:x?}");
    };
    for windows in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] {
        turn_with(&[(0x0202_EDD0, &[windows])]);
        turn_with(&[(0x0202_EDD0, &[windows]), (D + 0xF, &[0])]);
    }
    for state in 0..12 {
        turn_with(&[(0x0202_E744, &[state])]);
        turn_with(&[(0x0202_E744, &[state]), (0x0203_B40C, &[0])]);
    }
    turn_with(&[(D + 0x12, &[0])]);
    turn_with(&[(D + 0x12, &[0]), (0x0202_F22D, &[1])]);
    turn_with(&[(D + 0x18214, &[1])]);
}

#[test]
fn game_over_and_completed_screens_are_turns_of_burrow() {
    let mut snapshot = full_snapshot();
    poke(&mut snapshot, 0x0203_B40C, &[0]);
    let profiles = Profiles::built_in();
    for (state, waits) in [(0, true), (1, false), (2, true), (3, true)] {
        poke(&mut snapshot, 0x0203_C03C, &[state]);
        assert_eq!(profiles.named("burrow").unwrap().turn.holds(&snapshot), waits);
    }
}

#[test]
fn every_check_is_reported_whatever_the_others_found() {
    let failed = |snapshot: &Snapshot| {
        let checks = decoder(true).examine(snapshot).into_iter();
        checks.filter(|check| matches!(check.outcome, Outcome::Failed(_))).map(|check| check.name).collect::<Vec<_>>()
    };
    let mut snapshot = full_snapshot();
    let checks = decoder(true).examine(&snapshot);
    assert_eq!(checks.len(), 15);
    assert!(checks.iter().all(|check| check.outcome == Outcome::Passed), "{checks:?}");
    poke(&mut snapshot, TEAM_VALUES + 9, &[101]);
    poke(&mut snapshot, 0x0203_89A8 + 0x260, &100_000_u32.to_le_bytes());
    assert_eq!(
        failed(&snapshot),
        ["every monster is possible and on its tile", "the bag is where it belongs and holds what it can"]
    );
    let first = decoder(true).examine(&snapshot).into_iter().find_map(|check| match check.outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    });
    assert_eq!(first, decode(&snapshot).err(), "the decoder's own error");
    snapshot.memory.fill(0);
    let idle = |check: &Check| matches!(check.outcome, Outcome::Idle(_));
    assert_eq!(decoder(true).examine(&snapshot).iter().filter(|check| idle(check)).count(), 13);
    assert_eq!(failed(&snapshot), [""; 0]);
}

/// Addresses whose content steers the decoder: damage there reaches further than anywhere else.
fn any_address() -> impl Strategy<Value = u32> {
    prop_oneof![
        0x0200_0000..0x0204_0000_u32,
        D..D + 0x1CEDC,
        D + 0x1357C..D + 0x17B2C,
        0x0203_B000..0x0203_B480_u32,
        0x0203_89A8..0x0203_8C10_u32,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_memory_makes_the_decoder_panic(seed in any::<u64>(), pokes in prop::collection::vec((any_address(), any::<u32>()), 0..64)) {
        let mut noise = full_snapshot();
        let mut state = seed | 1;
        noise.memory.iter_mut().for_each(|byte| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        });
        let _ = decode(&noise);
        poke(&mut noise, 0x0203_B418, &D.to_le_bytes());
        poke(&mut noise, 0x0203_B40C, &[1]);
        prop_assert!(decode(&noise).is_err());

        let mut damaged = full_snapshot();
        for (address, value) in pokes {
            let bytes = value.to_le_bytes();
            let length = 4.min((0x0204_0000 - address) as usize);
            poke(&mut damaged, address, &bytes[..length]);
        }
        let fails = decoder(true).examine(&damaged).iter().any(|check| matches!(check.outcome, Outcome::Failed(_)));
        prop_assert_eq!(fails, decode(&damaged).is_err(), "a snapshot decodes exactly when no check fails");
        for is_fair in [false, true] {
            if let Ok(observation) = decode_with(is_fair, &damaged) {
                prop_assert!(observation.monsters.iter().all(|monster| monster.position.index().is_some()));
                prop_assert!(observation.leader.is_none_or(|leader| leader < observation.monsters.len()));
            }
        }
    }

    #[test]
    fn no_regions_make_the_decoder_panic(first in 0_u32..0x4_0000, length in 0_u32..0x4_0000) {
        let mut snapshot = full_snapshot();
        let length = length.min(0x4_0000 - first);
        snapshot.regions = vec![wire::memory::Region { address: 0x0200_0000 + first, length }];
        let memory = snapshot.memory[first as usize..(first + length) as usize].to_vec();
        snapshot.memory = memory;
        let _ = decode(&snapshot);
    }
}
