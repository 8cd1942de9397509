//! The script's sockets: looked at once a frame, read in pieces until nothing is left.

use super::answers::Version;
use super::{Fault, Shared};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The sockets.
pub(super) struct Sockets {
    listener: TcpListener,
    version: Version,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// Answers, and from when on each may go.
    outbox: VecDeque<(Instant, Vec<u8>)>,
    is_over: bool,
}

impl Sockets {
    pub(super) fn new(listener: TcpListener, version: Version) -> Sockets {
        listener.set_nonblocking(true).expect("a socket option is set");
        Sockets { listener, version, connections: Vec::new() }
    }

    /// What the script does after a frame.
    pub(super) fn poll(&mut self, shared: &Shared, mut answer: impl FnMut(&str) -> String) {
        if let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).expect("a socket option is set");
            stream.set_nodelay(true).expect("a socket option is set");
            shared.connections.fetch_add(1, Ordering::AcqRel);
            let outbox = VecDeque::new();
            self.connections.push(Connection { stream, received: Vec::new(), outbox, is_over: false });
        }
        for connection in &mut self.connections {
            connection.send(shared);
            connection.receive(self.version, shared, &mut answer);
        }
        self.connections.retain(|connection| !connection.is_over);
    }
}

impl Connection {
    fn receive(&mut self, version: Version, shared: &Shared, answer: &mut impl FnMut(&str) -> String) {
        let mut piece = vec![0; version.piece_bytes()];
        while !self.is_over {
            match self.stream.read(&mut piece) {
                // A plain close is not noticed by the script.
                Ok(0) => return,
                Ok(length) => self.received.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.is_over = true,
            }
            while let Some(message) = self.next_message(version) {
                let answered = answer(message.trim_end());
                self.put(&answered, version, shared);
                self.send(shared);
            }
        }
    }

    fn next_message(&mut self, version: Version) -> Option<String> {
        let Some(end) = version.end() else {
            let message = std::mem::take(&mut self.received);
            return (!message.is_empty()).then(|| String::from_utf8_lossy(&message).into_owned());
        };
        let length = self.received.windows(end.len()).position(|window| window == end.as_bytes())?;
        let message = String::from_utf8_lossy(&self.received[..length]).into_owned();
        self.received.drain(..length + end.len());
        Some(message)
    }

    /// Puts an answer into the outbox, with what goes wrong with it.
    fn put(&mut self, answer: &str, version: Version, shared: &Shared) {
        let end = version.end().unwrap_or_default();
        let whole = format!("{answer}{end}").into_bytes();
        let now = Instant::now();
        let next_frame = now + Duration::from_micros(1);
        let mut put = |due: Instant, bytes: &[u8]| self.outbox.push_back((due, bytes.to_vec()));
        match next_fault(shared) {
            None => put(now, &whole),
            Some(Fault::Delay(delay)) => put(now + delay, &whole),
            Some(Fault::Split(at)) => {
                let (head, tail) = whole.split_at(at % whole.len());
                put(now, head);
                put(next_frame, tail);
            }
            Some(Fault::Crumbs) => whole.chunks(1).for_each(|crumb| put(now, crumb)),
            Some(Fault::Reset(at)) => {
                put(now, &whole[..at % whole.len()]);
                self.send(shared);
                reset(&self.stream);
                self.is_over = true;
            }
            Some(Fault::Shorten(at)) => {
                put(now, format!("{}{end}", &answer[..at % answer.len()]).as_bytes());
            }
            Some(Fault::Swallow) => {}
        }
    }

    fn send(&mut self, shared: &Shared) {
        // What is due a frame later waits for the next call, whatever the clock says.
        let now = Instant::now();
        while !self.is_over && self.outbox.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, bytes)) = self.outbox.pop_front() else { return };
            if let Err(error) = self.write(&bytes) {
                self.is_over |= error.kind() != ErrorKind::ConnectionReset;
                if error.kind() == ErrorKind::BrokenPipe {
                    shared.has_died.store(true, Ordering::Release);
                }
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.set_nonblocking(false)?;
        let written = self.stream.write_all(bytes);
        self.stream.set_nonblocking(true)?;
        written
    }
}

fn next_fault(shared: &Shared) -> Option<Fault> {
    let mut faults = shared.faults.lock().expect("nobody panics with it");
    let (after, fault) = faults.front_mut()?;
    if *after > 0 {
        *after -= 1;
        return None;
    }
    let fault = *fault;
    faults.pop_front();
    Some(fault)
}

fn reset(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).expect("a socket option is set");
}
