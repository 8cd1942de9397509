//! What the type of a manifest cannot say: names, versions, ranges, conditions, and what fits together.

use super::written::{Placed, Scalar, Written, WrittenKind, WrittenLimits, WrittenParameter, WrittenTrigger};
use super::{Limits, Manifest, Parsed};
use crate::names::{check_name, check_parameter_name, nearest, shortened};
use crate::skill::{Mistake, Tier};
use crate::source::{Place, Source};
use semver::{Version, VersionReq};
use std::collections::BTreeMap;
use wire::skill::arguments;
use wire::skill::trigger::{Condition, TriggerError};
use wire::skill::{Argument, Parameter, Trigger};

/// The longest description, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 1024;
/// The most parameters, triggers and required skills that a manifest lists, each.
const ENTRIES_MAX: usize = 64;
const PRIORITY_MAX: i64 = 1000;

/// The manifest that was written, if all of it holds.
pub(super) fn checked(
    source: &Source<'_>,
    written: &Written,
    folder_name: &str,
    tier: Tier,
) -> Result<Parsed, Mistake> {
    let name = written.name.get();
    check_name(name).map_err(|message| at(source, &written.name, message))?;
    if name != folder_name {
        let message =
            format!("the skill is called {name}, but its folder {}; rename one of them", shortened(folder_name));
        return Err(at(source, &written.name, message));
    }
    let (requires, places) = requirements(source, name, &written.requires)?;
    let given = parameters(source, &written.parameters)?;
    let offers = triggers(source, &written.triggers, &given)?;
    if let Some(success) = &written.success {
        Condition::parse_with_start(success.get()).map_err(|error| in_condition(source, success, &error))?;
    }
    let manifest = Manifest {
        name: name.clone(),
        version: version(source, &written.version)?,
        description: description(source, &written.description)?,
        requires,
        given,
        offers,
        success: written.success.as_ref().map(|success| success.get().clone()),
        limits: limits(source, &written.limits)?.of_tier(tier),
    };
    Ok(Parsed { manifest, requires: places, name: Place::of(source.text, written.name.span().start) })
}

fn at<T>(source: &Source<'_>, placed: &Placed<T>, message: impl Into<String>) -> Mistake {
    source.mistake(placed.span().start, message)
}

fn version(source: &Source<'_>, written: &Placed<String>) -> Result<Version, Mistake> {
    Version::parse(written.get()).map_err(|error| {
        let text = shortened(written.get());
        at(source, written, format!("version is \"{text}\": {error}; a version like \"1.0.0\" was expected"))
    })
}

fn description(source: &Source<'_>, written: &Placed<String>) -> Result<String, Mistake> {
    let characters = written.get().chars().count();
    if written.get().trim().is_empty() || characters > DESCRIPTION_CHARACTERS_MAX {
        let message =
            format!("description has {characters} characters; from 1 to {DESCRIPTION_CHARACTERS_MAX} are expected");
        return Err(at(source, written, message));
    }
    Ok(written.get().clone())
}

type Requirements = (BTreeMap<String, VersionReq>, BTreeMap<String, Place>);

fn requirements(
    source: &Source<'_>,
    own_name: &str,
    written: &BTreeMap<Placed<String>, Placed<String>>,
) -> Result<Requirements, Mistake> {
    let (mut requires, mut places) = Requirements::default();
    for (name, range) in bounded(source, written)? {
        check_name(name.get()).map_err(|message| at(source, name, message))?;
        if name.get() == own_name {
            return Err(at(source, name, format!("{own_name} requires itself; a skill cannot call itself")));
        }
        let parsed = VersionReq::parse(range.get()).map_err(|error| {
            let text = shortened(range.get());
            at(source, range, format!("{} is \"{text}\": {error}; a range like \"^1\" was expected", name.get()))
        })?;
        requires.insert(name.get().clone(), parsed);
        places.insert(name.get().clone(), Place::of(source.text, name.span().start));
    }
    Ok((requires, places))
}

fn parameters(
    source: &Source<'_>,
    written: &BTreeMap<Placed<String>, Placed<WrittenParameter>>,
) -> Result<BTreeMap<String, Parameter>, Mistake> {
    let mut given = BTreeMap::new();
    for (name, written) in bounded(source, written)? {
        check_parameter_name(name.get()).map_err(|message| at(source, name, message))?;
        given.insert(name.get().clone(), parameter(source, name.get(), written.get())?);
    }
    Ok(given)
}

fn parameter(source: &Source<'_>, name: &str, written: &WrittenParameter) -> Result<Parameter, Mistake> {
    let WrittenParameter { kind, min, max, one_of, .. } = written;
    let is_number = matches!(kind, WrittenKind::Integer | WrittenKind::Number);
    if let Some(bound) = min.as_ref().or(max.as_ref()).filter(|_| !is_number) {
        return Err(at(
            source,
            bound,
            format!("{name} is of type {}; only numbers have min and max", kind_name(*kind)),
        ));
    }
    for bound in [min, max].into_iter().flatten() {
        if !bound.get().is_finite() || (*kind == WrittenKind::Integer && bound.get().fract() != 0.0) {
            let expected = if *kind == WrittenKind::Integer { "a whole number" } else { "a finite number" };
            return Err(at(source, bound, format!("the bound is {}; {expected} was expected", bound.get())));
        }
    }
    if let (Some(min), Some(max)) = (min, max)
        && min.get() > max.get()
    {
        return Err(at(source, max, format!("max is {}, less than min, {}", max.get(), min.get())));
    }
    let parameter = Parameter {
        name: name.to_string(),
        description: description(source, &written.description)?,
        kind: kind_name(*kind).to_string(),
        default: written.default.as_ref().map(|default| Argument::from(default.get())),
        min: min.as_ref().map(|min| *min.get()),
        max: max.as_ref().map(|max| *max.get()),
        one_of: one_of.as_ref().map(|texts| choices(source, *kind, texts)).transpose()?.unwrap_or_default(),
    };
    if let (Some(written), Some(value)) = (&written.default, &parameter.default) {
        arguments::check(&parameter, value)
            .map_err(|message| at(source, written, format!("the default is not allowed: {message}")))?;
    }
    Ok(parameter)
}

fn choices(
    source: &Source<'_>,
    kind: WrittenKind,
    written: &Placed<Vec<Placed<String>>>,
) -> Result<Vec<String>, Mistake> {
    if kind != WrittenKind::Text {
        return Err(at(source, written, format!("one_of is for text; this is of type {}", kind_name(kind))));
    }
    if written.get().is_empty() || written.get().len() > ENTRIES_MAX {
        let message = format!("one_of lists {} texts; from 1 to {ENTRIES_MAX} are expected", written.get().len());
        return Err(at(source, written, message));
    }
    let mut texts: Vec<String> = Vec::new();
    for text in written.get() {
        if texts.contains(text.get()) {
            return Err(at(source, text, format!("\"{}\" stands here twice", shortened(text.get()))));
        }
        texts.push(text.get().clone());
    }
    Ok(texts)
}

fn kind_name(kind: WrittenKind) -> &'static str {
    match kind {
        WrittenKind::Integer => "integer",
        WrittenKind::Number => "number",
        WrittenKind::Boolean => "boolean",
        WrittenKind::Text => "text",
    }
}

fn triggers(
    source: &Source<'_>,
    written: &[WrittenTrigger],
    given: &BTreeMap<String, Parameter>,
) -> Result<Vec<Trigger>, Mistake> {
    if let Some(extra) = written.get(ENTRIES_MAX) {
        return Err(at(
            source,
            &extra.when,
            format!("there are {} triggers; {ENTRIES_MAX} are allowed", written.len()),
        ));
    }
    written.iter().map(|trigger| one_trigger(source, trigger, given)).collect()
}

fn one_trigger(
    source: &Source<'_>,
    written: &WrittenTrigger,
    given: &BTreeMap<String, Parameter>,
) -> Result<Trigger, Mistake> {
    let WrittenTrigger { when, priority, arguments: told } = written;
    Condition::parse(when.get()).map_err(|error| in_condition(source, when, &error))?;
    if priority.get().abs() > PRIORITY_MAX {
        let message = format!("priority is {}; it must be from -{PRIORITY_MAX} to {PRIORITY_MAX}", priority.get());
        return Err(at(source, priority, message));
    }
    for (name, value) in told {
        argument(source, name, value, given)?;
    }
    let missing = given
        .values()
        .find(|parameter| parameter.default.is_none() && !told.keys().any(|name| *name.get() == parameter.name));
    if let Some(parameter) = missing {
        let message =
            format!("{} has no default, so the trigger must give it: arguments = {{ {0} = ... }}", parameter.name);
        return Err(at(source, when, message));
    }
    let arguments = told.iter().map(|(name, value)| (name.get().clone(), Argument::from(value.get()))).collect();
    // The bound was checked.
    let priority = i32::try_from(*priority.get()).unwrap_or_default();
    Ok(Trigger { when: when.get().clone(), priority, arguments })
}

fn argument(
    source: &Source<'_>,
    name: &Placed<String>,
    value: &Placed<Scalar>,
    given: &BTreeMap<String, Parameter>,
) -> Result<(), Mistake> {
    let Some(parameter) = given.get(name.get()) else {
        let remedy = match nearest(name.get(), given.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("describe it in [parameters.{}]", shortened(name.get())),
        };
        return Err(at(source, name, format!("there is no parameter {}; {remedy}", shortened(name.get()))));
    };
    arguments::check(parameter, &value.get().into()).map_err(|message| at(source, value, message))
}

fn limits(source: &Source<'_>, written: &WrittenLimits) -> Result<Limits, Mistake> {
    let limit = |name: &str, asked: &Option<Placed<i64>>, default: u32, most: u32| {
        let Some(asked) = asked else { return Ok(default) };
        match u32::try_from(*asked.get()) {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(at(source, asked, format!("{name} is {}; it must be from 1 to {most}", asked.get()))),
        }
    };
    let (default, most) = (Limits::DEFAULT, Limits::MOST);
    Ok(Limits {
        steps: limit("steps", &written.steps, default.steps, most.steps)?,
        milliseconds: limit("milliseconds", &written.milliseconds, default.milliseconds, most.milliseconds)?,
        memory_mib: limit("memory_mib", &written.memory_mib, default.memory_mib, most.memory_mib)?,
    })
}

fn bounded<'w, T>(
    source: &Source<'_>,
    written: &'w BTreeMap<Placed<String>, T>,
) -> Result<impl Iterator<Item = (&'w Placed<String>, &'w T)>, Mistake> {
    match written.keys().nth(ENTRIES_MAX) {
        Some(extra) => {
            let message = format!("there are {} entries; {ENTRIES_MAX} are allowed", written.len());
            Err(at(source, extra, message))
        }
        None => Ok(written.iter()),
    }
}

/// The place within a condition that stands in a file. Where the text is written with escapes, its bytes in the file are
/// others, and its beginning has to do.
fn in_condition(source: &Source<'_>, written: &Placed<String>, error: &TriggerError) -> Mistake {
    let span = written.span();
    let raw = source.text.get(span.clone()).unwrap_or("");
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    // A line break right after three quotes belongs to neither.
    let line_break = match raw.get(quotes..) {
        Some(rest) if quotes == 3 && rest.starts_with("\r\n") => 2,
        Some(rest) if quotes == 3 && rest.starts_with('\n') => 1,
        _ => 0,
    };
    let start = quotes + line_break;
    let is_literal =
        written.get().get(..error.at).is_some_and(|before| raw.get(start..start + error.at) == Some(before));
    let offset = if is_literal { start + error.at } else { 0 };
    source.mistake(span.start + offset, error.message.clone())
}
