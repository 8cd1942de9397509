//! The indexes role: loads FAISS, proves that it works, and stays ready for the memory silos.
//!
//! `unsafe` is used in `faiss_version` alone, for the one thing that the FAISS crate does not offer. Absent: silos
//! and search.

use faiss::{FlatIndex, Idx, Index};
use std::ffi::CStr;
use wire::control::ToRole;
use wire::exit;
use wire::role::{RoleHandle, fail, stand_by};

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

/// Serves the parent until it says `Stop` or is gone; returns the exit status.
pub fn serve(handle: RoleHandle) -> i32 {
    let RoleHandle { link, page, start } = handle;
    let ToRole::StartIndexes(_) = start else {
        return fail(&link, exit::PROTOCOL, "indexes: the parent did not say which folder to serve");
    };
    let version = match self_test() {
        Ok(version) => version,
        Err(error) => return fail(&link, exit::SOFTWARE, format!("indexes: {error}")),
    };
    let detail = format!("FAISS {version}");
    stand_by(&link, &page, detail)
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
