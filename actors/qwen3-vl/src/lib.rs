//! Qwen3-VL, a vision-language model, in this process: Hugging Face folders in, answers about pictures out.

mod cache;
pub mod chat;
pub mod choose;
mod config;
mod embed;
mod error;
pub mod files;
mod generate;
mod linear;
mod mask;
pub mod measure;
pub mod memory;
pub mod model;
mod network;
mod norm;
pub mod picture;
mod positions;
mod prefill;
mod product;
mod prompt;
mod row;
mod text;
mod vision;
mod weights;

pub use choose::{Choose, Chosen, Sampling};
pub use config::{Config, Size, TextConfig, VisionConfig};
pub use error::{ConfigError, Error, RowError};
pub use generate::{Answers, Continuation, End, Generator, Timing};
pub use model::{Answer, Model, Numbers, OpenError, Options, Picture, Question, QuestionError};
pub use network::Network;
pub use row::{PatchedPicture, Row};
