//! Small files of JSON, read whole and within a limit.

use super::FolderError;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that a configuration may have.
pub(super) const CONFIG_BYTES_MAX: u64 = 16 << 20;

/// Bytes that a tokenizer may have; Qwen's has 11 MB.
pub(super) const TOKENIZER_BYTES_MAX: u64 = 64 << 20;

pub(super) fn read(path: &Path, most: u64, remedy: &'static str) -> Result<Vec<u8>, FolderError> {
    let file = open(path, remedy)?;
    let bytes = size(&file, path)?;
    if bytes > most {
        return Err(FolderError::TooLarge { path: path.to_path_buf(), bytes, most });
    }
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content).map_err(|source| unreadable(path, source))?;
    Ok(content)
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, FolderError> {
    serde_json::from_slice(bytes).map_err(|error| FolderError::Garbled {
        path: path.to_path_buf(),
        problem: error.to_string().escape_debug().to_string(),
    })
}

pub(super) fn open(path: &Path, remedy: &'static str) -> Result<File, FolderError> {
    if path.is_dir() {
        return Err(FolderError::Missing { path: path.to_path_buf(), remedy });
    }
    File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => FolderError::Missing { path: path.to_path_buf(), remedy },
        _ => unreadable(path, source),
    })
}

pub(super) fn size(file: &File, path: &Path) -> Result<u64, FolderError> {
    file.metadata().map(|known| known.len()).map_err(|source| unreadable(path, source))
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> FolderError {
    FolderError::Unreadable { path: path.to_path_buf(), source }
}
