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

/// Whether two readings of pictures some frames apart say the same in what matters, sure or not. Who stands on a floor is not
/// asked: half hidden ones are read as somebody in one picture and as nobody in the next.
pub(crate) fn is_calm(before: &Reading, now: &Reading) -> bool {
    let place = |reading: &Reading| reading.minimap.as_ref().and_then(|map| Some(map.leader?.value));
    before.scene.value == now.scene.value
        && match now.scene.value {
            Scene::Dark => false,
            Scene::Floor => {
                before.is_still()
                    && now.is_still()
                    && place(before).is_some()
                    && place(before) == place(now)
                    && before.hud.map(figures) == now.hud.map(figures)
            }
            _ => texts(&before.lines).eq(texts(&now.lines)),
        }
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
        let is_hidden = [old, new].iter().any(|cell| cell.ground.value == Ground::Hidden);
        if is_sure && !is_hidden && species(old) != species(new) {
            return false;
        }
        off += usize::from(old.ground.value != new.ground.value && new.ground.value != Ground::Hidden);
    }
    before.len() == now.len() && off <= TILES_OFF_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use reader::{Being, Hud, Sure};

    const ROWS: (u16, u16) = (129, 159);

    fn sure<T>(value: T) -> Sure<T> {
        Sure { value, confidence: 0.99 }
    }

    fn floor(being_at: i8) -> Reading {
        let cell = |dx: i8| Cell {
            dx,
            dy: 0,
            ground: sure(Ground::Floor),
            is_lit: true,
            being: sure((dx == being_at).then(Being::default)),
            item: sure(None),
        };
        let hud = Hud { floor: 1, level: 1, hp: 9, hp_max: 9, belly: 9, money: 0, confidence: 0.9 };
        Reading { scene: sure(Scene::Floor), cells: (-2..=2).map(cell).collect(), hud: Some(hud), ..Reading::default() }
    }

    fn text(scene: Scene, text: &str) -> Reading {
        let line = Line { x: 9, y: 133, text: text.to_owned(), confidence: 0.9 };
        Reading { scene: sure(scene), lines: vec![line], ..Reading::default() }
    }

    #[test]
    fn what_walks_prints_or_changes_is_not_at_rest() {
        assert!(is_at_rest(&floor(1), &floor(1), ROWS));
        assert!(!is_at_rest(&floor(1), &floor(2), ROWS), "somebody walks");
        let mut askew = floor(1);
        askew.cells.iter_mut().for_each(|cell| cell.ground = sure(Ground::Askew));
        assert!(!is_at_rest(&askew, &askew, ROWS), "everything walks");
        let mut hurt = floor(1);
        hurt.hud = hurt.hud.map(|hud| Hud { hp: 3, ..hud });
        assert!(!is_at_rest(&floor(1), &hurt, ROWS));
        let mut told = floor(1);
        told.lines = text(Scene::Floor, "Rat missed Moss.").lines;
        assert!(!is_at_rest(&floor(1), &told, ROWS), "a message came up");
        assert!(!is_at_rest(&text(Scene::Dialogue, "My pa"), &text(Scene::Dialogue, "My paws"), ROWS), "it prints");
        assert!(is_at_rest(&text(Scene::Dialogue, "My paws"), &text(Scene::Dialogue, "My paws"), ROWS));
        assert!(is_at_rest(&text(Scene::Title, "Press START"), &text(Scene::Title, ""), ROWS), "it blinks");
        assert!(!is_at_rest(&text(Scene::Dark, ""), &text(Scene::Dark, ""), ROWS), "nobody waits in the dark");
    }

    #[test]
    fn a_doubtful_tile_or_two_do_not_keep_a_picture_from_resting() {
        let mut other = floor(1);
        for cell in &mut other.cells[..TILES_OFF_MAX] {
            cell.ground = sure(Ground::Wall);
        }
        assert!(is_at_rest(&floor(1), &other, ROWS));
        other.cells[TILES_OFF_MAX].ground = sure(Ground::Wall);
        assert!(!is_at_rest(&floor(1), &other, ROWS));
        let unsure = Reading { scene: Sure { value: Scene::Floor, confidence: 0.3 }, ..floor(1) };
        assert!(!is_at_rest(&unsure, &unsure, ROWS));
    }

    #[test]
    fn a_few_tiles_that_seem_to_be_on_their_way_do_not_keep_a_picture_from_resting() {
        let view = |askew: usize| {
            let cells =
                floor(0).cells.into_iter().cycle().take(66).enumerate().map(|(place, cell)| match place < askew {
                    true => Cell { ground: sure(Ground::Askew), ..cell },
                    false => cell,
                });
            Reading { cells: cells.collect(), ..floor(0) }
        };
        assert!(is_at_rest(&view(5), &view(5), ROWS), "some are misread");
        assert!(!is_at_rest(&view(35), &view(35), ROWS), "it moves");
    }

    #[test]
    fn who_is_half_hidden_does_not_keep_a_picture_from_resting() {
        let mut hidden = floor(1);
        hidden.cells[4].ground = sure(Ground::Hidden);
        let mut other = hidden.clone();
        other.cells[4].being = sure(Some(Being::default()));
        assert!(is_at_rest(&hidden, &other, ROWS) && is_at_rest(&other, &hidden, ROWS));
    }

    #[test]
    fn what_stays_is_calm_sure_or_not() {
        let mut here = floor(1);
        let leader = Some(sure(wire::observation::Position { x: 3, y: 4 }));
        here.minimap = Some(reader::Minimap { leader, marks: Vec::new() });
        let moved = Reading { minimap: Some(reader::Minimap { leader: None, marks: Vec::new() }), ..here.clone() };
        let beside = Reading { cells: floor(2).cells, ..here.clone() };
        assert!(is_calm(&here, &beside), "who stands there is not asked");
        assert!(!is_calm(&here, &moved) && !is_calm(&moved, &moved), "where the leader is must be known");
        assert!(!is_calm(&here, &Reading { hud: None, ..here.clone() }));
        let unsure =
            |what| Reading { scene: Sure { value: Scene::Choice, confidence: 0.5 }, ..text(Scene::Choice, what) };
        assert!(is_calm(&unsure("Yes"), &unsure("Yes")) && !is_calm(&unsure("Ye"), &unsure("Yes")));
        assert!(!is_at_rest(&unsure("Yes"), &unsure("Yes"), ROWS), "it may become surer");
        assert!(!is_calm(&text(Scene::Dark, ""), &text(Scene::Dark, "")));
    }

    #[test]
    fn a_count_of_frames_is_no_change_and_a_scroll_is_one() {
        let picture = |fill: &dyn Fn(usize) -> u8| {
            let pixels = (0..240 * 160 * 2).map(fill).collect();
            Snapshot { width: 240, height: 160, pixels, ..Snapshot::default() }
        };
        let still = picture(&|_| 7);
        let counted = picture(&|at| if at < 480 { 9 } else { 7 });
        assert_eq!(change(&still, &counted), Change { is_none: true, is_scroll: false });
        let speck = picture(&|at| if (4_800..4_900).contains(&at) { 9 } else { 7 });
        assert_eq!(change(&still, &speck), Change { is_none: false, is_scroll: false });
        assert_eq!(change(&still, &picture(&|at| at as u8)), Change { is_none: false, is_scroll: true });
        assert!(!change(&still, &Snapshot::default()).is_none);
    }
}
