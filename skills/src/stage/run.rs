//! One run of a skill, with the skills that it calls: a stack of scripts, of which the topmost goes on.

use super::game::Game;
use super::pool::Pool;
use super::watchdog::Watchdog;
use crate::sandbox::{Allowance, Answer, Chance, Handover, Sandbox, Strand, Wish, World};
use crate::skill::{Library, Skill};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use wire::skill::arguments::complete;
use wire::skill::{Act, Argument, Candidate, Ended, Outcome, Remembered};

/// Skills that call one another, the first included.
pub const DEPTH_MAX: usize = 8;
/// Calls of skills between two acts.
pub const CALLS_MAX: u32 = 64;

type Memories = BTreeMap<String, Remembered>;

/// A run that goes on.
#[derive(Debug)]
pub struct Run {
    library: Arc<Library>,
    frames: Vec<Frame>,
    steps: u32,
    calls: u32,
    goal: String,
    memories: Memories,
}

/// One script of a run.
#[derive(Debug)]
struct Frame {
    sandbox: Sandbox,
    strand: Strand,
    steps: u32,
    bytes: usize,
    is_begun: bool,
    allowance: Option<Allowance>,
}

/// What came of letting a run go on.
#[derive(Debug)]
pub enum Moved {
    /// It acts.
    Acted(Act),
    /// It is over.
    Ended(Ended),
}

/// How one script of a run ended.
struct Over {
    outcome: Outcome,
    reason: String,
}

impl Run {
    /// A run that begins with this turn. Its script does nothing before [`Run::advance`].
    ///
    /// # Errors
    /// Why it cannot begin.
    pub fn begin(
        skill: Arc<Skill>,
        library: Arc<Library>,
        candidate: &Candidate,
        world: &Rc<World>,
        game: &Game,
        pool: &mut Pool,
    ) -> Result<Run, String> {
        let arguments = complete(&skill.manifest.parameters(), &candidate.arguments)?;
        let (frames, goal, memories) = (Vec::new(), String::new(), Memories::new());
        let mut run = Run { library, frames, steps: 0, calls: 0, goal, memories };
        run.push(&skill, &arguments, world, &game.memories, pool)?;
        Ok(run)
    }

    /// The skill that was chosen.
    pub fn skill(&self) -> &Arc<Skill> {
        self.frames[0].sandbox.skill()
    }

    /// The turn is over.
    pub fn leave_turn(&self) {
        self.frames.iter().for_each(|frame| frame.sandbox.leave());
    }

    /// Lets it go on until it acts or ends.
    pub fn advance(
        &mut self,
        world: &Rc<World>,
        memories: &mut Memories,
        pool: &mut Pool,
        watchdog: &Watchdog,
        notes: &mut Vec<(String, String)>,
    ) -> Moved {
        let turn_calls_max = self.calls + CALLS_MAX;
        for frame in &mut self.frames {
            frame.allowance = None;
        }
        let mut answer = Answer::Effect(world.effect.clone());
        let mut over = self.used_up(memories, pool);
        loop {
            if let Some(Over { outcome, reason }) = over.take() {
                let is_success = outcome == Outcome::Success;
                match self.pop(outcome, reason, memories, pool) {
                    Ok(reason) => answer = Answer::Called(is_success, reason),
                    Err(ended) => return Moved::Ended(ended),
                }
            }
            let handover = self.resume(world, answer, pool, watchdog, notes);
            answer = Answer::Nothing;
            match handover {
                Handover::Wish(Wish::Act { action, reason, deed }) => {
                    return Moved::Acted(self.act(action, reason, deed));
                }
                Handover::Wish(Wish::Finish { is_success, reason }) => {
                    let outcome = if is_success { Outcome::Success } else { Outcome::Failure };
                    over = Some(Over { outcome, reason });
                }
                Handover::Wish(Wish::Call { skill, arguments }) => {
                    if self.calls >= turn_calls_max {
                        let reason = format!("{skill}: more than {CALLS_MAX} calls between two acts");
                        return Moved::Ended(self.fault(reason, memories, pool));
                    }
                    if let Err(reason) = self.call(&skill, &arguments, world, memories, pool) {
                        answer = Answer::Called(false, reason);
                    }
                }
                Handover::Fault(reason) => return Moved::Ended(self.fault(reason, memories, pool)),
            }
        }
    }

    /// Ends it because another skill acts, or none may.
    pub fn interrupt(self, reason: &str, memories: &mut Memories, pool: &mut Pool) -> Ended {
        self.end(Outcome::Interrupted, reason, memories, pool)
    }

    /// Ends it from outside, without its script being asked.
    pub fn end(mut self, outcome: Outcome, reason: &str, memories: &mut Memories, pool: &mut Pool) -> Ended {
        let mut reason = reason.to_string();
        let (skill, steps) = (self.skill().clone(), self.steps);
        while let Some(frame) = self.frames.pop() {
            if let Err(problem) = self.keep(&frame, memories) {
                reason = format!("{reason}; {problem}");
            }
            frame.give_back(pool);
        }
        ended(&skill, outcome, reason, steps, self.memories)
    }

    /// Ends it without a word: its game is gone.
    pub fn abandon(mut self, pool: &mut Pool) {
        while let Some(frame) = self.frames.pop() {
            frame.give_back(pool);
        }
    }

    fn push(
        &mut self,
        skill: &Arc<Skill>,
        arguments: &[(String, Argument)],
        world: &World,
        memories: &Memories,
        pool: &mut Pool,
    ) -> Result<(), String> {
        let name = &skill.manifest.name;
        let sandbox = pool.take(skill)?;
        let memory = memories.get(name).map_or("", String::as_str);
        let chance = Chance::new(world.chance, name, self.calls);
        let strand = sandbox.begin(&self.library, arguments, memory, chance)?;
        let bytes = sandbox.bytes();
        pool.account(0, bytes);
        self.frames.push(Frame { sandbox, strand, steps: 0, bytes, is_begun: false, allowance: None });
        Ok(())
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[(String, Argument)],
        world: &World,
        memories: &Memories,
        pool: &mut Pool,
    ) -> Result<(), String> {
        self.calls += 1;
        if self.frames.len() >= DEPTH_MAX {
            return Err(format!("{name} was not run: more than {DEPTH_MAX} skills call one another"));
        }
        if self.frames.iter().any(|frame| frame.sandbox.skill().manifest.name == name) {
            return Err(format!("{name} was not run: it runs already"));
        }
        let library = self.library.clone();
        let Some(skill) = library.skills.get(name) else { return Err(format!("there is no skill {name}")) };
        self.push(skill, arguments, world, memories, pool)
    }

    /// Lets the topmost script go on.
    fn resume(
        &mut self,
        world: &Rc<World>,
        answer: Answer,
        pool: &mut Pool,
        watchdog: &Watchdog,
        notes: &mut Vec<(String, String)>,
    ) -> Handover {
        let caller = self.frames.iter().rev().nth(1).and_then(|frame| frame.allowance);
        let Some(frame) = self.frames.last_mut() else { return Handover::Fault("nothing runs".to_string()) };
        let limits = frame.sandbox.skill().manifest.limits;
        let allowance = match (frame.allowance, caller) {
            (Some(left), _) => left,
            (None, Some(caller)) => caller.within(limits.milliseconds),
            (None, None) => Allowance::new(limits.milliseconds),
        };
        let bytes_max = pool.make_room(frame.bytes, (limits.memory_mib as usize) << 20);
        let answer = if frame.is_begun { answer } else { Answer::Nothing };
        frame.is_begun = true;
        let handover = watchdog
            .watch(allowance.milliseconds, || frame.sandbox.resume(&frame.strand, world, answer, allowance, bytes_max));
        let spent = frame.sandbox.instructions();
        frame.allowance = Some(allowance);
        let bytes = frame.sandbox.bytes();
        pool.account(frame.bytes, bytes);
        frame.bytes = bytes;
        let name = &frame.sandbox.skill().manifest.name;
        notes.extend(frame.sandbox.take_notes().into_iter().map(|note| (name.clone(), note)));
        if let Some(goal) = frame.sandbox.take_goal() {
            self.goal = goal;
        }
        // What a called skill spends, its callers spend as well.
        for allowance in self.frames.iter_mut().filter_map(|frame| frame.allowance.as_mut()) {
            allowance.instructions = allowance.instructions.saturating_sub(spent);
        }
        handover
    }

    /// The lowest script that has used up its steps; those above it are given up.
    fn used_up(&mut self, memories: &mut Memories, pool: &mut Pool) -> Option<Over> {
        let steps_max = |frame: &Frame| frame.sandbox.skill().manifest.limits.steps;
        let index = self.frames.iter().position(|frame| frame.steps >= steps_max(frame))?;
        while self.frames.len() > index + 1 {
            if let Some(frame) = self.frames.pop() {
                let _ = self.keep(&frame, memories);
                frame.give_back(pool);
            }
        }
        let steps = self.frames.last().map_or(0, steps_max);
        Some(Over { outcome: Outcome::Failure, reason: format!("took more than {steps} steps") })
    }

    /// Ends the topmost script. Gives the reason for the one that called it, or how the run ended.
    fn pop(
        &mut self,
        outcome: Outcome,
        reason: String,
        memories: &mut Memories,
        pool: &mut Pool,
    ) -> Result<String, Ended> {
        if let Some(frame) = self.frames.last()
            && let Err(problem) = self.remembered(frame)
        {
            let path = frame.sandbox.path().to_string();
            return Err(self.fault(format!("{path}: {problem}"), memories, pool));
        }
        let Some(frame) = self.frames.pop() else { return Ok(reason) };
        let _ = self.keep(&frame, memories);
        let skill = frame.sandbox.skill().clone();
        frame.give_back(pool);
        if self.frames.is_empty() {
            return Err(ended(&skill, outcome, reason, self.steps, std::mem::take(&mut self.memories)));
        }
        Ok(reason)
    }

    /// Ends the whole run: the machine of the script that broke is thrown away.
    fn fault(&mut self, reason: String, memories: &mut Memories, pool: &mut Pool) -> Ended {
        let skill = self.skill().clone();
        if let Some(broken) = self.frames.pop() {
            pool.account(broken.bytes, 0);
        }
        while let Some(frame) = self.frames.pop() {
            let _ = self.keep(&frame, memories);
            frame.give_back(pool);
        }
        ended(&skill, Outcome::Fault, reason, self.steps, std::mem::take(&mut self.memories))
    }

    fn remembered(&self, frame: &Frame) -> Result<Option<String>, String> {
        frame.sandbox.remembered(&frame.strand)
    }

    fn keep(&mut self, frame: &Frame, memories: &mut Memories) -> Result<(), String> {
        if let Some(text) = self.remembered(frame)? {
            let name = frame.sandbox.skill().manifest.name.clone();
            memories.insert(name.clone(), text.clone());
            self.memories.insert(name, text);
        }
        Ok(())
    }

    fn act(&mut self, action: String, reason: String, deed: wire::skill::Deed) -> Act {
        let is_new = self.steps == 0;
        self.steps += 1;
        for frame in &mut self.frames {
            frame.steps += 1;
        }
        let skill = self.skill();
        let by = self.frames.last().map_or(skill, |frame| frame.sandbox.skill());
        Act {
            skill: skill.manifest.name.clone(),
            version: skill.manifest.version.to_string(),
            revision: skill.revision,
            is_new,
            by: by.manifest.name.clone(),
            action,
            reason,
            goal: self.goal.clone(),
            deed,
        }
    }
}

impl Frame {
    fn give_back(self, pool: &mut Pool) {
        pool.account(self.bytes, 0);
        drop(self.strand);
        pool.give_back(self.sandbox);
    }
}

fn ended(skill: &Skill, outcome: Outcome, reason: String, steps: u32, memories: Memories) -> Ended {
    Ended {
        skill: skill.manifest.name.clone(),
        version: skill.manifest.version.to_string(),
        outcome,
        reason,
        steps,
        memories: memories.into_iter().collect(),
    }
}
