//! Where skills run: turn by turn, one run at a time in each game.
//!
//! Invariants: the same turns make the same acts; a script that breaks ends its own run and nothing else; all machines
//! together stay below [`BYTES_MAX`], and [`GAME_BYTES`] for each game beyond the first; a running run keeps the library that it
//! began with. A script that its limits do not stop, which no script should be able to be, is stopped by the watchdog, and with
//! it the process.

use crate::skill::Library;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use wire::Instance;
use wire::skill::{Candidate, Ended, Outcome, Remembered, Turn, Turned};

mod game;
mod pool;
mod run;
pub(crate) mod watchdog;

use crate::sandbox::World;
use game::Game;
use pool::Pool;
use run::{Moved, Run};
use watchdog::Watchdog;

/// All machines together, in bytes, of one game.
pub const BYTES_MAX: usize = 40 << 20;
/// So many bytes more for each further game, whose runs have machines of their own.
pub const GAME_BYTES: usize = 4 << 20;

/// All games, the skills they are played with, and the machines of those.
#[derive(Debug)]
pub struct Stage {
    library: Arc<Library>,
    games: BTreeMap<Instance, Game>,
    pool: Pool,
    watchdog: Watchdog,
}

impl Default for Stage {
    fn default() -> Stage {
        Stage::new()
    }
}

impl Stage {
    /// A stage without skills. Starts a thread, so the process must not be confined yet.
    pub fn new() -> Stage {
        Stage { library: Arc::default(), games: BTreeMap::new(), pool: Pool::default(), watchdog: Watchdog::start() }
    }

    /// New runs take these skills; running ones end with those they began with.
    pub fn use_library(&mut self, library: Arc<Library>) {
        self.library = library;
    }

    /// A game begins or is looked at anew: no skill runs, and this is what skills remember.
    pub fn begin(&mut self, instance: Instance, memories: Vec<(String, Remembered)>) {
        if let Some(run) = self.games.remove(&instance).and_then(|mut game| game.run.take()) {
            run.abandon(&mut self.pool);
        }
        self.games.insert(instance, Game::new(memories));
        self.make_room();
    }

    /// Bytes of all machines.
    pub fn bytes(&self) -> usize {
        self.pool.bytes()
    }

    fn make_room(&mut self) {
        self.pool.bytes_max = BYTES_MAX + GAME_BYTES * self.games.len().saturating_sub(1);
    }

    /// Asks the candidates in their order, until one acts.
    pub fn turn(&mut self, turn: Turn) -> Turned {
        let begun = Instant::now();
        let mut game = self.games.remove(&turn.instance).unwrap_or_default();
        let mut turned = Turned { id: turn.id, ..Turned::default() };
        let Turn { instance, sight, bearings, effect, is_done, chance, candidates, .. } = turn;
        match game.look(sight, bearings, effect, chance) {
            Some(world) => {
                if is_done && let Some(run) = game.run.take() {
                    let reason = "what it is for is done";
                    turned.ended.push(run.end(Outcome::Success, reason, &mut game.memories, &mut self.pool));
                }
                self.ask(&mut game, &world, &candidates, &mut turned);
            }
            None => {
                let reason = "the game was lost from view";
                turned
                    .ended
                    .extend(game.run.take().map(|run| run.interrupt(reason, &mut game.memories, &mut self.pool)));
            }
        }
        self.games.insert(instance, game);
        self.make_room();
        self.pool.shrink();
        turned.spent_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        turned
    }

    fn ask(&mut self, game: &mut Game, world: &Rc<World>, candidates: &[Candidate], turned: &mut Turned) {
        for candidate in candidates {
            let is_running = game.run.as_ref().is_some_and(|run| run.skill().manifest.name == candidate.skill);
            let running = if is_running { game.run.take() } else { None };
            let mut run = match self.choose(running, candidate, game, world, &mut turned.ended) {
                Ok(run) => run,
                Err(ended) => {
                    turned.ended.push(ended);
                    continue;
                }
            };
            match run.advance(world, &mut game.memories, &mut self.pool, &self.watchdog, &mut turned.notes) {
                Moved::Acted(act) => {
                    let reason = format!("{} was more urgent", candidate.skill);
                    let before = game.run.replace(run);
                    let interrupted = before.map(|run| run.interrupt(&reason, &mut game.memories, &mut self.pool));
                    turned.ended.extend(interrupted);
                    turned.act = Some(act);
                    return;
                }
                Moved::Ended(ended) => turned.ended.push(ended),
            }
        }
        let left =
            game.run.take().map(|run| run.interrupt("it was not asked to go on", &mut game.memories, &mut self.pool));
        turned.ended.extend(left);
    }

    /// The run that is meant, begun if it does not go on already; or how it declined.
    fn choose(
        &mut self,
        running: Option<Run>,
        candidate: &Candidate,
        game: &mut Game,
        world: &Rc<World>,
        ended: &mut Vec<Ended>,
    ) -> Result<Run, Ended> {
        let name = &candidate.skill;
        if let Some(run) = running {
            if candidate.revision.is_none_or(|revision| revision == run.skill().revision) {
                return Ok(run);
            }
            ended.push(run.interrupt("another version of it is meant", &mut game.memories, &mut self.pool));
        }
        let loaded = self.library.skills.get(name).cloned();
        let Some(skill) = loaded.filter(|skill| skill.script.is_some()) else {
            return Err(declined(name, String::new(), format!("there is no skill {name}")));
        };
        let version = skill.manifest.version.to_string();
        if candidate.revision.is_some_and(|revision| revision != skill.revision) {
            return Err(declined(name, version, format!("the version of {name} that is meant is not loaded")));
        }
        Run::begin(skill, self.library.clone(), candidate, world, game, &mut self.pool)
            .map_err(|reason| declined(name, version, reason))
    }
}

fn declined(skill: &str, version: String, reason: String) -> Ended {
    let outcome = Outcome::Failure;
    Ended { skill: skill.to_string(), version, outcome, reason, steps: 0, memories: Vec::new() }
}

#[cfg(test)]
pub(crate) mod tests;
