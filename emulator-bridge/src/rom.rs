//! A ROM file: reading it, and recognising what a Game Boy Advance would start.

use crate::backend::BackendError;
use sha1::{Digest as _, Sha1};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use wire::emulator::Cartridge;

/// The largest file taken for a ROM; the largest Game Boy Advance cartridge holds 32 MiB.
const ROM_BYTES_MAX: u64 = 256 << 20;
const GBA_BYTES_MAX: usize = 32 << 20;
const HEADER_BYTES: usize = 0xC0;
const TITLE: std::ops::Range<usize> = 0xA0..0xAC;
const CODE: std::ops::Range<usize> = 0xAC..0xB0;
const FIXED_BYTE: usize = 0xB2;
const CHECKED: std::ops::RangeInclusive<usize> = 0xA0..=0xBC;
const CHECKSUM: usize = 0xBD;

/// A ROM file in memory.
pub(crate) struct Rom {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Rom {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Rom, BackendError> {
        let missing = |reason: String| BackendError::RomMissing { path: path.to_path_buf(), reason };
        let file = std::fs::File::open(path)
            .map_err(|error| missing(format!("{error}: name a ROM with --rom or [emulator] rom = \"…\"")))?;
        let metadata = file.metadata().map_err(|error| missing(error.to_string()))?;
        if metadata.is_dir() {
            return Err(missing("this is a folder, and a ROM is a file".to_string()));
        }
        let mut bytes = Vec::new();
        file.take(ROM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| missing(error.to_string()))?;
        if bytes.len() as u64 > ROM_BYTES_MAX {
            let reason = format!("larger than {} MiB, which no cartridge is", ROM_BYTES_MAX >> 20);
            return Err(BackendError::RomForeign { path: path.to_path_buf(), reason });
        }
        Ok(Rom { path: path.to_path_buf(), bytes })
    }

    /// What the file name ends in, in lower case.
    pub(crate) fn extension(&self) -> String {
        self.path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
    }

    /// Refuses what a Game Boy Advance would not start, and says what was found instead.
    pub(crate) fn check_gba(&self) -> Result<(), BackendError> {
        let refuse = |reason: String| Err(BackendError::RomForeign { path: self.path.clone(), reason });
        let bytes = &self.bytes;
        if let Some(found) = familiar(bytes) {
            return refuse(format!("{found}, not a Game Boy Advance ROM"));
        }
        if bytes.len() < HEADER_BYTES {
            return refuse(format!("{} bytes are too few: the header alone has {HEADER_BYTES}", bytes.len()));
        }
        if bytes[FIXED_BYTE] != 0x96 {
            let found = bytes[FIXED_BYTE];
            return refuse(format!("not a Game Boy Advance ROM: byte 0xb2 is {found:#04x} where each has 0x96"));
        }
        let sum = bytes[CHECKED].iter().fold(0x19u8, |sum, byte| sum.wrapping_add(*byte));
        let right = 0u8.wrapping_sub(sum);
        if bytes[CHECKSUM] != right {
            let found = bytes[CHECKSUM];
            return refuse(format!("damaged header: its checksum is {found:#04x} and should be {right:#04x}"));
        }
        if bytes[3] != 0xEA {
            return refuse(format!("it does not begin with a jump: byte 3 is {:#04x}, not 0xea", bytes[3]));
        }
        if bytes.len() > GBA_BYTES_MAX || !bytes.len().is_multiple_of(4) {
            tracing::warn!(bytes = bytes.len(), path = %self.path.display(), "ROM has an odd size; it may be cut short");
        }
        Ok(())
    }

    /// Title and code from a Game Boy Advance header, where `gba` says that there is one; size and SHA-1.
    pub(crate) fn cartridge(&self, gba: bool) -> Cartridge {
        let text = |range| if gba { header_text(&self.bytes[range]) } else { String::new() };
        Cartridge {
            title: text(TITLE),
            code: text(CODE),
            sha1: Some(sha1_hex(&self.bytes)),
            bytes: Some(self.bytes.len() as u64),
        }
    }
}

/// SHA-1 as 40 hexadecimal digits.
fn sha1_hex(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let printable = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
    bytes[..end].iter().map(printable).collect::<String>().trim_end().to_string()
}

fn familiar(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(HEADER_BYTES)];
    if head.is_empty() {
        Some("an empty file")
    } else if head.starts_with(b"PK\x03\x04") {
        Some("a zip archive (unpack it first)")
    } else if head.starts_with(b"\x1f\x8b") || head.starts_with(b"7z\xbc\xaf") {
        Some("a compressed archive (unpack it first)")
    } else if head.starts_with(b"\x7fELF") {
        Some("an ELF executable")
    } else if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        Some("a text file")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::test_rom;

    fn rom(bytes: Vec<u8>) -> Rom {
        Rom { path: PathBuf::from("game.gba"), bytes }
    }

    #[test]
    fn a_rom_tells_its_title_and_code() {
        let rom = rom(test_rom());
        rom.check_gba().expect("it is a ROM");
        let cartridge = rom.cartridge(true);
        assert_eq!((cartridge.title.as_str(), cartridge.code.as_str()), ("BRIDGE TEST", "ZPPT"));
        assert_eq!(cartridge.sha1.map(|sha1| sha1.len()), Some(40));
    }

    #[test]
    fn what_is_not_a_rom_is_refused_by_what_it_is() {
        let mut wrong_fixed = test_rom();
        wrong_fixed[FIXED_BYTE] = 0;
        let mut wrong_sum = test_rom();
        wrong_sum[CHECKSUM] ^= 1;
        let cases: [(&str, Vec<u8>); 7] = [
            ("empty file", Vec::new()),
            ("text file", b"hello, this is not a game\n".repeat(20)),
            ("zip archive", b"PK\x03\x04\0\0\0\0".repeat(40)),
            ("too few", vec![0; 100]),
            ("0xb2", wrong_fixed),
            ("checksum", wrong_sum),
            ("0xb2", vec![0; 4096]),
        ];
        for (expected, bytes) in cases {
            let error = rom(bytes).check_gba().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn sha1_matches_the_published_vector() {
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
