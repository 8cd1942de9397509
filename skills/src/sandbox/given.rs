//! The arguments of a native, read strictly: what is wrong with one is said in words that name function and argument.

use crate::names::hint;
use mlua::{Lua, MultiValue, Table, Value};
use wire::observation::{DIRECTIONS, Direction, Position};

/// Why a native did not do what it was asked.
#[derive(Debug)]
pub enum Problem {
    /// The script's mistake, in words.
    Wrong(String),
    /// Luau's own, for example that there is no memory.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Problem {
    fn from(error: mlua::Error) -> Problem {
        Problem::Lua(error)
    }
}

/// A mistake of the script.
pub fn wrong<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Wrong(message.into()))
}

/// The arguments of one call.
pub struct Given {
    function: &'static str,
    values: MultiValue,
}

impl Given {
    /// Those of a call of this function, which takes at most `most`.
    pub fn new(function: &'static str, values: MultiValue, most: usize) -> Result<Given, Problem> {
        if values.len() > most {
            let plural = if most == 1 { "" } else { "s" };
            return wrong(format!("{function} takes {most} argument{plural}, not {}", values.len()));
        }
        Ok(Given { function, values })
    }

    /// One of them; nil when it was not given.
    pub fn value(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    /// Whether it was given and is not nil.
    pub fn has(&self, index: usize) -> bool {
        !self.value(index).is_nil()
    }

    /// A mistake in one of them.
    pub fn refuse<T>(&self, index: usize, name: &str, wanted: &str) -> Result<T, Problem> {
        let found = describe(self.value(index));
        wrong(format!("{}: argument {} ({name}) must be {wanted}, not {found}", self.function, index + 1))
    }

    /// A number.
    pub fn number(&self, index: usize, name: &str) -> Result<f64, Problem> {
        match self.value(index) {
            Value::Number(number) => Ok(*number),
            Value::Integer(number) => Ok(*number as f64),
            _ => self.refuse(index, name, "a number"),
        }
    }

    /// A whole number within bounds.
    pub fn whole(&self, index: usize, name: &str, least: i64, most: i64) -> Result<i64, Problem> {
        let wanted = || format!("a whole number from {least} to {most}");
        let Ok(number) = self.number(index, name) else { return self.refuse(index, name, &wanted()) };
        let is_whole = number.fract() == 0.0 && (least as f64..=most as f64).contains(&number);
        if is_whole { Ok(number as i64) } else { self.refuse(index, name, &wanted()) }
    }

    /// A place, which may lie outside the map.
    pub fn place(&self, index: usize) -> Result<Position, Problem> {
        let bound = i64::from(i16::MAX / 4);
        let x = self.whole(index, "x", -bound, bound)? as i16;
        let y = self.whole(index + 1, "y", -bound, bound)? as i16;
        Ok(Position { x, y })
    }

    /// A direction.
    pub fn direction(&self, index: usize) -> Result<Direction, Problem> {
        let text = self.value(index).as_string();
        let found = text.and_then(|text| DIRECTIONS.into_iter().find(|direction| text == direction.name()));
        match found {
            Some(direction) => Ok(direction),
            None => self.refuse(index, "direction", "one of \"S\" \"SE\" \"E\" \"NE\" \"N\" \"NW\" \"W\" \"SW\""),
        }
    }

    /// A text that is not empty, cut to so many characters.
    pub fn text(&self, index: usize, name: &str, characters_max: usize) -> Result<String, Problem> {
        let Value::String(text) = self.value(index) else { return self.refuse(index, name, "a text") };
        let bytes = text.as_bytes();
        let short = &bytes[..bytes.len().min(characters_max * 4)];
        let text: String = String::from_utf8_lossy(short).chars().take(characters_max).collect();
        if text.trim().is_empty() { self.refuse(index, name, "a text that says something") } else { Ok(text) }
    }

    /// A table of options, if one was given; no other keys than these.
    pub fn options(&self, index: usize, known: &[&str]) -> Result<Option<Table>, Problem> {
        let table = match self.value(index) {
            Value::Nil => return Ok(None),
            Value::Table(table) => table.clone(),
            _ => return self.refuse(index, "options", "a table"),
        };
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            let name = key.as_string().map(|name| name.to_string_lossy());
            match name {
                Some(name) if known.contains(&name.as_str()) => {}
                Some(name) => {
                    let near = hint(&name, known.iter().copied());
                    return wrong(format!("{} has no option \"{}\"{near}", self.function, short(&name)));
                }
                None => return wrong(format!("{}: options are named, not {}", self.function, describe(&key))),
            }
        }
        Ok(Some(table))
    }
}

/// A value in a few words.
pub fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", short(&text.to_string_lossy())),
        Value::Number(number) => number.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Nil => "nil".to_string(),
        other => format!("a {}", other.type_name()),
    }
}

/// The beginning of a text, on one line.
pub fn short(text: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    let mut cut: String = text.chars().take(CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        cut.push('…');
    }
    cut
}

/// What a native gives back: nothing wrong, and its results; or what is wrong.
pub fn answer(lua: &Lua, result: Result<MultiValue, Problem>) -> mlua::Result<MultiValue> {
    match result {
        Ok(mut values) => {
            values.push_front(Value::Nil);
            Ok(values)
        }
        Err(Problem::Wrong(message)) => Ok(MultiValue::from_iter([Value::String(lua.create_string(message)?)])),
        Err(Problem::Lua(error)) => Err(error),
    }
}
