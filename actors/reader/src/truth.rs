//! What is so on a picture, for training and for judging: a reading as it should be. It comes from the game's memory.
//!
//! What nobody can know from the picture, or what memory does not tell for sure, is left out ([`None`]) and not judged.

use crate::reading::{Being, Ground, Hud, Mark, Scene};

/// What is so on a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// What kind of screen it is.
    pub scene: Scene,
    /// Whether that is plain, and not half faded.
    pub is_plain: bool,
    /// The tiles in view, in the order of [`crate::layout::CELLS`]; empty where the scene is no floor.
    pub cells: Vec<CellTruth>,
    /// The marks of the small map, row by row, while it shows.
    pub minimap: Option<Vec<Mark>>,
    /// Whether the small map shows, where that is known.
    pub has_minimap: Option<bool>,
    /// All text, where all of it is known: its first column, the top of its capitals, and what it says.
    pub lines: Option<Vec<(u16, u16, String)>>,
    /// The figures in the status line.
    pub hud: Option<Hud>,
    /// The skill by which whoever played went on, by its place in [`SKILLS`](crate::SKILLS).
    pub skill: Option<u8>,
}

/// What is so of a tile in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellTruth {
    /// What the ground is.
    pub ground: Option<Ground>,
    /// Whether it is seen now, where it is neither hidden nor unseen.
    pub is_lit: Option<bool>,
    /// Who stands there.
    pub being: Option<Option<Being>>,
    /// The item that lies there.
    pub item: Option<Option<u8>>,
}
