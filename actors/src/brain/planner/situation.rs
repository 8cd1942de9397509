//! What the planner makes of one observation: who is near, and what can be reached.

use super::memory::Memory;
use crate::brain::paths::{Reach, UNREACHED, can_strike};
use wire::observation::{DIRECTIONS, Direction, Meter, Monster, Observation, Position, TILES};

/// The trap that helps whoever steps on it.
const WONDER_TILE: u8 = 17;

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
    steps: Vec<u8>,
    blocked: Vec<bool>,
}

impl<'a> Situation<'a> {
    /// Nothing without a leader.
    pub(super) fn of(observation: &'a Observation, memory: &Memory) -> Option<Situation<'a>> {
        let leader = observation.leader()?;
        let mut steps: Vec<u8> = observation.tiles.iter().map(|tile| tile.walkable).collect();
        steps.resize(TILES, 0);
        for (place, direction) in &memory.failed_steps {
            if let Some(index) = place.index() {
                steps[index] &= !(1 << *direction as u8);
            }
        }
        let mut blocked = vec![false; TILES];
        let traps = observation.traps.iter().filter(|trap| trap.kind != WONDER_TILE).map(|trap| trap.position);
        let monsters = observation.monsters.iter().filter(|monster| !monster.is_team).map(|monster| monster.position);
        for place in traps.chain(monsters).chain(observation.stairs) {
            if let Some(index) = place.index() {
                blocked[index] = true;
            }
        }
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
            reach: Reach::from(&steps, leader.position, &blocked),
            steps,
            blocked,
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
        Reach::from(&self.steps, place, &self.blocked)
    }

    /// Ways that lead over traps and through whoever stands there.
    pub(super) fn reach_regardless(&self) -> Reach {
        Reach::from(&self.steps, self.leader.position, &vec![false; TILES])
    }

    /// Whether a step leads to a free tile that is known to be harmless.
    pub(super) fn may_step(&self, from: Position, direction: Direction) -> bool {
        let allowed = from.index().is_some_and(|index| self.steps[index] >> direction as u8 & 1 == 1);
        allowed && from.step(direction).index().is_some_and(|index| !self.blocked[index])
    }

    /// Whether a known way leads there.
    pub(super) fn can_reach(&self, place: Position) -> bool {
        self.reach.distance(place) != UNREACHED
    }

    /// The nearest place from which a foe can be struck, and how far it is.
    pub(super) fn striking_place(&self, foe: &Monster) -> Option<(Position, u16)> {
        let places = DIRECTIONS.into_iter().map(|direction| foe.position.step(direction));
        places
            .filter(|place| can_strike(self.observation, *place, foe.position) && self.can_reach(*place))
            .filter(|place| place.index().is_some_and(|index| !self.blocked[index]))
            .map(|place| (place, self.reach.distance(place)))
            .min_by_key(|(_, distance)| *distance)
    }
}
