//! A folder that only this user can enter, for the files through which a live window hands over its pictures.
//!
//! It goes with its value. A process that was killed leaves it behind; the next one removes such folders.

use crate::backend::BackendError;
use rustix::rand::GetRandomFlags;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = "pocketpilot-";
/// A folder of a process that is gone is removed when nothing was written into it for this long. Processes that share a
/// folder need not see each other's ids.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// A folder of this process.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The part of its name that nobody can guess.
    pub nonce: String,
}

impl PrivateFolder {
    /// Makes one, in memory where the machine has a place for that, else among the temporary files.
    pub(crate) fn create() -> Result<PrivateFolder, BackendError> {
        let places = [std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), Some(PathBuf::from("/dev/shm"))];
        let parent = places.into_iter().flatten().find(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir);
        PrivateFolder::create_in(&parent)
    }

    fn create_in(parent: &Path) -> Result<PrivateFolder, BackendError> {
        remove_abandoned(parent);
        let failed = |path: &Path, reason: String| BackendError::Folder { path: path.to_path_buf(), reason };
        let nonce = random_name().map_err(|error| failed(parent, error.to_string()))?;
        let path = parent.join(format!("{PREFIX}{}-{nonce}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| failed(&path, error.to_string()))?;
        Ok(PrivateFolder { path, nonce })
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed as abandoned later.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn remove_abandoned(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'));
        let Some((pid, _)) = owner.filter(|(pid, _)| pid.bytes().all(|byte| byte.is_ascii_digit())) else { continue };
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if !Path::new("/proc").join(pid).exists() && age.is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn random_name() -> std::io::Result<String> {
    let mut bytes = [0; 12];
    rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::SystemTime;

    #[test]
    fn a_folder_is_private_goes_with_its_value_and_abandoned_ones_go_with_the_next() {
        let parent = PrivateFolder::create_in(&std::env::temp_dir()).expect("a folder is made");
        // No process has this id; the kernel's largest is four million.
        let (old, young) = (parent.path.join("pocketpilot-99999999-a"), parent.path.join("pocketpilot-99999999-b"));
        for folder in [&old, &young] {
            std::fs::create_dir(folder).expect("it is made");
        }
        let handle = std::fs::File::open(&old).expect("it is there");
        handle.set_modified(SystemTime::now() - 2 * ABANDONED_AFTER).expect("its time can be set");
        let folder = PrivateFolder::create_in(&parent.path).expect("a folder is made");
        assert!(!old.exists() && young.exists());
        let mode = std::fs::metadata(&folder.path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = folder.path.clone();
        drop(folder);
        assert!(!path.exists());
    }
}
