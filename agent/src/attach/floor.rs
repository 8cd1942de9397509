//! The floor as the agent knows it: decoded from the game's memory beside the picture, or, where a run looks at pictures alone, read
//! on the small map.

use crate::config::{Config, some_path};
use actors::decode::Decoder;
use actors::profile::Profiles;
use reader::{Mark, Picture, Reader};
use std::time::{Duration, Instant};
use wire::observation::{MAP_HEIGHT, MAP_WIDTH, Observation, TILES, Terrain};
use wire::ring::Snapshot;

/// Reading a picture takes milliseconds; it is done this often.
const READ: Duration = Duration::from_millis(300);

/// What is on a tile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spot {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Wall.
    Wall,
    /// Ground.
    Floor,
    /// Water.
    Water,
    /// Stairs.
    Stairs,
    /// A trap.
    Trap,
    /// An item.
    Item,
    /// Somebody wild.
    Foe,
    /// Somebody of the team, or neutral.
    Ally,
    /// Who the agent moves.
    Leader,
}

/// Makes the map.
pub struct Floor {
    decoder: Option<Decoder>,
    observation: Observation,
    reader: Option<Reader>,
    read: Option<Instant>,
    spots: Vec<Spot>,
}

impl Floor {
    /// The floor of a game with this profile.
    pub fn new(config: &Config, profile: Option<&str>) -> Floor {
        let profiles = Profiles::at_hand(some_path(&config.game.profiles).as_deref());
        let profile = profiles.ok().and_then(|profiles| profiles.named(profile?).cloned());
        let decoder = profile.map(|profile| Decoder::new(&profile, !config.game.omniscient));
        let (reader, read) = (None, None);
        Floor { decoder, observation: Observation::default(), reader, read, spots: Vec::new() }
    }

    /// The map, row by row; empty where none can be made. `by_picture`: whether the run looks at pictures alone.
    pub fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// Looks at a new frame.
    pub fn look(&mut self, frame: &Snapshot, by_picture: bool) {
        if by_picture {
            if self.read.is_none_or(|read| read.elapsed() >= READ) {
                self.read = Some(Instant::now());
                self.read(frame);
            }
            return;
        }
        let Some(decoder) = &mut self.decoder else { return };
        if decoder.decode(frame, &mut self.observation).is_ok() && self.observation.floor > 0 {
            self.spots = spots(&self.observation);
        }
    }

    fn read(&mut self, frame: &Snapshot) {
        if self.reader.is_none() {
            self.reader = Reader::burrow().ok();
        }
        let Some(reader) = &self.reader else { return };
        let Ok(readings) = reader.read(&[Picture::from(frame)]) else { return };
        if let Some(map) = readings.into_iter().next().and_then(|reading| reading.minimap) {
            self.spots = map.marks.into_iter().map(spot).collect();
        }
    }
}

fn spot(mark: Mark) -> Spot {
    match mark {
        Mark::Dark => Spot::Unknown,
        Mark::Floor => Spot::Floor,
        Mark::Water => Spot::Water,
        Mark::Item => Spot::Item,
        Mark::Stairs => Spot::Stairs,
        Mark::Foe => Spot::Foe,
        Mark::Ally => Spot::Ally,
        Mark::Leader => Spot::Leader,
    }
}

/// The map of what was seen, row by row.
pub fn spots(observation: &Observation) -> Vec<Spot> {
    let mut spots: Vec<Spot> = observation
        .tiles
        .iter()
        .map(|tile| match tile.terrain {
            _ if tile.stairs => Spot::Stairs,
            Terrain::Unknown => Spot::Unknown,
            Terrain::Wall => Spot::Wall,
            Terrain::Floor => Spot::Floor,
            Terrain::Secondary | Terrain::Chasm => Spot::Water,
        })
        .collect();
    spots.resize(TILES, Spot::Unknown);
    let mut set = |place: wire::observation::Position, spot: Spot| {
        if let Some(index) = place.index() {
            spots[index] = spot;
        }
    };
    observation.items.iter().for_each(|item| set(item.position, Spot::Item));
    observation.traps.iter().for_each(|trap| set(trap.position, Spot::Trap));
    for monster in &observation.monsters {
        set(monster.position, if monster.is_team || monster.is_neutral { Spot::Ally } else { Spot::Foe });
    }
    if let Some(leader) = observation.leader() {
        set(leader.position, Spot::Leader);
    }
    spots
}

/// Columns and rows of a map.
pub const SIZE: (usize, usize) = (MAP_WIDTH, MAP_HEIGHT);

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::{FloorItem, Monster, Position};
    use wire::ways::place_of;

    #[test]
    fn who_stands_on_a_tile_is_shown_before_what_lies_there() {
        let at = |x, y| Position { x, y };
        let mut observation = Observation::default();
        observation.tiles[at(3, 2).index().expect("it is on the map")].terrain = Terrain::Floor;
        observation.items.push(FloorItem { position: at(3, 2), ..FloorItem::default() });
        observation.items.push(FloorItem { position: at(4, 2), ..FloorItem::default() });
        observation.monsters.push(Monster { position: at(3, 2), ..Monster::default() });
        let spots = spots(&observation);
        let seen = |x, y| spots[at(x, y).index().expect("it is on the map")];
        assert_eq!([seen(3, 2), seen(4, 2), seen(5, 2)], [Spot::Foe, Spot::Item, Spot::Unknown]);
        assert_eq!((spots.len(), place_of(0)), (SIZE.0 * SIZE.1, at(0, 0)));
    }
}
