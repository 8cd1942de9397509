//! Memories for other programs: `vectors.npy` (numpy, one row a memory), `memories.jsonl` (one object a line, in the same
//! order) and `index.faiss` (what `faiss.read_index` reads; positions are those rows).

use crate::kind::Kind;
use crate::vectors::{self, VectorError, Vectors};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use wire::recall::Memory;

/// Bytes of numpy's head, format 1.0: padded, so that the count can be written at the end.
const HEAD_BYTES: usize = 128;

/// Why memories cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The vectors cannot be used.
    #[error(transparent)]
    Vectors(#[from] VectorError),
}

/// An export that is being written.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    dimensions: usize,
    vectors: BufWriter<File>,
    memories: BufWriter<File>,
    rows: Vec<f32>,
}

impl Export {
    /// Begins an export into a folder, which is made.
    pub fn create(folder: &Path, dimensions: usize) -> Result<Export, ExportError> {
        fs::create_dir_all(folder).map_err(|source| ExportError::Io { file: folder.to_path_buf(), source })?;
        let create = |name: &str| {
            let file = folder.join(name);
            File::create(&file).map(BufWriter::new).map_err(|source| ExportError::Io { file, source })
        };
        let (vectors, memories) = (create(VECTORS)?, create(MEMORIES)?);
        let mut export = Export { folder: folder.to_path_buf(), dimensions, vectors, memories, rows: Vec::new() };
        export.vectors.write_all(&head(0, dimensions)).map_err(export.fault(VECTORS))?;
        Ok(export)
    }

    /// Adds a memory with what else is kept of it, and its vector.
    pub fn put(&mut self, memory: &Memory, detail: &[u8], row: &[f32]) -> Result<(), ExportError> {
        vectors::check_one(row, self.dimensions)?;
        for value in row {
            self.vectors.write_all(&value.to_le_bytes()).map_err(self.fault(VECTORS))?;
        }
        let line = Line { memory: Cow::Borrowed(memory), detail: Cow::Borrowed(detail) };
        serde_json::to_writer(&mut self.memories, &line).map_err(io::Error::from).map_err(self.fault(MEMORIES))?;
        self.memories.write_all(b"\n").map_err(self.fault(MEMORIES))?;
        self.rows.extend_from_slice(row);
        Ok(())
    }

    /// Writes the index, of this kind, and all that is open; returns the number of memories.
    pub fn finish(mut self, kind: Kind) -> Result<usize, ExportError> {
        let count = self.rows.len() / self.dimensions.max(1);
        let head = head(count, self.dimensions);
        let ended = self.vectors.seek(SeekFrom::Start(0)).and_then(|_| self.vectors.write_all(&head));
        ended.and_then(|()| self.vectors.flush()).map_err(self.fault(VECTORS))?;
        self.memories.flush().map_err(self.fault(MEMORIES))?;
        Vectors::build(kind, self.dimensions, &self.rows)?.write(&self.folder.join(INDEX))?;
        Ok(count)
    }

    fn fault(&self, name: &str) -> impl Fn(io::Error) -> ExportError + use<> {
        let file = self.folder.join(name);
        move |source| ExportError::Io { file: file.clone(), source }
    }
}

/// Vectors, as numpy reads them.
pub(crate) const VECTORS: &str = "vectors.npy";
/// Memories, one a line.
pub(crate) const MEMORIES: &str = "memories.jsonl";
const INDEX: &str = "index.faiss";

/// A memory as one line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    /// The memory.
    #[serde(flatten)]
    pub memory: Cow<'a, Memory>,
    /// What else is kept of it, base64.
    #[serde(default, with = "detail", skip_serializing_if = "<[u8]>::is_empty")]
    pub detail: Cow<'a, [u8]>,
}

mod detail {
    use serde::{Deserializer, Serializer};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        wire::blob::serialize(bytes, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'static, [u8]>, D::Error> {
        wire::blob::deserialize(deserializer).map(Cow::Owned)
    }
}

/// Writes rows as a numpy file of 32-bit floats.
pub fn write_array(file: &Path, dimensions: usize, rows: &[f32]) -> Result<(), ExportError> {
    let fault = |source| ExportError::Io { file: file.to_path_buf(), source };
    let bytes = rows.iter().flat_map(|value| value.to_le_bytes());
    let whole: Vec<u8> = head(rows.len() / dimensions.max(1), dimensions).into_iter().chain(bytes).collect();
    fs::write(file, whole).map_err(fault)
}

/// The head of a numpy file of little-endian 32-bit floats in rows.
fn head(count: usize, dimensions: usize) -> Vec<u8> {
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    let length = u16::try_from(HEAD_BYTES - head.len() - 2).unwrap_or(0);
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {dimensions}), }}").as_bytes(),
    );
    head.resize(HEAD_BYTES - 1, b' ');
    head.push(b'\n');
    head
}

#[cfg(test)]
mod tests;
