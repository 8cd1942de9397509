//! What a run has achieved, read from its telemetry log.
//!
//! The log is the one record that survives every process. It is scanned on from where the last scan ended; lines that
//! cannot matter are told by a search for an event's name and never parsed; torn lines are skipped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use wire::Epoch;
use wire::control::Done;
use wire::event::Event;
use wire::log::Line;

const CHUNK_BYTES: usize = 1 << 20;
/// An event's name stands behind the common fields, within this many bytes.
const HEAD_BYTES: usize = 400;

/// A scan that can be continued.
#[derive(Clone, Debug, Default)]
pub struct LogScan {
    offset: u64,
    rest: Vec<u8>,
    last_step: Vec<u8>,
    /// What the log held so far.
    pub done: Done,
    /// Turns of the lives that ended.
    pub turns: u64,
    /// The last emulator life that the log names.
    pub epoch: Epoch,
    /// What became of the runs of each skill.
    pub skills: BTreeMap<String, SkillTally>,
    /// Whether the log names a run at all.
    pub started: bool,
}

/// What became of the runs of one skill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkillTally {
    /// Runs that ended.
    pub runs: u64,
    /// Of these, those that did what the skill is for.
    pub successes: u64,
    /// Those that another skill or something else cut off.
    pub interrupted: u64,
    /// Those that ended with a mistake of the script.
    pub faults: u64,
    /// Steps of all of them.
    pub steps: u64,
}

impl LogScan {
    /// Reads what was appended since the last call. A log that does not exist yet holds nothing.
    pub fn advance(&mut self, path: &Path) -> io::Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.offset += read as u64;
            self.absorb(&chunk[..read]);
        }
        // Steps are numbered upwards, so only the last of them is worth parsing.
        let last_step = std::mem::take(&mut self.last_step);
        if let Ok(line) = serde_json::from_slice::<Line>(&last_step) {
            self.done.step = self.done.step.max(line.step.unwrap_or(0));
        }
        Ok(())
    }

    fn absorb(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        self.rest.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            let line = std::mem::replace(&mut self.rest, piece.to_vec());
            self.note(line);
        }
    }

    fn note(&mut self, line: Vec<u8>) {
        // A step that was torn must not hide the whole one before it; a whole one ends with its state's object.
        if holds(&line, b"\"StepCompleted\"") {
            if line.ends_with(b"}}") {
                self.last_step = line;
            }
            return;
        }
        const NAMES: [&[u8]; 5] =
            [b"\"RunStarted\"", b"\"FloorReached\"", b"\"EpisodeEnded\"", b"\"ProcessReady\"", b"\"SkillFinished\""];
        if !NAMES.iter().any(|name| holds(&line, name)) {
            return;
        }
        let Ok(line) = serde_json::from_slice::<Line>(&line) else { return };
        match line.event {
            Event::RunStarted { .. } => self.started = true,
            Event::FloorReached { floor, floors, .. } => {
                self.done.floors = self.done.floors.max(floors);
                self.done.floor = self.done.floor.max(floor);
                self.done.best_floor = self.done.best_floor.max(floor);
            }
            Event::EpisodeEnded { turns, .. } => {
                self.done.episodes += 1;
                self.done.floor = 0;
                self.turns += turns;
            }
            Event::SkillFinished { skill, outcome, steps, .. } => {
                let tally = self.skills.entry(skill).or_default();
                tally.runs += 1;
                tally.steps += steps;
                tally.successes += u64::from(outcome == "success");
                tally.interrupted += u64::from(outcome == "interrupted");
                tally.faults += u64::from(outcome == "fault");
            }
            Event::ProcessReady { epoch, .. } => self.epoch = self.epoch.max(epoch),
            _ => {}
        }
        if let Some(step) = line.step {
            self.done.step = self.done.step.max(step);
        }
    }
}

fn holds(line: &[u8], name: &[u8]) -> bool {
    line[..line.len().min(HEAD_BYTES)].windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use wire::control::TelemetryTarget;
    use wire::log::{Context, Log};

    struct TemporaryLog(std::path::PathBuf);

    impl TemporaryLog {
        fn new(name: &str) -> TemporaryLog {
            let path = std::env::temp_dir().join(format!("pocketpilot-scan-{name}-{}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            TemporaryLog(path)
        }

        fn write(&self, step: Option<u64>, event: Event) {
            let log = Log::open(&TelemetryTarget::File(self.0.clone()), "test").expect("opens");
            log.write("test", Context { step, ..Context::default() }, event).expect("writes");
        }

        fn step(&self, step: u64) {
            self.write(Some(step), Event::StepCompleted(Box::default()));
        }
    }

    impl Drop for TemporaryLog {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn floors_lives_and_the_last_step_are_found() {
        let log = TemporaryLog::new("all");
        log.step(1);
        log.write(Some(2), Event::FloorReached { floor: 1, floors: 1, dungeon: 3 });
        log.write(Some(4), Event::FloorReached { floor: 2, floors: 2, dungeon: 3 });
        log.write(Some(5), Event::EpisodeEnded { outcome: "fainted".into(), floor: 2, turns: 70 });
        log.write(Some(6), Event::FloorReached { floor: 1, floors: 3, dungeon: 3 });
        log.step(7);
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        let expected = Done { step: 7, floors: 3, floor: 1, best_floor: 2, episodes: 1, continuing: false };
        assert_eq!((&scan.done, scan.turns), (&expected, 70));
    }

    #[test]
    fn a_later_scan_reads_only_what_was_added() {
        let log = TemporaryLog::new("later");
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("a log that is not there holds nothing");
        log.write(None, Event::EpisodeEnded { outcome: "fainted".into(), floor: 1, turns: 5 });
        scan.advance(&log.0).expect("it reads");
        scan.advance(&log.0).expect("it reads");
        assert_eq!(scan.done.episodes, 1);
        log.step(9);
        scan.advance(&log.0).expect("it reads");
        assert_eq!((scan.done.episodes, scan.done.step), (1, 9));
    }

    #[test]
    fn torn_lines_are_skipped() {
        let log = TemporaryLog::new("torn");
        log.step(3);
        let mut file = OpenOptions::new().append(true).open(&log.0).expect("opens");
        file.write_all(b"{\"step\":4,\"event\":\"StepCompleted\",\"epo").expect("tears");
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        assert_eq!(scan.done.step, 3);
        log.write(Some(5), Event::FloorReached { floor: 1, floors: 1, dungeon: 0 });
        scan.advance(&log.0).expect("it reads");
        assert_eq!((scan.done.step, scan.done.floors), (5, 1));
    }

    #[test]
    fn the_emulators_lives_go_on_counting() {
        let log = TemporaryLog::new("lives");
        let ready =
            |epoch| Event::ProcessReady { role: "emulator-bridge".into(), child_pid: 1, epoch, detail: "".into() };
        log.write(None, ready(1));
        log.write(None, ready(4));
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        assert_eq!(scan.epoch, 4);
    }
}
