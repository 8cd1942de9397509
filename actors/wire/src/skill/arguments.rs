//! What a skill is told: checked against its parameters, with what was left out filled in.

use super::{Argument, Parameter};

/// Whole numbers are told exactly up to this size.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What a skill is told when it is given this: every parameter in order, those that were left out with their default.
///
/// # Errors
/// One line: an unknown or repeated name, a value that its parameter does not take, or a missing one.
pub fn complete(parameters: &[Parameter], given: &[(String, Argument)]) -> Result<Vec<(String, Argument)>, String> {
    for (index, (name, _)) in given.iter().enumerate() {
        if !parameters.iter().any(|parameter| parameter.name == *name) {
            return Err(unknown(parameters, name));
        }
        if given[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("{name} is given twice"));
        }
    }
    parameters.iter().map(|parameter| complete_one(parameter, given)).collect()
}

/// Reads texts like `until=60` as a command line gives them.
///
/// # Errors
/// One line: which text is wrong, and what was expected.
pub fn parse(parameters: &[Parameter], texts: &[String]) -> Result<Vec<(String, Argument)>, String> {
    texts.iter().map(|text| parse_one(parameters, text)).collect()
}

/// Whether a parameter takes this value.
///
/// # Errors
/// One line: what it is, and what was expected.
pub fn check(parameter: &Parameter, value: &Argument) -> Result<(), String> {
    let Parameter { name, kind, min, max, one_of, .. } = parameter;
    match (kind.as_str(), value) {
        ("boolean", Argument::Truth(_)) => Ok(()),
        ("integer", Argument::Number(number)) if number.fract() != 0.0 || number.abs() > WHOLE_MAX => {
            Err(format!("{name} is {number}; a whole number was expected"))
        }
        ("integer" | "number", Argument::Number(number)) => {
            let fits =
                number.is_finite() && min.is_none_or(|min| *number >= min) && max.is_none_or(|max| *number <= max);
            if fits { Ok(()) } else { Err(format!("{name} is {number}; it must be {}", range(*min, *max))) }
        }
        ("text", Argument::Text(text)) if one_of.is_empty() || one_of.contains(text) => Ok(()),
        ("text", Argument::Text(text)) => Err(format!("{name} is \"{text}\"; it must be one of {}", one_of.join(", "))),
        _ => Err(format!("{name} is {}; {} was expected", kind_of(value), kind_named(kind))),
    }
}

fn complete_one(parameter: &Parameter, given: &[(String, Argument)]) -> Result<(String, Argument), String> {
    let name = &parameter.name;
    let found = given.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let Some(value) = found.or(parameter.default.as_ref()) else {
        return Err(format!("{name} is missing; it has no default: {}", parameter.description));
    };
    check(parameter, value)?;
    Ok((name.clone(), value.clone()))
}

fn parse_one(parameters: &[Parameter], text: &str) -> Result<(String, Argument), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(format!("\"{text}\" is no argument; name=value was expected"));
    };
    let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
        return Err(unknown(parameters, name));
    };
    let expected = || format!("{name} is \"{value}\"; {} was expected", kind_named(&parameter.kind));
    let argument = match parameter.kind.as_str() {
        "boolean" => Argument::Truth(value.parse().map_err(|_| expected())?),
        "text" => Argument::Text(value.to_string()),
        _ => Argument::Number(value.parse().map_err(|_| expected())?),
    };
    check(parameter, &argument)?;
    Ok((name.to_string(), argument))
}

fn unknown(parameters: &[Parameter], name: &str) -> String {
    let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    match known.as_slice() {
        [] => format!("there is no parameter {name}; the skill takes none"),
        known => format!("there is no parameter {name}; there are {}", known.join(", ")),
    }
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "a finite number".to_string(),
    }
}

fn kind_of(value: &Argument) -> &'static str {
    match value {
        Argument::Truth(_) => "true or false",
        Argument::Number(_) => "a number",
        Argument::Text(_) => "a text",
    }
}

fn kind_named(kind: &str) -> &'static str {
    match kind {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "a text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, kind: &str, default: Option<Argument>) -> Parameter {
        let (min, max) = if kind == "integer" { (Some(0.0), Some(200.0)) } else { (None, None) };
        let one_of = if kind == "text" { vec!["near".into(), "far".into()] } else { Vec::new() };
        Parameter { name: name.into(), description: "it".into(), kind: kind.into(), default, min, max, one_of }
    }

    fn parameters() -> Vec<Parameter> {
        vec![
            parameter("until", "integer", Some(Argument::Number(100.0))),
            parameter("range", "text", None),
            parameter("quick", "boolean", Some(Argument::Truth(false))),
        ]
    }

    fn told(texts: &[&str]) -> Result<Vec<(String, Argument)>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_string()).collect();
        complete(&parameters(), &parse(&parameters(), &texts)?)
    }

    #[test]
    fn what_is_left_out_has_its_default_and_the_order_of_the_parameters_stays() {
        let expected = [
            ("until", Argument::Number(100.0)),
            ("range", Argument::Text("far".into())),
            ("quick", Argument::Truth(true)),
        ];
        let expected = expected.map(|(name, value)| (name.to_string(), value)).to_vec();
        assert_eq!(told(&["quick=true", "range=far"]), Ok(expected));
    }

    #[test]
    fn each_wrong_argument_is_named_with_what_was_expected() {
        for (texts, message) in [
            (&["range=far", "untl=3"] as &[&str], "there is no parameter untl; there are until, range, quick"),
            (&["range=far", "until=3.5"], "until is 3.5; a whole number was expected"),
            (&["range=far", "until=300"], "until is 300; it must be from 0 to 200"),
            (&["range=far", "until=NaN"], "until is NaN; a whole number was expected"),
            (&["range=far", "until=x"], "until is \"x\"; a whole number was expected"),
            (&["range=middle"], "range is \"middle\"; it must be one of near, far"),
            (&["range=far", "range=near"], "range is given twice"),
            (&["quick=yes", "range=far"], "quick is \"yes\"; true or false was expected"),
            (&["range"], "\"range\" is no argument; name=value was expected"),
            (&[], "range is missing; it has no default: it"),
        ] {
            assert_eq!(told(texts), Err(message.to_string()), "{texts:?}");
        }
        let wrong = complete(&parameters(), &[("range".into(), Argument::Number(1.0))]);
        assert_eq!(wrong, Err("range is a number; a text was expected".to_string()));
    }
}
