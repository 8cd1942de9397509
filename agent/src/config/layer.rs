//! Lays a user's file over the defaults, and says where in the file something is wrong.

use serde::de::DeserializeOwned;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// Names this unlike no known key are not suggested.
const SIMILARITY_MIN: f64 = 0.7;

/// Why a configuration was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file, or it may not be read.
    #[error("{}: {error}; name another file with --config, or leave it out to use the built-in defaults", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// Its content is wrong.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
}

/// A user's file.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its name in errors.
    pub path: &'a Path,
}

impl Source<'_> {
    /// Reads the file with `defaults` for every key that it leaves out. The defaults are also the list of known keys.
    pub fn over<T: DeserializeOwned>(&self, defaults: &str) -> Result<T, ConfigError> {
        let user = DeTable::parse(self.text).map_err(|error| self.foreign(&error))?;
        let mut merged: Table = toml::from_str(defaults).expect("the built-in configuration is tested");
        let known = merged.clone();
        for (name, section) in user.get_ref() {
            let keys = self.known_section(&known, name)?;
            let DeValue::Table(section) = section.get_ref() else {
                let kind = kind_of_parsed(section.get_ref());
                return Err(self.wrong(
                    &section.span(),
                    format!("{name} is {kind}; a section [{name}] was expected", name = name.get_ref()),
                ));
            };
            for (key, value) in section {
                self.check_key(name.get_ref(), keys, key, value)?;
            }
        }
        let given: Table = toml::from_str(self.text).map_err(|error| self.foreign(&error))?;
        for (name, section) in given {
            if let (Some(Value::Table(target)), Value::Table(section)) = (merged.get_mut(&name), section) {
                for (key, value) in section {
                    let whole = completed(target.get(&key), value);
                    target.insert(key, whole);
                }
            }
        }
        // The kinds agree by now; what remains are values that a key's type has no room for.
        for (name, section) in user.get_ref() {
            for (key, value) in section.get_ref().as_table().into_iter().flatten() {
                self.check_fit::<T>(&known, name.get_ref(), key.get_ref(), value)?;
            }
        }
        Table::try_into(merged).map_err(|error| self.foreign(&error))
    }

    /// An error at the value of a key, or at the file's start where the file does not hold it.
    pub fn reject(&self, section: &str, key: &str, message: String) -> ConfigError {
        let span = DeTable::parse(self.text)
            .ok()
            .and_then(|table| Some(table.get_ref().get(section)?.get_ref().as_table()?.get(key)?.span()));
        self.wrong(&span.unwrap_or(0..0), format!("{section}.{key} {message}"))
    }

    fn known_section<'k>(
        &self,
        known: &'k Table,
        name: &Spanned<std::borrow::Cow<'_, str>>,
    ) -> Result<&'k Table, ConfigError> {
        match known.get(name.get_ref().as_ref()) {
            Some(Value::Table(keys)) => Ok(keys),
            _ => {
                let remedy = match nearest(name.get_ref(), known.keys()) {
                    Some(near) => format!("did you mean [{near}]?"),
                    None => "config.toml in the repository lists all sections".to_string(),
                };
                Err(self.wrong(&name.span(), format!("unknown section [{}]; {remedy}", name.get_ref())))
            }
        }
    }

    fn check_key(
        &self,
        section: &str,
        keys: &Table,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        let Some(default) = keys.get(key.get_ref().as_ref()) else {
            let remedy = match nearest(key.get_ref(), keys.keys()) {
                Some(near) => format!("did you mean {section}.{near}?"),
                None => "config.toml in the repository lists all keys".to_string(),
            };
            return Err(self.wrong(&key.span(), format!("unknown key {section}.{}; {remedy}", key.get_ref())));
        };
        let (found, expected) = (kind_of_parsed(value.get_ref()), kind_of(default));
        if let (DeValue::Array(entries), Some(entry)) = (value.get_ref(), entry_of(default)) {
            return self.check_entries(&format!("{section}.{}", key.get_ref()), entry, entries);
        }
        if found == expected || (found == "a whole number" && expected == "a number with a fraction") {
            return Ok(());
        }
        let message = format!("{section}.{} is {found}; {expected} was expected", key.get_ref());
        Err(self.wrong(&value.span(), message))
    }

    /// Checks the entries of a list of tables, each against the one that the defaults hold.
    fn check_entries(&self, list: &str, entry: &Table, entries: &[Spanned<DeValue<'_>>]) -> Result<(), ConfigError> {
        for given in entries {
            let DeValue::Table(keys) = given.get_ref() else {
                let message =
                    format!("{list} holds {}; entries [[{list}]] were expected", kind_of_parsed(given.get_ref()));
                return Err(self.wrong(&given.span(), message));
            };
            for (key, value) in keys {
                self.check_key(list, entry, key, value)?;
            }
        }
        Ok(())
    }

    /// Reads the defaults with this one value changed, so that a failure can only be this value's.
    fn check_fit<T: DeserializeOwned>(
        &self,
        known: &Table,
        section: &str,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        let entries = known.get(section).and_then(|keys| entry_of(keys.get(key)?));
        if let (Some(entry), DeValue::Array(given)) = (entries, value.get_ref()) {
            let keys = given.iter().filter_map(|given| given.get_ref().as_table()).flatten();
            return keys.into_iter().try_for_each(|(name, value)| {
                let changed = |single: &Value| {
                    let mut entry = entry.clone();
                    entry.insert(name.get_ref().to_string(), single.clone());
                    Value::Array(vec![Value::Table(entry)])
                };
                self.fits::<T>(known, (section, key), (&format!("{key}.{}", name.get_ref()), value), changed)
            });
        }
        self.fits::<T>(known, (section, key), (key, value), Value::clone)
    }

    /// Whether the defaults can be read with what `changed` makes of a value in one place. `named` is how errors call it.
    fn fits<T: DeserializeOwned>(
        &self,
        known: &Table,
        (section, key): (&str, &str),
        (named, value): (&str, &Spanned<DeValue<'_>>),
        changed: impl Fn(&Value) -> Value,
    ) -> Result<(), ConfigError> {
        let written = &self.text[value.span()];
        let single = format!("value = {written}\n");
        let parsed =
            toml::from_str::<Table>(&single).map_err(|error| self.wrong(&value.span(), error.message().into()))?;
        let mut table = known.clone();
        if let (Some(Value::Table(target)), Some(given)) = (table.get_mut(section), parsed.get("value")) {
            target.insert(key.to_string(), changed(given));
        }
        match Table::try_into::<T>(table) {
            Ok(_) => Ok(()),
            Err(error) => {
                let expected = expectation(error.message());
                Err(self.wrong(&value.span(), format!("{section}.{named} is {written}; it must be {expected}")))
            }
        }
    }

    fn foreign(&self, error: &toml::de::Error) -> ConfigError {
        self.wrong(&error.span().unwrap_or(0..0), error.message().trim().replace('\n', "; "))
    }

    fn wrong(&self, span: &Range<usize>, message: String) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        ConfigError::Wrong { path: self.path.to_path_buf(), line, column, message }
    }
}

/// The known name most like `name`, if one is much like it.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate.as_str()))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// Turns serde's words into ours.
fn expectation(message: &str) -> String {
    if message.contains("expected u32") {
        return format!("a whole number from 0 to {}", u32::MAX);
    }
    if message.contains("expected u64") {
        return format!("a whole number from 0 to {}", i64::MAX);
    }
    match message.split_once("expected ") {
        Some((_, names)) => {
            format!("one of {}", names.trim().trim_start_matches("one of ").replace('`', "").replace(" or ", ", "))
        }
        None => format!("acceptable: {}", message.trim()),
    }
}

/// The one entry that the defaults hold of a list of tables: it lists the keys and their defaults.
fn entry_of(default: &Value) -> Option<&Table> {
    default.as_array()?.first()?.as_table()
}

/// A user's value; what the entries of a list of tables leave out comes from the defaults.
fn completed(default: Option<&Value>, value: Value) -> Value {
    let (Some(entry), Value::Array(given)) = (default.and_then(entry_of), &value) else { return value };
    let complete = |given: &Value| {
        let mut whole = entry.clone();
        whole.extend(given.as_table().cloned().unwrap_or_default());
        Value::Table(whole)
    };
    Value::Array(given.iter().map(complete).collect())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn kind_of_parsed(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
