//! What triggers can speak of: each fact has a name, a kind and a meaning, and is read from one observation.

use super::Bearings;
use crate::items::{Use, food, use_of};
use crate::observation::{Meter, Monster, Observation, Position, Screen};
use crate::ways::can_strike;

/// Distance of the nearest foe when there is none.
pub const FAR: f64 = 99.0;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// True or false.
    Truth,
    /// A text.
    Text,
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// A text, one of a few that are known.
    Text(&'static str),
}

/// What a fact is called, of which kind it is and what it means.
pub struct Fact {
    /// Its name in triggers.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it means, for a person.
    pub meaning: &'static str,
    read: fn(&Scene<'_>) -> Value,
}

/// An observation as facts are read from it.
struct Scene<'a> {
    seen: &'a Observation,
    bearings: &'a Bearings,
    leader: Option<&'a Monster>,
    hp: Meter,
}

/// The values of all facts at one moment, in the order of [`FACTS`].
#[derive(Clone, Debug, PartialEq)]
pub struct Facts(Vec<Value>);

macro_rules! facts {
    ($($name:literal $kind:ident $meaning:literal $read:expr;)*) => {
        /// All facts.
        pub const FACTS: &[Fact] = &[
            $(Fact { name: $name, kind: Kind::$kind, meaning: $meaning, read: |scene| Value::$kind(($read)(scene)) },)*
        ];
    };
}

facts! {
    "screen" Text "what the game does with a key now: command, menu, map, dialogue, choice, printing, motion, \
        transition, title, ground, elsewhere, unknown" |scene: &Scene<'_>| screen_name(scene.seen.screen);
    "phase" Text "where the game is: title, playing, lost, won, unknown" |scene: &Scene<'_>| scene.bearings.phase.name();
    "hp" Number "hit points" |scene: &Scene<'_>| f64::from(scene.hp.value);
    "max_hp" Number "hit points when well" |scene: &Scene<'_>| f64::from(scene.hp.max);
    "belly" Number "belly" |scene: &Scene<'_>| f64::from(scene.seen.belly.value);
    "max_belly" Number "belly when full" |scene: &Scene<'_>| f64::from(scene.seen.belly.max);
    "level" Number "the leader's level" |scene: &Scene<'_>| scene.leader.map_or(0.0, |leader| f64::from(leader.level));
    "dungeon" Number "dungeon number" |scene: &Scene<'_>| f64::from(scene.seen.dungeon);
    "floor" Number "floor, 0 outside dungeons" |scene: &Scene<'_>| f64::from(scene.seen.floor);
    "last_floor" Number "the dungeon's last floor" |scene: &Scene<'_>| f64::from(scene.seen.last_floor);
    "turns" Number "turns taken in this life" |scene: &Scene<'_>| scene.seen.turns as f64;
    "turns_left" Number "turns left on this floor" |scene: &Scene<'_>| f64::from(scene.seen.turns_left);
    "money" Number "money carried" |scene: &Scene<'_>| f64::from(scene.seen.money);
    "x" Number "the leader's column" |scene: &Scene<'_>| f64::from(scene.here().x);
    "y" Number "the leader's row" |scene: &Scene<'_>| f64::from(scene.here().y);
    "can_act" Truth "the leader is there and able to act" |scene: &Scene<'_>|
        scene.leader.is_some_and(|leader| !leader.is_incapacitated);
    "is_turning" Truth "the game is in its turn-in-place mode" |scene: &Scene<'_>| scene.seen.is_turning;
    "is_ailing" Truth "the leader is poisoned or burning" |scene: &Scene<'_>|
        scene.leader.is_some_and(|leader| leader.is_ailing);
    "bag" Number "items in the bag" |scene: &Scene<'_>| scene.seen.bag.len() as f64;
    "food" Number "what the food in the bag would add to the belly" |scene: &Scene<'_>| f64::from(food(scene.seen));
    "healing" Number "items in the bag that heal" |scene: &Scene<'_>| scene.carried(Use::Heal);
    "cures" Number "items in the bag that cure" |scene: &Scene<'_>| scene.carried(Use::Cure);
    "missiles" Number "kinds of missiles in the bag" |scene: &Scene<'_>| scene.carried(Use::Missile);
    "strengthening" Number "items in the bag that make hardier for good" |scene: &Scene<'_>| scene.carried(Use::Strengthen);
    "lights" Number "items in the bag that show the map" |scene: &Scene<'_>| scene.carried(Use::Light);
    "items_seen" Number "items in sight on the ground, shops left out" |scene: &Scene<'_>|
        scene.seen.items.iter().filter(|item| !item.in_shop).count() as f64;
    "enemies" Number "foes in sight that can act" |scene: &Scene<'_>| scene.awake().count() as f64;
    "enemies_asleep" Number "foes in sight that cannot act" |scene: &Scene<'_>|
        scene.foes().filter(|foe| foe.is_incapacitated).count() as f64;
    "enemies_adjacent" Number "foes that can act and can be struck from here" |scene: &Scene<'_>|
        scene.awake().filter(|foe| can_strike(scene.seen, scene.here(), foe.position)).count() as f64;
    "enemies_close" Number "foes that can act, at most two steps away" |scene: &Scene<'_>|
        scene.awake().filter(|foe| foe.position.distance(scene.here()) <= 2).count() as f64;
    "enemy_distance" Number "steps to the nearest foe that can act; 99: none in sight" |scene: &Scene<'_>|
        scene.awake().map(|foe| f64::from(foe.position.distance(scene.here()))).fold(FAR, f64::min);
    "strangers" Number "neutral ones in sight" |scene: &Scene<'_>|
        scene.seen.monsters.iter().filter(|other| other.is_neutral).count() as f64;
    "allies" Number "team members in sight, without the leader" |scene: &Scene<'_>|
        scene.seen.monsters.iter().filter(|other| other.is_team && !other.is_leader).count() as f64;
    "stairs_known" Truth "the stairs are on the map" |scene: &Scene<'_>| scene.seen.stairs.is_some();
    "on_stairs" Truth "the leader stands on the stairs" |scene: &Scene<'_>|
        scene.leader.is_some() && scene.seen.stairs == Some(scene.here());
    "stairs_menu" Truth "the menu asks whether to take the stairs" |scene: &Scene<'_>|
        scene.seen.menu.actions.iter().any(|entry| entry.action == crate::items::action::STAIRS)
            && matches!(scene.seen.screen, Screen::Menu(_));
    "fruitless" Number "acts in a row that did nothing" |scene: &Scene<'_>| f64::from(scene.bearings.fruitless);
    "unproductive" Number "decisions on this floor since anything got better" |scene: &Scene<'_>|
        f64::from(scene.bearings.unproductive);
    "hurrying" Truth "time, food or ideas run out: straight to the stairs" |scene: &Scene<'_>| scene.bearings.is_hurrying;
    "hardest_hit" Number "the most hit points lately lost in one turn" |scene: &Scene<'_>|
        f64::from(scene.bearings.hardest_hit);
}

impl Facts {
    /// Reads all facts.
    pub fn of(seen: &Observation, bearings: &Bearings) -> Facts {
        let leader = seen.leader();
        let hp = leader.and_then(|leader| leader.hp).unwrap_or_default();
        let scene = Scene { seen, bearings, leader, hp };
        Facts(FACTS.iter().map(|fact| (fact.read)(&scene)).collect())
    }

    /// The value of the fact at this place in [`FACTS`].
    pub fn value(&self, index: usize) -> Value {
        self.0[index]
    }

    /// A fact by its name.
    pub fn named(&self, name: &str) -> Option<Value> {
        FACTS.iter().position(|fact| fact.name == name).map(|index| self.0[index])
    }
}

/// A screen's name in triggers and scripts.
pub fn screen_name(screen: Screen) -> &'static str {
    match screen {
        Screen::Unknown => "unknown",
        Screen::Title => "title",
        Screen::Transition => "transition",
        Screen::Command => "command",
        Screen::Motion => "motion",
        Screen::Menu(_) => "menu",
        Screen::FloorMap => "map",
        Screen::Dialogue => "dialogue",
        Screen::Choice => "choice",
        Screen::Printing => "printing",
        Screen::Ground => "ground",
        Screen::Elsewhere => "elsewhere",
    }
}

impl Scene<'_> {
    fn here(&self) -> Position {
        self.leader.map(|leader| leader.position).unwrap_or_default()
    }

    fn foes(&self) -> impl Iterator<Item = &Monster> {
        self.seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral)
    }

    fn awake(&self) -> impl Iterator<Item = &Monster> {
        self.foes().filter(|foe| !foe.is_incapacitated)
    }

    fn carried(&self, wanted: Use) -> f64 {
        self.seen.bag.iter().filter(|item| use_of(item.item) == wanted && !item.sticky).count() as f64
    }
}
