//! The pilot's side of the model router: what it is asked, and what is made of its answer.
//!
//! A model chooses among the skills that offer themselves; the chosen one is asked first, the others follow in the planner's
//! order, so that one that declines costs nothing. An answer for another step or another game is never followed.

use super::journey::{Interruption, Journey, Seen};
use super::turn::Question;
use crate::brain::chooser::Choice;
use crate::brain::{Effect, Move};
use crate::router::recording::Recorder;
use crate::router::{AskRouter, Inquiry, Offer, Outcome};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::Step;
use wire::decision::{Decision, Fallback, Routed, Source};
use wire::event::Event;
use wire::recall::Memory;
use wire::router::RouterSettings;
use wire::skill::arguments::complete;
use wire::skill::{Argument, Bearings};

/// Steps whose outcomes are told to a model.
const OUTCOMES_MAX: usize = 8;
/// Recalled memories that are told.
const MEMORIES_MAX: usize = 16;
/// The router ends its own waiting; this much later it is not waited for either.
const GRACE: Duration = Duration::from_millis(500);

/// Guidance by the name of its skill, and the shelf that it is from.
#[derive(Default)]
struct Guidance {
    shelf: (u64, u64),
    texts: Arc<Vec<(String, String)>>,
}

/// What the pilot keeps of routing.
#[derive(Default)]
pub(super) struct Routing {
    is_used: bool,
    deadline: Duration,
    recorder: Option<Recorder>,
    outcomes: VecDeque<Outcome>,
    guidance: Guidance,
    /// What was asked for the step that is being decided.
    asked: Option<(Step, Box<Inquiry>)>,
    /// What came of that.
    routed: Option<Routed>,
    /// How long the step's question took, in microseconds.
    pub took_us: u64,
    /// Whether the planner plays because no model can be had, and that was said.
    is_fallen_back: bool,
}

impl Routing {
    pub(super) fn new(settings: &RouterSettings, recorder: Option<Recorder>) -> Routing {
        let deadline = Duration::from_millis(settings.deadline_ms);
        Routing { is_used: settings.is_used, deadline, recorder, ..Routing::default() }
    }

    fn is_idle(&self) -> bool {
        !self.is_used && self.recorder.is_none()
    }

    /// Whether models are asked at all.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// This is asked for this step.
    pub(super) fn note_asked(&mut self, step: Step, inquiry: Box<Inquiry>) {
        self.asked = Some((step, inquiry));
    }

    /// What came of the question for the step that is being decided.
    pub(super) fn routed(&self) -> Option<&Routed> {
        self.routed.as_ref()
    }

    /// The decision for the step that is being decided, if this is the skill that was chosen.
    pub(super) fn decision_for(&self, skill: &str) -> Option<&Decision> {
        match &self.routed {
            Some(Routed::Decided(decision)) if decision.skill == skill => Some(decision),
            _ => None,
        }
    }

    /// Why this skill acts upon the planner's decision, where a model was asked.
    pub(super) fn fallback(&self, skill: &str) -> Option<&'static str> {
        match &self.routed {
            Some(Routed::Planner { cause, .. }) => Some(cause.name()),
            Some(Routed::Decided(decision)) if decision.skill != skill => Some("declined"),
            // No skill offers itself, so there was nothing to ask.
            None if self.is_used => Some(Fallback::NoChoice.name()),
            _ => None,
        }
    }

    /// Whether the time of the question was a model's own.
    pub(super) fn has_waited(&self) -> bool {
        match &self.routed {
            Some(Routed::Decided(decision)) => matches!(decision.source, Source::Model | Source::Shared),
            Some(Routed::Planner { cause, .. }) => !matches!(cause, Fallback::Off | Fallback::NoChoice),
            None => false,
        }
    }

    /// Whether this skill was chosen just now: not by going on as before.
    pub(super) fn is_new(&self, skill: &str) -> bool {
        self.decision_for(skill).is_some_and(|decision| decision.source != Source::Kept)
    }

    /// Begins a step.
    pub(super) fn begin(&mut self) {
        self.asked = None;
        self.routed = None;
    }

    /// Something else is on the screen now.
    pub(super) fn forget(&mut self) {
        self.outcomes.clear();
        self.begin();
    }
}

impl Journey {
    /// Asks which of those who offer themselves should act, once a step, and puts the chosen one first.
    pub(super) async fn ask_router(
        &mut self,
        step: Step,
        before: &Seen,
        question: &mut Question,
    ) -> Result<(), Interruption> {
        if self.routing.is_idle() || self.task.is_some() {
            return Ok(());
        }
        if self.routing.asked.as_ref().is_none_or(|(asked, _)| *asked != step) {
            let offers = self.offers(&question.choices);
            let inquiry = Box::new(self.inquiry(step, before, &question.bearings, offers));
            self.routing.asked = Some((step, inquiry.clone()));
            if self.routing.is_used {
                self.route(step, inquiry).await?;
            }
        }
        if let Some(Routed::Decided(decision)) = &self.routing.routed {
            prefer(&mut question.choices, decision, self.routing.asked.as_ref().map(|(_, inquiry)| &inquiry.offers));
        }
        Ok(())
    }

    /// Asks, and tells when models begin or cease to decide.
    pub(super) async fn route(&mut self, step: Step, inquiry: Box<Inquiry>) -> Result<(), Interruption> {
        let (deadline, since) = (self.routing.deadline, Instant::now());
        let late = || "the router did not answer in time".to_string();
        let asked = self.crew.router.ask(AskRouter { inquiry, deadline }, deadline + GRACE).await;
        let routed = asked.answer().unwrap_or_else(|| Routed::Planner { cause: Fallback::Late, reason: late() });
        let routed = match routed {
            Routed::Decided(decision) if (decision.instance, decision.step) != (self.instance, step) => {
                let detail = format!("it is for step {} of game {}; not followed", decision.step, decision.instance);
                self.write(
                    self.context(),
                    Event::AlertRaised { alert: "answer of another step".into(), detail: detail.clone() },
                )?;
                Routed::Planner { cause: Fallback::Failed, reason: detail }
            }
            routed => routed,
        };
        self.routing.took_us += since.elapsed().as_micros() as u64;
        self.tell_fallback(&routed)?;
        self.routing.routed = Some(routed);
        Ok(())
    }

    fn tell_fallback(&mut self, routed: &Routed) -> Result<(), Interruption> {
        match routed {
            Routed::Planner { cause: Fallback::Off | Fallback::NoChoice, .. } => Ok(()),
            Routed::Planner { cause, reason } if !self.routing.is_fallen_back => {
                self.routing.is_fallen_back = true;
                let detail = format!("no model decides ({}: {reason}); the planner plays until one does", cause.name());
                self.report.note(detail.clone());
                self.write(self.context(), Event::AlertRaised { alert: "planner plays".into(), detail })
            }
            Routed::Decided(decision) if self.routing.is_fallen_back => {
                self.routing.is_fallen_back = false;
                self.report.note(format!("{} decides again", decision.tier));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn inquiry(&self, step: Step, before: &Seen, bearings: &Bearings, offers: Vec<Offer>) -> Inquiry {
        let memories = self.recollecting.memories();
        Inquiry {
            instance: self.instance,
            step,
            life: self.ledger.progress().episodes,
            basis: before.captured.basis,
            frame: before.captured.snapshot.clone(),
            picture: before.captured.difference_hash,
            seen: before.observation.clone(),
            bearings: bearings.clone(),
            offers,
            outcomes: self.routing.outcomes.iter().cloned().collect(),
            memories: memories.iter().take(MEMORIES_MAX).map(|found| in_words(&found.memory)).collect(),
            novelty: memories.iter().map(|found| found.distance).reduce(f32::min),
            guidance: self.routing.guidance.texts.clone(),
        }
    }

    /// Those who offer themselves, each once, as a model is told of them.
    fn offers(&mut self, choices: &[Choice]) -> Vec<Offer> {
        let Some(skilled) = &self.skilled else { return Vec::new() };
        let Some(standing) = &skilled.standing else { return Vec::new() };
        let shelf = (standing.connection, standing.generation);
        if self.routing.guidance.shelf != shelf {
            let guidance = standing.cards.iter().filter_map(|card| Some((card.name.clone(), card.guidance.clone()?)));
            self.routing.guidance = Guidance { shelf, texts: Arc::new(guidance.collect()) };
        }
        let running = skilled.mind.run.as_ref().map(|run| run.skill.as_str());
        let mut offers: Vec<Offer> = Vec::new();
        for Choice { candidate, priority, why } in choices {
            let card = standing.cards.iter().find(|card| card.name == candidate.skill);
            if offers.iter().any(|offer| offer.skill == candidate.skill) {
                continue;
            }
            offers.push(Offer {
                skill: candidate.skill.clone(),
                description: card.map(|card| card.description.clone()).unwrap_or_default(),
                parameters: card.map(|card| card.parameters.clone()).unwrap_or_default(),
                arguments: candidate.arguments.clone(),
                why: why.clone(),
                priority: *priority,
                is_running: running == Some(candidate.skill.as_str()),
            });
        }
        offers
    }

    /// What was done in the step, and what came of it; also of the chosen skill that declined.
    pub(super) fn note_outcome(
        &mut self,
        step: Step,
        choice: &Move,
        effect: Effect,
        before: &Seen,
        after: Option<&Seen>,
    ) {
        if self.routing.is_idle() {
            return;
        }
        if let Some(Routed::Decided(decision)) = &self.routing.routed
            && decision.skill != choice.skill
        {
            let skill = decision.skill.clone();
            let (action, effect) = (String::new(), "it declined".to_string());
            self.routing.outcomes.push_back(Outcome { step, skill, action, effect, ..Outcome::default() });
        }
        // Where memory is not understood, the picture tells whether anything came of it.
        let is_explained = self.aboard.as_ref().is_some_and(|aboard| aboard.profile.decoder.is_some());
        let changed = |after: &Seen| after.captured.basis.frame_hash != before.captured.basis.frame_hash;
        let is_effective = if is_explained { effect.is_effective() } else { after.is_none_or(changed) };
        let hp = |seen: &Seen| seen.observation.leader().and_then(|leader| leader.hp).map(|hp| hp.value);
        let lost = hp(before).zip(after.and_then(hp)).map_or(0, |(before, after)| (before - after).max(0));
        self.routing.outcomes.push_back(Outcome {
            step,
            skill: choice.skill.to_string(),
            action: choice.action.to_string(),
            effect: if is_explained {
                effect.name()
            } else if is_effective {
                "the picture changed"
            } else {
                "none"
            }
            .to_string(),
            is_effective,
            hp_lost: lost,
        });
        while self.routing.outcomes.len() > OUTCOMES_MAX {
            self.routing.outcomes.pop_front();
        }
    }

    /// Writes down what was asked, with what was done.
    pub(super) fn record_question(&mut self, step: Step, choice: &Move, frames: u64) -> Result<(), Interruption> {
        let Some(recorder) = &mut self.routing.recorder else { return Ok(()) };
        let Some((_, inquiry)) = self.routing.asked.as_ref().filter(|(asked, _)| *asked == step) else { return Ok(()) };
        match recorder.note(inquiry, &choice.skill, u32::try_from(frames).unwrap_or(u32::MAX)) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.routing.recorder = None;
                self.say_unrecorded(error.to_string())
            }
        }
    }

    /// The run ends: what was asked is all written.
    pub(super) fn keep_questions(&mut self) -> Result<(), Interruption> {
        let Some(recorder) = self.routing.recorder.take() else { return Ok(()) };
        let dropped = recorder.dropped();
        match recorder.close() {
            Ok(()) if dropped == 0 => Ok(()),
            Ok(()) => self.say_unrecorded(format!("{dropped} questions came faster than they could be written")),
            Err(error) => self.say_unrecorded(error.to_string()),
        }
    }

    fn say_unrecorded(&self, why: String) -> Result<(), Interruption> {
        let path = self.start.router.record.clone().unwrap_or_default();
        let detail = format!("{}: {why}; not all questions are in the recording", path.display());
        self.report.note(detail.clone());
        self.write(self.context(), Event::AlertRaised { alert: "questions not recorded".into(), detail })
    }
}

/// Puts the chosen skill first, with the arguments that the model gave.
fn prefer(choices: &mut Vec<Choice>, decision: &Decision, offers: Option<&Vec<Offer>>) {
    let Some(place) = choices.iter().position(|choice| choice.candidate.skill == decision.skill) else { return };
    let mut chosen = choices.remove(place);
    let offer = offers.and_then(|offers| offers.iter().find(|offer| offer.skill == decision.skill));
    if let Some(arguments) = offer.and_then(|offer| arguments(offer, &decision.arguments)) {
        chosen.candidate.arguments = arguments;
    }
    chosen.why = format!("{}: {}", decision.tier, decision.reason);
    choices.insert(0, chosen);
}

/// The trigger's arguments with the model's in their place; nothing where the skill would not take them.
fn arguments(offer: &Offer, given: &str) -> Option<Vec<(String, Argument)>> {
    let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(given).ok()?;
    let mut told = offer.arguments.clone();
    for (name, value) in given {
        let argument = match value {
            serde_json::Value::Bool(truth) => Argument::Truth(truth),
            serde_json::Value::Number(number) => Argument::Number(number.as_f64()?),
            serde_json::Value::String(text) => Argument::Text(text),
            _ => return None,
        };
        told.retain(|(other, _)| *other != name);
        told.push((name, argument));
    }
    complete(&offer.parameters, &told).ok()
}

/// A memory in words, the same for the same memory.
fn in_words(memory: &Memory) -> String {
    let outcome = &memory.outcome;
    let mut words = format!("floor {}: {} ({})", memory.floor, memory.skill, memory.action);
    let mut came = Vec::new();
    if outcome.is_lost {
        came.push("lost the game".to_string());
    }
    if outcome.floors > 0 {
        came.push(format!("{} floors gained", outcome.floors));
    }
    if outcome.foes > 0 {
        came.push(format!("{} foes overcome", outcome.foes));
    }
    if outcome.items > 0 {
        came.push(format!("{} items gained", outcome.items));
    }
    if outcome.hp_lost > 0 {
        came.push(format!("{} hp lost", outcome.hp_lost));
    }
    words.push_str(" -> ");
    words.push_str(&if came.is_empty() { "nothing of note".to_string() } else { came.join(", ") });
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::skill::{Candidate, Parameter};

    fn offer() -> Offer {
        let number = |name: &str, default| Parameter {
            name: name.to_string(),
            description: String::new(),
            kind: "integer".to_string(),
            default: Some(Argument::Number(default)),
            min: Some(0.0),
            max: Some(9.0),
            one_of: Vec::new(),
        };
        Offer {
            skill: "rest".into(),
            description: String::new(),
            parameters: vec![number("until", 5.0), number("turns", 3.0)],
            arguments: vec![("until".into(), Argument::Number(8.0))],
            why: "hp < 5".into(),
            priority: 30,
            is_running: false,
        }
    }

    fn choice(skill: &str) -> Choice {
        let candidate = Candidate { skill: skill.into(), revision: None, arguments: Vec::new() };
        Choice { candidate, priority: 1, why: "true".into() }
    }

    fn decision(skill: &str, arguments: &str) -> Decision {
        Decision {
            instance: 0,
            step: 1,
            basis: Default::default(),
            source: Source::Model,
            tier: "4b".into(),
            skill: skill.into(),
            arguments: arguments.into(),
            confidence: None,
            reason: "few hit points".into(),
        }
    }

    #[test]
    fn the_chosen_skill_is_asked_first_with_the_models_arguments() {
        let mut choices = vec![choice("explore"), choice("rest"), choice("wait")];
        prefer(&mut choices, &decision("rest", r#"{"turns": 7}"#), Some(&vec![offer()]));
        let names: Vec<_> = choices.iter().map(|choice| choice.candidate.skill.as_str()).collect();
        assert_eq!(names, ["rest", "explore", "wait"]);
        let told: Vec<_> = vec![("until".into(), Argument::Number(8.0)), ("turns".into(), Argument::Number(7.0))];
        assert_eq!((&choices[0].candidate.arguments, choices[0].why.as_str()), (&told, "4b: few hit points"));
    }

    #[test]
    fn arguments_that_the_skill_does_not_take_are_left_to_the_trigger() {
        for wrong in [r#"{"turns": 70}"#, r#"{"turn": 7}"#, r#"{"turns": [7]}"#, "nonsense"] {
            let mut choices = vec![choice("explore"), choice("rest")];
            prefer(&mut choices, &decision("rest", wrong), Some(&vec![offer()]));
            assert_eq!((choices[0].candidate.skill.as_str(), choices[0].candidate.arguments.len()), ("rest", 0));
        }
        let mut choices = vec![choice("explore")];
        prefer(&mut choices, &decision("fly", "{}"), Some(&vec![offer()]));
        assert_eq!(choices, [choice("explore")]);
    }
}
