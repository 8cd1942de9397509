//! `agent bench router`: the agent everybody starts with (one blocking call a decision, nothing kept) against the model router.
//!
//! Both answer the same recorded play, with models that take their time and answer what was really done, so that an answer
//! that was kept and should not have been is seen. Play is recorded with this very program; each measurement is made by a
//! worker, alone, through the real router, the real packing of prompts and the real caches.

use crate::bundled;
use crate::cli::{BenchArgs, WorkerKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::screen;
use crate::settings;
use crate::worker;
use plan::{Measure, Plan, Simulated};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use wire::control::RecallUse;
use wire::router::RouterSettings;

mod oracle;
mod plan;
mod replay;
mod simulated;
mod table;

pub use replay::work;
pub use table::table;

/// The seed of the first game.
const FIRST_SEED: u64 = 101;
/// The longest time for a worker or for a recorded game.
const LIMIT: Duration = Duration::from_secs(600);
/// Games with which waiting and overload are measured.
const GAMES: usize = 8;
const OVERLOAD_GAMES: usize = 16;

/// How much is measured.
#[derive(Debug)]
struct Extent {
    instances: Vec<usize>,
    runs: usize,
    steps: u64,
    /// Decisions of the sequential agent, and the least time of a measurement.
    decisions: u64,
    least_ms: u64,
    /// How many times as long one game alone is measured with caches: its first steps say little about the others.
    alone_times: u64,
}

impl Extent {
    fn of(args: &BenchArgs) -> Extent {
        let default = if args.quick {
            Extent { instances: vec![1, 8], runs: 8, steps: 120, decisions: 4, least_ms: 2_000, alone_times: 1 }
        } else {
            Extent {
                instances: vec![1, 2, 8, 16],
                runs: 16,
                steps: 300,
                decisions: 12,
                least_ms: 8_000,
                alone_times: 4,
            }
        };
        let instances: Vec<usize> = args.instances.iter().map(|count| usize::from(*count)).collect();
        let instances = if instances.is_empty() { default.instances } else { instances };
        // Every measured number of games must have been recorded.
        let most = instances.iter().copied().max().unwrap_or(1);
        let runs = args.runs.map_or(default.runs, usize::from).max(most);
        let steps = args.steps.unwrap_or(default.steps);
        Extent { instances, runs, steps, decisions: args.decisions.unwrap_or(default.decisions), ..default }
    }

    /// How long a measurement with this model takes.
    fn for_ms(&self, model: Simulated) -> u64 {
        (self.decisions * model.alone_ms()).max(self.least_ms)
    }
}

/// What all measurements share.
struct Bench {
    folder: PathBuf,
    games: Vec<PathBuf>,
    settings: RouterSettings,
}

/// Measures; progress goes to the standard error.
pub fn measure(args: &BenchArgs, folder: &Path) -> Result<Value, Failure> {
    let extent = Extent::of(args);
    let mut config = settings::of_look(None, args.rom.is_none().then_some("libretro"), args.rom.as_deref())?;
    config.emulator.core = args.core.clone().unwrap_or(config.emulator.core);
    let games = record(&mut config, &extent, args.rom.is_none(), folder)?;
    let tier = Config::built_in().router.tiers;
    config.router.tiers = tier;
    let settings = config.router.settings(true);
    let bench = Bench { folder: folder.to_path_buf(), games, settings };
    let play = bench.ask(Simulated::Instant, Measure::Play, |_| {})?;
    screen::progress(&format!(
        "recorded {} steps, {} of them with something to choose",
        play["steps"], play["choices"]
    ));
    let remote = compare(&bench, "remote", Simulated::REMOTE, &extent)?;
    let batched = compare(&bench, "batched", Simulated::BATCHED, &extent)?;
    screen::progress("asking a model that answers at once, all games to their end, with caches");
    let saved = bench.ask(Simulated::Instant, Measure::Whole, |_| {})?;
    let waiting = waiting(&bench, &extent)?;
    screen::progress("asking ten times what a model can answer");
    let overload = overload(&bench, &extent)?;
    Ok(json!({
        "play": play,
        "remote": remote,
        "batched": batched,
        "saved": saved,
        "waiting": waiting,
        "overload": overload,
    }))
}

/// Plays games with the planner, two at a time, and records what a router would be asked.
fn record(config: &mut Config, extent: &Extent, is_bundled: bool, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let remedy = "set TMPDIR to a folder that can be written";
    let unwritable = |path: &Path, error| Failure::Unwritable { path: path.to_path_buf(), error, remedy };
    if is_bundled {
        let rom = folder.join(bundled::ROM_FILE);
        std::fs::write(&rom, bundled::ROM).map_err(|error| unwritable(&rom, error))?;
        config.emulator.rom = rom;
    }
    (config.recall.used, config.recall.record) = (RecallUse::Off, false);
    config.indexes.folder = folder.join("memories");
    let games: Vec<PathBuf> = (0..extent.runs).map(|game| folder.join(format!("game-{game}"))).collect();
    let todo: Mutex<VecDeque<usize>> = Mutex::new((0..games.len()).collect());
    let configs = games.iter().map(|game| {
        config.router.record = game.clone();
        let path = game.with_extension("toml");
        let text = toml::to_string(&*config).expect("a configuration is TOML");
        std::fs::write(&path, text).map_err(|error| unwritable(&path, error))?;
        Ok(path)
    });
    let configs = configs.collect::<Result<Vec<PathBuf>, Failure>>()?;
    let play = || -> Result<(), Failure> {
        loop {
            let Some(game) = todo.lock().expect("no game panics").pop_front() else { return Ok(()) };
            let (seed, steps) = ((FIRST_SEED + game as u64).to_string(), extent.steps.to_string());
            let run_dir = folder.join(format!("run-{game}"));
            let (config, run_dir) = (configs[game].display().to_string(), run_dir.display().to_string());
            let ends = ["--steps", &steps, "--seed", &seed, "--instances", "1"];
            let how = ["run", "--quiet", "--brain", "planner", "--pace", "unthrottled"];
            let arguments = [&how[..], &ends, &["--config", &config, "--run-dir", &run_dir]].concat();
            worker::have_done(&arguments, LIMIT)?;
            screen::progress(&format!("recorded game {} of {}", game + 1, games.len()));
        }
    };
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..2).map(|_| scope.spawn(play)).collect();
        players.into_iter().try_for_each(|player| player.join().expect("a panic ends the program"))
    })?;
    Ok(games)
}

/// One agent with one blocking call a decision, and the router without and with caches.
fn compare(bench: &Bench, name: &str, model: Simulated, extent: &Extent) -> Result<Value, Failure> {
    screen::progress(&format!("{name}: one blocking call a decision"));
    let instances = extent.instances.iter().copied().max().unwrap_or(1);
    // Whatever is faster than the model takes is measured as often as there is time for.
    let decisions = (extent.for_ms(model) / model.alone_ms().max(1)).max(1);
    let sequential = bench.ask(model, Measure::Sequential { instances, decisions }, |_| {})?;
    let base = sequential["per_s"].as_f64().unwrap_or_default();
    let mut of = Map::new();
    for count in &extent.instances {
        let mut arms = Map::new();
        for (arm, is_cached) in [("router", false), ("cached", true)] {
            screen::progress(&format!("{name}: {count} games, {arm}"));
            let times = if *count == 1 && is_cached { extent.alone_times } else { 1 };
            let measure = Measure::Routed { instances: *count, for_ms: times * extent.for_ms(model), is_paced: false };
            let mut found = bench.ask(model, measure, |settings| settings.is_cached = is_cached)?;
            let ratio = found["per_s"].as_f64().unwrap_or_default() / base.max(1e-9);
            found["times_sequential"] = json!((ratio * 100.0).round() / 100.0);
            arms.insert(arm.to_string(), found);
        }
        of.insert(count.to_string(), Value::Object(arms));
    }
    Ok(json!({ "model": model.words(), "sequential": sequential, "games": of }))
}

/// Waiting while the model is free, with the way to it. The cheap model is shown no picture: making one takes longer than it does.
fn waiting(bench: &Bench, extent: &Extent) -> Result<Value, Failure> {
    let mut found = Map::new();
    for (name, model, is_paced) in [("cheap", Simulated::CHEAP, false), ("batched", Simulated::BATCHED, true)] {
        screen::progress(&format!("{name}: waiting while the model is free"));
        let measure = Measure::Routed { instances: GAMES.min(bench.games.len()), for_ms: extent.least_ms, is_paced };
        let change = |settings: &mut RouterSettings| {
            settings.is_cached = false;
            settings.tiers[0].pictures = u32::from(is_paced);
        };
        let figures = bench.ask(model, measure, change)?;
        found.insert(
            name.to_string(),
            json!({ "model": model.words(), "decisions": figures["decisions"], "wait_us": figures["wait_us"] }),
        );
    }
    Ok(Value::Object(found))
}

fn overload(bench: &Bench, extent: &Extent) -> Result<Value, Failure> {
    let measure = Measure::Overload { instances: OVERLOAD_GAMES, for_ms: extent.least_ms };
    let change = |settings: &mut RouterSettings| {
        settings.is_cached = false;
        settings.tiers[0].pictures = 0;
    };
    let mut found = bench.ask(Simulated::SLOW, measure, change)?;
    found["model"] = json!(Simulated::SLOW.words());
    found["waiting_max"] = json!(bench.settings.waiting_max);
    Ok(found)
}

impl Bench {
    /// Has a worker measure.
    fn ask(&self, model: Simulated, what: Measure, change: impl Fn(&mut RouterSettings)) -> Result<Value, Failure> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let plan = Plan { games: self.games.clone(), settings, model, what };
        let path = self.folder.join("plan.json");
        let remedy = "set TMPDIR to a folder that can be written";
        let text = serde_json::to_string(&plan).expect("a plan is JSON");
        std::fs::write(&path, text).map_err(|error| Failure::Unwritable { path: path.clone(), error, remedy })?;
        worker::ask(WorkerKind::BenchRouter, &[("--config", Some(path.as_path()))], LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn extent(line: &str) -> Extent {
        match Cli::try_parse_from(line.split_whitespace()).expect("it is accepted").into_command() {
            Command::Bench(args) => Extent::of(&args),
            other => panic!("{line} means {other:?}"),
        }
    }

    #[test]
    fn as_many_games_are_recorded_as_are_measured() {
        let default = extent("agent bench router");
        assert_eq!((default.instances, default.runs, default.steps), (vec![1, 2, 8, 16], 16, 300));
        let few = extent("agent bench router --instances 1,12 --runs 3 --steps 50 --decisions 2 --quick");
        assert_eq!((few.runs, few.steps, few.decisions), (12, 50, 2));
        assert_eq!((few.for_ms(Simulated::REMOTE), few.for_ms(Simulated::BATCHED)), (3_000, 2_000));
        assert!(Cli::try_parse_from(["agent", "bench", "router", "--instances", "0"]).is_err());
    }
}
