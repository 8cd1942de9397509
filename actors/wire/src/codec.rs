//! The one place that knows the binary format. Replacing bincode means changing this file alone.
//!
//! Invariants: decoding never allocates more than [`MESSAGE_BYTES_MAX`] on the word of a length field, and a message
//! followed by trailing bytes is refused.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest message either side accepts. A save state with its save RAM, the largest thing sent, is 0.7 MB on a
/// Game Boy Advance and below 8 MB on the other consoles that libretro cores emulate.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Why bytes were not a message.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The value cannot be written, for example because it is larger than the limit.
    #[error("message cannot be encoded: {0}")]
    Encode(#[from] bincode::error::EncodeError),
    /// The bytes are not this type's encoding.
    #[error("message cannot be decoded: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// The bytes go on after the message.
    #[error("message has {0} trailing bytes")]
    Trailing(usize),
    /// The bytes are longer than any message may be.
    #[error("message of {0} bytes is over the limit of {MESSAGE_BYTES_MAX}")]
    TooLarge(usize),
}

fn configuration() -> Configuration<LittleEndian, Fixint, Limit<MESSAGE_BYTES_MAX>> {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<MESSAGE_BYTES_MAX>()
}

/// Encodes one message.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    let bytes = bincode::serde::encode_to_vec(message, configuration())?;
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(CodecError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// Decodes exactly one message.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(CodecError::TooLarge(bytes.len()));
    }
    let (message, used) = bincode::serde::decode_from_slice(bytes, configuration())?;
    match bytes.len() - used {
        0 => Ok(message),
        trailing => Err(CodecError::Trailing(trailing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::{ClientMessage, Request};
    use proptest::prelude::*;

    #[test]
    fn hostile_length_is_refused_without_allocating() {
        let mut bytes = encode(&vec![1u8, 2, 3]).expect("three bytes fit");
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(decode::<Vec<u8>>(&bytes), Err(CodecError::Decode(_))));
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = encode(&7u32).expect("a number fits");
        bytes.push(0);
        assert!(matches!(decode::<u32>(&bytes), Err(CodecError::Trailing(1))));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail_cleanly(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode::<ClientMessage>(&bytes);
        }

        #[test]
        fn messages_survive_a_round_trip(id in any::<u64>(), frames in 0u32..1000, keys in proptest::collection::vec(any::<u16>(), 0..64)) {
            for body in [Request::Input { at_frame: Some(id), frames: keys.clone(), echo: None }, Request::Step { frames, until: None }] {
                let message = ClientMessage { id, instance: 3, epoch: 9, body };
                let bytes = encode(&message).expect("a small message fits");
                prop_assert_eq!(&decode::<ClientMessage>(&bytes).expect("what was encoded decodes"), &message);
                let text = serde_json::to_string(&message).expect("a message is JSON");
                prop_assert_eq!(serde_json::from_str::<ClientMessage>(&text).expect("what was written reads"), message);
            }
        }
    }
}
