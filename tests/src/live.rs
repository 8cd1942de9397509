//! A live mGBA window in which this project's script runs.

use crate::{Window, WindowOptions, burrow, root};
use std::net::TcpListener;
use std::path::Path;

/// A window with the script, and where the script listens.
pub struct LiveWindow {
    /// The window.
    pub window: Window,
    /// `HOST:PORT`.
    pub address: String,
}

impl LiveWindow {
    /// Opens one with the fixture game; `None`, with a line that says why, where the packages are missing.
    pub fn open() -> Option<LiveWindow> {
        LiveWindow::open_with(&[])
    }

    /// Opens one whose script is given these settings besides its port.
    pub fn open_with(settings: &[(&str, &str)]) -> Option<LiveWindow> {
        LiveWindow::open_rom(&burrow(), settings)
    }

    /// Opens one with this game.
    pub fn open_rom(rom: &Path, settings: &[(&str, &str)]) -> Option<LiveWindow> {
        if let Err(missing) = Window::available() {
            println!("skipped: {missing}");
            return None;
        }
        let port = free_port();
        let mut environment = vec![("POCKETPILOT_PORT".to_string(), port.to_string())];
        environment.extend(settings.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let window = Window::open(WindowOptions { rom: rom.to_path_buf(), environment });
        let mut live = LiveWindow { window, address: format!("127.0.0.1:{port}") };
        live.load_script();
        Some(live)
    }

    /// Loads the script, for the first time or once more.
    pub fn load_script(&mut self) {
        self.window.load_script(&root().join("emulator-bridge/mgba/pocketpilot.lua"));
    }

    /// What `--emulator` is given to play in it.
    pub fn emulator(&self) -> String {
        format!("mgba-lua:{}", self.address)
    }
}

/// A port that nobody listens on, outside the range that a person's own window is looked for in.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    listener.local_addr().expect("it has an address").port()
}
