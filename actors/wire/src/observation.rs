//! The observation: what the agent knows of the game at one frame, in terms that no address appears in.
//!
//! By default it holds only what a player could see (the fairness filter): unknown tiles have no terrain, monsters and
//! objects out of sight are absent, traps are absent until discovered, wild monsters' hit points are not given.
//! Sizes are fixed by the game (56 × 32 tiles, 20 monsters, 64 items, 64 traps), so decoding into an existing
//! observation allocates nothing.

use serde::{Deserialize, Serialize};

/// Tiles in a row of the map.
pub const MAP_WIDTH: usize = 56;
/// Rows of the map.
pub const MAP_HEIGHT: usize = 32;
/// Tiles of the map.
pub const TILES: usize = MAP_WIDTH * MAP_HEIGHT;
/// Room number of corridors.
pub const NO_ROOM: u8 = 0xFF;

/// A tile's place: x to the right, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// 0 to 55.
    pub x: i16,
    /// 0 to 31.
    pub y: i16,
}

impl Position {
    /// Index into [`Observation::tiles`]; `None` outside the map.
    pub fn index(self) -> Option<usize> {
        let inside = (0..MAP_WIDTH as i16).contains(&self.x) && (0..MAP_HEIGHT as i16).contains(&self.y);
        inside.then(|| self.y as usize * MAP_WIDTH + self.x as usize)
    }

    /// The neighbour in a direction, which may lie outside the map.
    pub fn step(self, direction: Direction) -> Position {
        let (dx, dy) = direction.delta();
        Position { x: self.x.saturating_add(dx), y: self.y.saturating_add(dy) }
    }

    /// Steps between two places when diagonals are allowed, wherever memory that means something else says that they are.
    pub fn distance(self, other: Position) -> i16 {
        let apart = self.x.abs_diff(other.x).max(self.y.abs_diff(other.y));
        i16::try_from(apart).unwrap_or(i16::MAX)
    }

    /// The direction to an adjacent place.
    pub fn direction_to(self, other: Position) -> Option<Direction> {
        DIRECTIONS.into_iter().find(|direction| self.step(*direction) == other)
    }
}

/// One of eight directions, numbered as in the game: counter-clockwise on the screen from south.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    #[default]
    South = 0,
    SouthEast = 1,
    East = 2,
    NorthEast = 3,
    North = 4,
    NorthWest = 5,
    West = 6,
    SouthWest = 7,
}

/// All directions, in the game's order.
pub const DIRECTIONS: [Direction; 8] = [
    Direction::South,
    Direction::SouthEast,
    Direction::East,
    Direction::NorthEast,
    Direction::North,
    Direction::NorthWest,
    Direction::West,
    Direction::SouthWest,
];

impl Direction {
    /// Change of x and y.
    pub fn delta(self) -> (i16, i16) {
        [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)][self as usize]
    }

    /// Whether it changes both x and y.
    pub fn is_diagonal(self) -> bool {
        self as u8 % 2 == 1
    }

    /// A short name: `S`, `SE`, …
    pub fn name(self) -> &'static str {
        ["S", "SE", "E", "NE", "N", "NW", "W", "SW"][self as usize]
    }
}

/// What the ground is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terrain {
    /// Not seen yet.
    #[default]
    Unknown,
    /// Wall.
    Wall,
    /// Ordinary ground.
    Floor,
    /// Water or lava.
    Secondary,
    /// Chasm.
    Chasm,
}

/// One tile of the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// What the ground is.
    pub terrain: Terrain,
    /// Seen on the map.
    pub revealed: bool,
    /// Been in its room or next to it.
    pub visited: bool,
    /// Stairs are here, and known to be.
    pub stairs: bool,
    /// Room number, [`NO_ROOM`] in corridors and for unknown tiles.
    pub room: u8,
    /// Bit d set: an ordinary walker may step in direction d, as far as terrain goes. 0 for unknown tiles.
    pub walkable: u8,
}

/// What the game does with a key now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Screen {
    /// Not known: memory that no profile explains.
    #[default]
    Unknown,
    /// Title, boot or its menu.
    Title,
    /// Between floors, entering or leaving a dungeon.
    Transition,
    /// In a dungeon, waiting for a command, or for a direction ([`Observation::is_turning`]).
    Command,
    /// In a dungeon, a turn is being computed or shown.
    Motion,
    /// In a dungeon, a menu is open.
    Menu(MenuKind),
    /// The full-floor map is open.
    FloorMap,
    /// A text box waits for a key.
    Dialogue,
    /// A choice waits for an answer.
    Choice,
    /// A text box prints.
    Printing,
    /// In town or in a story scene.
    Ground,
    /// World map, loading, saving.
    Elsewhere,
}

/// Which dungeon menu is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MenuKind {
    /// The main menu.
    Main,
    /// A list or sub-menu: items, moves, stairs, …
    List,
    /// The message log.
    Log,
    /// Naming a monster.
    Naming,
}

/// An open menu.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// Index of the chosen entry.
    pub cursor: i16,
    /// Entries on this page, as far as the game says.
    pub entries_on_page: i16,
    /// Entries on a full page, as far as the game says.
    pub entries_per_page: i16,
    /// Page, from 0.
    pub page: i16,
    /// Entries of a sub-menu by the game's action number; empty for other menus.
    pub actions: Vec<MenuAction>,
}

/// One entry of a sub-menu.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuAction {
    /// The game's number for it (memory map, section 11.7).
    pub action: u16,
    /// Whether it can be chosen.
    pub selectable: bool,
}

/// A text box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The text, formatting codes removed.
    pub text: String,
    /// Index of the chosen answer where there is a choice.
    pub cursor: i16,
}

/// A value and its maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Now.
    pub value: i32,
    /// At most.
    pub max: i32,
}

/// A monster that the agent knows of, its team included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monster {
    /// Slot: 0 to 3 the team, 4 to 19 wild ones.
    pub slot: u8,
    /// With the slot, its identity on this floor.
    pub spawn_id: u16,
    /// On the agent's side.
    pub is_team: bool,
    /// The one the agent moves.
    pub is_leader: bool,
    /// Neutral: a shopkeeper or a client.
    pub is_neutral: bool,
    /// The game's species number.
    pub species: u16,
    /// Level.
    pub level: u8,
    /// Where.
    pub position: Position,
    /// Facing.
    pub direction: Direction,
    /// Hit points; `None` where a player cannot know them.
    pub hp: Option<Meter>,
    /// Asleep, frozen, petrified or otherwise unable to act.
    pub is_incapacitated: bool,
    /// Poisoned or burning.
    pub is_ailing: bool,
    /// Confused, cowering or otherwise not in control of its steps.
    pub is_confused: bool,
}

/// An item on the floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorItem {
    /// Where.
    pub position: Position,
    /// The game's item number.
    pub item: u8,
    /// How many.
    pub quantity: u8,
    /// Belongs to a shop.
    pub in_shop: bool,
}

/// A known trap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trap {
    /// Where.
    pub position: Position,
    /// The game's trap number.
    pub kind: u8,
}

/// An item in the bag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BagItem {
    /// Slot, from 0.
    pub slot: u8,
    /// The game's item number.
    pub item: u8,
    /// How many.
    pub quantity: u8,
    /// Sticky: cannot be used.
    pub sticky: bool,
    /// Set for throwing with L+R.
    pub set: bool,
}

/// What the agent knows of the game at one frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Number of the frame.
    pub frame: u64,
    /// What the game does with a key now.
    pub screen: Screen,
    /// Dungeon number.
    pub dungeon: u8,
    /// Floor, from 1; 0 outside dungeons.
    pub floor: u8,
    /// Number of the last floor.
    pub last_floor: u8,
    /// Turns left on this floor.
    pub turns_left: i16,
    /// Turns taken since the profile's game began counting; a profile without such a count gives 0.
    pub turns: u64,
    /// Weather number.
    pub weather: u8,
    /// Money carried.
    pub money: i32,
    /// The leader's belly.
    pub belly: Meter,
    /// The leader's experience points.
    pub experience: u32,
    /// Turn-in-place mode: the d-pad turns the leader and does not move it.
    pub is_turning: bool,
    /// Index of the leader in `monsters`.
    pub leader: Option<usize>,
    /// The map, row by row.
    pub tiles: Vec<Tile>,
    /// Stairs, when known.
    pub stairs: Option<Position>,
    /// Team and visible monsters, team first.
    pub monsters: Vec<Monster>,
    /// Visible items.
    pub items: Vec<FloorItem>,
    /// Discovered traps.
    pub traps: Vec<Trap>,
    /// The bag.
    pub bag: Vec<BagItem>,
    /// The open menu; meaningful while `screen` is a menu.
    pub menu: Menu,
    /// The open text box; meaningful while `screen` is a dialogue or choice.
    pub dialogue: Dialogue,
    /// The newest message of the log.
    pub message: String,
    /// Keys the game saw in this frame, to check that an input arrived.
    pub keys_seen: u16,
    /// The profile's own fields, in its order.
    pub fields: Vec<i64>,
}

impl Default for Observation {
    fn default() -> Observation {
        Observation {
            frame: 0,
            screen: Screen::Unknown,
            dungeon: 0,
            floor: 0,
            last_floor: 0,
            turns_left: 0,
            turns: 0,
            weather: 0,
            money: 0,
            belly: Meter::default(),
            experience: 0,
            is_turning: false,
            leader: None,
            tiles: vec![Tile::default(); TILES],
            stairs: None,
            monsters: Vec::with_capacity(20),
            items: Vec::with_capacity(64),
            traps: Vec::with_capacity(64),
            bag: Vec::with_capacity(20),
            menu: Menu { actions: Vec::with_capacity(10), ..Menu::default() },
            dialogue: Dialogue { text: String::with_capacity(1024), cursor: 0 },
            message: String::with_capacity(64),
            keys_seen: 0,
            fields: Vec::new(),
        }
    }
}

impl Observation {
    /// A copy whose map is left out, for those who know the map.
    pub fn without_tiles(&self) -> Observation {
        let Observation { monsters, items, traps, bag, menu, dialogue, message, fields, .. } = self;
        Observation {
            tiles: Vec::new(),
            monsters: monsters.clone(),
            items: items.clone(),
            traps: traps.clone(),
            bag: bag.clone(),
            menu: menu.clone(),
            dialogue: dialogue.clone(),
            message: message.clone(),
            fields: fields.clone(),
            ..*self
        }
    }

    /// The monster the agent moves.
    pub fn leader(&self) -> Option<&Monster> {
        self.leader.and_then(|index| self.monsters.get(index))
    }

    /// The tile at a place; `None` outside the map.
    pub fn tile(&self, position: Position) -> Option<&Tile> {
        position.index().map(|index| &self.tiles[index])
    }

    /// The monster at a place.
    pub fn monster_at(&self, position: Position) -> Option<&Monster> {
        self.monsters.iter().find(|monster| monster.position == position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_the_map_have_no_index() {
        let index = |x, y| Position { x, y }.index();
        assert_eq!(index(55, 31), Some(TILES - 1));
        for (x, y) in [(-1, 0), (0, -1), (56, 0), (0, 32), (i16::MIN, i16::MAX), (i16::MAX, i16::MIN)] {
            assert_eq!(index(x, y), None);
        }
    }

    #[test]
    fn places_that_no_map_has_are_far_away() {
        let corners = [i16::MIN, -1, 0, 55, i16::MAX].map(|x| Position { x, y: 3 });
        let [least, outside, first, last, most] = corners;
        assert_eq!((first.distance(last), outside.distance(last)), (55, 56));
        assert_eq!(
            (least.distance(most), most.distance(least), most.distance(outside)),
            (i16::MAX, i16::MAX, i16::MAX)
        );
        assert!(DIRECTIONS.into_iter().all(|direction| most.step(direction).distance(most) <= 1));
        assert!(DIRECTIONS.into_iter().all(|direction| least.step(direction).distance(least) <= 1));
    }
}
