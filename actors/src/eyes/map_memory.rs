//! The map memory: what is known of the game from what was read on its pictures, one after the other.
//!
//! Invariants: it is made from readings and from the keys that were pressed, and from nothing else; the same ones make the same
//! memory. It is bounded, whatever is read. What the picture does not tell is estimated from what was done and named so: turns
//! count acts that the game took, experience counts foes that were seen beaten. What a reading is not sure of changes nothing.

use super::bag::Bag;
use super::beings::Beings;
use super::floor_map::{FloorMap, SURE};
use super::text;
use crate::profile::{Episode, Field, Figure, Role, Words};
use reader::{Hud, Reading, Scene};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::buttons::{Button, Mask};
use wire::codec::{self, CodecError};
use wire::items::{Use, action, use_of};
use wire::observation::{Dialogue, Direction, Menu, MenuKind, Meter, Monster, Observation, Position, Screen};

mod hearing;
mod windows;

/// Entries of a page of a list.
const ENTRIES_A_PAGE: usize = 10;
/// Frames for which what is thrown may fly, while nothing else moves.
const FLIGHT_FRAMES: u32 = 28;
/// Pictures in a row that must say something surprising before it is believed.
const SURPRISES_MIN: u32 = 3;
/// Frames for which somebody eats.
const MEAL_FRAMES: u32 = 12;
const PAD: Mask = Button::Up as Mask | Button::Down as Mask | Button::Left as Mask | Button::Right as Mask;

/// What is known of a game from its pictures.
#[derive(Clone, Debug)]
pub struct MapMemory {
    words: Arc<Words>,
    fields: Vec<Field>,
    state: State,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    frame: u64,
    screen: Screen,
    episode: Episode,
    floor: u8,
    map: FloorMap,
    beings: Beings,
    bag: Bag,
    leader: Option<Leader>,
    figures: Figures,
    /// Acts that took a turn, in this life.
    turns: u64,
    turns_left: i16,
    /// Foes that were seen beaten.
    defeats: u32,
    /// The turn from which on the leader is well again.
    ailing_until: u64,
    /// The frame at which turning in place ends by itself, while the leader does.
    turning_until: Option<u64>,
    menu: Menu,
    dialogue: Dialogue,
    /// The title of the list that shows.
    title: String,
    /// The slot of the bag that the cursor stood at last.
    chosen_slot: Option<usize>,
    /// The messages that show.
    shown: Vec<String>,
    message: String,
    press: Option<Press>,
    landing: Landing,
    confidence: f32,
    /// It was dark since this floor was last seen: what comes now may be another one, or the end.
    has_been_dark: bool,
    /// Pictures in a row that say what cannot be without having been dark in between.
    surprises: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Leader {
    place: Position,
    direction: Direction,
    is_asleep: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Figures {
    level: u8,
    hp: i32,
    hp_max: i32,
    belly: i32,
    money: i32,
}

/// Keys that were pressed, and what showed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Press {
    mask: Mask,
    screen: Screen,
    place: Option<Position>,
    is_turning: bool,
    /// What was chosen: the game's number for what to do, the item and its slot.
    chosen: Option<(u16, u8, Option<usize>)>,
}

/// What became of what lay where the leader came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Landing {
    was_taken: bool,
    stays: bool,
}

impl MapMemory {
    /// Nothing is known yet.
    pub fn new(words: Arc<Words>, fields: Vec<Field>) -> MapMemory {
        let mut memory = MapMemory { words, fields, state: State::default() };
        memory.state.turns_left = memory.words.rules.turns_a_floor;
        memory
    }

    /// The rows in which messages come up.
    pub fn message_rows(&self) -> (u16, u16) {
        self.words.message_rows
    }

    /// How sure the reader was of the last picture at rest, by its least certain part.
    pub fn confidence(&self) -> f32 {
        self.state.confidence
    }

    /// Keys are about to be pressed. Gives the frames for which the game may look idle and is not.
    pub fn press(&mut self, keys: &[Mask]) -> u32 {
        let mask = keys.iter().fold(0, |all, keys| all | keys);
        if mask == 0 {
            self.state.press = None;
            return 0;
        }
        let is_turning = self.is_turning();
        let (screen, place) = (self.state.screen, self.state.leader.map(|leader| leader.place));
        let chosen = matches!(screen, Screen::Menu(_)) && mask == Button::A as Mask;
        let chosen = chosen.then(|| self.chosen()).flatten();
        self.state.press = Some(Press { mask, screen, place, is_turning, chosen });
        self.state.landing = Landing::default();
        let is_throw = mask == Button::L as Mask | Button::R as Mask;
        match chosen {
            Some((action::THROW | action::THROW_STRAIGHT, ..)) => FLIGHT_FRAMES,
            Some((action::EAT, ..)) => MEAL_FRAMES,
            _ if is_throw && screen == Screen::Command => FLIGHT_FRAMES,
            _ => 0,
        }
    }

    /// A picture on the way to one at rest: only its messages count.
    pub fn glimpse(&mut self, reading: &Reading) {
        self.state.has_been_dark |= reading.scene.value == Scene::Dark && reading.scene.confidence >= SURE;
        if reading.scene.value == Scene::Floor {
            self.hear(text::messages(&reading.lines, self.words.message_rows));
        } else {
            self.state.shown.clear();
        }
    }

    /// A picture at rest, or the last one when none comes to rest in time.
    pub fn look(&mut self, frame: u64, reading: &Reading, is_at_rest: bool) {
        self.glimpse(reading);
        self.state.frame = frame;
        let hud = reading.hud.filter(|hud| hud.confidence >= SURE && hud.hp <= hud.hp_max && hud.hp_max > 0);
        let scene = reading.scene.value;
        self.state.screen = match scene {
            // What comes to rest is the likeliest that it may be.
            _ if !is_at_rest && reading.scene.confidence < SURE => Screen::Motion,
            Scene::Dark | Scene::End => Screen::Transition,
            Scene::Title => Screen::Title,
            Scene::Floor if is_at_rest => Screen::Command,
            Scene::Floor => Screen::Motion,
            Scene::Menu | Scene::Page => Screen::Menu(MenuKind::List),
            Scene::Log => Screen::Menu(MenuKind::Log),
            Scene::FloorMap => Screen::FloorMap,
            Scene::Dialogue if is_at_rest => Screen::Dialogue,
            Scene::Choice if is_at_rest => Screen::Choice,
            Scene::Dialogue | Scene::Choice => Screen::Printing,
        };
        if is_at_rest && self.is_surprise(scene, hud.as_ref()) {
            // It is looked at again before anything comes of it.
            self.state.screen = Screen::Motion;
            return;
        }
        if is_at_rest {
            self.note_confidence(reading);
            self.follow_life(reading);
        }
        if !matches!(self.state.screen, Screen::Title | Screen::Transition) {
            if let Some(hud) = hud {
                self.take_figures(&hud);
            }
            self.place_leader(reading);
        }
        self.read_windows(reading);
        if self.state.screen == Screen::Command {
            self.look_about(reading);
        }
        if is_at_rest {
            self.resolve();
        }
        if self.state.turning_until.is_some_and(|end| frame >= end) || self.state.screen != Screen::Command {
            self.state.turning_until = None;
        }
    }

    /// What is known, as whoever plays is told of it.
    pub fn observation(&self, into: &mut Observation) {
        let State { map, beings, bag, figures, screen, turns, .. } = &self.state;
        let rules = &self.words.rules;
        into.frame = self.state.frame;
        into.screen = *screen;
        into.turns = *turns;
        into.weather = 0;
        into.keys_seen = 0;
        into.menu.clone_from(&self.state.menu);
        into.dialogue.clone_from(&self.state.dialogue);
        into.message.clone_from(&self.state.message);
        into.bag.clone_from(&bag.items);
        into.money = figures.money;
        into.fields.clear();
        into.fields.extend(self.fields.iter().map(|field| match field.role {
            Some(Role::Turns) => *turns as i64,
            Some(Role::Episode(values)) => values.number(self.state.episode),
            Some(Role::Figure(figure)) => i64::from(match figure {
                Figure::Hp => figures.hp,
                Figure::HpMax => figures.hp_max,
                Figure::Belly => figures.belly,
                Figure::Level => figures.level.into(),
                Figure::Money => figures.money,
            }),
            None => 0,
        }));
        into.monsters.clear();
        into.leader = None;
        let is_on_floor = self.state.floor > 0 && !matches!(screen, Screen::Title | Screen::Transition);
        if !is_on_floor {
            let nothing = FloorMap::default();
            nothing.fill(into);
            (into.dungeon, into.floor, into.last_floor, into.turns_left) = (0, 0, 0, 0);
            (into.belly, into.experience, into.is_turning) = (Meter::default(), 0, false);
            return;
        }
        map.fill(into);
        (into.dungeon, into.floor, into.last_floor) = (rules.dungeon, self.state.floor, rules.last_floor);
        into.turns_left = self.state.turns_left;
        into.belly = Meter { value: figures.belly, max: rules.belly_max };
        into.experience = self.state.defeats;
        into.is_turning = self.is_turning();
        if let Some(leader) = self.state.leader {
            into.leader = Some(0);
            into.monsters.push(self.leader_as_monster(leader));
        }
        into.monsters.extend(beings.seen(*turns));
        into.monsters[usize::from(into.leader.is_some())..].sort_by_key(|other| (!other.is_team, other.slot));
    }

    /// Whether what is in the bag is not known for sure.
    pub fn doubts_bag(&self) -> bool {
        !self.state.bag.is_known || self.state.bag.is_doubtful
    }

    /// Whether the bag's list shows, and whether all of it was read since it opened.
    pub(super) fn bag_list(&self) -> Option<bool> {
        let is_list = self.state.screen == Screen::Menu(MenuKind::List) && self.state.title == self.words.bag_title;
        is_list.then(|| self.state.bag.is_read())
    }

    /// The place of the bag among the entries of the main menu, while that shows.
    pub(super) fn bag_entry(&self) -> Option<i16> {
        let is_main = self.state.screen == Screen::Menu(MenuKind::Main);
        let entry = self.words.main_menu.iter().position(|entry| *entry == self.words.bag_entry);
        entry.filter(|_| is_main).and_then(|entry| i16::try_from(entry).ok())
    }

    /// The turn that it is, counted by acts.
    pub(super) fn turns(&self) -> u64 {
        self.state.turns
    }

    /// Everything, for a checkpoint.
    ///
    /// # Errors
    /// When it is larger than a message may be.
    pub fn save(&self) -> Result<Vec<u8>, CodecError> {
        codec::encode(&self.state)
    }

    /// Takes up what [`MapMemory::save`] returned.
    ///
    /// # Errors
    /// When the bytes are something else; nothing is changed then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let state: State = codec::decode(bytes)?;
        // A memory that is not whole was not written by this program.
        self.state = if state.map.is_sound() { state } else { MapMemory::new(self.words.clone(), Vec::new()).state };
        Ok(())
    }

    /// Something else is on the screen now: what was pressed no longer counts.
    pub fn forget_press(&mut self) {
        self.state.press = None;
        self.state.turning_until = None;
    }

    fn is_turning(&self) -> bool {
        self.state.turning_until.is_some() && self.state.screen == Screen::Command
    }

    fn leader_as_monster(&self, leader: Leader) -> Monster {
        let Figures { level, hp, hp_max, .. } = self.state.figures;
        Monster {
            is_team: true,
            is_leader: true,
            species: 1,
            level,
            position: leader.place,
            direction: leader.direction,
            hp: Some(Meter { value: hp, max: hp_max }),
            is_incapacitated: leader.is_asleep,
            is_ailing: self.state.turns < self.state.ailing_until,
            ..Monster::default()
        }
    }

    /// Whether a picture says what does not follow from the ones before: another floor, the title or the end, although it has
    /// not been dark. One may be misread; several in a row are believed.
    fn is_surprise(&mut self, scene: Scene, hud: Option<&Hud>) -> bool {
        let is_same_floor = hud.is_none_or(|hud| hud.floor == self.state.floor);
        let is_elsewhere = matches!(scene, Scene::Title | Scene::End) || !is_same_floor;
        let is_playing = self.state.floor > 0 && self.state.episode == Episode::Playing;
        if scene == Scene::Floor && is_same_floor && hud.is_some() {
            self.state.has_been_dark = false;
        }
        let is_unexpected = is_playing && is_elsewhere && !self.state.has_been_dark;
        self.state.surprises = if is_unexpected { self.state.surprises + 1 } else { 0 };
        is_unexpected && self.state.surprises < SURPRISES_MIN
    }

    fn note_confidence(&mut self, reading: &Reading) {
        let hud = reading.hud.map_or(1.0, |hud| hud.confidence);
        let place = reading.minimap.as_ref().and_then(|map| map.leader).map_or(1.0, |place| place.confidence);
        self.state.confidence = reading.scene.confidence.min(hud).min(place);
    }

    /// Lives begin after the title and end with the screen that says so.
    fn follow_life(&mut self, reading: &Reading) {
        match self.state.screen {
            Screen::Title => self.end_life(Episode::Title),
            Screen::Transition if reading.scene.value == Scene::End => {
                let is_won = reading.lines.iter().any(|line| line.text.trim() == self.words.won);
                self.end_life(if is_won { Episode::Won } else { Episode::Lost });
            }
            Screen::Transition | Screen::Motion => {}
            _ => self.state.episode = Episode::Playing,
        }
    }

    fn end_life(&mut self, episode: Episode) {
        let State { frame, screen, confidence, .. } = self.state;
        let turns_left = self.words.rules.turns_a_floor;
        self.state = State { frame, screen, episode, confidence, turns_left, ..State::default() };
    }

    fn take_figures(&mut self, hud: &Hud) {
        if hud.floor > 0 && hud.floor != self.state.floor {
            self.enter_floor(hud.floor);
        }
        let Hud { level, hp, hp_max, belly, money, .. } = *hud;
        self.state.figures = Figures { level, hp, hp_max, belly, money };
    }

    fn enter_floor(&mut self, floor: u8) {
        self.state.floor = floor;
        self.state.has_been_dark = false;
        self.state.map = FloorMap::default();
        self.state.beings.leave();
        self.state.leader = None;
        self.state.turns_left = self.words.rules.turns_a_floor;
        self.state.turning_until = None;
        if let Some(press) = &mut self.state.press {
            press.place = None;
        }
    }

    fn place_leader(&mut self, reading: &Reading) {
        let dot = reading.minimap.as_ref().and_then(|minimap| minimap.leader).filter(|dot| dot.confidence >= SURE);
        let Some(place) = dot.map(|dot| dot.value).filter(|place| place.index().is_some()) else { return };
        let before = self.state.leader.map(|leader| leader.direction).unwrap_or_default();
        let own = reading.cells.iter().find(|cell| (cell.dx, cell.dy) == (0, 0));
        let own = own.filter(|cell| cell.being.confidence >= SURE).and_then(|cell| cell.being.value);
        let direction = own.map_or(before, |own| own.direction);
        let is_asleep = own.is_some_and(|own| own.is_asleep);
        self.state.leader = Some(Leader { place, direction, is_asleep });
    }

    /// The floor around, and who is on it.
    fn look_about(&mut self, reading: &Reading) {
        let Some(Leader { place, .. }) = self.state.leader else {
            // Nobody can act who does not know where it is.
            self.state.screen = Screen::Motion;
            return;
        };
        let rules = &self.words.rules;
        self.state.map.set_foot(place);
        self.state.map.lay(reading, place, self.state.floor, rules);
        self.state.map.set_foot(place);
        self.state.beings.look(reading, place, &rules.strangers, self.state.turns);
    }

    /// What came of the keys that were pressed last.
    fn resolve(&mut self) {
        let Some(press) = self.state.press.take() else { return };
        let place = self.state.leader.map(|leader| leader.place);
        let has_moved = press.place.is_some() && place.is_some() && place != press.place;
        let has = |buttons: &[Button]| buttons.iter().all(|button| press.mask & *button as Mask != 0);
        let is_still_command = self.state.screen == Screen::Command;
        let takes_turn = match press.screen {
            Screen::Command if press.is_turning => {
                let ends = has(&[Button::A]) || has(&[Button::B]);
                self.state.turning_until = (!ends).then_some(self.state.frame + self.words.rules.turning_frames);
                false
            }
            Screen::Command if has(&[Button::A, Button::B]) => true,
            Screen::Command if has(&[Button::L, Button::R]) => self.state.bag.throw_set() || !self.state.bag.is_known,
            Screen::Command if has(&[Button::A]) => is_still_command,
            Screen::Command if has(&[Button::Start]) => {
                self.state.turning_until = Some(self.state.frame + self.words.rules.turning_frames);
                false
            }
            // On the stairs their menu opens.
            Screen::Command if press.mask & PAD != 0 => has_moved || press.place.is_none() || !is_still_command,
            Screen::Menu(_) if !matches!(self.state.screen, Screen::Menu(_)) => match press.chosen {
                Some((action::EAT | action::USE | action::THROW | action::THROW_STRAIGHT, item, slot)) => {
                    self.state.bag.use_up(item, slot);
                    true
                }
                _ => false,
            },
            _ => false,
        };
        if takes_turn {
            self.state.turns += 1;
            self.state.turns_left = self.state.turns_left.saturating_sub(1);
        }
        if has_moved && let Some(place) = place {
            self.land(place);
        }
    }

    /// What lay where the leader came is taken up, unless it was said to stay.
    fn land(&mut self, place: Position) {
        let Landing { was_taken, stays } = std::mem::take(&mut self.state.landing);
        if stays {
            return;
        }
        let Some(item) = self.state.map.take(place) else { return };
        if !was_taken && use_of(item.item) != Use::Money {
            // Its message came and went unseen: what was taken up is what lay there, as far as that was read.
            let label = crate::profile::Label { item: item.item, quantity: 1, set: false };
            self.state.bag.is_doubtful |= use_of(item.item) == Use::Missile;
            self.state.bag.add(label);
        }
    }

    /// Messages that show now.
    fn hear(&mut self, shown: Vec<String>) {
        for message in text::fresh(&self.state.shown, &shown) {
            self.heed(message);
        }
        if let Some(last) = shown.last() {
            self.state.message.clone_from(last);
        }
        self.state.shown = shown;
    }
}

#[cfg(test)]
mod tests;
