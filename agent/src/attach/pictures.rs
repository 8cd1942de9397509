//! The pictures that were seen: the last ones as they are, and those that a step was decided on, packed, by the hash that the step's
//! line names. A picture that is found by it is that step's to the last bit.

use axum::body::Bytes;
use std::collections::{HashMap, VecDeque};
use wire::Instance;
use wire::emulator::PixelFormat;
use wire::hash::Hash;
use wire::ring::Snapshot;

/// How hard they are packed: it must cost next to nothing.
const DEFLATE_LEVEL: u8 = 1;
/// Bytes before the pixels.
const HEAD_BYTES: usize = 24;

/// A picture as a page of `attach --web` is told it: 24 bytes that say what it is, and its pixels.
///
/// Little-endian: `1`, the pixels' form (`0` RGB565, `1` XRGB8888), game (16 bits), width, height (16 bits each), frame, hash (64 bits
/// each).
#[derive(Clone, Debug)]
pub struct Shown {
    /// The hash of its pixels.
    pub hash: Hash,
    /// What a page is told.
    pub bytes: Bytes,
}

impl Shown {
    /// A frame of a game.
    pub fn of(frame: &Snapshot, game: Instance) -> Shown {
        let hash = Hash::of([frame.pixels.as_slice()]);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + frame.pixels.len());
        let format = match frame.format {
            PixelFormat::Rgb565 => 0,
            PixelFormat::Xrgb8888 => 1,
        };
        bytes.extend_from_slice(&[1, format]);
        bytes.extend_from_slice(&game.to_le_bytes());
        for size in [frame.width, frame.height] {
            bytes.extend_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes());
        }
        bytes.extend_from_slice(&frame.stamp.frame.to_le_bytes());
        bytes.extend_from_slice(&hash.0.to_le_bytes());
        bytes.extend_from_slice(&frame.pixels);
        Shown { hash, bytes: bytes.into() }
    }

    /// The frame, without its memory and without what counts frames within the emulator's life.
    pub fn frame(&self) -> Snapshot {
        let size = |at: usize| u32::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
        let format = if self.bytes[1] == 0 { PixelFormat::Rgb565 } else { PixelFormat::Xrgb8888 };
        let pixels = self.bytes[HEAD_BYTES..].to_vec();
        Snapshot { width: size(4), height: size(6), format, pixels, ..Snapshot::default() }
    }
}

/// How many pictures are held.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of the last pictures, among which are those of steps whose line is still to come.
    pub recent_bytes_max: usize,
    /// Bytes of packed pictures of steps.
    pub kept_bytes_max: usize,
}

/// Pictures, bounded by their bytes.
#[derive(Debug)]
pub struct Pictures {
    room: Room,
    recent: VecDeque<Shown>,
    recent_bytes: usize,
    kept: HashMap<Hash, Box<[u8]>>,
    order: VecDeque<Hash>,
    kept_bytes: usize,
}

impl Pictures {
    /// None was seen yet.
    pub fn new(room: Room) -> Pictures {
        Pictures {
            room,
            recent: VecDeque::new(),
            recent_bytes: 0,
            kept: HashMap::new(),
            order: VecDeque::new(),
            kept_bytes: 0,
        }
    }

    /// A picture was seen.
    pub fn see(&mut self, shown: Shown) {
        if self.recent.iter().any(|recent| recent.hash == shown.hash) {
            return;
        }
        self.recent_bytes += shown.bytes.len();
        self.recent.push_back(shown);
        while self.recent_bytes > self.room.recent_bytes_max
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_bytes -= oldest.bytes.len();
        }
    }

    /// A step was decided on the picture with this hash; it is kept if it was seen.
    pub fn keep(&mut self, hash: Hash) {
        if self.kept.contains_key(&hash) {
            return;
        }
        let Some(shown) = self.recent.iter().rev().find(|recent| recent.hash == hash) else { return };
        // As a box it takes what it needs: the vector has room for much more.
        let packed = miniz_oxide::deflate::compress_to_vec(&shown.bytes, DEFLATE_LEVEL).into_boxed_slice();
        self.kept_bytes += packed.len();
        self.kept.insert(hash, packed);
        self.order.push_back(hash);
        while self.kept_bytes > self.room.kept_bytes_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept_bytes -= self.kept.remove(&oldest).map_or(0, |packed| packed.len());
        }
    }

    /// The picture with this hash, if it is still here.
    pub fn find(&self, hash: Hash) -> Option<Shown> {
        if let Some(recent) = self.recent.iter().rev().find(|recent| recent.hash == hash) {
            return Some(recent.clone());
        }
        let bytes = miniz_oxide::inflate::decompress_to_vec(self.kept.get(&hash)?).ok()?;
        Some(Shown { hash, bytes: bytes.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: u32) -> Shown {
        let pixels: Vec<u8> =
            (0..240 * 160u32).flat_map(|place| (((place / 64) ^ number) as u16).to_le_bytes()).collect();
        Shown::of(&Snapshot { width: 240, height: 160, pixels, ..Snapshot::default() }, 3)
    }

    #[test]
    fn pictures_of_steps_outlive_the_others_and_are_found_bit_for_bit() {
        let room = Room { recent_bytes_max: 4 << 20, kept_bytes_max: 1 << 20 };
        let mut pictures = Pictures::new(room);
        (0..1_000).for_each(|number| {
            pictures.see(shown(number));
            if number % 10 == 0 {
                pictures.keep(shown(number).hash);
            }
        });
        assert!(pictures.recent_bytes <= room.recent_bytes_max && pictures.kept_bytes <= room.kept_bytes_max);
        let found = pictures.find(shown(20).hash).expect("a step was decided on it");
        let bytes = &found.bytes;
        assert_eq!((bytes.len(), Hash::of([&bytes[HEAD_BYTES..]])), (HEAD_BYTES + 240 * 160 * 2, shown(20).hash));
        assert_eq!((&bytes[..8], bytes[..] == shown(20).bytes[..]), (&[1, 0, 3, 0, 240, 0, 160, 0][..], true));
        let frame = found.frame();
        assert_eq!((frame.width, frame.height, Hash::of([&frame.pixels[..]])), (240, 160, found.hash));
        assert!(pictures.find(shown(21).hash).is_none() && pictures.find(shown(999).hash).is_some());
    }
}
