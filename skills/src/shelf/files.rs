//! Reads the files of a skill from a folder that anybody may have made: bounded, never waiting, never leaving the folder
//! of all skills.

use crate::skill::{Mistake, Tier};
use crate::source::{Place, mistake};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest file of a skill.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// Entries of a tier's folder that are looked at.
const ENTRIES_MAX: usize = 4_096;
/// A file that changed this shortly before it was read may change again within the same tick of its clock.
const TICK: Duration = Duration::from_secs(1);

/// What of a skill's files tells that they changed, without reading them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Result<Mark, i32>>);

/// Of one file or folder: inode, size, time of its last change of content and of any change, in nanoseconds.
type Mark = (u64, u64, i128, i128);

impl Stamp {
    /// The stamp of a folder and of these files in it.
    pub(super) fn of(folder: &Path, files: &[&str]) -> Stamp {
        let paths = std::iter::once(folder.to_path_buf()).chain(files.iter().map(|file| folder.join(file)));
        Stamp(
            paths.map(|path| fs::metadata(path).map(mark).map_err(|error| error.raw_os_error().unwrap_or(0))).collect(),
        )
    }

    /// Whether a change right after reading could leave the stamp as it is.
    pub(super) fn is_racy(&self) -> bool {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = i128::try_from(clock.saturating_sub(TICK).as_nanos()).unwrap_or(i128::MAX);
        self.0.iter().flatten().any(|(.., changed)| *changed > settled)
    }
}

fn mark(found: Metadata) -> Mark {
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let changed = nanoseconds(found.ctime(), found.ctime_nsec());
    (found.ino(), found.size(), nanoseconds(found.mtime(), found.mtime_nsec()), changed)
}

/// The folders in a tier's folder, by name, and what else there claims to be one but cannot be used.
///
/// # Errors
/// The tier's folder is there and cannot be looked into.
pub(super) fn list(root: &Path, tier: Tier) -> Result<Vec<Result<String, Mistake>>, Mistake> {
    let relative = PathBuf::from(tier.name());
    let entries = match fs::read_dir(root.join(&relative)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(mistake(&relative, unreadable(&error))),
    };
    let mut found = Vec::new();
    for entry in entries.take(ENTRIES_MAX) {
        let entry = entry.map_err(|error| mistake(&relative, unreadable(&error)))?;
        let path = relative.join(entry.file_name());
        let Some(name) = entry.file_name().to_str().map(str::to_string) else {
            found.push(Err(mistake(&path, "the folder's name is not UTF-8; see the rules for names of skills")));
            continue;
        };
        if is_passed_over(&name) {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(kind) if kind.is_dir() => found.push(Ok(name)),
            Ok(_) => {}
            // It was there a moment ago, unless it is a link to nowhere.
            Err(_) if fs::symlink_metadata(entry.path()).is_err() => {}
            Err(error) => found.push(Err(mistake(&path, broken(&error)))),
        }
    }
    Ok(found)
}

/// Whether an entry is none of the user's skills: hidden, or what an editor leaves behind.
pub fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#')) || name == "4913"
}

/// Reads a file; `None` when there is none.
///
/// # Errors
/// What is wrong with it. Whatever it is, this does not wait.
pub(super) fn read(root: &Path, relative: &Path) -> Result<Option<String>, Mistake> {
    let wrong = |message: String| mistake(relative, message);
    let path = root.join(relative);
    match fs::symlink_metadata(&path) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(wrong(unreadable(&error))),
    }
    let real = fs::canonicalize(&path).map_err(|error| wrong(broken(&error)))?;
    if !real.starts_with(root) {
        return Err(wrong("the link leads out of the folder of skills; put the file itself here".to_string()));
    }
    let ordinary = |found: &Metadata| {
        if found.is_file() { Ok(()) } else { Err(wrong("this is no ordinary file".to_string())) }
    };
    // Only to open a device can already do something, so it is looked at before as well.
    ordinary(&fs::metadata(&real).map_err(|error| wrong(unreadable(&error)))?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(&real, flags, Mode::empty()).map_err(|error| wrong(unreadable(&error.into())))?;
    let file = File::from(file);
    ordinary(&file.metadata().map_err(|error| wrong(unreadable(&error)))?)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| wrong(unreadable(&error)))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(wrong(format!("the file is larger than {} KiB", FILE_BYTES_MAX >> 10)));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| not_text(relative, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_text(path: &Path, bytes: &[u8], good: usize) -> Mistake {
    let before = String::from_utf8_lossy(&bytes[..good]);
    Place::of(&before, before.len()).mistake(path, format!("the byte 0x{:02x} here is not UTF-8 text", bytes[good]))
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "cannot be read: permission denied; make it readable".to_string(),
        _ => format!("cannot be read: {error}"),
    }
}

fn broken(error: &io::Error) -> String {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return "the link leads round in a circle".to_string();
    }
    match error.kind() {
        ErrorKind::NotFound => "the link leads nowhere".to_string(),
        _ => unreadable(error),
    }
}
