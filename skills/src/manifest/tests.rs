use super::*;
use std::path::Path;
use wire::skill::Argument;

const WHOLE: &str = r#"#:schema ../../skill.schema.json
name = "eat"
version = "1.0.0"
description = "Eats."
success = "belly > start.belly"

[requires]
use-item = "^1"

[parameters.until]
type = "integer"
description = "the belly at which it stops"
min = 0
max = 200
default = 100

[parameters.how]
type = "text"
description = "the way"
one_of = ["fast", "slow"]

[[triggers]]
when = "belly <= 48 and food > 0"
priority = 50
arguments = { until = 60, how = "fast" }

[limits]
milliseconds = 40
"#;

fn parse(text: &str, tier: Tier) -> Result<Parsed, Mistake> {
    Manifest::parse(&Source { path: Path::new("core/eat/skill.toml"), text }, "eat", tier)
}

/// The message for the whole manifest with one piece of it replaced.
fn refused(piece: &str, replacement: &str) -> String {
    assert!(WHOLE.contains(piece), "{piece}");
    let mistake = parse(&WHOLE.replacen(piece, replacement, 1), Tier::Core).expect_err(replacement);
    mistake.to_string().trim_start_matches("core/eat/skill.toml:").to_string()
}

#[test]
fn a_whole_manifest_is_read() {
    let Parsed { manifest, requires, .. } = parse(WHOLE, Tier::Core).expect("it is right");
    assert_eq!((manifest.name.as_str(), manifest.version.to_string().as_str()), ("eat", "1.0.0"));
    assert_eq!(manifest.limits, Limits { steps: 200, milliseconds: 40, memory_mib: 8 });
    assert_eq!(manifest.given["until"].default, Some(Argument::Number(100.0)));
    assert_eq!(manifest.offers[0].arguments[0], ("how".to_string(), Argument::Text("fast".to_string())));
    assert_eq!(requires["use-item"], Place { line: 8, column: 1 });
}

#[test]
fn a_community_skill_gets_no_more_than_its_tier_allows() {
    let Parsed { manifest, .. } = parse(WHOLE, Tier::Community).expect("it is right");
    assert_eq!(manifest.limits, Limits { steps: 200, milliseconds: 10, memory_mib: 4 });
}

#[test]
fn every_mistake_names_its_place_and_what_was_expected() {
    for (piece, replacement, message) in [
        ("description = \"Eats.\"", "desciption = \"Eats.\"", "4:1: unknown key desciption; did you mean description?"),
        ("version = \"1.0.0\"\n", "", "1:1: the key version is missing"),
        ("version = \"1.0.0\"", "version = 1", "3:11: version is 1; a text in quotes was expected"),
        (
            "\"1.0.0\"",
            "\"1.0\"",
            "3:11: version is \"1.0\": unexpected end of input while parsing minor version number; a version like \"1.0.0\" was expected",
        ),
        (
            "name = \"eat\"",
            "name = \"Eat\"",
            "2:8: \"Eat\" is no name for a skill; a name is made of lower-case letters and digits, with single hyphens between them, at most 64 in all",
        ),
        ("name = \"eat\"", "name = \"food\"", "2:8: the skill is called food, but its folder eat; rename one of them"),
        ("\"Eats.\"", "\"\"", "4:15: description has 0 characters; from 1 to 1024 are expected"),
        (
            "\"^1\"",
            "\"one\"",
            "8:12: use-item is \"one\": unexpected character 'o' while parsing major version number; a range like \"^1\" was expected",
        ),
        ("use-item = ", "eat = ", "8:1: eat requires itself; a skill cannot call itself"),
        ("\"integer\"", "\"int\"", "11:8: type is \"int\"; it must be one of integer, number, boolean, text"),
        ("max = 200", "max = -1", "14:7: max is -1, less than min, 0"),
        ("max = 200", "max = 2.5", "14:7: the bound is 2.5; a whole number was expected"),
        ("default = 100", "default = 201", "15:11: the default is not allowed: until is 201; it must be from 0 to 200"),
        (
            "default = 100",
            "default = []",
            "15:11: default is a list; a number, a text in quotes, true or false was expected",
        ),
        ("one_of = [\"fast\", \"slow\"]", "min = 3", "20:7: how is of type text; only numbers have min and max"),
        ("\"slow\"", "\"fast\"", "20:19: \"fast\" stands here twice"),
        ("food > 0", "fod > 0", "23:25: there is no fact fod; did you mean food?"),
        ("priority = 50", "priority = 5000", "24:12: priority is 5000; it must be from -1000 to 1000"),
        ("priority = 50", "priority = \"high\"", "24:12: priority is \"high\"; a whole number was expected"),
        ("until = 60,", "untl = 60,", "25:15: there is no parameter untl; did you mean until?"),
        ("how = \"fast\"", "how = \"quick\"", "25:33: how is \"quick\"; it must be one of fast, slow"),
        (", how = \"fast\"", "", "23:8: how has no default, so the trigger must give it: arguments = { how = ... }"),
        ("milliseconds = 40", "milliseconds = 60", "28:16: milliseconds is 60; it must be from 1 to 50"),
        ("milliseconds = 40", "millisecond = 40", "28:1: unknown key millisecond; did you mean milliseconds?"),
        ("belly > start.belly", "belly > start.bely", "5:26: there is no fact bely; did you mean belly?"),
        ("[limits]", "[limits", "27:8: "),
        ("[limits]", "[parameters.until]", "27:13: "),
    ] {
        let found = refused(piece, replacement);
        assert!(found.starts_with(message), "{replacement}\n  found    {found}\n  expected {message}");
    }
}

#[test]
fn a_condition_with_escapes_is_refused_at_its_beginning() {
    let found = refused("\"belly <= 48 and food > 0\"", "\"screen == \\\"menu\\\" and fod > 0\"");
    assert!(found.starts_with("23:8: "), "{found}");
    let found = refused("\"belly <= 48 and food > 0\"", "'''\nbelly <= 48\nand fod > 0'''");
    assert!(found.starts_with("25:5: "), "{found}");
}

#[test]
fn any_text_is_read_or_refused() {
    let mut text = WHOLE.to_string();
    while text.pop().is_some() {
        let _ = parse(&text, Tier::Custom);
    }
    for text in
        ["\u{feff}name = 1", "a.b.c = 1", "\0", "[[parameters]]", "parameters = 3", "triggers = {}", "limits = []"]
    {
        assert!(parse(text, Tier::Custom).is_err(), "{text}");
    }
}
