//! A socket to another role, as an actor uses it: messages come as a stream, and sending never waits.

use futures_util::stream::{self, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;
use tokio::net::UnixDatagram;
use wire::codec;
use wire::link::{CONTROL_BYTES_MAX, Link};

/// What the role says, with the number of the connection that it came over.
pub(crate) type Heard<T> = (u64, io::Result<T>);

/// A socket of sequenced packets is read and written as one of datagrams is.
pub(crate) fn open(link: Link) -> io::Result<Arc<UnixDatagram>> {
    let socket = std::os::unix::net::UnixDatagram::from(link.into_descriptor());
    socket.set_nonblocking(true)?;
    Ok(Arc::new(UnixDatagram::from_std(socket)?))
}

/// Sends a message.
///
/// # Errors
/// `WouldBlock` when the role has not read what came before; anything else means that it cannot be told any more.
pub(crate) fn send<T: Serialize>(link: &UnixDatagram, message: &T) -> io::Result<()> {
    let bytes = codec::encode(message).map_err(io::Error::other)?;
    link.try_send(&bytes).map(|_| ())
}

/// The messages of one connection, ended by its first error.
pub(crate) fn messages<T: DeserializeOwned>(link: Arc<UnixDatagram>, connection: u64) -> impl Stream<Item = Heard<T>> {
    let buffer = vec![0; CONTROL_BYTES_MAX];
    stream::unfold(Some((link, buffer)), move |open| async move {
        let (link, mut buffer) = open?;
        match receive(&link, &mut buffer).await {
            Ok(message) => Some(((connection, Ok(message)), Some((link, buffer)))),
            Err(error) => Some(((connection, Err(error)), None)),
        }
    })
}

async fn receive<T: DeserializeOwned>(link: &UnixDatagram, buffer: &mut [u8]) -> io::Result<T> {
    match link.recv(buffer).await? {
        // No message is empty: the other side is gone.
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => codec::decode(&buffer[..length]).map_err(io::Error::other),
    }
}
