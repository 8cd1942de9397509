//! How the game's picture is laid out. The leader's tile is always at the same place, and the tiles around it with it.

/// Pixels in a row.
pub const WIDTH: usize = 240;
/// Rows of pixels.
pub const HEIGHT: usize = 160;
/// Pixels of a tile's side.
pub const TILE: usize = 24;
/// Where the leader's tile begins.
pub const LEADER_CORNER: (i32, i32) = (108, 80);
/// Pixels of a status line; they lie over the floor.
pub const STATUS_HEIGHT: usize = 12;
/// First row of a message that lies over the floor.
pub const MESSAGE_TOP: usize = 129;
/// Where the small map begins, one pixel a tile.
pub const MAP_LEFT: usize = 176;
/// Where the small map begins, one pixel a tile.
pub const MAP_TOP: usize = 16;
/// Pixels of its frame.
pub const MAP_FRAME: usize = 2;

pub(crate) const CELL_WIDTH: usize = TILE;
/// Pixels above a tile that belong to what stands on it.
pub(crate) const CELL_TOP_MARGIN: usize = 8;
/// Side of the smallest piece of a tile.
pub(crate) const PATCH: usize = 4;
/// Pieces of 8 × 8 pixels of a tile with the margin above it.
pub(crate) const PATCHES_ACROSS: usize = TILE / (2 * PATCH);
pub(crate) const PATCHES_DOWN: usize = (TILE + CELL_TOP_MARGIN) / (2 * PATCH);

/// Side of a block of the coarse picture.
pub(crate) const BLOCK: usize = 8;
pub(crate) const BLOCK_COLUMNS: usize = WIDTH / BLOCK;
pub(crate) const BLOCK_ROWS: usize = HEIGHT / BLOCK;

/// Columns that are looked at to tell a letter, the gap to its left included.
pub(crate) const LETTER_WIDTH: usize = 8;
pub(crate) const LETTER_LEFT_MARGIN: usize = 1;
/// Rows of a letter with what hangs below the line and its shadow.
pub(crate) const LETTER_HEIGHT: usize = 11;
/// Rows in which a line of text may begin.
pub(crate) const FINDER_ROWS: usize = HEIGHT - LETTER_HEIGHT + 1;

/// Columns and rows of the tiles in view, from the leader's: those of which half or more can show.
#[derive(Clone, Copy, Debug)]
pub struct Cells;

/// The tiles in view.
pub const CELLS: Cells = Cells;

const COLUMNS: std::ops::RangeInclusive<i8> = -5..=5;
const ROWS: std::ops::RangeInclusive<i8> = -3..=2;

impl Cells {
    /// How many there are.
    pub const fn count(self) -> usize {
        11 * 6
    }
}

impl IntoIterator for Cells {
    type Item = (i8, i8);
    type IntoIter = std::vec::IntoIter<(i8, i8)>;

    fn into_iter(self) -> Self::IntoIter {
        ROWS.flat_map(|dy| COLUMNS.map(move |dx| (dx, dy))).collect::<Vec<_>>().into_iter()
    }
}

/// The top left pixel of a tile in view, which may lie outside the picture.
pub fn cell_corner((dx, dy): (i8, i8)) -> (i32, i32) {
    (LEADER_CORNER.0 + i32::from(dx) * TILE as i32, LEADER_CORNER.1 + i32::from(dy) * TILE as i32)
}
