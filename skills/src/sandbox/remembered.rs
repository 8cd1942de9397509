//! What a skill remembers from run to run: its `memory` table as JSON, and back.
//!
//! Keys are written in their order, so that the same memory is always the same text.

use super::given::short;
use mlua::{Lua, Table, Value};
use serde_json::{Map, Number, Value as Json};

/// The most that a skill may remember, in bytes of JSON.
pub const MEMORY_BYTES_MAX: usize = 16 << 10;
/// Tables within tables.
const DEPTH_MAX: usize = 16;
/// Values in all: no table of [`MEMORY_BYTES_MAX`] has more.
const VALUES_MAX: usize = MEMORY_BYTES_MAX / 2;

/// The text of a memory; empty for an empty one.
///
/// # Errors
/// What cannot be kept.
pub fn write(memory: &Table) -> Result<String, String> {
    let mut left = VALUES_MAX;
    let json = table(memory, "memory", 0, &mut left)?;
    if matches!(&json, Json::Array(list) if list.is_empty()) {
        return Ok(String::new());
    }
    let text = json.to_string();
    match text.len() {
        bytes if bytes > MEMORY_BYTES_MAX => {
            Err(format!("memory cannot be kept: it is {bytes} bytes as JSON, and {MEMORY_BYTES_MAX} are allowed"))
        }
        _ => Ok(text),
    }
}

/// The table of a text. One that is no JSON is an empty memory.
pub fn read(lua: &Lua, text: &str) -> mlua::Result<Table> {
    let json = serde_json::from_str(text).unwrap_or(Json::Null);
    match value(lua, &json)? {
        Value::Table(table) => Ok(table),
        _ => lua.create_table(),
    }
}

fn value(lua: &Lua, json: &Json) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(0.0)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(list) => {
            let table = lua.create_table_with_capacity(list.len(), 0)?;
            for entry in list {
                table.raw_push(value(lua, entry)?)?;
            }
            Value::Table(table)
        }
        Json::Object(map) => {
            let table = lua.create_table_with_capacity(0, map.len())?;
            for (key, entry) in map {
                table.raw_set(key.as_str(), value(lua, entry)?)?;
            }
            Value::Table(table)
        }
    })
}

fn table(table: &Table, path: &str, depth: usize, left: &mut usize) -> Result<Json, String> {
    if depth > DEPTH_MAX {
        return Err(format!("{path} cannot be kept: tables lie deeper than {DEPTH_MAX}, or within themselves"));
    }
    if table.has_metatable() {
        return Err(format!("{path} cannot be kept: it has a metatable"));
    }
    let length = table.raw_len();
    let mut list: Vec<(f64, Json)> = Vec::new();
    let mut map = Map::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, entry) = pair.map_err(|error| format!("{path} cannot be kept: {error}"))?;
        *left = left.checked_sub(1).ok_or_else(|| format!("memory cannot be kept: more than {VALUES_MAX} values"))?;
        match key {
            Value::String(key) => {
                let key = key.to_str().map_err(|_| format!("{path} cannot be kept: a key is not UTF-8"))?.to_string();
                let json = plain(&entry, || format!("{path}.{}", short(&key)), depth, left)?;
                map.insert(key, json);
            }
            Value::Integer(_) | Value::Number(_) => {
                let index = key.as_f64().unwrap_or(0.0);
                list.push((index, plain(&entry, || format!("{path}[{index}]"), depth, left)?));
            }
            _ => return Err(format!("{path} cannot be kept: a key is a {}", key.type_name())),
        }
    }
    list.sort_by(|left, right| left.0.total_cmp(&right.0));
    if list.iter().zip(1u32..).any(|((index, _), expected)| *index != f64::from(expected)) {
        return Err(format!("{path} cannot be kept: its keys are neither texts nor 1 to {length}"));
    }
    let list: Vec<Json> = list.into_iter().map(|(_, json)| json).collect();
    match (list.is_empty(), map.is_empty()) {
        (false, false) => Err(format!("{path} cannot be kept: it has both named and numbered entries")),
        (true, false) => Ok(Json::Object(map)),
        _ => Ok(Json::Array(list)),
    }
}

fn plain(entry: &Value, path: impl Fn() -> String, depth: usize, left: &mut usize) -> Result<Json, String> {
    match entry {
        Value::Boolean(truth) => Ok(Json::Bool(*truth)),
        Value::Integer(number) => Ok(Json::Number((*number).into())),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Ok(Json::Number((*number as i64).into()))
        }
        Value::Number(number) => Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| format!("{} cannot be kept: it is {number}", path())),
        Value::String(text) => match text.to_str() {
            Ok(text) => Ok(Json::String(text.to_string())),
            Err(_) => Err(format!("{} cannot be kept: it is not UTF-8", path())),
        },
        Value::Table(inner) => table(inner, &path(), depth + 1, left),
        other => Err(format!("{} cannot be kept: it is a {}", path(), other.type_name())),
    }
}
