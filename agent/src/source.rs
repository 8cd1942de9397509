//! An emulator that is looked at and not played: opened as a run would open it, in this process.
//!
//! A live window goes on as it likes, and its frames are taken as they come. The built-in emulator has nobody at its
//! keys: it runs at the real machine's pace. Absent: an emulator behind somebody else's bridge.

use crate::bundled;
use crate::config::Config;
use crate::failure::Failure;
use crate::worker::TemporaryFolder;
use emulator_bridge::{Awaited, BackendError, Chosen, EmulatorBackend, choose};
use std::time::{Duration, Instant};
use wire::control::{BackendChoice, StartBridge, TelemetryTarget};
use wire::memory::Region;
use wire::ring::{REGIONS_MAX, Snapshot};

/// A live window that shows no frame for this long stands still.
pub const STILL: Duration = Duration::from_secs(1);
/// Frames that the built-in emulator runs before anybody looks: about two seconds, in which a game shows its title.
const FIRST_FRAMES: u32 = 120;
/// A game that falls further behind than this goes on from where it is.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// The emulator.
pub struct Source {
    /// How it is driven.
    pub backend: Box<dyn EmulatorBackend>,
    /// Which way of driving it was taken.
    pub choice: BackendChoice,
    /// Why it is this one, for a person.
    pub why: String,
    /// Frames seen or run.
    pub frame: u64,
    /// Why no frame comes, while none does.
    pub silence: Option<String>,
    last_frame: Instant,
    _folder: TemporaryFolder,
}

impl Source {
    /// Opens the emulator that a run with this configuration would play on.
    pub fn open(config: &Config) -> Result<Source, Failure> {
        if !config.emulator.url.is_empty() {
            let message =
                "an emulator behind a bridge cannot be looked into; name auto, libretro or mgba-lua[:HOST:PORT]";
            return Err(Failure::Usage(message.to_string()));
        }
        let folder = TemporaryFolder::create("look")?;
        let Chosen { backend, choice, why } = choose(&wanted(config, &folder)?, folder.path())?;
        Ok(Source { backend, choice, why, frame: 0, silence: None, last_frame: Instant::now(), _folder: folder })
    }

    /// Waits for the first frame that says something: a live window's next, the built-in emulator's two seconds in.
    pub fn settle(&mut self) -> Result<(), BackendError> {
        if !self.is_live() {
            for _ in 0..FIRST_FRAMES {
                self.backend.run_frame(0)?;
            }
            self.frame = u64::from(FIRST_FRAMES);
            self.why += &format!("; nobody holds its keys, {FIRST_FRAMES} frames have passed");
            return Ok(());
        }
        let deadline = Instant::now() + STILL;
        loop {
            match self.backend.await_frame(deadline.saturating_duration_since(Instant::now()))? {
                Awaited::Frames(frames) => {
                    self.frame += u64::from(frames);
                    self.last_frame = Instant::now();
                    return Ok(());
                }
                Awaited::Silence(why) if Instant::now() >= deadline => return Err(BackendError::Silent(why)),
                Awaited::Silence(_) | Awaited::Changed(_) => {}
            }
        }
    }

    /// Whether it runs by itself.
    pub fn is_live(&self) -> bool {
        !self.backend.introduction().capabilities.frame_step
    }

    /// Lets frames pass until then.
    pub fn pass(&mut self, until: Instant) {
        if self.is_live() { self.await_frames(until) } else { self.run_frames(until) }
    }

    /// The newest frame's memory; `needed` is what a backend reads that cannot snapshot everything.
    pub fn snapshot(&mut self, needed: &[Region]) -> Result<Snapshot, BackendError> {
        if !self.backend.introduction().capabilities.snapshot {
            self.backend.need(needed);
            self.frame += u64::from(self.backend.refresh()?);
        }
        let regions: Vec<Region> = self.backend.introduction().regions.iter().take(REGIONS_MAX).copied().collect();
        let memory = (0..regions.len()).flat_map(|index| self.backend.region_bytes(index).iter().copied()).collect();
        let mut snapshot = Snapshot { regions, memory, ..Snapshot::default() };
        snapshot.stamp.frame = self.frame;
        Ok(snapshot)
    }

    fn await_frames(&mut self, until: Instant) {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let awaited = self.backend.await_frame(left);
            let why = match awaited {
                Ok(Awaited::Frames(frames)) => {
                    self.frame += u64::from(frames);
                    self.last_frame = Instant::now();
                    self.silence = None;
                    continue;
                }
                Ok(Awaited::Changed(_)) => continue,
                Ok(Awaited::Silence(why)) => why,
                Err(error) => {
                    std::thread::sleep(until.saturating_duration_since(Instant::now()));
                    error.to_string()
                }
            };
            if self.last_frame.elapsed() >= STILL {
                self.silence = Some(why);
            }
        }
    }

    fn run_frames(&mut self, until: Instant) {
        let rate_micro = self.backend.introduction().frame_rate_micro.max(1);
        let frame_time = Duration::from_nanos(1_000_000_000_000_000 / rate_micro);
        if self.last_frame.elapsed() > BEHIND_MAX {
            self.last_frame = Instant::now();
        }
        while self.last_frame + frame_time <= until {
            self.last_frame += frame_time;
            std::thread::sleep(self.last_frame.saturating_duration_since(Instant::now()));
            if let Err(error) = self.backend.run_frame(0) {
                self.silence = Some(error.to_string());
                break;
            }
            self.frame += 1;
        }
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// What the bridge of a run would be told.
fn wanted(config: &Config, folder: &TemporaryFolder) -> Result<StartBridge, Failure> {
    let mut rom = config.emulator.rom.clone();
    if rom.as_os_str().is_empty() {
        rom = folder.path().join(bundled::ROM_FILE);
        let remedy = "set TMPDIR to a folder that can be written";
        let written = std::fs::write(&rom, bundled::ROM);
        written.map_err(|error| Failure::Unwritable { path: rom.clone(), error, remedy })?;
    }
    Ok(StartBridge {
        instance: 0,
        epoch: 1,
        backend: config.emulator.choice(),
        windows: config.emulator.windows(),
        core: config.emulator.core(),
        rom,
        listen: String::new(),
        token: String::new(),
        run_dir: folder.path().to_path_buf(),
        telemetry: TelemetryTarget::Null,
    })
}
