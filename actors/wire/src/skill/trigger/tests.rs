use super::*;
use crate::observation::{Monster, Observation, Position, Screen};
use crate::skill::Bearings;
use proptest::prelude::*;

fn facts(hp: i32, floor: u8) -> Facts {
    let leader = Monster {
        is_leader: true,
        is_team: true,
        position: Position { x: 4, y: 4 },
        hp: Some(crate::observation::Meter { value: hp, max: 40 }),
        ..Monster::default()
    };
    let foe = Monster { slot: 4, position: Position { x: 6, y: 4 }, ..Monster::default() };
    let seen = Observation {
        screen: Screen::Command,
        floor,
        leader: Some(0),
        monsters: vec![leader, foe],
        ..Observation::default()
    };
    Facts::of(&seen, &Bearings::default())
}

fn holds(text: &str) -> bool {
    Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).holds(&facts(10, 3))
}

#[test]
fn conditions_mean_what_they_say() {
    for text in [
        "hp < 0.3 * max_hp",
        "hp < 0.3 * max_hp and enemies_close > 0",
        "screen == 'command'",
        "screen == \"command\" and not stairs_known",
        "not (hp > 20 or floor == 2)",
        "1 + 2 * 3 == 7 and (1 + 2) * 3 == 9",
        "2 - 1 - 1 == 0 and 8 / 4 / 2 == 1",
        "-hp == 0 - 10 and abs(-3) == 3",
        "min(hp, max_hp) == 10 and max(hp, max_hp) == 40",
        "enemy_distance == 2 and enemies == 1 and enemies_adjacent == 0",
        "not is_turning",
        "true or 1 / 0 > 3",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in ["hp > max_hp", "false", "0 / 0 == 0 / 0", "phase != 'unknown'", "not true or false"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn the_start_of_a_run_can_be_spoken_of_where_there_is_one() {
    let condition = Condition::parse_with_start("floor > start.floor").unwrap();
    assert!(condition.holds_since(&facts(10, 4), &facts(10, 3)));
    assert!(!condition.holds_since(&facts(10, 3), &facts(10, 3)));
    assert_eq!(Condition::parse("floor > start.floor").unwrap_err().at, 8);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let deep = "(".repeat(40);
    let long = "hp ".repeat(400);
    for (text, at, message) in [
        ("hpp < 3", 0, "there is no fact hpp; did you mean hp?"),
        ("hp < 3 and xyzzy_quux > 1", 11, "there is no fact xyzzy_quux"),
        ("hp", 0, "expected a condition, found a number"),
        ("hp < ", 5, "expected a fact, a number or a text, found the end"),
        ("hp < 'low'", 5, "expected a number, found a text"),
        ("screen == 3", 7, "a text and a number cannot be equal"),
        ("hp < 3 hp", 7, "expected and, or, or the end, found hp"),
        ("screen == 'x", 10, "a text has no closing '"),
        ("hp & 3", 3, "'&' means nothing here"),
        ("not hp", 4, "expected a condition, found a number"),
        ("min(hp) < 3", 6, "expected ,, found )"),
        ("1.2.3 < hp", 0, "1.2.3 is no number"),
        (deep.as_str(), 32, "nested more than 32 deep"),
        (long.as_str(), 0, "a condition may have 1024 bytes, this one has 1200"),
        ("", 0, "expected a fact, a number or a text, found the end"),
    ] {
        let error = Condition::parse(text).expect_err(text);
        assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
    }
}

#[test]
fn every_fact_has_a_name_of_its_own() {
    let mut names: Vec<&str> = FACTS.iter().map(|fact| fact.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FACTS.len());
    assert!(FACTS.iter().all(|fact| !["min", "max", "abs", "start", "and", "or", "not"].contains(&fact.name)));
}

proptest! {
    #[test]
    fn any_text_is_a_condition_or_refused(text in "[a-z0-9_ ()<>=!+*/.,'\"-]{0,80}|\\PC{0,40}") {
        if let Ok(condition) = Condition::parse_with_start(&text) {
            condition.holds(&facts(3, 1));
        }
    }
}
