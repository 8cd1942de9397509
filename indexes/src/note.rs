//! What a silo knows of a memory besides its vector: a record of fixed size, so that a file of them can be mapped.

use bytemuck::{Pod, Zeroable};
use std::collections::HashMap;
use wire::recall::{KeyMoments, Memory, Outcome};

/// A memory as a generation keeps it; skill and action are numbers of [`Names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Note {
    /// [`Memory::id`].
    pub id: u64,
    /// [`Memory::trajectory`].
    pub trajectory: u64,
    /// [`Memory::step`].
    pub step: u64,
    /// [`Memory::frame`].
    pub frame: u64,
    /// [`Memory::time_s`].
    pub time_s: u64,
    /// [`Memory::layout`].
    pub layout: u64,
    /// [`Memory::picture`].
    pub picture: u64,
    /// [`Outcome::hp_lost_share`].
    pub hp_lost_share: f32,
    /// Number of [`Memory::skill`].
    pub skill: u32,
    /// Number of [`Memory::action`].
    pub action: u32,
    /// [`Outcome::steps`].
    pub steps: u16,
    /// [`Outcome::hp_lost`].
    pub hp_lost: u16,
    /// [`Memory::foe`].
    pub foe: u16,
    /// [`Memory::span`].
    pub span: u8,
    /// [`Memory::dungeon`].
    pub dungeon: u8,
    /// [`Memory::floor`].
    pub floor: u8,
    /// [`Memory::keys`].
    pub keys: u8,
    /// [`Outcome::floors`].
    pub floors: u8,
    /// [`Outcome::is_lost`]: 0 or 1.
    pub is_lost: u8,
    /// [`Outcome::foes`].
    pub foes: u8,
    /// [`Outcome::items`].
    pub items: u8,
    /// Zero.
    pub spare: [u8; 6],
}

impl Note {
    /// Bytes of a note in a file.
    pub const BYTES: usize = size_of::<Note>();

    /// A memory's note, given the numbers of its skill and action.
    pub fn of(memory: &Memory, skill: u32, action: u32) -> Note {
        let outcome = memory.outcome;
        Note {
            id: memory.id,
            trajectory: memory.trajectory,
            step: memory.step,
            frame: memory.frame,
            time_s: memory.time_s,
            layout: memory.layout,
            picture: memory.picture,
            hp_lost_share: outcome.hp_lost_share,
            skill,
            action,
            steps: outcome.steps,
            hp_lost: outcome.hp_lost,
            foe: memory.foe,
            span: u8::try_from(memory.span).unwrap_or(u8::MAX),
            dungeon: memory.dungeon,
            floor: memory.floor,
            keys: memory.keys.0,
            floors: outcome.floors,
            is_lost: outcome.is_lost.into(),
            foes: outcome.foes,
            items: outcome.items,
            spare: [0; 6],
        }
    }

    /// The memory; names that are not known are empty.
    pub fn memory(&self, names: &Names) -> Memory {
        Memory {
            id: self.id,
            span: self.span.into(),
            trajectory: self.trajectory,
            step: self.step,
            frame: self.frame,
            time_s: self.time_s,
            dungeon: self.dungeon,
            floor: self.floor,
            layout: self.layout,
            picture: self.picture,
            foe: self.foe,
            keys: KeyMoments(self.keys),
            skill: names.name(self.skill).to_string(),
            action: names.name(self.action).to_string(),
            outcome: Outcome {
                steps: self.steps,
                floors: self.floors,
                is_lost: self.is_lost != 0,
                hp_lost: self.hp_lost,
                hp_lost_share: self.hp_lost_share,
                foes: self.foes,
                items: self.items,
            },
        }
    }
}

/// Names of skills and actions, each with a number. The experience store gives the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: HashMap<u32, String>,
    numbers: HashMap<String, u32>,
}

impl Names {
    /// Makes a name known under a number.
    pub fn insert(&mut self, number: u32, name: &str) {
        self.names.insert(number, name.to_string());
        self.numbers.insert(name.to_string(), number);
    }

    /// The name of a number, empty if it has none.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(&number).map_or("", String::as_str)
    }

    /// The number of a name.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_comes_back_from_its_note_whole() {
        let mut names = Names::default();
        names.insert(3, "fight");
        names.insert(9, "attack north");
        let memory = Memory {
            id: 1 << 40,
            span: 64,
            trajectory: u64::MAX,
            step: 7,
            frame: 8,
            time_s: 1_700_000_000,
            dungeon: 2,
            floor: 11,
            layout: 12,
            picture: 13,
            foe: 500,
            keys: KeyMoments::FIGHT.with(KeyMoments::HURT),
            skill: "fight".into(),
            action: "attack north".into(),
            outcome: Outcome {
                steps: 32,
                floors: 1,
                is_lost: true,
                hp_lost: 40,
                hp_lost_share: 1.25,
                foes: 3,
                items: 2,
            },
        };
        let number = |name: &str| names.number(name).expect("it is known");
        let note = Note::of(&memory, number("fight"), number("attack north"));
        assert_eq!(note.memory(&names), memory);
    }

    #[test]
    fn a_note_fills_eighty_eight_bytes() {
        assert_eq!(Note::BYTES, 88);
    }
}
