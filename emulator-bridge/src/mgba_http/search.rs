//! Where mGBA-http's script may listen, and how often it is looked for.

use super::link::reset;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// Up to version 0.8 the script moves up by one where a port is taken; this many ports are tried.
const PORTS: u16 = 10;
/// How long a connection may take to be made. On one machine it takes none.
const CONNECT_MAX: Duration = Duration::from_millis(250);
/// The first wait after all ports were tried in vain; it doubles up to the longest.
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// The longest wait for an answer to one greeting. It doubles from one unanswered connection to the next, because a
/// paused window answers none, and each costs it a socket.
const GREETING_MAX: Duration = Duration::from_secs(30);
const DOUBLINGS_MAX: u32 = 8;

/// The addresses to try, in rounds.
#[derive(Debug)]
pub(super) struct Search {
    addresses: Vec<SocketAddr>,
    /// Where the script was last; tried first.
    known: Option<SocketAddr>,
    /// The next of this round.
    next: usize,
    back_off: Duration,
    unanswered: u32,
}

impl Search {
    /// Takes `HOST:PORT` apart; the nine ports after it belong to the search.
    pub(super) fn new(address: &str) -> Result<Search, String> {
        let wrong = || format!("{address:?} is no HOST:PORT: correct [emulator] mgba_http");
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let first: u16 = port.parse().map_err(|_| wrong())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut addresses = Vec::new();
        for port in first..=first.saturating_add(PORTS - 1) {
            addresses.extend((host, port).to_socket_addrs().map_err(|error| format!("{address}: {error}"))?);
        }
        Ok(Search { addresses, known: None, next: 0, back_off: BACK_OFF_MIN, unanswered: 0 })
    }

    /// The next address of this round, and how long to wait for an answer there; `None`: the round is over.
    pub(super) fn next(&mut self, answer_max: Duration) -> Option<(SocketAddr, Duration)> {
        let others = self.addresses.iter().copied().filter(|address| Some(*address) != self.known);
        let address = self.known.into_iter().chain(others).nth(self.next)?;
        self.next += 1;
        let doublings = if Some(address) == self.known { self.unanswered.min(DOUBLINGS_MAX) } else { 0 };
        Some((address, answer_max.saturating_mul(1 << doublings).min(GREETING_MAX.max(answer_max))))
    }

    /// Begins the next round; returns how long to wait before.
    pub(super) fn next_round(&mut self) -> Duration {
        self.next = 0;
        let wait = self.back_off;
        self.back_off = (wait * 2).min(BACK_OFF_MAX);
        wait
    }

    /// Begins anew with where the script was last.
    pub(super) fn restart(&mut self) {
        self.next = 0;
    }

    /// The script answered here.
    pub(super) fn found(&mut self, address: SocketAddr) {
        self.known = Some(address);
        self.next = 0;
    }

    /// A connection was given up, because nothing was answered.
    pub(super) fn note_unanswered(&mut self) {
        self.unanswered += 1;
    }

    /// Frames come.
    pub(super) fn note_answered(&mut self) {
        self.unanswered = 0;
        self.back_off = BACK_OFF_MIN;
    }
}

/// Connects within this time.
pub(super) fn connect(address: SocketAddr, within: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, within.clamp(Duration::from_millis(1), CONNECT_MAX))?;
    reset(&stream);
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER_MAX: Duration = Duration::from_secs(1);

    #[test]
    fn ten_ports_are_tried_and_the_known_one_first() {
        let mut search = Search::new("127.0.0.1:8888").expect("it is an address");
        let ports = |search: &mut Search| {
            std::iter::from_fn(|| search.next(ANSWER_MAX)).map(|(address, _)| address.port()).collect::<Vec<_>>()
        };
        assert_eq!(ports(&mut search), (8888..8898).collect::<Vec<_>>());
        search.found("127.0.0.1:8890".parse().expect("it is an address"));
        assert_eq!(ports(&mut search)[..3], [8890, 8888, 8889]);
        assert_eq!(Search::new("127.0.0.1:65535").map(|search| search.addresses.len()), Ok(1));
        for wrong in ["8888", "127.0.0.1", "127.0.0.1:x", ""] {
            assert!(Search::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn waits_grow_until_frames_come() {
        let mut search = Search::new("127.0.0.1:8888").expect("it is an address");
        search.found("127.0.0.1:8888".parse().expect("it is an address"));
        let waits: Vec<_> = (0..6).map(|_| search.next_round().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        let mut greeting = |unanswered| {
            search.unanswered = unanswered;
            search.restart();
            search.next(ANSWER_MAX).map(|(_, patience)| patience.as_secs())
        };
        assert_eq!([greeting(0), greeting(2), greeting(9)], [Some(1), Some(4), Some(30)]);
        search.note_answered();
        assert_eq!(search.next_round(), BACK_OFF_MIN);
    }
}
