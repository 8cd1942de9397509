//! From a folder to a model that has answered once.

use super::grammars::KnownGrammars;
use super::question::first_line;
use super::{Model, Picture, Question, QuestionError, shards};
use crate::chat::{AFTER_REASONING, Chat, ChatError};
use crate::choose::{ChooseError, Grammars, Sampling};
use crate::config::Config;
use crate::error::Error;
use crate::files::{Folder, FolderError};
use crate::generate::Generator;
use crate::linear::arithmetic;
use crate::memory::{Load, MemoryError, Need, available_bytes};
use crate::network::Network;
use crate::picture::Preparation;
use candle_core::{DType, Device};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a model is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The model's folder, as Hugging Face lays it out.
    pub folder: PathBuf,
    /// The precision that weights are kept in.
    pub numbers: Numbers,
    /// Tokens of a prompt and its answer together. More than the model was made for is as much as it was made for.
    pub context: usize,
    /// Questions that are answered together, at most. None is as many as suit the size of the model: 8, 4 or 2.
    pub batch: usize,
}

/// The precision that weights are kept in. On a CPU arithmetic is in single precision all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// As they were saved.
    #[default]
    Auto,
    /// Single precision.
    F32,
    /// The upper half of single precision.
    BF16,
    /// Half precision.
    F16,
}

/// Why a model cannot be opened. Each is one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something in the folder is not as it must be.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// There is too little memory.
    #[error("{0}")]
    Memory(#[from] MemoryError),
    /// Tokenizer or template cannot be used.
    #[error("{0}")]
    Chat(#[from] ChatError),
    /// Answers cannot be kept within schemas.
    #[error("{0}")]
    Choose(#[from] ChooseError),
    /// The device cannot be used.
    #[error("the graphics card cannot be used: {0}")]
    Device(String),
    /// Reading the weights failed, or making them.
    #[error("the weights cannot be loaded: {0}")]
    Weights(String),
    /// The context has no room for the shortest question.
    #[error("a context of {context} tokens has no room for a question of {tokens}; allow more")]
    Context {
        /// Tokens of a very short question with a small picture.
        tokens: usize,
        /// Tokens there are.
        context: usize,
    },
    /// The first answer failed.
    #[error("the model does not answer: {0}")]
    Mute(QuestionError),
    /// The first answer is no numbers.
    #[error("the model computes no numbers; download its weights again, or keep them in bf16 or f32")]
    NoNumbers,
}

impl OpenError {
    pub(crate) fn weights(error: &Error) -> Self {
        Self::Weights(first_line(error))
    }
}

/// Visual tokens of a picture, at most; a larger one is scaled down. Looking takes memory that grows with their number, and a
/// game's screen has few pixels.
const VISUAL_MAX: usize = 1024;

/// Models of fewer weights answer eight questions at once where nobody says how many.
const SMALL_MAX: u64 = 3_000_000_000;

/// Models of fewer weights answer four questions at once where nobody says how many.
const MEDIUM_MAX: u64 = 6_000_000_000;

/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(600);

impl Numbers {
    /// The precision of weights that were saved in this one.
    pub(crate) fn dtype(self, saved: DType) -> DType {
        match self {
            Self::Auto => saved,
            Self::F32 => DType::F32,
            Self::BF16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }
}

pub(super) fn open(options: &Options) -> Result<Model, OpenError> {
    let folder = Folder::open(&options.folder)?;
    let mut config = folder.config().clone();
    config.text.context = config.text.context.min(options.context);
    let (context, batch) = (config.text.context, batch(options.batch, folder.weights()));
    let chat = Chat::open(&folder)?;
    let grammars = Grammars::new(chat.tokenizer(), &folder.generation().ends)?;
    let device = device()?;
    let dtype = options.numbers.dtype(config.dtype);
    check_memory(&config, dtype, &device, batch, context)?;
    let network =
        Network::load(shards::weights(&folder, dtype, &device), &config).map_err(|error| OpenError::weights(&error))?;
    let mut model = Model {
        name: name(&options.folder),
        weights: folder.weights(),
        batch,
        generator: Generator::new(network, context),
        after_reasoning: chat.tokenizer().encode(AFTER_REASONING)?,
        preparation: preparation(folder.preparation()),
        grammars: KnownGrammars::new(grammars),
        ends: folder.generation().ends.clone(),
        chat,
    };
    warm_up(&mut model)?;
    Ok(model)
}

/// The device that is there for models.
pub(crate) fn device() -> Result<Device, OpenError> {
    let device = if cfg!(feature = "cuda") {
        Device::cuda_if_available(0)
    } else if cfg!(feature = "metal") {
        Device::metal_if_available(0)
    } else {
        Ok(Device::Cpu)
    };
    device.map_err(|error| OpenError::Device(first_line(&error)))
}

/// Compares what it takes to load such a network with what there is, as far as the machine says. Devices do not.
pub(crate) fn check_memory(
    config: &Config,
    dtype: DType,
    device: &Device,
    batch: usize,
    context: usize,
) -> Result<(), MemoryError> {
    let Some(available) = available_bytes().filter(|_| device.is_cpu()) else { return Ok(()) };
    let load = Load {
        weight_bytes: dtype.size_in_bytes() as u64,
        number_bytes: arithmetic(dtype, device).size_in_bytes() as u64,
        context,
        batch,
        kept: context,
        visual: VISUAL_MAX.min(context),
    };
    Need::new(config, &load).check(available)
}

/// As many as are asked for; of large models fewer where nobody asks, since each takes memory, and time away from the others.
fn batch(asked: usize, weights: u64) -> usize {
    match (asked, weights) {
        (0, ..SMALL_MAX) => 8,
        (0, ..MEDIUM_MAX) => 4,
        (0, _) => 2,
        (asked, _) => asked,
    }
}

fn preparation(own: &Preparation) -> Preparation {
    let pixels_max = VISUAL_MAX * (own.patch * own.merge).pow(2);
    Preparation { pixels_max: own.pixels_max.min(pixels_max.max(own.pixels_min)), ..own.clone() }
}

fn name(folder: &Path) -> String {
    let whole = folder.canonicalize();
    let named = folder.file_name().or(whole.as_ref().ok().and_then(|whole| whole.file_name()));
    named.map_or_else(|| "model".to_string(), |name| name.to_string_lossy().into_owned())
}

/// One token about a very small picture: threads and devices have begun when the first question comes.
fn warm_up(model: &mut Model) -> Result<(), OpenError> {
    let question = Question {
        system: "",
        user: "Go",
        picture: Some(Picture { width: 2, height: 2, rgb: &[0; 12] }),
        repair: None,
        schema: None,
        answer_tokens: 1,
        deadline: Instant::now() + FIRST_ANSWER,
        sampling: Sampling::greedy(),
    };
    let answered = model.answer(&[question]).remove(0);
    model.generator.forget();
    match answered {
        Ok(answer) if model.chat.is_thinking() || answer.confidence > 0.0 => Ok(()),
        Ok(_) => Err(OpenError::NoNumbers),
        Err(QuestionError::TooLong { tokens, context }) => Err(OpenError::Context { tokens, context }),
        Err(error) => Err(OpenError::Mute(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_models_answer_fewer_questions_at_once_unless_asked() {
        let batches = [184_000_000, 2_100_000_000, 4_400_000_000, 8_800_000_000].map(|weights| batch(0, weights));
        assert_eq!(batches, [8, 8, 4, 2]);
        assert_eq!(batch(3, 8_800_000_000), 3);
    }
}
