//! The `mgba-http` backend: somebody's open mGBA window, in which the script of mGBA-http runs unchanged.
//!
//! The script answers requests in text, one a frame, and says nothing by itself. So the frame's number is asked for again
//! and again; while somebody looks at memory, all of a frame is fetched instead, in a file that mGBA writes ([`sight`]),
//! or, where its files cannot be read here, the few places that are looked at. Invariants: never is more than one request
//! unanswered; an answer of any form but the one that was due ends the connection, and so does silence, so that no late
//! answer is ever taken for another one's; every key is released again. Deliberately absent: loading save states, since
//! the script cannot say whether one was restored, and keys held to the exact frame, since it hears of them between
//! frames.

mod approach;
mod hold;
mod link;
mod memory;
mod request;
mod search;
mod session;
mod sight;
mod watch;

use crate::backend::{Awaited, BackendError, EmulatorBackend, Holding, Introduction};
use crate::screenshot::{self, Screenshot};
use approach::Game;
use memory::{EWRAM, IWRAM, covers};
use request::{Answer, Request};
use session::Session;
use std::cell::RefCell;
use std::time::{Duration, Instant};
use wire::buttons::Mask;
use wire::emulator::{Capabilities, Cartridge};
use wire::memory::Region;
use wire::ring::Picture;

/// How long the window may take to answer a request. It answers once a frame, so only a paused one takes longer.
const ANSWER_MAX: Duration = Duration::from_secs(1);
const FRAME_RATE_MICRO: u64 = 59_727_500;
const WIDTH: u32 = 240;
const HEIGHT: u32 = 160;
/// What each snapshot holds.
const REGIONS: [Region; 2] = [EWRAM, IWRAM];
/// Bytes in one list. A longer answer could be cut short where the socket's buffer is small.
const LIST_BYTES: u32 = 8 << 10;
/// How often memory is read as text anew that changed meanwhile where somebody looks.
const READS_MAX: usize = 3;
/// The most bytes of one write, since each is a request of its own, and takes a frame.
const WRITE_BYTES_MAX: usize = 64;

/// Finds a window with the script. `address` is `HOST:PORT`; that port and the nine after it are tried.
pub fn open(address: &str) -> Result<Box<dyn EmulatorBackend>, BackendError> {
    open_within(address, ANSWER_MAX)
}

/// Like [`open`], for a window that answers each request within `answer_max` or is taken for silent.
pub fn open_within(address: &str, answer_max: Duration) -> Result<Box<dyn EmulatorBackend>, BackendError> {
    let session = Session::open(address, answer_max)?;
    let mut backend = MgbaHttp {
        introduction: introduction(&session.game),
        needed: Vec::new(),
        memory: REGIONS.map(|region| vec![0; region.length as usize]),
        picture: Screenshot::black(WIDTH, HEIGHT),
        has_warned: false,
        session: RefCell::new(session),
    };
    backend.refresh()?;
    backend.introduction.capabilities.picture = !backend.has_warned;
    Ok(Box::new(backend))
}

struct MgbaHttp {
    introduction: Introduction,
    /// The memory that is looked at, as far as it lies in the regions.
    needed: Vec<Region>,
    /// The regions' bytes.
    memory: [Vec<u8>; 2],
    picture: Screenshot,
    /// Whether was said that no picture comes.
    has_warned: bool,
    /// Reading is asking, and reading takes `&self`.
    session: RefCell<Session>,
}

impl MgbaHttp {
    /// Takes memory and picture from a sight; `false` where none can be had.
    fn refresh_from_sight(&mut self) -> Result<bool, BackendError> {
        let Some(sight) = self.session.get_mut().sight()? else { return Ok(false) };
        for (region, bytes) in REGIONS.into_iter().zip(&mut self.memory) {
            if let Some(found) = sight.find(region) {
                bytes.copy_from_slice(found);
            }
        }
        let picture = sight.picture();
        self.show(picture);
        Ok(true)
    }

    /// Reads what is needed as text, until what is watched is the same before and after, and the picture.
    fn refresh_from_text(&mut self) -> Result<(), BackendError> {
        let session = self.session.get_mut();
        let lists = lists(&self.needed);
        let watched: Vec<Request> = session.watch.regions().into_iter().map(Request::Range).collect();
        let mut path = None;
        for read in 1..=READS_MAX {
            path = session.sights.as_mut().map(|sights| sights.fresh());
            let mut batch = watched.clone();
            batch.extend(lists.iter().copied().map(Request::Range));
            batch.extend(path.clone().map(Request::Screenshot));
            batch.extend(watched.clone());
            let answers = session.ask(batch)?;
            let (before, rest) = answers.split_at(watched.len());
            let (read_lists, rest) = rest.split_at(lists.len());
            let after = &rest[usize::from(path.is_some())..];
            for (list, answer) in lists.iter().zip(read_lists) {
                let Answer::Bytes(bytes) = answer else { continue };
                for (region, target) in REGIONS.into_iter().zip(&mut self.memory) {
                    if covers(&region, list.address, bytes.len()) {
                        let start = (list.address - region.address) as usize;
                        target[start..start + bytes.len()].copy_from_slice(bytes);
                    }
                }
            }
            if before == after || read == READS_MAX {
                break;
            }
        }
        let picture = match (&session.sights, path) {
            (Some(sights), Some(path)) => sights.take_picture(&path),
            _ => Err("there is no folder for it".to_string()),
        };
        self.show(picture);
        Ok(())
    }

    fn show(&mut self, picture: Result<Screenshot, String>) {
        let fits = |picture: &Screenshot| (picture.width, picture.height) == (WIDTH, HEIGHT);
        self.picture = match picture {
            Ok(picture) if fits(&picture) => picture,
            other => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    let why = other.err().unwrap_or_else(|| "it has another size than the console's".to_string());
                    tracing::warn!(why, "no picture comes from mGBA, and it stays black");
                }
                Screenshot::black(WIDTH, HEIGHT)
            }
        };
    }
}

impl EmulatorBackend for MgbaHttp {
    fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    fn hold(&mut self, keys: &[Mask]) -> Result<u32, BackendError> {
        self.session.get_mut().hold(keys)
    }

    fn holding(&self) -> Holding {
        self.session.borrow().holding()
    }

    fn await_frame(&mut self, patience: Duration) -> Result<Awaited, BackendError> {
        let session = self.session.get_mut();
        let awaited = session.await_frame(Instant::now() + patience);
        if let Awaited::Changed(_) = awaited {
            let picture = self.introduction.capabilities.picture;
            self.introduction = introduction(&session.game);
            self.introduction.capabilities.picture = picture;
        }
        Ok(awaited)
    }

    fn need(&mut self, regions: &[Region]) {
        let is_kept =
            |region: &&Region| REGIONS.iter().any(|kept| covers(kept, region.address, region.length as usize));
        self.needed = regions.iter().filter(is_kept).copied().collect();
    }

    fn refresh(&mut self) -> Result<u32, BackendError> {
        if !self.refresh_from_sight()? {
            self.refresh_from_text()?;
        }
        Ok(self.session.get_mut().take_passed())
    }

    fn picture(&self) -> Picture<'_> {
        let Screenshot { width, height, pixels } = &self.picture;
        let format = screenshot::FORMAT;
        Picture { pixels, pitch: *width as usize * format.bytes(), width: *width, height: *height, format }
    }

    fn region_bytes(&self, index: usize) -> &[u8] {
        &self.memory[index]
    }

    fn read(&self, address: u32, target: &mut [u8]) -> Result<(), BackendError> {
        let mut session = self.session.borrow_mut();
        if !memory::is_readable(&session.game, address, target.len()) {
            return Err(BackendError::Unmapped { address });
        }
        let wanted = Region { address, length: target.len() as u32 };
        let is_kept = REGIONS.iter().any(|region| covers(region, address, target.len()));
        if let Some(bytes) = if is_kept { session.sight()?.and_then(|sight| sight.find(wanted)) } else { None } {
            target.copy_from_slice(bytes);
        } else if target.len() > watch::WATCHED_BYTES_MAX {
            let lists = lists(&[wanted]).into_iter().map(Request::Range).collect();
            for (part, answer) in target.chunks_mut(LIST_BYTES as usize).zip(session.ask(lists)?) {
                if let Answer::Bytes(bytes) = answer {
                    part.copy_from_slice(&bytes);
                }
            }
        } else if !target.is_empty() {
            let bytes = session.place(wanted)?.ok_or(BackendError::Unmapped { address })?;
            target.copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), BackendError> {
        if !memory::is_writable(address, bytes.len()) {
            return Err(BackendError::Unmapped { address });
        }
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(BackendError::Unsupported("write more than 64 bytes of memory at once"));
        }
        let session = self.session.get_mut();
        let written = bytes.iter().zip(address..).map(|(byte, address)| Request::WriteByte(address, *byte));
        let read_back = Request::Range(Region { address, length: bytes.len() as u32 });
        let answers = session.ask(written.chain([read_back]).collect())?;
        session.outdate();
        // Success is also what the script says when nothing was done.
        let is_written = matches!(answers.last(), Some(Answer::Bytes(found)) if found == bytes);
        if is_written { Ok(()) } else { Err(BackendError::Unsupported("write this memory, or the game did at once")) }
    }

    fn save_state(&mut self) -> Result<Vec<u8>, BackendError> {
        Err(BackendError::Unsupported("save its state through mGBA-http"))
    }

    fn load_state(&mut self, _: &[u8]) -> Result<(), BackendError> {
        Err(BackendError::Unsupported("load a state through mGBA-http"))
    }

    fn reset(&mut self) -> Result<(), BackendError> {
        self.session.get_mut().reset()
    }
}

impl Drop for MgbaHttp {
    fn drop(&mut self) {
        self.session.get_mut().release();
    }
}

fn introduction(game: &Game) -> Introduction {
    Introduction {
        backend: "mgba-http",
        capabilities: Capabilities {
            frame_step: false,
            unthrottled: false,
            save_state: false,
            read: true,
            write: true,
            snapshot: false,
            picture: true,
            reset: true,
        },
        cartridge: Cartridge {
            title: game.title.clone(),
            code: game.code.clone(),
            sha1: None,
            bytes: (game.rom_bytes > 0).then_some(game.rom_bytes),
        },
        system: "gba".to_string(),
        core: "mGBA window with mGBA-http".to_string(),
        width: WIDTH,
        height: HEIGHT,
        pixels_max: (WIDTH * HEIGHT) as usize,
        format: screenshot::FORMAT,
        frame_rate_micro: FRAME_RATE_MICRO,
        regions: REGIONS.to_vec(),
    }
}

/// Regions in pieces that one request reads.
fn lists(regions: &[Region]) -> Vec<Region> {
    let pieces = |region: &Region| {
        let end = region.address + region.length;
        let starts = (region.address..end).step_by(LIST_BYTES as usize);
        starts.map(|address| Region { address, length: LIST_BYTES.min(end - address) }).collect::<Vec<_>>()
    };
    regions.iter().flat_map(pieces).collect()
}
