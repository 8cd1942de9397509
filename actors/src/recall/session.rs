//! The connection to the indexes role: which space is open there, how the role stands, and memories on their way to it.

use super::outbox::Outbox;
use crate::peer;
use crate::port::Port;
use crate::telemetry::{LostMemories, Telemetry, Trouble};
use std::io;
use std::sync::Arc;
use tokio::net::UnixDatagram;
use wire::control::FromRole;
use wire::link::Link;
use wire::recall::{NewMemory, Space, Standing, ToIndexes};

/// Memories that are worth a message before their time has come.
const BATCH_MIN: usize = 24;

/// Speaks with the role.
pub(super) struct Session {
    pub telemetry: Port<Telemetry>,
    link: Option<Arc<UnixDatagram>>,
    /// Counts the connections to the role.
    connection: u64,
    space: Option<Space>,
    /// Whether the role knows that.
    is_space_told: bool,
    standing: Option<Standing>,
    outbox: Outbox,
    /// What was said last to be wrong.
    trouble: String,
    /// Who tells a person.
    parent: Option<Arc<Link>>,
}

impl Session {
    pub fn new(telemetry: Port<Telemetry>, parent: Option<Arc<Link>>) -> Session {
        Session {
            telemetry,
            link: None,
            connection: 0,
            space: None,
            is_space_told: false,
            standing: None,
            outbox: Outbox::default(),
            trouble: String::new(),
            parent,
        }
    }

    /// Takes over a new connection; gives it with its number.
    pub fn connect(&mut self, link: Link) -> Option<(Arc<UnixDatagram>, u64)> {
        self.lose();
        match peer::open(link) {
            Ok(link) => {
                self.connection += 1;
                self.link = Some(link.clone());
                self.open();
                Some((link, self.connection))
            }
            Err(error) => {
                tracing::warn!("the indexes role cannot be heard: {error}");
                None
            }
        }
    }

    /// The connection is gone; what was under way is sent again over the next one, unless the role died of it before.
    pub fn lose(&mut self) {
        self.link = None;
        self.standing = None;
        self.is_space_told = false;
        let lost = self.outbox.lose();
        if lost > 0 {
            self.say_trouble(&format!(
                "{lost} memories are given up: the process of the silos died twice with them under way"
            ));
            self.count_lost(lost);
        }
    }

    pub fn is_current(&self, connection: u64) -> bool {
        self.link.is_some() && connection == self.connection
    }

    /// The space of what is embedded from now on.
    pub fn use_space(&mut self, space: Space) {
        self.space = Some(space);
        self.is_space_told = false;
        self.open();
    }

    /// Another game is played: what waits belongs to another space.
    pub fn leave_space(&mut self) {
        if self.space.take().is_some() {
            let lost = self.outbox.clear();
            self.count_lost(lost);
        }
        self.standing = None;
    }

    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    /// Has the space opened, unless that was said. A socket that is new or full is told later.
    pub fn open(&mut self) {
        if !self.is_space_told
            && let Some(space) = self.space.clone()
        {
            self.is_space_told = self.tell(&ToIndexes::Open(space));
        }
    }

    /// Why nothing can be asked now.
    pub fn reason_not_to_ask(&self) -> Option<String> {
        let Some(space) = &self.space else { return Some("nothing can be embedded".to_string()) };
        if self.link.is_none() {
            return Some("the process of the silos is not there".to_string());
        }
        match &self.standing {
            Some(standing) if standing.is_ready && standing.space == *space => None,
            _ => Some("the silos are being opened".to_string()),
        }
    }

    /// Tells the role something; `false` when it cannot be told now.
    pub fn tell(&mut self, message: &ToIndexes) -> bool {
        let sent = self.send(message);
        if let Err(error) = &sent {
            self.heed(error);
        }
        sent.is_ok()
    }

    fn send(&self, message: &ToIndexes) -> io::Result<()> {
        match &self.link {
            Some(link) => peer::send(link, message),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// A full socket empties again; one that is broken is noticed by its reader, too.
    fn heed(&mut self, error: &io::Error) {
        tracing::debug!("the indexes role is not told: {error}");
        if error.kind() != io::ErrorKind::WouldBlock {
            self.lose();
        }
    }

    /// How the role stands now. `is_recorded`: memories are to be kept.
    pub fn hear_standing(&mut self, standing: Standing, is_recorded: bool) {
        // Until it is ready it says what it is about, and that is no trouble.
        if standing.is_ready && !standing.is_writable && is_recorded {
            self.say("memories not kept", &standing.trouble);
        } else if standing.is_ready && !standing.trouble.is_empty() {
            self.say_trouble(&standing.trouble);
        }
        self.standing = Some(standing);
    }

    /// Says once what is wrong.
    pub fn say_trouble(&mut self, trouble: &str) {
        self.say("experience", trouble);
    }

    fn say(&mut self, alert: &str, trouble: &str) {
        if self.trouble == trouble {
            return;
        }
        self.trouble = trouble.to_string();
        self.telemetry.tell(Trouble { alert: alert.to_string(), detail: trouble.to_string() });
        if let Some(parent) = &self.parent {
            // A parent that is gone takes this process with it.
            let _ = parent.send(&FromRole::Note { instance: None, text: format!("{alert}: {trouble}") }, &[]);
        }
    }

    /// Memories that are to be kept.
    pub fn keep(&mut self, memories: Vec<NewMemory>) {
        let lost = match self.is_writable() {
            true => self.outbox.push(memories),
            false => memories.len() as u64,
        };
        self.count_lost(lost);
    }

    /// Sends the next batch, if the role can take one, and it is worth it or nothing more is to be waited for.
    pub fn send_memories(&mut self, is_all: bool) {
        let is_open = self.standing.as_ref().is_some_and(|standing| Some(&standing.space) == self.space.as_ref());
        if self.link.is_none() || !is_open || !(is_all || self.outbox.len() >= BATCH_MIN) {
            return;
        }
        if !self.is_writable() {
            let lost = self.outbox.clear();
            return self.count_lost(lost);
        }
        let Some((batch, memories)) = self.outbox.next() else { return };
        if let Err(error) = self.send(&ToIndexes::Remember { batch, memories }) {
            // Of what never went out the role cannot have died.
            self.outbox.take_back();
            self.heed(&error);
        }
    }

    /// A batch is kept; the role says so in the log itself.
    pub fn hear_kept(&mut self, batch: u64) {
        self.outbox.settle(batch);
    }

    pub fn hear_refused(&mut self, batch: u64, reason: &str) {
        if self.outbox.settle(batch) {
            self.say_trouble(&format!("memories were not kept: {reason}"));
        }
    }

    /// Whether nothing more can be done for what was gathered.
    pub fn is_done(&self) -> bool {
        self.outbox.len() == 0 || self.link.is_none()
    }

    fn is_writable(&self) -> bool {
        self.standing.as_ref().is_none_or(|standing| standing.is_writable || !standing.is_ready)
    }

    /// Counts memories that never came to the role.
    fn count_lost(&self, memories: u64) {
        if memories > 0 {
            self.telemetry.tell(LostMemories(memories));
        }
    }
}
