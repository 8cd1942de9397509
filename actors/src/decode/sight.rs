//! The fairness filter: what the player could see from where the leader stands.
//!
//! Invariant: nothing about a tile without knowledge bits leaves the decoder, not even whether a known neighbour may be
//! left towards it. Stricter than the game, which draws whatever is on the screen of a bright floor: corridors show two
//! tiles around.

use super::layout::{Dungeon, ROOMS};
use super::pmd_red::position;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH, NO_ROOM, Position};

const SEEN_OR_VISITED: u16 = 0x0003;
/// How far the player sees in the corridors of a bright floor.
const CORRIDOR_RADIUS: i16 = 2;

/// What can be seen.
pub(super) struct Sight {
    everything: bool,
    centre: Option<Position>,
    radius: i16,
    /// The room's rectangle grown by one: first column and row, last column and row.
    room: Option<(i16, i16, i16, i16)>,
    /// Bit x + 1 of row y + 1: the tile's knowledge bits are set. The frame of zeros stands for what lies outside.
    known: [u64; MAP_HEIGHT + 2],
}

impl Sight {
    /// The filter is off.
    pub(super) fn of_everything() -> Sight {
        Sight { everything: true, centre: None, radius: 0, room: None, known: [u64::MAX; MAP_HEIGHT + 2] }
    }

    /// What the player sees; nothing but the map where there is no leader.
    pub(super) fn of_player(dungeon: &Dungeon, leader: Option<usize>) -> Sight {
        let mut known = [0; MAP_HEIGHT + 2];
        for (row, tiles) in dungeon.tiles.chunks_exact(MAP_WIDTH).enumerate() {
            for (column, tile) in tiles.iter().enumerate() {
                known[row + 1] |= u64::from(tile.knowledge.get() & SEEN_OR_VISITED != 0) << (column + 1);
            }
        }
        let centre = leader.map(|slot| position(&dungeon.team_entities[slot].position));
        let is_blind = dungeon.is_blind != 0;
        let radius = match dungeon.darkness {
            _ if is_blind => 0,
            0 => CORRIDOR_RADIUS,
            darkness => i16::from(darkness).min(CORRIDOR_RADIUS),
        };
        let room = centre.filter(|_| !is_blind).and_then(|centre| room_around(dungeon, centre));
        Sight { everything: false, centre, radius, room, known }
    }

    /// Whether the filter is off.
    pub(super) fn sees_everything(&self) -> bool {
        self.everything
    }

    /// Whether a monster or an item at this place can be seen now.
    pub(super) fn reaches(&self, place: Position) -> bool {
        let in_room = self.room.is_some_and(|(first_x, first_y, last_x, last_y)| {
            (first_x..=last_x).contains(&place.x) && (first_y..=last_y).contains(&place.y)
        });
        self.everything || in_room || self.centre.is_some_and(|centre| centre.distance(place) <= self.radius)
    }

    /// The directions from a tile in which everything that decides about a step is known: the tile stepped to and, for
    /// diagonals, both corners passed.
    pub(super) fn known_steps(&self, index: usize) -> u8 {
        let (column, row) = (index % MAP_WIDTH, index / MAP_WIDTH);
        // Three bits of each row: west, middle, east.
        let [above, here, below] = [0, 1, 2].map(|offset| self.known[row + offset] >> column & 7);
        if above & here & below == 7 {
            return 0xFF;
        }
        let bit = |bits: u64, column: u32| bits >> column & 1 == 1;
        let (south, east, north, west) = (bit(below, 1), bit(here, 2), bit(above, 1), bit(here, 0));
        [
            south,
            south && east && bit(below, 2),
            east,
            north && east && bit(above, 2),
            north,
            north && west && bit(above, 0),
            west,
            south && west && bit(below, 0),
        ]
        .into_iter()
        .enumerate()
        .fold(0, |steps, (direction, known)| steps | u8::from(known) << direction)
    }
}

fn room_around(dungeon: &Dungeon, centre: Position) -> Option<(i16, i16, i16, i16)> {
    let number = dungeon.tiles[centre.index()?].room;
    if number == NO_ROOM || usize::from(number) >= ROOMS {
        return None;
    }
    let room = &dungeon.rooms[usize::from(number)];
    let grow = |first: i16, end: i16| (first.saturating_sub(1), end);
    let (first_x, last_x) = grow(room.first_x.signed(), room.end_x.signed());
    let (first_y, last_y) = grow(room.first_y.signed(), room.end_y.signed());
    (room.exists != 0).then_some((first_x, first_y, last_x, last_y))
}
