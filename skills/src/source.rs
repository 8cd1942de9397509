//! The text of one file of a skill, and places in it.

use crate::skill::Mistake;
use std::path::Path;

/// A text and its name in messages.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file, relative to the folder of all skills.
    pub path: &'a Path,
    /// Its text.
    pub text: &'a str,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The place of a byte. One that is not in the text is at its end.
    pub fn of(text: &str, at: usize) -> Place {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

impl Source<'_> {
    /// What is wrong at a byte of the text.
    pub fn mistake(&self, at: usize, message: impl Into<String>) -> Mistake {
        Place::of(self.text, at).mistake(self.path, message)
    }
}

impl Place {
    /// What is wrong at this place of a file.
    pub fn mistake(self, path: &Path, message: impl Into<String>) -> Mistake {
        let message = one_line(&message.into());
        Mistake { path: path.to_path_buf(), line: Some(self.line), column: Some(self.column), message }
    }
}

/// What is wrong with a file or folder as a whole.
pub fn mistake(path: &Path, message: impl Into<String>) -> Mistake {
    Mistake { path: path.to_path_buf(), line: None, column: None, message: one_line(&message.into()) }
}

fn one_line(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_messages_are_one_line() {
        let source = Source { path: Path::new("core/eat/skill.toml"), text: "a\r\nüx = 1\n" };
        let found = source.mistake(5, "wrong\n  and more\u{7}");
        assert_eq!(found.to_string(), "core/eat/skill.toml:2:2: wrong; and more ");
        assert_eq!(Place::of("ab", 99), Place { line: 1, column: 3 });
    }
}
