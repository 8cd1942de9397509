//! Vectors that can be searched: a FAISS index of one kind, checked at every edge.
//!
//! Distances are squared Euclidean ones. A vector's position is its place in the order of adding. Many threads may search
//! at once. Absent: removal (a silo remembers what is dead) and identities (a generation knows what lies where).

use crate::kind::Kind;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

mod apart;
pub(crate) mod ffi;

/// The most vectors of one index: FAISS's graphs count in 31 bits.
const COUNT_MAX: usize = i32::MAX as usize;
/// Rows that are given to FAISS at a time.
const ROWS_AT_ONCE: usize = 16_384;
/// Bytes before what is peculiar to the kind: mark, dimensions, count, two fillers, trained, metric.
const HEAD_BYTES: usize = 4 + 4 + 8 + 8 + 8 + 1 + 4;
/// Where the metric stands in those.
const METRIC_AT: usize = 33;

/// Why vectors cannot be kept, read or searched.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The numbers make no whole vectors.
    #[error("{given} numbers are given where vectors have {dimensions}")]
    Length {
        /// How many there are.
        given: usize,
        /// How many a vector has.
        dimensions: usize,
    },
    /// A vector has no number there, or one without bounds.
    #[error("vector {position} holds a value that is not a finite number")]
    NotFinite {
        /// Which of the given vectors.
        position: usize,
    },
    /// A vector says nothing.
    #[error("vector {position} is zero")]
    Zero {
        /// Which of the given vectors.
        position: usize,
    },
    /// Memories come in another order than that of their ids.
    #[error("ids must rise, and the last one is {last}")]
    Order {
        /// The highest id so far.
        last: u64,
    },
    /// There are as many dimensions as no vector has.
    #[error("vectors cannot have {0} dimensions")]
    Dimensions(usize),
    /// More than an index can count.
    #[error("an index cannot hold {0} vectors")]
    TooMany(usize),
    /// The kind learns from its first vectors.
    #[error("an index of kind {0} needs vectors to learn from; there are too few")]
    TooFew(&'static str),
    /// The index lies in a file that is mapped.
    #[error("the index is mapped and cannot be changed; load it")]
    ReadOnly,
    /// A file is not the index that it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// FAISS refused.
    #[error("faiss cannot {task}: {message}")]
    Faiss {
        /// What it was asked to do.
        task: &'static str,
        /// What it says.
        message: String,
    },
}

/// How the vectors of a file come into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They stay in the file, which the kernel keeps in memory as it can; they cannot be changed.
    Mapped,
    /// They are copied, and more can be added.
    Loaded,
}

/// What an index must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its kind.
    pub kind: Kind,
    /// Numbers in each vector.
    pub dimensions: usize,
    /// Vectors in it.
    pub count: usize,
}

/// Vectors that can be searched.
#[derive(Debug)]
pub struct Vectors {
    index: ffi::Index,
    kind: Kind,
}

impl Vectors {
    /// Makes an index of `rows`, which hold one vector after the other; the first has position 0.
    pub fn build(kind: Kind, dimensions: usize, rows: &[f32]) -> Result<Vectors, VectorError> {
        if dimensions == 0 || dimensions > wire::recall::DIMENSIONS_MAX as usize {
            return Err(VectorError::Dimensions(dimensions));
        }
        let count = check(rows, dimensions)?;
        if count > COUNT_MAX {
            return Err(VectorError::TooMany(count));
        }
        if count < kind.rows_min() {
            return Err(VectorError::TooFew(kind.name()));
        }
        let index = ffi::Index::new(dimensions, &kind.description(dimensions, count));
        let mut index = index.map_err(faiss("make an index"))?;
        if let Some((name, value)) = kind.diligence() {
            index.set(name, value).map_err(faiss("set how it builds"))?;
        }
        if kind.is_trained() {
            index.train(rows).map_err(faiss("learn from the vectors"))?;
        }
        let mut vectors = Vectors { index, kind };
        vectors.put(rows)?;
        vectors.prepare()?;
        Ok(vectors)
    }

    /// Opens a file that must be an index of this shape.
    ///
    /// What can be told from the file's head is checked before FAISS sees it. That is not enough to protect FAISS from a
    /// damaged file: compare its checksum first.
    pub fn open(path: &Path, access: Access, expected: Shape) -> Result<Vectors, VectorError> {
        let refuse = |reason: String| VectorError::File { path: path.to_path_buf(), reason };
        check_head(path, expected).map_err(refuse)?;
        let index = ffi::Index::read(path, access == Access::Mapped).map_err(refuse)?;
        let found = Shape { kind: expected.kind, dimensions: index.dimensions(), count: index.len() };
        if found != expected || !index.is_euclidean() {
            return Err(refuse("the index is not as its head says".to_string()));
        }
        let mut vectors = Vectors { index, kind: expected.kind };
        vectors.prepare().map_err(|error| refuse(error.to_string()))?;
        Ok(vectors)
    }

    fn prepare(&mut self) -> Result<(), VectorError> {
        for (name, value) in self.kind.effort(self.len()) {
            self.index.set(name, value).map_err(faiss("set how it searches"))?;
        }
        self.index.know_positions().map_err(faiss("find vectors by position"))
    }

    /// Puts vectors after those that are there.
    pub fn add(&mut self, rows: &[f32]) -> Result<(), VectorError> {
        if self.index.is_mapped() {
            return Err(VectorError::ReadOnly);
        }
        let count = check(rows, self.dimensions())?.saturating_add(self.len());
        if count > COUNT_MAX {
            return Err(VectorError::TooMany(count));
        }
        self.put(rows)
    }

    fn put(&mut self, rows: &[f32]) -> Result<(), VectorError> {
        let dimensions = self.dimensions();
        for rows in rows.chunks(dimensions * ROWS_AT_ONCE) {
            let moved = self.kind.is_graph().then(|| apart::apart(rows, dimensions, self.len()));
            self.index.add(moved.as_deref().unwrap_or(rows)).map_err(faiss("add vectors"))?;
        }
        Ok(())
    }

    /// The positions of the vectors nearest to `query` and their squared distances: nearest first, at equal distance the
    /// lower position first. Fewer than `count` where there are not as many, or the kind found no more.
    pub fn search(&self, query: &[f32], count: usize) -> Result<Vec<(u32, f32)>, VectorError> {
        check_one(query, self.dimensions())?;
        let count = count.min(self.len());
        if count == 0 {
            return Ok(Vec::new());
        }
        let (positions, distances) = self.index.search(query, count).map_err(faiss("search"))?;
        let found = positions.into_iter().zip(distances);
        let mut found: Vec<(u32, f32)> =
            found.filter_map(|(position, distance)| Some((u32::try_from(position).ok()?, distance))).collect();
        found.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        Ok(found)
    }

    /// The vector at a position; rounded where the kind keeps it rounded, and moved a little in graphs, which cannot find
    /// their way among equal vectors.
    pub fn row(&self, position: u32) -> Result<Vec<f32>, VectorError> {
        self.index.row(position).map_err(faiss("give a vector back"))
    }

    /// Writes a file that `open`, and FAISS everywhere, can read.
    pub fn write(&self, path: &Path) -> Result<(), VectorError> {
        self.index.write(path).map_err(|reason| VectorError::File { path: path.to_path_buf(), reason })
    }

    /// Vectors in the index.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers in each vector.
    pub fn dimensions(&self) -> usize {
        self.index.dimensions()
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// Counts the vectors in `rows` and checks that every value is finite.
pub(crate) fn check(rows: &[f32], dimensions: usize) -> Result<usize, VectorError> {
    if dimensions == 0 || !rows.len().is_multiple_of(dimensions) {
        return Err(VectorError::Length { given: rows.len(), dimensions });
    }
    match rows.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(VectorError::NotFinite { position: at / dimensions }),
        None => Ok(rows.len() / dimensions),
    }
}

/// Checks that `row` is one vector of finite values.
pub(crate) fn check_one(row: &[f32], dimensions: usize) -> Result<(), VectorError> {
    if row.len() != dimensions {
        return Err(VectorError::Length { given: row.len(), dimensions });
    }
    check(row, dimensions).map(|_| ())
}

fn faiss(task: &'static str) -> impl Fn(String) -> VectorError {
    move |message| VectorError::Faiss { task, message }
}

/// Checks what a file's head says of the index in it.
fn check_head(path: &Path, expected: Shape) -> Result<(), String> {
    let mut head = [0; HEAD_BYTES + 8];
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    file.read_exact(&mut head).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is too short for an index".to_string(),
        _ => error.to_string(),
    })?;
    let (mark, inner) = expected.kind.marks();
    if head[..4] != mark[..] || inner.is_some_and(|inner| head[HEAD_BYTES..HEAD_BYTES + 4] != inner[..]) {
        return Err(format!("it is not an index of kind {}", expected.kind.name()));
    }
    let dimensions = number(&head, 4, 4);
    let count = number(&head, 8, 8);
    if dimensions != expected.dimensions as u64 || count != expected.count as u64 {
        let (width, wanted) = (expected.dimensions, expected.count);
        return Err(format!("it holds {count} vectors of {dimensions} where {wanted} of {width} are expected"));
    }
    if number(&head, METRIC_AT, 4) != 1 {
        return Err("its distances are not Euclidean".to_string());
    }
    if expected.kind == Kind::Flat {
        let values = dimensions.saturating_mul(count);
        if number(&head, HEAD_BYTES, 8) != values || bytes != values.saturating_mul(4) + head.len() as u64 {
            return Err(format!("{bytes} bytes cannot hold {count} vectors of {dimensions}"));
        }
    }
    Ok(())
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
