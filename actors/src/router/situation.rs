//! A situation: what of an inquiry matters for choosing a skill, coarse enough to come again.
//!
//! It is made of the facts in `TABLE`, of what an open menu or text box says, and of what is on offer. Whatever is left out
//! may differ between two moments that are taken for the same.

use super::inquiry::{Inquiry, Offer};
use wire::hash::Hash;
use wire::observation::{Observation, Screen};
use wire::skill::facts::{Facts, Value};

/// How finely a fact is looked at.
enum Grain {
    /// As it is.
    Whole,
    /// In eighths of another fact, which is its maximum.
    Eighths(&'static str),
    /// As it is, everything above this being the same.
    UpTo(f64),
    /// Only which of these it has reached.
    Reached(&'static [f64]),
}

/// The facts that matter.
const TABLE: &[(&str, Grain)] = &[
    ("screen", Grain::Whole),
    ("phase", Grain::Whole),
    ("can_act", Grain::Whole),
    ("is_turning", Grain::Whole),
    ("is_ailing", Grain::Whole),
    ("hp", Grain::Eighths("max_hp")),
    ("belly", Grain::Eighths("max_belly")),
    ("enemies", Grain::UpTo(4.0)),
    ("enemies_adjacent", Grain::UpTo(3.0)),
    ("enemy_distance", Grain::UpTo(5.0)),
    ("strangers", Grain::UpTo(1.0)),
    ("items_seen", Grain::UpTo(2.0)),
    ("healing", Grain::UpTo(1.0)),
    ("missiles", Grain::UpTo(1.0)),
    ("stairs_known", Grain::Whole),
    ("on_stairs", Grain::Whole),
    ("stairs_menu", Grain::Whole),
    ("hurrying", Grain::Whole),
    ("fruitless", Grain::Reached(&[1.0, 2.0, 4.0])),
    ("unproductive", Grain::Reached(&[20.0, 60.0])),
];

/// What kind of screen it is: how fast what is right there changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// The title, where nothing changes by itself.
    Title,
    /// A menu.
    Menu,
    /// A text box.
    Dialogue,
    /// Play itself, and everything else.
    #[default]
    Dungeon,
}

impl Class {
    /// The class of a screen.
    pub fn of(screen: Screen) -> Class {
        match screen {
            Screen::Title => Class::Title,
            Screen::Menu(_) | Screen::FloorMap => Class::Menu,
            Screen::Dialogue | Screen::Choice | Screen::Printing => Class::Dialogue,
            _ => Class::Dungeon,
        }
    }

    /// For how many milliseconds a decision is trusted there when nothing else is known of it.
    pub fn trusted_ms(self) -> u64 {
        match self {
            Class::Title => 60_000,
            Class::Menu => 30_000,
            Class::Dialogue => 20_000,
            Class::Dungeon => 10_000,
        }
    }
}

/// What matters of an inquiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Names everything that matters.
    pub key: Hash,
    /// The same, whichever skill runs.
    pub world: Hash,
    /// The kind of screen.
    pub class: Class,
    /// Whether anything is known of it but its picture. What is not known is the same only for exactly the same picture.
    pub is_known: bool,
}

impl Situation {
    /// What matters of this inquiry.
    pub fn of(inquiry: &Inquiry) -> Situation {
        let seen = &*inquiry.seen;
        let facts = Facts::of(seen, &inquiry.bearings);
        let mut words = Vec::with_capacity(512);
        for (name, grain) in TABLE {
            words.extend(grained(&facts, name, grain).to_le_bytes());
        }
        words.push(outcome_class(inquiry));
        text_of(seen, &mut words);
        inquiry.offers.iter().for_each(|offer| offered(offer, &mut words));
        let is_known = seen.screen != Screen::Unknown || seen.leader.is_some();
        if !is_known {
            words.extend(inquiry.basis.frame_hash.0.to_le_bytes());
        }
        let world = Hash::of([&words[..]]);
        let running = inquiry.offers.iter().find(|offer| offer.is_running).map_or("", |offer| &offer.skill);
        let key = Hash::of([&world.0.to_le_bytes(), running.as_bytes()]);
        Situation { key, world, class: Class::of(seen.screen), is_known }
    }
}

/// A fact as a number that is the same for what is taken for the same.
fn grained(facts: &Facts, name: &str, grain: &Grain) -> i64 {
    let number = match facts.named(name) {
        Some(Value::Number(number)) => number,
        Some(Value::Truth(truth)) => f64::from(u8::from(truth)),
        Some(Value::Text(text)) => return Hash::of([text.as_bytes()]).0 as i64,
        None => return -1,
    };
    match grain {
        Grain::Whole => number as i64,
        Grain::UpTo(most) => number.min(*most) as i64,
        Grain::Reached(marks) => marks.iter().filter(|mark| number >= **mark).count() as i64,
        Grain::Eighths(max) => match facts.named(max) {
            // Rounded up, so that nothing but zero is the same as zero.
            Some(Value::Number(max)) if max > 0.0 => (number * 8.0 / max).ceil() as i64,
            _ => -1,
        },
    }
}

/// What came of the last step: nothing is known of it, it did something, it did nothing; and whether it hurt.
fn outcome_class(inquiry: &Inquiry) -> u8 {
    inquiry.outcomes.last().map_or(0, |last| 1 + u8::from(last.is_effective) + 2 * u8::from(last.hp_lost > 0))
}

fn text_of(seen: &Observation, words: &mut Vec<u8>) {
    match seen.screen {
        Screen::Menu(_) => {
            let menu = &seen.menu;
            words.extend([menu.cursor.to_le_bytes(), menu.page.to_le_bytes()].concat());
            for entry in &menu.actions {
                words.extend(entry.action.to_le_bytes());
                words.push(u8::from(entry.selectable));
            }
        }
        Screen::Dialogue | Screen::Choice | Screen::Printing => {
            words.extend(seen.dialogue.cursor.to_le_bytes());
            words.extend(seen.dialogue.text.as_bytes());
        }
        _ => {}
    }
}

/// A skill on offer. A text of it that says something else makes it another one.
fn offered(offer: &Offer, words: &mut Vec<u8>) {
    let parameters = offer.parameters.iter().flat_map(|parameter| [&parameter.name, &parameter.kind]);
    for word in [&offer.skill, &offer.description].into_iter().chain(parameters) {
        words.extend(word.as_bytes());
        words.push(0);
    }
    words.push(1);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Scene, inquiry};
    use super::*;
    use wire::skill::facts::FACTS;

    fn key(change: impl FnOnce(&mut Scene)) -> Situation {
        let mut scene = Scene::default();
        change(&mut scene);
        Situation::of(&inquiry(&scene))
    }

    #[test]
    fn every_fact_that_matters_exists() {
        for (name, grain) in TABLE {
            assert!(FACTS.iter().any(|fact| fact.name == *name), "{name}");
            if let Grain::Eighths(max) = grain {
                assert!(FACTS.iter().any(|fact| fact.name == *max), "{max}");
            }
        }
    }

    #[test]
    fn what_does_not_matter_makes_no_other_situation() {
        let plain = key(|_| {});
        assert_eq!(key(|scene| scene.step = 99), plain);
        assert_eq!(key(|scene| scene.x = 9), plain);
        assert_eq!(key(|scene| scene.hp -= 1), plain, "38 and 37 of 40 are the same eighth");
        assert_eq!(key(|scene| scene.foe = Some(7)), key(|scene| scene.foe = Some(9)));
    }

    #[test]
    fn what_matters_makes_another_situation() {
        let plain = key(|_| {});
        let changes: [fn(&mut Scene); 8] = [
            |scene| scene.hp = 20,
            |scene| scene.foe = Some(2),
            |scene| scene.offers = vec!["fight", "explore"],
            |scene| scene.offers = vec!["explore", "fight", "rest"],
            |scene| scene.screen = Screen::Dialogue,
            |scene| scene.fruitless = 4,
            |scene| scene.stairs = true,
            |scene| scene.text = "Take the stairs?",
        ];
        let mut keys: Vec<_> = changes.into_iter().map(|change| key(change).key).collect();
        // The last says something only while a text box shows it.
        assert_eq!(keys.pop(), Some(plain.key));
        keys.push(plain.key);
        keys.push(key(|scene| (scene.screen, scene.text) = (Screen::Dialogue, "Yes?")).key);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 9);
    }

    #[test]
    fn who_runs_changes_the_situation_and_not_the_world() {
        let (plain, running) = (key(|_| {}), key(|scene| scene.running = Some("explore")));
        assert_eq!(plain.world, running.world);
        assert_ne!(plain.key, running.key);
    }
}
