//! What is read on one picture.

use wire::observation::{Direction, Position};

/// A value, and how sure the reader is of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sure<T> {
    /// What is read.
    pub value: T,
    /// The probability that the network gives it, 0 to 1.
    pub confidence: f32,
}

/// What kind of screen it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scene {
    /// So dark that nothing but text shows: between floors, or at the start.
    #[default]
    Dark,
    /// The title.
    Title,
    /// The dungeon from above; a message that needs no key may lie over it.
    Floor,
    /// A list with a cursor.
    Menu,
    /// A page of text that a key closes.
    Page,
    /// The messages so far.
    Log,
    /// The map of the whole floor.
    FloorMap,
    /// A text box.
    Dialogue,
    /// A text box with a question, and answers with a cursor.
    Choice,
    /// The end of a run: lost, or won.
    End,
}

/// What is read on one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What kind of screen it is.
    pub scene: Sure<Scene>,
    /// The tiles in view, row by row from the top left, while the scene is a floor; empty otherwise.
    pub cells: Vec<Cell>,
    /// The small map in the corner, while it shows.
    pub minimap: Option<Minimap>,
    /// All text, from the top, and in a row from the left.
    pub lines: Vec<Line>,
    /// The figures in the status line, where it shows.
    pub hud: Option<Hud>,
    /// How likely a planner would go on by each of [`SKILLS`](crate::SKILLS), while a floor and its status line show; empty otherwise.
    pub skills: Vec<f32>,
    /// The penultimate layer: what the network made of the picture, for likeness.
    pub features: Vec<f32>,
}

/// A tile in view.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// Columns to the right of the leader's.
    pub dx: i8,
    /// Rows below the leader's.
    pub dy: i8,
    /// What the ground is.
    pub ground: Sure<Ground>,
    /// Whether the player sees it now, and does not only remember it.
    pub is_lit: bool,
    /// Who stands there.
    pub being: Sure<Option<Being>>,
    /// The item that lies there, by the number that the game gives its kind; items that look alike share the first number. Not
    /// to be seen below a being.
    pub item: Sure<Option<u8>>,
}

/// What the ground of a tile is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Less than half of it shows: something lies over it.
    #[default]
    Hidden,
    /// The picture is moving, and the tile does not lie where tiles lie at rest.
    Askew,
    /// Black: the player has not seen it.
    Unseen,
    /// Wall.
    Wall,
    /// Ordinary ground, with whatever lies on it.
    Floor,
    /// Water.
    Water,
    /// Stairs.
    Stairs,
    /// A trap that is known.
    Trap,
}

/// Who stands on a tile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Being {
    /// The game's species number.
    pub species: u8,
    /// Where it looks.
    pub direction: Direction,
    /// It sleeps.
    pub is_asleep: bool,
}

/// The small map in the corner: one mark a tile of the floor.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimap {
    /// The leader's place, where its dot is found.
    pub leader: Option<Sure<Position>>,
    /// 56 × 32 marks, row by row.
    pub marks: Vec<Mark>,
}

/// What the small map shows at a tile. Dots of beings and stairs are two by two tiles large, their place at the top left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Wall, or not known.
    #[default]
    Dark,
    /// Ground.
    Floor,
    /// Water.
    Water,
    /// An item.
    Item,
    /// Stairs.
    Stairs,
    /// Somebody wild.
    Foe,
    /// Somebody of the team.
    Ally,
    /// The leader.
    Leader,
}

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its first column, in pixels.
    pub x: u16,
    /// The top of its capitals, in pixels.
    pub y: u16,
    /// What it says.
    pub text: String,
    /// How sure the least certain letter is.
    pub confidence: f32,
}

/// The figures in the status line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hud {
    /// Floor, from 1.
    pub floor: u8,
    /// The leader's level.
    pub level: u8,
    /// Hit points.
    pub hp: i32,
    /// Hit points when well.
    pub hp_max: i32,
    /// Belly, rounded up.
    pub belly: i32,
    /// Money.
    pub money: i32,
    /// How sure the least certain figure is.
    pub confidence: f32,
}

/// One tile of so many must not lie where tiles lie at rest for a picture to be moving. While it moves, more than half of them do not;
/// at rest, a few are misread.
const ASKEW_PART: usize = 4;

impl Reading {
    /// Whether nothing in the picture is on its way: tiles lie where they lie at rest.
    pub fn is_still(&self) -> bool {
        let askew = self.cells.iter().filter(|cell| cell.ground.value == Ground::Askew).count();
        askew == 0 || askew * ASKEW_PART < self.cells.len()
    }
}
