//! Ways over the known map.

use std::collections::VecDeque;
use wire::observation::{DIRECTIONS, Direction, MAP_WIDTH, Observation, Position, TILES, Terrain};

/// Farther than any way.
pub(super) const UNREACHED: u16 = u16::MAX;

/// How far every known tile is from one, in steps, and where the way begins.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    start: Position,
    distances: Vec<u16>,
    first: Vec<u8>,
}

impl Reach {
    /// Searches from a tile over steps as [`Tile::walkable`](wire::observation::Tile) has them. Blocked tiles are
    /// reached, but no way leads through them.
    pub(super) fn from(steps: &[u8], start: Position, blocked: &[bool]) -> Reach {
        let mut reach = Reach { start, distances: vec![UNREACHED; TILES], first: vec![0; TILES] };
        let Some(origin) = start.index() else { return reach };
        reach.distances[origin] = 0;
        let mut queue = VecDeque::from([origin]);
        while let Some(index) = queue.pop_front() {
            if index != origin && blocked[index] {
                continue;
            }
            let place = place_of(index);
            // Straight steps first, so that a way with few turns wins among equals.
            for direction in (0..8).step_by(2).chain((1..8).step_by(2)).map(|number: usize| DIRECTIONS[number]) {
                if steps[index] >> direction as u8 & 1 == 0 {
                    continue;
                }
                let Some(next) = place.step(direction).index() else { continue };
                if reach.distances[next] == UNREACHED {
                    reach.distances[next] = reach.distances[index] + 1;
                    reach.first[next] = if index == origin { direction as u8 } else { reach.first[index] };
                    queue.push_back(next);
                }
            }
        }
        reach
    }

    /// Steps to a place, [`UNREACHED`] when there is no known way.
    pub(super) fn distance(&self, place: Position) -> u16 {
        place.index().map_or(UNREACHED, |index| self.distances[index])
    }

    /// The first step of the way to a place.
    pub(super) fn first_step(&self, place: Position) -> Option<Direction> {
        let index = place.index()?;
        let distance = self.distances[index];
        (distance != UNREACHED && place != self.start).then(|| DIRECTIONS[usize::from(self.first[index])])
    }

    /// The places that are reached, nearest first within one row order.
    pub(super) fn places(&self) -> impl Iterator<Item = (Position, u16)> {
        let reached = self.distances.iter().enumerate().filter(|(_, distance)| **distance != UNREACHED);
        reached.map(|(index, distance)| (place_of(index), *distance))
    }
}

/// The place of a tile.
pub(super) fn place_of(index: usize) -> Position {
    Position { x: (index % MAP_WIDTH) as i16, y: (index / MAP_WIDTH) as i16 }
}

/// Whether something on a tile can strike at a neighbour: the game allows it over water, and never around a wall.
pub(super) fn can_strike(observation: &Observation, from: Position, to: Position) -> bool {
    let Some(direction) = from.direction_to(to) else { return false };
    let (x, y) = direction.delta();
    let is_open = |place: Position| {
        observation.tile(place).is_some_and(|tile| !matches!(tile.terrain, Terrain::Wall | Terrain::Unknown))
    };
    let corners = [Position { x: from.x + x, y: from.y }, Position { x: from.x, y: from.y + y }];
    is_open(to) && (!direction.is_diagonal() || corners.into_iter().all(is_open))
}

/// The direction and distance when a straight or diagonal line of open tiles leads to a place.
pub(super) fn line(observation: &Observation, from: Position, to: Position) -> Option<(Direction, i16)> {
    let distance = from.distance(to);
    let direction = DIRECTIONS.into_iter().find(|direction| {
        let (x, y) = direction.delta();
        from.x + x * distance == to.x && from.y + y * distance == to.y
    })?;
    let mut place = from;
    for _ in 0..distance {
        let next = place.step(direction);
        if !can_strike(observation, place, next) || (next != to && observation.monster_at(next).is_some()) {
            return None;
        }
        place = next;
    }
    (distance > 0).then_some((direction, distance))
}

/// How many neighbours a monster could strike from.
pub(super) fn open_sides(observation: &Observation, place: Position) -> usize {
    DIRECTIONS.into_iter().filter(|direction| can_strike(observation, place, place.step(*direction))).count()
}
