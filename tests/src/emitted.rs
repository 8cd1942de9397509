//! Which events the runs of all tests wrote, kept between the tests' processes as empty files.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use wire::log::Line;

/// What this process has noted already.
static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes what a run of the real program wrote.
pub fn note(lines: &[Line]) {
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    for line in lines {
        let name = crate::program::name_of(&line.event);
        if !noted.contains(&name) {
            let folder = folder();
            std::fs::create_dir_all(&folder).expect("the target folder can be written");
            std::fs::write(folder.join(&name), "").expect("the target folder can be written");
            noted.insert(name);
        }
    }
}

/// The names of all events that were noted since the folder was emptied.
pub fn noted() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn folder() -> PathBuf {
    crate::program::executable().with_file_name("emitted")
}
