//! The reader: from the pixels of one picture to what a player reads on it. A small network whose weights
//! come with the program; they are those of Burrow. Training it, with candle, is here as well; where pictures and truth come from is not.
//!
//! Invariants: a reading is made of pixels alone; nothing of memory enters it. Everything in it says how sure it is. Absent: what
//! earlier pictures showed (a floor's map is made from many readings elsewhere), and what words mean.

mod classes;
mod dense;
pub mod layout;
mod lines;
mod network;
mod picture;
mod reader;
mod reading;
pub mod score;
mod status;
pub mod train;
pub mod truth;

pub use classes::SKILLS;
pub use network::FEATURES;
pub use picture::{Canvas, Picture};
pub use reader::{Reader, ReaderError};
pub use reading::{Being, Cell, Ground, Hud, Line, Mark, Minimap, Reading, Scene, Sure};
