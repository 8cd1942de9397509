//! The role: one thread plays and speaks with the parent and the pilot; another keeps the skills as their folder has them.
//!
//! The playing thread waits for everything at once, so signs of life pass through it, and a script that hangs is seen.
//! Skills change between two turns and never within one.

use crate::shelf::{Change, Checks, Refreshed, Shelf};
use crate::skill::Library;
use crate::stage::Stage;
use crate::watch::{Noticed, Watch};
use post::Post;
use rustix::event::{EventfdFlags, PollFd, PollFlags};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::Instance;
use wire::control::{FromRole, StartSkills, ToRole};
use wire::exit;
use wire::link::{Link, LinkError};
use wire::log::Log;
use wire::page::{ProgressPage, Stage as RoleStage};
use wire::role::{RoleHandle, fail};
use wire::skill::{FromSkills, Remembered, ToSkills, Turn, Turned};

mod parts;
mod post;

/// A pilot that takes this long to read is given up.
const SEND_MAX: Duration = Duration::from_secs(1);

/// Plays skills.
pub(crate) trait Play {
    /// These are the skills from now on.
    fn use_library(&mut self, library: Arc<Library>);
    /// A game begins.
    fn begin(&mut self, instance: Instance, memories: Vec<(String, Remembered)>);
    /// Somebody may act.
    fn turn(&mut self, turn: Turn) -> Turned;
}

impl Play for Stage {
    fn use_library(&mut self, library: Arc<Library>) {
        Stage::use_library(self, library);
    }

    fn begin(&mut self, instance: Instance, memories: Vec<(String, Remembered)>) {
        Stage::begin(self, instance, memories);
    }

    fn turn(&mut self, turn: Turn) -> Turned {
        Stage::turn(self, turn)
    }
}

/// What the role is made of.
pub(crate) struct Parts<P> {
    /// How scripts are checked.
    pub checks: Checks,
    /// Gives up what the role does not need, for this folder; says what is in force.
    pub confine: fn(&Path) -> Vec<String>,
    /// Plays.
    pub play: fn() -> P,
}

/// From the thread that keeps the skills.
enum News {
    /// Use these skills; answer when they are in use.
    Library(Arc<Library>, SyncSender<Instant>),
    /// The folder of skills is another one.
    Replaced,
}

/// The way of news to the playing thread.
struct Desk {
    news: Sender<News>,
    bell: OwnedFd,
}

/// Serves the parent until it says `Stop` or is gone; returns the exit status.
pub(crate) fn serve<P: Play>(handle: RoleHandle, parts: Parts<P>) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartSkills(StartSkills { folder, telemetry }) = start else {
        return fail(&link, exit::PROTOCOL, "skills: the parent did not say which folder to serve");
    };
    let begin = Instant::now();
    let log = match Log::open(&telemetry, "skills") {
        Ok(log) => Arc::new(log),
        Err(error) => return fail(&link, exit::IO, format!("skills: the log cannot be opened: {error}")),
    };
    // The watcher's thread comes after, so that it is bound as well.
    let confinement = (parts.confine)(&folder);
    let watch = Watch::open(&folder);
    let mut shelf = Shelf::new(&folder, parts.checks);
    let first = shelf.refresh(&BTreeSet::new());
    let detail = describe(&shelf, &folder, &watch, &first, &confinement);
    let play = (parts.play)();
    let (library, log_of_player) = (Arc::default(), log.clone());
    let mut player = Player { play, library, pilot: None, page, log: log_of_player, received: Vec::new() };
    player.use_library(first.library.clone());
    // The log has every skill before anybody can play by one.
    let took = begin.elapsed();
    post::record(&log, &first.changes, took);
    // Before it has said that it is ready, a role says nothing else to its parent.
    if link.send(&FromRole::Ready { address: None, cartridge: None, backend: None, detail }, &[]).is_err() {
        return exit::OK;
    }
    match start_loader(&link, shelf, watch, log, first, took) {
        Ok(ears) => player.serve(&link, &ears),
        Err(error) => fail(&link, exit::OS, format!("skills: cannot start: {error}")),
    }
}

/// Where the playing thread hears news.
struct Ears {
    news: Receiver<News>,
    bell: OwnedFd,
}

fn start_loader(
    link: &Link,
    shelf: Shelf,
    watch: Watch,
    log: Arc<Log>,
    first: Refreshed,
    took: Duration,
) -> io::Result<Ears> {
    let mut post = Post::new(log, link.try_clone()?);
    let bell = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let (sender, news) = channel();
    let desk = Desk { news: sender, bell: bell.try_clone()? };
    let keep = move || {
        post.tell(&first.changes, took, post::Occasion::Start);
        keep_up(shelf, watch, &desk, &mut post, first.is_racy);
    };
    thread::Builder::new().name("loader".to_string()).spawn(keep)?;
    Ok(Ears { news, bell })
}

/// Keeps the skills as their folder has them, for as long as the role lives.
fn keep_up(mut shelf: Shelf, mut watch: Watch, desk: &Desk, post: &mut Post, mut is_racy: bool) {
    loop {
        let (named, since) = match watch.wait(is_racy) {
            Noticed::Change { named, since } => (named, since),
            Noticed::Replaced => {
                desk.put(News::Replaced);
                return;
            }
        };
        let generation = shelf.library().generation;
        let refreshed = shelf.refresh(&named);
        is_racy = refreshed.is_racy;
        if refreshed.library.generation != generation {
            let (used, in_use) = sync_channel(1);
            if !desk.put(News::Library(refreshed.library, used)) || in_use.recv().is_err() {
                return;
            }
        }
        post.report(&refreshed.changes, since.elapsed());
    }
}

impl Desk {
    /// Puts news where the playing thread finds them; says whether it is still there.
    fn put(&self, news: News) -> bool {
        self.news.send(news).is_ok() && rustix::io::write(&self.bell, &1u64.to_ne_bytes()).is_ok()
    }
}

/// The playing thread.
struct Player<P> {
    play: P,
    library: Arc<Library>,
    pilot: Option<Link>,
    page: ProgressPage,
    log: Arc<Log>,
    received: Vec<u8>,
}

impl<P: Play> Player<P> {
    fn serve(&mut self, link: &Link, ears: &Ears) -> i32 {
        self.page.enter(RoleStage::Serving);
        let status = loop {
            let [from_parent, from_loader, from_pilot] = match self.wait(link, ears) {
                Ok(ready) => ready,
                Err(error) => break fail(link, exit::OS, format!("skills: cannot wait: {error}")),
            };
            if from_loader && self.hear(ears) {
                break exit::UNFINISHED;
            }
            // The pilot waits for its answer; the parent has time.
            if from_pilot {
                self.answer();
            }
            if from_parent && !self.obey(link) {
                break exit::OK;
            }
        };
        self.page.enter(RoleStage::Stopping);
        status
    }

    /// Waits until somebody has something to say: the parent, the loader, the pilot.
    fn wait(&self, link: &Link, ears: &Ears) -> io::Result<[bool; 3]> {
        let mut sources = vec![PollFd::new(link, PollFlags::IN), PollFd::new(&ears.bell, PollFlags::IN)];
        sources.extend(self.pilot.as_ref().map(|pilot| PollFd::new(pilot, PollFlags::IN)));
        loop {
            match rustix::event::poll(&mut sources, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let ready = |index: usize| sources.get(index).is_some_and(|source| !source.revents().is_empty());
        Ok([ready(0), ready(1), ready(2)])
    }

    /// Takes the loader's news; says whether the role is to end because of them.
    fn hear(&mut self, ears: &Ears) -> bool {
        let mut count = [0; 8];
        // A bell that was not rung has nothing to read.
        let _ = rustix::io::read(&ears.bell, &mut count);
        for news in ears.news.try_iter() {
            match news {
                News::Library(library, used) => {
                    self.use_library(library);
                    let _ = used.send(Instant::now());
                    self.send_shelf();
                }
                News::Replaced => return true,
            }
        }
        false
    }

    fn use_library(&mut self, library: Arc<Library>) {
        self.play.use_library(library.clone());
        self.library = library;
    }

    /// Does what the parent says; says whether the role goes on.
    fn obey(&mut self, link: &Link) -> bool {
        match link.receive::<ToRole>() {
            // Whatever ends the conversation ends the role: without its parent it has nobody to serve.
            Err(_) | Ok((ToRole::Stop, _)) => return false,
            Ok((ToRole::Connect { .. }, mut descriptors)) => {
                self.pilot = descriptors.pop().and_then(|socket| pilot(socket).ok());
                self.send_shelf();
            }
            Ok((ToRole::LogMoved, mut descriptors)) => {
                if let Some(file) = descriptors.pop() {
                    self.log.go_on_in(file.into());
                }
            }
            Ok(_) => {}
        }
        self.page.advance();
        true
    }

    /// Answers the pilot.
    fn answer(&mut self) {
        let Some(pilot) = &self.pilot else { return };
        let sent = match pilot.receive_into::<ToSkills>(&mut self.received) {
            Ok((ToSkills::Begin { instance, memories }, _)) => {
                self.play.begin(instance, memories);
                Ok(())
            }
            Ok((ToSkills::Turn(turn), _)) => {
                self.page.set_in_flight(turn.id);
                let turned = self.play.turn(*turn);
                let sent = parts::send_turned(pilot, turned);
                self.page.set_in_flight(0);
                sent
            }
            Err(error) => Err(error),
        };
        self.page.advance();
        self.keep_if(sent);
    }

    fn send_shelf(&mut self) {
        let Some(pilot) = &self.pilot else { return };
        let sent = parts::of_shelf(&self.library).iter().try_for_each(|part: &FromSkills| pilot.send(part, &[]));
        self.keep_if(sent);
    }

    /// Lets go of a pilot that is gone, does not listen or makes no sense; the parent brings the next one.
    fn keep_if(&mut self, sent: Result<(), LinkError>) {
        if let Err(error) = sent {
            if !matches!(error, LinkError::Closed) {
                tracing::warn!("the pilot was let go: {error}");
            }
            self.pilot = None;
        }
    }
}

fn pilot(socket: OwnedFd) -> io::Result<Link> {
    rustix::net::sockopt::set_socket_timeout(socket.as_fd(), rustix::net::sockopt::Timeout::Send, Some(SEND_MAX))?;
    Ok(Link::from_descriptor(socket))
}

fn describe(shelf: &Shelf, folder: &Path, watch: &Watch, first: &Refreshed, confinement: &[String]) -> String {
    let rejected = first.changes.iter().filter(|change| matches!(change, Change::Rejected { .. })).count();
    let mut text = format!("{} skills", first.library.skills.len());
    if shelf.core_folder().is_none() {
        text.push_str(", the core ones built in");
    }
    if rejected > 0 {
        text.push_str(&format!(", {rejected} rejected"));
    }
    text.push_str(&format!("; {}: {}", folder.display(), watch.describe()));
    for measure in confinement {
        text.push_str("; ");
        text.push_str(measure);
    }
    text
}

#[cfg(test)]
mod tests;
