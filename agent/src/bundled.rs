//! The game that comes with the program.

/// The bundled game's name in a run's folder.
pub const ROM_FILE: &str = "burrow.gba";

/// The bundled game's ROM. It is part of the executable, so that the executable alone can play.
pub const ROM: &[u8] = include_bytes!("../../emulator-bridge/burrow/burrow.gba");
