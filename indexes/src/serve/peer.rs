//! The recall actor's end of the conversation, shared by all threads that answer it.

use rustix::net::Shutdown;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wire::link::{Link, LinkError};
use wire::recall::{Found, FromIndexes};

/// An actor that takes this long to read is given up.
const SEND_MAX: Duration = Duration::from_secs(1);

/// Somebody who is answered.
pub(super) struct Peer {
    link: Link,
    is_lost: AtomicBool,
}

impl Peer {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Peer> {
        set_socket_timeout(socket.as_fd(), Timeout::Send, Some(SEND_MAX))?;
        Ok(Peer { link: Link::from_descriptor(socket), is_lost: AtomicBool::new(false) })
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Sends an answer; one who does not take it is let go, and notices.
    pub(super) fn send(&self, message: &FromIndexes) {
        match self.try_send(message) {
            Ok(()) => {}
            Err(LinkError::TooLarge) => tracing::warn!("an answer is too large for a message and is left out"),
            Err(_) => self.lose(),
        }
    }

    /// Sends what was found. Where that is too much for a message, the farther half of each silo's is left out.
    pub(super) fn send_found(&self, found: Found) {
        let mut message = FromIndexes::Found(found);
        while let Err(error) = self.try_send(&message) {
            let LinkError::TooLarge = error else { return self.lose() };
            let FromIndexes::Found(found) = &mut message else { return };
            let most = found.silos.iter().map(|hits| hits.memories.len()).max().unwrap_or(0);
            if most == 0 {
                return;
            }
            found.silos.iter_mut().for_each(|hits| hits.memories.truncate(most / 2));
        }
    }

    fn try_send(&self, message: &FromIndexes) -> Result<(), LinkError> {
        match self.is_lost() {
            true => Ok(()),
            false => self.link.send(message, &[]),
        }
    }

    /// Whether nobody is there any more.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// The other side sees the end, and so does the thread that listens.
    pub(super) fn lose(&self) {
        self.is_lost.store(true, Ordering::Release);
        // One that is gone already needs no end.
        let _ = rustix::net::shutdown(&self.link, Shutdown::Both);
    }
}
