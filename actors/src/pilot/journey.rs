//! One game from its first frame to the end of the run: what a step consists of, and in which order.

use super::company::Seat;
use super::crew::Crew;
use super::ledger::{Ledger, Milestone};
use super::looking::Looking;
use super::recalling::Recollecting;
use super::report::Report;
use super::routing::Routing;
use super::skilled::Skilled;
use super::task::Task;
use crate::brain::{Brain, Effect};
use crate::capture::{Captured, Capturing, Latest};
use crate::checkpoint::Checkpoint;
use crate::emulator_io::{Apply, Ask, EmulatorError, Receipt};
use crate::port::Asked;
use crate::profile::Profile;
use crate::ram::{Decode, Decoded};
use crate::router::GameEnded;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::control::{Pace, StartActors, StartGame, Summary};
use wire::emulator::{Answer, Request, Welcome};
use wire::event::{Event, Latency};
use wire::exit;
use wire::log;
use wire::observation::Observation;
use wire::{Epoch, Instance, Step};

/// Frames that the game may take to come to a point where it waits for somebody: ten seconds.
pub(super) const SETTLE_FRAMES_MAX: u32 = 600;
/// Observations in a row that may fail before the run ends rather than play blindly.
const UNREADABLE_MAX: u32 = 60;
/// Frames that pass before an unreadable memory is looked at again.
const UNREADABLE_FRAMES: u32 = 10;
const LOOK_TRIES_MAX: usize = 5;
const FRAMES_A_SECOND: f64 = 59.7275;
/// How many times slower than the real machine a live window may run.
const LIVE_SLOWNESS_MAX: u32 = 10;

/// One game.
pub struct Journey {
    pub(super) instance: Instance,
    pub(super) game: StartGame,
    pub(super) start: StartActors,
    pub(super) crew: Crew,
    pub(super) log: Arc<log::Log>,
    pub(super) page: Seat,
    pub(super) report: Report,
    /// Decides where no skill does.
    pub(super) brain: Box<dyn Brain>,
    /// Playing through skills, where the brain does.
    pub(super) skilled: Option<Box<Skilled>>,
    /// A skill that is to be tried.
    pub(super) task: Option<Task>,
    /// What is asked of models.
    pub(super) routing: Routing,
    /// What is made of experience.
    pub(super) recollecting: Recollecting,
    /// What is seen by pictures.
    pub(super) looking: Looking,
    pub(super) ledger: Ledger,
    pub(super) step: Step,
    pub(super) aboard: Option<Aboard>,
    pub(super) checkpoint: Option<Arc<Checkpoint>>,
    pub(super) checkpoint_step: Step,
    /// Why the next step begins with a checkpoint, if it does.
    pub(super) due: Option<&'static str>,
    pub(super) is_started: bool,
    pub(super) redial: super::boarding::Redial,
    /// Since when the emulator shows no frame.
    pub(super) silence: Option<Instant>,
    /// Steps in a row whose keys the game did not see.
    pub(super) unseen: u32,
}

/// What is known while an emulator is connected.
pub(super) struct Aboard {
    pub(super) welcome: Welcome,
    pub(super) profile: Arc<Profile>,
    pub(super) epoch: Epoch,
    /// What was seen last; the next decision is made from it.
    pub(super) seen: Option<Seen>,
    pub(super) unreadable: u32,
    /// When the last step was measured.
    pub(super) measured: Option<Instant>,
}

/// A frame and what it means.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) captured: Captured,
    pub(super) observation: Arc<Observation>,
    pub(super) decode_us: u64,
    /// How sure the reader was of it, where it was read on the picture.
    pub(super) confidence: Option<f32>,
}

/// The emulator's state.
pub(super) struct SavedState {
    pub(super) state: Vec<u8>,
    /// The emulator's own time for it.
    pub(super) run_us: u64,
}

/// What follows.
#[derive(Debug)]
pub enum Course {
    /// Go on.
    Onward,
    /// The run is over.
    Finished(Box<Summary>),
    /// The run cannot go on.
    Failed {
        /// Exit status.
        status: i32,
        /// One line for a person.
        message: String,
    },
}

/// Why a step was not completed.
pub(super) enum Interruption {
    /// The emulator does not answer any more.
    Emulator(EmulatorError),
    /// The run must end.
    Fatal { status: i32, message: String },
}

impl From<EmulatorError> for Interruption {
    fn from(error: EmulatorError) -> Interruption {
        Interruption::Emulator(error)
    }
}

impl Journey {
    /// Whether the run has other games.
    pub fn is_one_of_several(&self) -> bool {
        self.start.instances > 1
    }

    /// Whether there is something to do without waiting for a message.
    pub fn can_continue(&self) -> bool {
        self.aboard.is_some() || self.redial.is_wanted()
    }

    /// One step, or an attempt to find a lost emulator again.
    pub async fn go_on(&mut self) -> Course {
        if self.aboard.is_none() {
            return self.redial().await;
        }
        if self.silence.is_some() {
            return self.wait_for_frames().await;
        }
        if let Some(reason) = self.reason_to_end(false) {
            return self.finish(reason).await;
        }
        match self.take_step().await {
            Ok(None) => Course::Onward,
            Ok(Some(reason)) => self.finish(reason).await,
            Err(interruption) => self.interrupted(interruption),
        }
    }

    /// Whether the game runs in a window of its own, so that nobody here may put it back, reset it or speed it up.
    pub(super) fn is_live(&self) -> bool {
        self.aboard.as_ref().is_some_and(|aboard| !aboard.welcome.capabilities.frame_step)
    }

    /// Ends the run: saves, and sums up.
    pub async fn finish(&mut self, reason: &str) -> Course {
        if self.aboard.is_some()
            && self.step > self.checkpoint_step
            && let Ok(saved) = self.save_state().await
            && let Some(writing) = self.store_checkpoint(saved.state, self.mind(), "end")
        {
            // A checkpoint that cannot be written has said so in the log.
            let _ = writing.await;
        }
        self.keep_experience().await;
        if let Err(Interruption::Fatal { status, message }) = self.end_comparison().await {
            return Course::Failed { status, message };
        }
        // A log that cannot be written has ended the run before.
        let _ = self.keep_questions();
        let _ = self.crew.router.ask(GameEnded(self.instance), Duration::from_secs(1)).await;
        let capture_us = self.crew.telemetry.ask(crate::telemetry::Flush, Duration::from_secs(1)).await;
        let complete = matches!(reason, "floors reached" | "steps done" | "episode ended") || self.is_task_met();
        let summary = self.report.summary(&self.ledger, self.step, complete, reason, self.crew.busy());
        let task = self.task.as_ref().map(Task::result);
        let compared = self.looking.counts();
        let capture_us = capture_us.answer().unwrap_or_default();
        Course::Finished(Box::new(Summary { capture_us, task, compared, ..summary }))
    }

    async fn take_step(&mut self) -> Result<Option<&'static str>, Interruption> {
        let before = self.seen_or_look().await?;
        let Some(mut before) = before else { return Ok(None) };
        // Steps are measured end to end: one begins where the one before it was measured, so that writing its line and
        // whatever else happens in between belongs to the next.
        let started = self.aboard.as_mut().and_then(|aboard| aboard.measured.take()).unwrap_or_else(Instant::now);
        let step = self.step + 1;
        self.page.set_in_flight(step);
        self.routing.begin();
        let mut latency =
            Latency { capture_us: before.captured.capture_us, decode_us: before.decode_us, ..Latency::default() };

        let asked = Instant::now();
        self.recall(step, &mut before).await?;
        latency.recall_us = microseconds(asked);
        let asked = Instant::now();
        let Some(profile) = self.aboard.as_ref().map(|aboard| aboard.profile.clone()) else { return Ok(None) };
        // A due checkpoint holds what the brain knows before it decides on the step that follows.
        let due = self.due.take().map(|kind| (kind, self.mind()));
        let mut choice = match self.look_into_bag(&before) {
            Some(choice) => choice,
            None => match self.take_turn(step, &mut before, &profile).await? {
                Some(choice) => choice,
                None if self.task.as_ref().is_some_and(Task::is_over) => return Ok(Some("skill tried")),
                None => match self.press_by_model(step, &before).await? {
                    Some(choice) => choice,
                    None => self.brain.decide(&before.observation, &profile),
                },
            },
        };
        self.credit(&mut choice);
        self.expect(&choice, &before);
        latency.route_us = std::mem::take(&mut self.routing.took_us);
        latency.skill_us = microseconds(asked).saturating_sub(latency.route_us);
        latency.script_us = self.skilled.as_mut().map_or(0, |skilled| std::mem::take(&mut skilled.spent_us));
        if choice.goal.is_some() || self.routing.is_new(&choice.skill) {
            self.write_decision(step, &before, &choice)?;
        }

        let applying = Instant::now();
        let until = Some(profile.turn.clone());
        let (keys, frames_max) = (choice.gesture.keys.clone(), choice.gesture.frames_max);
        self.looking.press(&keys);
        let first_frames = self.looking.first_frames(keys.len(), frames_max);
        // The emulator's state is taken before the keys are pressed; its bytes travel while the frames pass.
        let (saved, applied, ()) = tokio::join!(
            self.save_if(due.is_some()),
            self.pass_frames(keys, first_frames, until),
            self.note_step(step, &before, &choice)
        );
        let (saved, mut applied) = (saved?, applied?);
        let saving_us = saved.as_ref().map_or(0, |saved| saved.run_us);
        if let (Some(saved), Some((kind, mind))) = (saved, due) {
            self.store_checkpoint(saved.state, mind, kind);
        }
        latency.apply_us = microseconds(applying).saturating_sub(applied.run_us + saving_us);
        let after = if self.looking.is_by_picture() {
            self.see_rest(&mut applied, first_frames, frames_max).await?
        } else {
            self.look(applied.last_frame).await?
        };
        let emulator_us = applied.run_us + saving_us;
        let effect = match &after {
            Some(after) => crate::brain::effect(&before.observation, &after.observation, &choice),
            // The memory changed so much that it cannot be read for a moment.
            None => Effect::Other,
        };
        self.note(&choice, effect);
        self.note_outcome(step, &choice, effect, &before, after.as_ref());
        self.record_question(step, &choice, applied.last_frame.saturating_sub(before.captured.basis.frame))?;
        latency.total_us = microseconds(started);
        if let Some(aboard) = &mut self.aboard {
            aboard.measured = Some(Instant::now());
        }
        let model_us = if self.routing.has_waited() { latency.route_us } else { 0 };
        latency.overhead_us = latency.total_us.saturating_sub(emulator_us + model_us);
        self.step = step;
        self.page.set_in_flight(0);
        self.note_keys(applied.keys_seen)?;
        self.complete_step(&before, choice, applied, effect, latency)?;
        let reason = self.after_step(after).await?;
        Ok(reason)
    }

    /// What the new frame means for the run: milestones, checkpoints, the end.
    async fn after_step(&mut self, after: Option<Seen>) -> Result<Option<&'static str>, Interruption> {
        let mut is_new_floor = false;
        let mut has_ended = false;
        if let Some(after) = &after {
            let episode = self.aboard.as_ref().and_then(|aboard| aboard.profile.episode(&after.observation));
            let milestone = self.ledger.observe(&after.observation, episode);
            is_new_floor = matches!(milestone, Some(Milestone::FloorReached { .. }));
            has_ended = matches!(milestone, Some(Milestone::EpisodeEnded { .. }));
            self.note_milestone(milestone.as_ref());
            self.write_milestone(milestone, after)?;
        }
        if let Some(after) = &after {
            self.look_at_task(after);
        }
        if has_ended {
            self.seed_next_life().await?;
        }
        if let Some(aboard) = &mut self.aboard {
            aboard.seen = after;
        }
        if let Some(reason) = self.reason_to_end(has_ended) {
            return Ok(Some(reason));
        }
        if is_new_floor {
            self.due = Some("floor");
        } else if self.step >= self.checkpoint_step + self.start.checkpoint_every_steps {
            self.due = Some("interval");
        }
        self.report.send_status(is_new_floor, &self.ledger);
        Ok(None)
    }

    fn reason_to_end(&self, has_ended: bool) -> Option<&'static str> {
        let progress = self.ledger.progress();
        if self.task.as_ref().is_some_and(Task::is_over) {
            return Some("skill tried");
        }
        if self.start.floors_max.is_some_and(|floors| progress.floor >= floors) {
            return Some("floors reached");
        }
        if self.start.steps_max.is_some_and(|steps| self.step >= steps) {
            return Some("steps done");
        }
        if has_ended && self.ledger.has_completed() && self.start.floors_max.is_some() {
            return Some("game completed before that floor");
        }
        if has_ended && self.start.one_episode {
            // Asked for a floor that this life did not reach, the run did not do what it was asked.
            return Some(if self.start.floors_max.is_some() { "life ended early" } else { "episode ended" });
        }
        None
    }

    async fn save_if(&self, is_due: bool) -> Result<Option<SavedState>, Interruption> {
        if is_due { self.save_state().await.map(Some) } else { Ok(None) }
    }

    /// Holds keys and lets frames pass.
    pub(super) async fn pass_frames(
        &self,
        keys: Vec<u16>,
        frames_max: u32,
        until: Option<wire::memory::Condition>,
    ) -> Result<Receipt, Interruption> {
        let frames_max = frames_max.max(keys.len() as u32);
        let paced = match self.start.pace {
            Pace::Unthrottled => Duration::ZERO,
            Pace::Lockstep | Pace::Realtime => Duration::from_secs_f64(f64::from(frames_max) / FRAMES_A_SECOND),
        };
        // A window may run slower than the real machine, or be paused; the bridge says so when no frame comes at all.
        let paced = if self.is_live() {
            Duration::from_secs_f64(f64::from(frames_max * LIVE_SLOWNESS_MAX) / FRAMES_A_SECOND)
        } else {
            paced
        };
        let until = until.filter(|condition| !condition.any_of.is_empty());
        let echo = self.aboard.as_ref().and_then(|aboard| aboard.profile.key_echo);
        let apply = Apply { keys, frames_max, until, echo, paced };
        Ok(answered(self.crew.emulator.ask(apply, self.request_deadline() + paced).await)??)
    }

    async fn seen_or_look(&mut self) -> Result<Option<Seen>, Interruption> {
        match self.aboard.as_ref().and_then(|aboard| aboard.seen.clone()) {
            Some(seen) => Ok(Some(seen)),
            None => {
                // Memory could not be read; it is given a little time, and then looked at again.
                let applied = self.pass_frames(Vec::new(), UNREADABLE_FRAMES, None).await?;
                let seen = self.look(applied.last_frame).await?;
                if let Some(aboard) = &mut self.aboard {
                    aboard.seen = seen;
                    aboard.measured = None;
                }
                Ok(None)
            }
        }
    }

    /// The newest frame, which is at least of this number.
    pub(super) async fn capture(&self, frame: u64) -> Result<Captured, Interruption> {
        let mut captured = None;
        for _ in 0..LOOK_TRIES_MAX {
            match answered(self.crew.capture.ask(Latest, self.request_deadline()).await)? {
                Capturing::Frame(newest) if newest.basis.frame >= frame => {
                    captured = Some(newest);
                    break;
                }
                Capturing::Frame(_) | Capturing::Stale | Capturing::Nothing => tokio::task::yield_now().await,
            }
        }
        captured.ok_or_else(|| EmulatorError::Lost(format!("frame {frame} never came")).into())
    }

    /// The newest frame, which is at least of this number, and what it means; `None` when memory cannot be read.
    pub(super) async fn look(&mut self, frame: u64) -> Result<Option<Seen>, Interruption> {
        let captured = self.capture(frame).await?;
        if self.looking.is_by_picture() {
            return self.see_still(captured).await;
        }
        let decoded = answered(self.crew.ram.ask(Decode(captured.snapshot.clone()), self.request_deadline()).await)?;
        let Some(aboard) = &mut self.aboard else { return Ok(None) };
        match decoded {
            Ok(decoded) => {
                aboard.unreadable = 0;
                self.compare(&captured, &decoded)?;
                let Decoded { observation, decode_us } = decoded;
                let observation = self.lay_known(observation)?;
                Ok(Some(Seen { captured, observation, decode_us, confidence: None }))
            }
            Err(error) => {
                aboard.unreadable += 1;
                let count = u64::from(aboard.unreadable);
                let context = log::Context { frame: Some(captured.basis.frame), ..self.context() };
                self.write(context, Event::DecodeFailed { check: error.to_string(), count })?;
                if count < u64::from(UNREADABLE_MAX) {
                    return Ok(None);
                }
                let message = format!(
                    "the game's memory does not fit its profile: {error}; choose another with [game] profile, or play \
                     from pixels with profile = \"none\""
                );
                Err(Interruption::Fatal { status: exit::DATA, message })
            }
        }
    }

    /// The emulator's state. A live window keeps its own: what is saved then is what the agent knows.
    pub(super) async fn save_state(&self) -> Result<SavedState, Interruption> {
        if self.is_live() {
            return Ok(SavedState { state: Vec::new(), run_us: 0 });
        }
        match answered(self.crew.emulator.ask(Ask(Request::SaveState), self.request_deadline()).await)?? {
            Answer::State { state, run_us } => Ok(SavedState { state, run_us }),
            _ => Err(EmulatorError::Confused { request: "save state" }.into()),
        }
    }

    pub(super) fn request_deadline(&self) -> Duration {
        // Twice the emulator's own deadline: the actor in between answers first, with the better reason.
        Duration::from_millis(self.start.emulator_deadline_ms * 2)
    }
}

/// The answer, or the reason why a neighbouring actor gave none.
pub(super) fn answered<T>(asked: Asked<T>) -> Result<T, Interruption> {
    let reason = match asked {
        Asked::Answer(answer) => return Ok(answer),
        Asked::Busy => "its actor is busy",
        Asked::Late => "its actor does not answer",
        Asked::Gone => "its actor has ended",
    };
    Err(EmulatorError::Lost(reason.to_string()).into())
}

fn microseconds(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}
