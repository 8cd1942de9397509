//! Every telemetry event, in one place. `docs/telemetry.md` describes them for readers of the log; a test compares.
//!
//! Names are `<Noun><Verb>`. Durations end in `_us` or `_ms`, sizes in `_bytes`.

use crate::Epoch;
use crate::decision::Basis;
use crate::hash::Hash;
use serde::{Deserialize, Serialize};

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The ordinary course of things.
    Info,
    /// Something that the run survives, and somebody should know.
    Warn,
    /// Something that ends a run or a process.
    Error,
}

/// One event with its own fields. In the log they stand in the same object as the common ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[allow(missing_docs, reason = "docs/telemetry.md describes each field, and a test keeps it complete")]
pub enum Event {
    RunStarted {
        run: String,
        version: String,
        seed: u64,
        instances: u16,
        brain: String,
        pace: String,
        rom: String,
        argv: Vec<String>,
    },
    RunResumed {
        run: String,
        checkpoint: Option<String>,
        steps_done: u64,
        floors_done: u32,
    },
    RunEnded {
        complete: bool,
        reason: String,
        steps: u64,
        floors: u32,
        best_floor: u32,
        episodes: u32,
        turns: u64,
    },
    ProcessReady {
        role: String,
        child_pid: u32,
        epoch: Epoch,
        detail: String,
    },
    ProcessExited {
        role: String,
        child_pid: u32,
        epoch: Epoch,
        cause: String,
        expected: bool,
    },
    ProcessRestarted {
        role: String,
        child_pid: u32,
        epoch: Epoch,
        restarts: u32,
        delay_ms: u64,
    },
    ProcessSuspected {
        role: String,
        child_pid: u32,
        silent_ms: u64,
        in_flight: u64,
    },
    ProcessSampled {
        role: String,
        child_pid: u32,
        resident_bytes: u64,
        cpu_ms: u64,
        threads: u64,
        descriptors: u64,
    },
    CircuitOpened {
        role: String,
        restarts: u32,
        window_s: u64,
        retry_s: u64,
    },
    EmulatorConnected {
        backend: String,
        core: String,
        title: String,
        code: String,
        sha1: Option<String>,
        profile: String,
        epoch: Epoch,
        local: bool,
    },
    EmulatorLost {
        epoch: Epoch,
        cause: String,
    },
    EmulatorSilent {
        epoch: Epoch,
        cause: String,
    },
    EmulatorResumed {
        epoch: Epoch,
        silent_ms: u64,
    },
    EmulatorChanged {
        epoch: Epoch,
        what: String,
    },
    FrameSummary {
        frames: u64,
        fresh: u64,
        stale: u64,
        similar: u64,
        capture_p50_us: u64,
        capture_p99_us: u64,
        capture_max_us: u64,
    },
    DecisionMade {
        brain: String,
        skill: String,
        goal: String,
        reason: String,
        basis: Basis,
        tier: Option<String>,
        source: Option<String>,
        arguments: Option<String>,
        confidence: Option<f32>,
    },
    DecisionSummary {
        decisions: u64,
        model: u64,
        exact: u64,
        similar: u64,
        shared: u64,
        kept: u64,
        planner: u64,
        planner_causes: String,
        escalated: u64,
        repaired: u64,
        late_answers: u64,
        busy: u64,
        hit_rate: f64,
        cache_entries: u64,
        cache_bytes: u64,
        waiting: u64,
        limit: u64,
        p50_us: u64,
        p99_us: u64,
        max_us: u64,
    },
    RecallReturned {
        outcome: String,
        reason: String,
        count: u64,
        prefetched: u64,
        p50_us: u64,
        p99_us: u64,
        max_us: u64,
    },
    LayoutRecognised {
        floor: u32,
        memory: u64,
        tiles: u64,
    },
    MemoriesKept {
        kept: u64,
        merged: u64,
        refused: u64,
    },
    MemoriesRetired {
        space: String,
        span: u32,
        memories: u64,
    },
    SilosOpened {
        space: String,
        silos: u32,
        memories: u64,
        bytes: u64,
        refused: u32,
        took_ms: u64,
    },
    GenerationPublished {
        space: String,
        span: u32,
        generation: u64,
        kind: String,
        memories: u64,
        bytes: u64,
        took_ms: u64,
    },
    GenerationRefused {
        path: String,
        message: String,
    },
    StatementSlowed {
        statement: String,
        took_us: u64,
    },
    ModelCalled {
        tier: String,
        model: String,
        outcome: String,
        reason: String,
        attempts: u32,
        hedged: bool,
        waited_us: u64,
        first_byte_us: u64,
        took_us: u64,
        tokens_in: u64,
        tokens_cached: u64,
        tokens_out: u64,
        cost: f64,
        confidence: Option<f32>,
    },
    ModelProbed {
        tier: String,
        url: String,
        model: String,
        dialect: String,
        pictures: bool,
        schema: bool,
        logprobs: bool,
        problem: Option<String>,
        took_ms: u64,
    },
    StepCompleted(Box<StepCompleted>),
    SkillLoaded {
        skill: String,
        version: String,
        tier: String,
        path: String,
        took_us: u64,
    },
    SkillReloaded {
        skill: String,
        version: String,
        before: String,
        tier: String,
        path: String,
        took_us: u64,
    },
    SkillRejected {
        skill: String,
        path: String,
        line: Option<u32>,
        column: Option<u32>,
        message: String,
        kept: Option<String>,
    },
    SkillRemoved {
        skill: String,
        version: String,
        path: String,
        now: Option<String>,
    },
    SkillStarted {
        skill: String,
        version: String,
        revision: Hash,
        arguments: String,
        reason: String,
    },
    SkillFinished {
        skill: String,
        version: String,
        outcome: String,
        reason: String,
        steps: u64,
    },
    SkillNoted {
        skill: String,
        text: String,
    },
    DecodeFailed {
        check: String,
        count: u64,
    },
    FloorReached {
        floor: u32,
        floors: u32,
        dungeon: u32,
    },
    EpisodeEnded {
        outcome: String,
        floor: u32,
        turns: u64,
        #[serde(default)]
        message: String,
    },
    CheckpointSaved {
        path: String,
        bytes: u64,
        kind: String,
    },
    CheckpointRestored {
        path: String,
        checkpoint_step: u64,
    },
    RunRemoved {
        run: String,
        bytes: u64,
    },
    LogRotated {
        part: u64,
        bytes: u64,
    },
    LogPartRemoved {
        part: u64,
        bytes: u64,
    },
    ExportFailed {
        target: String,
        reason: String,
        dropped: u64,
    },
    ExportResumed {
        target: String,
        silent_ms: u64,
        dropped: u64,
    },
    AlertRaised {
        alert: String,
        detail: String,
    },
    AlertCleared {
        alert: String,
        detail: String,
    },
    EyesCompared {
        pictures: u64,
        skipped: u64,
        values: u64,
        differing: u64,
        alarms: u64,
    },
}

/// A step, whole: what was seen, decided and done, and where the time went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "docs/telemetry.md describes each field, and a test keeps it complete")]
pub struct StepCompleted {
    pub epoch: Epoch,
    pub frame_hash: Hash,
    pub ram_hash: Hash,
    pub brain: String,
    pub eyes: String,
    pub confidence: Option<f32>,
    pub tier: Option<String>,
    pub source: Option<String>,
    pub decided_on: Option<Basis>,
    pub fallback: Option<String>,
    pub skill: String,
    pub skill_version: Option<String>,
    pub action: String,
    pub keys: String,
    pub held_from: u64,
    pub keys_seen: Option<bool>,
    pub reason: String,
    pub recalled: Vec<u64>,
    pub effect: String,
    pub latency: Latency,
    pub state: State,
}

/// Where a step's time went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "docs/telemetry.md describes each field, and a test keeps it complete")]
pub struct Latency {
    pub capture_us: u64,
    pub decode_us: u64,
    pub recall_us: u64,
    pub route_us: u64,
    pub skill_us: u64,
    pub script_us: u64,
    pub apply_us: u64,
    pub overhead_us: u64,
    pub total_us: u64,
}

/// How the game stood when the decision was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "docs/telemetry.md describes each field, and a test keeps it complete")]
pub struct State {
    pub dungeon: u32,
    pub floor: u32,
    pub x: i32,
    pub y: i32,
    pub hp: i32,
    pub max_hp: i32,
    pub belly: i32,
    pub turns: u64,
}

/// The names of all events.
pub const EVENT_NAMES: &[&str] = &[
    "RunStarted",
    "RunResumed",
    "RunEnded",
    "ProcessReady",
    "ProcessExited",
    "ProcessRestarted",
    "ProcessSuspected",
    "ProcessSampled",
    "CircuitOpened",
    "EmulatorConnected",
    "EmulatorLost",
    "EmulatorSilent",
    "EmulatorResumed",
    "EmulatorChanged",
    "FrameSummary",
    "DecisionMade",
    "DecisionSummary",
    "RecallReturned",
    "LayoutRecognised",
    "MemoriesKept",
    "MemoriesRetired",
    "SilosOpened",
    "GenerationPublished",
    "GenerationRefused",
    "StatementSlowed",
    "ModelCalled",
    "ModelProbed",
    "StepCompleted",
    "SkillLoaded",
    "SkillReloaded",
    "SkillRejected",
    "SkillRemoved",
    "SkillStarted",
    "SkillFinished",
    "SkillNoted",
    "DecodeFailed",
    "FloorReached",
    "EpisodeEnded",
    "CheckpointSaved",
    "CheckpointRestored",
    "RunRemoved",
    "LogRotated",
    "LogPartRemoved",
    "ExportFailed",
    "ExportResumed",
    "AlertRaised",
    "AlertCleared",
    "EyesCompared",
];

impl Event {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Event::ProcessExited { expected: false, .. } | Event::CircuitOpened { .. } => Level::Error,
            Event::RunEnded { complete: false, .. }
            | Event::ProcessRestarted { .. }
            | Event::ProcessSuspected { .. }
            | Event::EmulatorLost { .. }
            | Event::EmulatorSilent { .. }
            | Event::EmulatorChanged { .. }
            | Event::SkillRejected { .. }
            | Event::GenerationRefused { .. }
            | Event::StatementSlowed { .. }
            | Event::DecodeFailed { .. }
            | Event::CheckpointRestored { .. }
            | Event::ExportFailed { .. }
            | Event::AlertRaised { .. } => Level::Warn,
            _ => Level::Info,
        }
    }
}
