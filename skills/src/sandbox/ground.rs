//! The natives of `map` and `path`.

use super::context::Context;
use super::given::{Given, Problem, answer};
use super::world::World;
use mlua::{IntoLua, Lua, MultiValue, Table, Value};
use std::rc::Rc;
use wire::observation::{NO_ROOM, Position, Terrain};
use wire::ways::{Reach, UNREACHED, can_strike, line, nearest_frontier, open_sides};

type Query = fn(&Lua, &World, MultiValue) -> Result<MultiValue, Problem>;

/// Functions of `map`.
pub const MAP: [(&str, Query); 8] = [
    ("tile", tile),
    ("can_step", can_step),
    ("can_strike", strike),
    ("open_sides", sides),
    ("line", straight),
    ("direction", direction),
    ("neighbour", neighbour),
    ("distance", steps),
];

/// Functions of `path`.
pub const PATH: [(&str, Query); 5] =
    [("to", to), ("distance", path_distance), ("unknown", unknown), ("striking_place", striking_place), ("near", near)];

/// A table of these functions.
pub fn library(lua: &Lua, context: &Rc<Context>, queries: &[(&'static str, Query)]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, query) in queries {
        let (context, query) = (context.clone(), *query);
        let function =
            lua.create_function(move |lua, values: MultiValue| answer(lua, query(lua, &context.world(), values)))?;
        table.raw_set(*name, function)?;
    }
    Ok(table)
}

fn one(lua: &Lua, value: impl IntoLua) -> Result<MultiValue, Problem> {
    Ok(MultiValue::from_iter([value.into_lua(lua)?]))
}

fn nothing() -> Result<MultiValue, Problem> {
    Ok(MultiValue::from_iter([Value::Nil]))
}

fn tile(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.tile", values, 2)?;
    let Some(tile) = world.observation.tile(given.place(0)?) else { return nothing() };
    let terrain = match tile.terrain {
        Terrain::Unknown => "unknown",
        Terrain::Wall => "wall",
        Terrain::Floor => "floor",
        Terrain::Secondary => "water",
        Terrain::Chasm => "chasm",
    };
    let table = lua.create_table_with_capacity(0, 8)?;
    table.raw_set("terrain", terrain)?;
    table.raw_set("is_revealed", tile.revealed)?;
    table.raw_set("is_visited", tile.visited)?;
    table.raw_set("is_stairs", tile.stairs)?;
    if tile.room != NO_ROOM {
        table.raw_set("room", tile.room)?;
    }
    one(lua, table)
}

fn can_step(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.can_step", values, 3)?;
    let direction = given.direction(0)?;
    let from = if given.has(1) || given.has(2) { Some(given.place(1)?) } else { world.here() };
    one(lua, from.is_some_and(|from| world.ground().may_step(from, direction)))
}

fn strike(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.can_strike", values, 4)?;
    one(lua, can_strike(&world.observation, given.place(0)?, given.place(2)?))
}

fn sides(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.open_sides", values, 2)?;
    one(lua, open_sides(&world.observation, given.place(0)?) as u32)
}

fn straight(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.line", values, 4)?;
    match line(&world.observation, given.place(0)?, given.place(2)?) {
        Some((direction, distance)) => {
            Ok(MultiValue::from_iter([direction.name().into_lua(lua)?, distance.into_lua(lua)?]))
        }
        None => nothing(),
    }
}

fn direction(lua: &Lua, _: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.direction", values, 4)?;
    one(lua, given.place(0)?.direction_to(given.place(2)?).map(|direction| direction.name()))
}

fn neighbour(lua: &Lua, _: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.neighbour", values, 3)?;
    let place = given.place(0)?.step(given.direction(2)?);
    Ok(MultiValue::from_iter([place.x.into_lua(lua)?, place.y.into_lua(lua)?]))
}

fn steps(lua: &Lua, _: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("map.distance", values, 4)?;
    one(lua, given.place(0)?.distance(given.place(2)?))
}

/// The ways that are meant: around everything in the way, or through it.
fn reach<'a>(world: &'a World, given: &Given, index: usize) -> Result<&'a Reach, Problem> {
    let is_regardless = match given.options(index, &["regardless"])? {
        Some(options) => matches!(options.get::<Value>("regardless")?, Value::Boolean(true)),
        None => false,
    };
    Ok(if is_regardless { world.reach_regardless() } else { world.reach() })
}

fn to(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("path.to", values, 3)?;
    let place = given.place(0)?;
    let reach = reach(world, &given, 2)?;
    let Some(direction) = reach.first_step(place) else { return nothing() };
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("direction", direction.name())?;
    table.raw_set("distance", reach.distance(place))?;
    one(lua, table)
}

fn path_distance(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("path.distance", values, 4)?;
    let (from, to) = (given.place(0)?, given.place(2)?);
    let distance =
        if Some(from) == world.here() { world.reach().distance(to) } else { world.ground().reach(from).distance(to) };
    one(lua, (distance != UNREACHED).then_some(distance))
}

fn place(lua: &Lua, place: Position, distance: u16) -> Result<Table, Problem> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("x", place.x)?;
    table.raw_set("y", place.y)?;
    table.raw_set("distance", distance)?;
    Ok(table)
}

fn unknown(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("path.unknown", values, 1)?;
    let reach = reach(world, &given, 0)?;
    let Some(frontier) = nearest_frontier(&world.observation, reach) else { return nothing() };
    let Some(direction) = reach.first_step(frontier) else { return nothing() };
    let table = place(lua, frontier, reach.distance(frontier))?;
    table.raw_set("direction", direction.name())?;
    one(lua, table)
}

fn striking_place(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("path.striking_place", values, 2)?;
    let found = world.ground().striking_place(&world.observation, world.reach(), given.place(0)?);
    let Some((from, distance)) = found else { return nothing() };
    one(lua, place(lua, from, distance)?)
}

fn near(lua: &Lua, world: &World, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("path.near", values, 1)?;
    let distance_max = given.whole(0, "distance_max", 0, i64::from(UNREACHED - 1))? as u16;
    let list = lua.create_table()?;
    for (from, distance) in world.reach().places().filter(|(_, distance)| *distance <= distance_max) {
        list.raw_push(place(lua, from, distance)?)?;
    }
    one(lua, list)
}
