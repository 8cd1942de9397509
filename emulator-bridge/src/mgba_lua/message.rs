//! The messages of this project's script for mGBA; `docs/mgba.md` describes them.
//!
//! Each is a little-endian `u32` with the number of bytes that follow, a byte that says what it is, and its fields.
//! Decoding never trusts a length: what does not add up is no message.

use wire::buttons::Mask;
use wire::memory::Region;

/// Version of this protocol.
pub(super) const VERSION: u16 = 1;
/// A longer message is not one of the script's; a state of a Game Boy Advance is about half a megabyte.
pub(super) const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// The script sends memory in pieces of this many bytes.
pub(super) const PAGE_BYTES: usize = 4096;
const MAGIC: &[u8; 4] = b"PKPT";

/// To the script.
#[derive(Clone, Copy, Debug)]
pub(super) enum ToScript<'a> {
    /// First message: the token, a folder of this machine, and what the file `hello` in it holds.
    Hello { token: &'a str, folder: &'a str, nonce: &'a str },
    /// What comes with each frame, and for how many milliseconds the game may be left waiting for an answer.
    Watch { picture: bool, stall_ms: u8, regions: &'a [Region] },
    /// Keys, one mask a frame, from the next frame on.
    Hold(&'a [Mask]),
    /// Memory.
    Read(Region),
    /// Bytes into memory.
    Write { address: u32, bytes: &'a [u8] },
    /// The state.
    Save,
    /// A state to restore.
    Load(&'a [u8]),
    /// Resets the machine.
    Reset,
}

impl ToScript<'_> {
    /// The whole message.
    pub(super) fn encode(self, id: u32) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        bytes.push(self.kind());
        bytes.extend(id.to_le_bytes());
        match self {
            ToScript::Hello { token, folder, nonce } => {
                bytes.extend(MAGIC);
                bytes.extend(VERSION.to_le_bytes());
                short_text(&mut bytes, token);
                put_u16(&mut bytes, folder.len().min(usize::from(u16::MAX)) as u16);
                bytes.extend(&folder.as_bytes()[..folder.len().min(usize::from(u16::MAX))]);
                short_text(&mut bytes, nonce);
            }
            ToScript::Watch { picture, stall_ms, regions } => {
                bytes.extend([u8::from(picture), stall_ms, regions.len() as u8]);
                for region in regions {
                    bytes.extend(region.address.to_le_bytes());
                    bytes.extend(region.length.to_le_bytes());
                }
            }
            ToScript::Hold(masks) => masks.iter().for_each(|mask| put_u16(&mut bytes, *mask)),
            ToScript::Read(region) => {
                bytes.extend(region.address.to_le_bytes());
                bytes.extend(region.length.to_le_bytes());
            }
            ToScript::Write { address, bytes: written } => {
                bytes.extend(address.to_le_bytes());
                bytes.extend(written);
            }
            ToScript::Load(state) => bytes.extend(state),
            ToScript::Save | ToScript::Reset => {}
        }
        sized(bytes)
    }

    fn kind(self) -> u8 {
        match self {
            ToScript::Hello { .. } => 1,
            ToScript::Watch { .. } => 2,
            ToScript::Hold(_) => 3,
            ToScript::Read(_) => 4,
            ToScript::Write { .. } => 5,
            ToScript::Save => 6,
            ToScript::Load(_) => 7,
            ToScript::Reset => 8,
        }
    }
}

/// The message that lets the game go on.
pub(super) fn go() -> Vec<u8> {
    sized(vec![0, 0, 0, 0, 9])
}

/// From the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FromScript {
    /// The greeting is accepted; the number of the newest frame, and the game.
    Welcome { id: u32, frame: u32, game: Game },
    /// The one answer to a request: bytes, or why not.
    Reply { id: u32, answer: Result<Vec<u8>, String> },
    /// A frame.
    Frame(Frame),
    /// Another game is loaded.
    Game(Game),
    /// The script ends the connection, and says why.
    Farewell(String),
}

/// What is loaded in the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Game {
    /// Title from the header.
    pub title: String,
    /// `AGB-` or the like, and the game code.
    pub code: String,
    /// 0: Game Boy Advance, 1: Game Boy.
    pub platform: u8,
    /// Size of the ROM in bytes.
    pub rom_bytes: u32,
    /// CRC-32 of the ROM.
    pub crc32: Vec<u8>,
    /// Areas of the bus by name.
    pub areas: Vec<(String, Region)>,
}

/// A frame with what changed in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its number since the script was loaded.
    pub number: u32,
    /// The emulator's own count; it jumps when a state is loaded or the machine reset.
    pub emulated: u32,
    /// Index of the region, index of the page in it, and its bytes.
    pub pages: Vec<(u8, u16, Vec<u8>)>,
    /// The picture as PNG; empty where it could not be taken.
    pub png: Vec<u8>,
}

/// Takes one message from the front of `bytes`. `Ok(None)`: it has not all arrived; an error: this is not the script.
pub(super) fn take(bytes: &mut Vec<u8>) -> Result<Option<FromScript>, &'static str> {
    let Some(length) = bytes.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize) else {
        return Ok(None);
    };
    if length == 0 || length > MESSAGE_BYTES_MAX {
        return Err("it sends what the script does not send");
    }
    if bytes.len() < 4 + length {
        return Ok(None);
    }
    let decoded = decode(bytes[4], &bytes[5..4 + length]).ok_or("it sends what the script does not send");
    bytes.drain(..4 + length);
    decoded.map(Some)
}

fn decode(kind: u8, payload: &[u8]) -> Option<FromScript> {
    let mut fields = Fields(payload);
    let message = match kind {
        128 => {
            let id = fields.u32()?;
            let version = fields.u16()?;
            let frame = fields.u32()?;
            (version == VERSION).then_some(())?;
            FromScript::Welcome { id, frame, game: fields.game()? }
        }
        129 => {
            let id = fields.u32()?;
            let is_done = fields.u8()? == 0;
            let rest = fields.rest();
            let answer = if is_done { Ok(rest.to_vec()) } else { Err(String::from_utf8_lossy(rest).into_owned()) };
            return Some(FromScript::Reply { id, answer });
        }
        130 => {
            let (number, emulated) = (fields.u32()?, fields.u32()?);
            let pages = (0..fields.u16()?).map(|_| fields.page()).collect::<Option<Vec<_>>>()?;
            return Some(FromScript::Frame(Frame { number, emulated, pages, png: fields.rest().to_vec() }));
        }
        131 => FromScript::Game(fields.game()?),
        132 => return Some(FromScript::Farewell(String::from_utf8_lossy(payload).into_owned())),
        _ => return None,
    };
    fields.0.is_empty().then_some(message)
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    fn text(&mut self) -> Option<String> {
        self.short().map(|bytes| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_string())
    }

    fn page(&mut self) -> Option<(u8, u16, Vec<u8>)> {
        let (region, index) = (self.u8()?, self.u16()?);
        let length = self.u32()? as usize;
        if length > PAGE_BYTES {
            return None;
        }
        Some((region, index, self.bytes(length)?.to_vec()))
    }

    fn game(&mut self) -> Option<Game> {
        let (title, code) = (self.text()?, self.text()?);
        let (platform, rom_bytes) = (self.u8()?, self.u32()?);
        let crc32 = self.short()?.to_vec();
        let mut areas = Vec::new();
        for _ in 0..self.u8()? {
            let name = self.text()?;
            areas.push((name, Region { address: self.u32()?, length: self.u32()? }));
        }
        Some(Game { title, code, platform, rom_bytes, crc32, areas })
    }
}

fn put_u16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend(value.to_le_bytes());
}

fn short_text(bytes: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
    bytes.push(text.len() as u8);
    bytes.extend(text);
}

fn sized(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame_message() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0, 130];
        bytes.extend(7u32.to_le_bytes());
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend([0, 3, 0, 2, 0, 0, 0, 0xAA, 0xBB]);
        bytes.extend(b"png");
        sized(bytes)
    }

    #[test]
    fn a_message_that_comes_byte_by_byte_is_taken_once_whole() {
        let whole = frame_message();
        let mut bytes = Vec::new();
        for (index, byte) in whole.iter().enumerate() {
            bytes.push(*byte);
            let taken = take(&mut bytes).expect("it is the script");
            assert_eq!(taken.is_some(), index + 1 == whole.len());
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_does_not_add_up_is_no_message() {
        let mut frame = frame_message();
        frame[15 + 3] = 0xFF;
        assert!(take(&mut frame).is_err(), "a page longer than the message");
        assert!(take(&mut vec![0, 0, 0, 0, 1]).is_err(), "an empty message");
        assert!(take(&mut vec![0xFF; 16]).is_err(), "four gigabytes");
        assert!(take(&mut b"\x05\0\0\0HTTP/1.1".to_vec()).is_err(), "another protocol");
    }
}
