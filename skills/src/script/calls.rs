//! Checks the arguments of calls of API functions: how many there are, and those that are literals.

use super::check::Checked;
use super::lexer::{Kind, Token};
use crate::api::{self, Function};
use crate::names::hint;
use crate::skill::Mistake;
use wire::observation::DIRECTIONS;

/// Checks the call that begins with this token, if one does.
pub(super) fn check(checked: &Checked<'_>, index: usize) -> Result<(), Mistake> {
    if !checked.is_global(index) {
        return Ok(());
    }
    let owner = checked.tokens[index].text;
    let (name, open) = if checked.is(index + 1, ".") {
        let Some(member) = checked.token(index + 2) else { return Ok(()) };
        (format!("{owner}.{}", member.text), index + 3)
    } else {
        (owner.to_string(), index + 1)
    };
    let Some(function) = api::function(&name) else { return Ok(()) };
    if !checked.is(open, "(") {
        return Ok(());
    }
    let Some((arguments, close)) = arguments(checked, open) else { return Ok(()) };
    count(checked, function, &arguments, close)?;
    for (parameter, (begin, end)) in function.parameters().iter().zip(&arguments) {
        if let [token] = &checked.tokens[*begin..*end] {
            literal(checked, function, parameter, token, *begin)?;
        }
    }
    Ok(())
}

type Span = (usize, usize);

/// The arguments between two brackets as spans of tokens, and where the closing bracket is.
fn arguments(checked: &Checked<'_>, open: usize) -> Option<(Vec<Span>, usize)> {
    let mut spans = Vec::new();
    let mut depth = 0;
    let mut blocks = 0;
    let mut begin = open + 1;
    for (index, token) in checked.tokens.iter().enumerate().skip(open) {
        if ["(", "{", "["].iter().any(|sign| token.is(sign)) {
            depth += 1;
        } else if [")", "}", "]"].iter().any(|sign| token.is(sign)) {
            depth -= 1;
            if depth == 0 {
                if index > begin {
                    spans.push((begin, index));
                }
                return Some((spans, index));
            }
        } else if token.is("function") {
            blocks += 1;
        } else if token.is(",") && depth == 1 && blocks == 0 {
            spans.push((begin, index));
            begin = index + 1;
        }
        // A function as an argument holds commas of its own; such a call is left to the machine.
        if blocks > 0 {
            return None;
        }
    }
    None
}

fn count(checked: &Checked<'_>, function: &Function, arguments: &[Span], close: usize) -> Result<(), Mistake> {
    let parameters = function.parameters();
    if parameters.iter().any(|parameter| parameter.name == "...") {
        return Ok(());
    }
    // A call or `...` in the last place may stand for any number of values.
    let is_open = arguments.last().is_some_and(|(_, end)| checked.is(end - 1, ")") || checked.is(end - 1, "..."));
    let given = arguments.len() - usize::from(is_open);
    let least = parameters.iter().filter(|parameter| !parameter.is_optional).count();
    if given < least && !is_open {
        let missing = parameters[given].name;
        return checked
            .refuse(close, format!("{} needs one more argument: {missing}; it is {function}", function.name));
    }
    if given > parameters.len() {
        let at = arguments[parameters.len()].0;
        return checked.refuse(at, format!("too many arguments: {} is {function}", function.name));
    }
    Ok(())
}

fn literal(
    checked: &Checked<'_>,
    function: &Function,
    parameter: &api::Parameter,
    token: &Token<'_>,
    at: usize,
) -> Result<(), Mistake> {
    let refuse = |wanted: &str, hint: String| {
        let found =
            if matches!(token.kind, Kind::Text) { format!("\"{}\"", token.text) } else { token.text.to_string() };
        let name = function.name;
        checked.refuse(at, format!("{name}: {} must be {wanted}, not {found}{hint}", parameter.name))
    };
    let is_nil = token.is("nil");
    let is_truth = token.is("true") || token.is("false");
    if is_nil && parameter.is_optional {
        return Ok(());
    }
    let is_text = matches!(token.kind, Kind::Text | Kind::Opaque);
    let is_number = token.kind == Kind::Number;
    let allowed: Vec<&str> = match parameter.kind {
        "Direction" => DIRECTIONS.iter().map(|direction| direction.name()).collect(),
        kind if kind.starts_with('"') => kind.split('|').map(|text| text.trim().trim_matches('"')).collect(),
        "string" if is_number || is_truth || is_nil => return refuse("a text", String::new()),
        "string" if token.kind == Kind::Text && token.text.trim().is_empty() => {
            return refuse("a text that says something", String::new());
        }
        "number" if is_text || is_truth || is_nil => return refuse("a number", String::new()),
        _ => return Ok(()),
    };
    let is_allowed = token.kind != Kind::Text || allowed.contains(&token.text);
    if is_number || is_truth || is_nil || !is_allowed {
        let near = hint(token.text, allowed.iter().copied());
        return refuse(&format!("one of {}", allowed.join(" ")), near);
    }
    Ok(())
}
