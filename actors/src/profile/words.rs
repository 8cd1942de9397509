//! What a game writes on its picture, and what it means by it: names of items and of what can be done with them, the texts of
//! its menus and messages, and the few rules of its floors that nobody can read anywhere.

use serde::Deserialize;
use std::collections::BTreeMap;

/// How like a name must be that was read with a mistake, for it to be taken for a known one: 1 is equal.
const LIKENESS_MIN: f64 = 0.86;

/// What a game's words mean. The section `[words]` of a profile.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Words {
    /// What the leader is called in messages.
    pub leader: String,
    /// The rows of the picture in which messages come up, from the first to the one below the last.
    pub message_rows: (u16, u16),
    /// The entries of the main menu, from the top.
    pub main_menu: Vec<String>,
    /// The entry of the main menu that opens the bag.
    pub bag_entry: String,
    /// What stands above the list of what is in the bag.
    pub bag_title: String,
    /// What stands behind an item that is set for throwing.
    pub set_mark: String,
    /// What the screen at the end of a run says when it was won.
    pub won: String,
    /// The game's numbers of items, by their names.
    pub items: BTreeMap<String, u8>,
    /// The game's numbers of what can be done, by their names in menus.
    pub actions: BTreeMap<String, u16>,
    /// The same for what is thrown in a straight line, where it differs.
    #[serde(default)]
    pub missile_actions: BTreeMap<String, u16>,
    /// What messages say.
    pub messages: Messages,
    /// What nobody can read.
    pub rules: Rules,
}

/// The messages that matter. `{who}`, `{item}` and `{number}` stand for what differs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Messages {
    /// Somebody took up an item.
    pub picked_up: Template,
    /// An item stays where it lies, because the bag is full.
    pub bag_full: Template,
    /// There is nothing in the bag.
    pub bag_empty: Template,
    /// Nothing is set for throwing.
    pub nothing_set: Template,
    /// Somebody ate an item.
    pub ate: Template,
    /// Somebody put an item down.
    pub put_down: Template,
    /// An item was used up to wake somebody who would have fainted.
    pub revived: Template,
    /// Somebody came along.
    pub joined: Template,
    /// Somebody was beaten.
    pub beaten: Template,
    /// Somebody is poisoned.
    pub poisoned: Template,
    /// Somebody is poisoned no more.
    pub cured: Template,
    /// The whole floor is shown.
    pub map_shown: Template,
}

/// What nobody can read on a picture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Rules {
    /// The number of the dungeon.
    pub dungeon: u8,
    /// The number of its last floor.
    pub last_floor: u8,
    /// Belly when full.
    pub belly_max: i32,
    /// Turns that one may stay on a floor.
    pub turns_a_floor: i16,
    /// Turns for which poison lasts.
    pub poison_turns: u64,
    /// How far one sees in a corridor.
    pub sight: i16,
    /// The first floor on which one sees less.
    pub dark_from: u8,
    /// How far one sees there.
    pub dark_sight: i16,
    /// Columns and rows of the smallest room.
    pub room_min: (i16, i16),
    /// Frames without a key after which turning in place ends by itself.
    pub turning_frames: u64,
    /// Species of which strangers are that may come along.
    pub strangers: Vec<u8>,
}

/// A text with gaps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Gap(Gap),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Who,
    Item,
    Number,
}

/// What stands in a template's gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// Who it is about.
    pub who: Option<&'a str>,
    /// Which item it is about, with what is written around its name.
    pub item: Option<&'a str>,
    /// How many.
    pub number: Option<i32>,
}

/// An item as a list or a message names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The game's number; 0 for a name that is not known.
    pub item: u8,
    /// How many.
    pub quantity: u8,
    /// Whether it is set for throwing.
    pub set: bool,
}

impl Words {
    /// An item with its number in front and its mark behind, as `5 Pebbles *`.
    pub fn label(&self, text: &str) -> Label {
        let text = text.trim();
        let (text, set) = match text.strip_suffix(self.set_mark.as_str()) {
            Some(rest) if !self.set_mark.is_empty() => (rest.trim(), true),
            _ => (text, false),
        };
        let (quantity, name) = match text.split_once(' ') {
            Some((number, name)) => match number.parse::<u8>() {
                Ok(number) => (number, name.trim()),
                Err(_) => (1, text),
            },
            None => (1, text),
        };
        Label { item: nearest(&self.items, name).copied().unwrap_or_default(), quantity, set }
    }

    /// The game's number of what a menu's entry does. `is_missile`: it is about something that is thrown in a straight line.
    pub fn action(&self, entry: &str, is_missile: bool) -> Option<u16> {
        let entry = entry.trim();
        let missile = is_missile.then(|| nearest(&self.missile_actions, entry)).flatten();
        missile.or_else(|| nearest(&self.actions, entry)).copied()
    }
}

impl Template {
    /// What stands in the gaps of a text that this template makes.
    pub fn read<'a>(&self, text: &'a str) -> Option<Found<'a>> {
        let mut found = Found::default();
        let mut rest = text.trim();
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Gap(gap) => {
                    let end = match parts.peek() {
                        Some(Part::Text(next)) => rest.find(next.as_str())?,
                        Some(Part::Gap(_)) | None => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    match gap {
                        Gap::Who => found.who = Some(value),
                        Gap::Item => found.item = Some(value),
                        Gap::Number => found.number = Some(value.parse().ok()?),
                    }
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(found)
    }

    /// Whether a text is one that this template makes.
    pub fn fits(&self, text: &str) -> bool {
        self.read(text).is_some()
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            let end = from.find('}').ok_or_else(|| format!("`{text}` has a gap that is not closed with a brace"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Gap(match &from[1..end] {
                "who" => Gap::Who,
                "item" => Gap::Item,
                "number" => Gap::Number,
                other => return Err(format!("`{{{other}}}` is no gap; write {{who}}, {{item}} or {{number}}")),
            }));
            rest = &from[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if !parts.iter().any(|part| matches!(part, Part::Text(_))) {
            return Err(format!("`{text}` would fit every message; write some of its text"));
        }
        if parts.windows(2).any(|pair| matches!(pair, [Part::Gap(_), Part::Gap(_)])) {
            return Err(format!("`{text}` has two gaps with nothing between them"));
        }
        Ok(Template(parts))
    }
}

/// What belongs to a name, or to the only known name that is very like it.
fn nearest<'a, T>(known: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    if let Some(value) = known.get(name) {
        return Some(value);
    }
    let mut alike: Vec<_> =
        known.iter().map(|(key, value)| (strsim::normalized_levenshtein(key, name), value)).collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0));
    match alike.as_slice() {
        [(best, value), rest @ ..] if *best >= LIKENESS_MIN && rest.first().is_none_or(|(next, _)| next < best) => {
            Some(value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    fn words() -> Words {
        Profiles::built_in().named("burrow").expect("it is built in").words.clone().expect("it has words")
    }

    fn template(text: &str) -> Template {
        Template::try_from(text.to_string()).expect("it is one")
    }

    #[test]
    fn what_stands_in_the_gaps_is_found() {
        let found = words().messages.picked_up.read("Moss picked up: 3 Pebbles.").map(|found| (found.who, found.item));
        assert_eq!(found, Some((Some("Moss"), Some("3 Pebbles"))));
        assert_eq!(
            template("{who} found {number} coins.").read("Moss found 14 coins.").and_then(|it| it.number),
            Some(14)
        );
        for other in ["Moss picked up: Turnip", "picked up: Turnip.", "", "Moss eats: Turnip."] {
            assert!(!words().messages.picked_up.fits(other), "{other}");
        }
    }

    #[test]
    fn templates_that_say_nothing_are_refused() {
        for wrong in ["{who}", "{who}{item} x", "{what} x", "x {who", ""] {
            assert!(Template::try_from(wrong.to_string()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn items_are_named_with_number_and_mark_and_despite_a_wrong_letter() {
        let words = words();
        let label = |text| {
            let Label { item, quantity, set } = words.label(text);
            (item, quantity, set)
        };
        assert_eq!(label("5 Pebbles *"), (8, 5, true));
        assert_eq!(label("Turnip"), (82, 1, false));
        assert_eq!(label("Big Turnip"), (83, 1, false));
        assert_eq!(label("Phoenix Seea"), (58, 1, false));
        assert_eq!(label("Something else"), (0, 1, false));
        assert_eq!((words.action("Throw", true), words.action("Throw", false)), (Some(0x27), Some(0x41)));
        assert_eq!((words.action("Go down", false), words.action("Turnip", false)), (Some(0x26), None));
    }
}
