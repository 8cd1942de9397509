//! What can go wrong between a configuration and an answer.

/// Why a configuration is not taken. Each is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no JSON, or lacks a field.
    #[error("it makes no sense: {0}; copy it again from the model's page")]
    Unreadable(String),
    /// It describes another network.
    #[error("it describes {found:?}, not a Qwen3-VL; take a folder of Qwen3-VL 2B, 4B or 8B, Instruct or Thinking")]
    OtherArchitecture {
        /// What the configuration names.
        found: String,
    },
    /// It is of weights that are not plain numbers.
    #[error("it is of quantised weights, which are not read; take the model's own folder, in BF16, F16 or F32")]
    Quantised,
    /// A field has a value that there is no arithmetic for.
    #[error("{field} is {found}, but must be {wanted}; copy it again from the model's page")]
    Unsupported {
        /// The field, with the part of the configuration that it is in.
        field: &'static str,
        /// What it says.
        found: String,
        /// What is understood.
        wanted: String,
    },
}

/// Why a network cannot be made or cannot go on. It concerns every row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not as many choosers as rows.
    #[error("{rows} rows need as many choosers, not {choosers}")]
    Choosers {
        /// How many rows there are.
        rows: usize,
        /// How many choosers came with them.
        choosers: usize,
    },
    /// A weight is missing or of the wrong shape, memory ran out, or a device failed.
    #[error("arithmetic failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// Why one row cannot be answered. The others of its batch are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// There is nothing to go on from.
    #[error("the prompt has no tokens")]
    Empty,
    /// The prompt fills the context.
    #[error("the prompt has {tokens} tokens, and there is no room for an answer in a context of {context}; shorten it")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens of prompt and answer together, at most.
        context: usize,
    },
    /// A token is no index into the vocabulary.
    #[error("token {token} at {index} is none of the {vocabulary} of the vocabulary")]
    UnknownToken {
        /// The token.
        token: u32,
        /// Where in the prompt it stands.
        index: usize,
        /// How many tokens there are.
        vocabulary: usize,
    },
    /// A chooser chose what is no token.
    #[error("token {token} was chosen, which is none of the {vocabulary} of the vocabulary")]
    UnknownChoice {
        /// What was chosen.
        token: u32,
        /// How many tokens there are.
        vocabulary: usize,
    },
    /// The prompt has a place for a video.
    #[error("token {index} of the prompt stands for a video; show single pictures")]
    Video {
        /// Where in the prompt it stands.
        index: usize,
    },
    /// The places for visual tokens do not fit the pictures.
    #[error("the prompt has places for {places} visual tokens, but its {pictures} pictures have {tokens}")]
    Places {
        /// Visual tokens in the prompt.
        places: usize,
        /// How many pictures came with it.
        pictures: usize,
        /// Visual tokens of those pictures together.
        tokens: usize,
    },
    /// A picture is not cut as its grid says.
    #[error(
        "picture {picture} has {values} values, which do not make a grid of {grid:?} patches merged {merge} by {merge}"
    )]
    Patches {
        /// Which of the row's pictures.
        picture: usize,
        /// Numbers in its patches.
        values: usize,
        /// Frames, rows and columns of patches.
        grid: [usize; 3],
        /// Patches to a side of what becomes one visual token.
        merge: usize,
    },
}
