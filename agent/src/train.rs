//! `agent train reader`: makes the weights with which the reader reads Burrow's picture, or judges some.
//!
//! Burrow is played in this process for pictures and for what is so on them; the network learns from them; other games, played
//! honestly with seeds that it never saw, say how well it reads. The same options give the same weights.

use crate::bundled;
use crate::config::Config;
use crate::eval::Seeds;
use crate::failure::Failure;
use crate::screen;
use crate::settings;
use crate::source::Source;
use actors::profile::Profile;
use clap::{Args, ValueEnum};
use player::Game;
use reader::score::Score;
use reader::train::{Losses, PARTS, Samples, Trainer};
use reader::{Reader, ReaderError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wire::control::BackendChoice;
use wire::exit;

mod memory;
mod player;
mod report;
mod text;
mod truth;

/// Examples of `train`.
pub const TRAIN_EXAMPLES: &str = "\
Examples:
  agent train reader                           play, learn, judge; half an hour on two cores; goes on where it was stopped
  agent train reader --judge                   how well do the weights that come with the program read?
  agent train reader --judge --weights FILE    and these?
  agent train reader --out folder --steps 500  less of everything, elsewhere

Exit status: 0 when the weights were made or judged, 130 after Ctrl-C: the same command goes on from there.";

/// What can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// The network that reads Burrow's picture
    Reader,
}

/// Options of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// What to train
    #[arg(value_enum)]
    pub what: What,
    /// Folder for the weights and what they were made of
    #[arg(long, value_name = "DIR", default_value = "reader-weights")]
    pub out: PathBuf,
    /// Steps of learning
    #[arg(long, value_name = "N", default_value_t = 4_200)]
    pub steps: u64,
    /// Seeds of the games to learn from: FIRST-LAST
    #[arg(long, value_name = "SEEDS", default_value = "10001-10016")]
    pub seeds: Seeds,
    /// Seeds of the games to judge by, which are not learned from
    #[arg(long, value_name = "SEEDS", default_value = "20001-20008")]
    pub held_out: Seeds,
    /// Do not learn: only judge weights
    #[arg(long)]
    pub judge: bool,
    /// Weights to judge [default: those that come with the program]
    #[arg(long, value_name = "FILE", requires = "judge")]
    pub weights: Option<PathBuf>,
    /// Write the pictures that are misread as PNG files into this folder, with what is wrong in a text file beside each
    #[arg(long, value_name = "DIR", requires = "judge")]
    pub misread: Option<PathBuf>,
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// libretro core [default: look in the usual places]
    #[arg(long, value_name = "FILE")]
    pub core: Option<PathBuf>,
}

/// The weights' file in the folder.
const WEIGHTS: &str = "burrow.safetensors";
/// What they were made of and how well they read.
const RECIPE: &str = "burrow.toml";
/// A training that is not over.
const TRAINING: &str = "training.safetensors";
/// Decisions in a game that is learned from, and in one that is judged by.
const DECISIONS: u32 = 2_200;
const DECISIONS_JUDGED: u32 = 1_500;
/// One picture in so many decisions on a floor is taken.
const EVERY: usize = 7;
/// Seed of the first weights and of all draws.
const SEED: u64 = 1;
/// Steps from one saving to the next.
const SAVE_EVERY: u64 = 500;
/// The time from one line about how far it is to the next.
const BETWEEN_LINES: Duration = Duration::from_secs(2);
/// Pictures that are read at once while judging.
const BATCH: usize = 8;

const GOES_ON: &str = "the same command goes on from here";
const NOT_JUDGED: &str = "nothing was judged";

/// Trains or judges; returns the exit status.
pub fn train(args: &TrainArgs) -> Result<i32, Failure> {
    let asked = crate::ram::watch_signals()?;
    let What::Reader = args.what;
    let mut stage = Stage { config: config(args.core.as_deref())?, widths: text::widths(), asked };
    if args.judge {
        let reader = match &args.weights {
            Some(path) => Reader::open(path),
            None => Reader::burrow(),
        };
        let Some(score) = stage.judge(&reader.map_err(told)?, args)? else { return Ok(stage.stopped(NOT_JUDGED)) };
        screen::print(&if args.json { report::json(&score) } else { report::table(&score) });
        return Ok(exit::OK);
    }
    std::fs::create_dir_all(&args.out).map_err(|error| unwritable(&args.out, error))?;
    let started = Instant::now();
    let Some(samples) = stage.gather(args.seeds)? else { return Ok(stage.stopped(GOES_ON)) };
    let gathered = started.elapsed();
    let Some(trainer) = stage.learn(args, &samples)? else { return Ok(stage.stopped(GOES_ON)) };
    let learned = started.elapsed() - gathered;
    let Some(score) = stage.judge(&trainer.reader().map_err(told)?, args)? else { return Ok(stage.stopped(GOES_ON)) };
    trainer.save(&args.out.join(WEIGHTS), false).map_err(told)?;
    let recipe = report::recipe(args, samples.len(), &score);
    std::fs::write(args.out.join(RECIPE), recipe).map_err(|error| unwritable(&args.out.join(RECIPE), error))?;
    // What it went on from is not needed any more; where it cannot be removed it does no harm.
    let _ = std::fs::remove_file(args.out.join(TRAINING));
    screen::progress(&format!(
        "played {} s, learned {} s; the weights are in {}",
        gathered.as_secs(),
        learned.as_secs(),
        args.out.join(WEIGHTS).display()
    ));
    screen::print(&if args.json { report::json(&score) } else { report::table(&score) });
    Ok(exit::OK)
}

/// Pictures of floors, to measure with.
pub fn pictures(count: usize, core: Option<&Path>) -> Result<Vec<reader::Canvas>, Failure> {
    const SEED: u64 = 31;
    let asked = Arc::new(AtomicUsize::new(0));
    let mut stage = Stage { config: config(core)?, widths: text::widths(), asked };
    let game = Game { seed: SEED, decisions: 300, every: EVERY, is_helped: false };
    let mut canvases = Vec::new();
    stage.play(&[game], "playing", &mut |sample| {
        if canvases.len() < count && sample.truth.scene == reader::Scene::Floor && sample.truth.hud.is_some() {
            canvases.push(sample.canvas);
        }
    })?;
    match canvases.is_empty() {
        true => Err(Failure::Settings("Burrow showed no floor".to_string())),
        false => Ok(canvases),
    }
}

fn config(core: Option<&Path>) -> Result<Config, Failure> {
    let mut config = settings::of_look(None, None, None)?;
    config.emulator.backend = BackendChoice::Libretro.name().to_string();
    config.emulator.rom = PathBuf::new();
    if let Some(core) = core {
        config.emulator.core = core.to_path_buf();
    }
    Ok(config)
}

fn told(error: ReaderError) -> Failure {
    Failure::Settings(error.to_string())
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Unwritable { path: path.to_path_buf(), error, remedy: "name another folder with --out" }
}

/// What playing and learning need.
struct Stage {
    config: Config,
    widths: Vec<usize>,
    /// The number of the signal that asked for the end.
    asked: Arc<AtomicUsize>,
}

impl Stage {
    fn is_asked_to_end(&self) -> bool {
        self.asked.load(Ordering::Relaxed) != 0
    }

    /// Says that a signal ended it, and what comes of it; returns the exit status.
    fn stopped(&self, what_of_it: &str) -> i32 {
        screen::progress(&format!("stopped; {what_of_it}"));
        crate::ram::SIGNALLED + self.asked.load(Ordering::Relaxed) as i32
    }

    /// Plays games one after the other; nothing when asked to end.
    fn play(
        &mut self,
        games: &[Game],
        what: &str,
        take: &mut dyn FnMut(reader::train::Sample),
    ) -> Result<Option<()>, Failure> {
        let mut source = Source::open(&self.config)?;
        let cartridge = source.backend.introduction().cartridge.clone();
        let profile = Profile::recognise(&cartridge)
            .ok_or_else(|| Failure::Settings(format!("no profile knows the bundled game {}", bundled::ROM_FILE)))?;
        let mut taken = 0;
        let mut said = Instant::now();
        for (number, game) in games.iter().enumerate() {
            let asked = self.asked.clone();
            let mut taking = |sample| {
                take(sample);
                taken += 1;
                if said.elapsed() >= BETWEEN_LINES {
                    said = Instant::now();
                    screen::progress(&format!("{what}: game {} of {}, {taken} pictures", number + 1, games.len()));
                }
                asked.load(Ordering::Relaxed) == 0
            };
            player::play(&mut source, &profile, game, &self.widths, &mut taking)?;
            if self.is_asked_to_end() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Plays for samples.
    fn gather(&mut self, seeds: Seeds) -> Result<Option<Samples>, Failure> {
        let game = |seed| Game { seed, decisions: DECISIONS, every: EVERY, is_helped: !seed.is_multiple_of(4) };
        let games: Vec<Game> = seeds.all().map(game).collect();
        let mut samples = Samples::default();
        let widths = self.widths.clone();
        let played = self.play(&games, "playing", &mut |sample| samples.push(sample, &widths))?;
        Ok(played.map(|()| samples))
    }

    /// Learns from samples, from where an earlier training was stopped.
    fn learn(&mut self, args: &TrainArgs, samples: &Samples) -> Result<Option<Trainer>, Failure> {
        let mut trainer = Trainer::new(SEED, args.steps, &self.widths[1..]).map_err(told)?;
        let saved = args.out.join(TRAINING);
        if saved.exists() {
            trainer.resume(&saved).map_err(told)?;
            screen::progress(&format!("going on from step {} of {}", trainer.step(), args.steps));
        }
        let (mut said, first, began) = (Instant::now(), trainer.step(), Instant::now());
        let mut mean = [0.0; PARTS.len()];
        while trainer.step() < args.steps {
            let losses = trainer.learn(samples).map_err(told)?;
            for (mean, loss) in mean.iter_mut().zip(losses).filter(|(_, loss)| *loss > 0.0) {
                *mean += (loss - *mean) * 0.05;
            }
            if said.elapsed() >= BETWEEN_LINES {
                said = Instant::now();
                let done = trainer.step() - first;
                let left = began.elapsed().as_secs_f64() / done as f64 * (args.steps - trainer.step()) as f64;
                screen::progress(&progress_line(trainer.step(), args.steps, left, &mean));
            }
            let is_asked = self.is_asked_to_end();
            if is_asked || trainer.step().is_multiple_of(SAVE_EVERY) {
                trainer.save(&saved, true).map_err(told)?;
            }
            if is_asked {
                return Ok(None);
            }
        }
        Ok(Some(trainer))
    }

    /// Reads the pictures of other games.
    fn judge(&mut self, reader: &Reader, args: &TrainArgs) -> Result<Option<Score>, Failure> {
        let game = |seed| Game { seed, decisions: DECISIONS_JUDGED, every: EVERY, is_helped: false };
        let games: Vec<Game> = args.held_out.all().map(game).collect();
        if let Some(folder) = &args.misread {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        }
        let misread = args.misread.as_deref();
        let mut score = Score::default();
        let mut waiting = Vec::new();
        let mut failed = None;
        let played = self.play(&games, "judging", &mut |sample| {
            waiting.push(sample);
            if waiting.len() == BATCH {
                failed = failed.take().or(note(reader, &mut waiting, &mut score, misread).err());
            }
        })?;
        note(reader, &mut waiting, &mut score, misread).map_err(told)?;
        failed.map_or(Ok(played.map(|()| score)), |error| Err(told(error)))
    }
}

/// Reads samples, and judges the readings.
fn note(
    reader: &Reader,
    samples: &mut Vec<reader::train::Sample>,
    score: &mut Score,
    misread: Option<&Path>,
) -> Result<(), ReaderError> {
    let canvases: Vec<&reader::Canvas> = samples.iter().map(|sample| &sample.canvas).collect();
    for (reading, sample) in reader.read_canvases(&canvases).iter().zip(samples.iter()) {
        let differences = reader::score::differences(reading, &sample.truth);
        if let Some(folder) = misread.filter(|_| !differences.is_empty()) {
            let file = folder.join(format!("{:05}.png", score.pictures));
            let written = report::picture(&file, &sample.canvas)
                .and_then(|()| std::fs::write(file.with_extension("txt"), differences.join("\n") + "\n"));
            written.map_err(|error| ReaderError::Weights(format!("{}: {error}", file.display())))?;
        }
        score.note(reading, &sample.truth);
    }
    samples.clear();
    Ok(())
}

fn progress_line(step: u64, steps: u64, seconds_left: f64, losses: &Losses) -> String {
    const WIDTH: u64 = 24;
    let filled = (WIDTH * step / steps.max(1)) as usize;
    let bar = "#".repeat(filled) + &"-".repeat(WIDTH as usize - filled);
    let losses: Vec<String> = PARTS.iter().zip(losses).map(|(part, loss)| format!("{part} {loss:.3}")).collect();
    format!("learning [{bar}] {step}/{steps}, {:.0} s left; {}", seconds_left, losses.join(", "))
}
