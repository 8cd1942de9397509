//! What `agent ram` has found, as it is printed with `--json` and as [`super::text`] writes it out.

use serde::Serialize;

/// Everything that one look at a game's memory gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Frames that were seen or run.
    pub frame: u64,
    /// The emulator.
    pub emulator: Emulator,
    /// What runs in it.
    pub game: Game,
    /// The profile that its memory is read with.
    pub profile: Option<Profile>,
    /// What the decoder makes of memory; none where a check fails, or the profile names no decoder.
    pub state: Option<State>,
    /// The profile's own fields.
    pub fields: Vec<Field>,
    /// Whether the game waits for somebody.
    pub turn: Option<Turn>,
    /// The validity checks.
    pub checks: Vec<Check>,
    /// What is not certain about the layout.
    pub questions: Vec<Question>,
    /// The memory at hand, where no profile explains it.
    pub regions: Vec<Region>,
}

/// The emulator.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Emulator {
    /// `libretro`, `mgba-lua`, `mgba-http`.
    pub backend: &'static str,
    /// Its name and version.
    pub core: String,
    /// Why it is this one.
    pub why: String,
    /// Where a live window answered.
    pub window: Option<String>,
    /// Which script answers there.
    pub script: Option<String>,
    /// Why no frame comes, while none does.
    pub silence: Option<String>,
}

/// A game as its header and file tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Game {
    pub title: String,
    pub code: String,
    pub sha1: Option<String>,
    pub bytes: Option<u64>,
    pub system: String,
}

/// A profile and why it is this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Profile {
    pub name: String,
    pub why: &'static str,
}

/// What the decoder makes of memory. A pair `seen`, `there` counts what a player could see, and what memory holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct State {
    pub screen: wire::observation::Screen,
    pub dungeon: u8,
    pub floor: u8,
    pub last_floor: u8,
    pub turns: u64,
    pub turns_left: i16,
    pub weather: u8,
    pub leader: Option<Leader>,
    pub allies: Count,
    pub enemies: Count,
    pub neutrals: Count,
    pub items: Count,
    pub traps: Count,
    pub stairs: Option<wire::observation::Position>,
    pub stairs_seen: bool,
    pub bag: Vec<wire::observation::BagItem>,
    pub money: i32,
    pub keys_seen: u16,
    pub message: String,
    pub dialogue: String,
}

/// Who is moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Leader {
    pub x: i16,
    pub y: i16,
    pub facing: &'static str,
    pub species: u16,
    pub level: u8,
    pub hp: i32,
    pub hp_max: i32,
    pub belly: i32,
    pub belly_max: i32,
    pub experience: u32,
}

/// How many of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Count {
    pub seen: usize,
    pub there: usize,
}

/// A declared field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name in the profile.
    pub name: String,
    /// Its value; none where a pointer on the way is null or the memory is not there.
    pub value: Option<i64>,
    /// Its documented range.
    pub range: Option<(i64, i64)>,
    /// Whether the value is in it.
    pub is_in_range: bool,
    /// What it means.
    pub meaning: String,
}

/// Whether the game waits for somebody, as the profile's `[turn]` tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// Whether it does.
    pub waits: bool,
    /// The group of tests that holds, or the one that is nearest to; from 1.
    pub group: usize,
    /// How many there are.
    pub groups: usize,
    /// The tests of that group that fail, with what was found.
    pub failing: Vec<String>,
}

/// A validity check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What must hold.
    pub name: &'static str,
    /// `passed`, `failed`, or `idle` where it concerns what is not there now.
    pub outcome: &'static str,
    /// The decoder's error, or why there is nothing to check.
    pub detail: Option<String>,
}

/// An open question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// The question.
    pub question: &'static str,
    /// `confirmed`, `contradicted`, or `not to be seen here`.
    pub verdict: String,
    /// What memory says.
    pub finding: String,
    /// What to do in the game so that memory can tell; none once it could.
    pub to_see: Option<&'static str>,
}

/// Memory at hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Region {
    /// Bus address of its first byte.
    pub address: u32,
    /// Its length in bytes.
    pub length: u32,
    /// Bytes that are not zero.
    pub non_zero: usize,
    /// Its first bytes, hexadecimal.
    pub first: String,
}
