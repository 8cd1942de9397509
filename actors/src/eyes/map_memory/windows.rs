//! What menus, lists and text boxes say.

use super::{ENTRIES_A_PAGE, MapMemory};
use crate::eyes::text::{self, Window};
use reader::{Reading, Scene};
use wire::items::{Use, use_of};
use wire::observation::{Dialogue, Menu, MenuAction, MenuKind, Screen};

impl MapMemory {
    /// The windows, text boxes and lists that show.
    pub(super) fn read_windows(&mut self, reading: &Reading) {
        let window = text::window(&reading.lines);
        self.state.menu = Menu::default();
        self.state.title.clear();
        match self.state.screen {
            Screen::Menu(MenuKind::List) if reading.scene.value == Scene::Menu => {
                if let Some(window) = window {
                    self.read_menu(window);
                }
            }
            Screen::Choice | Screen::Dialogue | Screen::Printing => {
                let cursor = window.map_or(0, |window| window.cursor as i16);
                self.state.dialogue = Dialogue { text: text::boxed(&reading.lines), cursor };
            }
            _ => {}
        }
        if self.state.title != self.words.bag_title {
            self.state.bag.close();
        }
        if !matches!(self.state.screen, Screen::Choice | Screen::Dialogue | Screen::Printing) {
            self.state.dialogue = Dialogue::default();
        }
    }

    fn read_menu(&mut self, window: Window) {
        let words = self.words.clone();
        let is_main = window.title.is_empty() && window.entries == words.main_menu;
        let is_bag = window.title == words.bag_title;
        self.state.menu = Menu {
            cursor: window.cursor as i16,
            entries_on_page: window.entries.len() as i16,
            entries_per_page: ENTRIES_A_PAGE as i16,
            page: window.page.0,
            actions: Vec::new(),
        };
        if is_main {
            self.state.screen = Screen::Menu(MenuKind::Main);
        } else if is_bag {
            self.state.bag.read(&window, &words, ENTRIES_A_PAGE);
            self.state.chosen_slot = Some(window.page.0.max(0) as usize * ENTRIES_A_PAGE + window.cursor);
        } else {
            // A sub-menu of the bag has no title of its own.
            let slot = self.state.chosen_slot.filter(|_| window.title.is_empty());
            let is_missile = slot.and_then(|slot| self.item_in(slot)).is_some_and(|item| use_of(item) == Use::Missile);
            let actions: Option<Vec<u16>> =
                window.entries.iter().map(|entry| words.action(entry, is_missile)).collect();
            let actions = actions.unwrap_or_default().into_iter();
            self.state.menu.actions = actions.map(|action| MenuAction { action, selectable: true }).collect();
        }
        self.state.title = window.title;
    }

    fn item_in(&self, slot: usize) -> Option<u8> {
        self.state.bag.items.iter().find(|own| usize::from(own.slot) == slot).map(|own| own.item)
    }

    /// What the cursor stands at.
    pub(super) fn chosen(&self) -> Option<(u16, u8, Option<usize>)> {
        let entry = usize::try_from(self.state.menu.cursor).ok()?;
        let action = self.state.menu.actions.get(entry)?.action;
        let slot = self.state.chosen_slot;
        Some((action, slot.and_then(|slot| self.item_in(slot)).unwrap_or_default(), slot))
    }
}
