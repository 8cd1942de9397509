//! Ways over the known map, and who can strike whom on it: what the built-in rules and the skills understand alike.

use crate::observation::{DIRECTIONS, Direction, MAP_WIDTH, Observation, Position, TILES, Terrain};

/// Farther than any way.
pub const UNREACHED: u16 = u16::MAX;

/// Directions by their numbers, and what they change: straight ones first, so that a way with few turns wins among equals.
const STRAIGHT_FIRST: [(u8, (i16, i16)); 8] =
    [(0, (0, 1)), (2, (1, 0)), (4, (0, -1)), (6, (-1, 0)), (1, (1, 1)), (3, (1, -1)), (5, (-1, -1)), (7, (-1, 1))];

/// How far every known tile is from one, in steps, and where the way begins.
#[derive(Clone, Debug)]
pub struct Reach {
    start: Position,
    distances: Vec<u16>,
    first: Vec<u8>,
}

impl Reach {
    /// Searches from a tile over steps as [`Tile::walkable`](crate::observation::Tile) has them. Blocked tiles are
    /// reached, but no way leads through them.
    pub fn from(steps: &[u8], start: Position, blocked: &[bool]) -> Reach {
        let mut reach = Reach { start, distances: vec![UNREACHED; TILES], first: vec![0; TILES] };
        let Some(origin) = start.index() else { return reach };
        reach.distances[origin] = 0;
        let mut queue = Vec::with_capacity(TILES);
        queue.push(origin);
        let mut next_in_queue = 0;
        while let Some(&index) = queue.get(next_in_queue) {
            next_in_queue += 1;
            if steps[index] == 0 || (index != origin && blocked[index]) {
                continue;
            }
            let place = place_of(index);
            for (direction, (x, y)) in STRAIGHT_FIRST {
                if steps[index] >> direction & 1 == 0 {
                    continue;
                }
                let Some(next) = (Position { x: place.x + x, y: place.y + y }).index() else { continue };
                if reach.distances[next] == UNREACHED {
                    reach.distances[next] = reach.distances[index] + 1;
                    reach.first[next] = if index == origin { direction } else { reach.first[index] };
                    queue.push(next);
                }
            }
        }
        reach
    }

    /// Steps to a place, [`UNREACHED`] when there is no known way.
    pub fn distance(&self, place: Position) -> u16 {
        place.index().map_or(UNREACHED, |index| self.distances[index])
    }

    /// The first step of the way to a place.
    pub fn first_step(&self, place: Position) -> Option<Direction> {
        let index = place.index()?;
        let distance = self.distances[index];
        (distance != UNREACHED && place != self.start).then(|| DIRECTIONS[usize::from(self.first[index])])
    }

    /// The places that are reached, nearest first within one row order.
    pub fn places(&self) -> impl Iterator<Item = (Position, u16)> {
        let reached = self.distances.iter().enumerate().filter(|(_, distance)| **distance != UNREACHED);
        reached.map(|(index, distance)| (place_of(index), *distance))
    }
}

/// The trap that helps whoever steps on it.
const WONDER_TILE: u8 = 17;

/// Where an ordinary walker may go, as far as the agent knows.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    steps: Vec<u8>,
    blocked: Vec<bool>,
}

impl Ground {
    /// Known traps, strangers, foes and the stairs block the way; steps that failed before are not tried again.
    pub fn of(observation: &Observation, failed_steps: &[(Position, Direction)]) -> Ground {
        let mut steps: Vec<u8> = observation.tiles.iter().map(|tile| tile.walkable).collect();
        steps.resize(TILES, 0);
        for (place, direction) in failed_steps {
            if let Some(index) = place.index() {
                steps[index] &= !(1 << *direction as u8);
            }
        }
        let mut blocked = vec![false; TILES];
        let traps = observation.traps.iter().filter(|trap| trap.kind != WONDER_TILE).map(|trap| trap.position);
        let monsters = observation.monsters.iter().filter(|monster| !monster.is_team).map(|monster| monster.position);
        for place in traps.chain(monsters).chain(observation.stairs) {
            if let Some(index) = place.index() {
                blocked[index] = true;
            }
        }
        Ground { steps, blocked }
    }

    /// Ways from a place.
    pub fn reach(&self, from: Position) -> Reach {
        Reach::from(&self.steps, from, &self.blocked)
    }

    /// Ways that lead over traps and through whoever stands there.
    pub fn reach_regardless(&self, from: Position) -> Reach {
        Reach::from(&self.steps, from, &vec![false; TILES])
    }

    /// Whether a step leads to a free tile that is known to be harmless.
    pub fn may_step(&self, from: Position, direction: Direction) -> bool {
        let allowed = from.index().is_some_and(|index| self.steps[index] >> direction as u8 & 1 == 1);
        allowed && from.step(direction).index().is_some_and(|index| !self.blocked[index])
    }

    /// The nearest place from which something can be struck, and how far it is; `reach` is that of the one who strikes.
    pub fn striking_place(
        &self,
        observation: &Observation,
        reach: &Reach,
        target: Position,
    ) -> Option<(Position, u16)> {
        let places = DIRECTIONS.into_iter().map(|direction| target.step(direction));
        places
            .filter(|place| can_strike(observation, *place, target) && reach.distance(*place) != UNREACHED)
            .filter(|place| place.index().is_some_and(|index| !self.blocked[index]))
            .map(|place| (place, reach.distance(place)))
            .min_by_key(|(_, distance)| *distance)
    }
}

/// The nearest reached tile that borders on the unknown and holds no known trap.
pub fn nearest_frontier(observation: &Observation, reach: &Reach) -> Option<Position> {
    let unknown = |place: Position| observation.tile(place).is_some_and(|tile| !tile.revealed);
    let is_obstacle = |place: Position| observation.traps.iter().any(|trap| trap.position == place);
    let mut nearest: Option<(u16, Position)> = None;
    for (index, distance) in reach.distances.iter().enumerate() {
        if *distance == 0 || *distance >= nearest.map_or(UNREACHED, |(nearest, _)| nearest) {
            continue;
        }
        let place = place_of(index);
        let borders = DIRECTIONS.into_iter().any(|direction| unknown(place.step(direction)));
        if borders && !is_obstacle(place) {
            nearest = Some((*distance, place));
        }
    }
    nearest.map(|(_, place)| place)
}

/// The place of a tile.
pub fn place_of(index: usize) -> Position {
    Position { x: (index % MAP_WIDTH) as i16, y: (index / MAP_WIDTH) as i16 }
}

/// Whether something on a tile can strike at a neighbour: the game allows it over water, and never around a wall.
pub fn can_strike(observation: &Observation, from: Position, to: Position) -> bool {
    let Some(direction) = from.direction_to(to) else { return false };
    let (x, y) = direction.delta();
    let is_open = |place: Position| {
        observation.tile(place).is_some_and(|tile| !matches!(tile.terrain, Terrain::Wall | Terrain::Unknown))
    };
    let corners = [Position { x: from.x + x, y: from.y }, Position { x: from.x, y: from.y + y }];
    is_open(to) && (!direction.is_diagonal() || corners.into_iter().all(is_open))
}

/// The direction and distance when a straight or diagonal line of open tiles leads to a place.
pub fn line(observation: &Observation, from: Position, to: Position) -> Option<(Direction, i16)> {
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
pub fn open_sides(observation: &Observation, place: Position) -> usize {
    DIRECTIONS.into_iter().filter(|direction| can_strike(observation, place, place.step(*direction))).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Tile;

    /// Open floor but for one wall at (5, 5).
    fn observation() -> Observation {
        let mut observation = Observation::default();
        observation.tiles.fill(Tile { terrain: Terrain::Floor, revealed: true, ..Tile::default() });
        observation.tiles[Position { x: 5, y: 5 }.index().unwrap()].terrain = Terrain::Wall;
        observation
    }

    fn at(x: i16, y: i16) -> Position {
        Position { x, y }
    }

    #[test]
    fn ways_end_at_blocked_tiles_and_lead_around_them() {
        // A corridor of eight tiles along the top row, walkable east and west.
        let mut steps = vec![0; TILES];
        for (x, steps) in steps.iter_mut().take(8).enumerate() {
            *steps = u8::from(x < 7) << Direction::East as u8 | u8::from(x > 0) << Direction::West as u8;
        }
        let mut blocked = vec![false; TILES];
        let reach = Reach::from(&steps, at(2, 0), &blocked);
        assert_eq!((reach.distance(at(7, 0)), reach.first_step(at(7, 0))), (5, Some(Direction::East)));
        assert_eq!((reach.distance(at(0, 0)), reach.first_step(at(0, 0))), (2, Some(Direction::West)));
        assert_eq!((reach.distance(at(2, 0)), reach.first_step(at(2, 0))), (0, None));
        assert_eq!((reach.distance(at(2, 1)), reach.first_step(at(2, 1))), (UNREACHED, None));
        assert_eq!(reach.distance(at(-1, 0)), UNREACHED);
        blocked[5] = true;
        let reach = Reach::from(&steps, at(2, 0), &blocked);
        assert_eq!((reach.distance(at(5, 0)), reach.distance(at(6, 0))), (3, UNREACHED));
        assert_eq!(reach.places().count(), 6);
    }

    #[test]
    fn walls_stop_blows_and_cover_their_corners() {
        let observation = observation();
        assert!(can_strike(&observation, at(3, 3), at(4, 4)));
        assert!(!can_strike(&observation, at(4, 5), at(5, 5)), "a wall");
        assert!(!can_strike(&observation, at(4, 5), at(5, 6)), "around a wall");
        assert!(!can_strike(&observation, at(3, 3), at(5, 3)), "too far");
        assert!(!can_strike(&observation, at(0, 0), at(-1, 0)), "outside");
    }

    #[test]
    fn lines_are_straight_or_diagonal_and_free() {
        let mut observation = observation();
        assert_eq!(line(&observation, at(1, 1), at(4, 4)), Some((Direction::SouthEast, 3)));
        assert_eq!(line(&observation, at(1, 1), at(1, 1)), None);
        assert_eq!(line(&observation, at(1, 1), at(3, 4)), None);
        assert_eq!(line(&observation, at(3, 5), at(7, 5)), None, "a wall is between");
        observation.monsters.push(crate::observation::Monster { position: at(2, 2), ..Default::default() });
        assert_eq!(line(&observation, at(1, 1), at(4, 4)), None, "somebody is between");
        assert_eq!(line(&observation, at(1, 1), at(2, 2)), Some((Direction::SouthEast, 1)));
        assert_eq!((open_sides(&observation, at(4, 5)), open_sides(&observation, at(2, 8))), (5, 8));
    }
}
