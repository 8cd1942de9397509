//! Known layouts: a floor is named by where the leader arrives and what ground it sees there, and what was learnt of it is
//! kept with the memory of the arrival. When a floor of that name is met again, its map is laid under what is seen.
//!
//! It is knowledge of earlier play, not of the game's memory: only tiles that the agent has seen itself are kept. What is
//! seen now always wins, and whatever contradicts it proves that this is another floor: all of it is dropped.

use super::moments::place_on_floor;
use wire::hash::Hash;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH, NO_ROOM, Observation, Position, Screen, TILES, Terrain, Tile, Trap};
use wire::recall::DETAIL_BYTES_MAX;

/// Changes whenever the bytes do.
const VERSION: u8 = 1;
/// Tiles of ground that must be in sight, so that the name tells floors apart.
const GROUND_MIN: usize = 6;
/// Traps that are kept.
const TRAPS_MAX: usize = 64;
const REVEALED_BYTES: usize = TILES / 8;
/// Says that the stairs are not known.
const NO_PLACE: u8 = 0xFF;

/// The name of the layout of a floor that the leader has just arrived on; 0 where too little is seen to tell.
pub(super) fn name(seen: &Observation) -> u64 {
    let Some(here) = place_on_floor(seen).filter(|_| seen.screen == Screen::Command) else { return 0 };
    let mut bytes = vec![seen.dungeon, seen.floor, here.x as u8, here.y as u8];
    let ground = seen.tiles.iter().enumerate().filter(|(_, tile)| tile.revealed && is_ground(tile.terrain));
    let before = bytes.len();
    bytes.extend(ground.flat_map(|(index, tile)| [index as u8, (index >> 8) as u8, number(tile.terrain)]));
    if (bytes.len() - before) / 3 < GROUND_MIN {
        return 0;
    }
    Hash::of([bytes.as_slice()]).0.max(1)
}

/// What is known of a floor.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownFloor {
    dungeon: u8,
    floor: u8,
    layout: u64,
    stairs: Option<Position>,
    traps: Vec<Trap>,
    /// Unknown where nothing is known.
    tiles: Vec<Tile>,
}

/// What is seen is not what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tile at {},{} is another one", .0.x, .0.y)]
pub struct Contradiction(pub Position);

impl KnownFloor {
    /// What an observation knows of its floor.
    pub(super) fn of(seen: &Observation, layout: u64) -> KnownFloor {
        let tile = |tile: &Tile| match tile.revealed {
            true => Tile { visited: false, ..*tile },
            false => Tile { room: NO_ROOM, ..Tile::default() },
        };
        KnownFloor {
            dungeon: seen.dungeon,
            floor: seen.floor,
            layout,
            stairs: seen.stairs,
            traps: seen.traps.iter().copied().take(TRAPS_MAX).collect(),
            tiles: seen.tiles.iter().map(tile).collect(),
        }
    }

    /// Whether an observation may show this floor.
    pub fn is_of(&self, seen: &Observation) -> bool {
        (self.dungeon, self.floor) == (seen.dungeon, seen.floor)
    }

    /// As bytes: what is revealed as one bit a tile, the terrain of revealed tiles as two, then for each that is no wall the
    /// steps that can be made from it and its room.
    pub(super) fn encode(&self) -> Vec<u8> {
        let place = |place: Option<Position>| place.map_or([NO_PLACE; 2], |place| [place.x as u8, place.y as u8]);
        let mut bytes = vec![VERSION, self.dungeon, self.floor];
        bytes.extend(self.layout.to_le_bytes());
        bytes.extend(place(self.stairs));
        bytes.push(self.traps.len() as u8);
        for trap in &self.traps {
            bytes.extend(place(Some(trap.position)));
            bytes.push(trap.kind);
        }
        let mut revealed = [0; REVEALED_BYTES];
        let mut terrains = Vec::new();
        let mut steps = Vec::new();
        for (index, tile) in self.tiles.iter().enumerate().filter(|(_, tile)| tile.revealed) {
            revealed[index / 8] |= 1 << (index % 8);
            terrains.push(number(tile.terrain));
            if is_ground(tile.terrain) {
                steps.extend([tile.walkable, tile.room]);
            }
        }
        bytes.extend(revealed);
        bytes.extend(
            terrains
                .chunks(4)
                .map(|four| four.iter().enumerate().fold(0, |byte, (index, terrain)| byte | terrain << (2 * index))),
        );
        bytes.extend(steps);
        debug_assert!(bytes.len() <= DETAIL_BYTES_MAX, "two bytes a tile and the head are less");
        bytes
    }

    /// What [`KnownFloor::encode`] wrote; nothing for other bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<KnownFloor> {
        let mut rest = Reader(bytes);
        let [version, dungeon, floor] = rest.array()?;
        if version != VERSION {
            return None;
        }
        let layout = u64::from_le_bytes(rest.array()?);
        let stairs = rest.place()?;
        let [count] = rest.array()?;
        let trap = |rest: &mut Reader<'_>| Some(Trap { position: rest.place()??, kind: rest.array::<1>()?[0] });
        let traps = (0..count).map(|_| trap(&mut rest)).collect::<Option<Vec<Trap>>>()?;
        let revealed: [u8; REVEALED_BYTES] = rest.array()?;
        let is_revealed = |index: usize| revealed[index / 8] >> (index % 8) & 1 == 1;
        let count = (0..TILES).filter(|index| is_revealed(*index)).count();
        let terrains = rest.take(count.div_ceil(4))?;
        let mut tiles = vec![Tile { room: NO_ROOM, ..Tile::default() }; TILES];
        for (nth, index) in (0..TILES).filter(|index| is_revealed(*index)).enumerate() {
            let terrain = terrain(terrains[nth / 4] >> (2 * (nth % 4)) & 3);
            let [walkable, room] = if is_ground(terrain) { rest.array()? } else { [0, NO_ROOM] };
            tiles[index] = Tile { terrain, revealed: true, room, walkable, ..Tile::default() };
        }
        if let Some(index) = stairs.and_then(Position::index) {
            tiles[index].stairs = true;
        }
        rest.0.is_empty().then_some(KnownFloor { dungeon, floor, layout, stairs, traps, tiles })
    }

    /// Lays what is known under what is seen; gives how many tiles were not known.
    ///
    /// # Errors
    /// Where something seen cannot be on this floor; the observation may be changed then.
    pub fn lay_under(&self, seen: &mut Observation) -> Result<u64, Contradiction> {
        let mut learnt = 0;
        for (index, (tile, known)) in seen.tiles.iter_mut().zip(&self.tiles).enumerate() {
            match (tile.revealed, known.revealed) {
                (true, true)
                    if tile.terrain != known.terrain || (tile.stairs && !known.stairs && self.stairs.is_some()) =>
                {
                    return Err(Contradiction(place_of(index)));
                }
                // A seen tile tells of steps to seen neighbours alone.
                (true, true) => tile.walkable |= known.walkable,
                (false, true) => {
                    *tile = Tile { visited: tile.visited, ..*known };
                    learnt += 1;
                }
                (_, false) => {}
            }
        }
        if let (None, Some(stairs)) = (seen.stairs, self.stairs) {
            // Who has been beside the stairs has seen them.
            if seen.tile(stairs).is_some_and(|tile| tile.visited) {
                return Err(Contradiction(stairs));
            }
            seen.stairs = Some(stairs);
        }
        for trap in &self.traps {
            if seen.traps.iter().all(|other| other.position != trap.position) {
                seen.traps.push(*trap);
            }
        }
        Ok(learnt)
    }
}

/// Reads bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A place, or that there is none; nothing for one outside the map.
    fn place(&mut self) -> Option<Option<Position>> {
        let [x, y] = self.array()?;
        if [x, y] == [NO_PLACE; 2] {
            return Some(None);
        }
        let place = Position { x: i16::from(x), y: i16::from(y) };
        place.index().map(|_| Some(place))
    }
}

fn place_of(index: usize) -> Position {
    debug_assert!(index < MAP_WIDTH * MAP_HEIGHT, "an index of a tile");
    Position { x: (index % MAP_WIDTH) as i16, y: (index / MAP_WIDTH) as i16 }
}

fn is_ground(terrain: Terrain) -> bool {
    !matches!(terrain, Terrain::Wall | Terrain::Unknown)
}

fn number(terrain: Terrain) -> u8 {
    match terrain {
        Terrain::Wall | Terrain::Unknown => 0,
        Terrain::Floor => 1,
        Terrain::Secondary => 2,
        Terrain::Chasm => 3,
    }
}

fn terrain(number: u8) -> Terrain {
    match number {
        1 => Terrain::Floor,
        2 => Terrain::Secondary,
        3 => Terrain::Chasm,
        _ => Terrain::Wall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::observation::Monster;

    fn floor(revealed: impl Fn(usize) -> bool) -> Observation {
        let leader =
            Monster { is_leader: true, is_team: true, position: Position { x: 3, y: 3 }, ..Monster::default() };
        let mut seen = Observation { screen: Screen::Command, dungeon: 7, floor: 2, ..Observation::default() };
        seen.leader = Some(0);
        seen.monsters = vec![leader];
        for (index, tile) in seen.tiles.iter_mut().enumerate().filter(|(index, _)| revealed(*index)) {
            let terrain = if index % 3 == 0 { Terrain::Wall } else { Terrain::Floor };
            let walkable = if index % 3 == 0 { 0 } else { 0b1010_0101 };
            let room = if index % 3 == 0 { NO_ROOM } else { 2 };
            *tile = Tile { terrain, revealed: true, room, walkable, ..Tile::default() };
        }
        seen
    }

    #[test]
    fn a_known_floor_is_laid_under_what_is_seen() {
        let mut whole = floor(|index| index < 900);
        whole.stairs = Some(Position { x: 5, y: 10 });
        whole.tiles[10 * MAP_WIDTH + 5].stairs = true;
        whole.tiles[10 * MAP_WIDTH + 5].terrain = Terrain::Floor;
        whole.traps = vec![Trap { position: Position { x: 8, y: 9 }, kind: 4 }];
        let arrived = floor(|index| index < 100);
        assert_ne!(name(&arrived), 0);
        let bytes = KnownFloor::of(&whole, name(&arrived)).encode();
        let known = KnownFloor::decode(&bytes).expect("it was just written");
        let mut now = arrived.clone();
        now.tiles[1].walkable = 0;
        assert!(known.is_of(&now));
        assert_eq!(known.lay_under(&mut now), Ok(800));
        assert_eq!((&now.tiles, now.stairs, &now.traps), (&whole.tiles, whole.stairs, &whole.traps));
        assert_eq!(known.lay_under(&mut now), Ok(0), "nothing is new the second time");
    }

    #[test]
    fn what_is_seen_and_cannot_be_on_this_floor_contradicts() {
        let known = KnownFloor::of(&floor(|index| index < 900), 1);
        let mut now = floor(|index| index < 100);
        now.tiles[60].terrain = if now.tiles[60].terrain == Terrain::Wall { Terrain::Floor } else { Terrain::Wall };
        assert_eq!(known.lay_under(&mut now), Err(Contradiction(Position { x: 4, y: 1 })));
        let stairs = Position { x: 5, y: 1 };
        let known = KnownFloor { stairs: Some(stairs), ..known };
        let mut now = floor(|index| index < 100);
        now.tiles[61].visited = true;
        assert_eq!(known.lay_under(&mut now), Err(Contradiction(stairs)), "they are not where they should be");
    }

    #[test]
    fn floors_are_told_apart_by_where_one_arrives_and_what_is_seen() {
        let here = floor(|index| index < 100);
        let mut names = vec![name(&here)];
        names.push(name(&Observation { floor: 3, ..here.clone() }));
        names.push(name(&floor(|index| index < 101)));
        let mut elsewhere = here.clone();
        elsewhere.monsters[0].position.x = 4;
        names.push(name(&elsewhere));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert_eq!(name(&floor(|index| index < 4)), 0, "too little is seen");
        assert_eq!(name(&Observation { screen: Screen::Transition, ..here }), 0);
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_no_known_floor(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..3000),
            cut in any::<usize>(),
            flip in any::<(usize, u8)>(),
        ) {
            bytes.insert(0, VERSION);
            // Whatever is read of it, it is read without a fault.
            let _ = KnownFloor::decode(&bytes);
            let mut written = KnownFloor::of(&floor(|index| index % 5 != 0), 9).encode();
            prop_assert!(written.len() <= DETAIL_BYTES_MAX);
            prop_assert_eq!(KnownFloor::decode(&written[..cut % written.len()]), None);
            let place = flip.0 % written.len();
            written[place] ^= flip.1;
            if let Some(known) = KnownFloor::decode(&written) {
                let _ = known.lay_under(&mut floor(|index| index < 100));
            }
        }
    }
}
