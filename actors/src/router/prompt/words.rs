//! A [`Situation`] in compact lines.

use super::situation::{Bearing, Carried, Dialogue, Leader, Menu, Other, Place, Situation};
use std::fmt::Write as _;

impl Situation {
    /// What is seen, a line each.
    pub fn words(&self) -> String {
        let mut text = format!("screen: {}\n", screen(self.screen));
        let mut line = |name: &str, words: String| {
            if !words.is_empty() {
                let _ = writeln!(text, "{name}: {words}");
            }
        };
        line("menu", self.menu.as_ref().map(menu).unwrap_or_default());
        line("text", self.dialogue.as_ref().map(dialogue).unwrap_or_default());
        line("place", self.place.as_ref().map(place).unwrap_or_default());
        line("you", self.you.as_ref().map(leader).unwrap_or_default());
        if self.you.is_some() {
            line("foes", if self.foes.is_empty() { "none in sight".to_string() } else { others(&self.foes) });
            line("stairs", self.stairs.map_or("not found yet".to_string(), |stairs| bearing(&stairs)));
        }
        line("allies", others(&self.allies));
        line("strangers", others(&self.strangers));
        let items = self.items.iter().map(|lying| {
            let shop = if lying.in_shop { ", belongs to a shop" } else { "" };
            format!("{}, {}{shop}", carried(&lying.item), bearing(&lying.at))
        });
        line("items in sight", joined(items));
        line("traps", joined(self.traps.iter().map(bearing)));
        line("bag", joined(self.bag.iter().map(carried)));
        line("money", if self.money > 0 { self.money.to_string() } else { String::new() });
        line("message", if self.message.is_empty() { String::new() } else { format!("{:?}", self.message) });
        line("trouble", self.trouble.join("; "));
        text
    }
}

fn screen(name: &str) -> &str {
    match name {
        "command" => "the game waits for your command",
        "motion" => "a turn is being played",
        "menu" => "a menu is open",
        "map" => "the map of the floor is open",
        "dialogue" => "a text box waits for a key",
        "choice" => "a choice waits for an answer",
        "printing" => "a text is being printed",
        "transition" => "between two floors",
        "title" => "the title",
        "ground" => "a town or a scene",
        "elsewhere" => "outside the dungeon",
        _ => "not known",
    }
}

fn menu(menu: &Menu) -> String {
    let entries = if menu.entries.is_empty() { String::new() } else { format!(": {}", menu.entries.join(", ")) };
    format!("{}, cursor at entry {}{entries}", menu.kind, menu.cursor)
}

fn dialogue(dialogue: &Dialogue) -> String {
    let cursor = dialogue.cursor.map(|cursor| format!(", cursor at answer {cursor}"));
    format!("{:?}{}", dialogue.text, cursor.unwrap_or_default())
}

fn place(place: &Place) -> String {
    let mut text = format!("dungeon {}, floor {} of {}", place.dungeon, place.floor, place.last_floor);
    if place.weather > 0 {
        let _ = write!(text, ", weather {}", place.weather);
    }
    if let Some(below) = place.turns_left_below {
        let _ = write!(text, ", fewer than {below} turns left on this floor");
    }
    text
}

fn leader(leader: &Leader) -> String {
    let Leader { x, y, facing, hp, max_hp, belly, max_belly, level, ails } = leader;
    let ails = ails.iter().map(|ail| format!(", {ail}")).collect::<String>();
    format!(
        "at ({x}, {y}) facing {facing}, {hp} of {max_hp} hit points, belly {belly} of {max_belly}, level {level}{ails}"
    )
}

fn others(others: &[Other]) -> String {
    joined(others.iter().map(|other| {
        let hp = other.hp.map(|hp| format!(", {hp} hit points")).unwrap_or_default();
        let ails = other.ails.iter().map(|ail| format!(", {ail}")).collect::<String>();
        let Other { mark, slot, species, level, .. } = other;
        format!("{mark} (slot {slot}, species {species}, level {level}{hp}{ails}) {}", bearing(&other.at))
    }))
}

fn bearing(at: &Bearing) -> String {
    let Bearing { x, y, .. } = at;
    match (at.steps, at.direction) {
        (Some(0), _) => format!("where you stand ({x}, {y})"),
        (Some(1), Some(direction)) => format!("1 step {direction} at ({x}, {y})"),
        (Some(steps), Some(direction)) => format!("{steps} steps {direction} at ({x}, {y})"),
        _ => format!("at ({x}, {y})"),
    }
}

fn carried(item: &Carried) -> String {
    let Carried { item, good_for, count, is_stuck } = item;
    let count = if *count > 1 { format!("{count} of ") } else { String::new() };
    let good_for = if good_for.is_empty() { String::new() } else { format!(" (for {good_for})") };
    let stuck = if *is_stuck { ", stuck" } else { "" };
    format!("{count}item {item}{good_for}{stuck}")
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}
