//! What each role is told at its start.

use super::process::Process;
use crate::config::{Backend, Config, Indexes, Recall, some_path};
use crate::log_scan::LogScan;
use crate::run_folder::{EXCHANGES, RECORDING, RunFolder};
use std::path::PathBuf;
use wire::control::{
    Done, EmbedderChoice, RecallSettings, Role, SkillTask, StartActors, StartBridge, StartGame, StartIndexes,
    StartSkills, TelemetryTarget, ToRole,
};
use wire::router::RouterSettings;
use wire::{Epoch, Instance};

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

    /// The games of this run.
    pub fn instances(&self) -> std::ops::Range<Instance> {
        0..self.config.run.instances
    }

    /// What a game is called, for a person; nothing where there is only one.
    pub fn name_of(&self, instance: Instance) -> Option<String> {
        (self.config.run.instances > 1).then(|| format!("game {instance}"))
    }

    /// The processes of this run: a bridge for each game, and the roles that all games share.
    pub fn processes(&self, scan: &LogScan) -> Vec<Process> {
        let shared = [Role::Actors, Role::Indexes, Role::Skills];
        let mut processes: Vec<_> =
            shared.into_iter().map(|role| Process::new(role, None, role.to_string(), 0)).collect();
        if self.rom.is_some() {
            let bridges = self.instances().map(|instance| {
                let role = Role::EmulatorBridge;
                let name = self.name_of(instance).map_or(role.to_string(), |game| format!("{role} of {game}"));
                Process::new(role, Some(instance), name, scan.game(instance).epoch)
            });
            processes.extend(bridges);
        }
        processes
    }

    /// The first message to a bridge.
    pub fn start_bridge(&self, instance: Instance, epoch: Epoch) -> ToRole {
        ToRole::StartBridge(StartBridge {
            instance,
            epoch,
            backend: self.config.emulator.choice(),
            windows: self.config.emulator.windows(),
            core: self.config.emulator.core(),
            rom: self.rom.clone().expect("a bridge is started only where there is a ROM"),
            listen: LISTEN.to_string(),
            token: self.token.clone(),
            run_dir: self.folder.path.clone(),
            telemetry: self.telemetry(),
        })
    }

    /// The first message to the actors, for the games that are not over. `first` says whether this is their first life in
    /// this process.
    pub fn start_actors(&self, games: impl Iterator<Item = Instance>, first: bool, scan: &LogScan) -> ToRole {
        let Config { run, emulator, game, pilot, .. } = &self.config;
        ToRole::StartActors(Box::new(StartActors {
            run: self.folder.name.clone(),
            run_dir: self.folder.path.clone(),
            telemetry: self.telemetry(),
            games: games.map(|instance| self.start_game(instance, first, scan)).collect(),
            instances: run.instances,
            steps_max: Some(run.steps).filter(|steps| *steps > 0),
            floors_max: Some(run.floors).filter(|floors| *floors > 0),
            one_episode: run.one_life,
            brain: run.brain.clone(),
            pace: run.pace,
            profiles: some_path(&game.profiles),
            profile: Some(game.profile.clone()).filter(|profile| !profile.is_empty()),
            omniscient: game.omniscient,
            eyes: game.eyes,
            checkpoint_every_steps: pilot.checkpoint_every_steps,
            decision_deadline_ms: pilot.decision_deadline_ms,
            emulator_deadline_ms: emulator.deadline_ms,
            recall: self.recall(),
            router: self.router(),
            task: self.task.clone(),
        }))
    }

    fn start_game(&self, instance: Instance, first: bool, scan: &LogScan) -> StartGame {
        let is_new = first && !self.resumed;
        StartGame {
            instance,
            // Another game each, and the same one each time.
            seed: self.config.run.seed.wrapping_add(instance.into()),
            checkpoints: self.folder.checkpoints(instance),
            resume_from: if is_new { self.checkpoint.clone() } else { self.folder.newest_checkpoint(instance) },
            done: Done { continuing: !first, ..scan.game(instance).done },
        }
    }

    fn router(&self) -> RouterSettings {
        let mut settings = self.config.router.settings(self.config.run.brain == "router");
        if self.config.telemetry.inspection {
            settings.record.get_or_insert_with(|| self.folder.path.join(RECORDING));
        }
        // Who exports models' words takes them from there.
        if self.config.telemetry.inspection || self.config.export.tells_content() {
            settings.exchanges = Some(self.folder.path.join(EXCHANGES));
        }
        settings
    }

    fn recall(&self) -> RecallSettings {
        let Recall { used, record, deadline_ms, embedder, embeddings_url, embeddings_model } =
            self.config.recall.clone();
        let model = || self.config.router.tiers.iter().find(|tier| tier.backend == "qwen3-vl").cloned();
        let embedder = match embedder.as_str() {
            "reader" => EmbedderChoice::Reader,
            // The check of the configuration says that there is such a tier.
            "qwen3-vl" => model().map_or(EmbedderChoice::State, |tier| EmbedderChoice::Model(Box::new(tier))),
            _ => EmbedderChoice::State,
        };
        RecallSettings { used, is_recorded: record, deadline_ms, embedder, embeddings_url, embeddings_model }
    }

    /// The first message to the indexes.
    pub fn start_indexes(&self) -> ToRole {
        let Indexes { folder, kind, capacity, fold_at } = self.config.indexes.clone();
        let (telemetry, is_writable) = (self.telemetry(), self.config.recall.record);
        ToRole::StartIndexes(StartIndexes { folder, telemetry, is_writable, kind, capacity, fold_at })
    }

    /// The first message to the skills.
    pub fn start_skills(&self) -> ToRole {
        ToRole::StartSkills(StartSkills { folder: self.config.skills.folder.clone(), telemetry: self.telemetry() })
    }
}
