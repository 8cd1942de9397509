//! What a stranger can send to a bridge: any bytes decode to a message that survives a round trip, or fail cleanly.
//! Run: `make fuzz`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::codec::{decode, encode};
use wire::emulator::ClientMessage;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = decode::<ClientMessage>(bytes) {
        let again = encode(&message).expect("what was decoded encodes");
        assert_eq!(decode::<ClientMessage>(&again).expect("and decodes"), message);
    }
});
