//! Writes the table down: for editors, and for people.

use super::{CONSTANTS, FUNCTIONS, Function, TYPES};
use std::fmt::Write as _;
use wire::skill::facts::{FACTS, Kind};

const DIRECTION: &str = r#""S" | "SE" | "E" | "NE" | "N" | "NW" | "W" | "SW""#;
const LIBRARIES: [&str; 2] = ["map", "path"];

/// A definition file for Luau's language server.
pub fn definitions() -> String {
    let mut text = String::from("-- Made from the API's table by the tests of the crate `skills`; do not edit.\n\n");
    let _ = writeln!(text, "type Direction = {DIRECTION}\n");
    for record in TYPES {
        let _ = writeln!(text, "type {} = {{", record.name);
        for field in record.fields {
            let _ = writeln!(text, "\t-- {}\n\t{}: {},", field.meaning, field.name, field.kind);
        }
        text.push_str("}\n\n");
    }
    for function in own() {
        let signature = function.signature.replacen(") -> ", "): ", 1);
        let signature = signature.replace("...: any", "...any");
        let _ = writeln!(text, "-- {}\ndeclare function {}{signature}\n", function.meaning, function.name);
    }
    for library in LIBRARIES {
        let _ = writeln!(text, "declare {library}: {{");
        for (name, function) in members(library) {
            let _ = writeln!(text, "\t-- {}\n\t{name}: {},", function.meaning, function.signature);
        }
        text.push_str("}\n\n");
    }
    for constant in &CONSTANTS {
        let _ = writeln!(text, "-- {}\ndeclare {}: {}\n", constant.meaning, constant.name, constant.kind);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The reference, in Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# What skills can use\n\nMade from the API's table by the tests of the crate `skills`; do not edit.\n\n\
        Directions are texts: S, SE, E, NE, N, NW, W, SW. Places are columns (x, 0 to 55) and rows (y, 0 to 31).\n\
        Acts hand over to the game and give back what came of them: `moved`, `turn passed`, `menu changed`, \
        `cursor moved`, `text changed`, `scene changed`, `faced`, `other`, `idle` or `none`. Their reason is shown to \
        people and must say something.\n",
    );
    section(&mut text, "Functions", own());
    for library in LIBRARIES {
        section(&mut text, library, members(library).map(|(_, function)| function));
    }
    text.push_str("\n## Values\n\n| name | type | meaning |\n|---|---|---|\n");
    for constant in &CONSTANTS {
        let _ = writeln!(text, "| `{}` | `{}` | {} |", constant.name, constant.kind, constant.meaning);
    }
    for record in TYPES {
        let _ = writeln!(text, "\n## {}\n\n| field | type | meaning |\n|---|---|---|", record.name);
        for field in record.fields {
            let _ = writeln!(text, "| `{}` | `{}` | {} |", field.name, field.kind, field.meaning);
        }
    }
    text.push_str("\n## Facts for triggers\n\n| fact | kind | meaning |\n|---|---|---|\n");
    for fact in FACTS {
        let kind = match fact.kind {
            Kind::Number => "number",
            Kind::Truth => "true or false",
            Kind::Text => "text",
        };
        let _ = writeln!(text, "| `{}` | {kind} | {} |", fact.name, fact.meaning);
    }
    standard(&mut text);
    text
}

fn section<'a>(text: &mut String, title: &str, functions: impl Iterator<Item = &'a Function>) {
    let _ = writeln!(text, "\n## {title}\n");
    for function in functions {
        let _ = writeln!(text, "- `{function}`: {}", function.meaning);
    }
}

fn standard(text: &mut String) {
    let names = super::STANDARD.join("`, `");
    let libraries: Vec<&str> = super::LIBRARIES.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(text, "\n## Luau's own\n\n`{names}`; the libraries `{}`.", libraries.join("`, `"));
    text.push_str(
        "Random numbers come from `random`. `string.find`, `match`, `gmatch` and `gsub` take texts of at most 64 KiB and \
        patterns of at most 256 bytes, `string.split` texts of at most 16 KiB; `table.move` and `table.concat` go over at \
        most 65536 entries at a time. What is not there, and why:\n\n",
    );
    for (name, why) in super::REMOVED {
        let _ = writeln!(text, "- `{name}`: {why}");
    }
}

fn own() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| !function.name.contains('.'))
}

fn members(library: &str) -> impl Iterator<Item = (&'static str, &'static Function)> {
    FUNCTIONS.iter().filter_map(move |function| {
        let (owner, name) = function.name.split_once('.')?;
        (owner == library).then_some((name, function))
    })
}
