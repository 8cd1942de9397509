//! Puts natives and the prelude into a machine.

use super::acts;
use super::context::{Context, NOTES_MAX, Wish};
use super::given::{Given, Problem, answer, describe, short, wrong};
use super::{ground, sight};
use crate::api::REMOVED;
use crate::names::hint;
use mlua::{Function, IntoLua, Lua, MultiValue, Table, Value};
use std::rc::Rc;
use std::sync::OnceLock;
use wire::items::action;
use wire::skill::Argument;
use wire::skill::arguments::complete;

/// Characters of a note.
pub const NOTE_CHARACTERS_MAX: usize = 500;

const PRELUDE: &str = include_str!("prelude.luau");

/// Installs everything; gives the functions that find a thread's line and that begin a run.
pub fn install(lua: &Lua, context: &Rc<Context>, path: &str) -> mlua::Result<(Function, Function)> {
    static BYTECODE: OnceLock<Vec<u8>> = OnceLock::new();
    let bytecode = match BYTECODE.get() {
        Some(bytecode) => bytecode,
        None => {
            let compiled = crate::script::compiler().compile(PRELUDE)?;
            BYTECODE.get_or_init(|| compiled)
        }
    };
    let globals = lua.globals();
    let natives = lua.create_table()?;
    natives.raw_set("acts", act_natives(lua, context)?)?;
    natives.raw_set("libraries", libraries(lua, context)?)?;
    natives.raw_set("actions", actions(lua)?)?;
    natives.raw_set("finish", native(lua, context, |_, context, values| finish(context, values))?)?;
    natives.raw_set("part", part(lua, context)?)?;
    natives.raw_set(
        "unknown",
        lua.create_function(|_, (library, key): (Option<String>, Value)| Ok(unknown(library, &key)))?,
    )?;
    natives.raw_set("new_global", lua.create_function(|_, key: Value| Ok(new_global(&key)))?)?;
    let removed = REMOVED.iter().map(|(name, _)| *name).chain(["_G", "_VERSION"]);
    natives.raw_set("removed", lua.create_sequence_from(removed)?)?;
    // `observe` wraps its fields by a function that the prelude makes.
    let queries = queries(lua, context)?;
    natives.raw_set("queries", &queries)?;
    let prelude = lua.load(bytecode.as_slice()).set_name("=prelude").into_function()?;
    prelude.call((natives, globals, path))
}

type Native = fn(&Lua, &Rc<Context>, MultiValue) -> Result<MultiValue, Problem>;

fn native(lua: &Lua, context: &Rc<Context>, body: Native) -> mlua::Result<Function> {
    let context = context.clone();
    lua.create_function(move |lua, values: MultiValue| answer(lua, body(lua, &context, values)))
}

fn act_natives(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for name in acts::ACTS {
        let context = context.clone();
        let prepare = lua.create_function(move |lua, values: MultiValue| {
            answer(lua, acts::prepare(&context, name, values).map(|()| MultiValue::new()))
        })?;
        table.raw_set(name, prepare)?;
    }
    table.raw_set("call", native(lua, context, |_, context, values| call(context, values))?)?;
    Ok(table)
}

fn libraries(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("map", ground::library(lua, context, &ground::MAP)?)?;
    table.raw_set("path", ground::library(lua, context, &ground::PATH)?)?;
    Ok(table)
}

fn queries(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("goal", native(lua, context, |_, context, values| goal(context, values))?)?;
    table.raw_set("note", native(lua, context, note)?)?;
    table.raw_set("random", native(lua, context, random)?)?;
    let shared = context.clone();
    let observe = move |lua: &Lua, (wrap, values): (Function, MultiValue)| {
        answer(lua, Given::new("observe", values, 0).and_then(|_| sight::observe(lua, &shared, &wrap)))
    };
    table.raw_set("observe", lua.create_function(observe)?)?;
    Ok(table)
}

fn part(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let context = context.clone();
    lua.create_function(move |lua, (serial, name): (f64, Value)| answer(lua, sight::part(lua, &context, serial, &name)))
}

fn actions(lua: &Lua) -> mlua::Result<Table> {
    let known = [
        ("eat", action::EAT),
        ("stairs", action::STAIRS),
        ("throw_straight", action::THROW_STRAIGHT),
        ("use", action::USE),
        ("throw", action::THROW),
    ];
    lua.create_table_from(known)
}

/// An argument as a script reads it.
pub fn value_of(lua: &Lua, argument: &Argument) -> mlua::Result<Value> {
    match argument {
        Argument::Truth(truth) => Ok(Value::Boolean(*truth)),
        Argument::Number(number) => Ok(Value::Number(*number)),
        Argument::Text(text) => text.as_str().into_lua(lua),
    }
}

fn finish(context: &Context, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("finish", values, 2)?;
    let outcome = given.value(0).as_string().map(|text| text.to_string_lossy());
    let is_success = match outcome.as_deref() {
        Some("success") => true,
        Some("failure") => false,
        _ => return given.refuse(0, "outcome", "\"success\" or \"failure\""),
    };
    let reason = given.text(1, "reason", acts::REASON_CHARACTERS_MAX)?;
    context.wish.replace(Some(Wish::Finish { is_success, reason }));
    context.meter.finish();
    Ok(MultiValue::new())
}

fn call(context: &Context, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("call", values, 2)?;
    let name = given.text(0, "skill", crate::names::NAME_CHARACTERS_MAX)?;
    let requires = &context.skill.manifest.requires;
    let Some(range) = requires.get(&name) else {
        let near = hint(&name, requires.keys().map(String::as_str));
        return wrong(format!("call: \"{}\" is not in [requires] of skill.toml{near}", short(&name)));
    };
    let library = context.library.borrow();
    let Some(skill) = library.skills.get(&name) else { return wrong(format!("call: there is no skill {name}")) };
    if !range.matches(&skill.manifest.version) {
        let found = &skill.manifest.version;
        return wrong(format!("call: {name} is version {found}, and [requires] asks for {range}"));
    }
    if skill.script.is_none() {
        return wrong(format!("call: {name} has no script; it is guidance for a model"));
    }
    let mut told = Vec::new();
    match given.value(1) {
        Value::Nil => {}
        Value::Table(table) => {
            for pair in table.pairs::<Value, Value>() {
                told.push(argument(pair?)?);
            }
        }
        _ => return given.refuse(1, "arguments", "a table"),
    }
    told.sort_by(|left, right| left.0.cmp(&right.0));
    let arguments =
        complete(&skill.manifest.parameters(), &told).or_else(|problem| wrong(format!("call: {name}: {problem}")))?;
    context.wish.replace(Some(Wish::Call { skill: name, arguments }));
    Ok(MultiValue::new())
}

fn argument((key, value): (Value, Value)) -> Result<(String, Argument), Problem> {
    let Some(name) = key.as_string().map(|name| name.to_string_lossy()) else {
        return wrong(format!("call: arguments are named, not {}", describe(&key)));
    };
    let argument = match &value {
        Value::Boolean(truth) => Argument::Truth(*truth),
        Value::Integer(number) => Argument::Number(*number as f64),
        Value::Number(number) => Argument::Number(*number),
        Value::String(text) => Argument::Text(text.to_string_lossy()),
        other => return wrong(format!("call: argument {} cannot be {}", short(&name), describe(other))),
    };
    Ok((name, argument))
}

fn goal(context: &Context, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("goal", values, 1)?;
    context.goal.replace(Some(given.text(0, "text", acts::REASON_CHARACTERS_MAX)?));
    Ok(MultiValue::new())
}

/// Notes beyond the allowed number are dropped: a script that notes in a loop should not fault for that.
fn note(lua: &Lua, context: &Rc<Context>, values: MultiValue) -> Result<MultiValue, Problem> {
    let mut notes = context.notes.borrow_mut();
    if notes.len() < NOTES_MAX {
        let mut text = String::new();
        for value in values {
            if !text.is_empty() {
                text.push(' ');
            }
            match lua.coerce_string(value.clone())? {
                Some(string) => text.push_str(&string.to_string_lossy()),
                None => text.push_str(&describe(&value)),
            }
            if text.len() > NOTE_CHARACTERS_MAX * 4 {
                break;
            }
        }
        notes.push(text.chars().take(NOTE_CHARACTERS_MAX).collect());
    }
    Ok(MultiValue::new())
}

fn random(lua: &Lua, context: &Rc<Context>, values: MultiValue) -> Result<MultiValue, Problem> {
    let given = Given::new("random", values, 1)?;
    let mut chance = context.chance.borrow_mut();
    let value = if given.has(0) {
        f64::from(chance.pick(given.whole(0, "n", 1, i64::from(u32::MAX))? as u32))
    } else {
        chance.fraction()
    };
    Ok(MultiValue::from_iter([value.into_lua(lua)?]))
}

fn unknown(library: Option<String>, key: &Value) -> String {
    let Some(name) = key.as_string().map(|name| name.to_string_lossy()) else {
        return format!("{} is no name", describe(key));
    };
    match library {
        Some(library) => format!("{library} has nothing called \"{}\"", short(&name)),
        None => match REMOVED.iter().find(|(removed, _)| *removed == name) {
            Some((_, why)) => format!("{name} is not available to skills: {why}"),
            None => format!("there is nothing called \"{}\"", short(&name)),
        },
    }
}

fn new_global(key: &Value) -> String {
    format!(
        "{} cannot become a global: write `local {0}`",
        key.as_string().map_or_else(|| describe(key), |name| short(&name.to_string_lossy()))
    )
}
