//! What a pilot writes down: steps, decisions and milestones in the log, checkpoints beside it.

use super::journey::{Interruption, Journey, Seen};
use super::ledger::Milestone;
use crate::brain::{Effect, Move};
use crate::checkpoint::{Checkpoint, write_checkpoint};
use crate::emulator_io::Receipt;
use std::path::PathBuf;
use std::sync::Arc;
use wire::Step;
use wire::event::{Event, Latency, StepCompleted};
use wire::exit;
use wire::log;

impl Journey {
    /// The step's line, in the log before anything else is done.
    pub(super) fn complete_step(
        &mut self,
        before: &Seen,
        choice: Move,
        applied: Receipt,
        effect: Effect,
        latency: Latency,
    ) -> Result<(), Interruption> {
        let basis = before.captured.basis;
        self.report.step(&before.observation, &choice, effect, latency, self.step, basis.frame, &self.ledger);
        let brain = self.decider(&choice).to_string();
        let seen_with = before.confidence;
        let decided = self.routing.decision_for(&choice.skill);
        let event = StepCompleted {
            epoch: basis.epoch,
            frame_hash: basis.frame_hash,
            ram_hash: basis.ram_hash,
            brain,
            eyes: self.looking.name().to_string(),
            confidence: seen_with,
            tier: decided.map(|decision| decision.tier.clone()),
            source: decided.map(|decision| decision.source.name().to_string()),
            decided_on: decided.map(|decision| decision.basis),
            fallback: self.routing.fallback(&choice.skill).map(str::to_string),
            skill: choice.skill.to_string(),
            skill_version: choice.version.clone(),
            action: choice.action.into_owned(),
            keys: super::report::keys_text(&choice.gesture.keys),
            held_from: applied.first_frame,
            keys_seen: applied.keys_seen,
            reason: choice.reason.into_owned(),
            recalled: self.recalled(),
            effect: effect.name().to_string(),
            latency,
            state: super::report::state_of(&before.observation, self.ledger.turns()),
        };
        let context = log::Context { frame: Some(basis.frame), dur_us: Some(latency.total_us), ..self.context() };
        self.write(context, Event::StepCompleted(Box::new(event)))
    }

    /// Keeps a checkpoint and writes it to disk beside the game.
    pub(super) fn store_checkpoint(
        &mut self,
        emulator: Vec<u8>,
        mind: Vec<u8>,
        kind: &str,
    ) -> Option<tokio::task::JoinHandle<()>> {
        let aboard = self.aboard.as_ref()?;
        let cartridge = &aboard.welcome.cartridge;
        let checkpoint = Arc::new(Checkpoint {
            version: wire::WIRE_VERSION,
            step: self.step,
            game: format!("{} {}", cartridge.title, cartridge.code),
            brain: self.start.brain.clone(),
            mind,
            progress: self.ledger.progress(),
            turns: self.ledger.turns_of_life(),
            emulator,
        });
        self.checkpoint_step = self.step;
        self.checkpoint = Some(checkpoint.clone());
        let (log, context, kind) = (self.log.clone(), self.context(), kind.to_string());
        let folder: PathBuf = self.game.checkpoints.clone();
        Some(tokio::task::spawn_blocking(move || {
            let written = checkpoint.encode().map_err(|error| error.to_string()).and_then(|bytes| {
                let path = write_checkpoint(&folder, checkpoint.step, &bytes).map_err(|error| error.to_string())?;
                Ok((path, bytes.len() as u64))
            });
            let event = match written {
                Ok((path, bytes)) => Event::CheckpointSaved { path: path.display().to_string(), bytes, kind },
                Err(detail) => Event::AlertRaised { alert: "checkpoint not saved".into(), detail },
            };
            // A log that cannot be written ends the run at the next step's own line.
            let _ = log.write("pilot", context, event);
        }))
    }

    pub(super) fn write_decision(&self, step: Step, before: &Seen, choice: &Move) -> Result<(), Interruption> {
        let basis = before.captured.basis;
        let decided = self.routing.decision_for(&choice.skill);
        let event = Event::DecisionMade {
            brain: self.decider(choice).to_string(),
            skill: choice.skill.to_string(),
            goal: choice.goal.as_deref().unwrap_or_default().to_string(),
            reason: choice.reason.to_string(),
            basis: decided.map_or(basis, |decision| decision.basis),
            tier: decided.map(|decision| decision.tier.clone()),
            source: decided.map(|decision| decision.source.name().to_string()),
            arguments: decided.map(|decision| decision.arguments.clone()),
            confidence: decided.and_then(|decision| decision.confidence),
        };
        let context = log::Context { step: Some(step), frame: Some(basis.frame), ..self.context() };
        self.write(context, event)
    }

    pub(super) fn write_milestone(&self, milestone: Option<Milestone>, seen: &Seen) -> Result<(), Interruption> {
        let Some(milestone) = milestone else { return Ok(()) };
        let event = match milestone {
            Milestone::FloorReached { floor } => {
                let (floors, dungeon) = (self.ledger.progress().floors, u32::from(seen.observation.dungeon));
                Event::FloorReached { floor, floors, dungeon }
            }
            Milestone::EpisodeEnded { outcome, floor, turns } => {
                let message = seen.observation.message.clone();
                Event::EpisodeEnded { outcome: outcome.to_string(), floor, turns, message }
            }
        };
        self.write(log::Context { frame: Some(seen.captured.basis.frame), ..self.context() }, event)
    }

    pub(super) fn write(&self, context: log::Context, event: Event) -> Result<(), Interruption> {
        self.log.write("pilot", context, event).map_err(|error| {
            let run = self.start.run_dir.display();
            let message = format!(
                "telemetry: cannot write {run}/{}: {error}; free space, then continue with: agent run --resume {run}",
                log::LOG_FILE
            );
            Interruption::Fatal { status: exit::IO, message }
        })
    }

    pub(super) fn context(&self) -> log::Context {
        log::Context { instance: Some(self.instance), step: Some(self.step), ..log::Context::default() }
    }
}
