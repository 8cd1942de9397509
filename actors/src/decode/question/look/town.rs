//! The questions about what lies outside dungeons: towns, story scenes, maps.

use super::{behind, settle, unseen, value};
use crate::decode::layout::at;
use crate::decode::question::Answer;
use wire::memory::Width;
use wire::ring::Snapshot;

const TEXT_BOX: u32 = 0x0300_1B64;
const MAP_SCRIPT: u32 = 0x0300_1B6C;
const BACKGROUND: u32 = 0x0300_1B70;
const START_MODE: u32 = 0x0200_0B0E;
/// The text box shows a menu or a shop.
const SPECIAL: i64 = 4;
/// The first slot of the town's characters is the player's. Its control flag, and the mode in which it walks freely.
const CONTROLLED: i64 = 0x800;
const WALKS_FREELY: i64 = 1;
const SCREEN: [i64; 2] = [240, 160];

/// Menus of the town: their numbers, where the pointer to the object is, and what they are.
const MENUS: [(&[i64], u32, &str); 8] = [
    (&[0x7], 0x0203_B250, "field menu"),
    (&[0x4, 0x5, 0x6], 0x0203_B1FC, "naming"),
    (&[0xC], 0x0203_B314, "dungeon list"),
    (&[0xE, 0xF], 0x0203_B364, "save menu"),
    (&[0x10, 0x11], 0x0203_B208, "storage"),
    (&[0x13], 0x0203_B204, "bank"),
    (&[0x17, 0x18], 0x0203_B210, "Kecleon shop"),
    (&[0x28], 0x0203_B400, "personality test"),
];

pub(in super::super) fn elsewhere(snapshot: &Snapshot) -> Answer {
    let word = |address: u32| value(snapshot, address, Width::U32).unwrap_or(0);
    if word(at::DUNGEON) != 0 || word(at::TOWN_CHARACTERS) != 0 || word(at::TITLE_MENU) != 0 || word(at::MODE) == 0 {
        return unseen("the game is at its title, in a dungeon or in town");
    }
    match value(snapshot, START_MODE, Width::U8) {
        Some(4) => settle(true, "the start mode is 4, friend areas: does the screen show them?"),
        Some(5) => settle(true, "the start mode is 5, world map: does the screen show it?"),
        mode => unseen(format!("the start mode is {}: what does the screen show?", mode.unwrap_or(-1))),
    }
}

pub(in super::super) fn map_script(snapshot: &Snapshot) -> Answer {
    if !walks_freely(snapshot) {
        return unseen("nobody walks freely in town");
    }
    match behind(snapshot, MAP_SCRIPT, 0x26, Width::S16) {
        Some(state) => settle(state == 0, format!("its state is {state}")),
        None => unseen("there is no map script"),
    }
}

pub(in super::super) fn town_camera(snapshot: &Snapshot) -> Answer {
    let axis = |axis: u32| {
        let player = |offset: u32| behind(snapshot, at::TOWN_CHARACTERS, offset + 4 * axis, Width::S32);
        let camera = behind(snapshot, BACKGROUND, 0x478 + 4 * axis, Width::S32)?;
        Some((player(0x144)?.saturating_add(player(0x14)?) >> 8, camera))
    };
    if behind(snapshot, at::TOWN_CHARACTERS, 2, Width::S16).is_none_or(|kind| kind == -1) {
        return unseen("there is no player's character");
    }
    let (Some(across), Some(down)) = (axis(0), axis(1)) else { return unseen("there is no map of a town") };
    let is_shown = |shift: u32| {
        let axes = [across, down].into_iter().zip(SCREEN);
        axes.into_iter().all(|((player, camera), size)| (0..size).contains(&(player - (camera >> shift))))
    };
    let finding = format!("camera ({}, {}), player at pixel ({}, {})", across.1, down.1, across.0, down.0);
    match (is_shown(0), is_shown(8)) {
        (true, false) => settle(true, finding),
        (false, true) => settle(false, format!("{finding}: it is in 256ths")),
        _ => unseen(finding),
    }
}

pub(in super::super) fn town_menu(snapshot: &Snapshot) -> Answer {
    if behind(snapshot, TEXT_BOX, 0, Width::U32) != Some(SPECIAL) {
        return unseen("no menu of a town is open");
    }
    let kind = behind(snapshot, TEXT_BOX, 0x414, Width::U32).unwrap_or(-1);
    match MENUS.iter().find(|(kinds, ..)| kinds.contains(&kind)) {
        Some((_, pointer, what)) => {
            let found = value(snapshot, *pointer, Width::U32).unwrap_or(0);
            settle(found != 0, format!("menu 0x{kind:X}, {what}: 0x{pointer:08X} is 0x{found:08X}"))
        }
        None => unseen(format!("menu 0x{kind:X} is open, whose pointer is not known")),
    }
}

fn walks_freely(snapshot: &Snapshot) -> bool {
    let player = |offset, width| behind(snapshot, at::TOWN_CHARACTERS, offset, width);
    let mode = player(0x124, Width::S32).filter(|mode| *mode != 0).or_else(|| player(0x120, Width::S32));
    player(0x2, Width::S16).is_some_and(|kind| kind != -1)
        && player(0x11C, Width::U32).is_some_and(|flags| flags & CONTROLLED != 0)
        && player(0x5E, Width::S16) == Some(0)
        && mode == Some(WALKS_FREELY)
        && behind(snapshot, TEXT_BOX, 0, Width::U32) == Some(0)
}
