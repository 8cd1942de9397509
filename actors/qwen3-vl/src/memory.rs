//! How much memory it takes to load a model and to answer with it, and whether there is so much.
//!
//! The needs are upper estimates that follow from shapes; the machine is asked in one place, [`available_bytes`].

use crate::config::Config;
use crate::prefill::COLUMNS_MAX;
use crate::vision::QUERIES_MAX;

/// How a model is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Bytes of a weight in memory: 2 or 4.
    pub weight_bytes: u64,
    /// Bytes of a number that is worked out: keys, values, activations.
    pub number_bytes: u64,
    /// Tokens of a prompt and its answer together.
    pub context: usize,
    /// Prompts at a time.
    pub batch: usize,
    /// Tokens of earlier prompts whose keys and values are kept.
    pub kept: usize,
    /// Visual tokens of a picture, at most.
    pub visual: usize,
}

/// What a load takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Weights, and the largest tensor once more while it is read.
    pub weights: u64,
    /// Keys and values of all tokens, those of earlier prompts included.
    pub cache: u64,
    /// The vision tower at work, and what it saw.
    pub vision: u64,
    /// The language model at work.
    pub text: u64,
    /// What the likelihoods of next tokens take.
    pub logits: u64,
}

/// There is too little memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model needs {} MiB of memory (weights {}, context {}, pictures {}, work {}), but {} MiB are available; {remedy}",
    mib(.need.total()), mib(.need.weights), mib(.need.cache), mib(.need.vision), mib(.need.text.saturating_add(.need.logits)), mib(*.available)
)]
pub struct MemoryError {
    /// What it takes.
    pub need: Need,
    /// Bytes there are.
    pub available: u64,
    /// What to do.
    pub remedy: &'static str,
}

impl Need {
    /// What `load` takes for a network of this shape.
    pub fn new(config: &Config, load: &Load) -> Self {
        let number = |factors: &[usize]| product(factors).saturating_mul(load.number_bytes);
        let text = &config.text;
        let Load { context, batch, kept, visual, .. } = *load;
        let tokens = batch.saturating_mul(COLUMNS_MAX.min(context));
        // One layer is there twice while rows leave a batch, and one prompt more than is kept before the oldest is forgotten.
        let slots = sum([product(&[batch, context]), kept as u64, kept.min(context) as u64]) as usize;
        let layer = number(&[2, text.key_heads, text.head]);
        let cache = layer.saturating_mul(sum([product(&[text.layers, slots]), product(&[batch, context])]));
        let vision = config.vision.as_ref().map_or(0, |vision| {
            let patches = visual.saturating_mul(vision.merge * vision.merge);
            let seen = number(&[batch, visual, vision.out, vision.deepstack.len() + 1]);
            sum([
                number(&[patches, vision.patch_values()]).saturating_mul(batch as u64),
                number(&[patches, vision.hidden, RESIDUALS]),
                number(&[QUERIES_MAX, patches, vision.heads, SCORES]).max(number(&[patches, vision.inner, 2])),
                seen,
            ])
        });
        Self {
            weights: self::weights(config, load.weight_bytes),
            cache,
            vision,
            text: sum([
                number(&[tokens, text.hidden.max(text.heads * text.head), RESIDUALS]),
                number(&[tokens, context, text.heads, SCORES]).max(number(&[tokens, text.inner, 3])),
            ]),
            logits: product(&[batch, text.vocabulary, size_of::<f32>(), LOGITS]),
        }
    }

    /// The same where the weights are in memory already.
    #[must_use]
    pub fn loaded(self) -> Self {
        Self { weights: 0, ..self }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        sum([self.weights, self.cache, self.vision, self.text, self.logits])
    }

    /// Compares with `available` bytes, of which [`SPARE`] stay with everybody else.
    ///
    /// # Errors
    /// [`MemoryError`] where that is too little, with both numbers and what to make smaller.
    pub fn check(self, available: u64) -> Result<(), MemoryError> {
        let usable = available.saturating_sub(SPARE);
        if self.total() <= usable {
            return Ok(());
        }
        let remedy = if self.weights > usable {
            "take a smaller model, or keep the weights in bf16"
        } else {
            "take a shorter context or a smaller batch"
        };
        Err(MemoryError { need: self, available, remedy })
    }
}

/// Bytes that are left to the rest of the machine.
pub const SPARE: u64 = 256 << 20;

/// Bytes that the machine can give without swapping; none where it does not say.
pub fn available_bytes() -> Option<u64> {
    parse_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// Copies of the numbers of a token that are alive at once within a layer: residual, normalised, query, key, value, result.
const RESIDUALS: usize = 6;

/// Copies of the attention scores that are alive at once: scores and their softmax.
const SCORES: usize = 2;

/// Copies of the logits that are alive at once: as they come out, in single precision, and what is chosen from.
const LOGITS: usize = 3;

/// All weights, and the largest tensor as it is read, before it has its precision.
fn weights(config: &Config, weight_bytes: u64) -> u64 {
    let largest = product(&[config.text.vocabulary.max(config.text.inner), config.text.hidden, READ_BYTES]);
    (config.weights() as u64).saturating_mul(weight_bytes).saturating_add(largest)
}

/// Bytes of a number of a tensor that is read: as written, and once more in single precision.
const READ_BYTES: usize = 8;

fn parse_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1_u64, |product, factor| product.saturating_mul(*factor as u64))
}

fn sum<const N: usize>(terms: [u64; N]) -> u64 {
    terms.into_iter().fold(0, u64::saturating_add)
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Size;

    fn load() -> Load {
        Load { weight_bytes: 2, number_bytes: 4, context: 2048, batch: 2, kept: 1000, visual: 150 }
    }

    fn need(load: &Load) -> Need {
        Need::new(&Size::B2.config(), load)
    }

    #[test]
    fn needs_follow_from_shapes() {
        let need = need(&load());
        let weights = Size::B2.config().weights() as u64;
        assert_eq!(need.weights, 2 * weights + 151_936 * 2048 * 8);
        assert_eq!(self::need(&Load { weight_bytes: 4, ..load() }).weights, need.weights + 2 * weights);
        assert_eq!(need.cache, 4 * 2 * 8 * 128 * (28 * (2 * 2048 + 2 * 1000) + 2 * 2048));
        assert_eq!(need.logits, 2 * 151_936 * 4 * 3);
        let (pixels, states, scores) = (2 * 600 * 1536, 600 * 1024 * 6, 512 * 600 * 16 * 2);
        assert_eq!(need.vision, 4 * (pixels + states + scores + 2 * 150 * 2048 * 4));
        assert!(need.total() > need.cache + need.vision);
        assert_eq!(need.loaded().total(), need.total() - need.weights);
        assert_eq!(Need::new(&Size::Text184M.config(), &load()).vision, 0);
    }

    #[test]
    fn too_little_memory_is_told_with_both_numbers_and_a_remedy() {
        let need = need(&load());
        assert!(need.check(need.total() + SPARE).is_ok());
        let error = need.check(need.weights + (300 << 20)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("{} MiB", mib(need.total()))), "{text}");
        let available = format!("{} MiB are available", mib(need.weights + (300 << 20)));
        assert!(text.contains(&available) && text.contains("context"), "{text}");
        assert!(need.check(2 << 30).unwrap_err().to_string().contains("smaller model"));
    }

    #[test]
    fn absurd_loads_do_not_overflow() {
        let load = Load { context: usize::MAX, batch: usize::MAX, kept: usize::MAX, visual: usize::MAX, ..load() };
        assert_eq!(need(&load).total(), u64::MAX);
        assert!(need(&load).check(u64::MAX - 1).is_err());
    }

    #[test]
    fn the_machine_says_what_is_available() {
        assert_eq!(parse_available("MemTotal: 9 kB\nMemAvailable:   17 kB\n"), Some(17 * 1024));
        assert_eq!(parse_available("MemAvailable: many kB"), None);
        assert_eq!(parse_available(""), None);
        assert!(available_bytes().is_some_and(|bytes| bytes > 0));
    }
}
