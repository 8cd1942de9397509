//! The one trait that every emulator is driven through, and why an emulator refuses.
//!
//! There are two kinds. A backend that steps frames ([`Capabilities::frame_step`]) runs exactly one in each
//! [`EmulatorBackend::run_frame`] and stands still otherwise. A live one, somebody's open emulator window, runs by itself:
//! keys are handed to it ahead of time ([`EmulatorBackend::hold`]), and its frames are waited for
//! ([`EmulatorBackend::await_frame`]). What a backend cannot do, its capabilities say; nobody calls it then.

use std::path::PathBuf;
use std::time::Duration;
use wire::buttons::Mask;
use wire::emulator::{Capabilities, Cartridge, PixelFormat, Refusal};
use wire::memory::{Bus, Region};
use wire::ring::Picture;
use wire::{exit, ring};

/// What is known of an emulator once its game is loaded, and does not change afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Which backend this is: `libretro`, `mgba-lua`, `mgba-http`.
    pub backend: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What runs in it.
    pub cartridge: Cartridge,
    /// The machine: `gba`, or the core's name for another console.
    pub system: String,
    /// The core's name and version.
    pub core: String,
    /// Usual picture size in pixels.
    pub width: u32,
    /// Usual picture size in pixels.
    pub height: u32,
    /// Most pixels that a picture may have.
    pub pixels_max: usize,
    /// How pixels are stored.
    pub format: PixelFormat,
    /// Frames a second of the real machine, in millionths.
    pub frame_rate_micro: u64,
    /// The memory that a snapshot holds, at most [`ring::REGIONS_MAX`] regions.
    pub regions: Vec<Region>,
}

/// What waiting for a live emulator's next frame came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// This many frames passed since the last call, at least one; the newest is now shown.
    Frames(u32),
    /// No frame came in the time given: why, as far as is known, and what to do.
    Silence(String),
    /// Something happened that nobody here asked for: another game, a loaded state, a reset, a new connection. Said once.
    /// The introduction tells what runs now.
    Changed(String),
}

/// How far a live emulator is with the keys that it was handed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The keys that were held in the newest frame, where that is known.
    pub held: Option<Mask>,
    /// Frames of the keys that were handed over which have not passed yet.
    pub left: u32,
}

/// How a live emulator is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `HOST:PORT` at which the window answered.
    pub address: String,
    /// The script that answers, and its version.
    pub script: String,
    /// Whether the newest frame came with its picture.
    pub has_picture: bool,
}

/// An emulator with a game in it.
pub trait EmulatorBackend: Send {
    /// What is known of it.
    fn introduction(&self) -> &Introduction;

    /// How it is connected; `None` for an emulator in this process, and while a live one is lost.
    fn connection(&self) -> Option<Connection> {
        None
    }

    /// Runs one frame with these keys held. For backends that step frames.
    fn run_frame(&mut self, keys: Mask) -> Result<(), BackendError> {
        let _ = keys;
        Err(BackendError::Unsupported("be stepped frame by frame"))
    }

    /// Hands keys to a live emulator, one mask a frame, in place of those that it has left; returns how many frames after
    /// the newest one shown the first is held in, at least 1.
    fn hold(&mut self, keys: &[Mask]) -> Result<u32, BackendError> {
        let _ = keys;
        Err(BackendError::Unsupported("take keys ahead of time"))
    }

    /// How far a live emulator is with them.
    fn holding(&self) -> Holding {
        Holding::default()
    }

    /// Lets a live emulator go on, and waits at most this long for a frame newer than the one that is shown.
    fn await_frame(&mut self, patience: Duration) -> Result<Awaited, BackendError> {
        let _ = patience;
        Err(BackendError::Unsupported("run by itself"))
    }

    /// Memory that is looked at; a backend that cannot snapshot all of it in one frame reads only this.
    fn need(&mut self, regions: &[Region]) {
        let _ = regions;
    }

    /// Brings picture and regions up to date where they cannot come with every frame
    /// ([`Capabilities::snapshot`] is false); returns how many frames passed meanwhile.
    fn refresh(&mut self) -> Result<u32, BackendError> {
        Ok(0)
    }

    /// The newest frame's picture; black before the first.
    fn picture(&self) -> Picture<'_>;

    /// The bytes of the region with this index in [`Introduction::regions`], as they were at the end of the newest
    /// frame.
    fn region_bytes(&self, index: usize) -> &[u8];

    /// Reads memory by bus address.
    fn read(&self, address: u32, target: &mut [u8]) -> Result<(), BackendError>;

    /// Writes memory by bus address, whole or not at all.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), BackendError>;

    /// Takes the state and the save memory in one blob that names what it belongs to.
    fn save_state(&mut self) -> Result<Vec<u8>, BackendError>;

    /// Restores what [`EmulatorBackend::save_state`] returned. A blob that is foreign, cut short or damaged is refused
    /// and changes nothing.
    fn load_state(&mut self, state: &[u8]) -> Result<(), BackendError>;

    /// Resets the machine; save memory stays.
    fn reset(&mut self) -> Result<(), BackendError>;
}

/// A backend's memory as conditions read it.
pub struct BackendBus<'a>(pub &'a dyn EmulatorBackend);

impl Bus for BackendBus<'_> {
    fn read(&self, address: u32, target: &mut [u8]) -> bool {
        self.0.read(address, target).is_ok()
    }
}

/// Copies a picture's rows without gaps.
pub fn packed_rows(picture: &Picture<'_>) -> Vec<u8> {
    let row_bytes = picture.width as usize * picture.format.bytes();
    let mut pixels = Vec::with_capacity(row_bytes * picture.height as usize);
    for row in picture.pixels.chunks(picture.pitch.max(1)).take(picture.height as usize) {
        pixels.extend_from_slice(&row[..row_bytes]);
    }
    pixels
}

/// Why an emulator cannot be had, or does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// No core was given and none lies in the usual places.
    #[error(
        "no libretro core found: run scripts/setup.sh, or install the Debian package libretro-mgba, or set \
         [emulator] core = \"/path/to/mgba_libretro.so\" (looked for mgba_libretro.so in {searched})"
    )]
    CoreMissing {
        /// Where it was looked for.
        searched: String,
    },
    /// The file is no libretro core, or one that cannot work here.
    #[error("core {path}: {reason}")]
    CoreUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A core keeps its state in global variables, so one process runs one.
    #[error("a libretro core is already running in this process: start another process for another game")]
    CoreInUse,
    /// The ROM is not there or cannot be read.
    #[error("ROM {path}: {reason}")]
    RomMissing {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        reason: String,
    },
    /// The file is not a ROM.
    #[error("ROM {path}: {reason}")]
    RomForeign {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// Files of the emulator cannot be made.
    #[error("emulator folder {path}: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// Memory that the machine does not have, or that cannot be written.
    #[error("memory at {address:#010x} is not mapped")]
    Unmapped {
        /// Its address.
        address: u32,
    },
    /// The save state does not fit.
    #[error("save state: {0}")]
    BadState(String),
    /// The backend cannot do this.
    #[error("the emulator cannot {0}")]
    Unsupported(&'static str),
    /// No live window answers.
    #[error("{0}")]
    NoWindow(String),
    /// A live window refuses this client.
    #[error("{0}")]
    Denied(String),
    /// A live window is connected, but does not answer.
    #[error("{0}")]
    Silent(String),
    /// The frame ring cannot be made.
    #[error(transparent)]
    Ring(#[from] ring::RingError),
}

impl BackendError {
    /// The status a process ends with that cannot start because of this.
    pub fn exit_status(&self) -> i32 {
        match self {
            BackendError::CoreMissing { .. } | BackendError::CoreUnusable { .. } => exit::UNAVAILABLE,
            BackendError::NoWindow(_) | BackendError::Silent(_) => exit::UNAVAILABLE,
            BackendError::Denied(_) => exit::PERMISSION,
            BackendError::RomMissing { .. } => exit::NO_INPUT,
            BackendError::RomForeign { .. } => exit::DATA,
            BackendError::Folder { .. } => exit::IO,
            BackendError::Ring(_) => exit::OS,
            BackendError::CoreInUse
            | BackendError::Unmapped { .. }
            | BackendError::BadState(_)
            | BackendError::Unsupported(_) => exit::SOFTWARE,
        }
    }

    /// What a client is told.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            BackendError::Unmapped { address } => Refusal::Unmapped { address },
            BackendError::BadState(message) => Refusal::BadState { message },
            BackendError::Unsupported(what) => Refusal::Unsupported { capability: what.to_string() },
            BackendError::NoWindow(why) | BackendError::Silent(why) => Refusal::Silent { why },
            other => Refusal::Unsupported { capability: other.to_string() },
        }
    }
}
