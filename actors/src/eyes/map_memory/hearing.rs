//! What the game's messages mean for what is known of it.

use super::MapMemory;

impl MapMemory {
    /// A message that was not there before.
    pub(super) fn heed(&mut self, message: &str) {
        let words = self.words.clone();
        let said = &words.messages;
        let is_leader = |who: Option<&str>| who == Some(words.leader.as_str());
        let state = &mut self.state;
        if let Some(found) = said.picked_up.read(message) {
            if is_leader(found.who) {
                state.landing.was_taken = true;
                state.bag.add(words.label(found.item.unwrap_or_default()));
            }
        } else if said.bag_full.fits(message) {
            state.landing.stays = true;
        } else if said.bag_empty.fits(message) {
            state.bag.empty();
        } else if said.nothing_set.fits(message) {
            state.bag.unset();
        } else if let Some(found) = said.revived.read(message) {
            state.bag.use_up(words.label(found.item.unwrap_or_default()).item, None);
            state.ailing_until = 0;
        } else if let Some(found) = said.poisoned.read(message) {
            if is_leader(found.who) {
                state.ailing_until = state.turns + words.rules.poison_turns;
            }
        } else if said.cured.read(message).is_some_and(|found| is_leader(found.who)) {
            state.ailing_until = 0;
        } else if said.beaten.fits(message) {
            state.defeats = state.defeats.saturating_add(1);
        } else if said.map_shown.fits(message) {
            state.map.is_shown = true;
        } else if said.put_down.read(message).is_some_and(|found| is_leader(found.who)) {
            // Nothing here puts anything down, so somebody else's hand was on the keys.
            state.bag.is_doubtful = true;
        } else if let Some(found) = said.ate.read(message) {
            let is_own = state.press.is_some_and(|press| press.chosen.is_some());
            state.bag.is_doubtful |= is_leader(found.who) && !is_own;
        }
    }
}
