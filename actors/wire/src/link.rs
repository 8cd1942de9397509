//! The control socket between the parent and a role: whole messages, with descriptors attached where needed.
//!
//! It is a Unix socket of sequenced packets, so a message arrives whole or not at all, and its end is noticed when
//! either side dies. A role finds it as descriptor 3.

use crate::codec::{self, CodecError};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The descriptor at which a role finds its control socket.
pub const CONTROL_DESCRIPTOR: i32 = 3;
/// The descriptor at which a role finds its progress page.
pub const PAGE_DESCRIPTOR: i32 = 4;
/// The largest control message.
pub const CONTROL_BYTES_MAX: usize = 64 << 10;
const DESCRIPTORS_MAX: usize = 2;

/// Why a control message did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side is gone.
    #[error("the other side of the control socket is gone")]
    Closed,
    /// The operating system refused.
    #[error("control socket: {0}")]
    Os(#[from] io::Error),
    /// The bytes are not a message of this version.
    #[error("control socket: {0}")]
    Codec(#[from] CodecError),
    /// The message is larger than [`CONTROL_BYTES_MAX`].
    #[error("control message is larger than {CONTROL_BYTES_MAX} bytes")]
    TooLarge,
}

/// One end of a control socket.
#[derive(Debug)]
pub struct Link {
    socket: OwnedFd,
}

impl Link {
    /// Makes a connected pair.
    pub fn pair() -> io::Result<(Link, Link)> {
        let flags = SocketFlags::CLOEXEC;
        let (left, right) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Link { socket: left }, Link { socket: right }))
    }

    /// Takes over a descriptor that is one end of a control socket.
    pub fn from_descriptor(socket: OwnedFd) -> Link {
        Link { socket }
    }

    /// A second handle of the same end, for another thread.
    pub fn try_clone(&self) -> io::Result<Link> {
        Ok(Link { socket: self.socket.try_clone()? })
    }

    /// Gives up the descriptor, to hand it to a child.
    pub fn into_descriptor(self) -> OwnedFd {
        self.socket
    }

    /// Sends a message, with descriptors attached.
    pub fn send<T: Serialize>(&self, message: &T, descriptors: &[BorrowedFd<'_>]) -> Result<(), LinkError> {
        let bytes = codec::encode(message)?;
        if bytes.len() > CONTROL_BYTES_MAX {
            return Err(LinkError::TooLarge);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(
                ancillary.push(SendAncillaryMessage::ScmRights(descriptors)),
                "at most two descriptors are attached"
            );
        }
        loop {
            match rustix::net::sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return Err(LinkError::Closed),
                Err(error) => return Err(LinkError::Os(error.into())),
            }
        }
    }

    /// Waits for the next message and the descriptors attached to it.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), LinkError> {
        self.receive_into(&mut Vec::new())
    }

    /// The same, with memory that is used again and again.
    pub fn receive_into<T: DeserializeOwned>(&self, bytes: &mut Vec<u8>) -> Result<(T, Vec<OwnedFd>), LinkError> {
        bytes.resize(CONTROL_BYTES_MAX, 0);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut slices = [IoSliceMut::new(bytes)];
            match rustix::net::recvmsg(&self.socket, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Ok(received) => break received,
                Err(rustix::io::Errno::INTR) => {}
                // The other side ended with messages that it had not read. Linux says so once, before it hands over what the
                // other side had said.
                Err(rustix::io::Errno::CONNRESET) => {}
                Err(error) => return Err(LinkError::Os(error.into())),
            }
        };
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(LinkError::TooLarge);
        }
        if received.bytes == 0 {
            return Err(LinkError::Closed);
        }
        Ok((codec::decode(&bytes[..received.bytes])?, descriptors))
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::ProgressPage;

    #[test]
    fn messages_arrive_whole_with_their_descriptors() {
        let (left, right) = Link::pair().expect("a pair is made");
        let (page, descriptor) = ProgressPage::create().expect("a page is made");
        left.send(&"hello".to_string(), &[descriptor.as_fd()]).expect("it is sent");
        let (text, mut descriptors) = right.receive::<String>().expect("it arrives");
        let other = ProgressPage::open(descriptors.pop().expect("a descriptor came along")).expect("it is the page");
        other.advance();
        assert_eq!((text.as_str(), page.read().progress), ("hello", 1));
        drop(left);
        assert!(matches!(right.receive::<String>(), Err(LinkError::Closed)));
    }

    #[test]
    fn last_words_are_heard_of_one_that_did_not_listen_any_more() {
        let (parent, role) = Link::pair().expect("a pair is made");
        parent.send(&"ping".to_string(), &[]).expect("it is sent");
        for word in ["because", "of this"] {
            role.send(&word.to_string(), &[]).expect("it is sent");
        }
        drop(role);
        let heard = [(); 2].map(|()| parent.receive::<String>().map(|(word, _)| word).ok());
        assert_eq!(heard, [Some("because".to_string()), Some("of this".to_string())]);
        assert!(matches!(parent.receive::<String>(), Err(LinkError::Closed)));
    }
}
