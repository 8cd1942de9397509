//! What the recall actor and the indexes role say to each other over a socket of their own, and what experience is
//! made of: memories of clips of play at seven time scales, with what came of them.
//!
//! Order: the actor says `Open`, and the role answers with a `Standing` at once and whenever it changes. Searches and
//! memories are answered in any order, matched by their ids. A memory that the role has said to be kept survives the
//! death of every process.

use crate::{Instance, Step};
use serde::{Deserialize, Serialize};

/// Steps that the clips of the seven silos span.
pub const SPANS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
/// The most numbers that an embedding has: those of all silos together must fit a message.
pub const DIMENSIONS_MAX: u32 = 2_048;
/// The most memories that a search gives for each silo.
pub const COUNT_MAX: u32 = 100;
/// The most bytes of [`NewMemory::detail`].
pub const DETAIL_BYTES_MAX: usize = 8 << 10;

/// The embedding space that vectors belong to. Vectors of two spaces are never compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Space {
    /// A folder's name that tells embedder, version, dimensions and game: `state1-256-burrow`.
    pub name: String,
    /// Numbers in each vector.
    pub dimensions: u32,
}

/// From the recall actor to the indexes role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToIndexes {
    /// Use this space. The role opens its silos and says how it stands.
    Open(Space),
    /// What happened in situations like this one?
    Search(Search),
    /// Keep these memories, whose outcome is known.
    Remember {
        /// Names the batch in the answer.
        batch: u64,
        /// The memories, each with its vector.
        memories: Vec<NewMemory>,
    },
    /// What is kept of one memory besides its vector ([`NewMemory::detail`]).
    Fetch {
        /// Names the question in the answer.
        id: u64,
        /// [`Memory::id`].
        memory: u64,
    },
}

/// From the indexes role to the recall actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromIndexes {
    /// How the role stands; sent when that changes.
    Standing(Standing),
    /// The answer to a search.
    Found(Found),
    /// The memories of a batch are kept, for good.
    Kept {
        /// Which.
        batch: u64,
        /// How many were new.
        kept: u32,
        /// How many said no more than one that was known, and were counted there.
        merged: u32,
    },
    /// The memories of a batch were not kept.
    Refused {
        /// Which.
        batch: u64,
        /// Why, in a line.
        reason: String,
    },
    /// The answer to `Fetch`; `None`: there is no such memory.
    Fetched {
        /// Which question.
        id: u64,
        /// [`NewMemory::detail`].
        #[serde(with = "optional_blob")]
        detail: Option<Vec<u8>>,
    },
}

/// What can be asked of the role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The space that is open.
    pub space: Space,
    /// Whether every silo that could be opened is open and warm.
    pub is_ready: bool,
    /// Whether memories can be added: another process may have the folder, or the run may only read.
    pub is_writable: bool,
    /// Memories that can be found, over all silos.
    pub memories: u64,
    /// What is wrong, empty when nothing is.
    pub trouble: String,
}

/// A question to all silos.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Names the question in the answer.
    pub id: u64,
    /// Which game.
    pub instance: Instance,
    /// The step it is asked for.
    pub step: Step,
    /// One vector for each silo that is asked, all values finite.
    pub probes: Vec<Probe>,
    /// How many memories are wanted of each silo.
    pub count: u32,
    /// After this long the silos that have not answered are left out, in microseconds.
    pub deadline_us: u64,
}

/// A situation as one silo knows situations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Steps that the clip spans; names the silo.
    pub span: u32,
    /// The clip's embedding.
    pub vector: Vec<f32>,
}

/// What the silos found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Which question.
    pub id: u64,
    /// The answers of the silos that answered in time, each nearest first.
    pub silos: Vec<Hits>,
    /// Spans of the silos that were late.
    pub late: Vec<u32>,
    /// Why nothing was asked, empty otherwise.
    pub trouble: String,
    /// Time from the message to this answer, in microseconds.
    pub took_us: u64,
}

/// What one silo found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    /// Names the silo.
    pub span: u32,
    /// Nearest first, each with its squared Euclidean distance.
    pub memories: Vec<(f32, Memory)>,
}

/// A memory that is to be kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NewMemory {
    /// The memory; its id is given by the role.
    pub memory: Memory,
    /// The clip's embedding, all values finite.
    pub vector: Vec<f32>,
    /// What else is kept of it, at most [`DETAIL_BYTES_MAX`] bytes.
    #[serde(with = "crate::blob")]
    pub detail: Vec<u8>,
}

/// One remembered clip: where it was, what was done, what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Identity in the experience store, from 1.
    pub id: u64,
    /// Steps the clip spans; names the silo.
    pub span: u32,
    /// Names run, instance and life: clips of one trajectory overlap.
    pub trajectory: u64,
    /// The clip's last step.
    pub step: Step,
    /// The frame of that step.
    pub frame: u64,
    /// When it was, in seconds since 1970.
    pub time_s: u64,
    /// Dungeon number.
    pub dungeon: u8,
    /// Floor, from 1.
    pub floor: u8,
    /// Names the floor's layout by where the leader arrived and what it saw there; 0: not known.
    pub layout: u64,
    /// 64-bit difference hash of the last frame.
    pub picture: u64,
    /// The game's number of the nearest foe, 0: none was in sight.
    pub foe: u16,
    /// Why the clip is worth keeping.
    pub keys: KeyMoments,
    /// Name of the skill that acted last.
    pub skill: String,
    /// What was done last.
    pub action: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a clip, over the steps that followed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Steps that were looked at.
    pub steps: u16,
    /// Floors gained.
    pub floors: u8,
    /// Whether the life ended in a defeat.
    pub is_lost: bool,
    /// Hit points lost, healing not counted.
    pub hp_lost: u16,
    /// The same, as a share of the maximum; may be above 1.
    pub hp_lost_share: f32,
    /// Foes overcome.
    pub foes: u8,
    /// Items gained.
    pub items: u8,
}

/// Reasons for which a clip is worth keeping, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMoments(pub u8);

impl KeyMoments {
    /// A floor begins.
    pub const FLOOR: KeyMoments = KeyMoments(1);
    /// A room is entered.
    pub const ROOM: KeyMoments = KeyMoments(2);
    /// A foe is near.
    pub const FIGHT: KeyMoments = KeyMoments(4);
    /// An item was gained or used.
    pub const ITEM: KeyMoments = KeyMoments(8);
    /// Hit points were lost.
    pub const HURT: KeyMoments = KeyMoments(16);
    /// The picture is unlike the last one that was kept.
    pub const PICTURE: KeyMoments = KeyMoments(32);
    /// A life ends.
    pub const END: KeyMoments = KeyMoments(64);

    /// Whether there is any.
    pub fn is_any(self) -> bool {
        self.0 != 0
    }

    /// Whether all of those are among these.
    pub fn has(self, those: KeyMoments) -> bool {
        self.0 & those.0 == those.0
    }

    /// Both.
    #[must_use]
    pub fn with(self, those: KeyMoments) -> KeyMoments {
        KeyMoments(self.0 | those.0)
    }
}

mod optional_blob {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Blob(#[serde(with = "crate::blob")] Vec<u8>);

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| Blob(bytes.clone())).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Blob>::deserialize(deserializer)?.map(|Blob(bytes)| bytes))
    }
}
