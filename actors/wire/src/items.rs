//! What the game's items are good for, by their numbers.

use crate::observation::{BagItem, Observation};

/// What an item is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Thrown in a straight line, it hurts.
    Missile,
    /// Heals about 50 hit points or more.
    Heal,
    /// Cures sleep, poison and the like.
    Cure,
    /// Wakes who would faint, by itself.
    Revive,
    /// Makes hardier for good.
    Strengthen,
    /// Thrown at a foe, it falls asleep or is otherwise helpless.
    Disable,
    /// Eaten, it carries elsewhere on the floor.
    Escape,
    /// Eaten, it burns the foe ahead.
    Burn,
    /// Fills the belly by this much.
    Food(i32),
    /// Shows the map or the stairs.
    Light,
    /// Money: taken up, never used.
    Money,
    /// Worth a place in the bag, and nothing that a planner uses.
    Other,
}

/// What an item of this number is good for.
pub fn use_of(item: u8) -> Use {
    match item {
        1..=8 => Use::Missile,
        53 => Use::Cure,
        55 | 56 => Use::Heal,
        58 => Use::Revive,
        62 | 73 | 74 | 78..=81 => Use::Strengthen,
        59 | 68 | 69 | 76 => Use::Disable,
        71 => Use::Escape,
        72 => Use::Burn,
        82 | 103 | 104 => Use::Food(50),
        83 | 85 => Use::Food(100),
        105 => Use::Money,
        188 | 221 => Use::Light,
        _ => Use::Other,
    }
}

/// The game's number for what an item's sub-menu offers.
pub mod action {
    /// Eat or drink.
    pub const EAT: u16 = 0x0D;
    /// Go down the stairs.
    pub const STAIRS: u16 = 0x26;
    /// Throw in a straight line.
    pub const THROW_STRAIGHT: u16 = 0x27;
    /// Use an orb.
    pub const USE: u16 = 0x31;
    /// Throw in an arc.
    pub const THROW: u16 = 0x41;
}

/// What the food in the bag would add to the belly.
pub fn food(observation: &Observation) -> i32 {
    let fillings = observation.bag.iter().map(|item| match use_of(item.item) {
        Use::Food(filling) => filling.min(observation.belly.max),
        _ => 0,
    });
    fillings.sum()
}

/// The first item in the bag that is good for this and can be used.
pub fn find(observation: &Observation, wanted: Use) -> Option<&BagItem> {
    observation.bag.iter().find(|item| use_of(item.item) == wanted && !item.sticky)
}
