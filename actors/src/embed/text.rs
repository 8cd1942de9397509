//! A situation in a few words, for embedders that read text. The same situation always gives the same words.

use std::fmt::Write as _;
use wire::items::food;
use wire::observation::Observation;
use wire::skill::facts::screen_name;

/// Foes and items that are told of.
const TOLD_MAX: usize = 6;

/// What is seen, in a few lines.
pub(super) fn describe(seen: Option<&Observation>) -> String {
    let Some(seen) = seen else { return "a game that is only seen".to_string() };
    let mut text = format!("screen {}; floor {} of {}", screen_name(seen.screen), seen.floor, seen.last_floor);
    let Some(leader) = seen.leader() else { return text };
    let here = leader.position;
    let hp = leader.hp.unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "; hp {} of {}, level {}, belly {} of {}",
        hp.value, hp.max, leader.level, seen.belly.value, seen.belly.max
    );
    for (is, word) in
        [(leader.is_ailing, "ailing"), (leader.is_confused, "confused"), (leader.is_incapacitated, "helpless")]
    {
        if is {
            let _ = write!(text, ", {word}");
        }
    }
    let mut foes: Vec<_> = seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral).collect();
    foes.sort_by_key(|foe| (foe.position.distance(here), foe.slot));
    for foe in foes.iter().take(TOLD_MAX) {
        let (x, y) = (foe.position.x - here.x, foe.position.y - here.y);
        let asleep = if foe.is_incapacitated { " asleep" } else { "" };
        let _ = write!(text, "; foe {}{asleep} at {x:+} {y:+}", foe.species);
    }
    for item in seen.items.iter().take(TOLD_MAX) {
        let _ = write!(text, "; item {} at {:+} {:+}", item.item, item.position.x - here.x, item.position.y - here.y);
    }
    match seen.stairs {
        Some(stairs) => {
            let _ = write!(text, "; stairs at {:+} {:+}", stairs.x - here.x, stairs.y - here.y);
        }
        None => text.push_str("; stairs not known"),
    }
    let _ = write!(text, "; {} items carried, food for {}", seen.bag.len(), food(seen));
    text
}
