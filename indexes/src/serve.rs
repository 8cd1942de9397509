//! The role: one thread hears the parent and the recall actors, one for each game, and answers at once, or has others answer.
//!
//! Searches are answered by the threads that search, memories are kept by the writer, details are read by the fetcher, and
//! the keeper keeps silos in order; the thread that listens never waits for any of them, so signs of life pass through. A
//! folder that cannot be used is trouble that the recall actor is told of; the role lives on, and the game plays on.

use crate::archive::{Archive, ArchiveError, ArchiveOptions, OpenSpace, Report, lock};
use crate::keeper::Keeper;
use crate::kind::Kind;
use crate::pool::Searchers;
use peer::Peer;
use post::Post;
use rustix::event::{PollFd, PollFlags};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use wire::Instance;
use wire::control::{FromRole, StartIndexes, ToRole};
use wire::exit;
use wire::link::{Link, LinkError};
use wire::log::Log;
use wire::page::{ProgressPage, Stage};
use wire::recall::{Found, FromIndexes, Space, Standing, ToIndexes};
use wire::role::{RoleHandle, fail};
use writer::{Order, Writer};

mod peer;
mod post;
mod writer;

/// Told while a space is not ready.
const OPENING: &str = "the silos are being opened";
/// Told while no space is open.
const NOT_OPEN: &str = "no space is open";
/// Questions for details that wait at most.
const FETCHES_MAX: usize = 64;
/// At the end the keeper may take this long for the step that it is at.
const KEEPER_END: Duration = Duration::from_millis(500);

/// What the threads of the role share.
pub(crate) struct Desk {
    /// The folder; `None`: it cannot be used.
    archive: Option<Arc<Archive>>,
    /// Why the folder cannot be used, or not be written; empty: it can.
    trouble: String,
    open: Mutex<Open>,
}

/// Which space is open.
#[derive(Clone, Default)]
enum Open {
    #[default]
    Nothing,
    /// Its silos are being opened.
    Coming(Space),
    Ready(Arc<OpenSpace>),
    /// It cannot be opened.
    Failed(Space, String),
}

/// Serves the parent until it says `Stop` or is gone; returns the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartIndexes(start) = start else {
        return fail(&link, exit::PROTOCOL, "indexes: the parent did not say which folder to serve");
    };
    let version = match crate::self_test() {
        Ok(version) => version,
        Err(error) => return fail(&link, exit::SOFTWARE, format!("indexes: {error}")),
    };
    let log = match Log::open(&start.telemetry, "indexes") {
        Ok(log) => log,
        Err(error) => return fail(&link, exit::IO, format!("indexes: the log cannot be opened: {error}")),
    };
    let post = match link.try_clone() {
        Ok(parent) => Arc::new(Post::new(log, parent)),
        Err(error) => return fail(&link, exit::OS, format!("indexes: cannot start: {error}")),
    };
    let (desk, note) = open_folder(&start, &post);
    let detail = format!("FAISS {version}; {}", desk.describe(&start.folder));
    // Before it has said that it is ready, a role says nothing else.
    if link.send(&FromRole::Ready { address: None, cartridge: None, backend: None, detail }, &[]).is_err() {
        return exit::OK;
    }
    if let Some(note) = note {
        post.note(note);
    }
    match Reception::open(Arc::new(desk), post, page) {
        Ok(reception) => reception.serve(&link),
        Err(error) => fail(&link, exit::OS, format!("indexes: cannot start: {error}")),
    }
}

/// Opens the folder for writing where that is wanted and possible, else for reading, else not. Gives a note for the person
/// at the terminal where it is not as wanted.
fn open_folder(start: &StartIndexes, post: &Arc<Post>) -> (Desk, Option<String>) {
    let ear = post.clone();
    let options = ArchiveOptions {
        is_writable: start.is_writable,
        kind: Kind::named(&start.kind),
        capacity: start.capacity as usize,
        fold_at: start.fold_at as usize,
        report: Report::to(move |event| ear.tell(event)),
    };
    let read_only = ArchiveOptions { is_writable: false, ..options.clone() };
    let (archive, trouble) = match Archive::open(&start.folder, &options) {
        Ok(archive) => (Some(archive), String::new()),
        Err(error) if start.is_writable => match Archive::open(&start.folder, &read_only) {
            Ok(archive) => (Some(archive), error.to_string()),
            // The second error follows from the first.
            Err(_) => (None, error.to_string()),
        },
        Err(error) => (None, error.to_string()),
    };
    let what = if archive.is_some() { "nothing new is kept" } else { "there is no experience" };
    let note = Some(format!("indexes: {trouble}; {what}")).filter(|_| !trouble.is_empty());
    (Desk { archive: archive.map(Arc::new), trouble, open: Mutex::default() }, note)
}

impl Desk {
    fn describe(&self, folder: &Path) -> String {
        let folder = folder.display();
        match &self.archive {
            Some(archive) if archive.is_writable() => folder.to_string(),
            Some(_) if self.trouble.is_empty() => format!("{folder}, for reading"),
            _ => self.trouble.clone(),
        }
    }

    /// How the role stands.
    fn standing(&self) -> Standing {
        let open = lock(&self.open).clone();
        let is_writable = self.archive.as_ref().is_some_and(|archive| archive.is_writable());
        let standing = |space, trouble: String| {
            let trouble = [self.trouble.clone(), trouble].into_iter().find(|trouble| !trouble.is_empty());
            Standing { space, is_writable, trouble: trouble.unwrap_or_default(), ..Standing::default() }
        };
        match open {
            Open::Nothing => standing(Space::default(), NOT_OPEN.to_string()),
            Open::Coming(space) => standing(space, OPENING.to_string()),
            Open::Failed(space, trouble) => standing(space, trouble),
            Open::Ready(space) => {
                let trouble = self.archive.as_ref().map(|archive| archive.trouble()).unwrap_or_default();
                Standing { is_ready: true, memories: space.len(), ..standing(space.space.clone(), trouble) }
            }
        }
    }

    /// The open space, or why there is none.
    fn space(&self) -> Result<(&Arc<Archive>, Arc<OpenSpace>), String> {
        let Some(archive) = &self.archive else { return Err(self.trouble.clone()) };
        match lock(&self.open).clone() {
            Open::Ready(space) => Ok((archive, space)),
            Open::Coming(_) => Err(OPENING.to_string()),
            Open::Failed(_, trouble) => Err(trouble),
            Open::Nothing => Err(NOT_OPEN.to_string()),
        }
    }
}

/// The thread that listens.
struct Reception {
    desk: Arc<Desk>,
    post: Arc<Post>,
    page: ProgressPage,
    searchers: Arc<Searchers>,
    keeper: Option<Keeper>,
    writer: Writer,
    fetches: Sender<Fetch>,
    waiting_fetches: Arc<()>,
    /// The recall actors, one for each game.
    peers: BTreeMap<Instance, Arc<Peer>>,
    received: Vec<u8>,
}

/// A question for a detail. The last part counts those that wait.
struct Fetch {
    id: u64,
    memory: u64,
    peer: Arc<Peer>,
    _waiting: Arc<()>,
}

impl Reception {
    fn open(desk: Arc<Desk>, post: Arc<Post>, page: ProgressPage) -> io::Result<Reception> {
        let searchers = Arc::new(Searchers::start()?);
        let kept = desk.archive.clone().filter(|archive| archive.is_writable());
        let keeper = kept.map(Keeper::start).transpose()?;
        let writer = Writer::start(desk.clone(), post.clone(), searchers.clone())?;
        let (fetches, receiver) = channel();
        let fetcher = desk.clone();
        thread::Builder::new().name("fetch".to_string()).spawn(move || fetch(&fetcher, &receiver))?;
        let (waiting_fetches, received) = (Arc::default(), Vec::new());
        Ok(Reception {
            desk,
            post,
            page,
            searchers,
            keeper,
            writer,
            fetches,
            waiting_fetches,
            peers: BTreeMap::new(),
            received,
        })
    }

    fn serve(mut self, link: &Link) -> i32 {
        self.page.enter(Stage::Serving);
        let status = loop {
            let (from_parent, from_peers) = match self.wait(link) {
                Ok(ready) => ready,
                Err(error) => break fail(link, exit::OS, format!("indexes: cannot wait: {error}")),
            };
            // The actors' steps wait for their answers; the parent has time.
            for instance in from_peers {
                self.answer(instance);
            }
            if from_parent && !self.obey(link) {
                break exit::OK;
            }
        };
        self.page.enter(Stage::Stopping);
        self.end();
        status
    }

    /// Keeps what was taken. What is being folded is not waited for: it is done again another time.
    fn end(self) {
        if let Some(keeper) = &self.keeper {
            keeper.dismiss();
        }
        self.writer.finish();
        if let Some(keeper) = self.keeper {
            keeper.stop(KEEPER_END);
        }
    }

    /// Waits until the parent or an actor has something to say; gives whether the parent has, and the games of the actors.
    fn wait(&self, link: &Link) -> io::Result<(bool, Vec<Instance>)> {
        let mut sources = vec![PollFd::new(link, PollFlags::IN)];
        sources.extend(self.peers.values().map(|peer| PollFd::new(peer.link(), PollFlags::IN)));
        loop {
            match rustix::event::poll(&mut sources, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut ready = sources.iter().map(|source| !source.revents().is_empty());
        let from_parent = ready.next().unwrap_or(false);
        let from_peers = self.peers.keys().zip(ready).filter(|(_, is_ready)| *is_ready);
        Ok((from_parent, from_peers.map(|(instance, _)| *instance).collect()))
    }

    /// Does what the parent says; says whether the role goes on.
    fn obey(&mut self, link: &Link) -> bool {
        match link.receive::<ToRole>() {
            // Whatever ends the conversation ends the role: without its parent it has nobody to serve.
            Err(_) | Ok((ToRole::Stop, _)) => return false,
            Ok((ToRole::Connect { instance, .. }, mut descriptors)) => {
                self.let_go(instance);
                let peer = descriptors.pop().and_then(|socket| Peer::new(socket).ok());
                self.peers.extend(peer.map(|peer| (instance, Arc::new(peer))));
            }
            Ok((ToRole::LogMoved, mut descriptors)) => {
                if let Some(file) = descriptors.pop() {
                    self.post.go_on_in(file.into());
                }
            }
            Ok(_) => {}
        }
        self.page.advance();
        true
    }

    /// An actor is gone, or another one takes its place: nobody tells it anything any more.
    fn let_go(&mut self, instance: Instance) {
        if let Some(peer) = self.peers.remove(&instance) {
            peer.lose();
        }
    }

    /// Answers the recall actor of a game, or has it answered.
    fn answer(&mut self, instance: Instance) {
        let Some(peer) = self.peers.get(&instance).cloned() else { return };
        match peer.link().receive_into::<ToIndexes>(&mut self.received) {
            Ok((message, _)) => self.hear(&peer, message),
            Err(error) => {
                if !matches!(error, LinkError::Closed) {
                    tracing::warn!("the recall actor was let go: {error}");
                }
                // The parent brings the next one.
                self.let_go(instance);
            }
        }
        self.page.advance();
    }

    fn hear(&self, peer: &Arc<Peer>, message: ToIndexes) {
        match message {
            ToIndexes::Open(space) => self.open_space(peer, space),
            ToIndexes::Search(search) => match self.desk.space() {
                Ok((archive, space)) => {
                    let peer = peer.clone();
                    archive.search(&self.searchers, &space, search, move |found| peer.send_found(found));
                }
                Err(trouble) => peer.send_found(Found { id: search.id, trouble, ..Found::default() }),
            },
            ToIndexes::Remember { batch, memories } => {
                let refused = |reason| peer.send(&FromIndexes::Refused { batch, reason });
                if !self.desk.archive.as_ref().is_some_and(|archive| archive.is_writable()) {
                    let reason = Some(self.desk.trouble.clone()).filter(|trouble| !trouble.is_empty());
                    return refused(reason.unwrap_or_else(|| "nothing new is kept in this run".to_string()));
                }
                if !self.writer.take(peer, batch, memories) {
                    refused("the writer is behind; too many batches wait".to_string());
                }
            }
            ToIndexes::Fetch { id, memory } => {
                let _waiting = self.waiting_fetches.clone();
                let fetch = Fetch { id, memory, peer: peer.clone(), _waiting };
                if Arc::strong_count(&self.waiting_fetches) > FETCHES_MAX || self.fetches.send(fetch).is_err() {
                    peer.send(&FromIndexes::Fetched { id, detail: None });
                }
            }
        }
    }

    fn open_space(&self, peer: &Arc<Peer>, space: Space) {
        // One that is open stays so while the writer looks after it.
        let is_open = matches!(&*lock(&self.desk.open), Open::Ready(open) if open.space == space);
        if !is_open && self.desk.archive.is_some() {
            *lock(&self.desk.open) = Open::Coming(space.clone());
        } else if !is_open {
            *lock(&self.desk.open) = Open::Failed(space.clone(), self.desk.trouble.clone());
        }
        peer.send(&FromIndexes::Standing(self.desk.standing()));
        if self.desk.archive.is_some() {
            self.writer.order(Order::Open(peer.clone(), space));
        }
    }
}

/// Reads details for as long as somebody may ask.
fn fetch(desk: &Desk, fetches: &Receiver<Fetch>) {
    for Fetch { id, memory, peer, .. } in fetches {
        let detail = desk.archive.as_ref().map_or(Ok(None), |archive| archive.fetch(memory));
        let detail = detail.unwrap_or_else(|error: ArchiveError| {
            tracing::warn!("memory {memory} cannot be read: {error}");
            None
        });
        peer.send(&FromIndexes::Fetched { id, detail });
    }
}

#[cfg(test)]
mod tests;
