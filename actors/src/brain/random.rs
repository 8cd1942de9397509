//! A player that presses sensible keys at random: what any better brain has to beat.

use super::{Brain, Effect, Move, Skill};
use crate::profile::Profile;
use serde::{Deserialize, Serialize};
use wire::buttons::{Button, Mask};
use wire::keys::{self, Gesture};
use wire::observation::{DIRECTIONS, Observation, Screen};
use wire::random::SplitMix64;
use wire::skill::Expectation;

/// Presses random keys that mean something on the screen that shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RandomPlayer {
    generator: SplitMix64,
}

impl RandomPlayer {
    /// A player whose choices follow from the seed.
    pub fn new(seed: u64) -> RandomPlayer {
        RandomPlayer { generator: SplitMix64(seed) }
    }

    fn on_floor(&mut self) -> Move {
        match self.generator.below(100) {
            0..75 => {
                let direction = DIRECTIONS[self.generator.below(8)];
                chosen(Skill::Explore, format!("step {}", direction.name()), keys::step(direction), Expectation::Turn)
            }
            75..97 => press("press A", Button::A as Mask, Expectation::Turn),
            _ => chosen(Skill::UseItem, "open menu".to_owned(), keys::open_menu(), Expectation::Menu),
        }
    }

    fn in_menu(&mut self) -> Move {
        let (name, button) = [
            ("press A", Button::A),
            ("press A", Button::A),
            ("press B", Button::B),
            ("press UP", Button::Up),
            ("press DOWN", Button::Down),
        ][self.generator.below(5)];
        chosen(Skill::CloseMenu, name.to_owned(), keys::menu(button as Mask), Expectation::Menu)
    }
}

impl Brain for RandomPlayer {
    fn name(&self) -> &'static str {
        "random"
    }

    fn decide(&mut self, observation: &Observation, _: &Profile) -> Move {
        match observation.screen {
            Screen::Command => self.on_floor(),
            Screen::Menu(_) | Screen::FloorMap => self.in_menu(),
            Screen::Dialogue | Screen::Choice => {
                let gesture = keys::menu(Button::A as Mask);
                chosen(Skill::AnswerDialogue, "press A".to_owned(), gesture, Expectation::Text)
            }
            Screen::Title | Screen::Unknown | Screen::Ground | Screen::Elsewhere | Screen::Transition => {
                let (name, button) = [("press A", Button::A), ("press START", Button::Start)][self.generator.below(2)];
                chosen(Skill::StartGame, name.to_owned(), keys::scene(button as Mask), Expectation::Scene)
            }
            Screen::Motion | Screen::Printing => {
                chosen(Skill::Wait, "wait".to_owned(), keys::none(), Expectation::Nothing)
            }
        }
    }

    fn note(&mut self, _: Effect) {}

    fn forget(&mut self) {}

    fn save(&self) -> Vec<u8> {
        wire::codec::encode(self).expect("a single word fits into a message")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), wire::codec::CodecError> {
        *self = wire::codec::decode(state)?;
        Ok(())
    }
}

fn press(name: &'static str, mask: Mask, expect: Expectation) -> Move {
    chosen(Skill::Fight, name.to_owned(), keys::press(mask), expect)
}

fn chosen(skill: Skill, action: String, gesture: Gesture, expect: Expectation) -> Move {
    Move {
        skill: skill.name().into(),
        version: None,
        action: action.into(),
        reason: "drawn at random".into(),
        goal: None,
        gesture,
        expect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    #[test]
    fn the_same_seed_makes_the_same_moves() {
        let profiles = Profiles::built_in();
        let profile = profiles.named("burrow").unwrap();
        let observation = Observation { screen: Screen::Command, ..Observation::default() };
        let mut one = RandomPlayer::new(5);
        let mut other = RandomPlayer::new(6);
        other.restore(&one.save()).unwrap();
        let moves = |player: &mut RandomPlayer| -> Vec<Move> {
            (0..50).map(|_| player.decide(&observation, profile)).collect()
        };
        let made = moves(&mut one);
        assert_eq!(made, moves(&mut other));
        assert_ne!(made, moves(&mut RandomPlayer::new(6)));
        assert!(made.iter().any(|made| made.action == "press A"));
    }
}
