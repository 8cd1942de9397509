//! A Bloom filter over the situations that a silo holds: what it calls new is new, so nothing need be searched for.
//!
//! Two pictures count as alike when their difference hashes are within two bits. The hash is therefore entered in three
//! bands: two differing bits leave one band as it was, so of alike pictures one band at least is known.

use wire::hash::Hash;
use wire::recall::Memory;

/// Bits for each entry; with [`PROBES`] one answer in some hundred is wrongly "perhaps known".
const BITS_EACH: usize = 10;
/// Bits that an entry sets.
const PROBES: u64 = 6;
/// The bands of a picture's hash: first bit and width.
const BANDS: [(u32, u32); 3] = [(0, 22), (22, 21), (43, 21)];

/// The filter.
#[derive(Clone, Debug)]
pub struct Bloom {
    words: Vec<u64>,
    room: usize,
    entered: usize,
}

impl Bloom {
    /// A filter for this many memories.
    pub fn new(memories: usize) -> Bloom {
        let room = memories.max(1_024);
        let words = (room * BANDS.len() * BITS_EACH).div_ceil(64);
        Bloom { words: vec![0; words], room, entered: 0 }
    }

    /// Enters a memory's situation.
    pub fn enter(&mut self, memory: &Memory) {
        for band in 0..BANDS.len() {
            for (word, bit) in self.places(memory, band) {
                if let Some(word) = self.words.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        self.entered += 1;
    }

    /// Whether no memory in such a situation was entered, for certain.
    pub fn is_new(&self, memory: &Memory) -> bool {
        let is_set = |(word, bit): (usize, u64)| self.words.get(word).is_some_and(|word| word & bit != 0);
        (0..BANDS.len()).all(|band| !self.places(memory, band).all(is_set))
    }

    /// Whether more was entered than there is room for, so that it answers "perhaps" too often.
    pub fn is_full(&self) -> bool {
        self.entered > self.room
    }

    fn places(&self, memory: &Memory, band: usize) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (first, width) = BANDS[band];
        let bits = (memory.picture >> first) & ((1 << width) - 1);
        let [foe_low, foe_high] = memory.foe.to_le_bytes();
        let place = [memory.dungeon, memory.floor, foe_low, foe_high, band as u8];
        let hash = Hash::of([place.as_slice(), bits.to_le_bytes().as_slice()]).0;
        let total = self.words.len() as u64 * 64;
        // Two halves of one good hash stand in for many.
        let (start, stride) = (hash & 0xffff_ffff, (hash >> 32) | 1);
        (0..PROBES).map(move |probe| {
            let place = start.wrapping_add(probe.wrapping_mul(stride)) % total;
            ((place / 64) as usize, 1 << (place % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    fn memory(picture: u64, floor: u8, foe: u16) -> Memory {
        Memory { picture, floor, foe, ..Memory::default() }
    }

    #[test]
    fn what_was_entered_is_never_called_new_nor_is_a_picture_within_two_bits() {
        let (mut bloom, mut state) = (Bloom::new(2_000), 1);
        let pictures: Vec<u64> = (0..2_000).map(|_| random(&mut state)).collect();
        pictures.iter().for_each(|picture| bloom.enter(&memory(*picture, 3, 9)));
        for picture in pictures {
            assert!(!bloom.is_new(&memory(picture, 3, 9)));
            let flips = random(&mut state);
            let near = picture ^ (1 << (flips % 64)) ^ (1 << (flips / 64 % 64));
            assert!(!bloom.is_new(&memory(near, 3, 9)), "{picture:x} and {near:x}");
        }
    }

    #[test]
    fn most_of_what_was_never_entered_is_called_new() {
        let (mut bloom, mut state) = (Bloom::new(20_000), 2);
        (0..20_000).for_each(|_| bloom.enter(&memory(random(&mut state), 3, 9)));
        let new = (0..10_000).filter(|_| bloom.is_new(&memory(random(&mut state), 3, 9))).count();
        assert!(new > 9_000, "{new} of 10000");
        let elsewhere = (0..10_000).filter(|_| bloom.is_new(&memory(random(&mut state), 4, 9))).count();
        assert!(elsewhere > 9_000, "{elsewhere} of 10000");
        assert!(!bloom.is_full());
        bloom.enter(&memory(1, 1, 1));
        assert!(bloom.is_full());
    }
}
