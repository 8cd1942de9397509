//! The gestures that brains and skills make. How long keys are held follows the game's own rules: a step or an attack is seen in
//! the first frame, the menu key must be held 2 to 11 frames, and passing a turn repeats for as long as it is held.

use crate::buttons::{Button, Mask};
use crate::observation::Direction;
use serde::{Deserialize, Serialize};

/// Keys held frame by frame, and how long to wait afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gesture {
    /// Keys held, frame by frame; the last frame holds none, so that the next press is a new one.
    pub keys: Vec<Mask>,
    /// The most frames to run, those of `keys` included, until the game waits for somebody again.
    pub frames_max: u32,
}

/// The longest wait for the game to be ready again: the slowest turns, with many monsters and messages, and the change
/// of floors fit several times.
pub const FRAMES_MAX: u32 = 600;
/// How long no key is pressed while the game works by itself.
const WAIT_FRAMES: usize = 8;
/// What a menu needs to follow a key.
const MENU_FRAMES: usize = 3;
/// What the title needs to react.
const SCENE_FRAMES: usize = 20;

/// Keys held for some frames, then released for some.
pub fn gesture(held: Mask, frames: usize, released: usize) -> Gesture {
    let mut keys = vec![held; frames];
    keys.resize(frames + released, 0);
    Gesture { keys, frames_max: FRAMES_MAX }
}

/// The d-pad's keys for a direction.
pub fn pad(direction: Direction) -> Mask {
    let (x, y) = direction.delta();
    let horizontal = match x {
        1 => Button::Right as Mask,
        -1 => Button::Left as Mask,
        _ => 0,
    };
    let vertical = match y {
        1 => Button::Down as Mask,
        -1 => Button::Up as Mask,
        _ => 0,
    };
    horizontal | vertical
}

/// A step, or a turn towards what blocks it.
pub fn step(direction: Direction) -> Gesture {
    gesture(pad(direction), 2, 1)
}

/// A key in a dungeon, on its own or with others.
pub fn press(mask: Mask) -> Gesture {
    gesture(mask, 2, 1)
}

/// Passes one turn. One frame only: held longer, it passes more.
pub fn pass_turn() -> Gesture {
    gesture(Button::A as Mask | Button::B as Mask, 1, 1)
}

/// Throws the set item.
pub fn throw_set_item() -> Gesture {
    gesture(Button::L as Mask | Button::R as Mask, 1, 1)
}

/// Opens the main menu.
pub fn open_menu() -> Gesture {
    gesture(Button::B as Mask, 3, MENU_FRAMES)
}

/// Leaves the turn-in-place mode; held any longer it would open the menu.
pub fn stop_turning() -> Gesture {
    gesture(Button::B as Mask, 1, MENU_FRAMES)
}

/// A key in a menu or a text box.
pub fn menu(mask: Mask) -> Gesture {
    gesture(mask, 1, MENU_FRAMES)
}

/// A key at a title or an end screen.
pub fn scene(mask: Mask) -> Gesture {
    gesture(mask, 2, SCENE_FRAMES)
}

/// No key.
pub fn none() -> Gesture {
    gesture(0, WAIT_FRAMES, 0)
}
