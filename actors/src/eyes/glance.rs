//! A look into the bag: what is in it shows only in its list, so that is opened when it is not known and nothing presses.
//!
//! It takes keys and no turn. It is no matter of play but of seeing, so it goes before whoever decides.

use super::map_memory::MapMemory;
use crate::brain::Move;
use serde::{Deserialize, Serialize};
use wire::buttons::Button;
use wire::keys::{self, Gesture};
use wire::observation::{MenuKind, Observation, Screen};
use wire::skill::Expectation;

/// The name in telemetry.
const NAME: &str = "look-into-bag";
/// Keys of one look at most.
const PRESSES_MAX: u32 = 32;
/// Turns until the next look after one that found nothing out.
const PAUSE_TURNS: u64 = 50;
/// Foes nearer than this are no company for looking into a bag.
const FOE_DISTANCE: i16 = 9;
/// Health in hundredths below which it is worth a look even so.
const HURT_BELOW: i32 = 50;

/// How a look into the bag goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Glance {
    is_under_way: bool,
    presses: u32,
    not_before: u64,
}

impl Glance {
    /// The next key of a look; nothing when none is wanted.
    pub fn plan(&mut self, memory: &MapMemory, seen: &Observation) -> Option<Move> {
        if !self.is_under_way {
            if !self.is_wanted(memory, seen) {
                return None;
            }
            (self.is_under_way, self.presses) = (true, 0);
        }
        self.presses += 1;
        if self.presses > PRESSES_MAX {
            self.end(memory);
            return None;
        }
        match seen.screen {
            Screen::Command if self.presses == 1 || (memory.doubts_bag() && self.presses < PRESSES_MAX / 2) => {
                Some(press("open the menu", "what is in the bag is not known", keys::open_menu(), Expectation::Menu))
            }
            Screen::Menu(kind) => Some(in_menu(kind, memory, seen)),
            _ => {
                self.end(memory);
                None
            }
        }
    }

    /// Something else is on the screen now.
    pub fn forget(&mut self) {
        *self = Glance::default();
    }

    fn is_wanted(&self, memory: &MapMemory, seen: &Observation) -> bool {
        let Some(leader) = seen.leader() else { return false };
        if seen.screen != Screen::Command || seen.is_turning || leader.is_incapacitated || !memory.doubts_bag() {
            return false;
        }
        // Another life counts its turns anew.
        let is_time = memory.turns() >= self.not_before || memory.turns() + PAUSE_TURNS < self.not_before;
        let foes = seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral && !other.is_incapacitated);
        let is_calm = foes.into_iter().all(|foe| foe.position.distance(leader.position) > FOE_DISTANCE);
        let is_hurt = leader.hp.is_some_and(|hp| hp.value * 100 < HURT_BELOW * hp.max);
        is_time && (is_calm || is_hurt)
    }

    fn end(&mut self, memory: &MapMemory) {
        self.is_under_way = false;
        self.not_before = if memory.doubts_bag() { memory.turns() + PAUSE_TURNS } else { 0 };
    }
}

fn in_menu(kind: MenuKind, memory: &MapMemory, seen: &Observation) -> Move {
    let menu = &seen.menu;
    let key = |name: &'static str, why, button: Button, expect| press(name, why, keys::menu(button as u16), expect);
    match (kind, memory.bag_entry(), memory.bag_list()) {
        (MenuKind::Main, Some(entry), _) if memory.doubts_bag() => match menu.cursor.cmp(&entry) {
            std::cmp::Ordering::Equal => key("press A (items)", "the bag is here", Button::A, Expectation::Menu),
            std::cmp::Ordering::Less => key("press DOWN", "the bag is below", Button::Down, Expectation::Cursor),
            std::cmp::Ordering::Greater => key("press UP", "the bag is above", Button::Up, Expectation::Cursor),
        },
        (MenuKind::List, _, Some(false)) => {
            key("press RIGHT", "the bag has another page", Button::Right, Expectation::Cursor)
        }
        _ => key("press B", "what is in the bag is known, or is not here", Button::B, Expectation::Menu),
    }
}

fn press(action: &'static str, reason: &'static str, gesture: Gesture, expect: Expectation) -> Move {
    Move {
        skill: NAME.into(),
        version: None,
        action: action.into(),
        reason: reason.into(),
        goal: None,
        gesture,
        expect,
    }
}
