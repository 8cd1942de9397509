//! mgba-qt as a process: its home folder, its start and end, and what `/proc` tells of it.

use crate::screen::command;
use crate::{Scratch, signal};
use rustix::process::Signal;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Sound goes nowhere, but on time: it is what keeps the game at 60 frames a second. The picture must not, because
/// nothing shows it.
const CONFIG: &str = "[ports.qt]\nvideoSync=0\naudioSync=1\naudioBuffers=1024\n";
/// Qt draws and SDL sounds; the scripting console has no shortcut until it is given one.
const QT_CONFIG: &str = "[General]\ndisplayDriver=0\naudioDriver=1\n\n[shortcutKey]\nscripting=Ctrl+J\n";
/// Qt insists on a folder that nobody else may enter.
const RUNTIME_FOLDER: &str = "runtime";
/// The thread that is the emulated machine.
const PROCESSOR_THREAD: &str = "Name:\tCPU Thread\n";

/// The process.
pub struct Mgba {
    child: Child,
    log: PathBuf,
}

impl Mgba {
    /// Makes a folder a home for it.
    pub fn settle(home: &Scratch) {
        let runtime = home.path().join(RUNTIME_FOLDER);
        for folder in [&home.path().join(".config/mgba"), &runtime] {
            std::fs::create_dir_all(folder).expect("the temporary folder can be written");
        }
        std::fs::set_permissions(&runtime, Permissions::from_mode(0o700)).expect("the folder is the test's own");
        home.file(".config/mgba/config.ini", CONFIG);
        home.file(".config/mgba/qt.ini", QT_CONFIG);
    }

    /// Starts it in its home, with an environment that is nothing but this.
    pub fn start(home: &Path, display: &str, rom: &Path, environment: &[(String, String)]) -> Mgba {
        let log = home.join("log");
        let file = File::create(&log).expect("the temporary folder can be written");
        let child = command("mgba-qt")
            .arg(rom)
            .current_dir(home)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join(RUNTIME_FOLDER))
            .env("LC_ALL", "C.UTF-8")
            .env("DISPLAY", display)
            .env("QT_QPA_PLATFORM", "xcb")
            .env("SDL_AUDIODRIVER", "dummy")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(file.try_clone().expect("a descriptor is copied"))
            .stderr(file)
            .spawn()
            .expect("mgba-qt starts");
        Mgba { child, log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// What it has printed.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it holds a file open.
    pub fn holds(&self, file: &Path) -> bool {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path == file)
    }

    /// Sends SIGSTOP or SIGCONT.
    pub fn signal(&self, sent: Signal) {
        signal(self.pid(), sent);
    }

    /// Whether SIGSTOP has stopped it.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// How often the emulated machine's thread has slept; a paused one does not wake. None while there is no game.
    pub fn processor_sleeps(&self) -> Option<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).ok()?.flatten();
        let mut statuses = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
        let status = statuses.find(|status| status.starts_with(PROCESSOR_THREAD))?;
        status.split_once("\nvoluntary_ctxt_switches:").map(|(_, sleeps)| sleeps.to_string())
    }
}

impl Drop for Mgba {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
