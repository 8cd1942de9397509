//! How a role begins: it ties its life to the parent's, opens what the parent handed it, and shakes hands.

use crate::control::{FromRole, MAGIC, Role, ToRole};
use crate::exit;
use crate::link::{CONTROL_DESCRIPTOR, Link, LinkError, PAGE_DESCRIPTOR};
use crate::page::{ProgressPage, Stage};
use rustix::process::Signal;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

/// The executable's version; both sides of a handshake must be the same build.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// A role's connection to its parent.
#[derive(Debug)]
pub struct RoleHandle {
    /// The control socket.
    pub link: Link,
    /// The progress page.
    pub page: ProgressPage,
    /// What the parent wants started.
    pub start: ToRole,
}

/// Begins a role in a process that the parent started. Blocks until the parent says what to start.
pub fn begin(role: Role) -> Result<RoleHandle, LinkError> {
    // The parent's death must end this process even where it is stuck; the end of the socket covers the moment before.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    let link = Link::from_descriptor(inherited(CONTROL_DESCRIPTOR)?);
    let page = ProgressPage::open(inherited(PAGE_DESCRIPTOR)?)?;
    let hello = FromRole::Hello { magic: MAGIC, wire_version: crate::WIRE_VERSION, build: BUILD.to_string(), role };
    link.send(&hello, &[])?;
    let (start, _) = link.receive()?;
    Ok(RoleHandle { link, page, start })
}

/// Tells the parent why the role cannot work, and gives the status to exit with.
pub fn fail(link: &Link, status: i32, message: impl Into<String>) -> i32 {
    // A parent that is gone needs no explanation.
    let _ = link.send(&FromRole::Failed { status, message: message.into() }, &[]);
    status
}

/// Serves a role that only the parent asks anything of: says that it is ready, and answers signs of life until it is
/// told to stop. Gives the exit status.
pub fn stand_by(link: &Link, page: &ProgressPage, detail: String) -> i32 {
    if link.send(&FromRole::Ready { address: None, cartridge: None, backend: None, detail }, &[]).is_err() {
        return exit::OK;
    }
    page.enter(Stage::Serving);
    // Whatever ends the conversation ends the role: without its parent it has nobody to serve.
    while let Ok((message, _)) = link.receive::<ToRole>() {
        if message == ToRole::Stop {
            break;
        }
        page.advance();
    }
    page.enter(Stage::Stopping);
    exit::OK
}

fn inherited(descriptor: RawFd) -> Result<OwnedFd, LinkError> {
    let path = format!("/proc/self/fd/{descriptor}");
    if std::fs::symlink_metadata(&path).is_err() {
        return Err(LinkError::Os(std::io::Error::other("roles are started by `agent run`, not by hand")));
    }
    // SAFETY: the descriptor is open, as was just checked, and the parent put it there for this role alone: `begin` runs
    // once, before anything else in the process has opened a file.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
