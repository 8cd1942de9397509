//! The bridge as a role of a run: one emulator, its ring handed to the parent, its life tied to the parent's.

use crate::backend::BackendError;
use crate::choose::{Chosen, choose};
use crate::publish::Publisher;
use crate::server::{ServeError, Server, ServerOptions};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use wire::control::{BackendChoice, FromRole, StartBridge, ToRole};
use wire::emulator::Cartridge;
use wire::exit;
use wire::page::{ProgressPage, Stage};
use wire::role::{self, RoleHandle};

/// How long loading a core and a game may take; silence is expected meanwhile.
const LOADING_MS_MAX: u64 = 10_000;
/// The folder for the core's files, below the run's.
const SAVE_FOLDER: &str = "emulator";

/// Runs the role until the parent says stop or is gone; returns the status to exit with.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartBridge(start) = start else {
        return role::fail(&link, exit::PROTOCOL, "the bridge was told to start as another role");
    };
    let is_later = start.epoch > 1 && start.backend != BackendChoice::Libretro;
    page.protect_ms(LOADING_MS_MAX);
    let Opened { server, ring, cartridge, backend, detail } = match open(&start, &page) {
        Ok(opened) => opened,
        // A window that was there before may come back: a later life is tried again, the first is not.
        Err(failure) if failure.status == exit::UNAVAILABLE && is_later => {
            return role::fail(&link, exit::UNFINISHED, failure.message);
        }
        Err(failure) => return role::fail(&link, failure.status, failure.message),
    };
    page.enter(Stage::Serving);
    page.protect_ms(0);
    let ready =
        FromRole::Ready { address: Some(server.address()), cartridge: Some(cartridge), backend: Some(backend), detail };
    if let Err(error) = link.send(&ready, &[ring.as_fd()]) {
        tracing::error!(%error, "the parent did not take the ring");
        return exit::SOFTWARE;
    }
    drop(ring);
    loop {
        match link.receive::<ToRole>() {
            Ok((ToRole::Ping, _)) => server.ping(),
            Ok((ToRole::Stop, _)) => break,
            Ok((other, _)) => tracing::warn!(?other, "the parent sent what is not for a bridge"),
            Err(error) => {
                tracing::debug!(%error, "the parent is gone");
                break;
            }
        }
    }
    page.enter(Stage::Stopping);
    server.stop();
    exit::OK
}

struct Opened {
    server: Server,
    ring: OwnedFd,
    cartridge: Cartridge,
    backend: BackendChoice,
    detail: String,
}

/// Why the role cannot start, as the parent is told.
struct Failure {
    status: i32,
    message: String,
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Failure {
        Failure { status: error.exit_status(), message: error.to_string() }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Failure {
        Failure { status: error.exit_status(), message: error.to_string() }
    }
}

fn open(start: &StartBridge, page: &ProgressPage) -> Result<Opened, Failure> {
    let folder: PathBuf = start.run_dir.join(SAVE_FOLDER).join(start.instance.to_string());
    let Chosen { backend, choice, why } = choose(start, &folder)?;
    let publisher = Publisher::create(backend.as_ref(), start.epoch)?;
    let ring = publisher.descriptor()?;
    let introduction = backend.introduction();
    let cartridge = introduction.cartridge.clone();
    let detail = format!("{}: {}, {} ({})", why, introduction.core, cartridge.title, cartridge.code);
    let options = ServerOptions {
        instance: start.instance,
        epoch: start.epoch,
        listen: start.listen.clone(),
        token: start.token.clone(),
    };
    let server = Server::start(&options, backend, Some(publisher), Some(page.clone()))?;
    Ok(Opened { server, ring, cartridge, backend: choice, detail })
}
