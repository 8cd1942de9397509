//! `agent eval --ablate recall`: is experience worth having? The same seeds are played with and without it, on memories of
//! other seeds that were learnt from before, and the differences are given with intervals.
//!
//! Each game is a run of this very program, one life long, that keeps no memories of its own; only the games that are learnt
//! from do. So the games with and without differ in nothing but whether memories may be asked.

use crate::cli::PaceArg;
use crate::config::Config;
use crate::failure::Failure;
use crate::platform;
use crate::screen;
use crate::settings;
use crate::worker::TemporaryFolder;
use clap::{Args, ValueEnum};
use game::{Arm, Game, Stage};
use interval::Difference;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use wire::control::{Pace, RecallUse};
use wire::exit;

mod game;
mod interval;

/// Examples of `eval`.
pub const EVAL_EXAMPLES: &str = "\
Examples:
  agent eval --ablate recall                              learn from 20 seeds, then play 20 others with and without
  agent eval --ablate recall --seeds 1-50 --floors 20     more games, and longer ones
  agent eval --ablate recall --learn 1-20 --seeds 1-20    the same floors again: what is it worth to know them?
  agent eval --ablate recall --memories indexes/data      with the memories that you have, learning nothing first

An interval that contains 0 means: no difference was shown. Exit status: 0 when every game was played to its end.";

/// Seeds in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    last: u64,
}

/// A part of the agent that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Experience of earlier play
    Recall,
}

/// Options of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The part whose worth is measured
    #[arg(long, value_enum, value_name = "PART")]
    pub ablate: Part,
    /// Seeds to play, with and without: FIRST-LAST
    #[arg(long, value_name = "SEEDS", default_value = "1-20")]
    pub seeds: Seeds,
    /// Seeds to learn from before
    #[arg(long, value_name = "SEEDS", default_value = "1001-1020", conflicts_with = "memories")]
    pub learn: Seeds,
    /// Use the memories of this folder, and learn nothing before
    #[arg(long, value_name = "DIR")]
    pub memories: Option<PathBuf>,
    /// A game ends when this floor is reached, or with its first life
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub floors: u32,
    /// Games at a time [default: one for each two cores]
    #[arg(long, value_name = "N")]
    pub games: Option<usize>,
    /// ROM to play [default: Burrow, the bundled game]
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object, games included, instead of a table
    #[arg(long)]
    pub json: bool,
}

impl std::fmt::Display for Seeds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| "as in 1-20, or 7".to_string());
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last - first >= 100_000 {
            return Err("the first must not be above the last, and there may be 100,000 at most".to_string());
        }
        Ok(Seeds { first, last })
    }
}

impl Seeds {
    /// Each of them.
    pub fn all(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

/// Plays, compares, and tells; returns the exit status.
pub fn evaluate(args: &EvalArgs) -> Result<i32, Failure> {
    let temporary = TemporaryFolder::create("eval")?;
    let memories = match &args.memories {
        Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
        None => temporary.path().join("memories"),
    };
    if args.memories.is_some() && !memories.is_dir() {
        let error = std::io::ErrorKind::NotFound.into();
        return Err(Failure::NoInput { path: memories, error, remedy: "name a folder that runs kept memories in" });
    }
    let stage = stage(args, temporary.path(), &memories)?;
    if args.memories.is_none() {
        learn(args, &stage)?;
    }
    let games = play(args, &stage)?;
    let (with, without): (Vec<&Game>, Vec<&Game>) = games.iter().partition(|game| game.arm == Arm::With);
    let differences: Vec<(&str, Difference)> = game::MEASURES
        .iter()
        .map(|measure| {
            let values = |games: &[&Game]| games.iter().map(|game| (measure.read)(game)).collect::<Vec<f64>>();
            (measure.name, Difference::between(&values(&with), &values(&without)))
        })
        .collect();
    if args.json {
        screen::print(&format!("{}\n", report(args, &games, &differences)));
    } else {
        screen::print(&table(args, &with, &differences));
    }
    Ok(if games.iter().all(|game| game.is_whole) { exit::OK } else { exit::UNFINISHED })
}

/// What all games share: the configuration, with everything that would make two games differ taken out of it.
fn stage(args: &EvalArgs, folder: &Path, memories: &Path) -> Result<Stage, Failure> {
    let emulator = args.rom.is_none().then_some("libretro");
    let mut config: Config = settings::of_look(args.config.as_deref(), emulator, args.rom.as_deref())?;
    config.run.floors = args.floors;
    (config.run.steps, config.run.one_life, config.run.pace) = (0, true, Pace::from(PaceArg::Unthrottled));
    config.indexes.folder = memories.to_path_buf();
    config.telemetry.backend = crate::config::Backend::File;
    let mut write = |name: &str, used: RecallUse, record: bool| {
        (config.recall.used, config.recall.record) = (used, record);
        let path = folder.join(name);
        let remedy = "set TMPDIR to a folder that can be written";
        let text = toml::to_string(&config).expect("a configuration is TOML");
        std::fs::write(&path, text).map_err(|error| Failure::Unwritable { path: path.clone(), error, remedy })?;
        Ok::<PathBuf, Failure>(path)
    };
    Ok(Stage {
        folder: folder.to_path_buf(),
        learning: write("learn.toml", RecallUse::Off, true)?,
        with: write("with.toml", RecallUse::On, false)?,
        without: write("without.toml", RecallUse::Off, false)?,
    })
}

/// Plays the seeds that are learnt from, one after the other: one process at a time keeps memories.
fn learn(args: &EvalArgs, stage: &Stage) -> Result<(), Failure> {
    let count = args.learn.last - args.learn.first + 1;
    for (number, seed) in (1..).zip(args.learn.all()) {
        let game = stage.play(seed, Arm::Learning)?;
        screen::progress(&format!("learnt from {number} of {count}: {}", game.line()));
    }
    Ok(())
}

/// Plays every seed with and without, in an order that gives both the same machine.
fn play(args: &EvalArgs, stage: &Stage) -> Result<Vec<Game>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let at_a_time = args.games.unwrap_or(cores / 2).max(1);
    let todo: VecDeque<(u64, Arm)> =
        args.seeds.all().flat_map(|seed| [(seed, Arm::Without), (seed, Arm::With)]).collect();
    let count = todo.len();
    let (todo, done) = (Mutex::new(todo), Mutex::new(Vec::new()));
    let work = || -> Result<(), Failure> {
        loop {
            let next = todo.lock().expect("no game panics").pop_front();
            let Some((seed, arm)) = next else { return Ok(()) };
            let game = stage.play(seed, arm)?;
            let mut done = done.lock().expect("no game panics");
            screen::progress(&format!("played {} of {count}: {}", done.len() + 1, game.line()));
            done.push(game);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a panic ends the program"))
    })?;
    let mut games = done.into_inner().expect("no game panics");
    games.sort_by_key(|game| (game.seed, game.arm == Arm::Without));
    Ok(games)
}

fn report(args: &EvalArgs, games: &[Game], differences: &[(&str, Difference)]) -> Value {
    let differences: serde_json::Map<String, Value> =
        differences.iter().map(|(name, difference)| (name.to_string(), json!(difference))).collect();
    json!({
        "ablate": "recall",
        "floors": args.floors,
        "machine": { "cpu": platform::processor() },
        "version": env!("CARGO_PKG_VERSION"),
        "command": std::env::args().collect::<Vec<_>>().join(" "),
        "games": games,
        "differences": differences,
    })
}

fn table(args: &EvalArgs, with: &[&Game], differences: &[(&str, Difference)]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} seeds, one life each, until floor {}; recall on against off\n", with.len(), args.floors);
    let _ = writeln!(text, "{:<22}{:>10}{:>10}{:>12}   95 % interval", "", "with", "without", "difference");
    for (name, Difference { with, without, mean, low, high }) in differences {
        let verdict = if *low > 0.0 || *high < 0.0 { "" } else { "   no difference shown" };
        let _ = writeln!(text, "{name:<22}{with:>10.2}{without:>10.2}{mean:>+12.2}   {low:+.2} to {high:+.2}{verdict}");
    }
    let (followed, recognised): (u64, u64) =
        with.iter().fold((0, 0), |sum, game| (sum.0 + game.followed, sum.1 + game.recognised));
    let _ = writeln!(text, "decisions that followed memories: {followed}; floors recognised: {recognised}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!("3-5".parse::<Seeds>().map(|seeds| seeds.all().collect::<Vec<_>>()), Ok(vec![3, 4, 5]));
        assert_eq!("7".parse::<Seeds>().map(|seeds| seeds.all().collect::<Vec<_>>()), Ok(vec![7]));
        for wrong in ["5-3", "", "a-b", "1-", "0-100000"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }
}
