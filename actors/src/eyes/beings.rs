//! Who is about: each one that is read is taken for the one that stood nearest before, so that it keeps its number.

use super::floor_map::SURE;
use reader::{Being, Ground, Mark, Reading};
use serde::{Deserialize, Serialize};
use wire::observation::{Direction, Monster, Position, TILES};
use wire::ways::place_of;

/// Slots: the team has the first, wild ones the others.
const TEAM: u8 = 4;
const SLOTS: u8 = 20;
/// Turns for which somebody out of sight is remembered.
const REMEMBERED_TURNS: u64 = 12;
/// Tiles that the fastest may go in a turn.
const STRIDE: i16 = 2;
/// Turns in a row at one place after which somebody who is too far off to be looked at is taken for asleep.
const STILL_TURNS: u64 = 4;
/// The species of somebody who was never looked at.
const UNKNOWN: u8 = 0;

/// Who is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Beings {
    known: Vec<Known>,
    next_id: u16,
}

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    slot: u8,
    id: u16,
    species: u8,
    side: Side,
    place: Position,
    direction: Direction,
    is_asleep: bool,
    /// In sight now.
    is_seen: bool,
    seen_turn: u64,
    /// Since when at this place.
    still_since: u64,
}

/// Whose side somebody is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    Team,
    Wild,
    Stranger,
}

/// Somebody as read now.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    place: Position,
    /// Nothing where only a dot shows.
    being: Option<Being>,
    side: Option<Side>,
}

impl Beings {
    /// Another floor: nobody is known, but numbers go on.
    pub fn leave(&mut self) {
        self.known.clear();
    }

    /// Takes a picture at rest into account. `strangers`: species that may come along; `turn`: the turn it is.
    pub fn look(&mut self, reading: &Reading, leader: Position, strangers: &[u8], turn: u64) {
        let marks = reading.minimap.as_ref().map(|minimap| minimap.marks.as_slice());
        let marks = marks.filter(|marks| marks.len() == TILES);
        let sightings = sightings(reading, leader, marks, strangers);
        for known in &mut self.known {
            known.is_seen = false;
        }
        let mut open: Vec<Option<Sighting>> = sightings.into_iter().map(Some).collect();
        let mut pairs: Vec<(i16, usize, usize)> = Vec::new();
        for (at, sighting) in open.iter().enumerate() {
            for (whom, known) in self.known.iter().enumerate() {
                let Some(sighting) = sighting else { continue };
                let turns = i16::try_from(turn.saturating_sub(known.seen_turn)).unwrap_or(i16::MAX).saturating_add(1);
                let distance = known.place.distance(sighting.place);
                if known.may_be(sighting) && distance <= turns.saturating_mul(STRIDE).min(STRIDE * 6) {
                    pairs.push((distance, at, whom));
                }
            }
        }
        pairs.sort_unstable();
        for (_, at, whom) in pairs {
            if !self.known[whom].is_seen
                && let Some(sighting) = open[at].take()
            {
                self.known[whom].see(&sighting, turn);
            }
        }
        self.known.retain(|known| known.is_seen || turn.saturating_sub(known.seen_turn) <= REMEMBERED_TURNS);
        for sighting in open.into_iter().flatten() {
            self.meet(&sighting, turn);
        }
        self.known.sort_by_key(|known| known.slot);
    }

    /// Who is in sight now, without the leader; the team first.
    pub fn seen(&self, turn: u64) -> impl Iterator<Item = Monster> + '_ {
        self.known.iter().filter(|known| known.is_seen).map(move |known| known.monster(turn))
    }

    fn meet(&mut self, sighting: &Sighting, turn: u64) {
        let side = sighting.side.unwrap_or(Side::Wild);
        let mut slots = if side == Side::Team { 1..TEAM } else { TEAM..SLOTS };
        let is_free = |slot: &u8| self.known.iter().all(|known| known.slot != *slot);
        let slot = slots.find(is_free).or_else(|| {
            // The one that was not seen for longest makes room.
            let lost = self.known.iter().filter(|known| !known.is_seen && (known.slot < TEAM) == (side == Side::Team));
            lost.min_by_key(|known| known.seen_turn).map(|known| known.slot)
        });
        let Some(slot) = slot else { return };
        self.known.retain(|known| known.slot != slot);
        self.next_id = self.next_id.wrapping_add(1);
        let being = sighting.being.unwrap_or_default();
        self.known.push(Known {
            slot,
            id: self.next_id,
            species: being.species,
            side,
            place: sighting.place,
            direction: being.direction,
            is_asleep: being.is_asleep,
            is_seen: true,
            seen_turn: turn,
            still_since: turn,
        });
    }
}

impl Known {
    fn may_be(&self, sighting: &Sighting) -> bool {
        let is_species = sighting.being.is_none_or(|being| self.species == UNKNOWN || being.species == self.species);
        let is_team = |side: Side| side == Side::Team;
        is_species && sighting.side.is_none_or(|side| is_team(side) == is_team(self.side))
    }

    fn see(&mut self, sighting: &Sighting, turn: u64) {
        if self.place != sighting.place {
            self.still_since = turn;
        }
        self.place = sighting.place;
        self.is_seen = true;
        self.seen_turn = turn;
        self.side = sighting.side.unwrap_or(self.side);
        if let Some(being) = sighting.being {
            self.species = being.species;
            self.direction = being.direction;
            self.is_asleep = being.is_asleep;
        }
    }

    fn monster(&self, turn: u64) -> Monster {
        let has_never_moved = self.species == UNKNOWN && turn.saturating_sub(self.still_since) >= STILL_TURNS;
        Monster {
            slot: self.slot,
            spawn_id: self.id,
            is_team: self.side == Side::Team,
            is_leader: false,
            is_neutral: self.side == Side::Stranger,
            species: self.species.into(),
            level: 0,
            position: self.place,
            direction: self.direction,
            hp: None,
            is_incapacitated: self.is_asleep || has_never_moved,
            is_ailing: false,
            is_confused: false,
        }
    }
}

/// Who is to be seen: on the tiles in view, and as dots of the small map elsewhere.
fn sightings(reading: &Reading, leader: Position, marks: Option<&[Mark]>, strangers: &[u8]) -> Vec<Sighting> {
    let mut all = Vec::new();
    let mut looked_at = Vec::new();
    for cell in &reading.cells {
        let place = Position { x: leader.x + i16::from(cell.dx), y: leader.y + i16::from(cell.dy) };
        let side = side_of(place, marks);
        // Little of such a tile shows: without a dot there, who seems to stand on it does not count.
        let is_covered = matches!(cell.ground.value, Ground::Hidden | Ground::Askew);
        let is_told = !is_covered || cell.being.value.is_some() && side.is_some();
        if cell.being.confidence < SURE || !is_told || place.index().is_none() || place == leader {
            continue;
        }
        looked_at.push(place);
        let Some(being) = cell.being.value else { continue };
        let side = side.map(|side| match side {
            Side::Wild if strangers.contains(&being.species) => Side::Stranger,
            side => side,
        });
        all.push(Sighting { place, being: Some(being), side });
    }
    let Some(marks) = marks else { return all };
    let is_near_somebody = |all: &[Sighting], place: Position| all.iter().any(|other| other.place.distance(place) <= 1);
    for (wanted, side) in [(Mark::Foe, Side::Wild), (Mark::Ally, Side::Team)] {
        for place in dots(marks, wanted) {
            // A tile in view was looked at, and what covers half a dot there belongs to a neighbour.
            if place != leader && !looked_at.contains(&place) && !is_near_somebody(&all, place) {
                all.push(Sighting { place, being: None, side: Some(side) });
            }
        }
    }
    all
}

/// Whose colour the dot of a place has, where enough of it shows.
fn side_of(place: Position, marks: Option<&[Mark]>) -> Option<Side> {
    let marks = marks?;
    let at = |x, y| Position { x: place.x + x, y: place.y + y }.index().map(|index| marks[index]);
    let dot = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
    let count = |mark: Mark| dot.iter().filter(|shown| **shown == Some(mark)).count();
    match (count(Mark::Ally), count(Mark::Foe)) {
        (0, 0) => None,
        (ally, foe) if ally > foe => Some(Side::Team),
        (ally, foe) if foe > ally => Some(Side::Wild),
        _ => None,
    }
}

/// The places of dots of a colour, each two by two; those that others half cover are found by what is left of them.
fn dots(marks: &[Mark], wanted: Mark) -> Vec<Position> {
    let mut used = [false; TILES];
    let mut places = Vec::new();
    let covers = |mark: Mark| matches!(mark, Mark::Leader | Mark::Ally | Mark::Foe);
    for index in 0..TILES {
        if marks[index] != wanted || used[index] || places.len() >= SLOTS.into() {
            continue;
        }
        let place = place_of(index);
        let parts = [(1, 0), (0, 1), (1, 1)].map(|(x, y)| Position { x: place.x + x, y: place.y + y }.index());
        let is_whole = parts.iter().all(|part| part.is_none_or(|part| covers(marks[part])));
        used[index] = true;
        if !is_whole {
            continue;
        }
        parts.into_iter().flatten().for_each(|part| used[part] = true);
        places.push(place);
    }
    places
}
