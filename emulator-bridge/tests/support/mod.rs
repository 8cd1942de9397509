//! What the tests of this crate share: an emulator with a game, one test at a time, since a process runs one core.
#![allow(dead_code, reason = "each test file uses a part of it")]

use emulator_bridge::server::{Server, ServerOptions};
use emulator_bridge::{BackendError, EmulatorBackend, open_backend};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

pub const TOKEN: &str = "0123456789abcdef";

static SEAT: Mutex<()> = Mutex::new(());

/// The right to run a core in this process, and a folder that goes with it.
pub struct Seat {
    pub folder: PathBuf,
    _guard: MutexGuard<'static, ()>,
}

impl Seat {
    pub fn take() -> Seat {
        let guard = SEAT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let folder = std::env::temp_dir().join(format!("pocketpilot-bridge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder is made");
        Seat { folder, _guard: guard }
    }

    /// A file in this test's folder.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).expect("a file is written");
        path
    }

    /// The test cartridge in an emulator; `None`, said aloud, where no core is installed.
    pub fn open(&self) -> Option<Box<dyn EmulatorBackend>> {
        let rom = self.file("test.gba", &emulator_bridge::conformance::test_rom());
        self.open_rom(&rom)
    }

    /// A game in an emulator; `None`, said aloud, where no core is installed.
    pub fn open_rom(&self, rom: &Path) -> Option<Box<dyn EmulatorBackend>> {
        match open_backend(None, rom, &self.folder.join("emulator")) {
            Ok(backend) => Some(backend),
            Err(BackendError::CoreMissing { .. }) => {
                eprintln!("SKIPPED: no libretro core is installed; scripts/setup.sh fetches one");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The test cartridge, served.
    pub fn serve(&self) -> Option<Server> {
        let options =
            ServerOptions { instance: 0, epoch: 3, listen: "127.0.0.1:0".to_string(), token: TOKEN.to_string() };
        Some(Server::start(&options, self.open()?, None, None).expect("the server starts"))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The fixture game, where it has been built.
pub fn burrow() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("burrow/burrow.gba");
    let built = path.is_file();
    if !built {
        eprintln!("SKIPPED: {} has not been built", path.display());
    }
    built.then_some(path)
}
