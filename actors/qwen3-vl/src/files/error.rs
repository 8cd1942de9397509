//! Why a folder is not taken.

use super::Dtype;
use crate::error::ConfigError;
use crate::picture::PictureError;
use std::path::PathBuf;

/// Why a folder is not taken. Each is one line that names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file is not there.
    #[error("{} is missing; {remedy}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than such a file ever is.
    #[error("{} has {bytes} bytes; at most {most} are read, so this is not the model's own file: copy it again", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes it has.
        bytes: u64,
        /// Bytes it may have.
        most: u64,
    },
    /// A file is not the JSON it should be.
    #[error("{} makes no sense: {problem}; copy it again from the model's page", .path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The configuration is of another kind of model, or makes no sense.
    #[error("{}: {source}", .path.display())]
    Config {
        /// The configuration.
        path: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// The end of a file of weights is not there.
    #[error("{} is cut short: {found} of {expected} bytes; download it again", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes it must have.
        expected: u64,
        /// Bytes it has.
        found: u64,
    },
    /// The start of a file of weights, which says what is in it, makes no sense.
    #[error("{} is damaged: {problem}; download it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A tensor is in no file.
    #[error("{} has no tensor {name:?}, which config.json asks for; download the weights and config.json of one model", .path.display())]
    NoTensor {
        /// The file, or the folder.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{} has {name:?} of shape {found:?} where config.json asks for {expected:?}; weights and config.json are of different models", .path.display())]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape it has.
        found: Vec<usize>,
        /// The shape it must have.
        expected: Vec<usize>,
    },
    /// A tensor is written in numbers that are not read.
    #[error("{} has {name:?} in {found:?}; take weights in BF16, F16 or F32, not quantised ones", .path.display())]
    TensorDtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The numbers it is in.
        found: Dtype,
    },
    /// Tokenizer and configuration do not agree.
    #[error("{} is the tokenizer of another model: {token} is {}, but config.json says {expected}; copy tokenizer and config.json from one model", .path.display(), .found.map_or("not in it".to_string(), |id| id.to_string()))]
    OtherTokenizer {
        /// The tokenizer.
        path: PathBuf,
        /// The token.
        token: &'static str,
        /// Its id here.
        found: Option<u32>,
        /// Its id by the configuration.
        expected: u32,
    },
    /// The tokenizer has tokens for which there are no weights.
    #[error("{} is the tokenizer of another model: it has token {found}, but config.json has a vocabulary of {vocabulary}; copy tokenizer and config.json from one model", .path.display())]
    Vocabulary {
        /// The tokenizer.
        path: PathBuf,
        /// The largest token id in it.
        found: u32,
        /// How many tokens the configuration allows.
        vocabulary: usize,
    },
    /// The settings of pictures make no sense.
    #[error("{}: {source}", .path.display())]
    Pictures {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PictureError,
    },
}
