//! The indexes role: loads FAISS, proves that it works, and stays ready for the memory silos.
//!
//! From the bottom up: [`vectors`] are a FAISS index of one [`kind`]; a [`generation`] is such an index on the disk, with a
//! [`note`] for each memory; a [`silo`] is a generation and what came after it. `unsafe` is used in `vectors::ffi`, and in
//! `faiss_version`, for what the FAISS crate does not offer.

pub mod archive;
pub mod bloom;
pub mod export;
pub mod generation;
pub mod import;
pub mod intake;
pub mod keeper;
pub mod kind;
pub mod note;
pub mod pool;
mod serve;
pub mod silo;
pub mod store;
pub mod synthetic;
pub mod vectors;

use faiss::{FlatIndex, Idx, Index};
use std::ffi::CStr;

pub use serve::serve;

/// Why FAISS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// FAISS refused.
    #[error("faiss: {0}")]
    Faiss(#[from] faiss::error::Error),
    /// FAISS answered, but wrongly.
    #[error("faiss found {found:?} where {expected:?} are nearest; rebuild it for this processor")]
    WrongAnswer {
        /// What it found.
        found: Vec<Option<u64>>,
        /// What is true.
        expected: Vec<u64>,
    },
}

/// Searches a small index and compares the answer; returns the version of FAISS.
pub fn self_test() -> Result<String, IndexError> {
    let mut index = FlatIndex::new_l2(2)?;
    index.add(&[0.0, 0.0, 1.0, 0.0, 5.0, 5.0])?;
    let found = index.search(&[0.9, 0.1], 3)?;
    let found: Vec<Option<u64>> = found.labels.iter().map(|label: &Idx| label.get()).collect();
    let expected = vec![1, 0, 2];
    if found.iter().flatten().eq(expected.iter()) {
        Ok(faiss_version())
    } else {
        Err(IndexError::WrongAnswer { found, expected })
    }
}

fn faiss_version() -> String {
    // SAFETY: the function takes nothing and returns a pointer to a constant string that ends in a zero byte.
    let text = unsafe { CStr::from_ptr(faiss_sys::faiss_get_version()) };
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faiss_finds_the_nearest_vectors() {
        assert_eq!(self_test().expect("it searches"), "1.12.0");
    }
}
