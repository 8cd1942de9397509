//! The save-state blob: what it belongs to, the core's state, the save memory, a checksum.
//!
//! Layout: eight bytes of magic; the length of the header, four bytes, little-endian; the header ([`codec`]); the core's
//! state; the save memory; the XXH3 of everything before it, eight bytes, little-endian.

use crate::backend::BackendError;
use serde::{Deserialize, Serialize};
use wire::codec;
use wire::hash::Hash;

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
}

/// Puts a state and the save memory into one blob.
pub(crate) fn pack(owner: &Owner, state: &[u8], save: &[u8]) -> Result<Vec<u8>, BackendError> {
    let header = Header { owner: owner.clone(), state_bytes: state.len() as u64, save_bytes: save.len() as u64 };
    let header = codec::encode(&header).map_err(|error| BackendError::BadState(error.to_string()))?;
    let length = MAGIC.len() + LENGTH_BYTES + header.len() + state.len() + save.len() + CHECKSUM_BYTES;
    let mut blob = Vec::with_capacity(length);
    blob.extend_from_slice(&MAGIC);
    blob.extend_from_slice(&(header.len() as u32).to_le_bytes());
    blob.extend_from_slice(&header);
    blob.extend_from_slice(state);
    blob.extend_from_slice(save);
    let checksum = Hash::of([blob.as_slice()]);
    blob.extend_from_slice(&checksum.0.to_le_bytes());
    Ok(blob)
}

/// Takes a blob apart into state and save memory, if it is whole and belongs to `owner`.
pub(crate) fn unpack<'a>(owner: &Owner, blob: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), BackendError> {
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
    if header.state_bytes.checked_add(header.save_bytes) != Some(payload.len() as u64) {
        return refuse("its lengths do not add up".to_string());
    }
    Ok(payload.split_at(header.state_bytes as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(core: &str) -> Owner {
        Owner { core: core.to_string(), rom: "0123".to_string() }
    }

    #[test]
    fn a_state_comes_back_whole() {
        let blob = pack(&owner("a"), &[1, 2, 3], &[4, 5]).expect("it packs");
        assert_eq!(unpack(&owner("a"), &blob).expect("it unpacks"), (&[1u8, 2, 3][..], &[4u8, 5][..]));
    }

    #[test]
    fn a_state_of_another_core_is_refused_by_name() {
        let blob = pack(&owner("a"), &[1], &[]).expect("it packs");
        let error = unpack(&owner("b"), &blob).expect_err("it belongs to another core").to_string();
        assert!(error.contains("made by core a"), "{error}");
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let blob = pack(&owner("a"), &[1, 2, 3], &[4, 5]).expect("it packs");
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
