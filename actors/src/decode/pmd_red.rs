//! The decoder of the `pmd-red` layout: finds the object of the dungeon, has everything checked, and fills the
//! observation.

use super::layout::{self, Bag, Dungeon, Entity, Item, MenuCursor, MonsterData, Point, SubmenuEntry, at};
use super::sight::Sight;
use super::{DecodeError, check, screen, text};
use bytemuck::Pod;
use wire::observation::{
    BagItem, DIRECTIONS, FloorItem, Meter, Monster, NO_ROOM, Observation, Position, Screen, TILES, Terrain, Tile, Trap,
};
use wire::ring::Snapshot;

const TERRAIN_KIND: u16 = 0x0003;
const TERRAIN_STAIRS: u16 = 0x0200;
const SEEN_AND_VISITED: u16 = 0x0003;
const VISITED: u16 = 0x0002;

/// The object of the dungeon and where it lies.
#[derive(Clone, Copy)]
pub(super) struct Floor<'a> {
    pub address: u32,
    pub dungeon: &'a Dungeon,
}

/// The bytes at an address as a struct.
pub(super) fn view<'a, T: Pod>(snapshot: &'a Snapshot, what: &'static str, address: u32) -> Result<&'a T, DecodeError> {
    let bytes = snapshot.bytes_at(address, size_of::<T>()).ok_or(DecodeError::Unmapped { what, address })?;
    // Every struct of the layout has alignment 1, so this cannot fail.
    bytemuck::try_from_bytes(bytes).map_err(|_| DecodeError::Unmapped { what, address })
}

pub(super) fn byte(snapshot: &Snapshot, what: &'static str, address: u32) -> Result<u8, DecodeError> {
    view::<[u8; 1]>(snapshot, what, address).map(|bytes| bytes[0])
}

pub(super) fn half(snapshot: &Snapshot, what: &'static str, address: u32) -> Result<i16, DecodeError> {
    view::<layout::Half>(snapshot, what, address).map(|half| half.signed())
}

pub(super) fn word(snapshot: &Snapshot, what: &'static str, address: u32) -> Result<u32, DecodeError> {
    view::<layout::Word>(snapshot, what, address).map(|word| word.get())
}

/// Checks the whole snapshot, then fills the observation.
pub(super) fn decode(snapshot: &Snapshot, is_fair: bool, into: &mut Observation) -> Result<(), DecodeError> {
    let (floor, in_dungeon) = find_floor(snapshot)?;
    let leader = floor.map(|floor| check::floor(snapshot, floor)).transpose()?.flatten();
    let bag = bag(snapshot, floor.is_some())?;
    let parts = parts(snapshot, floor, in_dungeon)?;
    fill_parts(&parts, into);
    fill_bag(bag, into);
    clear_floor(into);
    if let Some(floor) = floor {
        let sight = if is_fair { Sight::of_player(floor.dungeon, leader) } else { Sight::of_everything() };
        fill_floor(floor.dungeon, leader, &sight, into);
    }
    Ok(())
}

/// The floor, if one runs, and whether there is a dungeon at all.
pub(super) fn find_floor(snapshot: &Snapshot) -> Result<(Option<Floor<'_>>, bool), DecodeError> {
    let pointer = word(snapshot, "the pointer to the dungeon", at::DUNGEON)?;
    let runs = byte(snapshot, "the floor-runs flag", at::FLOOR_RUNS)? == 1;
    if pointer == 0 {
        return Ok((None, false));
    }
    check::dungeon_pointer(pointer)?;
    let floor = || Ok(Floor { address: pointer, dungeon: view(snapshot, "the dungeon", pointer)? });
    Ok((runs.then(floor).transpose()?, true))
}

/// Reads what lies outside the object of the dungeon and the bag.
pub(super) fn parts<'a>(
    snapshot: &'a Snapshot,
    floor: Option<Floor<'_>>,
    in_dungeon: bool,
) -> Result<Parts<'a>, DecodeError> {
    Ok(Parts {
        screen: screen::classify(snapshot, floor, in_dungeon)?,
        is_turning: floor.is_some() && byte(snapshot, "the turn-in-place flag", at::TURNS_IN_PLACE)? != 0,
        keys_seen: half(snapshot, "the keys", at::KEYS_SEEN)? as u16,
        choice_cursor: half(snapshot, "the choice's cursor", at::CHOICE_CURSOR)?,
        menu: view(snapshot, "the menu's cursor", at::MENU_CURSOR)?,
        submenu: view(snapshot, "the sub-menu", at::SUBMENU)?,
        submenu_count: word(snapshot, "the sub-menu's count", at::SUBMENU_COUNT)?,
        dialogue: view(snapshot, "the dialogue's text", at::DIALOGUE_TEXT)?,
    })
}

/// What is read outside the object of the dungeon.
pub(super) struct Parts<'a> {
    screen: Screen,
    is_turning: bool,
    keys_seen: u16,
    choice_cursor: i16,
    menu: &'a MenuCursor,
    submenu: &'a [SubmenuEntry; layout::SUBMENU],
    submenu_count: u32,
    dialogue: &'a [u8; layout::DIALOGUE_BYTES],
}

/// The bag exists once the game has set its pointer; in a dungeon it must.
pub(super) fn bag(snapshot: &Snapshot, in_dungeon: bool) -> Result<Option<&Bag>, DecodeError> {
    let pointer = word(snapshot, "the pointer to the bag", at::BAG_POINTER)?;
    if pointer == 0 && !in_dungeon {
        return Ok(None);
    }
    let bag: &Bag = view(snapshot, "the bag", at::BAG)?;
    check::bag(pointer, bag)?;
    Ok(Some(bag))
}

fn fill_parts(parts: &Parts<'_>, into: &mut Observation) {
    into.screen = parts.screen;
    into.is_turning = parts.is_turning;
    into.keys_seen = parts.keys_seen;
    into.menu.cursor = parts.menu.index.signed();
    into.menu.entries_on_page = parts.menu.entries_on_page.signed();
    into.menu.entries_per_page = parts.menu.entries_per_page.signed();
    into.menu.page = parts.menu.page.signed();
    into.menu.actions.clear();
    into.dialogue.text.clear();
    into.dialogue.cursor = 0;
    match parts.screen {
        Screen::Menu(_) => {
            let count = (parts.submenu_count as usize).min(layout::SUBMENU);
            let actions = parts.submenu[..count].iter().map(|entry| wire::observation::MenuAction {
                action: entry.action.get(),
                selectable: entry.selectable != 0,
            });
            into.menu.actions.extend(actions);
        }
        Screen::Dialogue | Screen::Choice | Screen::Printing => {
            into.dialogue.cursor = parts.choice_cursor;
            into.dialogue.text.reserve(layout::DIALOGUE_BYTES * text::GROWTH_MAX);
            text::append(parts.dialogue, &mut into.dialogue.text);
        }
        _ => {}
    }
}

fn fill_bag(bag: Option<&Bag>, into: &mut Observation) {
    into.bag.clear();
    into.money = 0;
    let Some(bag) = bag else { return };
    into.money = bag.money.signed();
    let used = bag.items.iter().enumerate().filter(|(_, item)| exists(item));
    into.bag.extend(used.map(|(slot, item)| BagItem {
        slot: slot as u8,
        item: item.id,
        quantity: item.quantity,
        sticky: item.flags & layout::item_flag::STICKY != 0,
        set: item.flags & layout::item_flag::SET != 0,
    }));
}

fn clear_floor(into: &mut Observation) {
    into.dungeon = 0;
    into.floor = 0;
    into.last_floor = 0;
    into.turns_left = 0;
    into.weather = 0;
    into.belly = Meter::default();
    into.experience = 0;
    into.leader = None;
    into.stairs = None;
    into.monsters.clear();
    into.items.clear();
    into.traps.clear();
    into.message.clear();
    into.tiles.resize(TILES, Tile::default());
}

fn fill_floor(dungeon: &Dungeon, leader: Option<usize>, sight: &Sight, into: &mut Observation) {
    into.dungeon = dungeon.id;
    into.floor = dungeon.floor;
    into.last_floor = dungeon.floors_and_one.saturating_sub(1);
    into.turns_left = dungeon.turns_left.signed();
    into.weather = dungeon.weather;
    fill_tiles(dungeon, sight, into);
    fill_stairs(dungeon, sight, into);
    fill_monsters(dungeon, leader, sight, into);
    fill_objects(dungeon, sight, into);
    let newest = (dungeon.log_next.signed().rem_euclid(layout::LOG_LINES as i16) as usize + layout::LOG_LINES - 1)
        % layout::LOG_LINES;
    let line = &dungeon.log[newest];
    if line.used != 0 {
        into.message.reserve(line.text.len() * text::GROWTH_MAX);
        text::append(&line.text, &mut into.message);
    }
    if let Some(slot) = leader {
        let data = &dungeon.team[slot];
        let thousandths = i32::from(data.belly_thousandths.signed() > 0);
        into.belly =
            Meter { value: i32::from(data.belly.signed()) + thousandths, max: i32::from(data.belly_max.signed()) };
        into.experience = data.experience.get();
    }
}

fn fill_tiles(dungeon: &Dungeon, sight: &Sight, into: &mut Observation) {
    for (index, (tile, into)) in dungeon.tiles.iter().zip(&mut into.tiles).enumerate() {
        let knowledge =
            if sight.sees_everything() { SEEN_AND_VISITED } else { tile.knowledge.get() & SEEN_AND_VISITED };
        if knowledge == 0 {
            *into = Tile { room: NO_ROOM, ..Tile::default() };
            continue;
        }
        let terrain = tile.terrain.get();
        *into = Tile {
            terrain: match terrain & TERRAIN_KIND {
                0 => Terrain::Wall,
                1 => Terrain::Floor,
                2 => Terrain::Secondary,
                _ => Terrain::Chasm,
            },
            revealed: true,
            visited: knowledge & VISITED != 0,
            stairs: terrain & TERRAIN_STAIRS != 0,
            room: if usize::from(tile.room) < layout::ROOMS { tile.room } else { NO_ROOM },
            walkable: tile.walkable & sight.known_steps(index),
        };
    }
}

fn fill_stairs(dungeon: &Dungeon, sight: &Sight, into: &mut Observation) {
    let stairs = position(&dungeon.stairs);
    if let Some(index) = stairs.index() {
        let is_known = into.tiles[index].revealed || dungeon.shows_stairs != 0 || sight.sees_everything();
        into.stairs = is_known.then_some(stairs);
    }
}

fn fill_monsters(dungeon: &Dungeon, leader: Option<usize>, sight: &Sight, into: &mut Observation) {
    let team = dungeon.team_entities.iter().zip(&dungeon.team);
    let wild = dungeon.wild_entities.iter().zip(&dungeon.wild);
    for (slot, (entity, data)) in team.chain(wild).enumerate() {
        if entity.kind.get() != layout::kind::MONSTER {
            continue;
        }
        let is_team = slot < layout::TEAM;
        let is_seen =
            entity.is_visible != 0 && (dungeon.shows_monsters != 0 || sight.reaches(position(&entity.position)));
        if !is_team && !is_seen && !sight.sees_everything() {
            continue;
        }
        if leader == Some(slot) {
            into.leader = Some(into.monsters.len());
        }
        let mut monster = monster(slot, entity, data);
        monster.is_leader = leader == Some(slot);
        if is_team || sight.sees_everything() {
            let value = i32::from(data.hp.signed()).max(0);
            monster.hp = Some(Meter { value, max: i32::from(data.hp_max.signed()) });
        }
        into.monsters.push(monster);
    }
}

fn monster(slot: usize, entity: &Entity, data: &MonsterData) -> Monster {
    let is_team = slot < layout::TEAM;
    Monster {
        slot: slot as u8,
        spawn_id: entity.spawn_id.get(),
        is_team,
        is_leader: false,
        // A peaceful shopkeeper, a client to rescue, an ally of the story.
        is_neutral: !is_team && (data.shopkeeper == 1 || matches!(data.behaviour, 1 | 2)),
        species: data.species.get(),
        level: data.level,
        position: position(&entity.position),
        direction: DIRECTIONS[usize::from(data.direction & 7)],
        hp: None,
        // Asleep, in a nightmare, napping; frozen, wrapped, petrified; paused, infatuated; charging.
        is_incapacitated: matches!(data.sleep, 1 | 3 | 5)
            || matches!(data.frozen, 1 | 3 | 4 | 6)
            || matches!(data.cringe, 3 | 7)
            || data.bide == 11,
        is_ailing: matches!(data.burn, 1..=3),
        is_confused: matches!(data.cringe, 2 | 4) || data.blinker == 1 || data.terrified != 0,
    }
}

fn fill_objects(dungeon: &Dungeon, sight: &Sight, into: &mut Observation) {
    for (entity, item) in dungeon.item_entities.iter().zip(&dungeon.items) {
        let position = position(&entity.position);
        if entity.kind.get() != layout::kind::ITEM {
            continue;
        }
        // The map keeps showing items of places that were visited.
        let is_on_map = position.index().is_some_and(|index| into.tiles[index].visited);
        if is_on_map || dungeon.shows_items != 0 || sight.reaches(position) {
            into.items.push(FloorItem {
                position,
                item: item.id,
                quantity: item.quantity,
                in_shop: item.flags & layout::item_flag::IN_SHOP != 0,
            });
        }
    }
    for (entity, trap) in dungeon.trap_entities.iter().zip(&dungeon.traps) {
        if entity.kind.get() != layout::kind::TRAP {
            continue;
        }
        let position = position(&entity.position);
        let is_revealed = position.index().is_some_and(|index| into.tiles[index].revealed);
        let is_shown = entity.is_visible != 0 || dungeon.shows_traps != 0;
        if sight.sees_everything() || (is_shown && is_revealed) {
            into.traps.push(Trap { position, kind: trap.kind });
        }
    }
}

/// Whether a slot of the bag is used.
pub(super) fn exists(item: &Item) -> bool {
    item.flags & layout::item_flag::EXISTS != 0
}

/// A place as the observation has it.
pub(super) fn position(point: &Point) -> Position {
    Position { x: point.x.signed(), y: point.y.signed() }
}
