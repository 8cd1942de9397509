//! What the network's answers are numbers of.

use crate::reading::{Ground, Mark, Scene};
use wire::observation::DIRECTIONS as ALL_DIRECTIONS;

/// Kinds of screens, by the network's number.
pub(crate) const SCENE_CLASSES: [Scene; 10] = [
    Scene::Dark,
    Scene::Title,
    Scene::Floor,
    Scene::Menu,
    Scene::Page,
    Scene::Log,
    Scene::FloorMap,
    Scene::Dialogue,
    Scene::Choice,
    Scene::End,
];
/// Kinds of ground, by the network's number.
pub(crate) const GROUND_CLASSES: [Ground; 8] = [
    Ground::Hidden,
    Ground::Askew,
    Ground::Unseen,
    Ground::Wall,
    Ground::Floor,
    Ground::Water,
    Ground::Stairs,
    Ground::Trap,
];
/// Marks of the small map, by the network's number.
pub(crate) const MARK_CLASSES: [Mark; 8] =
    [Mark::Dark, Mark::Floor, Mark::Water, Mark::Item, Mark::Stairs, Mark::Foe, Mark::Ally, Mark::Leader];
/// The game's numbers of items that have a picture of their own, by the network's number less one; 0 is none.
pub(crate) const ITEM_CLASSES: [u8; 14] = [8, 53, 55, 56, 58, 59, 62, 69, 71, 72, 82, 83, 105, 188];

pub(crate) const SCENES: usize = SCENE_CLASSES.len();
pub(crate) const GROUNDS: usize = GROUND_CLASSES.len();
pub(crate) const MARKS: usize = MARK_CLASSES.len();
/// Nobody, or one of twelve species.
pub(crate) const BEINGS: usize = 13;
pub(crate) const DIRECTIONS: usize = ALL_DIRECTIONS.len();
pub(crate) const ITEMS: usize = ITEM_CLASSES.len() + 1;
/// No letter begins here, or one from `!` to `~`.
pub(crate) const LETTERS: usize = 95;

/// The skills that the network chooses among.
pub const SKILLS: [&str; 12] = [
    "explore",
    "take-stairs",
    "fight",
    "flee",
    "eat",
    "pick-up",
    "use-item",
    "throw",
    "rest",
    "join-ally",
    "recover-when-stuck",
    "wait",
];

/// The letter of the network's number; none for 0.
pub(crate) fn letter(class: usize) -> Option<char> {
    (1..LETTERS).contains(&class).then(|| char::from(b' ' + class as u8))
}

/// The network's number of a letter; 0 where it has none.
pub(crate) fn letter_class(letter: char) -> usize {
    match u8::try_from(letter) {
        Ok(code @ b'!'..=b'~') => usize::from(code - b' '),
        _ => 0,
    }
}

/// The network's number of an item, 0 for none; nothing for an item without a picture.
pub(crate) fn item_class(item: Option<u8>) -> Option<usize> {
    match item {
        None => Some(0),
        Some(item) => ITEM_CLASSES.iter().position(|known| *known == item).map(|place| place + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_what_they_stand_for_fit() {
        assert!((1..LETTERS).all(|class| letter(class).is_some_and(|found| letter_class(found) == class)));
        assert_eq!((letter(0), letter_class(' '), letter_class('é'), letter(LETTERS)), (None, 0, 0, None));
        assert_eq!((item_class(None), item_class(Some(8)), item_class(Some(7))), (Some(0), Some(1), None));
    }
}
