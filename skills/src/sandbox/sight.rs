//! The table that `observe()` gives: plain values at once, lists when they are first asked for.

use super::context::Context;
use super::given::{Problem, wrong};
use super::world::World;
use crate::names::hint;
use mlua::{Function, Lua, MultiValue, Table, Value};
use std::rc::Rc;
use wire::items::{Use, use_of};
use wire::observation::{MenuKind, Meter, Monster, Position, Screen};
use wire::skill::facts::screen_name;
use wire::ways::can_strike;

/// Fields of an observation that may be missing.
pub const OPTIONAL: [&str; 3] = ["stairs", "menu", "dialogue"];
/// Fields that are built when they are asked for.
pub const LISTS: [&str; 6] = ["foes", "strangers", "allies", "items", "traps", "bag"];
/// Fields that are there at once.
pub const PLAIN: [&str; 28] = [
    "frame",
    "screen",
    "phase",
    "dungeon",
    "floor",
    "last_floor",
    "turns",
    "turns_left",
    "weather",
    "money",
    "belly",
    "max_belly",
    "experience",
    "hp",
    "max_hp",
    "level",
    "x",
    "y",
    "facing",
    "can_act",
    "is_turning",
    "is_ailing",
    "is_confused",
    "message",
    "fruitless",
    "unproductive",
    "hurrying",
    "hardest_hit",
];

/// The current turn's observation; the same table as long as the turn is the same.
pub fn observe(lua: &Lua, context: &Context, wrap: &Function) -> Result<MultiValue, Problem> {
    if let Some(table) = context.observed.borrow().as_ref() {
        return Ok(MultiValue::from_iter([Value::Table(table.clone())]));
    }
    let world = context.world();
    let fields = unhindered(lua, || plain(lua, &world))?;
    let table = frozen(wrap.call((fields, world.serial as f64))?);
    context.observed.replace(Some(table.clone()));
    Ok(MultiValue::from_iter([Value::Table(table)]))
}

/// A field that is not there at once.
pub fn part(lua: &Lua, context: &Rc<Context>, serial: f64, name: &Value) -> Result<MultiValue, Problem> {
    let Some(name) = name.as_string().map(|name| name.to_string_lossy()) else {
        return wrong(format!("an observation has names, not {}", super::given::describe(name)));
    };
    let is_known = OPTIONAL.contains(&name.as_str()) || LISTS.contains(&name.as_str());
    if !is_known {
        let known = PLAIN.into_iter().chain(LISTS).chain(OPTIONAL);
        return wrong(format!("an observation has no field \"{}\"{}", super::given::short(&name), hint(&name, known)));
    }
    let Some(world) = context.world_of(serial as u64) else {
        return wrong(format!("{name} of this observation was not read in time; call observe() anew"));
    };
    let value = unhindered(lua, || list_of(lua, &world, &name))?;
    Ok(MultiValue::from_iter([value.map_or(Value::Nil, Value::Table)]))
}

/// Builds something small and bounded while the machine's memory is not limited: a machine that may run out of memory at any
/// moment secures every single step, which costs many times what the step does. What is built counts afterwards.
fn unhindered<T>(lua: &Lua, build: impl FnOnce() -> mlua::Result<T>) -> mlua::Result<T> {
    let limit = lua.set_memory_limit(0)?;
    let built = build();
    lua.set_memory_limit(limit)?;
    built
}

fn list_of(lua: &Lua, world: &World, name: &str) -> mlua::Result<Option<Table>> {
    Ok(match name {
        "stairs" => world.observation.stairs.map(|place| at(lua, place)).transpose()?.map(frozen),
        "menu" => menu(lua, world)?,
        "dialogue" => dialogue(lua, world)?,
        "items" => Some(items(lua, world)?),
        "traps" => Some(traps(lua, world)?),
        "bag" => Some(bag(lua, world)?),
        kind => Some(monsters(lua, world, kind)?),
    })
}

fn plain(lua: &Lua, world: &World) -> mlua::Result<Table> {
    let seen = &world.observation;
    let leader = seen.leader().copied().unwrap_or_default();
    let Meter { value: hp, max: max_hp } = leader.hp.unwrap_or_default();
    let table = lua.create_table_with_capacity(0, 32)?;
    table.raw_set("frame", seen.frame as f64)?;
    table.raw_set("screen", screen_name(seen.screen))?;
    table.raw_set("phase", world.bearings.phase.name())?;
    table.raw_set("dungeon", seen.dungeon)?;
    table.raw_set("floor", seen.floor)?;
    table.raw_set("last_floor", seen.last_floor)?;
    table.raw_set("turns", seen.turns as f64)?;
    table.raw_set("turns_left", seen.turns_left)?;
    table.raw_set("weather", seen.weather)?;
    table.raw_set("money", seen.money)?;
    table.raw_set("belly", seen.belly.value)?;
    table.raw_set("max_belly", seen.belly.max)?;
    table.raw_set("experience", seen.experience)?;
    table.raw_set("hp", hp)?;
    table.raw_set("max_hp", max_hp)?;
    table.raw_set("level", leader.level)?;
    table.raw_set("x", leader.position.x)?;
    table.raw_set("y", leader.position.y)?;
    table.raw_set("facing", leader.direction.name())?;
    table.raw_set("can_act", seen.leader().is_some_and(|leader| !leader.is_incapacitated))?;
    table.raw_set("is_turning", seen.is_turning)?;
    table.raw_set("is_ailing", leader.is_ailing)?;
    table.raw_set("is_confused", leader.is_confused)?;
    table.raw_set("message", seen.message.as_str())?;
    table.raw_set("fruitless", world.bearings.fruitless)?;
    table.raw_set("unproductive", world.bearings.unproductive)?;
    table.raw_set("hurrying", world.bearings.is_hurrying)?;
    table.raw_set("hardest_hit", world.bearings.hardest_hit)?;
    Ok(table)
}

fn frozen(table: Table) -> Table {
    table.set_readonly(true);
    table
}

fn at(lua: &Lua, place: Position) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 8)?;
    table.raw_set("x", place.x)?;
    table.raw_set("y", place.y)?;
    Ok(table)
}

fn list(lua: &Lua, entries: Vec<Table>) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(entries.len(), 0)?;
    for entry in entries {
        table.raw_push(frozen(entry))?;
    }
    Ok(frozen(table))
}

fn monsters(lua: &Lua, world: &World, kind: &str) -> mlua::Result<Table> {
    let seen = &world.observation;
    let here = world.here().unwrap_or_default();
    let belongs = |other: &&Monster| match kind {
        "foes" => !other.is_team && !other.is_neutral,
        "strangers" => other.is_neutral,
        _ => other.is_team && !other.is_leader,
    };
    let mut chosen: Vec<&Monster> = seen.monsters.iter().filter(belongs).collect();
    chosen.sort_by_key(|other| (other.position.distance(here), other.slot));
    let mut entries = Vec::with_capacity(chosen.len());
    for other in chosen {
        let table = lua.create_table_with_capacity(0, 16)?;
        table.raw_set("slot", other.slot)?;
        table.raw_set("id", other.spawn_id)?;
        table.raw_set("species", other.species)?;
        table.raw_set("level", other.level)?;
        table.raw_set("x", other.position.x)?;
        table.raw_set("y", other.position.y)?;
        table.raw_set("facing", other.direction.name())?;
        table.raw_set("distance", other.position.distance(here))?;
        table.raw_set("is_asleep", other.is_incapacitated)?;
        table.raw_set("is_adjacent", world.here().is_some_and(|here| can_strike(seen, here, other.position)))?;
        table.raw_set("is_confused", other.is_confused)?;
        table.raw_set("is_ailing", other.is_ailing)?;
        if let Some(hp) = other.hp {
            table.raw_set("hp", hp.value)?;
            table.raw_set("max_hp", hp.max)?;
        }
        entries.push(table);
    }
    list(lua, entries)
}

/// What an item is good for, in the words of scripts.
pub fn use_name(good_for: Use) -> &'static str {
    match good_for {
        Use::Missile => "missile",
        Use::Heal => "heal",
        Use::Cure => "cure",
        Use::Revive => "revive",
        Use::Strengthen => "strengthen",
        Use::Disable => "disable",
        Use::Escape => "escape",
        Use::Burn => "burn",
        Use::Food(_) => "food",
        Use::Light => "light",
        Use::Money => "money",
        Use::Other => "other",
    }
}

fn items(lua: &Lua, world: &World) -> mlua::Result<Table> {
    let mut entries = Vec::with_capacity(world.observation.items.len());
    for item in &world.observation.items {
        let table = at(lua, item.position)?;
        table.raw_set("item", item.item)?;
        table.raw_set("quantity", item.quantity)?;
        table.raw_set("in_shop", item.in_shop)?;
        table.raw_set("use", use_name(use_of(item.item)))?;
        entries.push(table);
    }
    list(lua, entries)
}

fn traps(lua: &Lua, world: &World) -> mlua::Result<Table> {
    let mut entries = Vec::with_capacity(world.observation.traps.len());
    for trap in &world.observation.traps {
        let table = at(lua, trap.position)?;
        table.raw_set("kind", trap.kind)?;
        entries.push(table);
    }
    list(lua, entries)
}

fn bag(lua: &Lua, world: &World) -> mlua::Result<Table> {
    let mut entries = Vec::with_capacity(world.observation.bag.len());
    for item in &world.observation.bag {
        let table = lua.create_table_with_capacity(0, 8)?;
        let good_for = use_of(item.item);
        table.raw_set("slot", item.slot)?;
        table.raw_set("item", item.item)?;
        table.raw_set("quantity", item.quantity)?;
        table.raw_set("use", use_name(good_for))?;
        if let Use::Food(filling) = good_for {
            table.raw_set("filling", filling)?;
        }
        table.raw_set("is_sticky", item.sticky)?;
        table.raw_set("is_set", item.set)?;
        entries.push(table);
    }
    list(lua, entries)
}

fn menu(lua: &Lua, world: &World) -> mlua::Result<Option<Table>> {
    let Screen::Menu(kind) = world.observation.screen else { return Ok(None) };
    let menu = &world.observation.menu;
    let table = lua.create_table_with_capacity(0, 8)?;
    let kind = match kind {
        MenuKind::Main => "main",
        MenuKind::List => "list",
        MenuKind::Log => "log",
        MenuKind::Naming => "naming",
    };
    table.raw_set("kind", kind)?;
    table.raw_set("cursor", menu.cursor)?;
    table.raw_set("page", menu.page)?;
    table.raw_set("entries_per_page", menu.entries_per_page)?;
    let mut actions = Vec::with_capacity(menu.actions.len());
    for entry in &menu.actions {
        let table = lua.create_table_with_capacity(0, 2)?;
        table.raw_set("action", entry.action)?;
        table.raw_set("selectable", entry.selectable)?;
        actions.push(table);
    }
    table.raw_set("actions", list(lua, actions)?)?;
    Ok(Some(frozen(table)))
}

fn dialogue(lua: &Lua, world: &World) -> mlua::Result<Option<Table>> {
    let observation = &world.observation;
    if !matches!(observation.screen, Screen::Dialogue | Screen::Choice | Screen::Printing) {
        return Ok(None);
    }
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("text", observation.dialogue.text.as_str())?;
    table.raw_set("cursor", observation.dialogue.cursor)?;
    Ok(Some(frozen(table)))
}
