//! One conversation with the script after the other: found, greeted, kept, broken off, found again.

use super::link::{self, Link};
use super::message::{self, Frame, FromScript, Game, ToScript};
use crate::backend::BackendError;
use crate::private_folder::PrivateFolder;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wire::emulator::Cartridge;
use wire::memory::Region;

/// For how long the script may leave the game waiting for an answer to a frame, in milliseconds; a frame lasts 16.7.
const STALL_MS: u8 = 9;
/// The wait before a lost window is looked for; it doubles with each try.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// Messages that may wait while a reply is waited for. The script sends no more than four frames ahead.
const WAITING_MAX: usize = 16;
/// First bytes of a state.
const STATE_MAGIC: &[u8] = b"PKPT-mgba-1 ";

/// What came next.
pub(super) enum Next {
    /// A message that no request asked for.
    Message(FromScript),
    /// The window was found again.
    Found(Game),
    /// Nothing, and why as far as is known.
    Nothing(String),
}

/// A conversation, or the search for one.
#[derive(Debug)]
pub(super) struct Session {
    addresses: Vec<SocketAddr>,
    token: String,
    folder: PrivateFolder,
    link: Option<Link>,
    /// Whether the script has answered the greeting of this link.
    is_greeted: bool,
    /// Messages that came while a reply was waited for.
    waiting: VecDeque<FromScript>,
    next_id: u32,
    /// The frame after which the game was last let go on.
    released: u32,
    retry_wait: Duration,
    retry_at: Instant,
    /// Why there is no link.
    cause: String,
}

impl Session {
    pub(super) fn new(address: &str, token: &str) -> Result<Session, BackendError> {
        let addresses = link::addresses(address).map_err(BackendError::NoWindow)?;
        Ok(Session {
            addresses,
            token: token.to_string(),
            folder: greeting_folder()?,
            link: None,
            is_greeted: false,
            waiting: VecDeque::new(),
            next_id: 0,
            released: 0,
            retry_wait: RETRY_FIRST,
            retry_at: Instant::now(),
            cause: String::new(),
        })
    }

    /// Looks for the window for the first time.
    pub(super) fn greet(&mut self, patience: Duration) -> Result<Game, BackendError> {
        let mut problem = BackendError::NoWindow(self.nobody());
        for address in self.addresses.clone() {
            let Ok(link) = Link::open(address) else { continue };
            self.adopt(link);
            match self.welcome(Instant::now() + patience) {
                Ok(Some(game)) => return Ok(game),
                Ok(None) => problem = BackendError::Silent(self.why()),
                Err(why) => problem = BackendError::Denied(format!("mGBA's script at {address}: {why}")),
            }
            self.link = None;
        }
        Err(problem)
    }

    /// Where the window is that answers.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.link.as_ref().filter(|_| self.is_greeted).map(|link| link.address)
    }

    /// Asks for every frame with the memory of these regions.
    pub(super) fn watch(&mut self, regions: &[Region]) -> Result<(), BackendError> {
        self.request(ToScript::Watch { picture: true, stall_ms: STALL_MS, regions }, super::ANSWER_MAX).map(drop)
    }

    /// Reads memory.
    pub(super) fn read(&mut self, region: Region, patience: Duration) -> Result<Vec<u8>, BackendError> {
        let bytes = self.request(ToScript::Read(region), patience)?;
        if bytes.len() == region.length as usize {
            return Ok(bytes);
        }
        self.break_off(format!("{} bytes of memory came where {} were asked for", bytes.len(), region.length));
        Err(BackendError::Silent(self.why()))
    }

    /// Sends a request and waits for its reply; what else comes meanwhile waits for [`Session::next`].
    pub(super) fn request(&mut self, request: ToScript<'_>, patience: Duration) -> Result<Vec<u8>, BackendError> {
        if self.link.is_none() || !self.is_greeted {
            return Err(BackendError::Silent(self.why()));
        }
        let deadline = Instant::now() + patience;
        self.next_id = self.next_id.wrapping_add(1);
        let id = self.next_id;
        match self.try_request(request, id, deadline) {
            Ok(Some(answer)) => answer.map_err(|why| {
                tracing::warn!(why, "mGBA's script refused");
                BackendError::Unsupported("do that now")
            }),
            Ok(None) => {
                self.break_off("the window answers nothing; is mGBA paused?".to_string());
                Err(BackendError::Silent(self.why()))
            }
            Err(why) => {
                self.break_off(why);
                Err(BackendError::Silent(self.why()))
            }
        }
    }

    fn try_request(
        &mut self,
        request: ToScript<'_>,
        id: u32,
        deadline: Instant,
    ) -> Result<Option<Result<Vec<u8>, String>>, String> {
        let Some(link) = &mut self.link else { return Ok(None) };
        link.send(&request.encode(id))?;
        loop {
            match link.next(deadline)? {
                Some(FromScript::Reply { id: answered, answer }) if answered == id => return Ok(Some(answer)),
                Some(FromScript::Reply { .. }) => return Err("it answered what was not asked".to_string()),
                Some(FromScript::Farewell(why)) => return Err(why),
                Some(other) if self.waiting.len() < WAITING_MAX => self.waiting.push_back(other),
                Some(_) => return Err("it sends more than was asked for".to_string()),
                None => return Ok(None),
            }
        }
    }

    /// Lets the game go on after the frame of this number, and waits for what comes.
    pub(super) fn next(&mut self, shown: u32, deadline: Instant) -> Next {
        if let Some(message) = self.waiting.pop_front() {
            return Next::Message(message);
        }
        let happened =
            if self.link.is_some() && self.is_greeted { self.listen(shown, deadline) } else { self.search(deadline) };
        match happened {
            Ok(Some(next)) => next,
            Ok(None) => {
                // Whoever waits does so at most until the deadline, whether there is somebody to listen to or not.
                std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
                Next::Nothing(self.why())
            }
            Err(why) => {
                self.break_off(why);
                Next::Nothing(self.why())
            }
        }
    }

    /// Frames that wait.
    pub(super) fn drain(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        for message in std::mem::take(&mut self.waiting) {
            match message {
                FromScript::Frame(frame) => frames.push(frame),
                other => self.waiting.push_back(other),
            }
        }
        frames
    }

    /// Ends the connection; another is made.
    pub(super) fn break_off(&mut self, why: String) {
        tracing::warn!(why, "the connection to mGBA is given up");
        self.link = None;
        self.is_greeted = false;
        self.waiting.clear();
        self.released = 0;
        self.cause = why;
        self.retry_at = Instant::now() + self.retry_wait;
    }

    /// Why there is no frame, as far as is known, and what to do.
    pub(super) fn why(&self) -> String {
        match &self.link {
            Some(link) => {
                format!("mGBA at {} shows no frame: is it paused, or its script stopped?", link.address)
            }
            None if self.cause.is_empty() => self.nobody(),
            None => format!("{}; {}", self.cause, self.nobody()),
        }
    }

    fn nobody(&self) -> String {
        let first = self.addresses.first().map(ToString::to_string).unwrap_or_default();
        format!(
            "no mGBA window with PocketPilot's script answers at {first} or the nine ports after it: open the game in \
             mGBA and load emulator-bridge/mgba/pocketpilot.lua in Tools > Scripting"
        )
    }

    fn adopt(&mut self, mut link: Link) {
        self.next_id = self.next_id.wrapping_add(1);
        let folder = self.folder.path.to_string_lossy();
        let hello = ToScript::Hello { token: &self.token, folder: &folder, nonce: &self.folder.nonce };
        self.is_greeted = false;
        self.waiting.clear();
        self.released = 0;
        // A link that cannot be sent on is found out by listening to it.
        let _ = link.send(&hello.encode(self.next_id));
        self.link = Some(link);
    }

    fn welcome(&mut self, deadline: Instant) -> Result<Option<Game>, String> {
        let Some(link) = &mut self.link else { return Ok(None) };
        match link.next(deadline)? {
            Some(FromScript::Welcome { game, .. }) => {
                self.is_greeted = true;
                self.retry_wait = RETRY_FIRST;
                Ok(Some(game))
            }
            Some(FromScript::Farewell(why)) => Err(why),
            Some(_) => Err("it sends what the script does not send".to_string()),
            None => Ok(None),
        }
    }

    fn listen(&mut self, shown: u32, deadline: Instant) -> Result<Option<Next>, String> {
        let Some(link) = &mut self.link else { return Ok(None) };
        if shown != self.released {
            link.send(&message::go())?;
            self.released = shown;
        }
        match link.next(deadline)? {
            Some(FromScript::Farewell(why)) => Err(why),
            Some(message) => Ok(Some(Next::Message(message))),
            None => Ok(None),
        }
    }

    /// One more try to find the window. A link that was accepted but not answered is kept: a paused window answers when it
    /// goes on.
    fn search(&mut self, deadline: Instant) -> Result<Option<Next>, String> {
        if self.link.is_none() && Instant::now() >= self.retry_at {
            self.retry_wait = (self.retry_wait * 2).min(RETRY_LONGEST);
            self.retry_at = Instant::now() + self.retry_wait;
            let found = self.addresses.iter().find_map(|address| Link::open(*address).ok());
            if let Some(link) = found {
                self.adopt(link);
            }
        }
        let pause = self.retry_at.min(deadline);
        if self.link.is_none() {
            std::thread::sleep(pause.saturating_duration_since(Instant::now()));
            return Ok((Instant::now() < deadline).then(|| Next::Nothing(self.why())));
        }
        Ok(self.welcome(deadline)?.map(Next::Found))
    }
}

/// A state together with the ROM it is of.
pub(super) fn pack_state(cartridge: &Cartridge, state: &[u8]) -> Vec<u8> {
    use sha1::Digest as _;
    let mut bytes = owner(cartridge);
    bytes.extend(sha1::Sha1::digest(state));
    bytes.extend(state);
    bytes
}

/// The state in what [`pack_state`] made of it.
pub(super) fn unpack_state<'a>(cartridge: &Cartridge, bytes: &'a [u8]) -> Result<&'a [u8], BackendError> {
    use sha1::Digest as _;
    let bad = |why: &str| BackendError::BadState(why.to_string());
    if !bytes.starts_with(STATE_MAGIC) {
        return Err(bad("it is none of a live mGBA window"));
    }
    let rest = bytes.strip_prefix(owner(cartridge).as_slice()).ok_or_else(|| bad("it is of another game"))?;
    let (digest, state) = rest.split_at_checked(20).ok_or_else(|| bad("it ends early"))?;
    if sha1::Sha1::digest(state).as_slice() == digest { Ok(state) } else { Err(bad("it is damaged")) }
}

fn owner(cartridge: &Cartridge) -> Vec<u8> {
    let rom = cartridge.sha1.as_deref().unwrap_or(&cartridge.code);
    [STATE_MAGIC, rom.as_bytes(), b"\n"].concat()
}

/// The folder through which pictures come when the window is on this machine. By the file `hello` in it the script sees
/// that it is the same folder.
fn greeting_folder() -> Result<PrivateFolder, BackendError> {
    let folder = PrivateFolder::create()?;
    let hello = folder.path.join("hello");
    std::fs::write(&hello, &folder.nonce)
        .map_err(|error| BackendError::Folder { path: hello, reason: error.to_string() })?;
    Ok(folder)
}
