//! What an agent looks at.

use serde::{Deserialize, Serialize};

/// What play is based on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Eyes {
    /// The game's memory.
    #[default]
    Ram,
    /// What is read on the picture, and nothing else.
    Reader,
    /// The game's memory, and what is read on the picture is compared with it.
    Both,
}

impl Eyes {
    /// The name on the command line and in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Eyes::Ram => "ram",
            Eyes::Reader => "reader",
            Eyes::Both => "both",
        }
    }
}
