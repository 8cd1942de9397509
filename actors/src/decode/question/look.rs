//! How each question is answered. What cannot be read cannot be told: no memory makes these fail.

use super::{Answer, Verdict};
use crate::decode::layout::{self, DUNGEON_FIRST, DUNGEON_LAST, TEAM, at};
use wire::memory::{Place, Width};
use wire::observation::{DIRECTIONS, MAP_WIDTH, Position, TILES};
use wire::ring::Snapshot;

mod town;

pub(super) use town::{elsewhere, map_script, town_camera, town_menu};

const DUNGEON_EXPECTED: i64 = 0x0200_3AF4;
const KEYS_POLLED: u32 = 0x0203_B0BC;
/// Each pointer, where it leads, and to what.
const FIXED_POINTERS: [(u32, i64, &str); 5] = [
    (0x0203_B45C, 0x0202_F400, "team"),
    (0x0203_B460, 0x0203_89A8, "bag"),
    (0x0203_B464, 0x0203_8C10, "rescue team"),
    (0x0203_B46C, 0x0203_8C70, "options"),
    (0x0203_B47C, 0x0203_8C80, "play time"),
];
const TILE_BYTES: u32 = 0x18;
const KIND: i64 = 3;
const FLOOR: i64 = 1;
const WATER: i64 = 2;
const CHASM: i64 = 3;

pub(super) fn answer(verdict: Verdict, finding: impl Into<String>) -> Answer {
    Answer { verdict, finding: finding.into() }
}

pub(super) fn unseen(finding: impl Into<String>) -> Answer {
    answer(Verdict::Unseen, finding)
}

pub(super) fn settle(is_so: bool, finding: impl Into<String>) -> Answer {
    answer(if is_so { Verdict::Confirmed } else { Verdict::Contradicted }, finding)
}

pub(super) fn value(snapshot: &Snapshot, address: u32, width: Width) -> Option<i64> {
    Place { address, offset: None, width }.read(snapshot)
}

/// The value behind a pointer; none where the pointer is 0.
pub(super) fn behind(snapshot: &Snapshot, pointer: u32, offset: u32, width: Width) -> Option<i64> {
    Place { address: pointer, offset: Some(offset), width }.read(snapshot)
}

pub(super) fn fixed_pointers(snapshot: &Snapshot) -> Answer {
    let found = FIXED_POINTERS.map(|(pointer, ..)| value(snapshot, pointer, Width::U32).unwrap_or(0));
    let pairs = || found.iter().zip(FIXED_POINTERS);
    if let Some((found, (pointer, expected, what))) =
        pairs().find(|(found, (_, expected, _))| **found != 0 && **found != *expected)
    {
        let text = format!("0x{pointer:08X} leads to 0x{found:08X} and not to the {what} at 0x{expected:08X}");
        return settle(false, text);
    }
    let unset: Vec<&str> = pairs().filter(|(found, _)| **found == 0).map(|(_, (_, _, what))| what).collect();
    match unset.is_empty() {
        true => settle(true, "all five do"),
        false => unseen(format!("not set: {}", unset.join(", "))),
    }
}

pub(super) fn dungeon_place(snapshot: &Snapshot) -> Answer {
    match value(snapshot, at::DUNGEON, Width::U32) {
        None | Some(0) => unseen("the game is in no dungeon"),
        Some(found) if found == DUNGEON_EXPECTED => settle(true, "it does"),
        Some(found) => settle(false, format!("it lies at 0x{found:08X}, where it is found all the same")),
    }
}

pub(super) fn keys(snapshot: &Snapshot) -> Answer {
    let polled = value(snapshot, KEYS_POLLED, Width::U16).unwrap_or(0);
    let held = value(snapshot, at::KEYS_SEEN, Width::U16).unwrap_or(0);
    let finding = format!("polled 0x{polled:03X}, held 0x{held:03X}");
    // The game acts on a poll a moment after it, so the two may differ in one frame.
    if polled & held != 0 { settle(true, finding) } else { unseen(finding) }
}

pub(super) fn shown_hit_points(snapshot: &Snapshot) -> Answer {
    match hit_points(snapshot) {
        None => unseen("no floor runs"),
        Some((true, held, shown)) => settle(held == shown, format!("memory says {held}, the screen {shown}")),
        Some((false, ..)) => unseen("a turn is in progress"),
    }
}

pub(super) fn hit_points_in_motion(snapshot: &Snapshot) -> Answer {
    match hit_points(snapshot) {
        Some((false, held, shown)) if held != shown => {
            settle(true, format!("memory says {held} while the screen shows {shown}"))
        }
        Some((_, held, _)) => unseen(format!("memory and screen say {held}")),
        None => unseen("no floor runs"),
    }
}

pub(super) fn window_layout(snapshot: &Snapshot) -> Answer {
    if dungeon(snapshot).is_none() {
        return unseen("no floor runs");
    }
    match value(snapshot, at::WINDOWS, Width::S32) {
        Some(layout) => settle((0..=10).contains(&layout) || layout == 999, format!("it is {layout}")),
        None => unseen("not in this memory"),
    }
}

pub(super) fn text_box(snapshot: &Snapshot) -> Answer {
    match value(snapshot, at::DIALOGUE_STATE, Width::S32) {
        None | Some(0) => unseen("no box is open"),
        Some(state) => settle((1..=11).contains(&state), format!("it is {state}")),
    }
}

pub(super) fn walkers(snapshot: &Snapshot) -> Answer {
    let Some(tiles) = tiles(snapshot) else { return unseen("no floor runs") };
    let steps = steps(&tiles, 0);
    match steps.iter().find(|(_, kind)| *kind != FLOOR) {
        Some((from, kind)) => settle(false, format!("one from ({}, {}) leads to kind {kind}", from.x, from.y)),
        None if steps.is_empty() => unseen("no tile allows a step"),
        None => settle(true, format!("all {} steps of this floor do", steps.len())),
    }
}

pub(super) fn swimmers_and_flyers(snapshot: &Snapshot) -> Answer {
    let Some(tiles) = tiles(snapshot) else { return unseen("no floor runs") };
    for (class, allowed) in [(1, &[FLOOR, WATER][..]), (2, &[FLOOR, WATER, CHASM])] {
        if let Some((from, kind)) = steps(&tiles, class).iter().find(|(_, kind)| !allowed.contains(kind)) {
            return settle(false, format!("class {class}: one from ({}, {}) leads to kind {kind}", from.x, from.y));
        }
    }
    let count = |class: usize, special: i64| steps(&tiles, class).iter().filter(|(_, kind)| *kind == special).count();
    let (over_water, over_chasms) = (count(1, WATER), count(2, CHASM));
    let finding = format!("{over_water} steps of swimmers onto kind 2, {over_chasms} of flyers onto kind 3");
    if over_water + over_chasms > 0 { settle(true, finding) } else { unseen(finding) }
}

pub(super) fn chasm(snapshot: &Snapshot) -> Answer {
    let Some(tiles) = tiles(snapshot) else { return unseen("no floor runs") };
    let chasms: Vec<usize> = (0..TILES).filter(|index| tiles[*index].kind == CHASM).collect();
    let Some(first) = chasms.first().map(|index| place(*index)) else { return unseen("this floor has none") };
    let crosses = |class: usize| steps(&tiles, class).iter().any(|(_, kind)| *kind == CHASM);
    let finding = format!("{} tiles, the first at ({}, {})", chasms.len(), first.x, first.y);
    if crosses(0) || crosses(1) {
        settle(false, format!("{finding}; a step leads onto one"))
    } else {
        settle(true, finding)
    }
}

pub(super) fn set_item(snapshot: &Snapshot) -> Answer {
    let is_set = |slot: &u32| {
        let flags = value(snapshot, at::BAG + 4 * slot, Width::U8).unwrap_or(0);
        let wanted = i64::from(layout::item_flag::EXISTS | layout::item_flag::SET);
        flags & wanted == wanted
    };
    match (0..layout::BAG as u32).find(is_set) {
        Some(slot) => settle(true, format!("slot {slot} is")),
        None => unseen("no slot is"),
    }
}

/// Where the object of the dungeon lies, while a floor runs.
fn dungeon(snapshot: &Snapshot) -> Option<u32> {
    let pointer = value(snapshot, at::DUNGEON, Width::U32)? as u32;
    let runs = value(snapshot, at::FLOOR_RUNS, Width::U8)? == 1;
    (runs && (DUNGEON_FIRST..=DUNGEON_LAST).contains(&pointer)).then_some(pointer)
}

/// Whether the game rests, and the leader's hit points in memory and on the screen.
fn hit_points(snapshot: &Snapshot) -> Option<(bool, i64, i64)> {
    let dungeon = dungeon(snapshot)?;
    let member = |slot: u32| dungeon + 0x69C + 0x208 * slot;
    let leader = (0..TEAM as u32).find(|slot| value(snapshot, member(*slot) + 7, Width::U8) == Some(1))?;
    let rests = value(snapshot, dungeon + 0xF, Width::U8)? == 1;
    let held = value(snapshot, member(leader) + 0xE, Width::S16)?;
    Some((rests, held, value(snapshot, dungeon + 0x18226, Width::S16)?))
}

struct Tile {
    kind: i64,
    /// The directions in which a step is allowed, a bit each, to walkers, swimmers, flyers.
    steps: [i64; 3],
}

fn tiles(snapshot: &Snapshot) -> Option<Vec<Tile>> {
    let first = dungeon(snapshot)? + 0x3A18;
    let tile = |index: usize| {
        let address = first + TILE_BYTES * index as u32;
        let steps = |class: u32| value(snapshot, address + 0xA + class, Width::U8);
        let kind = value(snapshot, address, Width::U16)? & KIND;
        Some(Tile { kind, steps: [steps(0)?, steps(1)?, steps(2)?] })
    };
    (0..TILES).map(tile).collect()
}

/// The steps allowed from floor tiles: from where, and the kind of terrain that each leads to. Leaving the map is none.
fn steps(tiles: &[Tile], class: usize) -> Vec<(Position, i64)> {
    let from_floor = tiles.iter().enumerate().filter(|(_, tile)| tile.kind == FLOOR);
    let steps = from_floor.flat_map(|(index, tile)| {
        let allowed = DIRECTIONS.into_iter().filter(move |direction| tile.steps[class] >> *direction as u8 & 1 == 1);
        allowed.map(move |direction| {
            let target = place(index).step(direction).index();
            (place(index), target.map_or(-1, |target| tiles[target].kind))
        })
    });
    steps.collect()
}

fn place(index: usize) -> Position {
    Position { x: (index % MAP_WIDTH) as i16, y: (index / MAP_WIDTH) as i16 }
}
