//! The hashes that name pixels and memory: XXH3, 64 bits, written as 16 hexadecimal digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use xxhash_rust::xxh3::Xxh3;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A 64-bit XXH3 hash of exact bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub u64);

impl Hash {
    /// Hashes several pieces as if they were one.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Hash {
        let mut state = Xxh3::new();
        for piece in pieces {
            state.update(piece);
        }
        Hash(state.digest())
    }

    /// Its digits. Each step's line has several hashes, and the general way to write a number takes five times as long.
    fn text(self, digits: &mut [u8; 16]) -> &str {
        for (place, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            digits[2 * place] = DIGITS[usize::from(byte >> 4)];
            digits[2 * place + 1] = DIGITS[usize::from(byte & 15)];
        }
        std::str::from_utf8(digits).expect("digits are ASCII")
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text(&mut [0; 16]))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_u64(self.0);
        }
        serializer.serialize_str(self.text(&mut [0; 16]))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            u64::from_str_radix(&text, 16).map(Hash).map_err(D::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Hash)
        }
    }
}
