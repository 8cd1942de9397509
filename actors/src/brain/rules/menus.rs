//! Menus, text boxes and choices, and intents that lead through them: one key at a time, each after a look at memory.

use super::memory::{Act, Intent, Memory};
use super::situation::Situation;
use super::{Plan, Skill, face};
use std::borrow::Cow;
use wire::buttons::Button;
use wire::items::{Use, action, use_of};
use wire::keys;
use wire::observation::{MenuKind, Observation, Screen};
use wire::skill::Expectation;

/// The main menu's entry for the bag.
const MAIN_ITEMS: i16 = 1;
/// Entries on a page when the game does not say.
const ENTRIES_A_PAGE: i16 = 10;
/// Words in a question that is better answered with no: the first answer is yes everywhere.
const DANGEROUS_WORDS: [&str; 6] = ["give up", "quit", "erase", "delete", "leave", "abandon"];

/// Carries an intent on while a command is awaited.
pub(super) fn go_on(memory: &mut Memory, situation: &Situation<'_>) -> Option<Plan> {
    let intent = memory.intent.as_mut()?;
    intent.presses_left = intent.presses_left.saturating_sub(1);
    let plan = if intent.presses_left > 0 { toward(intent, situation) } else { None };
    if plan.is_none() {
        memory.give_up();
    }
    plan
}

fn toward(intent: &Intent, situation: &Situation<'_>) -> Option<Plan> {
    let skill = skill_of(&intent.act);
    let observation = situation.observation;
    if let Some(direction) = intent.face.filter(|direction| *direction != situation.leader.direction) {
        let ahead = situation.leader.position.step(direction);
        if observation.is_turning || observation.monster_at(ahead).is_some_and(|monster| !monster.is_team) {
            return Some(face(skill, direction, "the throw goes that way"));
        }
        let gesture = keys::press(Button::Start as u16);
        return Some(Plan::new(skill, "turn in place", "the throw goes another way", gesture, Expectation::Menu));
    }
    if observation.is_turning {
        return Some(stop_turning("the direction is right"));
    }
    match intent.act {
        Act::ThrowSet => observation.bag.iter().any(|item| item.set).then(|| {
            Plan::new(skill, "throw the set item", "a foe is in line", keys::throw_set_item(), Expectation::Turn)
        }),
        Act::UseItem { item, .. } => observation.bag.iter().any(|own| own.item == item).then(|| {
            let action = format!("open the menu (item {item})");
            Plan::new(skill, action, "the bag is in the menu", keys::open_menu(), Expectation::Menu)
        }),
    }
}

/// A key while a menu is open.
pub(super) fn in_menu(memory: &mut Memory, observation: &Observation) -> Plan {
    let Screen::Menu(kind) = observation.screen else {
        return press(Skill::CloseMenu, Button::B, "press B", "the map is in the way");
    };
    if observation.menu.actions.iter().any(|entry| entry.action == action::STAIRS) {
        return on_stairs(memory.wants_stairs, observation);
    }
    let Some(intent) = memory.intent.as_mut() else {
        return press(Skill::CloseMenu, Button::B, "press B", "no menu is wanted");
    };
    intent.presses_left = intent.presses_left.saturating_sub(1);
    let plan = if intent.presses_left > 0 { through(intent, kind, observation) } else { None };
    plan.unwrap_or_else(|| {
        memory.give_up();
        press(Skill::CloseMenu, Button::B, "press B", "what was wanted is not here")
    })
}

fn on_stairs(wanted: bool, observation: &Observation) -> Plan {
    let entry = observation.menu.actions.iter().position(|entry| entry.action == action::STAIRS);
    match entry.filter(|_| wanted) {
        Some(entry) => {
            let reason = "the floor is done with";
            choose(Skill::TakeStairs, entry as i16, observation, "press A (stairs: proceed)", reason)
        }
        None => press(Skill::CloseMenu, Button::B, "press B (stairs: stay)", "the floor is not done with"),
    }
}

fn through(intent: &Intent, kind: MenuKind, observation: &Observation) -> Option<Plan> {
    let Act::UseItem { item, action } = intent.act else { return None };
    let skill = skill_of(&intent.act);
    match kind {
        MenuKind::Main => Some(choose(skill, MAIN_ITEMS, observation, "press A (items)", "the item is in the bag")),
        MenuKind::List if observation.menu.actions.is_empty() => {
            let slot = observation.bag.iter().position(|own| own.item == item)? as i16;
            let per_page = match observation.menu.entries_per_page {
                entries @ 1..=20 => entries,
                _ => ENTRIES_A_PAGE,
            };
            let page = slot / per_page;
            if page != observation.menu.page {
                let gesture = keys::menu(Button::Right as u16);
                return Some(Plan::new(
                    skill,
                    "press RIGHT",
                    "the item is on another page",
                    gesture,
                    Expectation::Cursor,
                ));
            }
            let name = format!("press A (item {item})");
            Some(choose(skill, slot % per_page, observation, name, "this is the item"))
        }
        MenuKind::List => {
            let is_it = |entry: &wire::observation::MenuAction| entry.action == action && entry.selectable;
            let entry = observation.menu.actions.iter().position(is_it)? as i16;
            Some(choose(
                skill,
                entry,
                observation,
                format!("press A (action {action:#x})"),
                "this is what to do with it",
            ))
        }
        MenuKind::Log | MenuKind::Naming => None,
    }
}

/// Moves the cursor to an entry, or chooses it.
fn choose(
    skill: Skill,
    entry: i16,
    observation: &Observation,
    action: impl Into<Cow<'static, str>>,
    reason: &'static str,
) -> Plan {
    let cursor = observation.menu.cursor;
    if cursor == entry {
        return Plan::new(skill, action, reason, keys::menu(Button::A as u16), Expectation::Menu);
    }
    let (name, button) = if entry > cursor { ("press DOWN", Button::Down) } else { ("press UP", Button::Up) };
    Plan::new(skill, name, reason, keys::menu(button as u16), Expectation::Cursor)
}

/// Leaves the turn-in-place mode.
pub(super) fn stop_turning(reason: &'static str) -> Plan {
    Plan::new(Skill::CloseMenu, "stop turning", reason, keys::stop_turning(), Expectation::Menu)
}

/// Goes on with a text.
pub(super) fn read_on(observation: &Observation) -> Plan {
    let reason = format!("it says: {}", shortened(&observation.dialogue.text));
    let gesture = keys::menu(Button::A as u16);
    Plan::new(Skill::AnswerDialogue, "press A (read on)", reason, gesture, Expectation::Text)
}

/// Answers a question: yes, the first answer, unless it would give something up.
pub(super) fn answer(observation: &Observation) -> Plan {
    let text = observation.dialogue.text.to_lowercase();
    let reason = format!("the question is: {}", shortened(&observation.dialogue.text));
    let plan = |action: &'static str, button: Button, expect| {
        Plan::new(Skill::AnswerDialogue, action, reason, keys::menu(button as u16), expect)
    };
    match observation.dialogue.cursor {
        _ if DANGEROUS_WORDS.iter().any(|word| text.contains(word)) => {
            plan("press B (no)", Button::B, Expectation::Text)
        }
        0 => plan("press A (yes)", Button::A, Expectation::Text),
        _ => plan("press UP", Button::Up, Expectation::Cursor),
    }
}

fn press(skill: Skill, button: Button, action: &'static str, reason: &'static str) -> Plan {
    Plan::new(skill, action, reason, keys::menu(button as u16), Expectation::Menu)
}

fn skill_of(act: &Act) -> Skill {
    match act {
        Act::ThrowSet => Skill::Throw,
        Act::UseItem { action: action::THROW | action::THROW_STRAIGHT, .. } => Skill::Throw,
        Act::UseItem { item, .. } if matches!(use_of(*item), Use::Food(_)) => Skill::Eat,
        Act::UseItem { .. } => Skill::UseItem,
    }
}

/// Enough of a text for a log line.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
