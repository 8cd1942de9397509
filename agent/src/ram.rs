//! `agent ram`: what the agent makes of a game's memory, once or again and again.
//!
//! It plays no run and has no roles: the emulator is opened in this process, as `agent emulator-bridge --rom` does it.
//! Memory that the decoder refuses is a result like any other.

use crate::cli::RamArgs;
use crate::failure::Failure;
use crate::settings;
use crate::source::Source;
use display::Display;
use reader::Reader;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wire::exit;

mod display;
mod reader;
mod report;
mod text;

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// What a shell adds to the number of the signal that ended a process.
pub const SIGNALLED: i32 = 128;

/// Shows what memory says; returns the exit status.
pub fn show(args: &RamArgs) -> Result<i32, Failure> {
    let mut config = settings::of_look(args.config.as_deref(), args.emulator.as_deref(), args.rom.as_deref())?;
    if let Some(profile) = &args.profile {
        config.game.profile.clone_from(profile);
    }
    let signal = watch_signals()?;
    let mut reader = Reader::new(&config)?;
    let mut source = Source::open(&config)?;
    source.settle()?;
    let mut display = Display::fitting(args.json, args.watch);
    let mut next = Instant::now();
    loop {
        let report = reader.read(&mut source)?;
        let is_heard = display.show(&report);
        if !is_heard || !args.watch {
            return Ok(exit::OK);
        }
        next = Instant::now().max(next + LOOK);
        source.pass(next);
        match signal.load(Ordering::Relaxed) {
            0 => {}
            signal => return Ok(SIGNALLED + signal as i32),
        }
    }
}

/// Where the number of a signal is put that asks for the end.
pub fn watch_signals() -> Result<Arc<AtomicUsize>, Failure> {
    let asked = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_usize(signal, asked.clone(), signal as usize)
            .map_err(|error| Failure::Os { what: "signals".to_string(), error })?;
    }
    Ok(asked)
}
