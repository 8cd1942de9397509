//! Whole-program journeys, faults, soak and structure. What the tests share lives here: starting the real program,
//! reading its log, driving a bridge, driving mGBA's own window.
//!
//! The program is built by `make test` before the tests run. Nothing here sleeps to wait for something to happen;
//! conditions are polled under a watchdog.

pub mod asking;
pub mod bridge;
pub mod browser;
pub mod collector;
pub mod emitted;
pub mod follow;
pub mod http_peer;
pub mod live;
pub mod mgba;
pub mod model_server;
pub mod program;
pub mod proxy;
pub mod scratch;
pub mod screen;
pub mod terminal;
pub mod web;
pub mod window;
pub mod workshop;

pub use browser::Browser;
pub use program::{Finished, Program};
pub use scratch::Scratch;
pub use web::WebPage;
pub use window::{Window, WindowOptions};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a test may wait for anything.
pub const WATCHDOG: Duration = Duration::from_secs(120);

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository").to_path_buf()
}

/// The fixture game.
pub fn burrow() -> PathBuf {
    root().join("emulator-bridge/burrow/burrow.gba")
}

/// Whether the long forms of the campaigns were asked for (`make soak`).
pub fn is_soak() -> bool {
    std::env::var_os("POCKETPILOT_SOAK").is_some()
}

/// Polls until `find` gives something; panics when the watchdog bites.
pub fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(started.elapsed() < WATCHDOG, "waited {WATCHDOG:?} for {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Whether a process of this id lives (a zombie does not).
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which stands in parentheses.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// A size of a process as Linux tells it in `/proc/PID/status`, as `VmRSS` or `RssAnon`, in KiB.
pub fn status_kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let size = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("Linux says so");
    size.trim_end_matches("kB").trim().parse().expect("a number")
}

/// Sends SIGKILL.
pub fn kill(pid: u32) {
    signal(pid, rustix::process::Signal::KILL);
}

/// Sends a signal to a process that may be gone already.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process id is not zero");
    let _ = rustix::process::kill_process(pid, signal);
}
