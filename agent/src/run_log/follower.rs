//! Reads the lines of a log as they are written, over rotation and over the deaths of its writers.
//!
//! Each line that was written whole is given once, in the order of the file; the last part's lines may come between those of the
//! next one, because a process goes on for a moment in the file that it has open. Absent: parsing; a torn line is given as it is.

use super::RunLog;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use wire::log::pieces;

const CHUNK_BYTES: usize = 1 << 20;
/// No line is longer; what is, was never one.
const LINE_BYTES_MAX: usize = 16 << 20;
/// How long writers may go on in the part before.
const LEAVING: Duration = Duration::from_secs(5);

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first line.
    First,
    /// With the last so many lines; with none of them, what is written from now on.
    Last(usize),
}

/// Reads a log on and on.
#[derive(Debug)]
pub struct Follower {
    log: RunLog,
    start: Start,
    part: Option<Part>,
    /// The part before, and until when it is still looked at.
    leaving: Option<(Part, Instant)>,
    chunk: Vec<u8>,
}

#[derive(Debug)]
struct Part {
    file: File,
    /// Device and inode.
    id: (u64, u64),
    offset: u64,
    rest: Vec<u8>,
}

impl Follower {
    /// Follows a log from there on.
    pub fn new(log: RunLog, start: Start) -> Follower {
        Follower { log, start, part: None, leaving: None, chunk: vec![0; CHUNK_BYTES] }
    }

    /// The log.
    pub fn log(&self) -> &RunLog {
        &self.log
    }

    /// Gives each line that was added since, without its end. Stops early if `each` breaks.
    ///
    /// # Errors
    /// When a file cannot be read. The log may have gone on nevertheless.
    pub fn advance(&mut self, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
        if self.part.is_none() {
            self.part = self.first_part()?;
        }
        loop {
            if let Some((part, until)) = &mut self.leaving {
                let is_over = Instant::now() >= *until;
                if part.read(&mut self.chunk, each)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                if is_over {
                    self.leaving = None;
                }
            }
            let Some(part) = &mut self.part else { return Ok(ControlFlow::Continue(())) };
            if part.read(&mut self.chunk, each)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(next) = self.next_part()? else { return Ok(ControlFlow::Continue(())) };
            if let Some(left) = self.part.replace(next) {
                self.leaving = Some((left, Instant::now() + LEAVING));
            }
        }
    }

    /// The end of the log that no line break ends: a line that is being written, or one that was torn.
    pub fn rest(&self) -> &[u8] {
        self.part.as_ref().map_or(&[], |part| &part.rest)
    }

    fn first_part(&self) -> io::Result<Option<Part>> {
        let parts = self.log.parts()?;
        let Start::Last(mut wanted) = self.start else { return Part::open(&parts[0]) };
        for (place, path) in parts.iter().enumerate().rev() {
            let Some(mut part) = Part::open(path)? else { continue };
            let (offset, found) = start_of_last(&mut part.file, wanted)?;
            if found >= wanted || place == 0 {
                part.offset = offset;
                part.file.seek(SeekFrom::Start(offset))?;
                return Ok(Some(part));
            }
            wanted -= found;
        }
        Ok(None)
    }

    /// The part after the one that is open, if the log went on in another file.
    fn next_part(&self) -> io::Result<Option<Part>> {
        let Some(open) = &self.part else { return Ok(None) };
        let Some(written) = id_of(&self.log.path)? else { return Ok(None) };
        if written == open.id {
            return Ok(None);
        }
        let parts = self.log.parts()?;
        let ids = parts.iter().map(|path| id_of(path)).collect::<io::Result<Vec<_>>>()?;
        match ids.iter().position(|id| *id == Some(open.id)) {
            Some(place) => parts.get(place + 1).map_or(Ok(None), |path| Part::open(path)),
            // Somebody put another file in its place: a newer copy of the same log goes on where this one ended.
            None => Ok(Part::open(&self.log.path)?.map(|next| next.from(open.offset - open.rest.len() as u64))),
        }
    }
}

impl Part {
    fn open(path: &Path) -> io::Result<Option<Part>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        Ok(Some(Part { file, id: (metadata.dev(), metadata.ino()), offset: 0, rest: Vec::new() }))
    }

    fn from(mut self, offset: u64) -> Part {
        let is_there = self.file.metadata().is_ok_and(|metadata| metadata.len() >= offset);
        if is_there && self.file.seek(SeekFrom::Start(offset)).is_ok() {
            self.offset = offset;
        }
        self
    }

    /// Reads to the present end.
    fn read(
        &mut self,
        chunk: &mut [u8],
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        if self.file.metadata()?.len() < self.offset {
            // It was made anew: what is in it now is another log.
            self.file.seek(SeekFrom::Start(0))?;
            (self.offset, self.rest) = (0, Vec::new());
        }
        loop {
            let read = match self.file.read(chunk) {
                Ok(0) => return Ok(ControlFlow::Continue(())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.offset += read as u64;
            let mut lines = chunk[..read].split(|byte| *byte == b'\n');
            let mut last = lines.next().unwrap_or_default();
            for next in lines {
                let line = std::mem::replace(&mut last, next);
                let is_done = if self.rest.is_empty() {
                    give(line, each)
                } else {
                    self.rest.extend_from_slice(line);
                    give(&std::mem::take(&mut self.rest), each)
                };
                if is_done.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if self.rest.len() + last.len() <= LINE_BYTES_MAX {
                self.rest.extend_from_slice(last);
            } else {
                self.rest.clear();
            }
        }
    }
}

fn give(line: &[u8], each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    pieces(line).try_for_each(each)
}

fn id_of(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the last lines of a file begin, and how many there are of those that are wanted.
fn start_of_last(file: &mut File, wanted: usize) -> io::Result<(u64, usize)> {
    let length = file.seek(SeekFrom::End(0))?;
    if wanted == 0 {
        return Ok((length, 0));
    }
    let mut chunk = vec![0; CHUNK_BYTES.min(length as usize)];
    let (mut end, mut found) = (length, 0);
    while end > 0 {
        let size = (chunk.len() as u64).min(end);
        let start = end - size;
        file.seek(SeekFrom::Start(start))?;
        let chunk = &mut chunk[..size as usize];
        file.read_exact(chunk)?;
        for (place, _) in chunk.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let after = start + place as u64 + 1;
            if after == length {
                continue;
            }
            found += 1;
            if found == wanted {
                return Ok((after, found));
            }
        }
        end = start;
    }
    Ok((0, found + usize::from(length > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::path::PathBuf;

    struct Log(PathBuf);

    impl Log {
        fn new(name: &str) -> Log {
            let folder = std::env::temp_dir().join(format!("pocketpilot-follow-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("it is made");
            Log(folder)
        }

        fn place(&self) -> RunLog {
            RunLog::at(&self.0.join("telemetry.jsonl"))
        }

        fn writer(&self) -> File {
            OpenOptions::new().create(true).append(true).open(self.place().path).expect("it opens")
        }

        fn rotate(&self, number: u64) {
            std::fs::rename(self.place().path, self.place().part(number)).expect("it is renamed");
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn lines(follower: &mut Follower) -> Vec<String> {
        let mut lines = Vec::new();
        let mut note = |line: &[u8]| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            ControlFlow::Continue(())
        };
        assert!(follower.advance(&mut note).expect("it reads").is_continue());
        lines
    }

    #[test]
    fn lines_are_given_once_and_only_when_they_are_whole() {
        let log = Log::new("whole");
        let mut writer = log.writer();
        let mut follower = Follower::new(log.place(), Start::First);
        writer.write_all(b"one\ntwo\nthr").expect("it is written");
        assert_eq!(lines(&mut follower), ["one", "two"]);
        assert_eq!(follower.rest(), b"thr");
        writer.write_all(b"ee\n\nfour\n").expect("it is written");
        assert_eq!(lines(&mut follower), ["three", "four"]);
        assert!(lines(&mut follower).is_empty());
    }

    #[test]
    fn a_rotated_log_is_followed_into_its_next_part_and_late_lines_are_not_lost() {
        let log = Log::new("rotated");
        let mut writer = log.writer();
        writer.write_all(b"one\n").expect("it is written");
        let mut follower = Follower::new(log.place(), Start::First);
        assert_eq!(lines(&mut follower), ["one"]);
        log.rotate(1);
        writer.write_all(b"two\n").expect("it is written");
        let mut next = log.writer();
        next.write_all(b"three\n").expect("it is written");
        assert_eq!(lines(&mut follower), ["two", "three"]);
        writer.write_all(b"late\n").expect("it is written");
        next.write_all(b"four\n").expect("it is written");
        assert_eq!(lines(&mut follower), ["late", "four"]);
        log.rotate(2);
        log.writer().write_all(b"five\n").expect("it is written");
        assert_eq!(lines(&mut follower), ["five"]);
        let mut whole = Follower::new(log.place(), Start::First);
        assert_eq!(lines(&mut whole), ["one", "two", "late", "three", "four", "five"]);
    }

    #[test]
    fn the_last_lines_are_found_over_parts() {
        let log = Log::new("last");
        let last = |count| lines(&mut Follower::new(log.place(), Start::Last(count)));
        log.writer().write_all(b"").expect("it is written");
        assert!(last(3).is_empty());
        log.writer().write_all(b"a\nb\nc\n").expect("it is written");
        assert_eq!(last(2), ["b", "c"]);
        assert!(last(0).is_empty());
        assert_eq!(last(9), ["a", "b", "c"]);
        log.rotate(1);
        log.writer().write_all(b"d\ne\n").expect("it is written");
        assert_eq!(last(1), ["e"]);
        assert_eq!(last(2), ["d", "e"]);
        assert_eq!(last(4), ["b", "c", "d", "e"]);
        let long: String = (0..400_000).map(|number| format!("{number}\n")).collect();
        log.writer().write_all(long.as_bytes()).expect("it is written");
        assert_eq!(last(400_001).len(), 400_001);
        assert_eq!(last(2), ["399998", "399999"]);
    }

    #[test]
    fn a_log_that_was_made_anew_or_replaced_by_a_newer_copy_is_read_on() {
        let log = Log::new("anew");
        log.writer().write_all(b"one\ntwo\n").expect("it is written");
        let mut follower = Follower::new(log.place(), Start::First);
        assert_eq!(lines(&mut follower), ["one", "two"]);
        std::fs::write(log.0.join("copy"), "one\ntwo\nthree\n").expect("it is written");
        std::fs::rename(log.0.join("copy"), log.place().path).expect("it is renamed");
        assert_eq!(lines(&mut follower), ["three"]);
        std::fs::write(log.place().path, "new\n").expect("it is written");
        assert_eq!(lines(&mut follower), ["new"]);
    }

    #[test]
    fn what_is_no_line_takes_no_memory_and_reading_stops_when_it_is_told_to() {
        let log = Log::new("junk");
        log.writer().write_all(&vec![b'x'; LINE_BYTES_MAX + 2 * CHUNK_BYTES]).expect("it is written");
        let mut follower = Follower::new(log.place(), Start::First);
        assert!(lines(&mut follower).is_empty() && follower.rest().len() <= LINE_BYTES_MAX);
        log.writer().write_all(b"\nnext\nother\n").expect("it is written");
        let mut seen = 0;
        let mut stop = |_: &[u8]| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert!(follower.advance(&mut stop).expect("it reads").is_break());
        assert_eq!(seen, 2);
    }
}
