//! Memories from other programs, or from another machine: what [`crate::export`] writes, read again.

use crate::export::{Line, MEMORIES, VECTORS};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Lines, Read as _};
use std::path::{Path, PathBuf};
use wire::recall::{DIMENSIONS_MAX, NewMemory};

/// The most bytes of numpy's head that are read.
const HEAD_BYTES_MAX: usize = 4_096;

/// Why memories cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {message}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {message}", file.display())]
    WrongLine {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
}

/// Memories that are being read.
pub struct Import {
    folder: PathBuf,
    dimensions: usize,
    count: u64,
    read: u64,
    vectors: BufReader<File>,
    memories: Lines<BufReader<File>>,
}

impl Import {
    /// Opens an exported folder.
    pub fn open(folder: &Path) -> Result<Import, ImportError> {
        let open = |name: &str| {
            let file = folder.join(name);
            File::open(&file).map(BufReader::new).map_err(|source| ImportError::Io { file, source })
        };
        let (mut vectors, memories) = (open(VECTORS)?, open(MEMORIES)?);
        let wrong = |message: String| ImportError::Wrong { file: folder.join(VECTORS), message };
        let (count, dimensions) = shape(&mut vectors).map_err(wrong)?;
        if dimensions == 0 || dimensions > DIMENSIONS_MAX as usize {
            return Err(wrong(format!("its rows have {dimensions} numbers; 1 to {DIMENSIONS_MAX} are possible")));
        }
        Ok(Import { folder: folder.to_path_buf(), dimensions, count, read: 0, vectors, memories: memories.lines() })
    }

    /// Numbers in each vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many memories there are.
    pub fn rows(&self) -> u64 {
        self.count
    }

    fn memory(&mut self, text: &str) -> Result<NewMemory, ImportError> {
        let wrong_line =
            |message| ImportError::WrongLine { file: self.folder.join(MEMORIES), line: self.read, message };
        if self.read > self.count {
            return Err(wrong_line(format!("{VECTORS} has {} rows only", self.count)));
        }
        let Line { memory, detail } =
            serde_json::from_str(text).map_err(|error| wrong_line(format!("no memory: {error}")))?;
        let mut bytes = vec![0; self.dimensions * size_of::<f32>()];
        self.vectors.read_exact(&mut bytes).map_err(|_| ImportError::Wrong {
            file: self.folder.join(VECTORS),
            message: format!("it ends within row {}", self.read),
        })?;
        let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let vector = bytes.chunks_exact(size_of::<f32>()).map(number).collect();
        Ok(NewMemory { memory: memory.into_owned(), vector, detail: detail.into_owned() })
    }
}

impl Iterator for Import {
    type Item = Result<NewMemory, ImportError>;

    fn next(&mut self) -> Option<Result<NewMemory, ImportError>> {
        let file = self.folder.join(MEMORIES);
        match self.memories.next() {
            None if self.read < self.count => {
                let message = format!("it has {} memories, and {VECTORS} {} rows", self.read, self.count);
                self.read = self.count;
                Some(Err(ImportError::Wrong { file, message }))
            }
            None => None,
            Some(Err(source)) => Some(Err(ImportError::Io { file, source })),
            Some(Ok(text)) => {
                self.read += 1;
                Some(self.memory(&text))
            }
        }
    }
}

/// Rows and columns of a numpy file, which is read up to its first number.
fn shape(file: &mut impl io::Read) -> Result<(u64, usize), String> {
    let no_array = |_| "it is no numpy array".to_string();
    let mut start = [0; 10];
    file.read_exact(&mut start).map_err(no_array)?;
    if !start.starts_with(b"\x93NUMPY") || start[6] != 1 {
        return Err("it is no numpy array of format 1; numpy.save writes one".to_string());
    }
    let length = usize::from(u16::from_le_bytes([start[8], start[9]]));
    if length > HEAD_BYTES_MAX {
        return Err("its head is too long".to_string());
    }
    let mut head = vec![0; length];
    file.read_exact(&mut head).map_err(no_array)?;
    let head = String::from_utf8_lossy(&head);
    if !head.contains("'descr': '<f4'") || !head.contains("'fortran_order': False") {
        return Err("it must hold 32-bit floats, little-endian, row by row (dtype float32)".to_string());
    }
    let shape = head.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')')).map(|(shape, _)| shape);
    let sizes: Vec<u64> = shape.unwrap_or("").split(',').filter_map(|size| size.trim().parse().ok()).collect();
    match sizes[..] {
        [rows, columns] => Ok((rows, usize::try_from(columns).unwrap_or(usize::MAX))),
        _ => Err("it must have two dimensions: one row a memory".to_string()),
    }
}

#[cfg(test)]
mod tests;
