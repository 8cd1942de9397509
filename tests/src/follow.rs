//! A log that is followed while it grows, without reading it again from its beginning.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use wire::log::Line;

/// Follows one log.
pub struct Follow {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
}

impl Follow {
    /// From the log's beginning.
    pub fn new(log: &Path) -> Follow {
        Follow { path: log.to_path_buf(), offset: 0, rest: Vec::new() }
    }

    /// The whole lines that were added since, of those that hold this text.
    pub fn lines(&mut self, holding: &str) -> Vec<Line> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        let mut added = Vec::new();
        let read = file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.read_to_end(&mut added));
        self.offset += read.unwrap_or_default() as u64;
        self.rest.extend_from_slice(&added);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&whole);
        text.lines().filter(|line| line.contains(holding)).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
