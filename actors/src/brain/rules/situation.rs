//! What the rules make of one observation: who is near, and what can be reached.

use super::memory::Memory;
use wire::observation::{Direction, Meter, Monster, Observation, Position};
use wire::ways::{Ground, Reach, can_strike};

/// One observation, understood.
pub(super) struct Situation<'a> {
    /// The observation.
    pub observation: &'a Observation,
    /// The one the agent moves.
    pub leader: &'a Monster,
    /// Its hit points.
    pub hp: Meter,
    /// Foes in sight that can act, nearest first.
    pub awake: Vec<&'a Monster>,
    /// Foes in sight that cannot.
    pub asleep: Vec<&'a Monster>,
    /// Ways around foes, known traps and stairs.
    pub reach: Reach,
    ground: Ground,
}

impl<'a> Situation<'a> {
    /// Nothing without a leader.
    pub(super) fn of(observation: &'a Observation, memory: &Memory) -> Option<Situation<'a>> {
        let leader = observation.leader()?;
        let ground = Ground::of(observation, &memory.headway.failed_steps());
        let foes = || observation.monsters.iter().filter(|monster| !monster.is_team && !monster.is_neutral);
        let mut awake: Vec<&Monster> = foes().filter(|foe| !foe.is_incapacitated).collect();
        awake.sort_by_key(|foe| (foe.position.distance(leader.position), foe.slot));
        let mut asleep: Vec<&Monster> = foes().filter(|foe| foe.is_incapacitated).collect();
        asleep.sort_by_key(|foe| (foe.position.distance(leader.position), foe.slot));
        Some(Situation {
            observation,
            leader,
            hp: leader.hp.unwrap_or(Meter { value: 1, max: 1 }),
            awake,
            asleep,
            reach: ground.reach(leader.position),
            ground,
        })
    }

    /// Hit points in hundredths of the most.
    pub(super) fn health(&self) -> i32 {
        self.hp.value * 100 / self.hp.max.max(1)
    }

    /// Foes that can act and stand where they and the leader can strike each other.
    pub(super) fn adjacent(&self) -> impl Iterator<Item = &'a Monster> + '_ {
        let near = self.awake.iter().copied();
        near.filter(|foe| can_strike(self.observation, self.leader.position, foe.position))
    }

    /// How many foes that can act could strike at a place.
    pub(super) fn threats_at(&self, place: Position) -> usize {
        self.awake.iter().filter(|foe| can_strike(self.observation, foe.position, place)).count()
    }

    /// Ways from another place.
    pub(super) fn reach_from(&self, place: Position) -> Reach {
        self.ground.reach(place)
    }

    /// Ways that lead over traps and through whoever stands there.
    pub(super) fn reach_regardless(&self) -> Reach {
        self.ground.reach_regardless(self.leader.position)
    }

    /// Whether a step leads to a free tile that is known to be harmless.
    pub(super) fn may_step(&self, from: Position, direction: Direction) -> bool {
        self.ground.may_step(from, direction)
    }

    /// The nearest place from which a foe can be struck, and how far it is.
    pub(super) fn striking_place(&self, foe: &Monster) -> Option<(Position, u16)> {
        self.ground.striking_place(self.observation, &self.reach, foe.position)
    }
}
