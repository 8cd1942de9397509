//! How fast a network is: tokens a second of prompts and of answers, alone and in batches, with pictures and without.
//!
//! Weights do not matter for that, so that sizes are measured without their files. Prompts are nonsense of a given length, and
//! answers are always as long as asked. What is kept of earlier prompts plays no part.

mod pace;

use crate::choose::{Choose, Chosen};
use crate::config::{Config, Size, VisionConfig};
use crate::error::Error;
use crate::generate::{End, Generator, Timing};
use crate::memory::{Load, Need, available_bytes};
use crate::model::{Numbers, OpenError, check_memory, device};
use crate::network::Network;
use crate::row::{PatchedPicture, Row};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

use pace::Pace;

/// What is to be measured: all combinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Tokens of a prompt, that of the picture included. Those beyond the context are as many as it has room for.
    pub lengths: Vec<usize>,
    /// Prompts at a time.
    pub batches: Vec<usize>,
    /// Whether each prompt has a picture of 480 × 320 pixels.
    pub pictures: Vec<bool>,
    /// Tokens of an answer, at least two: the first one comes with the prompt.
    pub new_tokens: usize,
    /// How long all of it may take. What would take longer is left out, the longest first.
    pub budget: Duration,
}

/// One of the combinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Tokens of a prompt, that of the picture included.
    pub tokens: usize,
    /// Prompts at a time.
    pub batch: usize,
    /// Whether each prompt has a picture.
    pub has_picture: bool,
}

/// How fast one of the combinations is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Tokens of a prompt, that of the picture included.
    pub tokens: usize,
    /// Prompts at a time.
    pub batch: usize,
    /// Whether each prompt has a picture.
    pub has_picture: bool,
    /// Tokens of prompts a second, over all prompts; looking at pictures is not counted.
    pub prefill_tokens_per_s: f64,
    /// Tokens of answers a second, over all answers.
    pub decode_tokens_per_s: f64,
    /// Looking at one picture, in milliseconds; 0 without one.
    pub vision_ms: f64,
    /// Tokens of a prompt and its answer that the network has room for.
    pub context: usize,
}

/// What a batch is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batching {
    /// Tokens of answers a second, one answer after the other.
    pub single_tokens_per_s: f64,
    /// The same answers all at once.
    pub batched_tokens_per_s: f64,
}

/// Width and height of the picture that is looked at.
const PICTURE: (usize, usize) = (480, 320);

/// Tokens of the prompt that is answered first, to have threads and memory ready.
const WARM_UP_TOKENS: usize = 32;

/// Tokens of the prompts that show what a batch is worth.
const BATCHED_TOKENS: usize = 32;

/// Tokens of their answers.
const BATCHED_NEW_TOKENS: usize = 48;

/// Tokens that a network of random weights has room for.
const RANDOM_CONTEXT: usize = 16_384;

/// Tokens that there must be memory for beside random weights.
const RANDOM_TOKENS: usize = 1024;

/// The seed of random weights.
const SEED: u64 = 1;

impl Wanted {
    /// All combinations that a network of this shape can be asked, the least work first.
    pub fn cases(&self, config: &Config) -> Vec<Case> {
        let room = config.text.context.saturating_sub(self.new_tokens());
        let visual = config.vision.as_ref().map(|vision| vision.tokens(grid(vision)));
        let mut cases = Vec::new();
        for tokens in self.lengths.iter().map(|length| *length.min(&room)) {
            for (batch, has_picture) in
                self.batches.iter().flat_map(|batch| self.pictures.iter().map(|is| (*batch, *is)))
            {
                let shortest = if has_picture { visual.map(|visual| visual + 2) } else { Some(1) };
                let case = Case { tokens, batch, has_picture };
                if batch > 0 && shortest.is_some_and(|shortest| tokens >= shortest) && !cases.contains(&case) {
                    cases.push(case);
                }
            }
        }
        cases.sort_by_key(|case| (case.tokens.saturating_mul(case.batch), case.has_picture, case.batch));
        cases
    }

    /// The combinations that were not measured, since they would have taken too long or too much memory.
    pub fn left_out(&self, config: &Config, measured: &[Measured]) -> Vec<Case> {
        let is_there = |case: &Case| measured.iter().any(|measured| measured.case() == *case);
        self.cases(config).into_iter().filter(|case| !is_there(case)).collect()
    }

    fn new_tokens(&self) -> usize {
        self.new_tokens.max(2)
    }
}

impl Measured {
    /// What was measured.
    pub fn case(&self) -> Case {
        Case { tokens: self.tokens, batch: self.batch, has_picture: self.has_picture }
    }

    fn new(case: Case, timing: &Timing, context: usize) -> Self {
        let Case { tokens, batch, has_picture } = case;
        let prompts = batch as f64;
        Self {
            tokens,
            batch,
            has_picture,
            prefill_tokens_per_s: prompts * tokens as f64 / seconds(timing.prefill_us),
            decode_tokens_per_s: prompts * timing.steps as f64 / seconds(timing.decode_us),
            vision_ms: if has_picture { seconds(timing.vision_us) * 1e3 / prompts } else { 0.0 },
            context,
        }
    }
}

impl Batching {
    /// How many times as many tokens a second a batch gives.
    pub fn ratio(&self) -> f64 {
        self.batched_tokens_per_s / self.single_tokens_per_s
    }
}

/// A network of a published shape whose weights are random, the same each time.
///
/// # Errors
/// [`OpenError::Memory`] where there is too little memory for it, before any is taken.
pub fn random(size: Size, numbers: Numbers) -> Result<Generator, OpenError> {
    let mut config = size.config();
    config.text.context = RANDOM_CONTEXT;
    let (device, dtype) = (device()?, numbers.dtype(config.dtype));
    check_memory(&config, dtype, &device, 1, RANDOM_TOKENS)?;
    let network = Network::random(&config, SEED, dtype, &device);
    Ok(Generator::new(network.map_err(|error| OpenError::weights(&error))?, 0))
}

/// Measures the combinations, the least work first, and tells each as soon as it is known. What the budget or the memory has no
/// room for is left out: [`Wanted::left_out`] says what that is. What the generator remembers is forgotten.
///
/// # Errors
/// Where arithmetic fails.
pub fn measure(
    generator: &mut Generator,
    wanted: &Wanted,
    told: &mut dyn FnMut(&Measured),
) -> Result<Vec<Measured>, Error> {
    let begun = Instant::now();
    forgetful(generator, |generator| {
        let config = generator.network().config().clone();
        let mut measured = Vec::new();
        let is_over = || begun.elapsed() >= wanted.budget;
        if answer(generator, &warm_up(&config), &is_over)?.is_none() {
            return Ok(measured);
        }
        let mut pace = Pace::default();
        for case in wanted.cases(&config) {
            let left = wanted.budget.saturating_sub(begun.elapsed());
            if pace.predicted(&case, wanted.new_tokens()).is_some_and(|predicted| predicted > left)
                || !has_memory(generator.network(), &case, wanted.new_tokens())
            {
                continue;
            }
            if let Some(timing) = answer(generator, &rows(&config, &case, wanted.new_tokens()), &is_over)? {
                pace.learn(&case, &timing);
                let is = Measured::new(case, &timing, config.text.context);
                told(&is);
                measured.push(is);
            }
        }
        Ok(measured)
    })
}

/// Answers `rows` short prompts one after the other, and then the same prompts at once. Only the time of answers counts, not that of
/// prompts. What the generator remembers is forgotten.
///
/// # Errors
/// Where arithmetic fails.
pub fn batching(generator: &mut Generator, rows: usize) -> Result<Batching, Error> {
    forgetful(generator, |generator| {
        let config = generator.network().config().clone();
        let rows =
            self::rows(&config, &Case { tokens: BATCHED_TOKENS, batch: rows, has_picture: false }, BATCHED_NEW_TOKENS);
        let mut rate = |batches: &mut dyn Iterator<Item = &[Row]>| {
            let (mut tokens, mut spent_us) = (0, 0);
            for batch in batches {
                let timing = answer(generator, batch, &|| false)?.unwrap_or_default();
                tokens += timing.steps * batch.len() as u64;
                spent_us += timing.decode_us;
            }
            Ok::<f64, Error>(tokens as f64 / seconds(spent_us))
        };
        rate(&mut std::iter::once(warm_up(&config).as_slice()))?;
        Ok(Batching {
            single_tokens_per_s: rate(&mut rows.chunks(1))?,
            batched_tokens_per_s: rate(&mut std::iter::once(rows.as_slice()))?,
        })
    })
}

/// Does something with a generator that keeps nothing of prompts.
fn forgetful<T>(generator: &mut Generator, measure: impl FnOnce(&mut Generator) -> T) -> T {
    let kept = generator.keep(0);
    let measured = measure(generator);
    generator.keep(kept);
    measured
}

/// How long it took; none if it was over before.
fn answer(generator: &mut Generator, rows: &[Row], is_over: &dyn Fn() -> bool) -> Result<Option<Timing>, Error> {
    let mut choosers = vec![Likeliest; rows.len()];
    let mut choosers: Vec<&mut dyn Choose> = choosers.iter_mut().map(|chooser| chooser as &mut dyn Choose).collect();
    let answers = generator.generate(rows, &mut choosers, is_over)?;
    let is_whole = answers.rows.iter().all(|row| row.as_ref().is_ok_and(|answer| answer.end == End::Full));
    Ok(is_whole.then_some(answers.timing))
}

/// Whether there is memory for it beside the weights, as far as the machine says.
fn has_memory(network: &Network, case: &Case, new_tokens: usize) -> bool {
    let Some(available) = available_bytes().filter(|_| network.is_on_cpu()) else { return true };
    let config = network.config();
    let visual = config.vision.as_ref().filter(|_| case.has_picture).map_or(0, |vision| vision.tokens(grid(vision)));
    let context = case.tokens + new_tokens;
    let load = Load { weight_bytes: 0, number_bytes: 4, context, batch: case.batch, kept: 0, visual };
    Need::new(config, &load).loaded().check(available).is_ok()
}

fn warm_up(config: &Config) -> Vec<Row> {
    let tokens = WARM_UP_TOKENS.min(config.text.context.saturating_sub(2));
    rows(config, &Case { tokens, batch: 1, has_picture: false }, 2)
}

/// Prompts that have nothing in common.
fn rows(config: &Config, case: &Case, new_tokens: usize) -> Vec<Row> {
    let vision = config.vision.as_ref().filter(|_| case.has_picture);
    let visual = vision.map_or(0, |vision| vision.tokens(grid(vision)));
    // The token that is last stands behind the picture.
    let before = case.tokens.saturating_sub(visual + usize::from(visual > 0));
    (0..case.batch)
        .map(|row| {
            let mut tokens: Vec<u32> = (0..case.tokens).map(|index| word(config, row, index)).collect();
            tokens[before..before + visual].fill(config.image_token);
            Row { tokens, pictures: vision.map(picture).into_iter().collect(), max_new_tokens: new_tokens }
        })
        .collect()
}

/// A token that stands for no picture.
fn word(config: &Config, row: usize, index: usize) -> u32 {
    let words = (config.text.vocabulary as u32).min(config.image_token).min(config.video_token).max(1);
    (row as u32).wrapping_mul(977).wrapping_add((index as u32).wrapping_mul(131)) % words
}

fn grid(vision: &VisionConfig) -> [usize; 3] {
    let side = |pixels: usize| (pixels / vision.patch / vision.merge).max(1) * vision.merge;
    [1, side(PICTURE.1), side(PICTURE.0)]
}

fn picture(vision: &VisionConfig) -> PatchedPicture {
    let grid = grid(vision);
    let values = grid.iter().product::<usize>() * vision.patch_values();
    let value = |index: usize| (index.wrapping_mul(2_654_435_761) % 511) as f32 / 255.0 - 1.0;
    PatchedPicture { patches: (0..values).map(value).collect(), grid }
}

/// Never less than a microsecond, so that it can be divided by.
fn seconds(microseconds: u64) -> f64 {
    microseconds.max(1) as f64 / 1e6
}

/// Takes the likeliest token, which costs next to nothing, and never ends.
#[derive(Clone)]
struct Likeliest;

impl Choose for Likeliest {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        let likeliest = logits.iter().zip(0..).max_by(|one, other| one.0.total_cmp(other.0));
        Chosen { token: likeliest.map_or(0, |(_, token)| token), logprob: 0.0, is_last: false }
    }
}
