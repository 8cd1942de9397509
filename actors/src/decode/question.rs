//! What the memory layout of Pokémon Mystery Dungeon: Red Rescue Team claims and nobody has yet seen on a cartridge's
//! game: as questions, which the memory of a running game answers.
//!
//! The claims follow from reading the pret/pmd-red decompilation. Some can be told by one frame's memory, some only at a
//! certain moment; each question says what to do in the game to get there. Nothing else depends on the answers: the
//! decoder assumes nothing that is asked here. Absent: claims that the validity checks test with every frame.

use crate::profile::Layout;
use std::fmt;
use wire::ring::Snapshot;

mod look;
#[cfg(test)]
mod tests;

/// One open question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The question, answered `yes` where the layout is right.
    pub text: &'static str,
    /// What to do in the game so that memory can tell.
    pub to_see: &'static str,
    look: fn(&Snapshot) -> Answer,
}

/// What one frame's memory says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether that settles it.
    pub verdict: Verdict,
    /// What memory says.
    pub finding: String,
}

/// Whether a question is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Memory is as the layout says.
    Confirmed,
    /// Memory is not as the layout says.
    Contradicted,
    /// This frame's memory cannot tell.
    Unseen,
}

impl Question {
    /// What this frame's memory says.
    pub fn ask(&self, snapshot: &Snapshot) -> Answer {
        (self.look)(snapshot)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Verdict::Confirmed => "confirmed",
            Verdict::Contradicted => "contradicted",
            Verdict::Unseen => "not to be seen here",
        })
    }
}

/// The open questions about a layout.
pub fn questions(layout: Layout) -> &'static [Question] {
    match layout {
        Layout::PmdRed => &PMD_RED,
    }
}

const PMD_RED: [Question; 15] = [
    Question {
        text: "do the pointers to team, bag, rescue team, options and play time lead where they should?",
        to_see: "let the game show its title",
        look: look::fixed_pointers,
    },
    Question {
        text: "does a dungeon's object lie at 0x02003AF4?",
        to_see: "enter a dungeon; look again after going on from a quick save, and in a friend rescue",
        look: look::dungeon_place,
    },
    Question { text: "does a key arrive at 0x0203B0BC and 0x020255F0?", to_see: "hold a key", look: look::keys },
    Question {
        text: "is the HP that the screen shows kept at +0x18226 of the dungeon?",
        to_see: "stand still in a dungeon, no menu open",
        look: look::shown_hit_points,
    },
    Question {
        text: "is the leader's HP in memory final while the screen still counts it down or up?",
        to_see: "be hit, or eat something that heals, and watch that very moment",
        look: look::hit_points_in_motion,
    },
    Question {
        text: "is the window layout of a dungeon at 0x0202EDD0 one of 0 to 10 and 999?",
        to_see: "in a dungeon, open every menu, the map and the message log, and take the stairs",
        look: look::window_layout,
    },
    Question {
        text: "is the state of a text box at 0x0202E744 from 0 to 11?",
        to_see: "talk to somebody, and answer a question",
        look: look::text_box,
    },
    Question {
        text: "do the steps that a tile allows ordinary walkers lead over floor alone?",
        to_see: "enter a dungeon",
        look: look::walkers,
    },
    Question {
        text: "do the steps that a tile allows swimmers and flyers lead over water, lava and chasms?",
        to_see: "enter a dungeon with water, lava or a chasm on its floor",
        look: look::swimmers_and_flyers,
    },
    Question {
        text: "is terrain kind 3 a chasm, which ordinary walkers and swimmers cannot cross?",
        to_see: "enter a dungeon with chasms, and compare the place with the screen",
        look: look::chasm,
    },
    Question {
        text: "is a set item marked by 0x10 in the flags of its slot in the bag?",
        to_see: "in the bag, press SELECT on something to throw: whether that sets it is not certain either",
        look: look::set_item,
    },
    Question {
        text: "without dungeon, town and title menu, is it the world map, the friend areas, saving or loading?",
        to_see: "leave town for a dungeon, and look while the world map is shown",
        look: look::elsewhere,
    },
    Question {
        text: "is the script of the map at rest while the player's character walks freely in town?",
        to_see: "walk about in each town and friend area",
        look: look::map_script,
    },
    Question {
        text: "is the camera in town kept in whole pixels?",
        to_see: "walk about in a town that is larger than the screen, away from its upper left corner",
        look: look::town_camera,
    },
    Question {
        text: "while a menu of the town is open, does the pointer to its object lead somewhere?",
        to_see: "open the field menu, the storage, the bank, a Kecleon shop, the dungeon list, the save menu",
        look: look::town_menu,
    },
];
