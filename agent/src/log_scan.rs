//! What a run has achieved, read from its telemetry log.
//!
//! The log is the one record that survives every process. It is scanned on from where the last scan ended; lines that
//! cannot matter are told by a search for an event's name and never parsed; torn lines are skipped. What was in parts that are
//! not kept any more was added up when they were removed ([`LogScan::remove`]).

use crate::run_log::{Follower, RunLog, Start};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use wire::control::{Done, Role};
use wire::event::Event;
use wire::log::Line;
use wire::{Epoch, Instance};

/// An event's name stands behind the common fields, within this many bytes.
const HEAD_BYTES: usize = 400;
/// What was in parts that were removed.
const BEFORE_FILE: &str = "telemetry.before.json";

/// A scan that can be continued.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LogScan {
    #[serde(skip)]
    follower: Option<Follower>,
    games: BTreeMap<Instance, Played>,
    /// What became of the runs of each skill.
    pub skills: BTreeMap<String, SkillTally>,
    /// What became of the questions to models.
    pub models: ModelTally,
    /// The newest part that was removed, 0 for none.
    removed: u64,
}

/// What the log holds of one game.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// What it has achieved.
    pub done: Done,
    /// Turns of the lives that ended.
    pub turns: u64,
    /// The last life of its emulator that the log names.
    pub epoch: Epoch,
    /// The line of its last step, until it is parsed.
    #[serde(skip)]
    last_step: Vec<u8>,
}

/// What became of the runs of one skill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// What became of the questions to models, of all games.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelTally {
    /// Decisions for which a model was asked.
    pub asked: u64,
    /// Decisions for which none had to be asked again.
    pub saved: u64,
    /// Questions that the planner answered.
    pub planner: u64,
    /// Calls that were answered, whether the answer could be used or not.
    pub answered: u64,
    /// Calls that failed; not those that were never made, because a server was busy or left alone.
    pub failed: u64,
    /// Tokens of prompts.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// What they cost by the tiers' prices.
    pub cost: f64,
}

impl LogScan {
    /// Reads what was appended since the last call. A log that does not exist yet holds nothing.
    pub fn advance(&mut self, path: &Path) -> io::Result<()> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => {
                *self = LogScan::before(path)?;
                Follower::new(RunLog::at(path), Start::First)
            }
        };
        let read = follower.advance(&mut |line| {
            self.note(line);
            ControlFlow::Continue(())
        });
        self.follower = Some(follower);
        read.map(drop)?;
        // Steps of a game are numbered upwards, so only the last of them is worth parsing.
        for game in self.games.values_mut() {
            let last_step = std::mem::take(&mut game.last_step);
            if let Ok(line) = serde_json::from_slice::<Line>(&last_step) {
                game.done.step = game.done.step.max(line.step.unwrap_or(0));
            }
        }
        Ok(())
    }

    /// Removes a part of a log, after what is in it was added to what was in those before.
    pub fn remove(log: &RunLog, number: u64) -> io::Result<()> {
        let part = log.part(number);
        let mut scan = LogScan::before(&log.path)?;
        scan.follower = Some(Follower::new(RunLog::at(&part), Start::First));
        scan.advance(&part)?;
        scan.removed = number;
        let file = before_file(&log.path);
        let fresh = file.with_extension("tmp");
        std::fs::write(&fresh, serde_json::to_vec(&scan)?)?;
        std::fs::rename(fresh, file)?;
        std::fs::remove_file(part)
    }

    /// What was in parts that were removed.
    fn before(path: &Path) -> io::Result<LogScan> {
        let scan: LogScan = match std::fs::read(before_file(path)) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LogScan::default()),
            Err(error) => return Err(error),
        };
        // Whoever removed it may have died before it was gone; it must not count twice.
        match std::fs::remove_file(RunLog::at(path).part(scan.removed)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(scan),
        }
    }

    /// What the log held so far of a game.
    pub fn game(&self, instance: Instance) -> Played {
        self.games.get(&instance).cloned().unwrap_or_default()
    }

    /// Steps and floors of all games.
    pub fn steps_and_floors(&self) -> (u64, u32) {
        let games = self.games.values().map(|game| (game.done.step, game.done.floors));
        games.fold((0, 0), |(steps, floors), (more_steps, more)| (steps + more_steps, floors + more))
    }

    fn note(&mut self, line: &[u8]) {
        // A step that was torn must not hide the whole one before it; a whole one ends with its state's object.
        if holds(line, b"\"StepCompleted\"") {
            if line.ends_with(b"}}") {
                let last_step = &mut self.games.entry(instance_in(line)).or_default().last_step;
                last_step.clear();
                last_step.extend_from_slice(line);
            }
            return;
        }
        const NAMES: [&[u8]; 6] = [
            b"\"FloorReached\"",
            b"\"EpisodeEnded\"",
            b"\"ProcessReady\"",
            b"\"SkillFinished\"",
            b"\"DecisionSummary\"",
            b"\"ModelCalled\"",
        ];
        if !NAMES.iter().any(|name| holds(line, name)) {
            return;
        }
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return };
        // A line that names no game is of the only one there is.
        let game = self.games.entry(line.instance.unwrap_or(0)).or_default();
        match line.event {
            Event::FloorReached { floor, floors, .. } => {
                game.done.floors = game.done.floors.max(floors);
                game.done.floor = game.done.floor.max(floor);
                game.done.best_floor = game.done.best_floor.max(floor);
            }
            Event::EpisodeEnded { turns, .. } => {
                game.done.episodes += 1;
                game.done.floor = 0;
                game.turns += turns;
            }
            Event::SkillFinished { skill, outcome, steps, .. } => {
                let tally = self.skills.entry(skill).or_default();
                tally.runs += 1;
                tally.steps += steps;
                tally.successes += u64::from(outcome == "success");
                tally.interrupted += u64::from(outcome == "interrupted");
                tally.faults += u64::from(outcome == "fault");
            }
            Event::ProcessReady { role, epoch, .. } if role == Role::EmulatorBridge.name() => {
                game.epoch = game.epoch.max(epoch);
            }
            Event::DecisionSummary { model, exact, similar, shared, kept, planner, .. } => {
                self.models.asked += model;
                self.models.saved += exact + similar + shared + kept;
                self.models.planner += planner;
            }
            Event::ModelCalled { outcome, tokens_in, tokens_out, cost, .. } => {
                let outcome = outcome.as_str();
                self.models.answered += u64::from(matches!(outcome, "answered" | "repaired" | "unusable"));
                self.models.failed += u64::from(matches!(outcome, "unreachable" | "refused" | "late"));
                self.models.tokens_in += tokens_in;
                self.models.tokens_out += tokens_out;
                self.models.cost += cost;
            }
            _ => {}
        }
        if let Some(step) = line.step {
            game.done.step = game.done.step.max(step);
        }
    }
}

fn before_file(log: &Path) -> PathBuf {
    log.with_file_name(BEFORE_FILE)
}

fn holds(line: &[u8], name: &[u8]) -> bool {
    place_of(line, name).is_some()
}

fn place_of(line: &[u8], name: &[u8]) -> Option<usize> {
    line[..line.len().min(HEAD_BYTES)].windows(name.len()).position(|window| window == name)
}

/// The game that a line names, without parsing it.
fn instance_in(line: &[u8]) -> Instance {
    const NAME: &[u8] = b"\"instance\":";
    let digits = place_of(line, NAME).map_or(&[][..], |place| &line[place + NAME.len()..]);
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: Instance, digit| number.wrapping_mul(10).wrapping_add(Instance::from(digit - b'0')))
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
            let folder = std::env::temp_dir().join(format!("pocketpilot-scan-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("it is made");
            TemporaryLog(folder.join("telemetry.jsonl"))
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
            let _ = std::fs::remove_dir_all(self.0.parent().expect("it lies in a folder"));
        }
    }

    #[test]
    fn floors_lives_and_the_last_step_are_found() {
        let log = TemporaryLog::new("all");
        log.step(1);
        log.write(Some(2), Event::FloorReached { floor: 1, floors: 1, dungeon: 3 });
        log.write(Some(4), Event::FloorReached { floor: 2, floors: 2, dungeon: 3 });
        log.write(
            Some(5),
            Event::EpisodeEnded { outcome: "fainted".into(), floor: 2, turns: 70, message: String::new() },
        );
        log.write(Some(6), Event::FloorReached { floor: 1, floors: 3, dungeon: 3 });
        log.step(7);
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        let expected = Done { step: 7, floors: 3, floor: 1, best_floor: 2, episodes: 1, continuing: false };
        assert_eq!((scan.game(0).done, scan.game(0).turns), (expected, 70));
    }

    #[test]
    fn a_later_scan_reads_only_what_was_added() {
        let log = TemporaryLog::new("later");
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("a log that is not there holds nothing");
        log.write(None, Event::EpisodeEnded { outcome: "fainted".into(), floor: 1, turns: 5, message: String::new() });
        scan.advance(&log.0).expect("it reads");
        scan.advance(&log.0).expect("it reads");
        assert_eq!(scan.game(0).done.episodes, 1);
        log.step(9);
        scan.advance(&log.0).expect("it reads");
        assert_eq!((scan.game(0).done.episodes, scan.game(0).done.step), (1, 9));
    }

    #[test]
    fn torn_lines_are_skipped() {
        let log = TemporaryLog::new("torn");
        log.step(3);
        let mut file = OpenOptions::new().append(true).open(&log.0).expect("opens");
        file.write_all(b"{\"step\":4,\"event\":\"StepCompleted\",\"epo").expect("tears");
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        assert_eq!(scan.game(0).done.step, 3);
        log.write(Some(5), Event::FloorReached { floor: 1, floors: 1, dungeon: 0 });
        scan.advance(&log.0).expect("it reads");
        assert_eq!((scan.game(0).done.step, scan.game(0).done.floors), (5, 1));
    }

    #[test]
    fn what_was_in_parts_that_were_removed_still_counts() {
        let log = TemporaryLog::new("removed");
        let place = RunLog::at(&log.0);
        for (number, floors) in [(1, 2), (2, 3)] {
            log.write(Some(4 * number), Event::FloorReached { floor: floors, floors, dungeon: 3 });
            log.write(
                None,
                Event::EpisodeEnded { outcome: "fainted".into(), floor: floors, turns: 70, message: String::new() },
            );
            std::fs::rename(&log.0, place.part(number)).expect("it is renamed");
        }
        log.step(9);
        let mut whole = LogScan::default();
        whole.advance(&log.0).expect("it reads");
        let second = std::fs::read(place.part(2)).expect("it is there");
        (1..=2).for_each(|number| LogScan::remove(&place, number).expect("it is removed"));
        // As if the one who removed it had died before it was gone.
        std::fs::write(place.part(2), second).expect("it is written");
        let mut rest = LogScan::default();
        rest.advance(&log.0).expect("it reads");
        assert_eq!(rest.game(0), whole.game(0));
        assert_eq!((rest.game(0).turns, rest.game(0).done.episodes, rest.game(0).done.step), (140, 2, 9));
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
        assert_eq!(scan.game(0).epoch, 4);
    }

    #[test]
    fn what_models_were_asked_is_added_up() {
        let log = TemporaryLog::new("models");
        let called = |outcome: &str| Event::ModelCalled {
            tier: "served".into(),
            model: "some".into(),
            outcome: outcome.into(),
            reason: String::new(),
            attempts: 1,
            hedged: false,
            waited_us: 0,
            first_byte_us: 0,
            took_us: 0,
            tokens_in: 700,
            tokens_cached: 0,
            tokens_out: 30,
            cost: 0.25,
            confidence: None,
        };
        for outcome in ["answered", "unusable", "repaired", "refused", "open"] {
            log.write(Some(3), called(outcome));
        }
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        let expected = ModelTally {
            answered: 3,
            failed: 1,
            tokens_in: 3_500,
            tokens_out: 150,
            cost: 1.25,
            ..ModelTally::default()
        };
        assert_eq!(scan.models, expected);
    }

    #[test]
    fn each_game_is_read_apart_and_a_line_without_one_is_of_the_first() {
        let log = TemporaryLog::new("games");
        let writer = Log::open(&TelemetryTarget::File(log.0.clone()), "test").expect("opens");
        let of = |instance, step, event| {
            let context = Context { instance: Some(instance), step: Some(step), ..Context::default() };
            writer.write("test", context, event).expect("writes");
        };
        log.step(5);
        of(1, 7, Event::StepCompleted(Box::default()));
        of(13, 90, Event::StepCompleted(Box::default()));
        of(1, 8, Event::StepCompleted(Box::default()));
        of(13, 91, Event::FloorReached { floor: 2, floors: 3, dungeon: 3 });
        of(1, 8, Event::EpisodeEnded { outcome: "fainted".into(), floor: 2, turns: 70, message: String::new() });
        let ready = Event::ProcessReady { role: "emulator-bridge".into(), child_pid: 1, epoch: 4, detail: "".into() };
        of(1, 0, ready);
        let mut scan = LogScan::default();
        scan.advance(&log.0).expect("it reads");
        assert_eq!([0, 1, 2, 13].map(|instance| scan.game(instance).done.step), [5, 8, 0, 91]);
        let (second, last) = (scan.game(1), scan.game(13));
        assert_eq!((second.turns, second.done.episodes, second.epoch), (70, 1, 4));
        assert_eq!((last.done.floors, last.epoch, scan.steps_and_floors()), (3, 0, (104, 3)));
    }
}
