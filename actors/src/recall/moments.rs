//! What happens from one step to the next: the moments that are worth keeping, and a running tally of gains and losses from
//! which the outcome of every clip is told.

use crate::embed::nearest_foe;
use wire::observation::{NO_ROOM, Observation, Position, Screen};
use wire::recall::{KeyMoments, Outcome};

/// A foe that can act is near when it is at most so many steps away.
const NEAR_STEPS: i16 = 2;
/// A foe that vanished from within so many steps while experience was gained was overcome.
const OVERCOME_STEPS: i16 = 3;
/// Of 64 bits, so many must differ between a picture and the last one that was kept.
const UNLIKE_BITS: u32 = 22;

/// What was gained and lost since the run began to be watched; only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    floors: u32,
    hp_lost: u32,
    hp_lost_share: f64,
    foes: u32,
    items: u32,
}

/// Watches one life.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    last: Option<Brief>,
    picture: Option<u64>,
    tally: Tally,
}

/// What of an observation the next one is compared with.
#[derive(Debug)]
struct Brief {
    floor: (u8, u8),
    room: u8,
    hp: i32,
    max_hp: i32,
    bag: u32,
    experience: u32,
    near_foes: Vec<(u8, u16)>,
}

impl Watcher {
    /// Takes a step's observation and picture into account, and says what is special about it.
    pub fn look(&mut self, seen: Option<&Observation>, picture: u64) -> KeyMoments {
        let mut keys = KeyMoments::default();
        if self.picture.is_none_or(|kept| (kept ^ picture).count_ones() >= UNLIKE_BITS) {
            self.picture = Some(picture);
            keys = keys.with(KeyMoments::PICTURE);
        }
        let Some((seen, here)) = seen.and_then(|seen| Some((seen, place_on_floor(seen)?))) else { return keys };
        let now = Brief::of(seen, here);
        if seen.monsters.iter().any(|other| {
            !other.is_team
                && !other.is_neutral
                && !other.is_incapacitated
                && other.position.distance(here) <= NEAR_STEPS
        }) {
            keys = keys.with(KeyMoments::FIGHT);
        }
        match self.last.take() {
            Some(last) => keys = keys.with(self.tally.add(&last, &now, seen)),
            None => keys = keys.with(KeyMoments::FLOOR),
        }
        self.last = Some(now);
        keys
    }

    /// What was gained and lost so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A life ended; what was left of its hit points is lost with a defeat.
    pub fn end_life(&mut self, is_lost: bool) {
        if let Some(last) = self.last.take().filter(|_| is_lost) {
            self.tally.lose(last.hp, last.max_hp);
        }
    }

    /// The game was put back or exchanged: what comes is not compared with what was.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

impl Brief {
    fn of(seen: &Observation, here: Position) -> Brief {
        let hp = seen.leader().and_then(|leader| leader.hp).unwrap_or_default();
        let foes = seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral);
        let near = foes.filter(|foe| foe.position.distance(here) <= OVERCOME_STEPS);
        Brief {
            floor: (seen.dungeon, seen.floor),
            room: seen.tile(here).map_or(NO_ROOM, |tile| tile.room),
            hp: hp.value,
            max_hp: hp.max,
            bag: seen.bag.iter().map(|item| u32::from(item.quantity.max(1))).sum(),
            experience: seen.experience,
            near_foes: near.map(|foe| (foe.slot, foe.spawn_id)).collect(),
        }
    }
}

impl Tally {
    /// What came of a clip between two moments.
    pub fn since(&self, then: &Tally, steps: u64, is_lost: bool) -> Outcome {
        let narrow = |now: u32, then: u32| u8::try_from(now.saturating_sub(then)).unwrap_or(u8::MAX);
        Outcome {
            steps: u16::try_from(steps).unwrap_or(u16::MAX),
            floors: narrow(self.floors, then.floors),
            is_lost,
            hp_lost: u16::try_from(self.hp_lost.saturating_sub(then.hp_lost)).unwrap_or(u16::MAX),
            hp_lost_share: (self.hp_lost_share - then.hp_lost_share).max(0.0) as f32,
            foes: narrow(self.foes, then.foes),
            items: narrow(self.items, then.items),
        }
    }

    fn add(&mut self, last: &Brief, now: &Brief, seen: &Observation) -> KeyMoments {
        let mut keys = KeyMoments::default();
        if now.floor != last.floor {
            self.floors += u32::from(now.floor.0 == last.floor.0 && now.floor.1 > last.floor.1);
            keys = keys.with(KeyMoments::FLOOR);
        } else if now.room != last.room && now.room != NO_ROOM {
            keys = keys.with(KeyMoments::ROOM);
        }
        if now.bag != last.bag {
            self.items += now.bag.saturating_sub(last.bag);
            keys = keys.with(KeyMoments::ITEM);
        }
        if now.hp < last.hp {
            self.lose(last.hp - now.hp, now.max_hp);
            keys = keys.with(KeyMoments::HURT);
        }
        if now.experience > last.experience && now.floor == last.floor {
            let is_here = |(slot, spawn): &(u8, u16)| {
                seen.monsters.iter().any(|other| other.slot == *slot && other.spawn_id == *spawn)
            };
            let vanished = last.near_foes.iter().filter(|foe| !is_here(foe)).count() as u32;
            self.foes += vanished.max(1);
        }
        keys
    }

    fn lose(&mut self, hp: i32, max_hp: i32) {
        let lost = hp.max(0) as u32;
        self.hp_lost += lost;
        self.hp_lost_share += f64::from(lost) / f64::from(max_hp.max(1));
    }
}

/// Where the leader stands, when the observation shows a floor that is being played.
pub(super) fn place_on_floor(seen: &Observation) -> Option<Position> {
    let is_floor = matches!(seen.screen, Screen::Command | Screen::Motion | Screen::Menu(_) | Screen::FloorMap)
        || matches!(seen.screen, Screen::Dialogue | Screen::Choice | Screen::Printing);
    (is_floor && seen.floor > 0).then(|| seen.leader().map(|leader| leader.position)).flatten()
}

/// The game's number of the nearest foe in sight; 0: there is none.
pub(super) fn foe_in_sight(seen: &Observation) -> u16 {
    let here = seen.leader().map(|leader| leader.position);
    here.and_then(|here| nearest_foe(seen, here)).map_or(0, |foe| foe.species)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::{BagItem, Meter, Monster};

    fn seen(floor: u8, hp: i32, foe: Option<i16>) -> Observation {
        let hp = Some(Meter { value: hp, max: 40 });
        let here = Position { x: 10, y: 10 };
        let mut monsters = vec![Monster { is_team: true, is_leader: true, hp, position: here, ..Monster::default() }];
        let place = |x| Position { x, y: 10 };
        monsters.extend(foe.map(|x| Monster { slot: 4, species: 9, position: place(x), ..Monster::default() }));
        Observation { screen: Screen::Command, floor, leader: Some(0), monsters, ..Observation::default() }
    }

    #[test]
    fn moments_and_outcomes_are_told_from_one_step_to_the_next() {
        let mut watcher = Watcher::default();
        assert_eq!(watcher.look(Some(&seen(1, 40, None)), 0), KeyMoments::FLOOR.with(KeyMoments::PICTURE));
        let then = watcher.tally();
        assert_eq!(watcher.look(Some(&seen(1, 40, Some(15))), 1), KeyMoments::default());
        assert_eq!(watcher.look(Some(&seen(1, 30, Some(11))), 3), KeyMoments::FIGHT.with(KeyMoments::HURT));
        let mut won = seen(1, 35, None);
        won.experience = 12;
        won.bag = vec![BagItem { quantity: 1, ..BagItem::default() }];
        assert_eq!(watcher.look(Some(&won), u64::MAX), KeyMoments::ITEM.with(KeyMoments::PICTURE));
        let mut below = won.clone();
        below.floor = 2;
        assert_eq!(watcher.look(Some(&below), u64::MAX), KeyMoments::FLOOR);
        let outcome = watcher.tally().since(&then, 4, false);
        let expected =
            Outcome { steps: 4, floors: 1, hp_lost: 10, hp_lost_share: 0.25, foes: 1, items: 1, is_lost: false };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn a_defeat_costs_the_hit_points_that_were_left() {
        let mut watcher = Watcher::default();
        watcher.look(Some(&seen(3, 20, None)), 0);
        let then = watcher.tally();
        watcher.end_life(true);
        assert_eq!(watcher.tally().since(&then, 1, true).hp_lost, 20);
        assert_eq!(watcher.look(Some(&seen(1, 40, None)), 0), KeyMoments::FLOOR, "another life begins");
        assert_eq!(watcher.tally().since(&then, 2, true).floors, 0, "it climbed nowhere");
    }

    #[test]
    fn what_shows_no_floor_says_nothing_but_its_picture() {
        let mut watcher = Watcher::default();
        assert_eq!(watcher.look(None, 5), KeyMoments::PICTURE);
        assert_eq!(watcher.look(Some(&Observation::default()), 5), KeyMoments::default());
        assert_eq!(foe_in_sight(&Observation::default()), 0);
        assert_eq!(foe_in_sight(&seen(1, 40, Some(20))), 9);
    }
}
