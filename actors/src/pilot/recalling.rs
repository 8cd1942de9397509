//! What the pilot makes of experience: it asks before a step, lays a known floor under what is seen, lets clear experience
//! decide who is asked first, and tells what was done. Where experience is neither used nor gathered, nothing of this happens.

use super::journey::{Interruption, Journey, Seen};
use super::ledger::Milestone;
use crate::brain::Move;
use crate::brain::chooser::{Choice, promote};
use crate::embed::Scene;
use crate::profile::{NO_PROFILE, Profile};
use crate::recall::{
    Advice, AskRecall, AwaitSilos, Board, EndLife, Finish, Forget, KnownFloor, Note, Recall, Recalled, Recollection,
    Situation, advise,
};
use std::sync::Arc;
use std::time::Duration;
use wire::Step;
use wire::control::{RecallSettings, RecallUse};
use wire::event::Event;
use wire::observation::Observation;
use wire::skill::Expectation;

/// How long a run waits for the silos before it begins without them.
const FIRST_SILOS: Duration = Duration::from_secs(5);
/// How long the end of a run waits for its last memories to be kept.
const KEEPING: Duration = Duration::from_secs(1);

/// The pilot's side of experience.
#[derive(Default)]
pub(super) struct Recollecting {
    is_used: bool,
    is_recorded: bool,
    /// Whether the silos were waited for.
    is_awaited: bool,
    /// What was found for the step that is being decided.
    recalled: Recalled,
    /// The floor that is being played is known, by this memory.
    known: Option<(u64, Arc<KnownFloor>)>,
    /// What the step that is being decided was advised.
    advice: Option<Advice>,
    /// The skill that acts because of advice.
    advised: Option<String>,
}

impl Recollecting {
    pub(super) fn new(settings: &RecallSettings) -> Recollecting {
        Recollecting { is_recorded: settings.is_recorded, ..Recollecting::default() }
    }

    fn is_idle(&self) -> bool {
        !self.is_used && !self.is_recorded
    }

    /// What was found for the step that is being decided.
    pub(super) fn memories(&self) -> &[Recollection] {
        &self.recalled.memories
    }
}

impl Journey {
    /// A game was boarded.
    pub(super) fn board_recall(&mut self, profile: &Profile) {
        self.recollecting.is_used = match self.start.recall.used {
            RecallUse::On => true,
            RecallUse::Off => false,
            RecallUse::Auto => profile.recall,
        };
        self.recollecting.known = None;
        let Some(aboard) = &self.aboard else { return };
        let cartridge = &aboard.welcome.cartridge;
        let game = match profile.name.as_str() {
            NO_PROFILE => format!("{} {}", cartridge.title, cartridge.code),
            name => name.to_string(),
        };
        let (run, instance, is_used) = (self.start.run.clone(), self.instance, self.recollecting.is_used);
        self.crew.recall.tell(Board { game, run, instance, is_used });
    }

    /// Asks what happened in situations like this one. A floor that is known is laid under what is seen.
    pub(super) async fn recall(&mut self, step: Step, before: &mut Seen) -> Result<(), Interruption> {
        self.recollecting.advice = None;
        if !self.recollecting.is_used {
            return Ok(());
        }
        if !std::mem::replace(&mut self.recollecting.is_awaited, true) {
            // So that the same run, with the same experience, always begins with it.
            let _ = self.crew.recall.ask(AwaitSilos, FIRST_SILOS).await;
        }
        let deadline = Duration::from_millis(self.start.decision_deadline_ms);
        let asked = self.crew.recall.ask(AskRecall(self.situation(step, before)), deadline).await;
        self.recollecting.recalled = match asked.answer() {
            Some(Recall::Found(found)) => *found,
            Some(Recall::Late | Recall::Unavailable { .. }) | None => Recalled::default(),
        };
        let Some((memory, known)) = self.recollecting.recalled.known.take() else { return Ok(()) };
        let mut laid = Observation::clone(&before.observation);
        if let (true, Ok(tiles)) = (known.is_of(&laid), known.lay_under(&mut laid)) {
            before.observation = Arc::new(laid);
            self.recollecting.known = Some((memory, known));
            let floor = u32::from(before.observation.floor);
            self.write(self.context(), Event::LayoutRecognised { floor, memory, tiles })?;
        }
        Ok(())
    }

    /// What is seen, with what is known of its floor laid under it.
    pub(super) fn lay_known(&mut self, seen: Arc<Observation>) -> Result<Arc<Observation>, Interruption> {
        let Some((_, known)) = &self.recollecting.known else { return Ok(seen) };
        if !known.is_of(&seen) {
            self.recollecting.known = None;
            return Ok(seen);
        }
        let mut laid = Observation::clone(&seen);
        let Err(contradiction) = known.lay_under(&mut laid) else { return Ok(Arc::new(laid)) };
        self.recollecting.known = None;
        let detail = format!("floor {} is not the one that was remembered: {contradiction}", seen.floor);
        self.report.note(detail.clone());
        self.write(self.context(), Event::AlertRaised { alert: "remembered floor dropped".into(), detail })?;
        Ok(seen)
    }

    /// Puts the skill first that experience clearly speaks for, among those that offer themselves.
    pub(super) fn advise(&mut self, seen: &Observation, choices: &mut [Choice]) {
        let recollecting = &mut self.recollecting;
        let has_foe = || seen.monsters.iter().any(|other| !other.is_team && !other.is_neutral);
        if recollecting.recalled.memories.is_empty() || !has_foe() {
            return;
        }
        let offered: Vec<&str> = choices.iter().map(|choice| choice.candidate.skill.as_str()).collect();
        let advice = advise(&recollecting.recalled.memories, &offered, recollecting.advised.as_deref());
        if let Some(advice) = &advice {
            promote(choices, &advice.skill, &advice.reason);
        }
        recollecting.advice = advice;
    }

    /// Says in a move's reason that experience was followed.
    pub(super) fn credit(&mut self, choice: &mut Move) {
        self.recollecting.advice = self.recollecting.advice.take().filter(|advice| advice.skill == choice.skill);
        self.recollecting.advised = self.recollecting.advice.as_ref().map(|advice| advice.skill.clone());
        if let Some(advice) = &self.recollecting.advice {
            choice.reason = format!("{}; {}", advice.reason, choice.reason).into();
        }
    }

    /// The memories that the step's decision followed.
    pub(super) fn recalled(&self) -> Vec<u64> {
        let floor = self.recollecting.known.iter().map(|(memory, _)| *memory);
        let advised = self.recollecting.advice.iter().flat_map(|advice| &advice.memories).copied();
        floor.chain(advised).collect()
    }

    /// Tells what is done, once the emulator has been told.
    pub(super) async fn note_step(&self, step: Step, before: &Seen, choice: &Move) {
        if self.recollecting.is_idle() {
            return;
        }
        tokio::task::yield_now().await;
        let goal = match choice.expect {
            Expectation::Step(goal) => Some(goal),
            _ => None,
        };
        let (skill, action) = (choice.skill.to_string(), choice.action.to_string());
        self.crew.recall.tell(Note { situation: self.situation(step, before), skill, action, goal });
    }

    /// A life may have ended.
    pub(super) fn note_milestone(&mut self, milestone: Option<&Milestone>) {
        if let Some(Milestone::EpisodeEnded { outcome, .. }) = milestone {
            self.recollecting.known = None;
            if !self.recollecting.is_idle() {
                self.crew.recall.tell(EndLife { is_lost: *outcome == "fainted" });
            }
        }
    }

    /// The game was put back or exchanged.
    pub(super) fn forget_recent(&mut self) {
        self.recollecting.known = None;
        if !self.recollecting.is_idle() {
            self.crew.recall.tell(Forget);
        }
    }

    /// The run ends; what was gathered is kept.
    pub(super) async fn keep_experience(&self) {
        if self.recollecting.is_recorded {
            // What cannot be kept in time is lost, as it is when the run is killed.
            let _ = self.crew.recall.ask(Finish, KEEPING).await;
        }
    }

    fn situation(&self, step: Step, before: &Seen) -> Situation {
        let has_state = self.aboard.as_ref().is_some_and(|aboard| aboard.profile.decoder.is_some());
        Situation {
            step,
            life: self.ledger.progress().episodes,
            frame: before.captured.basis.frame,
            scene: Scene {
                frame: before.captured.snapshot.clone(),
                state: has_state.then(|| before.observation.clone()),
            },
            picture: before.captured.difference_hash,
        }
    }
}
