//! What every backend and every served address must do, as lists of named checks.
//!
//! [`check_backend`] drives an [`EmulatorBackend`](crate::EmulatorBackend) itself, [`check_served`] an address. Both
//! leave out what the capabilities rule out, and say so by returning only the names of the checks that were made.

mod client;
mod direct;
mod rom;
mod served;

pub use client::{Client, ClientError, Form};
pub use direct::check_backend;
pub use rom::{TEST_ROM, test_rom};
pub use served::check_served;

use wire::buttons::Mask;

/// What a game does that checks can look at.
#[derive(Clone, Copy, Debug)]
pub struct Fixture {
    /// A word that grows by one in each frame, once the game runs.
    pub frame_counter: Option<u32>,
    /// A halfword that holds the key register as it was read in this frame: a bit is 0 while its key is held.
    pub key_echo: Option<u32>,
    /// A word that depends on all keys and all save memory so far.
    pub history: Option<u32>,
    /// A byte of save memory that the game writes.
    pub save_byte: Option<u32>,
    /// Sixteen bytes of memory that may be written between frames.
    pub scratch: u32,
    /// An address that no machine of this kind has memory at.
    pub unmapped: u32,
    /// Frames until the game runs.
    pub frames_to_start: u32,
}

impl Fixture {
    /// What can be said of any Game Boy Advance game.
    pub const ANY_GBA: Fixture = Fixture {
        frame_counter: None,
        key_echo: None,
        history: None,
        save_byte: None,
        scratch: 0x0203_FFF0,
        unmapped: 0x0F00_0000,
        frames_to_start: 60,
    };
}

/// A check that failed, with what was seen.
#[derive(Debug, thiserror::Error)]
#[error("{check}: {seen}")]
pub struct Failed {
    /// The check's name.
    pub check: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// What one check finds: nothing, or what was wrong.
type Finding = Result<(), String>;

fn expect(condition: bool, seen: impl FnOnce() -> String) -> Finding {
    if condition { Ok(()) } else { Err(seen()) }
}

/// The key register's value while these keys are held.
fn echo_of(keys: Mask) -> u16 {
    0x3FF & !keys
}
