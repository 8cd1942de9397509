//! A model's folder as Hugging Face lays it out, checked before a single weight is loaded: every file is there, every tensor
//! that the configuration asks for is whole and of the right shape, and tokenizer and configuration belong together.
//!
//! Only Qwen3-VL with plain weights (F32, BF16, F16) is taken, dense, Instruct or Thinking. Quantised folders and other
//! architectures are refused. Nothing here is downloaded, and no byte of a weight is read.

mod error;
mod header;
mod json;
mod settings;
mod shards;
mod tensors;
mod vocabulary;

pub use error::FolderError;
pub use header::Dtype;
pub use settings::Generation;

use crate::config::Config;
use crate::error::ConfigError;
use crate::picture::Preparation;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A model's folder in which everything is as it must be.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    config: Config,
    shards: Vec<PathBuf>,
    tensors: BTreeMap<String, Tensor>,
    tokenizer: Vec<u8>,
    template: String,
    preparation: Preparation,
    generation: Generation,
}

/// Where a tensor lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Which of [`Folder::shards`].
    pub shard: usize,
    /// How its numbers are written.
    pub dtype: Dtype,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Where its first byte is in the shard.
    pub start: u64,
    /// Bytes of it.
    pub bytes: u64,
}

impl Folder {
    /// Opens a folder and checks all that can be checked without reading weights.
    ///
    /// # Errors
    /// The first thing that is not as it must be. Whatever the bytes in the folder are, this neither panics nor takes more
    /// memory than the files have bytes.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let config = config(root)?;
        let shards = shards::find(root)?;
        let tensors = tensors::check(root, &config, &shards)?;
        let tokenizer_path = root.join("tokenizer.json");
        let tokenizer = json::read(&tokenizer_path, json::TOKENIZER_BYTES_MAX, WHOLE)?;
        let template = settings::template(root)?;
        let preparation = settings::preparation(root, config.vision.as_ref())?;
        let mut generation = settings::generation(root)?;
        if generation.ends.is_empty() {
            generation.ends.clone_from(&config.ends);
        }
        vocabulary::check(&tokenizer, &tokenizer_path, &config, &mut generation)?;
        Ok(Self {
            root: root.to_path_buf(),
            config,
            shards: shards.files,
            tensors,
            tokenizer,
            template,
            preparation,
            generation,
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the network is shaped like.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The files of weights.
    pub fn shards(&self) -> &[PathBuf] {
        &self.shards
    }

    /// The tensors that the network needs, by name.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// Bytes of the weights as they are written.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.values().map(|tensor| tensor.bytes).sum()
    }

    /// Numbers in the weights.
    pub fn weights(&self) -> u64 {
        self.tensors.values().map(|tensor| tensor.bytes / tensor.dtype.bytes()).sum()
    }

    /// `tokenizer.json`.
    pub fn tokenizer(&self) -> &[u8] {
        &self.tokenizer
    }

    /// The chat template, in Jinja.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// How pictures are prepared.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// How the model wants to be sampled.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }
}

fn config(root: &Path) -> Result<Config, FolderError> {
    let path = root.join("config.json");
    let json = json::read(&path, json::CONFIG_BYTES_MAX, WHOLE)?;
    let parsed = match std::str::from_utf8(&json) {
        Ok(json) => Config::parse(json),
        Err(error) => Err(ConfigError::Unreadable(error.to_string())),
    };
    parsed.map_err(|source| FolderError::Config { path, source })
}

/// What to do where a file of a folder is not there.
const WHOLE: &str = "copy the whole folder from the model's page";
