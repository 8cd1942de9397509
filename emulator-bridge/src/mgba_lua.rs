//! The `mgba-lua` backend: somebody's open mGBA window, in which this project's script runs.
//!
//! The script sends each frame with what changed in memory and the picture, all of the same frame, and leaves the game
//! waiting a few milliseconds for the answer; keys that come in that time are held from the very next frame on. Replies
//! are matched by id. A connection on which anything unexpected or nothing in time was said is closed and opened anew, so
//! that no late answer is ever taken for another one's, and keys that were not yet acted on go with it.

mod link;
mod message;
mod session;
mod view;

use crate::backend::{Awaited, BackendError, Connection, EmulatorBackend, Holding, Introduction};
use message::{FromScript, Game, ToScript};
use session::Session;
use std::cell::RefCell;
use std::time::{Duration, Instant};
use view::View;
use wire::buttons::Mask;
use wire::emulator::{Capabilities, Cartridge};
use wire::memory::Region;
use wire::ring::Picture;

/// Frames a second of a Game Boy Advance and of a Game Boy, in millionths.
const FRAME_RATE_MICRO: u64 = 59_727_500;
/// How long the window may take to answer a request. It answers once a frame, so only a paused one takes longer.
const ANSWER_MAX: Duration = Duration::from_millis(700);
/// ROMs are read for their SHA-1 in pieces of this many bytes, one a frame.
const ROM_PIECE_BYTES: u32 = 1 << 20;
const ROM_BYTES_MAX: u32 = 32 << 20;
const CARTRIDGE: u32 = 0x0800_0000;

/// Finds a window with the script. `address` is `HOST:PORT`; that port and the nine after it are tried.
pub fn open(address: &str, token: &str) -> Result<Box<dyn EmulatorBackend>, BackendError> {
    let mut session = Session::new(address, token)?;
    let game = session.greet(ANSWER_MAX)?;
    let mut backend = MgbaLua {
        introduction: introduction(&game),
        view: View::new(&regions_of(&game)),
        areas: game.areas.clone(),
        session: RefCell::new(session),
        held: Held::default(),
    };
    backend.learn(&game)?;
    Ok(Box::new(backend))
}

struct MgbaLua {
    introduction: Introduction,
    view: View,
    /// What the machine's bus consists of.
    areas: Vec<(String, Region)>,
    /// Reading memory that is not in the view is a request, and reading takes `&self`.
    session: RefCell<Session>,
    held: Held,
}

/// Keys that were handed over.
#[derive(Debug, Default)]
struct Held {
    /// The script's number of the frame that the first is held in.
    first: u32,
    masks: Vec<Mask>,
}

impl MgbaLua {
    /// What is loaded in the window becomes what this backend says of itself; asks for its frames.
    fn learn(&mut self, game: &Game) -> Result<(), BackendError> {
        let regions = regions_of(game);
        self.introduction = introduction(game);
        self.introduction.cartridge.sha1 = self.sha1(game)?;
        self.areas.clone_from(&game.areas);
        self.view = View::new(&regions);
        self.held = Held::default();
        let mut session = self.session.borrow_mut();
        session.watch(&regions)?;
        // Frames from before say what changed since others that this view never saw.
        session.drain();
        Ok(())
    }

    /// The ROM's SHA-1, where the window shows all of it.
    fn sha1(&self, game: &Game) -> Result<Option<String>, BackendError> {
        use sha1::Digest as _;
        if game.platform != 0 || game.rom_bytes == 0 || game.rom_bytes > ROM_BYTES_MAX {
            return Ok(None);
        }
        let mut hasher = sha1::Sha1::new();
        let mut offset = 0;
        while offset < game.rom_bytes {
            let length = ROM_PIECE_BYTES.min(game.rom_bytes - offset);
            let piece = Region { address: CARTRIDGE + offset, length };
            hasher.update(self.session.borrow_mut().read(piece, ANSWER_MAX)?);
            offset += length;
        }
        Ok(Some(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    fn find_area(&self, address: u32, length: usize) -> Option<&Region> {
        self.areas.iter().map(|(_, area)| area).find(|area| {
            address.checked_sub(area.address).is_some_and(|start| start as usize + length <= area.length as usize)
        })
    }

    /// What a message that no request asked for means.
    fn take(&mut self, message: FromScript) -> Result<Option<Awaited>, BackendError> {
        match message {
            FromScript::Frame(frame) => self.show(&frame).map(Some),
            FromScript::Game(game) => {
                let what = format!("another game is in the window: {} ({})", game.title, code_of(&game));
                self.learn(&game)?;
                Ok(Some(Awaited::Changed(what)))
            }
            // The answer to a request that was given up with an earlier connection cannot come on this one; a farewell
            // ends the connection, which the session sees by itself.
            FromScript::Welcome { .. } | FromScript::Reply { .. } | FromScript::Farewell(_) => Ok(None),
        }
    }

    fn show(&mut self, frame: &message::Frame) -> Result<Awaited, BackendError> {
        match self.view.show(frame) {
            Ok(view::Shown::Frames(frames)) => Ok(Awaited::Frames(frames)),
            Ok(view::Shown::Jumped) => {
                self.held = Held::default();
                Ok(Awaited::Changed("the game was reset, or another saved state was loaded".to_string()))
            }
            Err(why) => {
                self.session.borrow_mut().break_off(why);
                Ok(Awaited::Silence(self.session.borrow().why()))
            }
        }
    }

    /// Carries out a request after which the emulator's own frame count goes on from somewhere else.
    fn request_that_jumps(&mut self, request: ToScript<'_>) -> Result<(), BackendError> {
        self.session.borrow_mut().request(request, ANSWER_MAX)?;
        self.held = Held::default();
        self.view.expect_jump(self.session.borrow_mut().drain());
        Ok(())
    }
}

impl EmulatorBackend for MgbaLua {
    fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    fn connection(&self) -> Option<Connection> {
        let address = self.session.borrow().address()?.to_string();
        let script = format!("pocketpilot.lua version {}", message::VERSION);
        Some(Connection { address, script, has_picture: self.view.has_picture() })
    }

    fn hold(&mut self, keys: &[Mask]) -> Result<u32, BackendError> {
        let answer = self.session.borrow_mut().request(ToScript::Hold(keys), ANSWER_MAX)?;
        let first = answer.first_chunk::<4>().map(|first| u32::from_le_bytes(*first));
        let Some(first) = first.filter(|first| *first > self.view.number()) else {
            self.session.borrow_mut().break_off("the script's answer makes no sense".to_string());
            return Err(BackendError::Silent(self.session.borrow().why()));
        };
        self.held = Held { first, masks: keys.to_vec() };
        Ok(first - self.view.number())
    }

    fn holding(&self) -> Holding {
        let passed = (self.view.number() + 1).saturating_sub(self.held.first) as usize;
        let held = passed.checked_sub(1).and_then(|index| self.held.masks.get(index)).copied();
        Holding { held: Some(held.unwrap_or(0)), left: self.held.masks.len().saturating_sub(passed) as u32 }
    }

    fn await_frame(&mut self, patience: Duration) -> Result<Awaited, BackendError> {
        let deadline = Instant::now() + patience;
        loop {
            let next = self.session.borrow_mut().next(self.view.number(), deadline);
            match next {
                session::Next::Message(message) => {
                    if let Some(awaited) = self.take(message)? {
                        return Ok(awaited);
                    }
                }
                session::Next::Found(game) => {
                    let what = format!("the window was found again, with {} ({})", game.title, code_of(&game));
                    self.learn(&game)?;
                    return Ok(Awaited::Changed(what));
                }
                session::Next::Nothing(why) => return Ok(Awaited::Silence(why)),
            }
        }
    }

    fn picture(&self) -> Picture<'_> {
        self.view.picture()
    }

    fn region_bytes(&self, index: usize) -> &[u8] {
        self.view.region_bytes(index)
    }

    fn read(&self, address: u32, target: &mut [u8]) -> Result<(), BackendError> {
        if let Some(bytes) = self.view.find(address, target.len()) {
            target.copy_from_slice(bytes);
            return Ok(());
        }
        self.find_area(address, target.len()).ok_or(BackendError::Unmapped { address })?;
        let region = Region { address, length: target.len() as u32 };
        let bytes = self.session.borrow_mut().read(region, ANSWER_MAX)?;
        target.copy_from_slice(&bytes);
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), BackendError> {
        self.find_area(address, bytes.len()).ok_or(BackendError::Unmapped { address })?;
        self.session.borrow_mut().request(ToScript::Write { address, bytes }, ANSWER_MAX)?;
        self.view.write(address, bytes);
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>, BackendError> {
        let state = self.session.borrow_mut().request(ToScript::Save, ANSWER_MAX)?;
        Ok(session::pack_state(&self.introduction.cartridge, &state))
    }

    fn load_state(&mut self, state: &[u8]) -> Result<(), BackendError> {
        let bytes = session::unpack_state(&self.introduction.cartridge, state)?;
        self.request_that_jumps(ToScript::Load(bytes)).map_err(|error| match error {
            BackendError::Unsupported(_) => BackendError::BadState("mGBA does not accept it".to_string()),
            other => other,
        })
    }

    fn reset(&mut self) -> Result<(), BackendError> {
        self.request_that_jumps(ToScript::Reset)
    }
}

fn code_of(game: &Game) -> &str {
    game.code.split_once('-').map_or(game.code.as_str(), |(_, code)| code)
}

/// The work memory of the machine.
fn regions_of(game: &Game) -> Vec<Region> {
    let area = |name: &str| game.areas.iter().find(|(known, _)| known == name).map(|(_, area)| *area);
    let names: &[&str] = if game.platform == 0 { &["wram", "iwram"] } else { &["wram"] };
    names.iter().filter_map(|name| area(name)).collect()
}

fn introduction(game: &Game) -> Introduction {
    let is_gba = game.platform == 0;
    let (width, height) = if is_gba { (240, 160) } else { (160, 144) };
    Introduction {
        backend: "mgba-lua",
        capabilities: Capabilities {
            frame_step: false,
            unthrottled: false,
            save_state: true,
            read: true,
            write: true,
            snapshot: true,
            picture: true,
            reset: true,
        },
        cartridge: Cartridge {
            title: game.title.clone(),
            code: code_of(game).to_string(),
            sha1: None,
            bytes: (game.rom_bytes > 0).then_some(u64::from(game.rom_bytes)),
        },
        system: if is_gba { "gba".to_string() } else { "gb".to_string() },
        core: "mGBA window".to_string(),
        width,
        height,
        pixels_max: view::PIXELS_MAX,
        format: crate::screenshot::FORMAT,
        frame_rate_micro: FRAME_RATE_MICRO,
        regions: regions_of(game),
    }
}
