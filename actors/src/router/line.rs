//! The line in front of a model: bounded, and fair to every game.
//!
//! Each game has a line of its own; they are served in turn. Within a game the more important question comes first, and of
//! equal ones the older. No game may fill more than its share while others could need the room, and whoever comes to a full
//! line with less than its share takes the place of one of those who have more.

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

    /// Lines up. Gives the item whose place it took, if it took one's.
    ///
    /// # Errors
    /// The item itself when there is no room for this game: it has its share, and the line is more than half full.
    pub fn push(&mut self, instance: Instance, importance: Importance, item: T) -> Result<Option<T>, T> {
        let games = self.turns.len() + usize::from(!self.turns.contains(&instance));
        let own = self.games.get(&instance).map_or(0, VecDeque::len);
        let share = (self.waiting_max / games.max(1)).max(1);
        if self.waiting * 2 >= self.waiting_max && own >= share {
            return Err(item);
        }
        let displaced = if self.waiting >= self.waiting_max { self.displace(share) } else { None };
        if self.waiting >= self.waiting_max {
            return Err(item);
        }
        let line = self.games.entry(instance).or_default();
        if line.is_empty() {
            self.turns.push_back(instance);
        }
        let place = line.iter().position(|(other, _)| *other < importance).unwrap_or(line.len());
        line.insert(place, (importance, item));
        self.waiting += 1;
        Ok(displaced)
    }

    /// Takes the last one of the game that has most, if that is more than its share.
    fn displace(&mut self, share: usize) -> Option<T> {
        let line = self.games.values_mut().max_by_key(|line| line.len()).filter(|line| line.len() > share)?;
        let (_, item) = line.pop_back()?;
        self.waiting -= 1;
        Some(item)
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
        assert_eq!(line.push(2, Importance::Ordinary, 200), Ok(None));
        line.retain(|item| *item >= 100);
        assert_eq!((line.len(), line.games()), (2, 2));
    }

    #[test]
    fn whoever_comes_to_a_full_line_takes_the_place_of_one_who_has_too_much() {
        let mut line = Line::new(8);
        (0..8).for_each(|item| assert_eq!(line.push(0, Importance::Ordinary, item), Ok(None)));
        assert_eq!(line.push(0, Importance::Urgent, 8), Err(8), "it has more than its share");
        assert_eq!(line.push(1, Importance::Ordinary, 100), Ok(Some(7)), "the newest gives way");
        (101..104).for_each(|item| assert!(line.push(1, Importance::Ordinary, item).is_ok_and(|one| one.is_some())));
        assert_eq!(line.push(1, Importance::Ordinary, 104), Err(104));
        assert_eq!((line.len(), line.games()), (8, 2));
        let order: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, [0, 100, 1, 101, 2, 102, 3, 103]);
    }

    #[test]
    fn no_game_starves_behind_others_that_flood_the_line() {
        const GAMES: Instance = 8;
        let (mut line, mut served, mut refused) = (Line::new(32), [0_usize; GAMES as usize], 0);
        for _ in 0..1_000 {
            // Those with lower numbers always come first, and ask far more than can be served.
            for instance in 0..GAMES {
                let asked = 40 / (1 + usize::from(instance));
                refused += (0..asked).filter(|_| line.push(instance, Importance::Ordinary, instance).is_err()).count();
            }
            assert!(line.len() <= 32);
            for instance in std::iter::from_fn(|| line.pop()).take(8) {
                served[usize::from(instance)] += 1;
            }
        }
        let fair = served.iter().sum::<usize>() / usize::from(GAMES);
        assert!(refused > 50_000 && served.iter().all(|times| times * 2 >= fair), "served {served:?}");
    }
}
