//! Sights: all of a frame, its memory and its picture, in a file that mGBA writes and that is read here, where both run
//! on one machine.
//!
//! mGBA's saved states are pictures in whose file the machine's state lies, compressed, and in it the work memory and the
//! number of the frame. So one request brings everything, of one and the same frame, in a few milliseconds instead of
//! as text in hundreds. Each file has a name that was never used before, in a folder that only this user can enter, and is
//! deleted when it was read. Where a state holds what is no promise of mGBA's, so the first is compared with memory that
//! was read as text ([`Sights::prove`]); without such a proof none is used.

use super::memory::{EWRAM, IWRAM, covers};
use super::request::{Answer, Request};
use crate::backend::BackendError;
use crate::private_folder::PrivateFolder;
use crate::screenshot::{self, Screenshot};
use std::fs::OpenOptions;
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt as _;
use wire::memory::Region;

/// The largest file that is read, and the largest state in it; a state has 397 KB.
const FILE_BYTES_MAX: usize = 2 << 20;
/// The longest path that fits into one read of every script version, with the request before it.
const PATH_BYTES_MAX: usize = 300;
/// The first word of a Game Boy Advance state, without the version in its lowest byte.
const STATE_MAGIC: u32 = 0x0100_0000;
const STATE_BYTES: usize = 0x6_1000;
/// Where a state holds the cartridge's checksum, its title and code, and the number of the frame.
const STATE_CHECKSUM: Range<usize> = 0x08..0x0C;
const STATE_NAME: Range<usize> = 0x10..0x20;
const STATE_FRAME: usize = 0x1FC;
/// Where a state holds the work memories.
const STATE_PARTS: [(Region, usize); 2] = [(EWRAM, 0x2_1000), (IWRAM, 0x1_9000)];
/// What a PNG file begins with.
const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The kind of the chunk that holds a Game Boy Advance state, and the bytes of a chunk around what it holds.
const STATE_CHUNK: &[u8] = b"gbAs";
const CHUNK_HEAD_BYTES: usize = 8;
const CHUNK_END_BYTES: usize = 4;
/// What the first state is compared with. Games keep what they change seldom at these places, and what they change
/// always at others, so that some of it is the same before and after.
const PROOF: [Region; 4] = [
    Region { address: 0x0200_0000, length: 0x400 },
    Region { address: 0x0203_B000, length: 0x400 },
    Region { address: 0x0300_0000, length: 0x400 },
    Region { address: 0x0300_7C00, length: 0x400 },
];

/// The folder that sights come in.
#[derive(Debug)]
pub(super) struct Sights {
    folder: PrivateFolder,
    number: u64,
    /// Whether a sight agreed with memory. Otherwise its picture may still be good.
    pub(super) is_proven: bool,
}

impl Sights {
    /// Makes the folder, below the one for run-time files or for temporary ones.
    pub(super) fn create() -> Result<Sights, BackendError> {
        let folder = PrivateFolder::create()?;
        let path = folder.path.clone();
        let failed = |reason: String| BackendError::Folder { path, reason };
        let sights = Sights { folder, number: 0, is_proven: false };
        let text = sights.folder.path.to_str().unwrap_or_default();
        // A comma ends an argument, and the script knows no way around it.
        if text.is_empty()
            || text.len() > PATH_BYTES_MAX
            || text.contains(|sign: char| sign == ',' || sign.is_control())
        {
            return Err(failed("its path cannot be told to mGBA: set XDG_RUNTIME_DIR to another folder".to_string()));
        }
        Ok(sights)
    }

    /// A path at which no file is, and never was.
    pub(super) fn fresh(&mut self) -> String {
        self.number += 1;
        self.folder.path.join(format!("{}.png", self.number)).to_string_lossy().into_owned()
    }

    /// What to ask for a first sight that can be compared, and the path it will be at.
    pub(super) fn trial(&mut self) -> (String, Vec<Request>) {
        let path = self.fresh();
        let proof = || PROOF.into_iter().map(Request::Range);
        let before = [Request::Frame].into_iter().chain(proof());
        let after = proof().chain([Request::Frame]);
        (path.clone(), before.chain([Request::StateFile(path)]).chain(after).collect())
    }

    /// Compares the first sight with what was read as text before and after it.
    pub(super) fn prove(&self, path: &str, answers: &[Answer]) -> Result<(), String> {
        let (before, rest) = answers.split_at_checked(1 + PROOF.len()).ok_or("too few answers")?;
        let Some((Answer::Truth(true), after)) = rest.split_first() else {
            return Err("mGBA writes no state file there".to_string());
        };
        let sight = self.take(path)?;
        let (Some(Answer::Number(first)), Some(Answer::Number(last))) = (before.first(), after.last()) else {
            return Err("too few answers".to_string());
        };
        // A state that was loaded or a reset in between moves the count back; then the next connection tries again.
        if !(*first..=*last).contains(&sight.frame) {
            return Err(format!("its state is of frame {}, and was taken from {first} to {last}", sight.frame));
        }
        let mut compared = 0;
        for ((region, before), after) in PROOF.into_iter().zip(&before[1..]).zip(after) {
            let Answer::Bytes(bytes) = before else { continue };
            if before == after {
                compared += 1;
                if sight.find(region) != Some(bytes) {
                    return Err(format!("its state differs from memory at {:#010x}", region.address));
                }
            }
        }
        if compared == 0 { Err("memory changes too fast to be compared".to_string()) } else { Ok(()) }
    }

    /// Reads the sight that mGBA has written at this path, and deletes it.
    pub(super) fn take(&self, path: &str) -> Result<Sight, String> {
        Sight::unpack(self.take_file(path)?)
    }

    /// Reads the picture that mGBA has written at this path, and deletes it.
    pub(super) fn take_picture(&self, path: &str) -> Result<Screenshot, String> {
        screenshot::decode(&self.take_file(path)?)
    }

    fn take_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let no_links = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        let opened = OpenOptions::new().read(true).custom_flags(no_links).open(path);
        let file = opened.map_err(|error| format!("mGBA wrote no file at {path}: {error}"))?;
        let mut bytes = Vec::new();
        let read = file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
        let _ = std::fs::remove_file(path);
        read.map_err(|error| format!("{path}: {error}"))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(format!("{path} is larger than {FILE_BYTES_MAX} bytes"));
        }
        Ok(bytes)
    }
}

/// All of a frame.
#[derive(Debug)]
pub(super) struct Sight {
    /// Its number in mGBA's count.
    pub frame: u64,
    file: Vec<u8>,
    state: Vec<u8>,
}

impl Sight {
    fn unpack(file: Vec<u8>) -> Result<Sight, String> {
        let packed = find_chunk(&file, STATE_CHUNK).ok_or("the picture holds no Game Boy Advance state")?;
        let unpacked = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, FILE_BYTES_MAX);
        let state = unpacked.map_err(|error| format!("the state cannot be unpacked: {error}"))?;
        let word = |at: usize| state.get(at..)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word));
        let is_state = word(0).is_some_and(|magic| magic & !0xFF == STATE_MAGIC) && state.len() >= STATE_BYTES;
        let frame = word(STATE_FRAME).filter(|_| is_state);
        let frame = frame.ok_or_else(|| format!("{} bytes that are no Game Boy Advance state", state.len()))?;
        Ok(Sight { frame: u64::from(frame), file, state })
    }

    /// Memory of the machine, where the state holds it.
    pub(super) fn find(&self, wanted: Region) -> Option<&[u8]> {
        let length = wanted.length as usize;
        let (part, start) = STATE_PARTS.iter().find(|(part, _)| covers(part, wanted.address, length))?;
        let start = start + (wanted.address - part.address) as usize;
        self.state.get(start..start + length)
    }

    /// What tells one cartridge from another.
    pub(super) fn cartridge(&self) -> [&[u8]; 2] {
        [STATE_CHECKSUM, STATE_NAME].map(|range| &self.state[range])
    }

    /// The picture.
    pub(super) fn picture(&self) -> Result<Screenshot, String> {
        screenshot::decode(&self.file)
    }
}

/// What the first chunk of this kind holds.
fn find_chunk<'a>(file: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    let mut rest = file.strip_prefix(PNG_MAGIC)?;
    loop {
        let (head, body) = rest.split_at_checked(CHUNK_HEAD_BYTES)?;
        let length = u32::from_be_bytes(*head.first_chunk()?) as usize;
        let (held, after) = body.split_at_checked(length)?;
        if head.ends_with(kind) {
            return Some(held);
        }
        rest = after.get(CHUNK_END_BYTES..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn chunk(kind: &[u8], held: &[u8]) -> Vec<u8> {
        [&(held.len() as u32).to_be_bytes(), kind, held, &[0; CHUNK_END_BYTES]].concat()
    }

    fn file(state: &[u8]) -> Vec<u8> {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(state, 1);
        [PNG_MAGIC, &chunk(b"IHDR", &[0; 13]), &chunk(STATE_CHUNK, &packed)].concat()
    }

    fn state() -> Vec<u8> {
        let mut state = vec![0; STATE_BYTES];
        state[..4].copy_from_slice(&0x0100_0007u32.to_le_bytes());
        state[STATE_FRAME..STATE_FRAME + 2].copy_from_slice(&[0x34, 0x12]);
        (state[0x2_1000], state[0x1_9000 + 0x7FFF]) = (1, 2);
        state
    }

    #[test]
    fn files_are_private_fresh_and_gone_after_they_were_read() {
        let mut sights = Sights::create().expect("a folder is made");
        let mode = std::fs::metadata(&sights.folder.path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let (first, second) = (sights.fresh(), sights.fresh());
        assert_ne!(first, second);
        assert!(sights.take(&first).is_err());
        std::fs::write(&first, file(&state())).expect("it is written");
        assert_eq!(sights.take(&first).map(|sight| sight.frame), Ok(0x1234));
        assert!(sights.take(&first).is_err(), "it is gone");
        let target = sights.fresh();
        std::fs::write(&target, file(&state())).expect("it is written");
        std::os::unix::fs::symlink(&target, &second).expect("a link is made");
        assert!(sights.take(&second).is_err(), "a link is not followed");
        let folder = sights.folder.path.clone();
        drop(sights);
        assert!(!folder.exists());
    }

    #[test]
    fn a_state_shows_the_work_memories_and_nothing_else() {
        let sight = Sight::unpack(file(&state())).expect("it is a state");
        assert_eq!(sight.find(Region { address: 0x0200_0000, length: 1 }), Some(&[1][..]));
        assert_eq!(sight.find(Region { address: 0x0300_7FFF, length: 1 }), Some(&[2][..]));
        assert_eq!(sight.find(Region { address: 0x0300_7FFF, length: 2 }), None);
        assert!(Sight::unpack(file(&state()[1..])).is_err());
        assert!(Sight::unpack(file(&vec![0; STATE_BYTES])).is_err());
        let whole = file(&state());
        for cut in 0..whole.len() - CHUNK_END_BYTES {
            assert!(Sight::unpack(whole[..cut].to_vec()).is_err(), "cut to {cut} bytes");
        }
    }

    #[test]
    fn a_state_that_disagrees_with_memory_is_not_believed() {
        let mut sights = Sights::create().expect("a folder is made");
        let mut prove = |first: u64, last: u64, byte: u8| {
            let (path, requests) = sights.trial();
            std::fs::write(&path, file(&state())).expect("it is written");
            let mut numbers = [first, last].into_iter();
            let answers = requests.iter().filter_map(|request| match request {
                Request::Frame => numbers.next().map(Answer::Number),
                Request::Range(region) => {
                    let mut bytes = vec![0; region.length as usize];
                    (bytes[0], bytes[0x3FF]) = match region.address {
                        0x0200_0000 => (byte, 0),
                        0x0300_7C00 => (0, 2),
                        _ => (0, 0),
                    };
                    Some(Answer::Bytes(bytes))
                }
                _ => Some(Answer::Truth(true)),
            });
            let answers: Vec<Answer> = answers.collect();
            sights.prove(&path, &answers)
        };
        assert_eq!(prove(0x1230, 0x1238, 1), Ok(()));
        assert!(prove(0x1230, 0x1238, 7).is_err_and(|why| why.contains("0x02000000")));
        assert!(prove(0x1235, 0x1238, 1).is_err_and(|why| why.contains("frame")));
        assert!(prove(0x1230, 0x1233, 1).is_err_and(|why| why.contains("frame")));
    }
}
