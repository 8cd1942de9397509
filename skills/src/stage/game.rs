//! One game on the stage: what is seen of it, what skills remember in it, and the run that goes on.

use super::run::Run;
use crate::sandbox::World;
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::observation::Observation;
use wire::skill::{Bearings, Remembered, Sight};

/// One game.
#[derive(Debug, Default)]
pub struct Game {
    /// The run that goes on.
    pub run: Option<Run>,
    /// What each skill remembers.
    pub memories: BTreeMap<String, Remembered>,
    seen: Option<Rc<World>>,
    turns: u64,
}

impl Game {
    /// A game of which nothing was seen yet.
    pub fn new(memories: Vec<(String, Remembered)>) -> Game {
        Game { memories: memories.into_iter().collect(), ..Game::default() }
    }

    /// Takes in what is seen now. `None` when it cannot be understood without what came before.
    pub fn look(&mut self, sight: Sight, bearings: Bearings, effect: String, chance: u64) -> Option<Rc<World>> {
        if let Some(run) = &self.run {
            run.leave_turn();
        }
        let before = self.seen.take().map(observation);
        let observation = sight.onto(before).ok()?;
        self.turns += 1;
        let world = Rc::new(World::new(self.turns, observation, bearings, effect, chance));
        self.seen = Some(world.clone());
        Some(world)
    }
}

/// Scripts may still hold the turn before; then it is copied.
fn observation(world: Rc<World>) -> Observation {
    match Rc::try_unwrap(world) {
        Ok(world) => world.observation,
        Err(shared) => shared.observation.clone(),
    }
}
