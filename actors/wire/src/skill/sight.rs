//! An observation on its way to the skills role: whole, or as what changed since the one before.
//!
//! The map is most of an observation and hardly changes, so of the map only changed tiles travel.

use crate::observation::{Observation, TILES, Terrain, Tile};
use serde::{Deserialize, Serialize};

/// An observation, as far as the receiver does not know it yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Whether it says everything, and needs nothing that came before.
    pub is_whole: bool,
    /// The observation without its tiles.
    pub rest: Observation,
    /// Index and content of each tile that changed.
    pub tiles: Vec<(u16, u32)>,
}

/// A sight that says what changed, and nobody knows since what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sight of changes came before a whole one")]
pub struct Unfounded;

impl Sight {
    /// What somebody who knows `before` must be told to know `now`.
    pub fn between(before: Option<&Observation>, now: &Observation) -> Sight {
        let blank = Tile::default();
        let old = |index: usize| before.map_or(&blank, |before| &before.tiles[index]);
        let changed = now.tiles.iter().enumerate().filter(|(index, tile)| old(*index) != *tile);
        let tiles = changed.map(|(index, tile)| (index as u16, pack(tile))).collect();
        Sight { is_whole: before.is_none(), rest: now.without_tiles(), tiles }
    }

    /// The observation, from this and the one before.
    ///
    /// # Errors
    /// When this tells of changes and there is none before.
    pub fn onto(self, before: Option<Observation>) -> Result<Observation, Unfounded> {
        let mut tiles = match (self.is_whole, before) {
            (true, _) => vec![Tile::default(); TILES],
            (false, Some(before)) => before.tiles,
            (false, None) => return Err(Unfounded),
        };
        for (index, packed) in self.tiles {
            if let Some(tile) = tiles.get_mut(usize::from(index)) {
                *tile = unpack(packed);
            }
        }
        Ok(Observation { tiles, ..self.rest })
    }
}

fn pack(tile: &Tile) -> u32 {
    let flags = u32::from(tile.revealed) | u32::from(tile.visited) << 1 | u32::from(tile.stairs) << 2;
    tile.terrain as u32 | flags << 3 | u32::from(tile.room) << 8 | u32::from(tile.walkable) << 16
}

fn unpack(packed: u32) -> Tile {
    let terrain = match packed & 7 {
        1 => Terrain::Wall,
        2 => Terrain::Floor,
        3 => Terrain::Secondary,
        4 => Terrain::Chasm,
        _ => Terrain::Unknown,
    };
    let flag = |bit: u32| packed >> bit & 1 == 1;
    Tile {
        terrain,
        revealed: flag(3),
        visited: flag(4),
        stairs: flag(5),
        room: (packed >> 8) as u8,
        walkable: (packed >> 16) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tile() -> impl Strategy<Value = Tile> {
        let terrain = prop_oneof![
            Just(Terrain::Unknown),
            Just(Terrain::Wall),
            Just(Terrain::Floor),
            Just(Terrain::Secondary),
            Just(Terrain::Chasm)
        ];
        (terrain, any::<[bool; 3]>(), any::<[u8; 2]>()).prop_map(
            |(terrain, [revealed, visited, stairs], [room, walkable])| Tile {
                terrain,
                revealed,
                visited,
                stairs,
                room,
                walkable,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_told_of_changes_makes_the_same_observation(
            changes in proptest::collection::vec((0..TILES, tile()), 0..40),
            floor in any::<u8>(),
        ) {
            let before = Observation::default();
            let mut now = Observation { floor, ..before.clone() };
            for (index, tile) in &changes {
                now.tiles[*index] = *tile;
            }
            let told = Sight::between(Some(&before), &now);
            prop_assert!(told.tiles.len() <= changes.len());
            prop_assert_eq!(&told.onto(Some(before)).expect("it is founded"), &now);
            prop_assert_eq!(&Sight::between(None, &now).onto(None).expect("it is whole"), &now);
        }
    }

    #[test]
    fn changes_of_nothing_are_refused() {
        let now = Observation::default();
        assert_eq!(Sight::between(Some(&now), &now).onto(None), Err(Unfounded));
    }
}
