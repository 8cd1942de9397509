//! What the script answers, by version.

use emulator_bridge::EmulatorBackend;
use std::path::Path;
use wire::buttons::Mask;

const SUCCESS: &str = "<|SUCCESS|>";
const ACK: &str = "<|ACK|>";
const ERROR: &str = "<|ERROR|>";
const KEYS: [&str; 10] = ["A", "B", "Select", "Start", "Right", "Left", "Up", "Down", "R", "L"];
const STATE_BYTES: usize = 0x6_1000;

/// A version of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say all")]
pub enum Version {
    V0_4,
    V0_5,
    V0_6,
    V0_8,
    V0_9,
    V0_10,
    V1_0,
}

impl Version {
    /// All of them.
    pub const ALL: [Version; 7] =
        [Version::V0_4, Version::V0_5, Version::V0_6, Version::V0_8, Version::V0_9, Version::V0_10, Version::V1_0];

    /// What ends messages.
    pub(super) fn end(self) -> Option<&'static str> {
        (self >= Version::V0_6).then_some("<|END|>")
    }

    /// The most bytes of one read from a socket.
    pub(super) fn piece_bytes(self) -> usize {
        if self == Version::V0_5 { 512 } else { 1024 }
    }
}

/// The script, and what it did to the emulator.
pub(super) struct Script {
    version: Version,
    writes_files: bool,
    lies: bool,
    pub(super) keys: Mask,
    presses: Vec<Press>,
    frame: u32,
}

/// Keys that the script holds from a frame to another.
struct Press {
    mask: Mask,
    first: i64,
    last: i64,
    has_begun: bool,
}

impl Script {
    pub(super) fn new(version: Version, writes_files: bool, lies: bool) -> Script {
        Script { version, writes_files, lies, keys: 0, presses: Vec::new(), frame: 0 }
    }

    pub(super) fn run_frame(&mut self, backend: &mut dyn EmulatorBackend) {
        backend.run_frame(self.keys).expect("it runs");
        self.frame += 1;
    }

    pub(super) fn reset(&mut self, backend: &mut dyn EmulatorBackend) {
        backend.reset().expect("it is reset");
        self.frame = 0;
    }

    /// Presses and releases what is due; the script does so before it looks at its sockets.
    pub(super) fn press(&mut self) {
        let frame = i64::from(self.frame);
        for press in &mut self.presses {
            if (press.first..=press.last).contains(&frame) && !press.has_begun {
                self.keys |= press.mask;
                press.has_begun = true;
            } else if frame > press.last {
                self.keys &= !press.mask;
            }
        }
        self.presses.retain(|press| frame <= press.last);
    }

    /// The answer to a message, without its end.
    pub(super) fn answer(&mut self, backend: &mut dyn EmulatorBackend, message: &str) -> String {
        let nothing = if self.version < Version::V0_6 { ACK } else { SUCCESS };
        let unknown = if self.version < Version::V0_10 { nothing } else { ERROR };
        let mut words = message.split(',').filter(|word| !word.is_empty());
        let command = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        let names_presses = match self.version {
            Version::V0_4 => "",
            Version::V0_5 | Version::V0_6 => "mgba-http.button.holdmany",
            _ => "mgba-http.button.holdMany",
        };
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<u32>().ok()).unwrap_or_default();
        let cartridge = &backend.introduction().cartridge;
        match command {
            "core.currentFrame" => self.frame.to_string(),
            "core.platform" => "0".to_string(),
            "core.getGameCode" => format!("AGB-{}", cartridge.code),
            "core.getGameTitle" => cartridge.title.clone(),
            "core.romSize" => cartridge.bytes.unwrap_or_default().to_string(),
            "core.getKeys" => self.keys.to_string(),
            "core.setKeys" => {
                if !self.lies {
                    self.keys = number(0) as Mask;
                }
                nothing.to_string()
            }
            _ if command == names_presses => {
                let names = words[0].split(';').map(|name| KEYS.iter().position(|key| *key == name).expect("a key"));
                let mask = names.fold(0, |mask, bit| mask | 1 << bit);
                let first = i64::from(self.frame);
                let last = first + words[1].parse::<i64>().expect("a number") + 1;
                self.presses.push(Press { mask, first, last, has_begun: self.lies });
                nothing.to_string()
            }
            "core.read8" => read(backend, number(0), 1)[0].to_string(),
            "core.readRange" => self.list(&read(backend, number(0), number(1))),
            "core.write8" => {
                if !self.lies {
                    let _ = backend.write(number(0), &[number(1) as u8]);
                }
                nothing.to_string()
            }
            "core.screenshot" => {
                self.write_file(words[0], || picture_file(backend, None));
                nothing.to_string()
            }
            "core.saveStateFile" => {
                let is_written = self.write_file(words[0], || picture_file(backend, Some(self.frame)));
                if is_written { "true".to_string() } else { nothing.to_string() }
            }
            "coreAdapter.reset" => {
                if !self.lies {
                    self.reset(backend);
                }
                nothing.to_string()
            }
            _ => unknown.to_string(),
        }
    }

    fn list(&self, bytes: &[u8]) -> String {
        let is_decimal = self.version < Version::V0_8;
        let item = |byte: &u8| if is_decimal { byte.to_string() } else { format!("{byte:02x}") };
        bytes.iter().map(item).collect::<Vec<_>>().join(",")
    }

    fn write_file(&self, path: &str, bytes: impl FnOnce() -> Vec<u8>) -> bool {
        assert!(!Path::new(path).exists(), "{path} exists already");
        self.writes_files && std::fs::write(path, bytes()).is_ok()
    }
}

/// Memory as the machine's bus has it: what is not mapped reads as zeros.
fn read(backend: &dyn EmulatorBackend, address: u32, length: u32) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    if backend.read(address, &mut bytes).is_err() {
        bytes.fill(0);
    }
    bytes
}

/// The picture as a PNG file, with the machine's state in it if this frame's is wanted.
fn picture_file(backend: &dyn EmulatorBackend, frame: Option<u32>) -> Vec<u8> {
    let picture = backend.picture();
    let mut colors = Vec::new();
    for row in picture.pixels.chunks(picture.pitch).take(picture.height as usize) {
        for pixel in row.chunks_exact(2).take(picture.width as usize) {
            let pixel = u16::from_le_bytes([pixel[0], pixel[1]]);
            colors.extend([(pixel >> 8) as u8 & 0xF8, (pixel >> 3) as u8 & 0xFC, (pixel << 3) as u8]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().expect("a header");
    if let Some(frame) = frame {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&state(backend, frame), 1);
        writer.write_chunk(png::chunk::ChunkType(*b"gbAs"), &packed).expect("a chunk");
    }
    writer.write_image_data(&colors).expect("its pixels");
    writer.finish().expect("its end");
    file
}

/// The machine's state, as far as anybody looks at it.
fn state(backend: &dyn EmulatorBackend, frame: u32) -> Vec<u8> {
    let mut state = vec![0; STATE_BYTES];
    let mut put = |at: usize, bytes: &[u8]| state[at..at + bytes.len()].copy_from_slice(bytes);
    let cartridge = &backend.introduction().cartridge;
    put(0, &0x0100_0007u32.to_le_bytes());
    put(0x10, cartridge.title.as_bytes());
    put(0x1C, cartridge.code.as_bytes());
    put(0x1FC, &frame.to_le_bytes());
    put(0x2_1000, backend.region_bytes(0));
    put(0x1_9000, backend.region_bytes(1));
    state
}
