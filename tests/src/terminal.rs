//! A terminal that no person sees, and the keys on it: tmux.

use crate::wait_for;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Numbers the terminals of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A terminal with a program in it.
pub struct Terminal {
    /// The name of its server, which it has for itself.
    server: String,
}

impl Terminal {
    /// Whether there can be one; else why not.
    pub fn available() -> Result<(), String> {
        let found = Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match found {
            Ok(status) if status.success() => Ok(()),
            _ => Err("tmux is missing; scripts/setup.sh --tests installs it".to_string()),
        }
    }

    /// Starts a program in a terminal of so many columns and rows. When the program has ended, its status stands on the terminal.
    pub fn start(size: (u16, u16), program: &Path, arguments: &[&str]) -> Terminal {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let terminal = Terminal { server: format!("pocketpilot-{}-{number}", std::process::id()) };
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
        let words: Vec<String> =
            [program.to_str().expect("a path is text")].iter().chain(arguments).map(|word| quoted(word)).collect();
        let line = format!("{}; echo status $?; read end", words.join(" "));
        let started = terminal.tmux(&["new-session", "-d", "-x", &columns, "-y", &rows, "sh", "-c", &line]);
        assert!(started.is_some(), "tmux starts");
        terminal
    }

    /// What stands on it, without colours.
    pub fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).unwrap_or_default()
    }

    /// What stands on it, with colours.
    pub fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"]).unwrap_or_default()
    }

    /// Waits until this stands on it.
    pub fn wait_for(&self, text: &str) -> String {
        wait_for(&format!("{text:?} on the terminal, which shows\n{}", self.text()), || {
            Some(self.text()).filter(|shown| shown.contains(text))
        })
    }

    /// Presses a key, by tmux's name for it.
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn tmux(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("tmux")
            .args(["-L", &self.server, "-f", "/dev/null"])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("TMUX")
            .current_dir(crate::root())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}
