//! The bridge without a run: an emulator for whoever connects.

use crate::libretro::open_backend;
use crate::server::{Server, ServerOptions};
use rustix::rand::GetRandomFlags;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write as _;
use std::path::PathBuf;
use wire::exit;

const TOKEN_BYTES: usize = 16;

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Standalone {
    /// Address to listen on, port 0 for any; loopback only.
    pub listen: String,
    /// The ROM.
    pub rom: PathBuf,
    /// The libretro core; `None`: look in the usual places.
    pub core: Option<PathBuf>,
    /// What a client must know; `None`: made up.
    pub token: Option<String>,
}

/// Serves until SIGINT or SIGTERM; returns the status to exit with.
pub fn standalone(options: Standalone) -> i32 {
    let (status, message) = match serve(options) {
        Ok(()) => return exit::OK,
        Err(failure) => failure,
    };
    // A closed standard error leaves the status alone to tell.
    let _ = writeln!(std::io::stderr(), "emulator-bridge: {message}");
    status
}

fn serve(options: Standalone) -> Result<(), (i32, String)> {
    let os = |error: std::io::Error| (exit::OS, error.to_string());
    let folder = Folder(std::env::temp_dir().join(format!("pocketpilot-emulator-{}", std::process::id())));
    let backend = open_backend(options.core.as_deref(), &options.rom, &folder.0)
        .map_err(|error| (error.exit_status(), error.to_string()))?;
    let token = options.token.map_or_else(random_token, Ok).map_err(os)?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(os)?;
    let server_options = ServerOptions { instance: 0, epoch: 1, listen: options.listen, token };
    let server = Server::start(&server_options, backend, None, None)
        .map_err(|error| (error.exit_status(), error.to_string()))?;
    let address = server.address();
    // Whoever closed standard output has no use for the address.
    let _ = writeln!(std::io::stdout(), "{address}\nagent run --emulator '{address}'");
    let _ = std::io::stdout().flush();
    signals.forever().next();
    server.stop();
    Ok(())
}

/// The folder for the core's files; it goes with the process, unless a core left something in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    let filled = rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty())?;
    if filled < TOKEN_BYTES {
        return Err(std::io::Error::other("the operating system has no random bytes"));
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
