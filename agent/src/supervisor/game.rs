//! What the supervisor knows of one game of the run: the emulator that it is played on, and how it ended.

use std::os::fd::OwnedFd;
use wire::Epoch;
use wire::control::Summary;

/// The emulator that a pilot plays on.
#[derive(Debug)]
pub struct Emulator {
    /// Its life.
    pub epoch: Epoch,
    /// Where it is.
    pub address: String,
    /// Its ring, when it is on this machine.
    pub ring: Option<OwnedFd>,
}

/// Why a game was given up while others went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The exit status of a run of this game alone.
    pub status: i32,
    /// One line.
    pub message: String,
}

/// One game.
#[derive(Debug, Default)]
pub struct Game {
    /// Its emulator, while one lives.
    pub emulator: Option<Emulator>,
    /// How it ended, as its pilot says.
    pub summary: Option<Summary>,
    /// Why it was given up.
    pub loss: Option<Loss>,
}

impl Game {
    /// Whether it is not played any more.
    pub fn is_over(&self) -> bool {
        self.summary.is_some() || self.loss.is_some()
    }
}
