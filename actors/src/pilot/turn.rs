//! A turn of the skills: who may act is chosen, the skills role is asked, and what it answers is written down and done.
//! Nothing here fails a step: where no skill acts, the built-in rules do.

use super::journey::{Interruption, Journey, Seen, answered};
use super::skilled::{Kept, Run, Skilled};
use crate::brain::Move;
use crate::brain::chooser::Choice;
use crate::emulator_io::{Ask, EmulatorError};
use crate::profile::Profile;
use crate::skills::{AskStanding, SkillsAnswer, Standing, TakeTurn, Tell};
use std::sync::Arc;
use std::time::Duration;
use wire::Step;
use wire::emulator::{Refusal, Request};
use wire::event::Event;
use wire::keys::Gesture;
use wire::observation::Screen;
use wire::skill::facts::Facts;
use wire::skill::{Act, Argument, Bearings, Deed, Ended, Outcome, Sight, ToSkills, Turn, Turned};

/// How long a run waits for its skills before it begins without them.
const FIRST_SHELF: Duration = Duration::from_secs(10);
/// States that a skill may keep or go back to before it must act.
const DEEDS_MAX: usize = 8;
/// Times that a turn is asked again because the skills were exchanged meanwhile.
const EXCHANGES_MAX: usize = 4;

/// Who may act in a turn, and upon what.
pub(super) struct Question {
    pub choices: Vec<Choice>,
    pub bearings: Bearings,
    pub facts: Facts,
}

impl Journey {
    /// What a skill wants to do; nothing when none does. A skill may put the game back, so what is seen may change.
    pub(super) async fn take_turn(
        &mut self,
        step: Step,
        before: &mut Seen,
        profile: &Profile,
    ) -> Result<Option<Move>, Interruption> {
        if self.skilled.is_none() {
            return Ok(None);
        }
        self.find_skills().await?;
        for _ in 0..DEEDS_MAX {
            let Some(mut question) = self.question(step, before, profile) else { return Ok(None) };
            self.ask_router(step, before, &mut question).await?;
            let Some(act) = self.ask_skills(step, before, question).await? else { return Ok(None) };
            match act.deed.clone() {
                Deed::Keys { keys, frames_max, expect } => {
                    return Ok(Some(self.as_move(act, Gesture { keys, frames_max }, expect)));
                }
                Deed::Checkpoint => self.keep_state().await?,
                Deed::Restore => self.put_back(before).await?,
            }
        }
        Ok(None)
    }

    /// Before the first step the skills are waited for, so that the same run always begins with them.
    async fn find_skills(&mut self) -> Result<(), Interruption> {
        if self.skilled.as_ref().is_none_or(|skilled| skilled.standing.is_some()) {
            return Ok(());
        }
        let found = self.crew.skills.ask(AskStanding, FIRST_SHELF).await.answer();
        if let Some(skilled) = &mut self.skilled {
            skilled.stock(found.clone().unwrap_or_default());
        }
        if found.is_none() { self.say_alone() } else { Ok(()) }
    }

    fn question(&mut self, step: Step, before: &Seen, profile: &Profile) -> Option<Question> {
        let skilled = self.skilled.as_mut()?;
        let seen = &before.observation;
        if seen.screen == Screen::Command && seen.leader().is_some() {
            skilled.mind.headway.look(seen);
        }
        let bearings = skilled.mind.headway.bearings(seen, profile.episode(seen));
        let facts = Facts::of(seen, &bearings);
        let choices = match &mut self.task {
            Some(task) => match task.choices(&facts) {
                Some(choices) => choices,
                None => skilled.chooser.choices(&facts, skilled.going(), step),
            },
            None => skilled.chooser.choices(&facts, skilled.going(), step),
        };
        let mut choices = choices;
        if self.task.is_none() {
            self.advise(seen, &mut choices);
        }
        (!choices.is_empty()).then_some(Question { choices, bearings, facts })
    }

    /// Asks the role, and writes down what it says.
    async fn ask_skills(
        &mut self,
        step: Step,
        before: &Seen,
        mut question: Question,
    ) -> Result<Option<Act>, Interruption> {
        let deadline = Duration::from_millis(self.start.decision_deadline_ms);
        for _ in 0..EXCHANGES_MAX {
            self.tell_beginning().await?;
            let Some(skilled) = &mut self.skilled else { return Ok(None) };
            let turn = skilled.turn(self.instance, step, self.game.seed, before, &question);
            let standing = skilled.standing.as_ref().map_or((0, 0), |known| (known.connection, known.generation));
            let asked = TakeTurn { standing, turn: Box::new(turn.clone()) };
            match self.crew.skills.ask(asked, deadline).await.answer() {
                Some(SkillsAnswer::Turned(turned)) => {
                    skilled.known = Some(before.observation.clone());
                    skilled.is_alone = false;
                    skilled.spent_us += turned.spent_us;
                    return self.hear(*turned, &turn, &question, before);
                }
                Some(SkillsAnswer::Changed(standing)) => {
                    let is_another = skilled.told.is_some_and(|told| told != standing.connection);
                    skilled.stock(standing);
                    if is_another {
                        self.lose_run("the process that runs skills was started anew")?;
                    }
                    let Some(skilled) = &self.skilled else { return Ok(None) };
                    let is_task = self.task.as_ref().is_some_and(super::task::Task::has_begun);
                    if !is_task {
                        question.choices = skilled.chooser.choices(&question.facts, skilled.going(), step);
                    }
                }
                Some(SkillsAnswer::Unavailable) | None => {
                    self.lose_run("no skill can be asked")?;
                    self.say_alone()?;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Tells the role that the game begins, what skills remember, and what the skill was told that runs.
    async fn tell_beginning(&mut self) -> Result<(), Interruption> {
        let Some(skilled) = &mut self.skilled else { return Ok(()) };
        let Some(Standing { connection, generation, .. }) = skilled.standing else { return Ok(()) };
        if generation == 0 || skilled.told == Some(connection) {
            return Ok(());
        }
        let memories: Vec<_> = skilled.mind.memories.clone().into_iter().collect();
        let begin = ToSkills::Begin { instance: self.instance, memories };
        self.crew.skills.tell(Tell(begin.clone()));
        skilled.told = Some(connection);
        skilled.known = None;
        let Some(run) = &skilled.mind.run else { return Ok(()) };
        let deadline = Duration::from_millis(self.start.decision_deadline_ms);
        let (skill, turns) = (run.skill.clone(), run.turns());
        let mut is_back = !turns.is_empty();
        for mut turn in turns {
            skilled.next_id += 1;
            turn.id = skilled.next_id;
            let asked = TakeTurn { standing: (connection, generation), turn: Box::new(turn.clone()) };
            let answer = self.crew.skills.ask(asked, deadline).await.answer();
            let acts = matches!(&answer, Some(SkillsAnswer::Turned(turned))
                if turned.act.as_ref().is_some_and(|act| act.skill == skill));
            if !acts {
                is_back = false;
                break;
            }
            skilled.known = turn.sight.onto(skilled.known.take().map(Arc::unwrap_or_clone)).ok().map(Arc::new);
        }
        if !is_back {
            self.crew.skills.tell(Tell(begin));
            skilled.known = None;
            return self.lose_run("its script is another one now, so that it cannot go on where it stood");
        }
        Ok(())
    }

    fn hear(
        &mut self,
        turned: Turned,
        turn: &Turn,
        question: &Question,
        before: &Seen,
    ) -> Result<Option<Act>, Interruption> {
        for (skill, text) in turned.notes {
            self.write(self.context(), Event::SkillNoted { skill, text })?;
        }
        for ended in turned.ended {
            self.note_end(ended, turn.step, &question.facts)?;
        }
        let Some(act) = turned.act else { return Ok(None) };
        let Some(choice) = question.choices.iter().find(|choice| choice.candidate.skill == act.skill) else {
            return Ok(None);
        };
        if act.is_new {
            self.note_start(&act, choice)?;
        }
        if let Some(skilled) = &mut self.skilled {
            if act.is_new && ["fruitless", "unproductive"].iter().any(|fact| choice.why.contains(fact)) {
                skilled.mind.headway.begin_recovery();
            }
            skilled.record(&act, choice, turn, &before.observation, &question.facts);
        }
        if let Some(task) = &mut self.task {
            task.note_step(&act.skill);
        }
        Ok(Some(act))
    }

    fn note_start(&self, act: &Act, choice: &Choice) -> Result<(), Interruption> {
        let arguments: serde_json::Map<String, serde_json::Value> =
            choice.candidate.arguments.iter().map(|(name, argument)| (name.clone(), as_json(argument))).collect();
        self.write(
            self.context(),
            Event::SkillStarted {
                skill: act.skill.clone(),
                version: act.version.clone(),
                revision: act.revision,
                arguments: serde_json::Value::Object(arguments).to_string(),
                reason: choice.why.clone(),
            },
        )
    }

    fn note_end(&mut self, mut ended: Ended, step: Step, facts: &Facts) -> Result<(), Interruption> {
        let Some(skilled) = &mut self.skilled else { return Ok(()) };
        skilled.mind.memories.extend(std::mem::take(&mut ended.memories));
        if skilled.mind.run.as_ref().is_some_and(|run| run.skill == ended.skill) {
            skilled.end_run();
        }
        if ended.outcome == Outcome::Fault {
            let cards = skilled.standing.as_ref().map(|standing| standing.cards.clone()).unwrap_or_default();
            let revision = cards.iter().find(|card| card.name == ended.skill).map(|card| card.revision);
            skilled.chooser.faults.note(&ended.skill, revision.unwrap_or_default(), step);
            self.report.note(format!("skill {} {} failed: {}", ended.skill, ended.version, ended.reason));
        }
        if let Some(task) = &mut self.task {
            task.note_end(&ended, facts);
        }
        // Who declined without a single act did nothing that is worth a line.
        if ended.steps == 0 && ended.outcome != Outcome::Fault {
            return Ok(());
        }
        let Ended { skill, version, outcome, reason, steps, .. } = ended;
        let (outcome, steps) = (outcome.name().to_string(), u64::from(steps));
        self.write(self.context(), Event::SkillFinished { skill, version, outcome, reason, steps })
    }

    /// The run of a skill ended without the role saying so.
    pub(super) fn lose_run(&mut self, why: &str) -> Result<(), Interruption> {
        let Some(skilled) = &mut self.skilled else { return Ok(()) };
        skilled.told = None;
        let lost = skilled.end_run();
        self.note_lost(lost, why)
    }

    /// Writes down a run that was cut off.
    pub(super) fn note_lost(&mut self, lost: Option<Run>, why: &str) -> Result<(), Interruption> {
        let Some(Run { skill, version, steps, .. }) = lost else { return Ok(()) };
        let (outcome, reason) = (Outcome::Interrupted.name().to_string(), why.to_string());
        self.write(self.context(), Event::SkillFinished { skill, version, outcome, reason, steps })
    }

    fn say_alone(&mut self) -> Result<(), Interruption> {
        let Some(skilled) = self.skilled.as_mut().filter(|skilled| !skilled.is_alone) else { return Ok(()) };
        skilled.is_alone = true;
        let detail = "the skills process does not answer; the built-in rules play until it does".to_string();
        self.report.note(detail.clone());
        self.write(self.context(), Event::AlertRaised { alert: "skills unavailable".into(), detail })
    }

    fn as_move(&mut self, act: Act, gesture: Gesture, expect: wire::skill::Expectation) -> Move {
        let mut goal = None;
        if let Some(skilled) = &mut self.skilled
            && !act.goal.is_empty()
            && skilled.mind.goal != act.goal
        {
            skilled.mind.goal.clone_from(&act.goal);
            goal = Some(act.goal.into());
        }
        Move {
            skill: act.skill.into(),
            version: Some(act.version),
            action: act.action.into(),
            reason: act.reason.into(),
            goal,
            gesture,
            expect,
        }
    }

    /// Keeps the game's state for the running skill.
    async fn keep_state(&mut self) -> Result<(), Interruption> {
        let effect = if self.is_live() {
            "a live window keeps its own states".to_string()
        } else {
            let state = self.save_state().await?.state;
            let (progress, turns, looking) = (self.ledger.progress(), self.ledger.turns_of_life(), self.looking.save());
            let kept = Kept { state, progress, turns, looking };
            if let Some(skilled) = &mut self.skilled {
                skilled.mind.kept = Some(kept);
            }
            "checkpoint kept".to_string()
        };
        self.set_effect(effect);
        Ok(())
    }

    /// Puts the game back to what the running skill kept.
    async fn put_back(&mut self, before: &mut Seen) -> Result<(), Interruption> {
        let kept = self.skilled.as_ref().and_then(|skilled| skilled.mind.kept.clone());
        let Some(kept) = kept else {
            self.set_effect("no checkpoint was kept in this run".to_string());
            return Ok(());
        };
        let request = Request::LoadState { state: kept.state };
        match answered(self.crew.emulator.ask(Ask(request), self.request_deadline()).await)? {
            Ok(_) => {}
            Err(EmulatorError::Refused(Refusal::BadState { message })) => {
                self.set_effect(message);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.ledger.step_back(kept.progress, kept.turns);
        self.forget_recent();
        if let Err(error) = self.looking.restore(&kept.looking) {
            tracing::warn!(%error, "what was known from pictures is not what was kept; it is read anew");
        }
        let event = Event::CheckpointRestored {
            path: "kept by a skill".to_string(),
            checkpoint_step: self.checkpoint_step.min(self.step),
        };
        self.write(self.context(), event)?;
        if let Some(seen) = self.look(0).await? {
            *before = seen;
        }
        self.set_effect("state restored".to_string());
        Ok(())
    }

    fn set_effect(&mut self, effect: String) {
        if let Some(skilled) = &mut self.skilled {
            skilled.mind.effect = effect;
        }
    }
}

impl Skilled {
    fn turn(&mut self, instance: wire::Instance, step: Step, seed: u64, before: &Seen, question: &Question) -> Turn {
        self.next_id += 1;
        let going = self.mind.run.as_ref().map(|run| run.skill.clone());
        let is_done = going
            .zip(self.start.as_ref())
            .is_some_and(|(skill, start)| self.chooser.is_done(&skill, &question.facts, start));
        Turn {
            id: self.next_id,
            instance,
            step,
            sight: Sight::between(self.known.as_deref(), &before.observation),
            bearings: question.bearings.clone(),
            effect: self.mind.effect.clone(),
            is_done,
            // Each step draws from a place of its own in the run's sequence.
            chance: seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            candidates: question.choices.iter().map(|choice| choice.candidate.clone()).collect(),
        }
    }
}

fn as_json(argument: &Argument) -> serde_json::Value {
    match argument {
        Argument::Truth(truth) => (*truth).into(),
        Argument::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => (*number as i64).into(),
        Argument::Number(number) => (*number).into(),
        Argument::Text(text) => text.as_str().into(),
    }
}
