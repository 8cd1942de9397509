//! The file in which all benches' runs are kept: one JSON object a line, the newest last.
//!
//! A line is one write at the end of the file, so that two runs never mix theirs. A line that was cut short is passed over, and the
//! next one starts on a line of its own. What is in a file that is no history is never written behind.

use crate::failure::Failure;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// How every line begins.
const BEGINNING: &[u8] = b"{\"ts\":\"";
/// The most that is read, from the end: hundreds of runs.
const BYTES_MAX: u64 = 8 << 20;
const FOREIGN: &str = "it is no history of benches; name another file with --history";

/// What a history holds.
#[derive(Debug, Default, PartialEq)]
pub struct History {
    /// Its runs, the oldest first.
    pub entries: Vec<Value>,
    /// Lines that were cut short.
    pub torn: usize,
}

/// Reads it; one that is not there yet is empty.
pub fn read(path: &Path) -> Result<History, Failure> {
    let remedy = "name another file with --history";
    let unreadable = |error| Failure::NoInput { path: path.to_path_buf(), error, remedy };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(History::default()),
        Err(error) => return Err(unreadable(error)),
    };
    // What is no file might never end.
    if !metadata.is_file() {
        return Err(Failure::Folder { path: path.to_path_buf(), message: FOREIGN });
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let start = metadata.len().saturating_sub(BYTES_MAX);
    file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut history = History::default();
    // Where only the end is read, its first line is a part of one.
    for line in bytes.split(|byte| *byte == b'\n').skip(usize::from(start > 0)).filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Value>(line) {
            Ok(entry) if line.starts_with(BEGINNING) && entry["benches"].is_object() => history.entries.push(entry),
            Err(_) if line.starts_with(BEGINNING) || BEGINNING.starts_with(line) => history.torn += 1,
            _ => return Err(Failure::Folder { path: path.to_path_buf(), message: FOREIGN }),
        }
    }
    Ok(history)
}

/// Appends a run; its folder is made where it is missing.
pub fn append(path: &Path, entry: &Value) -> Result<(), Failure> {
    let remedy = "name another file with --history";
    let unwritable = |error| Failure::Unwritable { path: path.to_path_buf(), error, remedy };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path).map_err(unwritable)?;
    let mut line = if ends_within_a_line(&mut file).map_err(unwritable)? { "\n".to_string() } else { String::new() };
    line += &format!("{entry}\n");
    match file.write(line.as_bytes()) {
        Ok(written) if written == line.len() => Ok(()),
        Ok(_) => Err(unwritable(io::Error::new(io::ErrorKind::StorageFull, "the line was cut short"))),
        Err(error) => Err(unwritable(error)),
    }
}

fn ends_within_a_line(file: &mut std::fs::File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0] != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::TemporaryFolder;
    use serde_json::json;

    fn entry(at: usize) -> Value {
        json!({ "ts": format!("t{at}"), "benches": { "decode": { "p50_us": at } } })
    }

    #[test]
    fn what_is_appended_is_read_again_in_a_folder_that_was_not_there() {
        let folder = TemporaryFolder::create("history-appended").expect("a folder is made");
        let path = folder.path().join("deep/er/history.jsonl");
        assert_eq!(read(&path).expect("one that is not there is empty"), History::default());
        (0..3).for_each(|at| append(&path, &entry(at)).expect("it is appended"));
        let entries = (0..3).map(entry).collect();
        assert_eq!(read(&path).expect("it is read"), History { entries, torn: 0 });
    }

    #[test]
    fn a_torn_last_line_is_passed_over_and_the_next_begins_afresh() {
        let folder = TemporaryFolder::create("history-torn").expect("a folder is made");
        let path = folder.path().join("history.jsonl");
        append(&path, &entry(1)).expect("it is appended");
        let whole = std::fs::read(&path).expect("it is there");
        // However short it was cut, whole characters or not.
        for length in 1..whole.len() - 1 {
            std::fs::write(&path, [&whole[..], &whole[..length]].concat()).expect("it is torn");
            let read_torn = read(&path).expect("it is read");
            assert_eq!((read_torn.entries.len(), read_torn.torn), (1, 1), "{length}");
            append(&path, &entry(2)).expect("it is appended");
            let healed = read(&path).expect("it is read");
            assert_eq!((healed.entries, healed.torn), (vec![entry(1), entry(2)], 1), "{length}");
        }
    }

    #[test]
    fn a_file_that_is_something_else_is_refused_in_one_line() {
        let folder = TemporaryFolder::create("history-foreign").expect("a folder is made");
        let path = folder.path().join("notes");
        for text in ["dear diary\n", "{\"ts\":\"x\",\"event\":\"RunStarted\"}\n", "[1]\n", "\0\0\0"] {
            std::fs::write(&path, text).expect("it is written");
            let said = read(&path).expect_err("it is refused").to_string();
            assert!(said.contains("no history of benches") && !said.contains('\n'), "{said}");
        }
        let said = read(folder.path()).expect_err("a folder is refused").to_string();
        assert!(said.contains("no history of benches"), "{said}");
    }

    #[test]
    fn of_a_long_history_the_end_is_read() {
        let folder = TemporaryFolder::create("history-long").expect("a folder is made");
        let path = folder.path().join("history.jsonl");
        let line = format!("{}\n", json!({ "ts": "old", "benches": {}, "padding": "x".repeat(1 << 20) }));
        std::fs::write(&path, line.repeat(12)).expect("it is written");
        append(&path, &entry(5)).expect("it is appended");
        let history = read(&path).expect("it is read");
        assert!(history.entries.len() < 10 && history.entries.last() == Some(&entry(5)), "{}", history.entries.len());
    }
}
