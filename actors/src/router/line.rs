//! The line in front of a model: bounded, and fair to every game.
//!
//! Each game has a line of its own; they are served in turn. Within a game the more important question comes first, and of
//! equal ones the older. No game may fill more than its share while others could need the room.

use super::inquiry::Importance;
use std::collections::{BTreeMap, VecDeque};
use wire::Instance;

/// Questions of several games that wait.
#[derive(Debug)]
pub struct Line<T> {
    waiting_max: usize,
    waiting: usize,
    games: BTreeMap<Instance, VecDeque<(Importance, T)>>,
    /// Games that have something waiting, the next first.
    turns: VecDeque<Instance>,
}

impl<T> Line<T> {
    /// An empty line in which so many questions may wait.
    pub fn new(waiting_max: usize) -> Line<T> {
        Line { waiting_max, waiting: 0, games: BTreeMap::new(), turns: VecDeque::new() }
    }

    /// Lines up; gives it back when there is no room for this game.
    ///
    /// # Errors
    /// The item, when the line is full, or more than half full with this game's own share used up.
    pub fn push(&mut self, instance: Instance, importance: Importance, item: T) -> Result<(), T> {
        let games = self.turns.len() + usize::from(!self.turns.contains(&instance));
        let own = self.games.get(&instance).map_or(0, VecDeque::len);
        let share = (self.waiting_max / games.max(1)).max(1);
        if self.waiting >= self.waiting_max || (self.waiting * 2 >= self.waiting_max && own >= share) {
            return Err(item);
        }
        let line = self.games.entry(instance).or_default();
        if line.is_empty() {
            self.turns.push_back(instance);
        }
        let place = line.iter().position(|(other, _)| *other < importance).unwrap_or(line.len());
        line.insert(place, (importance, item));
        self.waiting += 1;
        Ok(())
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<T> {
        let instance = self.turns.pop_front()?;
        let line = self.games.get_mut(&instance)?;
        let (_, item) = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.games.remove(&instance);
        } else {
            self.turns.push_back(instance);
        }
        Some(item)
    }

    /// Lets go of what nobody waits for any more.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        self.games.values_mut().for_each(|line| line.retain(|(_, item)| is_wanted(item)));
        self.games.retain(|_, line| !line.is_empty());
        self.turns.retain(|instance| self.games.contains_key(instance));
        self.waiting = self.games.values().map(VecDeque::len).sum();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Games that have something waiting.
    pub fn games(&self) -> usize {
        self.turns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn games_are_served_in_turn_and_the_important_first() {
        let mut line = Line::new(16);
        for (instance, importance, item) in [
            (0, Importance::Ordinary, "a1"),
            (0, Importance::Ordinary, "a2"),
            (0, Importance::Urgent, "a3"),
            (1, Importance::Ordinary, "b1"),
        ] {
            line.push(instance, importance, item).expect("there is room");
        }
        let order: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, ["a3", "b1", "a1", "a2"]);
        assert!(line.is_empty());
    }

    #[test]
    fn a_game_that_floods_leaves_room_for_the_others() {
        let mut line = Line::new(8);
        line.push(1, Importance::Ordinary, 100).expect("there is room");
        let taken = (0..100).filter(|item| line.push(0, Importance::Ordinary, *item).is_ok()).count();
        assert_eq!(taken, 4);
        assert!(line.push(2, Importance::Ordinary, 200).is_ok());
        line.retain(|item| *item >= 100);
        assert_eq!((line.len(), line.games()), (2, 2));
    }
}
