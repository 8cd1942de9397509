//! A connection to mGBA-http's script: a batch of requests, carried out one after the other, and their answers.
//!
//! Never is more than one request unanswered. The script answers each with a send of its own, and on Linux the second
//! send to a connection whose other end is gone ends mGBA, with whatever the game had not saved. So it must be able to
//! outlive this process at any moment, and a window that is paused now may answer long after.
//!
//! A batch is believed whole or not at all, since the script says nowhere which answer belongs to which request. Before
//! version 0.6 answers have no end: that of a value is only known once a further request is answered behind it.
//!
//! A connection is ended by a reset: a plain close is not noticed by the script.

use super::request::{Answer, Answers, DONE, END, Fault, Form, MARKER, Notation, Request, excerpt};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The most bytes of one answer; the longest that is asked for is a list of 8 KiB in decimal notation.
const ANSWER_BYTES_MAX: usize = 1 << 16;
/// Bytes taken from the socket at once.
const READ_BYTES: usize = 1 << 16;
/// How long the operating system may take to accept a batch; it has room for every batch that is sent.
const WRITE_MAX: Duration = Duration::from_secs(1);
/// An answer is given up after this long even if it trickles in.
const TRICKLE_MAX: Duration = Duration::from_secs(10);

/// How messages end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// With [`END`].
    Marked,
    /// Where a read ends.
    Bare,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    framing: Framing,
    pub(super) notation: Notation,
    inbox: Vec<u8>,
    /// Requests of the batch that were not sent yet.
    unsent: VecDeque<Request>,
    /// The form of the answer that is due.
    due: Option<Form>,
    /// Whether the request that ends a value was sent.
    is_marker_sent: bool,
    answers: Vec<Answer>,
    /// When the last request was sent.
    asked: Instant,
    /// When the last byte came, or the last request was sent.
    progress: Instant,
}

impl Link {
    pub(super) fn new(stream: TcpStream, framing: Framing) -> Link {
        let now = Instant::now();
        Link {
            stream,
            framing,
            notation: Notation::Hexadecimal,
            inbox: Vec::new(),
            unsent: VecDeque::new(),
            due: None,
            is_marker_sent: false,
            answers: Vec::new(),
            asked: now,
            progress: now,
        }
    }

    pub(super) fn is_marked(&self) -> bool {
        self.framing == Framing::Marked
    }

    /// Since when nothing came.
    pub(super) fn quiet_since(&self) -> Instant {
        self.progress
    }

    /// Sends a batch. The one before must be over.
    pub(super) fn begin(&mut self, batch: Vec<Request>) -> Result<(), Fault> {
        self.answers.clear();
        self.refuse_surplus()?;
        self.unsent.extend(batch);
        self.send_next()
    }

    /// Takes answers until the batch is complete or this moment has come; `None`: it is not complete yet.
    pub(super) fn advance(&mut self, until: Instant) -> Result<Option<Answers>, Fault> {
        loop {
            self.take()?;
            if self.inbox.len() > ANSWER_BYTES_MAX {
                return Err(Fault::Garbled(excerpt(&self.inbox)));
            }
            if self.due.is_none() {
                if !self.inbox.is_empty() {
                    return Err(Fault::Garbled(excerpt(&self.inbox)));
                }
                return Ok(Some(Answers::new(std::mem::take(&mut self.answers))));
            }
            if !self.inbox.is_empty() && self.asked.elapsed() > TRICKLE_MAX {
                return Err(Fault::Silent);
            }
            if !receive(&mut self.stream, &mut self.inbox, until)? {
                return Ok(None);
            }
            self.progress = Instant::now();
        }
    }

    /// Sends a batch and waits for its answers; silence longer than `quiet_max` is a fault.
    pub(super) fn exchange(&mut self, batch: Vec<Request>, quiet_max: Duration) -> Result<Answers, Fault> {
        self.begin(batch)?;
        self.finish(quiet_max)
    }

    /// Waits for the answers that are due; silence longer than `quiet_max` is a fault.
    pub(super) fn finish(&mut self, quiet_max: Duration) -> Result<Answers, Fault> {
        loop {
            let until = self.progress + quiet_max;
            if let Some(answers) = self.advance(until)? {
                return Ok(answers);
            }
            if Instant::now() >= self.progress + quiet_max {
                return Err(Fault::Silent);
            }
        }
    }

    /// Takes the answer that is due, if it is complete, and sends what is next.
    fn take(&mut self) -> Result<(), Fault> {
        let Some(form) = self.due.filter(|_| !self.inbox.is_empty()) else { return Ok(()) };
        let length = match self.framing {
            Framing::Marked => self.inbox.strip_suffix(END.as_bytes()).map(<[u8]>::len),
            Framing::Bare => self.bare_length(form)?,
        };
        let Some(length) = length else { return Ok(()) };
        self.answers.push(form.read(self.notation, &self.inbox[..length])?);
        self.inbox.clear();
        self.send_next()
    }

    /// How long the answer without an end is, once it is complete.
    fn bare_length(&mut self, form: Form) -> Result<Option<usize>, Fault> {
        let end = DONE.iter().find(|end| self.inbox.ends_with(end.as_bytes()));
        if form == Form::Done {
            return Ok(end.map(|_| self.inbox.len()));
        }
        if !self.is_marker_sent {
            // The first byte has come, so that the request was read and the next one cannot run into it.
            self.is_marker_sent = true;
            send(&mut self.stream, MARKER.as_bytes())?;
            return Ok(None);
        }
        Ok(end.map(|end| self.inbox.len() - end.len()))
    }

    fn send_next(&mut self) -> Result<(), Fault> {
        self.is_marker_sent = false;
        let request = self.unsent.pop_front();
        self.due = request.as_ref().map(Request::form);
        let Some(request) = request else { return Ok(()) };
        let end = if self.is_marked() { END } else { "" };
        self.asked = Instant::now();
        self.progress = self.asked;
        send(&mut self.stream, (request.text() + end).as_bytes())
    }

    /// What came without having been asked for belongs to nobody.
    fn refuse_surplus(&mut self) -> Result<(), Fault> {
        self.stream.set_nonblocking(true).map_err(ended)?;
        let mut byte = [0; 1];
        let read = self.stream.read(&mut byte);
        self.stream.set_nonblocking(false).map_err(ended)?;
        match read {
            Ok(0) => Err(Fault::Ended("it was closed".to_string())),
            Ok(_) => Err(Fault::Garbled(excerpt(&byte))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(ended(error)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        reset(&self.stream);
    }
}

/// Lets the connection end with a reset.
pub(super) fn reset(stream: &TcpStream) {
    if let Err(error) = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)) {
        tracing::debug!(%error, "the connection will be closed instead of reset");
    }
}

pub(super) fn send(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), Fault> {
    stream.set_write_timeout(Some(WRITE_MAX)).and_then(|()| stream.write_all(bytes)).map_err(ended)
}

/// Waits for bytes until this moment; `false`: none came.
pub(super) fn receive(stream: &mut TcpStream, inbox: &mut Vec<u8>, until: Instant) -> Result<bool, Fault> {
    let patience = until.saturating_duration_since(Instant::now());
    if patience.is_zero() {
        return Ok(false);
    }
    // The operating system takes no time-out below its own resolution.
    stream.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).map_err(ended)?;
    let old = inbox.len();
    inbox.resize(old + READ_BYTES, 0);
    let read = stream.read(&mut inbox[old..]);
    inbox.truncate(old + read.as_ref().copied().unwrap_or(0));
    match read {
        Ok(0) => Err(Fault::Ended("it was closed".to_string())),
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(false),
            _ => Err(ended(error)),
        },
    }
}

fn ended(error: std::io::Error) -> Fault {
    Fault::Ended(error.to_string())
}
