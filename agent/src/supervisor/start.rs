//! What each role is told at its start.

use crate::config::{Backend, Config, Indexes, Recall, some_path};
use crate::log_scan::LogScan;
use crate::run_folder::RunFolder;
use std::path::PathBuf;
use wire::control::{
    Done, RecallSettings, Role, SkillTask, StartActors, StartBridge, StartIndexes, StartSkills, TelemetryTarget, ToRole,
};
use wire::{Epoch, Instance};

/// The one game of a run.
pub const INSTANCE: Instance = 0;
/// The bridge takes any free port of this machine alone.
const LISTEN: &str = "127.0.0.1:0";

/// What does not change during a run.
#[derive(Debug)]
pub struct Plan {
    /// The run's configuration.
    pub config: Config,
    /// The run's folder.
    pub folder: RunFolder,
    /// The ROM; `None` with an emulator bridge that runs already.
    pub rom: Option<PathBuf>,
    /// What clients of the bridge must know.
    pub token: String,
    /// A skill to be tried instead of playing on.
    pub task: Option<SkillTask>,
    /// The checkpoint to begin from, where the run does not continue an earlier one.
    pub checkpoint: Option<PathBuf>,
    /// Whether the run continues an earlier one.
    pub resumed: bool,
}

impl Plan {
    /// Where every process writes its events.
    pub fn telemetry(&self) -> TelemetryTarget {
        match self.config.telemetry.backend {
            Backend::File => TelemetryTarget::File(self.folder.log_path()),
            Backend::Memory => TelemetryTarget::Memory,
            Backend::Null => TelemetryTarget::Null,
        }
    }

    /// The roles of this run.
    pub fn roles(&self) -> Vec<Role> {
        let mut roles = vec![Role::Actors, Role::Indexes, Role::Skills];
        if self.rom.is_some() {
            roles.insert(0, Role::EmulatorBridge);
        }
        roles
    }

    /// The first message to a role. `first` says whether this is its first life in this process.
    pub fn start(&self, role: Role, epoch: Epoch, first: bool, scan: &LogScan) -> ToRole {
        match role {
            Role::EmulatorBridge => ToRole::StartBridge(self.start_bridge(epoch)),
            Role::Actors => ToRole::StartActors(Box::new(self.start_actors(first, scan))),
            Role::Indexes => ToRole::StartIndexes(self.start_indexes()),
            Role::Skills => ToRole::StartSkills(self.start_skills()),
        }
    }

    fn start_bridge(&self, epoch: Epoch) -> StartBridge {
        StartBridge {
            instance: INSTANCE,
            epoch,
            backend: self.config.emulator.choice(),
            windows: self.config.emulator.windows(),
            core: self.config.emulator.core(),
            rom: self.rom.clone().expect("a bridge is started only where there is a ROM"),
            listen: LISTEN.to_string(),
            token: self.token.clone(),
            run_dir: self.folder.path.clone(),
            telemetry: self.telemetry(),
        }
    }

    fn start_actors(&self, first: bool, scan: &LogScan) -> StartActors {
        let Config { run, emulator, game, pilot, .. } = &self.config;
        StartActors {
            run: self.folder.name.clone(),
            run_dir: self.folder.path.clone(),
            telemetry: self.telemetry(),
            seed: run.seed,
            steps_max: Some(run.steps).filter(|steps| *steps > 0),
            floors_max: Some(run.floors).filter(|floors| *floors > 0),
            one_episode: run.one_life,
            brain: run.brain.clone(),
            pace: run.pace,
            profiles: some_path(&game.profiles),
            profile: Some(game.profile.clone()).filter(|profile| !profile.is_empty()),
            omniscient: game.omniscient,
            checkpoint_every_steps: pilot.checkpoint_every_steps,
            decision_deadline_ms: pilot.decision_deadline_ms,
            emulator_deadline_ms: emulator.deadline_ms,
            resume_from: if first && !self.resumed { self.checkpoint.clone() } else { self.folder.newest_checkpoint() },
            recall: self.recall(),
            router: self.config.router.settings(run.brain == "router"),
            task: self.task.clone(),
            done: Done { continuing: !first, ..scan.done.clone() },
        }
    }

    fn recall(&self) -> RecallSettings {
        let Recall { used, record, deadline_ms, embeddings_url, embeddings_model } = self.config.recall.clone();
        RecallSettings { used, is_recorded: record, deadline_ms, embeddings_url, embeddings_model }
    }

    fn start_indexes(&self) -> StartIndexes {
        let Indexes { folder, kind, capacity, fold_at } = self.config.indexes.clone();
        let (telemetry, is_writable) = (self.telemetry(), self.config.recall.record);
        StartIndexes { folder, telemetry, is_writable, kind, capacity, fold_at }
    }

    fn start_skills(&self) -> StartSkills {
        StartSkills { folder: self.config.skills.folder.clone(), telemetry: self.telemetry() }
    }
}
