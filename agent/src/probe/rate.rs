//! How fast an emulator answers and shows frames, and whether it takes keys.

use super::{Finding, fine};
use crate::source::{STILL, Source};
use emulator_bridge::{Awaited, BackendError, EmulatorBackend};
use std::time::{Duration, Instant};

/// Reads that are timed.
const READS: usize = 100;
/// For how long frames are counted.
const WATCHED: Duration = Duration::from_secs(2);
/// However slow the frames come.
const WATCHED_MAX: Duration = Duration::from_secs(10);
/// Frames of no keys that are handed over.
const IDLE: [wire::buttons::Mask; 2] = [0; 2];
/// They have passed after this many frames, or never will.
const IDLE_FRAMES_MAX: u32 = 60;
/// In the header of a Game Boy Advance cartridge and of a Game Boy's: the title. It does not come with a frame, so that
/// reading it is a request.
const TITLES: [u32; 2] = [0x0800_00A0, 0x0134];
const TITLE_BYTES: usize = 12;

/// Measures; an error says that no frame comes, or no answer.
pub fn measure(source: &mut Source) -> Result<Vec<Finding>, BackendError> {
    if source.is_live() { watch(source.backend.as_mut()) } else { run(source.backend.as_mut()) }
}

/// Watches a live window: a small read after each frame, as a run asks, then keys.
fn watch(backend: &mut dyn EmulatorBackend) -> Result<Vec<Finding>, BackendError> {
    let mut seen = Seen::default();
    seen.next(backend)?;
    let began = Instant::now();
    seen = Seen { last: Some(began), ..Seen::default() };
    let mut reads = Vec::new();
    while (began.elapsed() < WATCHED || reads.len() < READS) && began.elapsed() < WATCHED_MAX {
        seen.next(backend)?;
        if reads.len() < READS {
            reads.push(time_read(backend)?);
        }
    }
    let elapsed = began.elapsed().as_secs_f64();
    let share = |part: u32| format!("{:.1} %", 100.0 * f64::from(part) / f64::from(seen.passed.max(1)));
    let frames = format!(
        "{:.1} a second over {elapsed:.1} s; {} came with their memory, {} with their picture; longest gap {:.0} ms",
        f64::from(seen.passed) / elapsed,
        share(seen.came),
        share(seen.pictured),
        seen.gap.as_secs_f64() * 1e3,
    );
    let ahead = backend.hold(&IDLE)?;
    let mut waited = 0;
    while backend.holding().left > 0 && waited < IDLE_FRAMES_MAX {
        waited += seen.next(backend)?;
    }
    let keys = match backend.holding().left {
        0 => fine("keys", format!("no keys for {} frames: acknowledged, and held from frame +{ahead} on", IDLE.len())),
        left => Finding {
            name: "keys".to_string(),
            found: format!("of {} frames of no keys {left} are still left after {waited} frames", IDLE.len()),
            fix: Some("load the script again in mGBA: Tools > Scripting".to_string()),
        },
    };
    Ok(vec![fine("round trip", round_trip(reads)), fine("frames", frames), keys])
}

/// Frames of a live window.
#[derive(Debug, Default)]
struct Seen {
    passed: u32,
    came: u32,
    pictured: u32,
    gap: Duration,
    last: Option<Instant>,
}

impl Seen {
    /// Waits for the next one; returns how many passed.
    fn next(&mut self, backend: &mut dyn EmulatorBackend) -> Result<u32, BackendError> {
        let deadline = Instant::now() + STILL;
        loop {
            match backend.await_frame(deadline.saturating_duration_since(Instant::now()))? {
                Awaited::Frames(frames) => {
                    let now = Instant::now();
                    self.gap = self.gap.max(self.last.replace(now).map_or(Duration::ZERO, |last| now - last));
                    self.passed += frames;
                    self.came += 1;
                    self.pictured += u32::from(backend.connection().is_none_or(|connection| connection.has_picture));
                    return Ok(frames);
                }
                Awaited::Silence(why) if Instant::now() >= deadline => {
                    return Err(BackendError::Silent(format!("no frame within {} s: {why}", STILL.as_secs())));
                }
                Awaited::Silence(_) | Awaited::Changed(_) => {}
            }
        }
    }
}

/// Runs the built-in emulator: as fast as it goes, a small read after each frame.
fn run(backend: &mut dyn EmulatorBackend) -> Result<Vec<Finding>, BackendError> {
    let (began, mut reads, mut frames) = (Instant::now(), Vec::new(), 0_u32);
    while began.elapsed() < WATCHED || reads.len() < READS {
        backend.run_frame(0)?;
        frames += 1;
        if reads.len() < READS {
            reads.push(time_read(backend)?);
        }
    }
    let rate = f64::from(frames) / began.elapsed().as_secs_f64();
    let frames = format!("{rate:.0} a second, as fast as they go; each comes with its memory and picture");
    for keys in IDLE {
        backend.run_frame(keys)?;
    }
    let keys = format!("no keys for {} frames, held frame by frame", IDLE.len());
    Ok(vec![fine("round trip", round_trip(reads)), fine("frames", frames), fine("keys", keys)])
}

fn time_read(backend: &dyn EmulatorBackend) -> Result<Duration, BackendError> {
    let title = TITLES[usize::from(backend.introduction().system != "gba")];
    let mut bytes = [0; TITLE_BYTES];
    let began = Instant::now();
    match backend.read(title, &mut bytes) {
        // A core that shows no ROM has work memory.
        Err(BackendError::Unmapped { .. }) => {
            let first = backend.introduction().regions.first().map_or(0, |region| region.address);
            backend.read(first, &mut bytes)?;
        }
        read => read?,
    }
    Ok(began.elapsed())
}

fn round_trip(mut reads: Vec<Duration>) -> String {
    reads.sort_unstable();
    let at = |percent: usize| {
        let micros =
            reads.get(reads.len().saturating_sub(1) * percent / 100).map_or(0.0, |read| read.as_secs_f64()) * 1e6;
        if micros < 100.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1e3) }
    };
    format!("p50 {}, p99 {} over {} small reads", at(50), at(99), reads.len())
}
