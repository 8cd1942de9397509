//! What a worker measures of the router, and with which simulated model.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wire::router::RouterSettings;

/// A measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The recorded games.
    pub games: Vec<PathBuf>,
    /// How the router is set up, with one tier.
    pub settings: RouterSettings,
    /// The model.
    pub model: Simulated,
    /// What is measured.
    pub what: Measure,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Measure {
    /// What games there are.
    Play,
    /// The agent everybody starts with: one loop, the games in turn, one blocking call a decision, nothing kept.
    Sequential {
        /// Games.
        instances: usize,
        /// Decisions.
        decisions: u64,
    },
    /// Games through the router, for so long.
    Routed {
        /// Games.
        instances: usize,
        /// How long, in milliseconds.
        for_ms: u64,
        /// Whether each game lets the frames of its step pass before it asks again, as fast as the real machine.
        is_paced: bool,
    },
    /// All games to their end.
    Whole,
    /// Ten times more questions than the model can answer, half of them of one game.
    Overload {
        /// Games.
        instances: usize,
        /// How long, in milliseconds.
        for_ms: u64,
    },
}

/// A model that takes its time and answers what was really done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Simulated {
    /// Behind a server that takes any number of questions at a time, each for so long, give or take a share.
    Remote {
        /// Milliseconds.
        base_ms: u64,
        /// Percent by which it takes more or less.
        jitter: u64,
    },
    /// In this process: a batch takes so long, and longer with each question in it.
    Batched {
        /// Milliseconds of a batch.
        base_ms: u64,
        /// Milliseconds of each question in it.
        row_ms: u64,
        /// The longest wait for others, in milliseconds.
        wait_ms: u64,
    },
    /// Answers at once.
    Instant,
}

impl Simulated {
    /// The remote model of the comparison.
    pub const REMOTE: Simulated = Simulated::Remote { base_ms: 1_500, jitter: 20 };
    /// The batching model of the comparison.
    pub const BATCHED: Simulated = Simulated::Batched { base_ms: 300, row_ms: 15, wait_ms: 50 };
    /// A cheap model, for which nobody should wait.
    pub const CHEAP: Simulated = Simulated::Batched { base_ms: 1, row_ms: 0, wait_ms: 0 };
    /// A model that is asked too much.
    pub const SLOW: Simulated = Simulated::Batched { base_ms: 40, row_ms: 0, wait_ms: 50 };

    /// How long one question alone takes, on average, in milliseconds.
    pub fn alone_ms(self) -> u64 {
        match self {
            Simulated::Remote { base_ms, .. } => base_ms,
            Simulated::Batched { base_ms, row_ms, .. } => base_ms + row_ms,
            Simulated::Instant => 0,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match self {
            Simulated::Remote { base_ms, jitter } => format!("{base_ms} ms ± {jitter} %, behind a server"),
            Simulated::Batched { base_ms, row_ms, wait_ms } => {
                format!("{base_ms} + {row_ms}·b ms a batch of b, at most 8, wait {wait_ms} ms")
            }
            Simulated::Instant => "at once".to_string(),
        }
    }
}
