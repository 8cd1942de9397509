//! How much memory it takes to load a model and to answer with it, and whether there is so much.
//!
//! The needs are upper estimates that follow from shapes; the machine is asked in one place, [`available_bytes`].

use crate::files::{Folder, Shape, Tensor};

/// How a model is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Bytes of a weight in memory: 2 or 4. Weights that are written in fewer are widened.
    pub weight_bytes: u64,
    /// Bytes of a number that is worked out: keys, values, activations.
    pub number_bytes: u64,
    /// Tokens of a prompt and its answer together.
    pub context: usize,
    /// Prompts at a time.
    pub batch: usize,
    /// Tokens of a prompt that are worked out at a time.
    pub chunk: usize,
    /// Patches of the pictures that go through the vision tower at a time.
    pub patches: usize,
}

/// What a load takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Weights, and the largest tensor once more while it is widened.
    pub weights: u64,
    /// Keys and values of all tokens.
    pub cache: u64,
    /// The vision tower at work.
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
    /// What `load` takes for the model in `folder`.
    pub fn new(folder: &Folder, load: &Load) -> Self {
        let largest = folder.tensors().values().map(|tensor| tensor.bytes).max().unwrap_or(0);
        Self::of(folder.shape(), folder.tensors().values(), load).with_weights(largest)
    }

    fn of<'a>(shape: &Shape, tensors: impl Iterator<Item = &'a Tensor>, load: &Load) -> Self {
        let weights = tensors
            .map(|tensor| tensor.bytes / tensor.dtype.bytes() * load.weight_bytes.max(tensor.dtype.bytes()))
            .fold(0, u64::saturating_add);
        let number = |factors: &[usize]| product(factors).saturating_mul(load.number_bytes);
        let (text, vision) = (&shape.text, &shape.vision);
        let (batch, chunk, patches) = (load.batch, load.chunk.min(load.context), load.patches);
        let tokens = batch.saturating_mul(chunk);
        let pixels = vision.channels * vision.temporal * vision.patch * vision.patch;
        let visual = patches / (vision.merge * vision.merge) * (vision.taps.len() + 1);
        Self {
            weights,
            cache: number(&[2, text.layers, text.key_heads, text.head, load.context, batch]),
            vision: sum([
                number(&[patches, pixels]),
                number(&[patches, vision.hidden, RESIDUALS]),
                number(&[patches, patches, vision.heads, SCORES]).max(number(&[patches, vision.intermediate, 2])),
                number(&[visual, vision.out]),
            ]),
            text: sum([
                number(&[tokens, text.hidden.max(text.heads * text.head), RESIDUALS]),
                number(&[tokens, load.context, text.heads, SCORES]).max(number(&[tokens, text.intermediate, 3])),
            ]),
            logits: product(&[batch, text.vocabulary, size_of::<f32>(), LOGITS]),
        }
    }

    fn with_weights(self, more: u64) -> Self {
        Self { weights: self.weights.saturating_add(more), ..self }
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
        } else if self.vision > self.cache.saturating_add(self.text) {
            "take smaller pictures, or fewer at a time"
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
    use crate::files::{Dtype, TextShape, VisionShape};

    /// Qwen3-VL 2B as it is published.
    fn two_billion() -> Shape {
        Shape {
            text: TextShape {
                vocabulary: 151_936,
                hidden: 2048,
                intermediate: 6144,
                layers: 28,
                heads: 16,
                key_heads: 8,
                head: 128,
                context_max: 262_144,
            },
            vision: VisionShape {
                hidden: 1024,
                intermediate: 4096,
                layers: 24,
                heads: 16,
                out: 2048,
                channels: 3,
                patch: 16,
                temporal: 2,
                merge: 2,
                positions: 2304,
                taps: vec![5, 11, 17],
            },
            is_tied: true,
            picture_token: 151_655,
            video_token: 151_656,
            vision_start_token: 151_652,
            vision_end_token: 151_653,
            ends: vec![],
        }
    }

    fn load() -> Load {
        Load { weight_bytes: 4, number_bytes: 4, context: 2048, batch: 2, chunk: 512, patches: 600 }
    }

    fn need(load: &Load) -> Need {
        let tensors = [Tensor { shard: 0, dtype: Dtype::BF16, shape: vec![1000], bytes: 2000 }];
        Need::of(&two_billion(), tensors.iter(), load)
    }

    #[test]
    fn needs_follow_from_shapes() {
        let need = need(&load());
        assert_eq!(need.weights, 4000, "widened from two bytes to four");
        assert_eq!(need.cache, 2 * 28 * 8 * 128 * 2048 * 2 * 4);
        assert_eq!(need.logits, 2 * 151_936 * 4 * 3);
        assert_eq!(need.vision, 4 * (600 * 1536 + 600 * 1024 * 6 + 600 * 600 * 16 * 2 + 600 * 2048));
        assert!(need.total() > need.cache + need.vision);
        let unwidened = super::Need::of(
            &two_billion(),
            [Tensor { shard: 0, dtype: Dtype::F32, shape: vec![10], bytes: 40 }].iter(),
            &Load { weight_bytes: 2, ..load() },
        );
        assert_eq!(unwidened.weights, 40, "nothing is narrowed while it is read");
    }

    #[test]
    fn too_little_memory_is_told_with_both_numbers_and_a_remedy() {
        let need = need(&load());
        assert!(need.check(need.total() + SPARE).is_ok());
        let error = need.check(100 << 20).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("{} MiB", mib(need.total()))), "{text}");
        assert!(text.contains("100 MiB are available") && text.contains("context"), "{text}");
        let heavy = Need { weights: 4 << 30, ..need };
        assert!(heavy.check(2 << 30).unwrap_err().to_string().contains("smaller model"));
    }

    #[test]
    fn absurd_loads_do_not_overflow() {
        let load =
            Load { context: usize::MAX, batch: usize::MAX, chunk: usize::MAX, patches: usize::MAX / 8, ..load() };
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
