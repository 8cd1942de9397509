//! What memory tells of a situation, as numbers: how the leader is, who and what is around it, and the shape of the place.
//!
//! A value between 0 and 1 is told by two numbers, its cosine and sine, so that how well the leader is never changes how
//! much the rest matters. What has a name and no order (species, screens, floors) is hashed onto a few signed places.

use wire::items::{Use, food, use_of};
use wire::observation::{MenuKind, Monster, Observation, Position, Screen, Terrain};
use wire::ways::can_strike;

/// Numbers that a state gives.
pub(super) const DIMENSIONS: usize = 2 * GAUGES + NAMES + FOES * FOE + ITEMS * ITEM + STAIRS + WINDOW * WINDOW;
/// Values between 0 and 1.
const GAUGES: usize = 12;
/// Places that names are hashed onto.
const NAMES: usize = 33;
/// Nearest foes that are told of, and numbers for each.
const FOES: usize = 3;
const FOE: usize = 4;
/// Nearest items that are told of, and numbers for each.
const ITEMS: usize = 2;
const ITEM: usize = 3;
/// Numbers that tell where the stairs are.
const STAIRS: usize = 4;
/// Tiles in a row and in a column of the window around the leader.
const WINDOW: usize = 9;
/// Farther away than this, in tiles, nothing matters.
const FAR: f32 = 10.0;

/// How much the parts matter, as their lengths.
mod weight {
    pub(super) const GAUGES: f32 = 0.55;
    pub(super) const NAMES: f32 = 0.45;
    pub(super) const FOES: f32 = 0.6;
    pub(super) const ITEMS: f32 = 0.2;
    pub(super) const STAIRS: f32 = 0.25;
    pub(super) const WINDOW: f32 = 0.45;
}

/// Writes the numbers of a state.
pub(super) fn write(seen: &Observation, target: &mut [f32]) {
    let (gauges, rest) = target.split_at_mut(2 * GAUGES);
    let (names, rest) = rest.split_at_mut(NAMES);
    let (foes, rest) = rest.split_at_mut(FOES * FOE);
    let (items, rest) = rest.split_at_mut(ITEMS * ITEM);
    let (stairs, window) = rest.split_at_mut(STAIRS);
    write_gauges(seen, gauges);
    write_names(seen, names);
    let Some(leader) = seen.leader() else { return };
    write_foes(seen, leader.position, foes);
    write_items(seen, leader.position, items);
    write_stairs(seen, leader.position, stairs);
    write_window(seen, leader.position, window);
}

fn write_gauges(seen: &Observation, target: &mut [f32]) {
    let leader = seen.leader();
    let hp = leader.and_then(|leader| leader.hp).unwrap_or_default();
    let awake = || foes(seen).filter(|foe| !foe.is_incapacitated);
    let here = leader.map(|leader| leader.position).unwrap_or_default();
    let carried = |wanted: Use| seen.bag.iter().filter(|item| use_of(item.item) == wanted && !item.sticky).count();
    let nearest = awake().map(|foe| f32::from(foe.position.distance(here))).fold(FAR, f32::min);
    let values: [f32; GAUGES] = [
        share(hp.value, hp.max),
        grown(hp.max as f32, 200.0),
        grown(leader.map_or(0.0, |leader| f32::from(leader.level)), 50.0),
        share(seen.belly.value, seen.belly.max),
        share(i32::from(seen.floor), i32::from(seen.last_floor.max(1))),
        share(i32::from(seen.turns_left), 1_000),
        share(seen.bag.len() as i32, 20),
        grown(food(seen) as f32, 200.0),
        grown(carried(Use::Heal) as f32, 4.0),
        grown(awake().count() as f32, 4.0),
        1.0 - nearest / FAR,
        grown(awake().filter(|foe| can_strike(seen, here, foe.position)).count() as f32, 3.0),
    ];
    let length = weight::GAUGES / (GAUGES as f32).sqrt();
    for (pair, value) in target.chunks_exact_mut(2).zip(values) {
        let (sine, cosine) = (value.clamp(0.0, 1.0) * std::f32::consts::FRAC_PI_2).sin_cos();
        (pair[0], pair[1]) = (cosine * length, sine * length);
    }
}

fn write_names(seen: &Observation, target: &mut [f32]) {
    let leader = seen.leader();
    let mut add = |kind: u32, name: u32, weight: f32| {
        let mixed =
            (kind.wrapping_mul(0x9E37_79B9) ^ name.wrapping_add(1).wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
        let sign = if mixed >> 31 == 0 { 1.0 } else { -1.0 };
        target[(mixed >> 8) as usize % NAMES] += sign * weight;
    };
    add(0, screen_number(seen.screen), 1.0);
    add(1, u32::from(seen.dungeon), 0.5);
    add(2, u32::from(seen.floor), 0.5);
    add(3, u32::from(seen.weather), 0.3);
    add(4, u32::from(seen.is_turning), 0.3);
    if let Some(leader) = leader {
        add(5, u32::from(leader.is_ailing) | u32::from(leader.is_confused) << 1, 0.5);
        add(6, u32::from(leader.is_incapacitated), 0.5);
        if let Some(foe) = nearest_foe(seen, leader.position) {
            add(7, u32::from(foe.species), 0.8);
        }
    }
    let length: f32 = target.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        target.iter_mut().for_each(|value| *value *= weight::NAMES / length);
    }
}

fn write_foes(seen: &Observation, here: Position, target: &mut [f32]) {
    let mut near: Vec<&Monster> = foes(seen).filter(|foe| f32::from(foe.position.distance(here)) < FAR).collect();
    near.sort_by_key(|foe| (foe.position.distance(here), foe.slot));
    let length = weight::FOES / (FOES as f32).sqrt();
    for (numbers, foe) in target.chunks_exact_mut(FOE).zip(near) {
        let (x, y, closeness) = bearing(here, foe.position);
        let awake = if foe.is_incapacitated { -1.0 } else { 1.0 };
        numbers.copy_from_slice(&[x, y, closeness, awake * closeness].map(|value| value * length * 0.6));
    }
}

fn write_items(seen: &Observation, here: Position, target: &mut [f32]) {
    let mut near: Vec<Position> = seen.items.iter().filter(|item| !item.in_shop).map(|item| item.position).collect();
    near.sort_by_key(|place| (place.distance(here), *place));
    let length = weight::ITEMS / (ITEMS as f32).sqrt();
    for (numbers, place) in target.chunks_exact_mut(ITEM).zip(near) {
        let (x, y, closeness) = bearing(here, place);
        numbers.copy_from_slice(&[x, y, closeness].map(|value| value * length * 0.7));
    }
}

fn write_stairs(seen: &Observation, here: Position, target: &mut [f32]) {
    let numbers = match seen.stairs {
        Some(stairs) => {
            let (x, y, closeness) = bearing(here, stairs);
            [x, y, closeness, 0.0]
        }
        None => [0.0, 0.0, 0.0, 1.0],
    };
    target.copy_from_slice(&numbers.map(|value| value * weight::STAIRS * 0.7));
}

fn write_window(seen: &Observation, here: Position, target: &mut [f32]) {
    let half = (WINDOW / 2) as i16;
    let length = weight::WINDOW / WINDOW as f32;
    for (row, numbers) in target.chunks_exact_mut(WINDOW).enumerate() {
        for (column, number) in numbers.iter_mut().enumerate() {
            let place = Position { x: here.x + column as i16 - half, y: here.y + row as i16 - half };
            *number = match seen.tile(place).map(|tile| tile.terrain) {
                Some(Terrain::Floor) => length,
                Some(Terrain::Wall | Terrain::Secondary | Terrain::Chasm) => -length,
                Some(Terrain::Unknown) | None => 0.0,
            };
        }
    }
}

/// The nearest foe in sight.
pub(crate) fn nearest_foe(seen: &Observation, here: Position) -> Option<&Monster> {
    foes(seen).min_by_key(|foe| (foe.position.distance(here), foe.slot))
}

fn foes(seen: &Observation) -> impl Iterator<Item = &Monster> {
    seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral)
}

/// Where something is: to the right, down, and how near, each from -1 to 1.
fn bearing(here: Position, there: Position) -> (f32, f32, f32) {
    let scaled = |distance: i16| (f32::from(distance) / FAR).clamp(-1.0, 1.0);
    let closeness = 1.0 - (f32::from(here.distance(there)) / FAR).min(1.0);
    (scaled(there.x - here.x), scaled(there.y - here.y), closeness)
}

fn share(value: i32, max: i32) -> f32 {
    if max <= 0 { 0.0 } else { value as f32 / max as f32 }
}

/// From 0 towards 1 at `full`, the first ones counting most.
fn grown(value: f32, full: f32) -> f32 {
    (1.0 + value.max(0.0)).ln() / (1.0 + full).ln()
}

fn screen_number(screen: Screen) -> u32 {
    match screen {
        Screen::Unknown => 0,
        Screen::Title => 1,
        Screen::Transition => 2,
        Screen::Command => 3,
        Screen::Motion => 4,
        Screen::Menu(MenuKind::Main) => 5,
        Screen::Menu(MenuKind::List) => 6,
        Screen::Menu(MenuKind::Log) => 7,
        Screen::Menu(MenuKind::Naming) => 8,
        Screen::FloorMap => 9,
        Screen::Dialogue => 10,
        Screen::Choice => 11,
        Screen::Printing => 12,
        Screen::Ground => 13,
        Screen::Elsewhere => 14,
    }
}
