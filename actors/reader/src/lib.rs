//! The reader: from the pixels of one picture to what a player reads on it. A small network, made with candle, whose weights
//! come with the program; they are those of Burrow.
//!
//! Invariants: a reading is made of pixels alone; nothing of memory enters it. Everything in it says how sure it is. Absent: what
//! earlier pictures showed (a floor's map is made from many readings elsewhere), and what words mean.

mod reading;

pub use reading::{Being, Cell, Ground, Hud, Line, Mark, Minimap, Reading, Scene, Sure};
