//! Checks how a script uses the API before it ever runs. It knows names and literals, not values: whatever it is not
//! sure of passes, and is an error when the script gets there.
//!
//! Invariant: a script that would run is never refused. A name that is declared anywhere in the file counts as declared
//! everywhere.

use super::calls;
use super::lexer::{Kind, Token, tokens};
use crate::api;
use crate::names::hint;
use crate::skill::Mistake;
use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const KEYWORDS: [&str; 26] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
    "repeat", "return", "then", "true", "until", "while", "continue", "type", "export", "self", "typeof",
];

/// What a script is found to be.
pub(super) struct Checked<'a> {
    pub source: Source<'a>,
    pub tokens: Vec<Token<'a>>,
    /// Every name that the script gives to something, and how often.
    pub declared: BTreeMap<&'a str, u32>,
    /// Names that hold an observation and nothing else.
    observations: BTreeSet<&'a str>,
}

/// Checks a script that compiles.
///
/// # Errors
/// The first mistake.
pub fn check(path: &Path, text: &str) -> Result<(), Mistake> {
    let tokens = tokens(text);
    let declared = declared(&tokens);
    let observations = observations(&tokens, &declared);
    let checked = Checked { source: Source { path, text }, tokens, declared, observations };
    for index in 0..checked.tokens.len() {
        checked.name(index)?;
        checked.member(index)?;
        calls::check(&checked, index)?;
    }
    Ok(())
}

impl<'a> Checked<'a> {
    pub(super) fn token(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index)
    }

    pub(super) fn is(&self, index: usize, text: &str) -> bool {
        self.token(index).is_some_and(|token| token.is(text))
    }

    pub(super) fn refuse<T>(&self, index: usize, message: String) -> Result<T, Mistake> {
        Err(self.source.mistake(self.tokens[index].at, message))
    }

    /// Whether a name stands here for a global: not for a member, a key, a type or something of the script's own.
    pub(super) fn is_global(&self, index: usize) -> bool {
        let Some(token) = self.token(index) else { return false };
        let before = |sign: &str| index > 0 && self.is(index - 1, sign);
        let is_part = [".", ":", "::", "->", "@"].into_iter().any(before);
        let is_key = (before("{") || before(",") || before(";")) && self.is(index + 1, "=");
        // In a type, what stands before a colon is the name of a field or a parameter.
        let is_label = self.is(index + 1, ":");
        let is_typed = is_label && !self.is(index + 3, "(");
        token.kind == Kind::Name
            && !KEYWORDS.contains(&token.text)
            && !self.declared.contains_key(token.text)
            && !is_part
            && !is_key
            && !is_typed
    }

    fn name(&self, index: usize) -> Result<(), Mistake> {
        if !self.is_global(index) {
            return Ok(());
        }
        let name = self.tokens[index].text;
        if let Some((_, why)) = api::REMOVED.iter().find(|(removed, _)| *removed == name) {
            return self.refuse(index, format!("{name} is not available to skills: {why}"));
        }
        let is_known = api::is_global(name) || api::is_type(name);
        let is_assigned = self.is(index + 1, "=") && (index == 0 || !self.is(index - 1, ","));
        match (is_known, is_assigned) {
            (true, true) if api::is_global(name) => {
                self.refuse(index, format!("{name} belongs to the API and cannot be assigned; write `local {name}`"))
            }
            (true, _) => Ok(()),
            (false, true) => self.refuse(index, format!("{name} is not declared: write `local {name} = …`")),
            (false, false) => {
                let known = api::globals().map(|name| -> &str { name }).chain(self.declared.keys().copied());
                self.refuse(index, format!("there is nothing called \"{name}\"{}", hint(name, known)))
            }
        }
    }

    fn member(&self, index: usize) -> Result<(), Mistake> {
        let Some(owner) = self.token(index).filter(|owner| owner.kind == Kind::Name) else { return Ok(()) };
        let is_member = |at: usize| self.is(at, ".") && self.token(at + 1).is_some_and(|name| name.kind == Kind::Name);
        if index > 0 && [".", ":", "->", "::"].iter().any(|sign| self.is(index - 1, sign)) {
            return Ok(());
        }
        let is_observation = self.observations.contains(owner.text) && is_member(index + 1);
        if is_observation {
            return self.field(index + 2);
        }
        if !self.is_global(index) {
            return Ok(());
        }
        if owner.text == "observe" && self.is(index + 1, "(") && self.is(index + 2, ")") && is_member(index + 3) {
            return self.field(index + 4);
        }
        match api::members(owner.text) {
            Some(members) if is_member(index + 1) => {
                let name = self.tokens[index + 2].text;
                if members.contains(&name) {
                    return Ok(());
                }
                let near = hint(name, members.iter().copied());
                self.refuse(index + 2, format!("{} has nothing called \"{name}\"{near}", owner.text))
            }
            _ => Ok(()),
        }
    }

    fn field(&self, index: usize) -> Result<(), Mistake> {
        let name = self.tokens[index].text;
        if api::FIELDS.iter().any(|field| field.name == name) {
            return Ok(());
        }
        let near = hint(name, api::FIELDS.iter().map(|field| field.name));
        self.refuse(index, format!("an observation has no field \"{name}\"{near}"))
    }
}

/// Every name after `local`, `for`, `function` and in lists of parameters, types included.
fn declared<'a>(tokens: &[Token<'a>]) -> BTreeMap<&'a str, u32> {
    let mut declared = BTreeMap::new();
    let mut add = |token: &Token<'a>| {
        if token.kind == Kind::Name {
            *declared.entry(token.text).or_default() += 1;
        }
    };
    for (index, token) in tokens.iter().enumerate() {
        let following = &tokens[index + 1..];
        if token.is("local") || token.is("for") {
            // Up to the values: names, and types that may be among them, which does no harm.
            let names = following.iter().take_while(|token| !token.is("=") && !token.is("in"));
            names.take_while(|token| token.kind == Kind::Name || is_of_type(token)).take(64).for_each(&mut add);
        } else if token.is("function") {
            let open = following.iter().position(|token| token.is("(")).unwrap_or(0);
            following[..open].iter().for_each(&mut add);
            let mut depth = 0;
            for token in &following[open..] {
                depth += i32::from(token.is("(")) - i32::from(token.is(")"));
                add(token);
                if depth == 0 {
                    break;
                }
            }
        } else if token.is("type") && following.first().is_some_and(|token| token.kind == Kind::Name) {
            let names = following.iter().take_while(|token| !token.is("="));
            names.take(16).for_each(&mut add);
        }
    }
    for keyword in KEYWORDS {
        declared.remove(keyword);
    }
    declared
}

fn is_of_type(token: &Token<'_>) -> bool {
    [",", ":", "?", "{", "}", "[", "]", "(", ")", "|", "&", "->", ".", "<", ">", "..."]
        .iter()
        .any(|sign| token.is(sign))
}

/// Names of which the only declaration is `local name = observe()`, and that are never assigned.
fn observations<'a>(tokens: &[Token<'a>], declared: &BTreeMap<&'a str, u32>) -> BTreeSet<&'a str> {
    let is = |index: usize, text: &str| tokens.get(index).is_some_and(|token: &Token<'_>| token.is(text));
    let mut found = BTreeSet::new();
    if declared.contains_key("observe") {
        return found;
    }
    for (index, token) in tokens.iter().enumerate() {
        let begins = token.is("local") && is(index + 2, "=") && is(index + 3, "observe");
        let ends = is(index + 4, "(") && is(index + 5, ")");
        let goes_on = [".", ":", "[", "("].iter().any(|sign| is(index + 6, sign))
            || ["and", "or", "::", "==", "~=", "..", "<", ">"].iter().any(|sign| is(index + 6, sign));
        if begins && ends && !goes_on {
            found.insert(tokens[index + 1].text);
        }
    }
    found.retain(|name| declared.get(name) == Some(&1));
    for (index, token) in tokens.iter().enumerate() {
        let is_member = index > 0 && (is(index - 1, ".") || is(index - 1, ":"));
        let is_declaration = index > 0 && is(index - 1, "local");
        let is_listed = is(index + 1, ",") || index > 0 && is(index - 1, ",");
        let is_assigned = is(index + 1, "=") || is_listed && assigned_later(tokens, index);
        if token.kind == Kind::Name && !is_member && !is_declaration && is_assigned {
            found.remove(token.text);
        }
    }
    found
}

/// Whether a list of names that this one is in may be assigned to: a `=` follows before anything but names and commas.
fn assigned_later(tokens: &[Token<'_>], index: usize) -> bool {
    let mut rest =
        tokens[index..].iter().skip_while(|token| token.kind == Kind::Name || token.is(",") || token.is("."));
    rest.next().is_some_and(|token| token.is("=") || token.is("["))
}

#[cfg(test)]
mod tests;
