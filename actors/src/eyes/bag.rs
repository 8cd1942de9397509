//! What is in the bag, as far as it was read there or follows from what was done since.

use super::text::Window;
use crate::profile::{Label, Words};
use serde::{Deserialize, Serialize};
use wire::items::{Use, use_of};
use wire::observation::BagItem;

/// Slots of the bag.
pub(super) const SLOTS: usize = 20;
/// The most of a pile.
const PILE_MAX: u8 = 99;

/// What is in the bag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bag {
    pub items: Vec<BagItem>,
    /// It was read from end to end in this life.
    pub is_known: bool,
    /// Something may have changed that was not seen.
    pub is_doubtful: bool,
    /// Pages that were read since its list opened, a bit each.
    pages_read: u32,
}

impl Bag {
    /// Its list is open.
    pub fn read(&mut self, window: &Window, words: &Words, per_page: usize) {
        let (page, pages) = (window.page.0.max(0) as usize, window.page.1.clamp(1, 31) as usize);
        let first = page * per_page;
        for (row, entry) in window.entries.iter().enumerate() {
            let slot = first + row;
            if slot >= SLOTS {
                break;
            }
            let item = item_of(slot, words.label(entry));
            match self.items.iter().position(|known| usize::from(known.slot) == slot) {
                Some(known) => self.items[known] = item,
                None => self.items.push(item),
            }
        }
        if page + 1 >= pages {
            let end = first + window.entries.len();
            self.items.retain(|item| usize::from(item.slot) < end);
        }
        self.items.sort_by_key(|item| item.slot);
        self.pages_read |= 1 << page.min(31);
        if self.pages_read.count_ones() as usize >= pages {
            (self.is_known, self.is_doubtful) = (true, false);
        }
    }

    /// Its list is not open.
    pub fn close(&mut self) {
        self.pages_read = 0;
    }

    /// It is known to be empty.
    pub fn empty(&mut self) {
        *self = Bag { is_known: true, ..Bag::default() };
    }

    /// Whether all of its pages were read since its list opened.
    pub fn is_read(&self) -> bool {
        self.is_known && !self.is_doubtful && self.pages_read != 0
    }

    /// Something was taken up.
    pub fn add(&mut self, label: Label) {
        if label.item == 0 {
            self.is_doubtful = true;
            return;
        }
        let is_missile = use_of(label.item) == Use::Missile;
        if is_missile && let Some(pile) = self.items.iter_mut().find(|item| item.item == label.item) {
            pile.quantity = pile.quantity.saturating_add(label.quantity).min(PILE_MAX);
            return;
        }
        if self.items.len() >= SLOTS {
            self.is_doubtful = true;
            return;
        }
        let set = is_missile || label.set;
        self.items.push(item_of(self.items.len(), Label { set, ..label }));
    }

    /// One of a kind was used up. `slot`: which one, where that is known.
    pub fn use_up(&mut self, item: u8, slot: Option<usize>) {
        let is_it = |own: &BagItem| slot.is_none_or(|slot| usize::from(own.slot) == slot) && own.item == item;
        let Some(at) = self.items.iter().position(is_it).or_else(|| self.items.iter().position(|own| own.item == item))
        else {
            self.is_doubtful = true;
            return;
        };
        if use_of(item) == Use::Missile && self.items[at].quantity > 1 {
            self.items[at].quantity -= 1;
            return;
        }
        self.items.remove(at);
        for (slot, own) in self.items.iter_mut().enumerate() {
            own.slot = slot as u8;
        }
    }

    /// What is set for throwing was thrown.
    pub fn throw_set(&mut self) -> bool {
        let Some(own) = self.items.iter().find(|own| own.set).copied() else { return false };
        self.use_up(own.item, Some(own.slot.into()));
        true
    }

    /// Nothing is set for throwing.
    pub fn unset(&mut self) {
        for own in &mut self.items {
            self.is_doubtful |= own.set;
            own.set = false;
        }
    }
}

fn item_of(slot: usize, Label { item, quantity, set }: Label) -> BagItem {
    BagItem { slot: slot as u8, item, quantity, sticky: false, set }
}
