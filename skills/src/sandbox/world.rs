//! What a script can know in one turn, and what is worked out of it once for all scripts that ask.

use std::cell::OnceCell;
use wire::observation::{Observation, Position};
use wire::skill::Bearings;
use wire::ways::{Ground, Reach};

/// One turn of a game as scripts see it.
#[derive(Debug, Default)]
pub struct World {
    /// Counts the turns of a game.
    pub serial: u64,
    /// What is seen.
    pub observation: Observation,
    /// What the pilot knows beyond that.
    pub bearings: Bearings,
    /// What came of the last act.
    pub effect: String,
    /// Where random numbers come from.
    pub chance: u64,
    ground: OnceCell<Ground>,
    reach: OnceCell<Reach>,
    regardless: OnceCell<Reach>,
}

impl World {
    /// A turn.
    pub fn new(serial: u64, observation: Observation, bearings: Bearings, effect: String, chance: u64) -> World {
        World { serial, observation, bearings, effect, chance, ..World::default() }
    }

    /// Where the leader is.
    pub fn here(&self) -> Option<Position> {
        self.observation.leader().map(|leader| leader.position)
    }

    /// Where one may go.
    pub fn ground(&self) -> &Ground {
        self.ground.get_or_init(|| Ground::of(&self.observation, &self.bearings.failed_steps))
    }

    /// Ways from the leader.
    pub fn reach(&self) -> &Reach {
        self.reach.get_or_init(|| self.ground().reach(self.here().unwrap_or(OUTSIDE)))
    }

    /// Ways from the leader through everything.
    pub fn reach_regardless(&self) -> &Reach {
        self.regardless.get_or_init(|| self.ground().reach_regardless(self.here().unwrap_or(OUTSIDE)))
    }
}

/// No way begins here.
const OUTSIDE: Position = Position { x: -1, y: -1 };
