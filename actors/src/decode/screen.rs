//! Which screen it is, from memory alone.

use super::DecodeError;
use super::layout::at;
use super::pmd_red::{Floor, byte, word};
use wire::observation::{MenuKind, Screen};
use wire::ring::Snapshot;

/// Classifies a snapshot. `floor` is the running floor; `in_dungeon` also holds between floors.
pub(super) fn classify(snapshot: &Snapshot, floor: Option<Floor<'_>>, in_dungeon: bool) -> Result<Screen, DecodeError> {
    let dialogue = match word(snapshot, "the dialogue's state", at::DIALOGUE_STATE)? {
        0 => None,
        4 => Some(Screen::Choice),
        7..=9 => Some(Screen::Dialogue),
        _ => Some(Screen::Printing),
    };
    if let Some(floor) = floor {
        let windows = word(snapshot, "the window layout", at::WINDOWS)?;
        let is_turning = byte(snapshot, "the turn-in-place flag", at::TURNS_IN_PLACE)? != 0;
        return Ok(dialogue.unwrap_or_else(|| on_floor(floor, windows, is_turning)));
    }
    if in_dungeon {
        return Ok(dialogue.unwrap_or(Screen::Transition));
    }
    if word(snapshot, "the pointer to the town's characters", at::TOWN_CHARACTERS)? != 0 {
        return Ok(dialogue.unwrap_or(Screen::Ground));
    }
    let has_title_menu = word(snapshot, "the pointer to the title's menu", at::TITLE_MENU)? != 0;
    let mode = byte(snapshot, "the mode", at::MODE)?;
    Ok(dialogue.unwrap_or(if has_title_menu || mode == 0 { Screen::Title } else { Screen::Elsewhere }))
}

fn on_floor(floor: Floor<'_>, windows: u32, is_turning: bool) -> Screen {
    let dungeon = floor.dungeon;
    if dungeon.awaits_command != 1 {
        return Screen::Motion;
    }
    if dungeon.shows_floor_map == 1 {
        return Screen::FloorMap;
    }
    match windows {
        0 | 3 if is_turning || dungeon.frames_waited.signed() >= 1 => Screen::Command,
        6 | 7 => Screen::Menu(MenuKind::Main),
        8 => Screen::Menu(MenuKind::Naming),
        9 => Screen::Menu(MenuKind::Log),
        10 => Screen::Menu(MenuKind::List),
        _ => Screen::Motion,
    }
}
