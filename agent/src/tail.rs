//! `agent tail`: the log of a run, filtered and readable, and on and on while it is written.
//!
//! It reads files and nothing else, so that it works on any run, also on one from another machine, and no run notices.

use crate::cli::TailArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::ram::{SIGNALLED, watch_signals};
use crate::run_log::{self, Follower, RunLog, Start};
use crate::screen;
use filter::Filter;
use serde_json::Value;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use wire::exit;

mod filter;

/// Lines that are shown where nobody says which.
const LAST_LINES: usize = 20;
/// The time between two looks at the log.
const LOOK: Duration = Duration::from_millis(50);

/// Shows the lines that were asked for; returns the exit status.
pub fn show(args: &TailArgs) -> Result<i32, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let filter = Filter::new(args)?;
    let log = RunLog::find(args.run.as_deref(), &config)?;
    let signal = watch_signals()?;
    let start = if filter.is_empty() { Start::Last(LAST_LINES) } else { Start::First };
    let mut follower = Follower::new(log, start);
    let mut output = Output::new(args.json);
    let is_asked_to_end = || signal.load(Ordering::Relaxed) != 0;
    loop {
        let mut each = |line: &[u8]| {
            let is_heard = output.show(line, &filter);
            if is_heard && !is_asked_to_end() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let is_over = follower.advance(&mut each).map_err(|error| unreadable(&follower, error))?.is_break();
        if is_over || !output.flush() || !args.follow {
            break;
        }
        if let Some(newer) = follower.log().newer() {
            output.note(&format!("agent: run {} begins", newer.name()));
            follower = Follower::new(newer, Start::First);
            continue;
        }
        thread::sleep(LOOK);
        if is_asked_to_end() || !screen::is_heard() {
            break;
        }
    }
    if !args.follow && !is_asked_to_end() && !follower.rest().is_empty() {
        output.show(follower.rest(), &filter);
    }
    output.flush();
    match output.torn {
        0 => {}
        1 => screen::complain("agent: 1 torn line was skipped"),
        torn => screen::complain(&format!("agent: {torn} torn lines were skipped")),
    }
    match signal.load(Ordering::Relaxed) {
        0 => Ok(exit::OK),
        signal => Ok(SIGNALLED + signal as i32),
    }
}

fn unreadable(follower: &Follower, error: io::Error) -> Failure {
    Failure::NoInput { path: follower.log().path.clone(), error, remedy: "the log must be readable" }
}

/// Where lines go.
struct Output {
    stdout: BufWriter<Stdout>,
    as_json: bool,
    has_colours: bool,
    /// Lines that were none.
    torn: u64,
}

impl Output {
    fn new(as_json: bool) -> Output {
        let stdout = io::stdout();
        let has_colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Output { stdout: BufWriter::new(stdout), as_json, has_colours, torn: 0 }
    }

    /// Shows a line if it is wanted; `false` when nobody reads any more.
    fn show(&mut self, line: &[u8], filter: &Filter) -> bool {
        match filter.passes(line) {
            None => self.torn += 1,
            Some(false) => {}
            Some(true) if self.as_json => return self.write(line),
            Some(true) => match serde_json::from_slice(line) {
                Ok(line) => return self.write(readable(&line, self.has_colours).as_bytes()),
                Err(_) => self.torn += 1,
            },
        }
        true
    }

    fn write(&mut self, line: &[u8]) -> bool {
        self.stdout.write_all(line).and_then(|()| self.stdout.write_all(b"\n")).is_ok()
    }

    fn flush(&mut self) -> bool {
        self.stdout.flush().is_ok()
    }

    fn note(&mut self, text: &str) {
        self.flush();
        screen::complain(text);
    }
}

/// A line for a person: time, process, game and step, event, and what it says.
fn readable(line: &Value, has_colours: bool) -> String {
    let word = |name: &str| line[name].as_str().unwrap_or_default();
    // The time of the day, to the millisecond.
    let time = word("ts").get(11..23).unwrap_or(word("ts"));
    let step = line["step"].as_u64().map_or_else(String::new, |step| step.to_string());
    let game =
        line["instance"].as_u64().filter(|game| *game > 0).map_or_else(String::new, |game| format!("game {game} "));
    let (process, event, text) = (word("process"), word("event"), run_log::text(line));
    let colour = match word("level") {
        _ if !has_colours => None,
        "error" => Some("\x1b[31m"),
        "warn" => Some("\x1b[33m"),
        _ => Some(""),
    };
    match colour {
        None => format!("{time} {process:<15} {:>7} {event:<17} {text}", game + &step),
        Some(colour) => {
            format!("\x1b[2m{time} {process:<15}\x1b[0m {:>7} {colour}{event:<17} {text}\x1b[0m", game + &step)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_told_with_its_time_process_and_step() {
        let line = json!({ "ts": "2026-11-29T03:20:28.197082Z", "seq": 3, "process": "actors", "pid": 7, "actor": "pilot",
            "level": "warn", "instance": 2, "step": 41, "event": "FloorReached", "floor": 3, "floors": 5, "dungeon": 1 });
        assert_eq!(
            readable(&line, false),
            "03:20:28.197 actors          game 2 41 FloorReached      floor 3, 5 reached"
        );
        let coloured = readable(&line, true);
        assert!(coloured.contains("\x1b[33mFloorReached") && coloured.ends_with("\x1b[0m"), "{coloured}");
    }
}
