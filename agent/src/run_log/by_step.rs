//! Finds lines by the step they belong to, in a log of any size, without reading it: steps grow along a log, so that its bytes can be
//! searched by halves.
//!
//! A log in several parts is searched as if it were one file. Absent: an index; each question looks at a few dozen places. A game
//! that says nothing over more than [`SCAN_BYTES_MAX`] and then goes on is found up to its silence alone.

use super::RunLog;
use serde::Deserialize;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use wire::log::pieces;
use wire::{Instance, Step};

const BLOCK_BYTES: usize = 128 << 10;
/// What is left of a search is read line by line.
const NEAR_BYTES: u64 = 64 << 10;
/// How far a line of the wanted game is looked for.
pub const SCAN_BYTES_MAX: u64 = 32 << 20;
/// No line is longer.
const LINE_BYTES_MAX: usize = 16 << 20;

/// A line that belongs to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The step.
    pub step: Step,
    /// The line, without its end.
    pub line: Vec<u8>,
}

/// A log, or another file of lines that belong to steps, as it is now.
#[derive(Debug)]
pub struct ByStep {
    parts: Vec<Part>,
    length: u64,
    /// The event that is wanted; none where all lines are.
    event: Option<&'static str>,
}

#[derive(Debug)]
struct Part {
    file: File,
    /// Where it begins among all of them.
    start: u64,
    length: u64,
}

/// What a line is found by.
#[derive(Deserialize)]
struct Key<'a> {
    instance: Option<Instance>,
    step: Option<Step>,
    event: Option<&'a str>,
}

impl ByStep {
    /// The steps of a log.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn of_log(log: &RunLog) -> io::Result<ByStep> {
        ByStep::of_event(log, "StepCompleted")
    }

    /// Another event of a log.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn of_event(log: &RunLog, event: &'static str) -> io::Result<ByStep> {
        ByStep::open(log.parts()?, Some(event))
    }

    /// A file in which each line belongs to a step; one that is not there is empty.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<ByStep> {
        ByStep::open(vec![path.to_path_buf()], None)
    }

    fn open(paths: Vec<PathBuf>, event: Option<&'static str>) -> io::Result<ByStep> {
        let (mut parts, mut length) = (Vec::new(), 0);
        for path in paths {
            let file = match File::open(&path) {
                Ok(file) => file,
                // An old part may just have been removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let part = Part { start: length, length: file.metadata()?.len(), file };
            length += part.length;
            parts.push(part);
        }
        Ok(ByStep { parts, length, event })
    }

    /// The last so many lines of a game before a step, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn before(&self, game: Instance, step: Step, count: usize) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        if count == 0 {
            return Ok(found);
        }
        self.backward(self.place_of(game, step)?, &mut |line| {
            if let Some(number) = self.step_of(line, game).filter(|number| *number < step) {
                found.push(Found { step: number, line: line.to_vec() });
            }
            if found.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        found.reverse();
        Ok(found)
    }

    /// The first so many lines of a game from a step on.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn since(&self, game: Instance, step: Step, count: usize) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        if count == 0 {
            return Ok(found);
        }
        let place = self.place_of(game, step)?;
        self.forward(place, self.length.min(place + SCAN_BYTES_MAX), &mut |_, line| {
            if let Some(number) = self.step_of(line, game).filter(|number| *number >= step) {
                found.push(Found { step: number, line: line.to_vec() });
            }
            if found.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(found)
    }

    /// The start of the first line of a game that belongs to that step or a later one.
    fn place_of(&self, game: Instance, step: Step) -> io::Result<u64> {
        // Lines that start before `low` belong to earlier steps, those that start from `high` on do not.
        let (mut low, mut high) = (0, self.length);
        while high - low > NEAR_BYTES {
            let middle = low + (high - low) / 2;
            match self.first(game, middle, high.min(middle + SCAN_BYTES_MAX))? {
                Some((end, number)) if number < step => low = end.min(high),
                _ => high = middle,
            }
        }
        let mut place = self.length;
        self.forward(low, self.length, &mut |start, line| {
            if start < high && self.step_of(line, game).is_none_or(|number| number < step) {
                return ControlFlow::Continue(());
            }
            place = start;
            ControlFlow::Break(())
        })?;
        Ok(place)
    }

    /// The end and the step of the first line of a game that starts there.
    fn first(&self, game: Instance, from: u64, until: u64) -> io::Result<Option<(u64, Step)>> {
        let mut found = None;
        self.forward(from, until, &mut |start, line| match self.step_of(line, game) {
            Some(number) => {
                found = Some((start + line.len() as u64 + 1, number));
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        })?;
        Ok(found)
    }

    fn step_of(&self, line: &[u8], game: Instance) -> Option<Step> {
        if let Some(event) = self.event {
            // Most lines that are not wanted are told from their beginning, without parsing.
            let head = &line[..line.len().min(512)];
            if !head.windows(event.len()).any(|part| part == event.as_bytes()) {
                return None;
            }
        }
        let key: Key<'_> = serde_json::from_slice(line).ok()?;
        let is_wanted = key.instance.unwrap_or(0) == game && (self.event.is_none() || key.event == self.event);
        key.step.filter(|_| is_wanted)
    }

    /// Gives each line that starts between two places, with its start.
    fn forward(&self, from: u64, until: u64, each: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>) -> io::Result<()> {
        for part in self.parts.iter().filter(|part| part.start < until && part.start + part.length > from) {
            // The byte before tells whether a line starts here.
            let first = from.saturating_sub(part.start);
            let mut at = first.saturating_sub(1);
            let (mut line, mut start, mut is_whole) = (Vec::new(), first, first == 0);
            let mut block = vec![0; BLOCK_BYTES];
            while at < part.length {
                let size = part.file.read_at(&mut block, at)?;
                if size == 0 {
                    break;
                }
                for piece in block[..size].split_inclusive(|byte| *byte == b'\n') {
                    at += piece.len() as u64;
                    let has_end = piece.ends_with(b"\n");
                    if is_whole && line.len() + piece.len() <= LINE_BYTES_MAX {
                        line.extend_from_slice(piece);
                    }
                    if !has_end {
                        continue;
                    }
                    if is_whole && line.len() > 1 && each(part.start + start, last(&line[..line.len() - 1])).is_break()
                    {
                        return Ok(());
                    }
                    line.clear();
                    (start, is_whole) = (at, true);
                    if part.start + start >= until {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives each line that starts before a place, the last first.
    fn backward(&self, from: u64, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<()> {
        let mut left = SCAN_BYTES_MAX;
        for part in self.parts.iter().rev().filter(|part| part.start < from) {
            let mut end = (from - part.start).min(part.length);
            let mut after = Vec::new();
            while end > 0 {
                let size = (BLOCK_BYTES as u64).min(end);
                let start = end - size;
                let mut block = vec![0; size as usize];
                part.file.read_exact_at(&mut block, start)?;
                block.append(&mut after);
                end = start;
                let first = block.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
                let whole = if start == 0 { 0 } else { first.unwrap_or(block.len()) };
                for line in block[whole..].split(|byte| *byte == b'\n').rev().filter(|line| !line.is_empty()) {
                    if each(last(line)).is_break() {
                        return Ok(());
                    }
                }
                block.truncate(whole);
                if block.len() <= LINE_BYTES_MAX {
                    after = block;
                }
                left = left.saturating_sub(size);
                if left == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The line itself, without torn ones before it.
fn last(line: &[u8]) -> &[u8] {
    pieces(line).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn line(game: Instance, step: Step) -> String {
        let filling = "x".repeat(200 + (step as usize * 7) % 300);
        format!(
            r#"{{"ts":"2026-11-29T03:20:28.197082Z","seq":{step},"level":"info","instance":{game},"step":{step},"event":"StepCompleted","reason":"{filling}"}}"#
        )
    }

    /// A log of two games in three parts, with other lines between, and a line that is being written.
    fn log(steps: u64) -> (PathBuf, RunLog) {
        let folder = std::env::temp_dir().join(format!("pocketpilot-by-step-{steps}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("it is made");
        let log = RunLog::at(&folder.join("telemetry.jsonl"));
        let mut parts = vec![String::new(); 3];
        for step in 1..=steps {
            let part = &mut parts[((step - 1) * 3 / steps) as usize];
            writeln!(part, r#"{{"seq":1,"instance":0,"step":{step},"event":"DecisionMade"}}"#).expect("it is written");
            for game in [0, 1].into_iter().filter(|game| *game == 0 || step <= steps / 2) {
                writeln!(part, "{}", line(game, step)).expect("it is written");
            }
        }
        parts[2].push_str(&line(0, steps + 1)[..150]);
        for (path, text) in [log.part(1), log.part(2), log.path.clone()].iter().zip(&parts) {
            std::fs::write(path, text).expect("it is written");
        }
        (folder, log)
    }

    fn numbers(found: io::Result<Vec<Found>>) -> Vec<Step> {
        found.expect("it is read").iter().map(|found| found.step).collect()
    }

    #[test]
    fn steps_are_found_by_number_anywhere_in_a_log_of_several_parts() {
        let (folder, log) = log(3_000);
        let steps = ByStep::of_log(&log).expect("it opens");
        for step in [1, 2, 500, 999, 1_000, 1_001, 1_777, 2_999, 3_000] {
            assert_eq!(numbers(steps.since(0, step, 3)), (step..=3_000.min(step + 2)).collect::<Vec<_>>());
            let first = step.saturating_sub(200).max(1);
            assert_eq!(numbers(steps.before(0, step, 200)), (first..step).collect::<Vec<_>>());
        }
        assert_eq!(numbers(steps.before(0, u64::MAX, 2)), [2_999, 3_000], "what is being written is no step yet");
        assert_eq!(numbers(steps.before(1, u64::MAX, 2)), [1_499, 1_500], "games are told apart");
        assert_eq!(numbers(steps.since(0, 3_001, 5)), [0u64; 0]);
        assert_eq!(steps.since(0, 7, 1).expect("it is read")[0].line, line(0, 7).into_bytes());
        std::fs::remove_dir_all(folder).expect("it is removed");
    }

    #[test]
    fn paging_back_from_the_end_meets_every_step_once() {
        let (folder, log) = log(1_234);
        let (mut seen, mut before) = (Vec::new(), u64::MAX);
        loop {
            let page = numbers(ByStep::of_log(&log).expect("it opens").before(0, before, 97));
            let Some(first) = page.first() else { break };
            before = *first;
            seen.splice(0..0, page);
        }
        assert_eq!(seen, (1..=1_234).collect::<Vec<_>>());
        std::fs::remove_dir_all(folder).expect("it is removed");
    }

    #[test]
    fn a_file_that_is_not_there_has_no_lines() {
        let none = ByStep::of_file(Path::new("/nowhere/exchanges.jsonl")).expect("that is no error");
        assert_eq!(numbers(none.before(0, 9, 9)), [0u64; 0]);
    }
}
