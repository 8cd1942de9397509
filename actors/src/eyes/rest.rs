//! When a picture is at rest: two readings some frames apart agree, and show a point at which the game waits for somebody.

use super::floor_map::SURE;
use super::text;
use reader::{Cell, Ground, Line, Reading, Scene};
use wire::ring::Snapshot;

/// Tiles whose ground may be read differently in two readings that agree.
const TILES_OFF_MAX: usize = 2;
/// One part of so many of a picture changes when it scrolls.
const SCROLLING_PART: usize = 8;
/// Rows at the top in which a game may count its frames.
const COUNTING_ROWS: usize = 2;

/// How two pictures differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Nothing but a count of frames differs.
    pub is_none: bool,
    /// So much differs that everything must have moved.
    pub is_scroll: bool,
}

/// How a picture differs from another one.
pub(crate) fn change(before: &Snapshot, now: &Snapshot) -> Change {
    let row_bytes = now.width as usize * now.format.bytes();
    if before.pixels.len() != now.pixels.len() || before.width != now.width || row_bytes == 0 {
        return Change { is_none: false, is_scroll: false };
    }
    let bytes = now.format.bytes();
    let rows = before.pixels.chunks_exact(row_bytes).zip(now.pixels.chunks_exact(row_bytes)).skip(COUNTING_ROWS);
    let changed: usize = rows
        .filter(|(old, new)| old != new)
        .map(|(old, new)| old.chunks_exact(bytes).zip(new.chunks_exact(bytes)).filter(|(old, new)| old != new).count())
        .sum();
    Change { is_none: changed == 0, is_scroll: changed * SCROLLING_PART > now.pixels.len() / bytes }
}

/// Whether two readings of pictures some frames apart say that the game waits for somebody.
pub(crate) fn is_at_rest(before: &Reading, now: &Reading, rows: (u16, u16)) -> bool {
    if before.scene.value != now.scene.value || before.scene.confidence.min(now.scene.confidence) < SURE {
        return false;
    }
    match now.scene.value {
        Scene::Dark => false,
        Scene::Title | Scene::End | Scene::FloorMap => true,
        Scene::Menu | Scene::Page | Scene::Log | Scene::Dialogue | Scene::Choice => {
            texts(&before.lines).eq(texts(&now.lines))
        }
        Scene::Floor => {
            let place = |reading: &Reading| reading.minimap.as_ref().and_then(|map| Some(map.leader?.value));
            before.is_still()
                && now.is_still()
                && place(before) == place(now)
                && before.hud.map(figures) == now.hud.map(figures)
                && text::messages(&before.lines, rows) == text::messages(&now.lines, rows)
                && tiles_agree(&before.cells, &now.cells)
        }
    }
}

fn texts(lines: &[Line]) -> impl Iterator<Item = &str> {
    lines.iter().map(|line| line.text.as_str())
}

fn figures(hud: reader::Hud) -> (u8, u8, i32, i32, i32, i32) {
    (hud.floor, hud.level, hud.hp, hud.hp_max, hud.belly, hud.money)
}

fn tiles_agree(before: &[Cell], now: &[Cell]) -> bool {
    let mut off = 0;
    for (old, new) in before.iter().zip(now) {
        let species = |cell: &Cell| cell.being.value.map(|being| being.species);
        let is_sure = old.being.confidence.min(new.being.confidence) >= SURE;
        if is_sure && species(old) != species(new) {
            return false;
        }
        off += usize::from(old.ground.value != new.ground.value && new.ground.value != Ground::Hidden);
    }
    before.len() == now.len() && off <= TILES_OFF_MAX
}
