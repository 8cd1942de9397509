//! A display that no person sees, and the keys and the mouse on it: Xvfb and xdotool.
//!
//! No window manager runs: a window gets the focus because a test gives it, and stands where a test puts it. What a
//! window does about a key comes a little after the key; who needs to know waits for it.

use crate::wait_for;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The display.
pub struct Screen {
    server: Child,
    name: String,
}

impl Screen {
    /// Starts one, 900 by 700 pixels, under a number that is free; `folder` keeps the number.
    pub fn start(folder: &Path) -> Screen {
        let number = folder.join("display");
        // The server must outlive its clients (-noreset), and a slow machine must not repeat keys (-r).
        let server = command("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "900x700x24", "-nolisten", "tcp", "-noreset", "-r"])
            .stdout(File::create(&number).expect("the temporary folder can be written"))
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut screen = Screen { server, name: String::new() };
        screen.name = wait_for("a display", || {
            let number = std::fs::read_to_string(&number).ok()?;
            number.strip_suffix('\n').map(|number| format!(":{number}"))
        });
        screen
    }

    /// Its name, for `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The window that is shown with a title of this form, a regular expression.
    pub fn visible(&self, title: &str) -> Option<String> {
        self.xdotool(&["search", "--onlyvisible", "--name", title])?.lines().next().map(str::to_string)
    }

    /// A window's title.
    pub fn title(&self, window: &str) -> Option<String> {
        self.xdotool(&["getwindowname", window])
    }

    /// Puts a window somewhere: x, y, width, height. None as long as it is not there.
    pub fn place(&self, window: &str, place: [u32; 4]) -> Option<()> {
        let [x, y, width, height] = place.map(|number| number.to_string());
        self.xdotool(&["windowmove", window, &x, &y, "windowsize", window, &width, &height])?;
        let wanted = format!("X={x}\nY={y}\nWIDTH={width}\nHEIGHT={height}\n");
        self.xdotool(&["getwindowgeometry", "--shell", window])?.contains(&wanted).then_some(())
    }

    /// Gives a window the focus. None as long as it has not got it.
    pub fn focus(&self, window: &str) -> Option<()> {
        self.xdotool(&["windowfocus", window])?;
        (self.xdotool(&["getwindowfocus", "-f"])?.trim() == window).then_some(())
    }

    /// Presses keys in the window that has the focus. Sending them to a window by name does not work: Qt ignores such
    /// keys.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Types a line and ends it.
    pub fn type_line(&self, line: &str) {
        self.xdotool(&["type", "--delay", "5", line]);
        self.press("Return");
    }

    /// Clicks.
    pub fn click(&self, [x, y]: [u32; 2]) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Takes a picture of all of it; false if ImageMagick is not installed.
    pub fn picture(&self, png: &Path) -> bool {
        let mut import = Command::new("import");
        import.args(["-window", "root"]).arg(png).env("DISPLAY", &self.name).stdin(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    }

    fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output();
        let output = output.expect("xdotool starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A command that dies with the thread that starts it, even if that is killed.
pub fn command(tool: &str) -> Command {
    let path = find(tool).unwrap_or_else(|| panic!("{tool} is missing; ask Window::available first"));
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(path).stdin(Stdio::null());
    command
}

/// Where a tool is. Debian keeps games in a folder that is not in everybody's PATH.
pub fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/games")]);
    folders.map(|folder| folder.join(tool)).find(|path| path.is_file())
}
