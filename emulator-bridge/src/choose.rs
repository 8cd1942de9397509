//! Which emulator is driven: a live mGBA window where one answers, else the embedded core.

use crate::backend::{BackendError, EmulatorBackend};
use crate::{libretro, mgba_http, mgba_lua};
use std::path::Path;
use wire::control::{BackendChoice, StartBridge};

/// An emulator, and why it is this one.
pub struct Chosen {
    /// The emulator.
    pub backend: Box<dyn EmulatorBackend>,
    /// Which way of driving it was taken, never [`BackendChoice::Auto`].
    pub choice: BackendChoice,
    /// Why it is this one, for a person.
    pub why: String,
}

/// Opens the emulator that was asked for: of `start`, the backend, where windows may be found, the core and the ROM.
/// `folder` is made for the files that an embedded core wants to keep.
///
/// # Errors
/// When the emulator that is meant cannot be had. A window that is there but refuses or stays silent is an error for
/// [`BackendChoice::Auto`] too: whoever has one open means it.
pub fn choose(start: &StartBridge, folder: &Path) -> Result<Chosen, BackendError> {
    match start.backend {
        BackendChoice::Auto => automatic(start, folder),
        BackendChoice::Libretro => embedded(start, folder, "built-in emulator".to_string()),
        BackendChoice::MgbaLua => {
            let backend = mgba_lua::open(&start.windows.lua, &start.windows.token)?;
            Ok(Chosen { backend, choice: BackendChoice::MgbaLua, why: "live mGBA window with our script".to_string() })
        }
        BackendChoice::MgbaHttp => {
            let backend = mgba_http::open(&start.windows.http)?;
            Ok(Chosen { backend, choice: BackendChoice::MgbaHttp, why: "live mGBA window with mGBA-http".to_string() })
        }
    }
}

fn automatic(start: &StartBridge, folder: &Path) -> Result<Chosen, BackendError> {
    match mgba_lua::open(&start.windows.lua, &start.windows.token) {
        Ok(backend) => {
            let why = "a live mGBA window answers, with our script".to_string();
            return Ok(Chosen { backend, choice: BackendChoice::MgbaLua, why });
        }
        Err(BackendError::NoWindow(_)) => {}
        // A window is there, so that the embedded emulator is not what is meant.
        Err(error) => return Err(error),
    }
    let nobody = match mgba_http::open(&start.windows.http) {
        Ok(backend) => {
            let why = "a live mGBA window answers, with mGBA-http".to_string();
            return Ok(Chosen { backend, choice: BackendChoice::MgbaHttp, why });
        }
        Err(BackendError::NoWindow(nobody)) => nobody,
        Err(error) => return Err(error),
    };
    // Behind the first clause stand those who listen there and are no mGBA window.
    let strangers = nobody.split_once("; ").map_or(String::new(), |(_, strangers)| format!(" ({strangers})"));
    embedded(start, folder, format!("built-in emulator, since no mGBA window answers{strangers}"))
}

fn embedded(start: &StartBridge, folder: &Path, why: String) -> Result<Chosen, BackendError> {
    let backend = libretro::open_backend(start.core.as_deref(), &start.rom, folder)?;
    Ok(Chosen { backend, choice: BackendChoice::Libretro, why })
}
