//! `SKILL.md`: guidance text for a model, in the Agent Skills format: a front matter in YAML, then Markdown.

use crate::names::{check_name, nearest, shortened};
use crate::skill::Mistake;
use crate::source::{Place, Source};
use serde::Deserialize;
use serde_saphyr::{Spanned, options};
use std::collections::BTreeMap;

const DESCRIPTION_CHARACTERS_MAX: usize = 1024;
const COMPATIBILITY_CHARACTERS_MAX: usize = 500;
/// The line above and below the front matter.
const FENCE: &str = "---";

/// The keys of the front matter.
const KEYS: [&str; 6] = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];

/// What a `SKILL.md` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guidance {
    /// Lower-case letters, digits and single hyphens, at most 64; the name of its folder.
    pub name: String,
    /// What it is about and when to read it, at most 1024 characters.
    pub description: String,
    /// Licence, where it says one.
    pub license: Option<String>,
    /// What it needs, at most 500 characters.
    pub compatibility: Option<String>,
    /// Further keys.
    pub metadata: BTreeMap<String, String>,
    /// Tools of other agents that it wants; nothing here has tools, so it is kept and not acted upon.
    pub allowed_tools: Option<String>,
    /// The text after the front matter, in Markdown.
    pub body: String,
}

/// The front matter as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FrontMatter {
    name: Spanned<String>,
    description: Spanned<String>,
    license: Option<String>,
    compatibility: Option<Spanned<String>>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    allowed_tools: Option<String>,
}

impl Guidance {
    /// Reads the guidance in a folder of this name.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(source: &Source<'_>, folder_name: &str) -> Result<Guidance, Mistake> {
        let (yaml, body) = split(source)?;
        let settings = options! { strict_booleans: true, with_snippet: false, no_schema: true };
        let front: FrontMatter = serde_saphyr::from_str_with_options(yaml, settings).map_err(|error| {
            let place = error.location().map_or(Place { line: 1, column: 1 }, |found| place_of(&found));
            place.mistake(source.path, reworded(&error.without_snippet().to_string()))
        })?;
        let wrong =
            |value: &Spanned<String>, message: String| Err(place_of(&value.referenced).mistake(source.path, message));
        if let Err(message) = check_name(&front.name.value) {
            return wrong(&front.name, message);
        }
        if front.name.value != folder_name {
            let (name, folder) = (&front.name.value, shortened(folder_name));
            return wrong(
                &front.name,
                format!("the skill is called {name}, but its folder {folder}; rename one of them"),
            );
        }
        let characters = front.description.value.chars().count();
        if front.description.value.trim().is_empty() || characters > DESCRIPTION_CHARACTERS_MAX {
            let expected = format!("from 1 to {DESCRIPTION_CHARACTERS_MAX} are expected");
            return wrong(&front.description, format!("description has {characters} characters; {expected}"));
        }
        if let Some(compatibility) = &front.compatibility
            && compatibility.value.chars().count() > COMPATIBILITY_CHARACTERS_MAX
        {
            let expected = format!("more than {COMPATIBILITY_CHARACTERS_MAX} characters");
            return wrong(compatibility, format!("compatibility has {expected}"));
        }
        Ok(Guidance {
            name: front.name.value,
            description: front.description.value,
            license: front.license,
            compatibility: front.compatibility.map(|compatibility| compatibility.value),
            metadata: front.metadata,
            allowed_tools: front.allowed_tools,
            body: body.to_string(),
        })
    }
}

/// The front matter, its upper fence included so that lines count as in the file, and the text below it.
fn split<'a>(source: &Source<'a>) -> Result<(&'a str, &'a str), Mistake> {
    let mut lines = source.text.split_inclusive('\n');
    let is_fence = |line: &str| line.trim_end() == FENCE;
    let first = lines.next().unwrap_or("");
    if !is_fence(first.trim_start_matches('\u{feff}')) {
        return Err(source.mistake(0, "the first line is not ---; front matter with name and description was expected"));
    }
    let mut end = first.len();
    for line in lines {
        if is_fence(line) {
            return Ok((&source.text[..end], &source.text[end + line.len()..]));
        }
        end += line.len();
    }
    Err(source.mistake(0, "the front matter that begins here has no end; a second line --- was expected"))
}

fn place_of(location: &serde_saphyr::Location) -> Place {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Place { line: number(location.line()), column: number(location.column()) }
}

fn reworded(message: &str) -> String {
    // The place stands before the message already.
    let message = message.split_once(" at line ").map_or(message, |(message, _)| message);
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [unknown, ..] if message.contains("unknown field") => match nearest(unknown, KEYS) {
            Some(near) => format!("unknown key {unknown}; did you mean {near}?"),
            None => format!("unknown key {unknown}; known are {}", KEYS.join(", ")),
        },
        [missing, ..] if message.contains("missing field") => format!("the key {missing} is missing"),
        _ if message == "expected string scalar" => "a text was expected here".to_string(),
        _ => message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn parse(text: &str) -> Result<Guidance, Mistake> {
        Guidance::parse(&Source { path: Path::new("core/fight/SKILL.md"), text }, "fight")
    }

    #[test]
    fn front_matter_and_text_are_read() {
        let text = "---\nname: fight\ndescription: \"When: foes\"\nlicense: MIT\nmetadata:\n  author: me\n  \
                    version: \"1.0\"\nallowed-tools: Read Bash\n---\n# Fight\n\n---\nmore\n";
        let guidance = parse(text).expect("it is right");
        assert_eq!((guidance.name.as_str(), guidance.description.as_str()), ("fight", "When: foes"));
        assert_eq!((guidance.metadata["version"].as_str(), guidance.license.as_deref()), ("1.0", Some("MIT")));
        assert_eq!(guidance.body, "# Fight\n\n---\nmore\n");
        assert!(parse(&text.replace('\n', "\r\n")).is_ok());
    }

    #[test]
    fn every_mistake_names_its_place_and_what_was_expected() {
        for (text, message) in [
            ("", "1:1: the first line is not ---"),
            ("# Fight\n", "1:1: the first line is not ---"),
            ("---\nname: fight\n", "1:1: the front matter that begins here has no end"),
            ("---\nname: Fight\ndescription: x\n---\n", "2:7: \"Fight\" is no name for a skill"),
            ("---\nname: flee\ndescription: x\n---\n", "2:7: the skill is called flee, but its folder fight"),
            ("---\nname: fight\ndescription: ''\n---\n", "3:14: description has 0 characters"),
            (
                "---\nname: fight\ndescription: x\nlicence: MIT\n---\n",
                "4:1: unknown key licence; did you mean license?",
            ),
            ("---\nname: fight\n---\n", "2:1: the key description is missing"),
            ("---\nname: [fight]\ndescription: x\n---\n", "2:7: a text was expected here"),
            ("---\nname: \"fight\ndescription: x\n---\n", ""),
            ("---\nname: fight\nname: fight\ndescription: x\n---\n", "3:1: "),
        ] {
            let found = parse(text).expect_err(text).to_string();
            let found = found.trim_start_matches("core/fight/SKILL.md:");
            assert!(found.starts_with(message), "{text:?}\n  found    {found}\n  expected {message}");
        }
    }
}
