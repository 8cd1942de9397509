//! The validity checks one by one, for a person who wants to know which of them a running game fails.
//!
//! The same functions as in decoding are called, each whatever the others found, so that a snapshot decodes exactly when
//! no check fails here. Absent: anything that a step needs; the decoder itself stops at the first failure.

use super::pmd_red::{self, word};
use super::{DecodeError, Decoder, check, check_field, layout::at};
use crate::profile::Layout;
use wire::ring::Snapshot;

const IN_NO_DUNGEON: &str = "the game is in no dungeon";
const NO_FLOOR: &str = "no floor runs";
const NO_BAG: &str = "the game has not set the pointer to the bag yet";

/// A check and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What must hold.
    pub name: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not; memory is refused for it.
    Failed(DecodeError),
    /// It concerns what is not there now, and why that is not there.
    Idle(&'static str),
}

impl Decoder {
    /// Every check of this decoder, in the order in which decoding makes them.
    pub fn examine(&self, snapshot: &Snapshot) -> Vec<Check> {
        let mut fields = self.fields.iter().enumerate();
        let fields = fields.try_for_each(|(index, field)| check_field(index, field, snapshot));
        let mut checks = vec![settled("declared fields are within their ranges", fields)];
        match self.layout {
            Some(Layout::PmdRed) => examine_layout(snapshot, &mut checks),
            None => {}
        }
        checks
    }
}

fn examine_layout(snapshot: &Snapshot, checks: &mut Vec<Check>) {
    let found = pmd_red::find_floor(snapshot);
    let name = "the dungeon is found through its pointer";
    checks.push(match found {
        Ok((_, false)) => Check { name, outcome: Outcome::Idle(IN_NO_DUNGEON) },
        Ok((_, true)) => Check { name, outcome: Outcome::Passed },
        Err(error) => Check { name, outcome: Outcome::Failed(error) },
    });
    let (floor, in_dungeon) = found.unwrap_or((None, false));
    let of_floor = |name, check: &dyn Fn(pmd_red::Floor<'_>) -> Result<(), DecodeError>| match floor {
        Some(floor) => settled(name, check(floor)),
        None => Check { name, outcome: Outcome::Idle(NO_FLOOR) },
    };
    for (name, check) in check::OF_FLOOR {
        checks.push(of_floor(name, &|floor| check(floor, floor.rests())));
    }
    checks.push(of_floor("one member of the team leads, and the game's notes agree", &|floor| {
        check::leader(snapshot, floor).map(drop)
    }));
    let has_bag = floor.is_some() || word(snapshot, "the pointer to the bag", at::BAG_POINTER) != Ok(0);
    let name = "the bag is where it belongs and holds what it can";
    checks.push(match pmd_red::bag(snapshot, floor.is_some()) {
        Ok(_) if !has_bag => Check { name, outcome: Outcome::Idle(NO_BAG) },
        bag => settled(name, bag.map(drop)),
    });
    let screen = pmd_red::parts(snapshot, floor, in_dungeon).map(drop);
    checks.push(settled("screen, menus and text can be read", screen));
}

fn settled(name: &'static str, result: Result<(), DecodeError>) -> Check {
    let outcome = match result {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(error),
    };
    Check { name, outcome }
}
