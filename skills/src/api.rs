//! What scripts can use, in one table: the checker reads it, and the definitions for editors and the reference for people
//! are made of it. That it agrees with what a machine really offers is a test.

pub mod fields;
mod functions;
mod standard;
mod written;

pub use fields::{FIELDS, Field, Record, TYPES};
pub use functions::FUNCTIONS;
pub use standard::{LIBRARIES, REMOVED, STANDARD};
pub use written::{definitions, reference};

/// A function of the API.
#[derive(Debug)]
pub struct Function {
    /// Its name; with that of its library where it is in one.
    pub name: &'static str,
    /// Parameters and results in Luau's types: `(x: number, y: number) -> Tile?`.
    pub signature: &'static str,
    /// What it does, for a person.
    pub meaning: &'static str,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; `...` for any number of values.
    pub name: &'static str,
    /// Its type without `?`.
    pub kind: &'static str,
    /// Whether it can be left out.
    pub is_optional: bool,
}

/// A value of the API that is no function.
#[derive(Debug)]
pub struct Constant {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// What it is, for a person.
    pub meaning: &'static str,
}

/// Values that are no functions.
pub const CONSTANTS: [Constant; 2] = [
    Constant {
        name: "ACTION",
        kind: "{ eat: number, stairs: number, throw_straight: number, use: number, throw: number }",
        meaning: "The game's numbers for what an item's menu offers, as in `menu.actions`.",
    },
    Constant {
        name: "memory",
        kind: "{ [any]: any }",
        meaning: "What the skill remembers from run to run: plain data, at most 16 KiB as JSON. Kept when a run ends.",
    },
];

/// Members of `ACTION`.
const ACTIONS: [&str; 5] = ["eat", "stairs", "throw_straight", "use", "throw"];

impl Function {
    /// Its parameters, in order.
    pub fn parameters(&self) -> Vec<Parameter> {
        let inner =
            self.signature.strip_prefix('(').and_then(|rest| rest.split_once(") ->")).map_or("", |(inner, _)| inner);
        let parts = inner.split(", ").filter(|part| !part.is_empty());
        parts
            .filter_map(|part| part.split_once(": "))
            .map(|(name, kind)| Parameter { name, kind: kind.trim_end_matches('?'), is_optional: kind.ends_with('?') })
            .collect()
    }
}

impl std::fmt::Display for Function {
    /// `step(direction: Direction, reason: string) -> string`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", self.name, self.signature)
    }
}

/// A function by its name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Every global that a script has.
pub fn globals<'a>() -> impl Iterator<Item = &'a str> {
    let functions = FUNCTIONS.iter().map(|function| function.name.split('.').next().unwrap_or_default());
    let constants = CONSTANTS.iter().map(|constant| constant.name);
    functions.chain(constants).chain(STANDARD).chain(LIBRARIES.iter().map(|(name, _)| *name))
}

/// Whether a script has this global.
pub fn is_global(name: &str) -> bool {
    globals().any(|global| global == name)
}

/// Whether a type has this name.
pub fn is_type(name: &str) -> bool {
    const BUILT_IN: [&str; 8] = ["number", "string", "boolean", "any", "unknown", "never", "thread", "buffer"];
    BUILT_IN.contains(&name) || name == "Direction" || TYPES.iter().any(|record| record.name == name)
}

/// The members of a library.
pub fn members(name: &str) -> Option<Vec<&'static str>> {
    if name == "ACTION" {
        return Some(ACTIONS.to_vec());
    }
    if let Some((_, members)) = LIBRARIES.iter().find(|(library, _)| *library == name) {
        return Some(members.to_vec());
    }
    let own = FUNCTIONS.iter().filter_map(|function| function.name.split_once('.'));
    let members: Vec<&str> = own.filter(|(library, _)| *library == name).map(|(_, member)| member).collect();
    (!members.is_empty()).then_some(members)
}

#[cfg(test)]
mod tests;
