//! The harness that drives mGBA's own window does what its names say. The emulator is Debian's, unchanged.

use std::path::PathBuf;
use tests::{Scratch, Window, WindowOptions, wait_for};

/// Counts frames into a file of each load's own, in a folder named by the environment: frames since the load, and the
/// emulator's own count, which a reset begins anew.
const COUNTER: &str = "
loads = (loads or 0) + 1
local path = os.getenv('COUNTER_FOLDER') .. '/load-' .. loads
local frames = 0
callbacks:add('frame', function()
  frames = frames + 1
  local file = io.open(path, 'w')
  file:write(frames, ' ', emu:currentFrame(), '\\n')
  file:close()
end)
";

struct Counter {
    window: Window,
    script: PathBuf,
    scratch: Scratch,
}

/// A window that counts frames; none, and a line that says why, where the packages are missing.
fn open() -> Option<Counter> {
    if let Err(missing) = Window::available() {
        eprintln!("skipped: {missing}");
        return None;
    }
    let scratch = Scratch::new();
    let folder = scratch.path().to_str().expect("a temporary path is text").to_string();
    let environment = vec![("COUNTER_FOLDER".to_string(), folder)];
    let mut window = Window::open(WindowOptions { environment, ..WindowOptions::default() });
    let script = scratch.file("counter.lua", COUNTER);
    window.load_script(&script);
    Some(Counter { window, script, scratch })
}

impl Counter {
    /// The frames that a load counted, and the emulator's own count.
    fn read(&self, load: u32) -> Option<(u64, u64)> {
        let line = std::fs::read_to_string(self.scratch.path().join(format!("load-{load}"))).ok()?;
        let (frames, current) = line.strip_suffix('\n')?.split_once(' ')?;
        Some((frames.parse().ok()?, current.parse().ok()?))
    }

    fn wait_for_frames(&self, load: u32, frames: u64) -> (u64, u64) {
        wait_for("frames", || self.read(load).filter(|(counted, _)| *counted >= frames))
    }

    fn emulator_frame(&mut self) -> u64 {
        let frame = self.window.evaluate("return emu:currentFrame()").expect("there is a game");
        frame.parse().expect("a frame is a number")
    }
}

#[test]
fn frames_advance_until_the_window_is_paused_or_frozen() {
    let Some(mut counter) = open() else { return };
    counter.wait_for_frames(1, 20);

    counter.window.pause();
    let (frames, _) = counter.read(1).expect("it has counted");
    let before = counter.emulator_frame();
    assert_eq!(counter.emulator_frame(), before, "a paused game went on");
    assert_eq!(counter.read(1).map(|(frames, _)| frames), Some(frames));

    counter.window.resume();
    let (frames, _) = counter.wait_for_frames(1, frames + 20);

    counter.window.freeze();
    let frozen = counter.read(1);
    // Reading the title takes longer than a frame, and a frozen window still has its title.
    for _ in 0..20 {
        counter.window.fps();
        assert_eq!(counter.read(1), frozen, "a frozen game went on");
    }
    counter.window.thaw();
    counter.wait_for_frames(1, frames + 20);
    wait_for("the title to tell the speed", || counter.window.fps().filter(|fps| *fps > 0.0));
}

#[test]
fn a_reset_and_a_loaded_state_move_the_emulators_own_count() {
    let Some(mut counter) = open() else { return };
    counter.wait_for_frames(1, 100);
    counter.window.pause();
    let saved = counter.emulator_frame();
    counter.window.resume();
    counter.window.save_state(1);

    counter.window.reset();
    wait_for("the count to begin anew", || counter.read(1).filter(|(_, current)| *current < saved));
    counter.window.load_state(1);
    wait_for("the saved count", || counter.read(1).filter(|(_, current)| *current >= saved));

    // At sixty a second the deadline would pass first.
    counter.window.fast_forward(true);
    let (frames, _) = counter.read(1).unwrap_or_default();
    counter.wait_for_frames(1, frames + 10_000);
    counter.window.fast_forward(false);
}

#[test]
fn a_closed_window_reopens_without_its_scripts() {
    let Some(mut counter) = open() else { return };
    counter.wait_for_frames(1, 20);
    let first = counter.window.pid();
    counter.window.close();
    assert!(!tests::lives(first));
    assert_eq!(counter.window.fps(), None);

    counter.window.reopen(&tests::burrow());
    assert_ne!(counter.window.pid(), first);
    assert_eq!(counter.window.evaluate("return loads"), Ok("nil".to_string()));
    std::fs::remove_file(counter.scratch.path().join("load-1")).expect("it has counted");
    counter.window.load_script(&counter.script);
    counter.wait_for_frames(1, 20);
}

#[test]
fn a_script_is_loaded_again_and_outlives_a_change_of_rom() {
    let Some(mut counter) = open() else { return };
    let (frames, _) = counter.wait_for_frames(1, 20);
    counter.window.load_script(&counter.script);
    counter.wait_for_frames(2, 20);
    counter.wait_for_frames(1, frames + 1);

    let before = counter.emulator_frame();
    let other = counter.scratch.path().join("other.gba");
    std::fs::copy(tests::burrow(), &other).expect("the temporary folder can be written");
    counter.window.load_rom(&other);
    wait_for("the new game's first frames", || counter.read(2).filter(|(_, current)| *current < before));
    let wrong = counter.window.evaluate("error('on purpose')").expect_err("the chunk fails");
    assert!(wrong.contains("on purpose"), "{wrong}");
}
