//! Where a libretro core lies.

use crate::backend::BackendError;
use std::path::{Path, PathBuf};

const CORE_FILE: &str = "mgba_libretro.so";
/// Where `scripts/setup.sh` unpacks the core, below the repository's root.
const UNPACKED: &str = ".pocketpilot/core";
const UNPACKED_DEPTH_MAX: usize = 6;
const HOME_FOLDERS: [&str; 2] = [".config/retroarch/cores", ".var/app/org.libretro.RetroArch/config/retroarch/cores"];
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/lib/libretro", "/usr/local/lib/libretro"];

/// The given core, or the first that lies in one of the usual places.
pub(super) fn find_core(given: Option<&Path>) -> Result<PathBuf, BackendError> {
    if let Some(path) = given {
        if path.is_file() {
            return Ok(path.to_path_buf());
        }
        let reason = "no such file: correct [emulator] core, or leave it out to search the usual places".to_string();
        return Err(BackendError::CoreUnusable { path: path.to_path_buf(), reason });
    }
    let beginnings = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let unpacked = beginnings.iter().flatten().flat_map(|path| path.ancestors()).map(|folder| folder.join(UNPACKED));
    if let Some(core) = unpacked.filter(|folder| folder.is_dir()).find_map(|folder| find_below(&folder, 0)) {
        return Ok(core);
    }
    let folders = usual_folders(std::env::home_dir().as_deref());
    match folders.iter().map(|folder| folder.join(CORE_FILE)).find(|core| core.is_file()) {
        Some(core) => Ok(core),
        None => {
            let folders = folders.iter().map(|folder| folder.display().to_string());
            let searched = std::iter::once(UNPACKED.to_string()).chain(folders).collect::<Vec<_>>().join(", ");
            Err(BackendError::CoreMissing { searched })
        }
    }
}

fn usual_folders(home: Option<&Path>) -> Vec<PathBuf> {
    let home_folders = home.into_iter().flat_map(|home| HOME_FOLDERS.map(|folder| home.join(folder)));
    let triples = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let triples = triples.map(|entry| entry.path().join("libretro")).filter(|folder| folder.is_dir());
    home_folders.chain(SYSTEM_FOLDERS.map(PathBuf::from)).chain(triples).collect()
}

fn find_below(folder: &Path, depth: usize) -> Option<PathBuf> {
    let core = folder.join(CORE_FILE);
    if core.is_file() {
        return Some(core);
    }
    if depth == UNPACKED_DEPTH_MAX {
        return None;
    }
    let folders = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut folders: Vec<_> = folders.collect();
    folders.sort();
    folders.iter().find_map(|folder| find_below(folder, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_core_that_is_not_there_is_named() {
        let error = find_core(Some(Path::new("/nowhere/core.so"))).expect_err("it is not there");
        assert!(error.to_string().contains("/nowhere/core.so"), "{error}");
    }

    #[test]
    fn an_unpacked_package_is_found_below_its_folder() {
        let root = std::env::temp_dir().join(format!("pocketpilot-search-{}", std::process::id()));
        let folder = root.join("usr/lib/some-triple/libretro");
        std::fs::create_dir_all(&folder).expect("folders are made");
        std::fs::write(folder.join(CORE_FILE), b"").expect("a file is made");
        let found = find_below(&root, 0);
        std::fs::remove_dir_all(&root).expect("folders are removed");
        assert_eq!(found, Some(folder.join(CORE_FILE)));
    }
}
