//! mGBA's own window, as a person uses it: the real mgba-qt on a display of its own, driven by keys and the mouse.
//!
//! Nothing here reaches into the emulator. Scripts are loaded through the scripting console; the rest are keys and
//! signals. Windows share nothing, so tests may run beside each other: each has its display, its home folder and its
//! copies of ROMs. A window lives no longer than the thread that opened it, whatever ends the thread.
//!
//! Deliberately absent: the text of the console, which only a person can read.

use crate::mgba::Mgba;
use crate::screen::{Screen, find};
use crate::{Scratch, burrow};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything on the screen may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks at the screen; each look is a process.
const LOOK: Duration = Duration::from_millis(20);
/// A game that did nothing for this long is paused; at 60 frames a second it acts every 17 ms.
const STILL: Duration = Duration::from_millis(250);

/// What must be installed: tools, and the packages they are in.
const TOOLS: [(&str, &str); 4] =
    [("mgba-qt", "mgba-qt"), ("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("setpriv", "util-linux")];

/// Titles, as regular expressions. The game's is in the first only once its ROM is loaded.
const GAME: &str = "^mGBA - .+ - ";
const CONSOLE: &str = "^Scripting";
const ROM_DIALOG: &str = "^Select ROM";

/// The console is put above the game, so that neither hides the other: x, y, width, height.
const CONSOLE_PLACE: [u32; 4] = [0, 0, 880, 340];
const GAME_PLACE: [u32; 4] = [400, 350, 480, 342];
/// Inside the console's input line, which is at its lower end.
const CONSOLE_INPUT: [u32; 2] = [440, 295];

/// What a window is opened with.
#[derive(Debug)]
pub struct WindowOptions {
    /// The game.
    pub rom: PathBuf,
    /// Environment variables for mgba-qt, beyond those that every window has. The test's own do not reach it.
    pub environment: Vec<(String, String)>,
}

impl Default for WindowOptions {
    fn default() -> WindowOptions {
        WindowOptions { rom: burrow(), environment: Vec::new() }
    }
}

/// A running mgba-qt, or the empty display that a closed one left.
pub struct Window {
    mgba: Option<Mgba>,
    screen: Screen,
    /// The X window of the scripting console, once it is open.
    console: Option<String>,
    environment: Vec<(String, String)>,
    rom: PathBuf,
    is_paused: bool,
    is_fast: bool,
    questions: u32,
    home: Scratch,
}

impl Window {
    /// Whether this machine has what a window needs; if not, what is missing.
    pub fn available() -> Result<(), String> {
        let missing = TOOLS.iter().filter(|(tool, _)| find(tool).is_none()).map(|(_, package)| *package);
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("not installed: {} (scripts/setup.sh --tests)", missing.join(", ")))
    }

    /// Opens one and waits until its game runs.
    pub fn open(options: WindowOptions) -> Window {
        let home = Scratch::new();
        Mgba::settle(&home);
        let mut window = Window {
            mgba: None,
            screen: Screen::start(home.path()),
            console: None,
            environment: options.environment,
            rom: PathBuf::new(),
            is_paused: false,
            is_fast: false,
            questions: 0,
            home,
        };
        window.reopen(&options.rom);
        window
    }

    /// mgba-qt's process id. Panics if it is closed.
    pub fn pid(&self) -> u32 {
        self.mgba().pid()
    }

    /// Loads a script, and has run it when this returns; loading it again is what a person does who changed it. Panics
    /// with Lua's message if it fails.
    pub fn load_script(&mut self, script: &Path) {
        let script = script.display();
        if let Err(problem) = self.evaluate(&format!("dofile([==[{script}]==])")) {
            panic!("the script {script} failed: {problem}");
        }
    }

    /// Runs a chunk of Lua in the console; gives what it returns, as text, or the error it raised.
    pub fn evaluate(&mut self, chunk: &str) -> Result<String, String> {
        self.questions += 1;
        let number = self.questions;
        self.home.file(&format!("question-{number}.lua"), chunk);
        // The answer is renamed into place, so that it is never read in part.
        let ask = format!(
            "local good, answer = pcall(dofile, 'question-{number}.lua')\n\
             local file = io.open('answer', 'w')\n\
             file:write(good and '+' or '-', tostring(answer))\n\
             file:close()\n\
             os.rename('answer', 'answer-{number}')\n"
        );
        self.home.file(&format!("ask-{number}.lua"), ask);
        let console = self.console();
        self.focus(&console);
        self.screen.click(CONSOLE_INPUT);
        self.screen.type_line(&format!("dofile('ask-{number}.lua')"));
        let path = self.home.path().join(format!("answer-{number}"));
        let answer = self.wait("the scripting console to answer", |_| std::fs::read_to_string(&path).ok());
        match answer.strip_prefix('+') {
            Some(value) => Ok(value.to_string()),
            None => Err(answer.chars().skip(1).collect()),
        }
    }

    /// Pauses the game, as the menu does, and waits until it stands.
    pub fn pause(&mut self) {
        if !std::mem::replace(&mut self.is_paused, true) {
            self.press("ctrl+p");
            self.wait_for_game(false);
        }
    }

    /// Resumes the game and waits until it moves.
    pub fn resume(&mut self) {
        if std::mem::take(&mut self.is_paused) {
            self.press("ctrl+p");
            self.wait_for_game(true);
        }
    }

    /// Stops the whole process of mgba-qt, as a machine does that has no time for it.
    pub fn freeze(&mut self) {
        self.mgba().signal(Signal::STOP);
        self.wait("mgba-qt to stop", |window| window.mgba().is_stopped().then_some(()));
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.mgba().signal(Signal::CONT);
    }

    /// Presses reset. The game begins anew a little after this returns.
    pub fn reset(&mut self) {
        self.press("ctrl+r");
    }

    /// Saves the game's state and waits until it is on disk. Slots are 1 to 9.
    pub fn save_state(&mut self, slot: u8) {
        let path = self.rom.with_extension(format!("ss{slot}"));
        let _ = std::fs::remove_file(&path);
        self.press(&format!("shift+F{slot}"));
        self.wait("the state to be saved", |_| path.metadata().is_ok_and(|file| file.len() > 0).then_some(()));
    }

    /// Loads a state. The game is there a little after this returns.
    pub fn load_state(&mut self, slot: u8) {
        self.press(&format!("F{slot}"));
    }

    /// Lets the game run as fast as it can, or at its own speed again.
    pub fn fast_forward(&mut self, is_fast: bool) {
        if std::mem::replace(&mut self.is_fast, is_fast) != is_fast {
            self.press("shift+Tab");
        }
    }

    /// Loads another ROM into the open window, through its file dialog; scripts stay loaded.
    pub fn load_rom(&mut self, rom: &Path) {
        assert!(!self.is_paused && !self.is_fast, "a ROM is loaded into a window that runs at the game's own speed");
        self.copy_rom(rom);
        self.press("ctrl+o");
        let dialog = self.wait("the dialog that asks for a ROM", |window| window.screen.visible(ROM_DIALOG));
        self.focus(&dialog);
        self.screen.type_line(self.rom.to_str().expect("a temporary path is text"));
        self.wait("the ROM to be loaded", |window| window.mgba().holds(&window.rom).then_some(()));
        self.wait_for_game(true);
    }

    /// Kills mgba-qt; its display stays.
    pub fn close(&mut self) {
        self.mgba = None;
        self.console = None;
        (self.is_paused, self.is_fast) = (false, false);
        self.wait("the window to go away", |window| window.screen.visible(GAME).is_none().then_some(()));
    }

    /// Starts mgba-qt anew, with this ROM, and waits until its game runs. The game finds what it saved before; no
    /// script is loaded.
    pub fn reopen(&mut self, rom: &Path) {
        self.close();
        self.copy_rom(rom);
        self.mgba = Some(Mgba::start(self.home.path(), self.screen.name(), &self.rom, &self.environment));
        let game = self.wait("mGBA's window", |window| window.screen.visible(GAME));
        self.wait("mGBA's window to be in its place", |window| window.screen.place(&game, GAME_PLACE));
        self.wait_for_game(true);
    }

    /// Frames a second, as the title says it; none in the first second and while it is closed.
    pub fn fps(&self) -> Option<f64> {
        let title = self.screen.title(&self.screen.visible(GAME)?)?;
        title.split_once(" fps)")?.0.rsplit_once('(')?.1.parse().ok()
    }

    /// Takes a picture of the whole display, for a person to look at; false if ImageMagick is not installed.
    pub fn screenshot(&self, png: &Path) -> bool {
        self.screen.picture(png)
    }

    fn mgba(&self) -> &Mgba {
        self.mgba.as_ref().expect("the window is open")
    }

    /// The scripting console's X window; opened the first time.
    fn console(&mut self) -> String {
        if let Some(console) = &self.console {
            return console.clone();
        }
        self.press("ctrl+j");
        let console = self.wait("the scripting console", |window| window.screen.visible(CONSOLE));
        self.wait("the scripting console to be in its place", |window| window.screen.place(&console, CONSOLE_PLACE));
        self.console = Some(console.clone());
        console
    }

    /// Copies a ROM to where mGBA may write its saves beside it. A new file takes the old one's place, because mGBA
    /// may have the old one mapped.
    fn copy_rom(&mut self, rom: &Path) {
        let home = self.home.path().canonicalize().expect("the temporary folder is there");
        let copy = home.join(rom.file_name().expect("a ROM has a name"));
        let part = copy.with_extension("part");
        std::fs::copy(rom, &part).unwrap_or_else(|error| panic!("{}: {error}", rom.display()));
        std::fs::rename(&part, &copy).expect("the temporary folder can be written");
        self.rom = copy;
    }

    /// Waits until the game moves or stands still, which the sleeps of its thread tell.
    fn wait_for_game(&mut self, moves: bool) {
        let mut last = self.mgba().processor_sleeps();
        let mut since = Instant::now();
        self.wait(if moves { "the game to run" } else { "the game to stand still" }, |window| {
            let now = window.mgba().processor_sleeps();
            let has_moved = now.is_some() && last.is_some() && now != last;
            if now != last {
                (last, since) = (now, Instant::now());
            }
            (if moves { has_moved } else { since.elapsed() >= STILL }).then_some(())
        });
    }

    /// Presses a key in the game's window.
    fn press(&mut self, key: &str) {
        let game = self.wait("mGBA's window", |window| window.screen.visible(GAME));
        self.focus(&game);
        self.screen.press(key);
    }

    fn focus(&mut self, x_window: &str) {
        self.wait("a window to have the focus", |window| window.screen.focus(x_window));
    }

    fn wait<T>(&mut self, what: &str, mut find: impl FnMut(&Window) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            let ended = self.mgba.as_mut().and_then(Mgba::ended);
            if ended.is_some() || started.elapsed() > DEADLINE {
                let printed = self.mgba.as_ref().map(Mgba::printed);
                panic!("waited {:?} for {what}; mgba-qt ended: {ended:?}; it printed: {printed:?}", started.elapsed());
            }
            std::thread::park_timeout(LOOK);
        }
    }
}
