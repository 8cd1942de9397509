//! What a generation says of itself, and how it is known to be whole.
//!
//! `CURRENT` holds the checksum of the manifest, the manifest those of the other files and one of itself: every byte that
//! is ever read is covered. The checksums (XXH3, 64 bits) find damage; they do not keep out somebody who wants in.

use super::GenerationError;
use crate::kind::Kind;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use wire::recall::Space;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The layout of files that this program writes and reads.
const FORMAT: u32 = 1;
/// The most bytes of a manifest or of `CURRENT`.
const TEXT_BYTES_MAX: u64 = 16 << 10;
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// What the manifest's last line begins with: the checksum of the lines before it follows.
const SEAL: &str = "# xxh3 ";

/// `manifest.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout of the files.
    pub format: u32,
    /// The embedding space.
    pub space: String,
    /// Steps that the clips span.
    pub span: u32,
    /// The generation's number.
    pub generation: u64,
    /// The index's kind.
    pub kind: String,
    /// Numbers in each vector.
    pub dimensions: u32,
    /// Memories in the generation.
    pub count: u64,
    /// The highest memory id that was considered.
    pub last_id: u64,
    /// The version of FAISS that wrote the index.
    pub faiss: String,
    /// The index.
    pub vectors: Sum,
    /// The ids, 8 bytes each.
    pub ids: Sum,
    /// The notes.
    pub notes: Sum,
}

/// What is known of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How many there are.
    pub bytes: u64,
    /// Their checksum, in hexadecimal digits.
    pub xxh3: String,
}

impl Manifest {
    /// A manifest in the present format.
    pub(super) const FORMAT: u32 = FORMAT;

    /// The file's text, sealed.
    pub(super) fn text(&self) -> Result<String, String> {
        let body = toml::to_string(self).map_err(|error| error.to_string())?;
        let seal = hexadecimal(xxh3_64(body.as_bytes()));
        Ok(format!("{body}{SEAL}{seal}\n"))
    }

    /// Reads a manifest; with a checksum it must be that one.
    pub(super) fn read(path: &Path, checksum: Option<&str>) -> Result<Manifest, GenerationError> {
        let refuse = |reason: String| GenerationError::refused(path, reason);
        let text = read_text(path)?;
        if checksum.is_some_and(|checksum| checksum != hexadecimal(xxh3_64(text.as_bytes()))) {
            return Err(refuse("its checksum is not the one that CURRENT tells".to_string()));
        }
        let (body, seal) = text.rsplit_once(SEAL).ok_or_else(|| refuse("it ends without its checksum".to_string()))?;
        if format!("{}\n", hexadecimal(xxh3_64(body.as_bytes()))) != seal {
            return Err(refuse("its checksum is not the one in its last line".to_string()));
        }
        let manifest: Manifest = toml::from_str(body).map_err(|error| refuse(error.message().to_string()))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!("it is of format {}, this program reads {FORMAT}", manifest.format)));
        }
        Ok(manifest)
    }

    /// Checks that this is that generation of that silo; returns the index's kind.
    pub(super) fn check(&self, path: &Path, space: &Space, span: u32, number: u64) -> Result<Kind, GenerationError> {
        let refuse = |reason: String| Err(GenerationError::refused(path, reason));
        if (&self.space, self.dimensions) != (&space.name, space.dimensions) {
            let (found, wanted) = (&self.space, &space.name);
            return refuse(format!(
                "its vectors are of space {found} with {} dimensions, not of {wanted} with {}",
                self.dimensions, space.dimensions
            ));
        }
        if self.span != span {
            return refuse(format!("its clips span {} steps, not {span}", self.span));
        }
        if self.generation != number {
            return refuse(format!("it describes generation {}", self.generation));
        }
        match Kind::named(&self.kind) {
            Some(kind) => Ok(kind),
            None => refuse(format!("no index is of kind {:?}", self.kind)),
        }
    }
}

/// What `CURRENT` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Current {
    /// The generation's number.
    pub number: u64,
    /// The checksum of its manifest.
    pub checksum: String,
}

impl Current {
    /// The file's text.
    pub(super) fn text(number: u64, manifest: &str) -> String {
        format!("{number:08} {}\n", hexadecimal(xxh3_64(manifest.as_bytes())))
    }

    /// Reads the file; `None`: there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Current>, GenerationError> {
        if matches!(path.try_exists(), Ok(false)) {
            return Ok(None);
        }
        let text = read_text(path)?;
        // It is garbage unless it is just what this program writes.
        let current = text.trim_end().split_once(' ').and_then(|(number, checksum)| {
            Some(Current { number: number.parse().ok()?, checksum: checksum.to_string() })
        });
        let current = current.filter(|current| text == format!("{:08} {}\n", current.number, current.checksum));
        match current {
            Some(current) if current.checksum.len() == 16 => Ok(Some(current)),
            _ => Err(GenerationError::refused(path, "it does not name a generation".to_string())),
        }
    }
}

impl Sum {
    /// Sums up a file.
    pub(super) fn of(path: &Path) -> Result<Sum, GenerationError> {
        let fault = |error| GenerationError::reading(path, error);
        let mut file = File::open(path).map_err(fault)?;
        let mut hash = Xxh3::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut bytes = 0;
        loop {
            let count = file.read(&mut chunk).map_err(fault)?;
            if count == 0 {
                return Ok(Sum { bytes, xxh3: hexadecimal(hash.digest()) });
            }
            hash.update(&chunk[..count]);
            bytes += count as u64;
        }
    }

    /// Checks that a file is the one that was summed up. Reads it once from its beginning to its end, so that afterwards
    /// the kernel has it in memory.
    pub(super) fn check(&self, path: &Path) -> Result<(), GenerationError> {
        let refuse = |reason: String| Err(GenerationError::refused(path, reason));
        let bytes = fs::metadata(path).map_err(|error| GenerationError::reading(path, error))?.len();
        if bytes != self.bytes {
            return refuse(format!("it has {bytes} bytes where {} were written", self.bytes));
        }
        if Sum::of(path)? != *self {
            return refuse("its checksum is not the one that was written".to_string());
        }
        Ok(())
    }
}

fn read_text(path: &Path) -> Result<String, GenerationError> {
    let fault = |error| GenerationError::reading(path, error);
    let mut text = Vec::new();
    File::open(path).map_err(fault)?.take(TEXT_BYTES_MAX).read_to_end(&mut text).map_err(fault)?;
    String::from_utf8(text).map_err(|_| GenerationError::refused(path, "it is not text".to_string()))
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}
