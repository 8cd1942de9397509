//! One process writes into a folder of experience. The lock ends with the process, however that ends.

use super::ArchiveError;
use rustix::fs::FlockOperation;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

const LOCK_FILE: &str = "lock";

/// The right to write.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder where it is not there, and takes the right to write into it.
    pub(super) fn take(folder: &Path) -> Result<Lock, ArchiveError> {
        let path = folder.join(LOCK_FILE);
        let fault = |path: &Path| {
            let path = path.to_path_buf();
            move |source| ArchiveError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(fault(folder))?;
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(fault(&path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                // Who holds the lock may not have written its number yet.
                let _ = file.read_to_string(&mut text);
                let pid = text.trim().parse().unwrap_or(0);
                return Err(ArchiveError::Locked { folder: folder.to_path_buf(), pid });
            }
            Err(error) => return Err(fault(&path)(error.into())),
        }
        let text = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(fault(&path))?;
        Ok(Lock { _file: file })
    }
}
