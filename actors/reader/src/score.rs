//! How well readings agree with what is so.

use crate::reading::{Being, Ground, Hud, Mark, Reading, Scene, Sure};
use crate::truth::{CellTruth, Truth};
use serde::{Deserialize, Serialize};

/// Tiles off their place from which on a picture is judged by whether it is said to move.
const ASKEW_JUDGED: usize = 8;

/// Right ones of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Right ones.
    pub right: u64,
    /// All.
    pub all: u64,
}

/// What was found, what was found that is not there, and what was missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Found, and there.
    pub found: u64,
    /// Found, and not there.
    pub invented: u64,
    /// There, and not found.
    pub missed: u64,
}

/// How well readings agree with what is so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Pictures that were read.
    pub pictures: u64,
    /// Kinds of screens, of pictures that are not half faded.
    pub scenes: Share,
    /// Whether a floor's picture is moving.
    pub motion: Share,
    /// Ground of the tiles in view, in pictures at rest.
    pub tiles: Share,
    /// The same without tiles that are black or hidden, which are easy.
    pub tiles_seen: Share,
    /// Whether a tile is seen now.
    pub light: Share,
    /// Beings and items: of this kind, on this tile.
    pub entities: Finding,
    /// Of the beings found, those whose direction is right.
    pub directions: Share,
    /// Of the beings found, those that are rightly said to sleep or not.
    pub sleep: Share,
    /// Figures of the status line.
    pub figures: Share,
    /// Whether the small map shows, and each of its marks.
    pub marks: Share,
    /// The leader's place on the small map.
    pub leader: Share,
    /// Lines of text: the same words at the same place.
    pub lines: Finding,
    /// The skill by which play went on.
    pub skills: Share,
}

impl Share {
    fn note(&mut self, is_right: bool) {
        self.right += u64::from(is_right);
        self.all += 1;
    }

    /// Right ones among all; 1 where there are none.
    pub fn rate(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.right as f64 / self.all as f64 }
    }
}

impl Finding {
    fn note<T: PartialEq>(&mut self, read: Option<T>, so: Option<T>) -> bool {
        let is_found = read.is_some() && read == so;
        self.found += u64::from(is_found);
        self.invented += u64::from(read.is_some() && !is_found);
        self.missed += u64::from(so.is_some() && !is_found);
        is_found
    }

    /// The harmonic mean of precision and recall; 1 where there was nothing to find.
    pub fn f1(&self) -> f64 {
        let all = 2 * self.found + self.invented + self.missed;
        if all == 0 { 1.0 } else { 2.0 * self.found as f64 / all as f64 }
    }
}

impl Score {
    /// Judges one reading.
    pub fn note(&mut self, reading: &Reading, truth: &Truth) {
        self.pictures += 1;
        if truth.is_plain {
            self.scenes.note(reading.scene.value == truth.scene);
        }
        let moves = moves(truth);
        if let Some(moves) = moves {
            self.motion.note(reading.is_still() != moves);
        }
        if truth.scene == Scene::Floor && moves == Some(false) {
            for (place, truth) in truth.cells.iter().enumerate() {
                self.note_cell(reading, place, truth);
            }
        }
        if let Some(truth) = &truth.hud {
            let numbers = |hud: &crate::Hud| {
                [i32::from(hud.floor), i32::from(hud.level), hud.hp, hud.hp_max, hud.belly, hud.money]
            };
            let read = reading.hud.map(|hud| numbers(&hud));
            for (place, so) in numbers(truth).into_iter().enumerate() {
                self.figures.note(read.is_some_and(|read| read[place] == so));
            }
        }
        if let Some(is_shown) = truth.has_minimap {
            self.marks.note(reading.minimap.is_some() == is_shown);
        }
        if let Some(truth) = &truth.minimap {
            let marks = reading.minimap.as_ref().map_or(&[][..], |map| map.marks.as_slice());
            let leader = |marks: &[Mark]| marks.iter().position(|mark| *mark == Mark::Leader);
            let read = reading.minimap.as_ref().and_then(|map| map.leader?.value.index());
            self.leader.note(read == leader(truth));
            for (place, so) in truth.iter().enumerate() {
                self.marks.note(marks.get(place) == Some(so));
            }
        }
        if let Some(truth) = &truth.lines {
            self.note_lines(reading, truth);
        }
        if let Some(skill) = truth.skill {
            let read = crate::lines::most_likely(&reading.skills).0;
            self.skills.note(!reading.skills.is_empty() && read == usize::from(skill));
        }
    }

    fn note_cell(&mut self, reading: &Reading, place: usize, truth: &CellTruth) {
        let cell = reading.cells.get(place).copied().unwrap_or_default();
        if let Some(ground) = truth.ground {
            self.tiles.note(cell.ground.value == ground);
            if !matches!(ground, Ground::Unseen | Ground::Hidden) {
                self.tiles_seen.note(cell.ground.value == ground);
            }
        }
        if let Some(is_lit) = truth.is_lit {
            self.light.note(cell.is_lit == is_lit);
        }
        if let Some(being) = truth.being {
            let species = |being: Being| being.species;
            if self.entities.note(cell.being.value.map(species), being.map(species))
                && let (Some(read), Some(so)) = (cell.being.value, being)
            {
                self.directions.note(read.direction == so.direction);
                self.sleep.note(read.is_asleep == so.is_asleep);
            }
        }
        if let Some(item) = truth.item {
            self.entities.note(cell.item.value, item);
        }
    }

    /// Words are compared, because a gap between lines that stand in a row may be read as a space or as an end.
    fn note_lines(&mut self, reading: &Reading, truth: &[(u16, u16, String)]) {
        let words = |lines: &mut dyn Iterator<Item = (u16, &str)>| {
            let mut words: Vec<(u16, String)> =
                lines.flat_map(|(y, text)| text.split_whitespace().map(move |word| (y, word.to_string()))).collect();
            words.sort();
            words
        };
        let read = words(&mut reading.lines.iter().map(|line| (line.y, line.text.as_str())));
        let mut left = words(&mut truth.iter().map(|(_, y, text)| (*y, text.as_str())));
        for word in read {
            match left.iter().position(|so| *so == word) {
                Some(place) => {
                    left.remove(place);
                    self.lines.found += 1;
                }
                None => self.lines.invented += 1,
            }
        }
        self.lines.missed += left.len() as u64;
    }
}

/// Whether a floor's picture moves; nothing where too little of it shows to tell, or it is no floor.
fn moves(truth: &Truth) -> Option<bool> {
    let askew = truth.cells.iter().filter(|cell| cell.ground == Some(Ground::Askew)).count();
    let is_judged = truth.scene == Scene::Floor && truth.cells.iter().any(|cell| cell.ground.is_some());
    match askew {
        0 => is_judged.then_some(false),
        1..ASKEW_JUDGED => None,
        _ => Some(true),
    }
}

/// What a reading says otherwise than it is, a line each, for whoever mends the reader.
pub fn differences(reading: &Reading, truth: &Truth) -> Vec<String> {
    let mut lines = Vec::new();
    if truth.is_plain && reading.scene.value != truth.scene {
        let Sure { value, confidence } = reading.scene;
        lines.push(format!("scene is {:?}, read {value:?} ({confidence:.3})", truth.scene));
    }
    if let Some(is_shown) = truth.has_minimap.filter(|is_shown| *is_shown != reading.minimap.is_some()) {
        lines.push(format!("small map: {is_shown}"));
    }
    if truth.hud.is_some_and(|hud| reading.hud.is_none_or(|read| Hud { confidence: hud.confidence, ..read } != hud)) {
        let status: Vec<&str> = reading.lines.iter().filter(|line| line.y < 6).map(|line| line.text.as_str()).collect();
        lines.push(format!("figures are {:?}, read {status:?}", truth.hud));
    }
    let moves = moves(truth);
    if let Some(moves) = moves.filter(|moves| *moves == reading.is_still()) {
        lines.push(format!("moving: {moves}"));
    }
    for (place, so) in truth.cells.iter().enumerate().filter(|_| moves == Some(false)) {
        let cell = reading.cells.get(place).copied().unwrap_or_default();
        let (dx, dy) = (cell.dx, cell.dy);
        if so.ground.is_some_and(|ground| ground != cell.ground.value) {
            let Sure { value, confidence } = cell.ground;
            lines.push(format!("ground at {dx},{dy} is {:?}, read {value:?} ({confidence:.3})", so.ground));
        }
        let species = |being: Being| being.species;
        if so.being.is_some_and(|being| being.map(species) != cell.being.value.map(species)) {
            let Sure { value, confidence } = cell.being;
            lines.push(format!("being at {dx},{dy} is {:?}, read {value:?} ({confidence:.3})", so.being));
        }
        if so.item.is_some_and(|item| item != cell.item.value) {
            let Sure { value, confidence } = cell.item;
            lines.push(format!("item at {dx},{dy} is {:?}, read {value:?} ({confidence:.3})", so.item));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_what_was_judged() {
        assert_eq!((Share { right: 3, all: 4 }.rate(), Share::default().rate()), (0.75, 1.0));
        assert_eq!(Finding { found: 3, invented: 1, missed: 1 }.f1(), 0.75);
        assert_eq!(Finding::default().f1(), 1.0);
    }

    #[test]
    fn a_wrong_kind_is_both_invented_and_missed() {
        let mut finding = Finding::default();
        assert!(finding.note(Some(3), Some(3)));
        assert!(!finding.note(Some(3), Some(4)));
        assert!(!finding.note(None, Some(4)));
        assert!(!finding.note(Some(1), None));
        assert!(!finding.note::<u8>(None, None));
        assert_eq!(finding, Finding { found: 1, invented: 2, missed: 2 });
    }
}
