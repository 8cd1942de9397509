//! What the parent and its roles say to each other over the control socket ([`crate::link`]).
//!
//! Order: the role says `Hello`, the parent answers `Start`, the role answers `Ready` (or `Failed`, and ends). Then the
//! parent pings, tells the actors which emulators live, and finally says `Stop`.

use crate::emulator::Cartridge;
pub use crate::eyes::Eyes;
use crate::router::TierSettings;
use crate::skill::Argument;
use crate::{Epoch, Instance, Step};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Games of one run at most.
pub const INSTANCES_MAX: Instance = 64;
/// First field of `Hello`: "PKPT".
pub const MAGIC: u32 = 0x5450_4b50;

/// What a process of the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs one emulator and serves it.
    EmulatorBridge,
    /// Runs the actors.
    Actors,
    /// Holds the FAISS silos.
    Indexes,
    /// Loads and runs skills.
    Skills,
}

impl Role {
    /// The name on the command line and in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Role::EmulatorBridge => "emulator-bridge",
            Role::Actors => "actors",
            Role::Indexes => "indexes",
            Role::Skills => "skills",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// From a role to the parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromRole {
    /// First message.
    Hello {
        /// [`MAGIC`].
        magic: u32,
        /// [`crate::WIRE_VERSION`].
        wire_version: u32,
        /// Version of the executable; both sides must be the same build.
        build: String,
        /// What the role believes to be.
        role: Role,
    },
    /// The role is up. A bridge attaches the descriptor of its frame ring.
    Ready {
        /// A bridge's WebSocket address, `ws://127.0.0.1:PORT/?token=…`.
        address: Option<String>,
        /// What runs in a bridge.
        cartridge: Option<Cartridge>,
        /// Which way of driving an emulator a bridge took, never [`BackendChoice::Auto`].
        backend: Option<BackendChoice>,
        /// A line for a person: core and ROM, FAISS version, …
        detail: String,
    },
    /// The role cannot do its work; it ends with this status.
    Failed {
        /// Exit status, see [`crate::exit`].
        status: i32,
        /// One line: what is wrong and what to do.
        message: String,
    },
    /// Actors: how a game stands, for the terminal. Sent at most a few times a second.
    Status(Status),
    /// Something out of the ordinary, for the person at the terminal.
    Note {
        /// The game it is about, where it is about one.
        instance: Option<Instance>,
        /// What it is.
        text: String,
    },
    /// Actors: a game is over.
    Finished {
        /// Which.
        instance: Instance,
        /// How it ended.
        summary: Box<Summary>,
    },
    /// Actors: one game of several cannot go on; the others do.
    GameFailed {
        /// Which.
        instance: Instance,
        /// The exit status of a run that plays this game alone, see [`crate::exit`].
        status: i32,
        /// One line: what is wrong and what to do.
        message: String,
    },
}

/// From the parent to a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToRole {
    /// To a bridge.
    StartBridge(StartBridge),
    /// To the actors.
    StartActors(Box<StartActors>),
    /// To the indexes.
    StartIndexes(StartIndexes),
    /// To the skills.
    StartSkills(StartSkills),
    /// To the actors: an emulator lives. Its ring's descriptor is attached when it is on this machine.
    EmulatorUp {
        /// Which game.
        instance: Instance,
        /// Its life.
        epoch: Epoch,
        /// `ws://…` with token.
        address: String,
    },
    /// To the actors: an emulator died.
    EmulatorDown {
        /// Which game.
        instance: Instance,
        /// Its life.
        epoch: Epoch,
        /// Whether it will be started again.
        restarting: bool,
    },
    /// To the actors, and to the skills or the indexes: one end of the socket between them is attached. It replaces the
    /// one before, of the same game.
    Connect {
        /// Who is at the other end.
        peer: Role,
        /// The game that has this socket for itself; 0 where all games share one.
        instance: Instance,
    },
    /// The log goes on in the file whose descriptor is attached.
    LogMoved,
    /// Asks for a sign of life; it passes through the role's actors, which move the progress page.
    Ping,
    /// Asks the role to end.
    Stop,
}

/// Where telemetry goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TelemetryTarget {
    /// Appended to this file.
    File(PathBuf),
    /// Kept in memory (tests and benches).
    Memory,
    /// Dropped.
    Null,
}

/// How an emulator is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendChoice {
    /// A live window if there is one, else the embedded core.
    Auto,
    /// A libretro core in a process of its own.
    Libretro,
    /// A live mGBA window with this project's script.
    MgbaLua,
    /// A live mGBA window with mGBA-http's script.
    MgbaHttp,
}

impl BackendChoice {
    /// Every choice.
    pub const ALL: [BackendChoice; 4] =
        [BackendChoice::Auto, BackendChoice::Libretro, BackendChoice::MgbaLua, BackendChoice::MgbaHttp];

    /// The name in the configuration and in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            BackendChoice::Auto => "auto",
            BackendChoice::Libretro => "libretro",
            BackendChoice::MgbaLua => "mgba-lua",
            BackendChoice::MgbaHttp => "mgba-http",
        }
    }

    /// The choice of this name.
    pub fn named(name: &str) -> Option<BackendChoice> {
        BackendChoice::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// Where a live window may be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// `HOST:PORT` of this project's script; that port and the nine after it are tried.
    pub lua: String,
    /// What the script was told to ask for; empty: nothing.
    pub token: String,
    /// `HOST:PORT` of mGBA-http's script; that port and the nine after it are tried.
    pub http: String,
}

/// What a bridge needs to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartBridge {
    /// Which game.
    pub instance: Instance,
    /// Its life.
    pub epoch: Epoch,
    /// How the emulator is driven.
    pub backend: BackendChoice,
    /// Where a live window may be found.
    pub windows: Windows,
    /// The libretro core; `None`: look in the usual places.
    pub core: Option<PathBuf>,
    /// The ROM for the embedded core.
    pub rom: PathBuf,
    /// Address to listen on, port 0 for any.
    pub listen: String,
    /// What a client must know.
    pub token: String,
    /// Where the run's files are.
    pub run_dir: PathBuf,
    /// Where telemetry goes.
    pub telemetry: TelemetryTarget,
}

/// What the skills role needs to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartSkills {
    /// The folder of skills.
    pub folder: PathBuf,
    /// Where telemetry goes.
    pub telemetry: TelemetryTarget,
}

/// What the indexes role needs to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartIndexes {
    /// The folder of the silos and the experience store.
    pub folder: PathBuf,
    /// Where telemetry goes.
    pub telemetry: TelemetryTarget,
    /// Whether memories may be added.
    pub is_writable: bool,
    /// The index kind of every silo, or `auto` to choose by size.
    pub kind: String,
    /// Memories that a silo keeps.
    pub capacity: u32,
    /// New memories of a silo that are folded into a generation of their own accord.
    pub fold_at: u32,
}

/// Whether experience takes part in decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecallUse {
    /// As the game's profile says.
    #[default]
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// What makes vectors of what is seen, without a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum EmbedderChoice {
    /// The decoded state and the picture's large shapes.
    #[default]
    State,
    /// The decoded state and what the reader makes of the picture.
    Reader,
    /// The hidden states of the model of this tier.
    Model(Box<TierSettings>),
}

/// How experience is used and gathered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecallSettings {
    /// Whether it takes part in decisions.
    pub used: RecallUse,
    /// Whether new memories are kept.
    pub is_recorded: bool,
    /// Longest wait for the silos, in milliseconds.
    pub deadline_ms: u64,
    /// What makes vectors where no server does.
    pub embedder: EmbedderChoice,
    /// Base address of a server with `/v1/embeddings`; empty: `embedder`.
    pub embeddings_url: String,
    /// The model that the server is asked for.
    pub embeddings_model: String,
}

/// How emulated time relates to the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// The game waits for each decision; frames pass at the real machine's rate.
    Lockstep,
    /// The game never waits.
    Realtime,
    /// The game waits for each decision; frames pass as fast as they go.
    Unthrottled,
}

impl Pace {
    /// The name on the command line and in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Pace::Lockstep => "lockstep",
            Pace::Realtime => "realtime",
            Pace::Unthrottled => "unthrottled",
        }
    }
}

/// What the actors need to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartActors {
    /// The run's name, `<time>-<id>`.
    pub run: String,
    /// Where the run's files are.
    pub run_dir: PathBuf,
    /// Where telemetry goes.
    pub telemetry: TelemetryTarget,
    /// The games that are still to be played.
    pub games: Vec<StartGame>,
    /// How many games the run has, with those that are over.
    pub instances: Instance,
    /// A game ends after this many steps.
    pub steps_max: Option<u64>,
    /// A game ends when this floor was reached.
    pub floors_max: Option<u32>,
    /// A game ends when its first life ends, whatever was reached.
    pub one_episode: bool,
    /// Who decides: `planner`, `rules`, `random`, or `router` for models with the planner behind them.
    pub brain: String,
    /// Pace of the game.
    pub pace: Pace,
    /// Folder with profiles that take precedence over the built-in ones.
    pub profiles: Option<PathBuf>,
    /// Use this profile instead of recognising the ROM.
    pub profile: Option<String>,
    /// Show the agent everything the RAM holds, not only what a player could see.
    pub omniscient: bool,
    /// What play is based on.
    pub eyes: Eyes,
    /// A checkpoint at least every this many steps.
    pub checkpoint_every_steps: u64,
    /// Longest time for one decision.
    pub decision_deadline_ms: u64,
    /// Longest time for one request to the emulator, pace not included.
    pub emulator_deadline_ms: u64,
    /// How experience is used and gathered.
    pub recall: RecallSettings,
    /// How models are asked.
    pub router: crate::router::RouterSettings,
    /// Try one skill instead of playing on.
    pub task: Option<SkillTask>,
}

/// One of the games of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartGame {
    /// Which.
    pub instance: Instance,
    /// Seed of the game and of every random choice in it.
    pub seed: u64,
    /// Where its checkpoints are.
    pub checkpoints: PathBuf,
    /// Begin from this checkpoint instead of a reset game.
    pub resume_from: Option<PathBuf>,
    /// What the run's log already holds; of an earlier life of this role or of a run that is resumed.
    pub done: Done,
}

/// One skill to be tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SkillTask {
    /// Its name.
    pub skill: String,
    /// What it is told.
    pub arguments: Vec<(String, Argument)>,
    /// The planner plays until this condition holds, then the skill begins; without one it begins at once.
    pub until: Option<String>,
    /// What must hold at the end, or before; without one the skill must succeed.
    pub expect: Option<String>,
    /// How its run must end: `success`, `failure`, …; without it that does not matter where something is expected.
    pub outcome: Option<String>,
    /// Steps that the skill may take.
    pub steps_max: u64,
}

/// What came of a skill that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// How the skill's run ended; empty while it goes on.
    pub outcome: String,
    /// Why, or why the task ended without it.
    pub reason: String,
    /// Steps that the skill took.
    pub steps: u64,
    /// Whether it did what was expected of it.
    pub is_met: bool,
}

/// What a game has achieved so far, as the run's log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The last step that was completed.
    pub step: Step,
    /// Floors reached.
    pub floors: u32,
    /// The highest floor reached in the current life, 0 before the first.
    pub floor: u32,
    /// The highest floor reached in any life.
    pub best_floor: u32,
    /// Lives that ended.
    pub episodes: u32,
    /// The last start of this run was in an earlier life of the actors: continue the live game.
    pub continuing: bool,
}

/// How a game stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Which game.
    pub instance: Instance,
    /// Last completed step.
    pub step: Step,
    /// Floor, 0 outside dungeons.
    pub floor: u32,
    /// Floors reached in this run.
    pub floors: u32,
    /// Hit points and their maximum.
    pub hp: (i32, i32),
    /// Belly and its maximum.
    pub belly: (i32, i32),
    /// Leader's level.
    pub level: u32,
    /// Turns taken.
    pub turns: u64,
    /// Name of the skill or brain that acted.
    pub skill: String,
    /// What was done last.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Steps in the last second.
    pub steps_per_s: f32,
    /// The newest frame's number.
    pub frame: u64,
}

/// How a game ended, or all games of a run together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether the asked-for work was done.
    pub complete: bool,
    /// Why it ended: `floors reached`, `steps done`, `episode ended`, `stopped`, `game completed`, …
    pub reason: String,
    /// Steps completed.
    pub steps: u64,
    /// Floors reached.
    pub floors: u32,
    /// Highest floor of any life.
    pub best_floor: u32,
    /// Lives that ended.
    pub episodes: u32,
    /// Turns the leader took.
    pub turns: u64,
    /// Overhead of a step, 50th, 99th percentile and maximum, in microseconds.
    pub overhead_us: (u64, u64, u64),
    /// Reading a frame, 50th, 99th percentile and maximum, in microseconds.
    pub capture_us: (u64, u64, u64),
    /// Decoding an observation, 50th, 99th percentile and maximum, in microseconds.
    pub decode_us: (u64, u64, u64),
    /// Steps whose input had no visible effect.
    pub ineffective_steps: u64,
    /// Requests answered `Busy`.
    pub busy: u64,
    /// What came of the skill that was to be tried.
    pub task: Option<TaskResult>,
    /// Pictures that were compared with memory, and values that differed, where both were looked at.
    pub compared: Option<(u64, u64)>,
}
