//! One game of an evaluation: a run of this program, read from its log.

use crate::failure::Failure;
use crate::worker;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use wire::event::Event;
use wire::exit;
use wire::log::{LOG_FILE, Line, read_lines};

/// The longest time for one game.
const LIMIT: Duration = Duration::from_secs(1_800);

/// What games are played with.
#[derive(Debug)]
pub struct Stage {
    /// Where they keep their files.
    pub folder: PathBuf,
    /// Configuration of games that are learnt from.
    pub learning: PathBuf,
    /// Configuration of games with the part.
    pub with: PathBuf,
    /// Configuration of games without it.
    pub without: PathBuf,
}

/// Which kind of game it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// It is learnt from.
    Learning,
    /// With the part.
    With,
    /// Without it.
    Without,
}

/// How a game went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Game {
    /// Its seed.
    pub seed: u64,
    /// Which kind it is.
    pub arm: Arm,
    /// Whether it came to its end: the floor was reached, or the life was over.
    pub is_whole: bool,
    /// The highest floor.
    pub floor: u32,
    /// Steps.
    pub steps: u64,
    /// Turns of the game.
    pub turns: u64,
    /// Hit points lost, healing not counted.
    pub hp_lost: u64,
    /// Decisions that followed memories.
    pub followed: u64,
    /// Floors that were recognised.
    pub recognised: u64,
    /// Waiting for memories in a step, 50th and 99th percentile, in microseconds.
    pub recall_us: (u64, u64),
}

/// Something that is compared.
pub struct Measure {
    /// What it is called.
    pub name: &'static str,
    /// Reads it from a game.
    pub read: fn(&Game) -> f64,
}

/// What is compared.
pub const MEASURES: [Measure; 4] = [
    Measure { name: "floor reached", read: |game| f64::from(game.floor) },
    Measure { name: "steps a floor", read: |game| game.a_floor(game.steps) },
    Measure { name: "turns a floor", read: |game| game.a_floor(game.turns) },
    Measure { name: "hit points lost a floor", read: |game| game.a_floor(game.hp_lost) },
];

impl Game {
    fn a_floor(&self, value: u64) -> f64 {
        value as f64 / f64::from(self.floor.max(1))
    }

    /// How it went, in a line.
    pub fn line(&self) -> String {
        let Game { seed, floor, steps, hp_lost, .. } = self;
        let how = match self.arm {
            Arm::Learning => "",
            Arm::With => ", with",
            Arm::Without => ", without",
        };
        format!("seed {seed}{how}: floor {floor}, {steps} steps, {hp_lost} hit points lost")
    }
}

impl Stage {
    /// Plays a seed.
    pub fn play(&self, seed: u64, arm: Arm) -> Result<Game, Failure> {
        let (config, name) = match arm {
            Arm::Learning => (&self.learning, "learn"),
            Arm::With => (&self.with, "with"),
            Arm::Without => (&self.without, "without"),
        };
        let run_dir = self.folder.join(format!("{name}-{seed}"));
        // One game a run, whatever the configuration plays at once.
        let (seed_text, config, run_text) =
            (seed.to_string(), config.display().to_string(), run_dir.display().to_string());
        let arguments = [
            "run",
            "--quiet",
            "--config",
            &config,
            "--seed",
            &seed_text,
            "--one-life",
            "--instances",
            "1",
            "--run-dir",
            &run_text,
        ];
        // A life that ends before the floor is an answer, too.
        worker::have_done_or(&arguments, LIMIT, &[exit::OK, exit::UNFINISHED])?;
        let log = run_dir.join(LOG_FILE);
        let remedy = "the run wrote no log";
        let (lines, _) = read_lines(&log).map_err(|error| Failure::NoInput { path: log, error, remedy })?;
        let game = read(seed, arm, &lines);
        // What was played is read; its files are many.
        let _ = std::fs::remove_dir_all(&run_dir);
        Ok(game)
    }
}

fn read(seed: u64, arm: Arm, lines: &[Line]) -> Game {
    let mut game = Game {
        seed,
        arm,
        is_whole: false,
        floor: 0,
        steps: 0,
        turns: 0,
        hp_lost: 0,
        followed: 0,
        recognised: 0,
        recall_us: (0, 0),
    };
    let mut hp_before = None;
    let mut waits = Vec::new();
    for line in lines {
        match &line.event {
            Event::StepCompleted(step) => {
                game.hp_lost += hp_before.map_or(0, |before: i32| before.saturating_sub(step.state.hp).max(0) as u64);
                hp_before = Some(step.state.hp);
                game.followed += u64::from(!step.recalled.is_empty());
                waits.push(step.latency.recall_us);
            }
            Event::LayoutRecognised { .. } => game.recognised += 1,
            Event::RunEnded { reason, steps, best_floor, turns, .. } => {
                (game.steps, game.floor, game.turns) = (*steps, *best_floor, *turns);
                let ends: BTreeSet<&str> =
                    ["floors reached", "life ended early", "game completed before that floor"].into();
                game.is_whole = ends.contains(reason.as_str());
            }
            _ => {}
        }
    }
    waits.sort_unstable();
    let at = |permille: usize| waits.get(waits.len().saturating_sub(1) * permille / 1_000).copied().unwrap_or(0);
    game.recall_us = (at(500), at(990));
    game
}
