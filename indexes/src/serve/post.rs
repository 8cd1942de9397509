//! Tells of what happens: each event in the log, and what is out of the ordinary to the person at the terminal.

use crate::archive::lock;
use std::fs::File;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use wire::control::FromRole;
use wire::event::Event;
use wire::link::Link;
use wire::log::{Context, Log};

/// The name under which events stand in the log.
const ACTOR: &str = "silos";
/// Notes for a person in any second.
const NOTES_MAX: usize = 4;

/// The way to the log and to the terminal.
pub(super) struct Post {
    log: Log,
    parent: Link,
    noted: Mutex<Vec<Instant>>,
}

impl Post {
    pub(super) fn new(log: Log, parent: Link) -> Post {
        Post { log, parent, noted: Mutex::default() }
    }

    pub(super) fn tell(&self, event: Event) {
        if let Event::GenerationRefused { message, .. } = &event {
            self.note(format!("indexes: {message}; the experience store still has what it held"));
        }
        if let Err(error) = self.log.write(ACTOR, Context::default(), event) {
            tracing::debug!("an event of the silos is missing in the log: {error}");
        }
    }

    /// The log goes on in this file.
    pub(super) fn go_on_in(&self, file: File) {
        self.log.go_on_in(file);
    }

    pub(super) fn note(&self, note: String) {
        let mut noted = lock(&self.noted);
        noted.retain(|noted| noted.elapsed() < Duration::from_secs(1));
        if noted.len() < NOTES_MAX {
            noted.push(Instant::now());
            // A parent that is gone needs no notes.
            let _ = self.parent.send(&FromRole::Note { instance: None, text: note }, &[]);
        }
    }
}
