//! What a person sees of a run: a live picture on a terminal, a line a floor elsewhere, or nothing.
//!
//! Drawing has a thread of its own, so that a terminal that stands still (Ctrl-S, a slow connection) never holds up the
//! supervision. What it cannot take in time is dropped: the next status replaces it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;
use wire::Instance;
use wire::control::{Status, Summary};

mod live;
mod picture;
mod plain;

/// Things to show that wait for the drawing thread.
const SHOWS_MAX: usize = 256;
/// How long the end of a run waits for its last picture.
const END_MS: u64 = 1_000;

/// How much to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Quiet,
    /// Lines of text.
    Plain,
    /// The game's picture, drawn over and over in place.
    Live,
}

impl Mode {
    /// What fits the terminal and the environment.
    pub fn choose(quiet: bool) -> Mode {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Mode::fitting(quiet, io::stdout().is_terminal(), dumb || set("NO_COLOR"))
    }

    fn fitting(quiet: bool, terminal: bool, colourless: bool) -> Mode {
        match (quiet, terminal, colourless) {
            (true, _, _) => Mode::Quiet,
            // The picture is made of colours; without them it would be noise.
            (_, true, false) => Mode::Live,
            _ => Mode::Plain,
        }
    }
}

/// What a run is, for its first line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// The run's name.
    pub run: String,
    /// Game, brain, pace and seed.
    pub what: String,
    /// Floors to reach, 0 for no such end.
    pub floors: u32,
    /// Steps to take, 0 for no such end.
    pub steps: u64,
    /// Floors that were reached in each game before this process began.
    pub floors_before: Vec<u32>,
}

impl Heading {
    /// How many games there are.
    fn games(&self) -> usize {
        self.floors_before.len().max(1)
    }
}

#[derive(Debug)]
enum Show {
    Status(Status),
    Finished(Instance, Summary),
    Ring(Option<OwnedFd>),
    Note(String),
    Alarm(String),
    Pause(SyncSender<()>),
    Resume,
}

/// The way to the drawing thread.
#[derive(Debug)]
pub struct Screen {
    thread: Option<(SyncSender<Show>, Receiver<()>)>,
    /// Where the picture comes from, while the drawing thread could not take it: unlike a status, nothing replaces it.
    unsent_ring: Option<Show>,
}

impl Screen {
    /// Starts to show a run.
    pub fn start(mode: Mode, heading: Heading) -> io::Result<Screen> {
        if mode == Mode::Quiet {
            return Ok(Screen { thread: None, unsent_ring: None });
        }
        let (sender, shows) = sync_channel(SHOWS_MAX);
        let (ended, ends) = sync_channel(1);
        let draw = move || {
            match mode {
                Mode::Live => live::draw(&shows, &heading),
                _ => plain::draw(&shows, &heading),
            }
            let _ = ended.send(());
        };
        thread::Builder::new().name("screen".to_string()).spawn(draw)?;
        Ok(Screen { thread: Some((sender, ends)), unsent_ring: None })
    }

    /// How a game stands.
    pub fn status(&mut self, status: Status) {
        self.show(Show::Status(status));
    }

    /// How a game ended.
    pub fn finished(&mut self, instance: Instance, summary: Summary) {
        self.show(Show::Finished(instance, summary));
    }

    /// Where the picture comes from; `None`: there is none.
    pub fn ring(&mut self, ring: Option<OwnedFd>) {
        self.unsent_ring = Some(Show::Ring(ring));
        self.send_ring();
    }

    /// Something a person should know.
    pub fn note(&mut self, text: String) {
        self.show(Show::Note(text));
    }

    /// Something a person should look at, now: a terminal rings.
    pub fn alarm(&mut self, text: String) {
        self.show(Show::Alarm(text));
    }

    /// The terminal is about to be somebody else's.
    pub fn pause(&mut self) {
        let (done, paused) = sync_channel(1);
        self.show(Show::Pause(done));
        let _ = paused.recv_timeout(Duration::from_millis(END_MS));
    }

    /// The terminal is ours again.
    pub fn resume(&mut self) {
        self.show(Show::Resume);
    }

    /// Draws for the last time and leaves the terminal as it was.
    pub fn end(&mut self) {
        if let Some((sender, ends)) = self.thread.take() {
            drop(sender);
            let _ = ends.recv_timeout(Duration::from_millis(END_MS));
        }
    }

    fn show(&mut self, show: Show) {
        self.send_ring();
        if let Some((sender, _)) = &self.thread {
            let _ = sender.try_send(show);
        }
    }

    fn send_ring(&mut self) {
        if let (Some((sender, _)), Some(ring)) = (&self.thread, self.unsent_ring.take())
            && let Err(TrySendError::Full(ring)) = sender.try_send(ring)
        {
            self.unsent_ring = Some(ring);
        }
    }
}

/// Prints text; a reader that is gone (`agent | head`) is no reason to fail.
pub fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Whether anybody is still there to read the standard output.
pub fn is_heard() -> bool {
    let stdout = io::stdout();
    let mut outputs = [PollFd::new(&stdout, PollFlags::empty())];
    // Without patience this cannot be interrupted; what cannot be polled is heard.
    let _ = poll(&mut outputs, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    !outputs[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Tells a person how far long work has come; programs that read the output are not told.
pub fn progress(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Rings, where there is a terminal.
pub fn ring() {
    if io::stdout().is_terminal() {
        print("\x07");
    }
}

/// Says what went wrong, as one line; nobody listening is no reason to fail either.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_shown_on_a_terminal_with_colours_only() {
        assert_eq!(Mode::fitting(false, true, false), Mode::Live);
        assert_eq!(Mode::fitting(false, true, true), Mode::Plain);
        assert_eq!(Mode::fitting(false, false, false), Mode::Plain);
        assert_eq!(Mode::fitting(true, true, false), Mode::Quiet);
    }
}
