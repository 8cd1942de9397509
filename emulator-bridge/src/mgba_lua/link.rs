//! The TCP connection to the script, and how it is found.

use super::message::{self, FromScript};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// The script moves on to the next port when one is taken, as often as this.
const PORTS: u16 = 10;
/// How long one port of a machine may take to be connected to.
const CONNECT_MAX: Duration = Duration::from_millis(250);
/// How long the script's side may take nothing before the connection counts as broken.
const SEND_MAX: Duration = Duration::from_secs(1);
const PIECE_BYTES: usize = 64 << 10;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    received: Vec<u8>,
    /// Where it leads.
    pub address: SocketAddr,
}

/// The addresses at which the script may listen.
pub(super) fn addresses(endpoint: &str) -> Result<Vec<SocketAddr>, String> {
    let wrong = || format!("{endpoint:?} is no HOST:PORT for emulator.mgba_lua");
    let first = endpoint.to_socket_addrs().map_err(|_| wrong())?.next().ok_or_else(wrong)?;
    let ports = (0..PORTS).map_while(|more| first.port().checked_add(more));
    Ok(ports.map(|port| SocketAddr::new(first.ip(), port)).collect())
}

impl Link {
    /// Connects to the first of these addresses, from `skip` on, at which somebody listens.
    pub(super) fn open(address: SocketAddr) -> std::io::Result<Link> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_MAX)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(SEND_MAX))?;
        Ok(Link { stream, received: Vec::new(), address })
    }

    /// Sends a whole message.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("mGBA does not take what is sent: {error}"))
    }

    /// The next message; `None` when none came until `deadline`.
    pub(super) fn next(&mut self, deadline: Instant) -> Result<Option<FromScript>, String> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            if let Some(message) = message::take(&mut self.received)? {
                return Ok(Some(message));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
            match self.stream.read(&mut piece) {
                Ok(0) => return Err("mGBA or its script ended the connection".to_string()),
                Ok(count) => self.received.extend_from_slice(&piece[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the connection to mGBA broke: {error}")),
            }
        }
    }
}
