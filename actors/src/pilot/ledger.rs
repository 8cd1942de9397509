//! How far a journey has come: floors reached and lives ended, told from one observation after the other.
//!
//! A floor counts once a life. After a step back to a checkpoint, floors that were already counted are not counted
//! again.

use crate::checkpoint::Progress;
use crate::profile::Episode;
use wire::observation::{Observation, Screen};

/// What an observation shows to have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// A floor was entered for the first time in this life.
    FloorReached {
        /// The floor.
        floor: u32,
    },
    /// A life ended.
    EpisodeEnded {
        /// `fainted`, `completed` or `left`.
        outcome: &'static str,
        /// The highest floor it reached.
        floor: u32,
        /// Turns it took.
        turns: u64,
    },
}

/// The running totals of a journey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    progress: Progress,
    turns: u64,
    has_completed: bool,
}

impl Ledger {
    /// Goes on from what was counted before.
    pub fn resume(progress: Progress) -> Ledger {
        Ledger { progress, turns: 0, has_completed: false }
    }

    /// What is counted so far.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Turns taken in all lives.
    pub fn turns(&self) -> u64 {
        self.progress.turns_before + self.turns
    }

    /// Whether a life reached the end of the game.
    pub fn has_completed(&self) -> bool {
        self.has_completed
    }

    /// Takes an observation into account. `episode` is what the profile's own field says, where it has one.
    pub fn observe(&mut self, observation: &Observation, episode: Option<Episode>) -> Option<Milestone> {
        let outcome = match episode {
            Some(Episode::Lost) => Some("fainted"),
            Some(Episode::Won) => Some("completed"),
            Some(Episode::Title) => Some("left"),
            Some(Episode::Playing) => None,
            None => matches!(observation.screen, Screen::Title | Screen::Ground).then_some("left"),
        };
        if let Some(outcome) = outcome {
            return self.end_life(outcome);
        }
        let floor = u32::from(observation.floor);
        if floor == 0 || !is_on_a_floor(observation.screen) {
            return None;
        }
        self.turns = self.turns.max(observation.turns);
        if floor <= self.progress.floor {
            return None;
        }
        self.progress.floor = floor;
        self.progress.best_floor = self.progress.best_floor.max(floor);
        self.progress.floors += 1;
        Some(Milestone::FloorReached { floor })
    }

    /// Turns taken in the life that goes on.
    pub fn turns_of_life(&self) -> u64 {
        self.turns
    }

    /// The emulator went back to a checkpoint. Floors counted since stay counted, unless a life has ended since, which
    /// then goes on after all; turns since did not happen.
    pub fn step_back(&mut self, then: Progress, turns: u64) {
        if then.episodes < self.progress.episodes {
            self.progress.episodes = then.episodes;
            self.progress.floor = then.floor;
        }
        self.progress.floor = self.progress.floor.max(then.floor);
        self.progress.turns_before = then.turns_before;
        self.turns = turns;
    }

    /// Another process counted the floors; only it knew the turns of lives that ended.
    pub fn resume_turns(&mut self, turns_before: u64) {
        self.progress.turns_before = turns_before;
    }

    fn end_life(&mut self, outcome: &'static str) -> Option<Milestone> {
        if self.progress.floor == 0 {
            return None;
        }
        let ended = Milestone::EpisodeEnded { outcome, floor: self.progress.floor, turns: self.turns };
        self.progress.turns_before += self.turns;
        self.progress.floor = 0;
        self.progress.episodes += 1;
        self.turns = 0;
        self.has_completed |= outcome == "completed";
        Some(ended)
    }
}

fn is_on_a_floor(screen: Screen) -> bool {
    matches!(screen, Screen::Command | Screen::Motion | Screen::Menu(_) | Screen::FloorMap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_floor(floor: u8, turns: u64) -> Observation {
        Observation { screen: Screen::Command, floor, turns, ..Observation::default() }
    }

    #[test]
    fn each_floor_counts_once_a_life_and_a_life_ends_once() {
        let mut ledger = Ledger::default();
        let playing = Some(Episode::Playing);
        assert_eq!(ledger.observe(&Observation::default(), Some(Episode::Title)), None);
        assert_eq!(ledger.observe(&on_floor(1, 0), playing), Some(Milestone::FloorReached { floor: 1 }));
        assert_eq!(ledger.observe(&on_floor(1, 5), playing), None);
        assert_eq!(ledger.observe(&on_floor(2, 9), playing), Some(Milestone::FloorReached { floor: 2 }));
        let then = Progress { floors: 1, floor: 1, best_floor: 1, ..Progress::default() };
        ledger.step_back(then, 5);
        assert_eq!(ledger.observe(&on_floor(1, 5), playing), None);
        assert_eq!(ledger.observe(&on_floor(2, 8), playing), None);
        let ended = Milestone::EpisodeEnded { outcome: "fainted", floor: 2, turns: 8 };
        assert_eq!(ledger.observe(&on_floor(2, 8), Some(Episode::Lost)), Some(ended));
        assert_eq!(ledger.observe(&Observation::default(), Some(Episode::Title)), None);
        assert_eq!(ledger.observe(&on_floor(1, 1), playing), Some(Milestone::FloorReached { floor: 1 }));
        let progress = ledger.progress();
        assert_eq!((progress.floors, progress.best_floor, progress.episodes, ledger.turns()), (3, 2, 1, 9));
    }

    #[test]
    fn a_game_without_an_episode_field_ends_its_life_at_the_title_or_in_town() {
        let mut ledger = Ledger::default();
        ledger.observe(&on_floor(3, 0), None);
        let title = Observation { screen: Screen::Title, ..Observation::default() };
        assert_eq!(ledger.observe(&title, None), Some(Milestone::EpisodeEnded { outcome: "left", floor: 3, turns: 0 }));
    }
}
