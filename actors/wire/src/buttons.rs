//! The ten keys of a Game Boy Advance as a mask, bit order as in its key register.

use std::fmt;

/// One key. The discriminant is its bit in a [`Mask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Button {
    /// The A key.
    A = 0x001,
    /// The B key.
    B = 0x002,
    /// SELECT.
    Select = 0x004,
    /// START.
    Start = 0x008,
    /// The d-pad's right.
    Right = 0x010,
    /// The d-pad's left.
    Left = 0x020,
    /// The d-pad's up.
    Up = 0x040,
    /// The d-pad's down.
    Down = 0x080,
    /// The right shoulder key.
    R = 0x100,
    /// The left shoulder key.
    L = 0x200,
}

/// Keys held in one frame: bit set = held. Bits above 0x3FF are refused by [`is_valid`].
pub type Mask = u16;

/// All ten keys, in bit order, with their names.
pub const BUTTONS: [(Button, &str); 10] = [
    (Button::A, "A"),
    (Button::B, "B"),
    (Button::Select, "SELECT"),
    (Button::Start, "START"),
    (Button::Right, "RIGHT"),
    (Button::Left, "LEFT"),
    (Button::Up, "UP"),
    (Button::Down, "DOWN"),
    (Button::R, "R"),
    (Button::L, "L"),
];

/// Whether a mask names only keys that exist.
pub fn is_valid(mask: Mask) -> bool {
    mask & !0x3FF == 0
}

/// Writes a mask as `UP+A`, or `-` when no key is held.
pub struct Held(pub Mask);

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (button, name) in BUTTONS {
            if self.0 & button as u16 != 0 {
                if !first {
                    formatter.write_str("+")?;
                }
                formatter.write_str(name)?;
                first = false;
            }
        }
        if first { formatter.write_str("-") } else { Ok(()) }
    }
}
