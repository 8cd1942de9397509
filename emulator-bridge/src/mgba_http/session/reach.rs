//! The connection to the window, and finding it again: where it was, at the ports around, less and less often.

use super::super::approach::{Approach, Game, Reached, Rejected};
use super::super::link::Link;
use super::super::request::Fault;
use super::super::search::{self, Search};
use crate::backend::BackendError;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The connection.
#[derive(Debug)]
pub(super) struct Reach {
    search: Search,
    state: State,
    answer_max: Duration,
    /// Whether anything was answered on this connection.
    is_proven: bool,
    /// Why no frame comes.
    why: String,
}

#[derive(Debug)]
enum State {
    Up(Link),
    Approaching { approach: Approach, address: SocketAddr, give_up: Instant },
    Down { until: Instant },
}

impl Reach {
    /// Finds a window at `HOST:PORT` or one of the ports after it; returns with it which game runs, and its frame.
    pub(super) fn open(address: &str, answer_max: Duration) -> Result<(Reach, Game, u64), BackendError> {
        let mut search = Search::new(address).map_err(BackendError::NoWindow)?;
        let mut strangers = Vec::new();
        let mut silent = None;
        while let Some((candidate, patience)) = search.next(answer_max) {
            let Ok(stream) = search::connect(candidate, patience) else { continue };
            match Approach::begin(stream).and_then(|mut approach| approach.finish(patience)) {
                Ok(Some(Reached { link, game, frame })) => {
                    search.found(candidate);
                    let why = Fault::Silent.to_string();
                    let reach = Reach { search, state: State::Up(link), answer_max, is_proven: false, why };
                    return Ok((reach, game, frame));
                }
                Ok(None) => silent = silent.or(Some(candidate)),
                Err(Rejected::Unfit(what)) => {
                    return Err(BackendError::Silent(format!("{candidate}: mGBA-http's script answers, but {what}")));
                }
                Err(rejected) => strangers.push(format!("{candidate}: {rejected}")),
            }
        }
        if let Some(silent) = silent {
            return Err(BackendError::Silent(format!(
                "whoever listens at {silent} does not answer: resume the mGBA window if it is paused; if this is \
                 another program, set [emulator] mgba_http to where mGBA-http's script listens, or backend = \
                 \"libretro\""
            )));
        }
        strangers.insert(0, format!("no mGBA window with mGBA-http's script answers at {address}"));
        Err(BackendError::NoWindow(strangers.join("; ")))
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(super) fn link(&mut self) -> Option<&mut Link> {
        match &mut self.state {
            State::Up(link) => Some(link),
            _ => None,
        }
    }

    /// Why no frame comes, and what to do.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// Something was answered as it should be.
    pub(super) fn note_answered(&mut self) {
        self.search.note_answered();
        self.is_proven = true;
    }

    /// The connection cannot be used any more; returns why.
    pub(super) fn fail(&mut self, fault: &Fault) -> String {
        tracing::debug!(%fault, "the connection to mGBA is given up");
        if matches!(fault, Fault::Silent) {
            self.search.note_unanswered();
        }
        self.why = fault.to_string();
        // A window that fails again and again is given time.
        let wait = if self.is_proven { Duration::ZERO } else { self.search.next_round() };
        self.is_proven = false;
        self.search.restart();
        self.state = State::Down { until: Instant::now() + wait };
        self.why.clone()
    }

    /// Looks for the window, for no longer than until this moment; returns which game runs, once it was found.
    pub(super) fn go_on(&mut self, until: Instant) -> Option<(Game, u64)> {
        let now = Instant::now();
        match &mut self.state {
            State::Up(_) => {}
            State::Down { until: wait } if *wait > now => {
                std::thread::sleep(until.min(*wait).saturating_duration_since(now));
            }
            State::Down { .. } => self.approach(until, now),
            State::Approaching { approach, address, give_up } => {
                let address = *address;
                match approach.advance(until.min(*give_up)) {
                    Ok(Some(Reached { link, game, frame })) => {
                        self.search.found(address);
                        self.state = State::Up(link);
                        self.why = Fault::Silent.to_string();
                        return Some((game, frame));
                    }
                    Ok(None) if now >= *give_up => {
                        self.search.note_unanswered();
                        self.state = State::Down { until: now };
                    }
                    Ok(None) => {}
                    Err(rejected) => {
                        self.why = format!("{address}: {rejected}");
                        self.state = State::Down { until: now };
                    }
                }
            }
        }
        None
    }

    fn approach(&mut self, until: Instant, now: Instant) {
        let Some((address, patience)) = self.search.next(self.answer_max) else {
            self.state = State::Down { until: now + self.search.next_round() };
            return;
        };
        match search::connect(address, until.saturating_duration_since(now)).map(Approach::begin) {
            Ok(Ok(approach)) => {
                self.state = State::Approaching { approach, address, give_up: now + patience };
            }
            Ok(Err(rejected)) => self.why = format!("{address}: {rejected}"),
            Err(error) => tracing::trace!(%address, %error, "nobody listens"),
        }
    }
}
