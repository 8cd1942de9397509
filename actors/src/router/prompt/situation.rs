//! What is seen, as a model is told it: decoded, without anything that changes without meaning.
//!
//! Frame numbers, counts of turns and keys are left out, and what only runs down is told in coarse steps, so that the same
//! situation gives the same bytes. Written as lines ([`Situation::words`]) or as JSON (serde).

use crate::router::Inquiry;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::items::{Use, action, use_of};
use wire::observation::{DIRECTIONS, Direction, MenuKind, Monster, Observation, Position, Screen};
use wire::skill::Phase;
use wire::skill::facts::screen_name;

/// From so many turns left on a floor on they are told, in steps of [`TURNS_STEP`].
const TURNS_TOLD: i16 = 300;
const TURNS_STEP: i16 = 50;
/// Decisions without progress are told in steps of this many.
const UNPRODUCTIVE_STEP: u32 = 20;
/// Acts in vain that are counted.
const FRUITLESS_MAX: u32 = 10;
/// Items, traps and others of a kind that are told, the nearest ones.
const TOLD_MAX: usize = 12;
/// Letters of a text of the game.
const TEXT_LETTERS_MAX: usize = 300;

/// What is seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Situation {
    pub screen: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub menu: Option<Menu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialogue: Option<Dialogue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub you: Option<Leader>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foes: Vec<Other>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allies: Vec<Other>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strangers: Vec<Other>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stairs: Option<Bearing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Lying>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traps: Vec<Bearing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bag: Vec<Carried>,
    #[serde(skip_serializing_if = "is_default")]
    pub money: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

/// An open menu.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Menu {
    pub kind: &'static str,
    pub cursor: i16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<String>,
}

/// An open text box.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Dialogue {
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i16>,
}

/// Where the game is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Place {
    pub dungeon: u8,
    pub floor: u8,
    pub last_floor: u8,
    #[serde(skip_serializing_if = "is_default")]
    pub weather: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns_left_below: Option<i16>,
}

/// The one that is moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Leader {
    pub x: i16,
    pub y: i16,
    pub facing: &'static str,
    pub hp: i32,
    pub max_hp: i32,
    pub belly: i32,
    pub max_belly: i32,
    pub level: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ails: Vec<&'static str>,
}

/// Somebody else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Other {
    pub mark: char,
    pub slot: u8,
    pub species: u16,
    pub level: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hp: Option<i32>,
    #[serde(flatten)]
    pub at: Bearing,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ails: Vec<&'static str>,
}

/// A place, as seen from the leader.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Bearing {
    pub x: i16,
    pub y: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
}

/// An item on the ground.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Lying {
    #[serde(flatten)]
    pub item: Carried,
    #[serde(flatten)]
    pub at: Bearing,
    #[serde(skip_serializing_if = "is_default")]
    pub in_shop: bool,
}

/// An item, and how many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Carried {
    pub item: u8,
    pub good_for: &'static str,
    pub count: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub is_stuck: bool,
}

impl Situation {
    /// What there is to tell of what a question is asked about.
    pub fn of(inquiry: &Inquiry) -> Situation {
        let seen = inquiry.seen.as_ref();
        let here = seen.leader().map(|leader| leader.position);
        let (mut foes, mut allies, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
        for (mark, monster) in marks(seen) {
            let kind = match (monster.is_team, monster.is_neutral) {
                (true, _) => &mut allies,
                (false, true) => &mut strangers,
                (false, false) => &mut foes,
            };
            kind.push(other(mark, monster, here));
        }
        let is_boxed = matches!(seen.screen, Screen::Dialogue | Screen::Choice | Screen::Printing);
        let cursor = (seen.screen == Screen::Choice).then_some(seen.dialogue.cursor);
        Situation {
            screen: screen_name(seen.screen),
            menu: menu(seen),
            dialogue: is_boxed.then(|| Dialogue { text: line(&seen.dialogue.text, TEXT_LETTERS_MAX), cursor }),
            place: (seen.floor > 0).then(|| place(seen)),
            you: seen.leader().map(|monster| leader(seen, monster)),
            foes,
            allies,
            strangers,
            stairs: seen.stairs.map(|stairs| bearing(stairs, here)),
            items: lying(seen, here),
            traps: nearest(seen.traps.iter().map(|trap| trap.position), here).take(TOLD_MAX).collect(),
            bag: bag(seen),
            money: seen.money,
            message: line(&seen.message, TEXT_LETTERS_MAX),
            trouble: trouble(inquiry),
        }
    }

    /// What is told even where there is hardly any room.
    pub fn shortened(mut self) -> Situation {
        self.items.truncate(3);
        self.traps.clear();
        self.message.clear();
        self.strangers.truncate(3);
        self.allies.truncate(3);
        self.foes.truncate(6);
        self.bag.clear();
        self
    }
}

/// Everybody but the leader with the letter that stands for them on the map: foes in small letters, the others in large ones,
/// the nearest first.
pub(super) fn marks(seen: &Observation) -> Vec<(char, &Monster)> {
    let here = seen.leader().map(|leader| leader.position);
    let mut others: Vec<&Monster> = seen
        .monsters
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != seen.leader)
        .map(|(_, other)| other)
        .collect();
    others.sort_by_key(|other| (here.map_or(0, |here| here.distance(other.position)), other.slot, other.spawn_id));
    let is_foe = |other: &Monster| !other.is_team && !other.is_neutral;
    let mut letters = [('a'..='z'), ('A'..='Z')];
    let mark = |other: &&Monster| letters[usize::from(!is_foe(other))].next().unwrap_or('&');
    let marks: Vec<char> = others.iter().map(mark).collect();
    marks.into_iter().zip(others).collect()
}

fn other(mark: char, monster: &Monster, here: Option<Position>) -> Other {
    let Monster { slot, species, level, position, hp, .. } = *monster;
    Other { mark, slot, species, level, hp: hp.map(|hp| hp.value), at: bearing(position, here), ails: ails(monster) }
}

fn leader(seen: &Observation, monster: &Monster) -> Leader {
    let hp = monster.hp.unwrap_or_default();
    Leader {
        x: monster.position.x,
        y: monster.position.y,
        facing: monster.direction.name(),
        hp: hp.value,
        max_hp: hp.max,
        belly: seen.belly.value,
        max_belly: seen.belly.max,
        level: monster.level,
        ails: ails(monster),
    }
}

fn ails(monster: &Monster) -> Vec<&'static str> {
    let kinds = [
        (monster.is_incapacitated, "cannot act"),
        (monster.is_ailing, "poisoned or burning"),
        (monster.is_confused, "confused"),
    ];
    kinds.into_iter().filter_map(|(is_so, name)| is_so.then_some(name)).collect()
}

fn menu(seen: &Observation) -> Option<Menu> {
    let Screen::Menu(kind) = seen.screen else { return None };
    let kind = match kind {
        MenuKind::Main => "main",
        MenuKind::List => "list",
        MenuKind::Log => "message log",
        MenuKind::Naming => "naming",
    };
    let entries = seen.menu.actions.iter().map(|entry| {
        let name = match entry.action {
            action::EAT => "eat".to_string(),
            action::STAIRS => "take the stairs".to_string(),
            action::THROW_STRAIGHT | action::THROW => "throw".to_string(),
            action::USE => "use".to_string(),
            number => format!("action {number}"),
        };
        if entry.selectable { name } else { format!("{name} (not now)") }
    });
    Some(Menu { kind, cursor: seen.menu.cursor, entries: entries.take(TOLD_MAX).collect() })
}

fn place(seen: &Observation) -> Place {
    let left = seen.turns_left;
    let is_few = (0..TURNS_TOLD).contains(&left);
    Place {
        dungeon: seen.dungeon,
        floor: seen.floor,
        last_floor: seen.last_floor,
        weather: seen.weather,
        turns_left_below: is_few.then(|| (left / TURNS_STEP + 1) * TURNS_STEP),
    }
}

fn lying(seen: &Observation, here: Option<Position>) -> Vec<Lying> {
    let mut items: Vec<_> = seen.items.iter().collect();
    items.sort_by_key(|item| (here.map_or(0, |here| here.distance(item.position)), item.position, item.item));
    let items = items.into_iter().take(TOLD_MAX).map(|item| Lying {
        item: carried(item.item, 1.max(item.quantity.into()), false),
        at: bearing(item.position, here),
        in_shop: item.in_shop,
    });
    items.collect()
}

fn bag(seen: &Observation) -> Vec<Carried> {
    let mut counts: BTreeMap<(u8, bool), u32> = BTreeMap::new();
    for item in &seen.bag {
        *counts.entry((item.item, item.sticky)).or_default() += u32::from(item.quantity.max(1));
    }
    counts.into_iter().map(|((item, is_stuck), count)| carried(item, count, is_stuck)).collect()
}

fn carried(item: u8, count: u32, is_stuck: bool) -> Carried {
    let good_for = match use_of(item) {
        Use::Missile => "throwing at foes",
        Use::Heal => "healing",
        Use::Cure => "curing",
        Use::Revive => "reviving by itself",
        Use::Strengthen => "growing hardier for good",
        Use::Disable => "making a foe helpless",
        Use::Escape => "getting away",
        Use::Burn => "burning the foe ahead",
        Use::Food(_) => "eating",
        Use::Light => "showing the map",
        Use::Money => "money",
        Use::Other => "",
    };
    Carried { item, good_for, count, is_stuck }
}

fn trouble(inquiry: &Inquiry) -> Vec<String> {
    let bearings = &inquiry.bearings;
    let mut trouble = Vec::new();
    match bearings.phase {
        Phase::Unknown | Phase::Playing => {}
        Phase::Title => trouble.push("the game has not begun".to_string()),
        Phase::Lost => trouble.push("this life is lost".to_string()),
        Phase::Won => trouble.push("the game is won".to_string()),
    }
    match bearings.fruitless {
        0 => {}
        1 => trouble.push("nothing came of the last act".to_string()),
        acts => trouble.push(format!("nothing came of the last {} acts", acts.min(FRUITLESS_MAX))),
    }
    let unproductive = bearings.unproductive / UNPRODUCTIVE_STEP * UNPRODUCTIVE_STEP;
    if unproductive > 0 {
        trouble.push(format!("nothing got better on this floor for over {unproductive} decisions"));
    }
    if bearings.is_hurrying {
        trouble.push("time, food or ideas run out: the stairs are what matters".to_string());
    }
    if bearings.hardest_hit > 0 {
        trouble.push(format!("hit points that one turn lately cost: {}", bearings.hardest_hit));
    }
    trouble
}

fn nearest(places: impl Iterator<Item = Position>, here: Option<Position>) -> impl Iterator<Item = Bearing> {
    let mut places: Vec<Position> = places.collect();
    places.sort_by_key(|place| (here.map_or(0, |here| here.distance(*place)), *place));
    places.into_iter().map(move |place| bearing(place, here))
}

fn bearing(place: Position, here: Option<Position>) -> Bearing {
    let steps = here.map(|here| here.distance(place));
    Bearing { x: place.x, y: place.y, steps, direction: here.and_then(|here| compass(here, place)) }
}

/// The nearest of the eight directions.
fn compass(from: Position, to: Position) -> Option<&'static str> {
    let (dx, dy) = (i32::from(to.x) - i32::from(from.x), i32::from(to.y) - i32::from(from.y));
    let (wide, high) = (dx.abs(), dy.abs());
    let nearest = (if high > 2 * wide { 0 } else { dx.signum() }, if wide > 2 * high { 0 } else { dy.signum() });
    let is_nearest = |direction: &Direction| {
        let (dx, dy) = direction.delta();
        (i32::from(dx), i32::from(dy)) == nearest
    };
    DIRECTIONS.into_iter().find(is_nearest).map(Direction::name)
}

/// A text on one line, of at most so many letters.
pub(super) fn line(text: &str, letters_max: usize) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(letters_max).collect()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
