//! What a role can send to the parent: any bytes decode to a message that survives a round trip, or fail cleanly.
//! Run: `make fuzz`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::codec::{decode, encode};
use wire::control::{FromRole, ToRole};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = decode::<FromRole>(bytes) {
        encode(&message).expect("what was decoded encodes");
    }
    if let Ok(message) = decode::<ToRole>(bytes) {
        encode(&message).expect("what was decoded encodes");
    }
});
