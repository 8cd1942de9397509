//! How the model router is set up.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that the router is told at its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouterSettings {
    /// Whether models decide (`brain = "router"`).
    pub is_used: bool,
    /// What the player is after, in words for the model.
    pub objective: String,
    /// Longest wait for a decision, in milliseconds; the planner decides then.
    pub deadline_ms: u64,
    /// Questions that may wait for a model over all games; more are answered `Busy`.
    pub waiting_max: u32,
    /// A decision of less confidence than this is asked of the next tier, where a tier gives a confidence.
    pub escalate_below: f64,
    /// Steps that a game stays on a higher tier before it comes down again.
    pub stay_steps: u32,
    /// Tokens that may be used in an hour; 0: no limit.
    pub tokens_per_hour: u64,
    /// Money that may be spent in an hour, in the currency of the tiers' prices; 0: no limit.
    pub money_per_hour: f64,
    /// Calls of models in an hour; 0: no limit.
    pub calls_per_hour: u64,
    /// Whether decisions are kept, found again and shared; without it a model is asked at every step.
    pub is_cached: bool,
    /// The most memory of the caches, in bytes; 0: by the machine's memory.
    pub cache_bytes: u64,
    /// Bits of 64 by which pictures' difference hashes may differ to be taken for alike.
    pub similar_bits: u32,
    /// Whether a request that takes longer than 95 of 100 is sent a second time.
    pub hedge: bool,
    /// A server that failed is tried again this often, in milliseconds.
    pub probe_ms: u64,
    /// The folder of prompt templates; those that it does not hold are the built-in ones.
    pub prompts: PathBuf,
    /// Where each question is written with what was done then, for benches and training; `None`: nowhere.
    pub record: Option<PathBuf>,
    /// Where what models are asked and what they say is written word for word; `None`: nowhere.
    pub exchanges: Option<PathBuf>,
    /// The tiers, the lowest first.
    pub tiers: Vec<TierSettings>,
}

/// One tier: a model behind a server, or in this process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierSettings {
    /// Its name in telemetry.
    pub name: String,
    /// Where the model is: `server`; in this process `reader`, the network that reads Burrow's picture, or `qwen3-vl`, whose
    /// weights lie in `folder`.
    pub backend: String,
    /// The Hugging Face folder of a `qwen3-vl`.
    pub folder: PathBuf,
    /// The numbers that a `qwen3-vl` computes with: `auto` (as in its files), `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// Questions that a model in this process answers at once; 0: 8, and for larger models 4 or 2.
    pub batch: u32,
    /// The server's base address, as `http://127.0.0.1:8080`; empty: one that answers on this machine, at the usual ports.
    pub url: String,
    /// The model that is asked for; empty: the first that the server lists.
    pub model: String,
    /// How answers are held to a schema: `auto`, `vllm`, `llama-server`, `ollama`, `lm-studio`, `openai`, `none`.
    pub dialect: String,
    /// The environment variable that holds the server's key, where it wants one.
    pub key_variable: String,
    /// Pictures in a prompt, 0 or 1.
    pub pictures: u32,
    /// How many times larger than the screen the picture is, a whole factor.
    pub picture_scale: u32,
    /// How the decoded state is told: `text`, `json`, `none`.
    pub state: String,
    /// Whether the known map is drawn in letters.
    pub map: bool,
    /// Recalled memories in a prompt, at most.
    pub memories: u32,
    /// Tokens that a prompt and its answer may have together; what does not fit is left out, the least important first.
    pub context_tokens: u32,
    /// Tokens that an answer may have.
    pub answer_tokens: u32,
    /// Requests at a time, at most; how many there are follows latency and errors.
    pub concurrency: u32,
    /// Price of a million tokens of prompt.
    pub input_price: f64,
    /// Price of a million tokens of answer.
    pub output_price: f64,
}
