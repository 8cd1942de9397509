//! The telemetry log: one JSON object a line, each line one `write(2)` on a file opened for appending.
//!
//! Invariant: when [`Log::write`] has returned `Ok`, the line is the kernel's and survives any death of this process.
//! Several processes append to the same file. A write cut short by a full disk, or by the death of its writer, leaves a torn line,
//! which readers skip; whoever opens a file that ends in one starts a fresh line, and what one that has it open already writes
//! behind it is told apart by [`pieces`]. When the file has grown large, the parent of a run gives each
//! process another one to go on in: none of them has to look, and one that may open no files can go on, too.

use crate::control::TelemetryTarget;
use crate::event::{Event, Level};
use crate::json::Json;
use crate::{Instance, Step};
use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, RwLock};

/// The file's name within a run's folder.
pub const LOG_FILE: &str = "telemetry.jsonl";

thread_local! {
    /// The line that a thread is about to write.
    static TEXT: RefCell<Json> = RefCell::new(Json::new());
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When it was written: RFC 3339, UTC, microseconds.
    pub ts: String,
    /// Counts the lines of one process life, from 1.
    pub seq: u64,
    /// The process: `agent` or a role's name.
    pub process: String,
    /// Its process id; a restarted role has another.
    pub pid: u32,
    /// The actor, or `supervisor`, `bridge`, ….
    pub actor: String,
    /// How much it matters.
    pub level: Level,
    /// Which game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
    /// The step it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// The emulated frame it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dur_us: Option<u64>,
    /// The event with its own fields.
    #[serde(flatten)]
    pub event: Event,
}

/// What a line has before its event: the fields of [`Line`].
#[derive(Serialize)]
struct Head<'a> {
    ts: fmt::Arguments<'a>,
    seq: u64,
    process: &'a str,
    pid: u32,
    actor: &'a str,
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Instance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur_us: Option<u64>,
}

/// What an event belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Which game.
    pub instance: Option<Instance>,
    /// The step.
    pub step: Option<Step>,
    /// The emulated frame.
    pub frame: Option<u64>,
    /// How long it took, in microseconds.
    pub dur_us: Option<u64>,
}

/// Writes the events of one process.
#[derive(Debug)]
pub struct Log {
    process: &'static str,
    pid: u32,
    sequence: AtomicU64,
    target: Target,
}

#[derive(Debug)]
enum Target {
    File(RwLock<File>),
    Memory(Mutex<Vec<u8>>),
    Null,
}

impl Log {
    /// Opens the log for a process of this name.
    pub fn open(target: &TelemetryTarget, process: &'static str) -> io::Result<Log> {
        let target = match target {
            TelemetryTarget::File(path) => Target::File(RwLock::new(open_for_appending(path)?)),
            TelemetryTarget::Memory => Target::Memory(Mutex::default()),
            TelemetryTarget::Null => Target::Null,
        };
        Ok(Log { process, pid: std::process::id(), sequence: AtomicU64::new(0), target })
    }

    /// Writes one event. An error means that the line is not in the log.
    pub fn write(&self, actor: &str, context: Context, event: Event) -> io::Result<()> {
        if matches!(self.target, Target::Null) {
            return Ok(());
        }
        let now = Timestamp::now();
        let head = Head {
            ts: format_args!("{now:.6}"),
            seq: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            process: self.process,
            pid: self.pid,
            actor,
            level: event.level(),
            instance: context.instance,
            step: context.step,
            frame: context.frame,
            dur_us: context.dur_us,
        };
        TEXT.with_borrow_mut(|text| {
            write_line(text, &head, &event)?;
            self.append(text.as_bytes())
        })
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        match &self.target {
            Target::File(file) => append(&file.read().expect("no writer panics while holding the lock"), line),
            Target::Memory(lines) => {
                lines.lock().expect("no writer panics while holding the lock").extend_from_slice(line);
                Ok(())
            }
            Target::Null => Ok(()),
        }
    }

    /// Goes on in another file. Lines that are being written meanwhile end up in the old one.
    pub fn go_on_in(&self, file: File) {
        if let Target::File(open) = &self.target {
            *open.write().expect("no writer panics while holding the lock") = file;
        }
    }

    /// What a log in memory holds.
    pub fn memory(&self) -> Vec<u8> {
        match &self.target {
            Target::Memory(lines) => lines.lock().expect("no writer panics while holding the lock").clone(),
            Target::File(_) | Target::Null => Vec::new(),
        }
    }
}

/// The time now: RFC 3339, UTC, microseconds.
pub fn now() -> String {
    format!("{:.6}", Timestamp::now())
}

/// Reads the lines of a log that are whole, oldest first, and counts those that are not.
pub fn read_lines(path: &Path) -> io::Result<(Vec<Line>, usize)> {
    let text = std::fs::read(path)?;
    let mut torn = 0;
    let lines = text.split(|byte| *byte == b'\n').flat_map(pieces);
    let lines = lines.filter_map(|line| serde_json::from_slice(line).inspect_err(|_| torn += 1).ok()).collect();
    Ok((lines, torn))
}

/// Writes a line in place of what was there.
fn write_line(text: &mut Json, head: &Head, event: &Event) -> serde_json::Result<()> {
    text.clear();
    head.serialize(&mut *text)?;
    text.reopen();
    event.serialize(&mut *text)?;
    text.put(b"\n");
    Ok(())
}

fn append(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    loop {
        match file.write(bytes) {
            Ok(written) if written == bytes.len() => return Ok(()),
            Ok(_) => return Err(io::Error::new(io::ErrorKind::StorageFull, "the line was cut short")),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The lines that a line of a log's file is made of: when a writer dies in the middle of one, what another writes next stands behind
/// that piece at once, and must not be lost with it. Mostly one; none of an empty line.
pub fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Within a text these bytes do not occur: quotes in it are escaped.
    static BEGINNING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"{\"ts\":\""));
    let mut rest = line;
    std::iter::from_fn(move || {
        let end = BEGINNING.find(rest.get(1..)?).map_or(rest.len(), |place| place + 1);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Opens a log to write at its end, on a fresh line.
pub fn open_for_appending(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last[0] != b'\n' {
            append(&file, b"\n")?;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_behind_a_torn_one_is_told_apart_from_it() {
        let whole = br#"{"ts":"2026","text":"{\"ts\":\" is no beginning"}"#;
        let of = |line: &[u8]| pieces(line).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(of(b""), Vec::<Vec<u8>>::new());
        assert_eq!(of(whole), [whole.to_vec()]);
        for length in 1..=whole.len() {
            let torn = &whole[..length];
            assert_eq!(of(&[torn, whole].concat()), [torn.to_vec(), whole.to_vec()], "{length}");
            let several = of(&[torn, torn, whole].concat());
            assert_eq!((several.concat(), several.last()), ([torn, torn, whole].concat(), Some(&whole.to_vec())));
        }
    }

    #[test]
    fn a_torn_last_line_is_skipped_and_closed_by_the_next_writer() {
        let path = std::env::temp_dir().join(format!("pocketpilot-log-{}", std::process::id()));
        let target = TelemetryTarget::File(path.clone());
        let event = || Event::AlertRaised { alert: "a".into(), detail: "b".into() };
        Log::open(&target, "test").expect("opens").write("x", Context::default(), event()).expect("writes");
        OpenOptions::new().append(true).open(&path).expect("opens").write_all(b"{\"ts\":\"20").expect("tears");
        let log = Log::open(&target, "test").expect("opens again");
        log.write("x", Context { step: Some(4), ..Context::default() }, event()).expect("writes");
        let (lines, torn) = read_lines(&path).expect("reads");
        std::fs::remove_file(&path).expect("removes");
        assert_eq!((lines.len(), torn), (2, 1));
        assert_eq!((lines[1].step, lines[1].seq, &lines[1].event), (Some(4), 1, &event()));
        assert_eq!(lines[0].ts.len(), "2026-01-01T00:00:00.000000Z".len());
    }

    #[test]
    fn a_line_holds_its_context_and_its_event_in_one_object() {
        let log = Log::open(&TelemetryTarget::Memory, "test").expect("opens");
        let context = Context { instance: Some(0), step: Some(4), frame: None, dur_us: Some(5) };
        for event in [Event::DecodeFailed { check: "a \"b\"".into(), count: 1 }, Event::StepCompleted(Box::default())] {
            log.write("x", context, event).expect("writes");
        }
        for written in log.memory().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(written).expect("it is a line");
            assert_eq!((line.process.as_str(), line.actor.as_str(), line.step), ("test", "x", Some(4)));
            assert_eq!(String::from_utf8_lossy(written), serde_json::to_string(&line).expect("it is JSON"));
        }
    }

    #[test]
    fn a_log_goes_on_in_the_file_that_it_is_given() {
        let path = std::env::temp_dir().join(format!("pocketpilot-moved-{}", std::process::id()));
        let older = path.with_extension("older");
        let event = || Event::AlertRaised { alert: "a".into(), detail: "b".into() };
        let log = Log::open(&TelemetryTarget::File(path.clone()), "test").expect("opens");
        log.write("x", Context::default(), event()).expect("writes");
        std::fs::rename(&path, &older).expect("it is renamed");
        log.write("x", Context::default(), event()).expect("writes");
        log.go_on_in(open_for_appending(&path).expect("opens"));
        log.write("x", Context::default(), event()).expect("writes");
        let sequences = |path: &Path| -> Vec<u64> {
            let (lines, _) = read_lines(path).expect("reads");
            lines.iter().map(|line| line.seq).collect()
        };
        let read = (sequences(&older), sequences(&path));
        for file in [&path, &older] {
            std::fs::remove_file(file).expect("removes");
        }
        assert_eq!(read, (vec![1, 2], vec![3]));
    }

    #[test]
    fn every_event_has_a_listed_name() {
        let event = Event::AlertRaised { alert: String::new(), detail: String::new() };
        let value = serde_json::to_value(&event).expect("an event is JSON");
        assert!(crate::event::EVENT_NAMES.contains(&value["event"].as_str().expect("it has a name")));
    }
}
