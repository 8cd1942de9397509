//! The save-state blob: what it belongs to, the core's state, the save memory, the picture, a checksum.
//!
//! Layout: eight bytes of magic; the length of the header, four bytes, little-endian; the header ([`codec`]); the core's
//! state; the save memory; the picture's rows; the XXH3 of everything before it, eight bytes, little-endian. The picture
//! is kept because a core draws only while a frame passes: with it a restored game can be looked at as it was.

use crate::backend::BackendError;
use serde::{Deserialize, Serialize};
use wire::codec;
use wire::emulator::PixelFormat;
use wire::hash::Hash;
use wire::ring::Picture;

const MAGIC: [u8; 8] = *b"PPSTATE1";
const LENGTH_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;

/// What a state belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The core's name and version.
    pub core: String,
    /// SHA-1 of the ROM.
    pub rom: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    owner: Owner,
    state_bytes: u64,
    save_bytes: u64,
    width: u32,
    height: u32,
    format: PixelFormat,
}

/// What a blob holds.
pub(crate) struct Parts<'a> {
    /// The core's state.
    pub state: &'a [u8],
    /// The save memory.
    pub save: &'a [u8],
    /// The picture, without gaps between its rows.
    pub picture: Picture<'a>,
}

/// Puts a state, the save memory and a picture without gaps into one blob.
pub(crate) fn pack(owner: &Owner, parts: &Parts<'_>) -> Result<Vec<u8>, BackendError> {
    let Parts { state, save, picture } = parts;
    let header = Header {
        owner: owner.clone(),
        state_bytes: state.len() as u64,
        save_bytes: save.len() as u64,
        width: picture.width,
        height: picture.height,
        format: picture.format,
    };
    let header = codec::encode(&header).map_err(|error| BackendError::BadState(error.to_string()))?;
    let payload = state.len() + save.len() + picture.pixels.len();
    let length = MAGIC.len() + LENGTH_BYTES + header.len() + payload + CHECKSUM_BYTES;
    let mut blob = Vec::with_capacity(length);
    blob.extend_from_slice(&MAGIC);
    blob.extend_from_slice(&(header.len() as u32).to_le_bytes());
    blob.extend_from_slice(&header);
    blob.extend_from_slice(state);
    blob.extend_from_slice(save);
    blob.extend_from_slice(picture.pixels);
    let checksum = Hash::of([blob.as_slice()]);
    blob.extend_from_slice(&checksum.0.to_le_bytes());
    Ok(blob)
}

/// Takes a blob apart, if it is whole and belongs to `owner`.
pub(crate) fn unpack<'a>(owner: &Owner, blob: &'a [u8]) -> Result<Parts<'a>, BackendError> {
    let refuse = |message: String| Err(BackendError::BadState(message));
    let Some(rest) = blob.strip_prefix(&MAGIC) else {
        return refuse("not a save state of this program".to_string());
    };
    let Some((covered, checksum)) = blob.split_last_chunk::<CHECKSUM_BYTES>() else {
        return refuse(format!("cut short after {} bytes", blob.len()));
    };
    if Hash::of([covered]).0 != u64::from_le_bytes(*checksum) {
        return refuse(format!("cut short or damaged: the checksum of its {} bytes is wrong", blob.len()));
    }
    let parts = rest.split_first_chunk::<LENGTH_BYTES>().and_then(|(length, rest)| {
        let header_bytes = u32::from_le_bytes(*length) as usize;
        let (header, rest) = rest.split_at_checked(header_bytes)?;
        let payload = rest.len().checked_sub(CHECKSUM_BYTES)?;
        Some((codec::decode::<Header>(header).ok()?, &rest[..payload]))
    });
    let Some((header, payload)) = parts else {
        return refuse("its header cannot be read".to_string());
    };
    if header.owner.core != owner.core {
        return refuse(format!("made by core {}, and this is {}", header.owner.core, owner.core));
    }
    if header.owner.rom != owner.rom {
        return refuse(format!("made with ROM {}, and this is {}", header.owner.rom, owner.rom));
    }
    let parts = payload.split_at_checked(header.state_bytes as usize).and_then(|(state, rest)| {
        let (save, pixels) = rest.split_at_checked(header.save_bytes as usize)?;
        let Header { width, height, format, .. } = header;
        let pitch = (width as usize).checked_mul(format.bytes())?;
        let is_whole = pitch.checked_mul(height as usize)? == pixels.len();
        is_whole.then_some(Parts { state, save, picture: Picture { pixels, pitch, width, height, format } })
    });
    parts.ok_or_else(|| BackendError::BadState("its lengths do not add up".to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(core: &str) -> Owner {
        Owner { core: core.to_string(), rom: "0123".to_string() }
    }

    fn blob() -> Vec<u8> {
        let picture = Picture { pixels: &[6, 7, 8, 9], pitch: 4, width: 2, height: 1, format: PixelFormat::Rgb565 };
        pack(&owner("a"), &Parts { state: &[1, 2, 3], save: &[4, 5], picture }).expect("it packs")
    }

    #[test]
    fn a_state_comes_back_whole() {
        let blob = blob();
        let parts = unpack(&owner("a"), &blob).expect("it unpacks");
        assert_eq!((parts.state, parts.save), (&[1u8, 2, 3][..], &[4u8, 5][..]));
        assert_eq!((parts.picture.pixels, parts.picture.width, parts.picture.pitch), (&[6u8, 7, 8, 9][..], 2, 4));
    }

    #[test]
    fn a_state_of_another_core_is_refused_by_name() {
        let error = unpack(&owner("b"), &blob()).err().expect("it belongs to another core").to_string();
        assert!(error.contains("made by core a"), "{error}");
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let blob = blob();
        for length in 0..blob.len() {
            assert!(unpack(&owner("a"), &blob[..length]).is_err(), "cut to {length}");
        }
        for index in 0..blob.len() {
            let mut damaged = blob.clone();
            damaged[index] ^= 0x40;
            assert!(unpack(&owner("a"), &damaged).is_err(), "byte {index}");
        }
    }
}
