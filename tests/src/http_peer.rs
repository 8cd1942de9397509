//! A live window as mGBA-http's script shows it, in each of its versions, with a real emulator behind it.
//!
//! Frames pass by themselves; after each one the script looks at its sockets once, as mGBA lets it. What a person does
//! to a window (pausing, resetting) and what a network does to answers can be ordered. The emulator is the embedded core,
//! of which a process runs one: who starts a second peer waits for the first one's end.

mod answers;
mod sockets;

use answers::Script;
pub use answers::Version;
use emulator_bridge::{EmulatorBackend, open_backend};
use sockets::Sockets;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wire::buttons::Mask;

static SEAT: Mutex<()> = Mutex::new(());

/// What a peer is started with.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// Which script.
    pub version: Version,
    /// How long a frame takes.
    pub frame: Duration,
    /// Whether files that mGBA writes come to be.
    pub writes_files: bool,
    /// Whether requests that change something are answered with success and not carried out.
    pub lies: bool,
    /// The port; 0 is any.
    pub port: u16,
}

impl Default for PeerOptions {
    fn default() -> PeerOptions {
        let frame = Duration::from_millis(2);
        PeerOptions { version: Version::V1_0, frame, writes_files: true, lies: false, port: 0 }
    }
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It comes this much later, and those after it too.
    Delay(Duration),
    /// After this many bytes, the rest comes a frame later.
    Split(usize),
    /// Each byte comes alone.
    Crumbs,
    /// After this many bytes the connection is reset.
    Reset(usize),
    /// It ends after this many bytes, with its mark.
    Shorten(usize),
    /// It never comes.
    Swallow,
}

/// What peer and test share.
#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    paused: AtomicBool,
    resetting: AtomicBool,
    /// Faults of the answers to come, each after that many whole ones.
    faults: Mutex<VecDeque<(u32, Fault)>>,
    /// The keys of each frame.
    held: Mutex<Vec<Mask>>,
    connections: AtomicU32,
    /// Whether something was sent twice to a connection that was gone, which ends mGBA.
    has_died: AtomicBool,
}

/// A running peer.
pub struct HttpPeer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    address: SocketAddr,
    _seat: MutexGuard<'static, ()>,
}

impl HttpPeer {
    /// Starts one; `None`, said aloud, where no core is installed.
    pub fn start(rom: &Path, options: PeerOptions) -> Option<HttpPeer> {
        let seat = SEAT.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("pocketpilot-peer-{}", std::process::id()));
        let mut backend = match open_backend(None, rom, &folder) {
            Ok(backend) => backend,
            Err(emulator_bridge::BackendError::CoreMissing { .. }) => {
                eprintln!("SKIPPED: no libretro core is installed; scripts/setup.sh fetches one");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        let _ = std::fs::remove_dir(&folder);
        let listener = TcpListener::bind(("127.0.0.1", options.port)).expect("the port is free");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared::default());
        let ours = shared.clone();
        let thread = std::thread::spawn(move || run(backend.as_mut(), listener, &options, &ours));
        Some(HttpPeer { shared, thread: Some(thread), address, _seat: seat })
    }

    /// Where it listens, `HOST:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Pauses the window or lets it go on.
    pub fn pause(&self, is_paused: bool) {
        self.shared.paused.store(is_paused, Ordering::Release);
    }

    /// Resets the game, as a person does from the menu.
    pub fn reset(&self) {
        self.shared.resetting.store(true, Ordering::Release);
        crate::wait_for("the reset", || (!self.shared.resetting.load(Ordering::Acquire)).then_some(()));
    }

    /// Lets an answer go wrong, after this many whole ones.
    pub fn inject(&self, after: u32, fault: Fault) {
        self.shared.faults.lock().expect("nobody panics with it").push_back((after, fault));
    }

    /// Faults that were not reached yet.
    pub fn faults_left(&self) -> usize {
        self.shared.faults.lock().expect("nobody panics with it").len()
    }

    /// The keys of each frame so far.
    pub fn held(&self) -> Vec<Mask> {
        self.shared.held.lock().expect("nobody panics with it").clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Whether mGBA would have ended, because it was made to send twice to a connection that was gone.
    pub fn has_died(&self) -> bool {
        self.shared.has_died.load(Ordering::Acquire)
    }
}

impl Drop for HttpPeer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the peer panicked");
        }
    }
}

fn run(backend: &mut dyn EmulatorBackend, listener: TcpListener, options: &PeerOptions, shared: &Shared) {
    let mut script = Script::new(options.version, options.writes_files, options.lies);
    let mut sockets = Sockets::new(listener, options.version);
    let mut due = Instant::now();
    while !shared.stopping.load(Ordering::Acquire) {
        due = (due + options.frame).max(Instant::now());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if shared.paused.load(Ordering::Acquire) {
            continue;
        }
        if shared.resetting.swap(false, Ordering::AcqRel) {
            script.reset(backend);
        }
        shared.held.lock().expect("nobody panics with it").push(script.keys);
        script.run_frame(backend);
        script.press();
        sockets.poll(shared, |message| script.answer(backend, message));
    }
}
