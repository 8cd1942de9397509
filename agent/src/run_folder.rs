//! A run's folder: its log, its configuration, its checkpoints and its token.
//!
//! Invariants: only its owner can look inside; one process at a time plays the run in it, which holds a lock on
//! it; `latest` beside it always points to a whole folder.

use crate::bundled;
use crate::config::Config;
use crate::failure::Failure;
use crate::platform;
use rustix::fs::FlockOperation;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use wire::Instance;
use wire::log::LOG_FILE;

/// What a run was asked to do, all values resolved.
pub const RUN_FILE: &str = "run.toml";
/// The pictures and states that steps were decided on, where they are kept. A further game's file ends in its number.
pub const RECORDING: &str = "recording";
/// What models were asked and said, where it is kept.
pub const EXCHANGES: &str = "exchanges.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const TOKEN_FILE: &str = "token";
const LATEST: &str = "latest";
/// The links to the memory with the games' pictures begin with this.
const RING_LINK: &str = "picture";
const TOKEN_BYTES: usize = 16;

/// The folder of the run that this process plays.
#[derive(Debug)]
pub struct RunFolder {
    /// Its path, absolute.
    pub path: PathBuf,
    /// The run's name.
    pub name: String,
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of a new run: the one that was named, or a new one among the configured runs.
    pub fn create(config: &Config, named: Option<&Path>, name: &str) -> Result<RunFolder, Failure> {
        let path = named.map_or_else(|| config.telemetry.runs.join(name), Path::to_path_buf);
        if path.join(RUN_FILE).exists() || path.join(LOG_FILE).exists() {
            let message = "holds a run already; go on with it by --resume, or name another folder";
            return Err(Failure::Folder { path, message });
        }
        let make = |folder: &Path| DirBuilder::new().recursive(true).mode(0o700).create(folder);
        make(&path)
            .and_then(|()| std::fs::set_permissions(&path, Permissions::from_mode(0o700)))
            .and_then(|()| make(&path.join(CHECKPOINTS)))
            .map_err(|error| unwritable(&path, error))?;
        let path = path.canonicalize().map_err(|error| unwritable(&path, error))?;
        write_config(&path, config)?;
        let name = path.file_name().map_or_else(|| name.to_string(), |name| name.to_string_lossy().into_owned());
        let folder = RunFolder { _lock: lock(&path)?, path, name };
        if named.is_none() {
            folder.make_latest();
        }
        Ok(folder)
    }

    /// Opens the folder of an earlier run, and reads what that run was asked to do.
    pub fn reopen(path: &Path) -> Result<(RunFolder, Config), Failure> {
        let remedy = "name a run's folder, for example runs/latest";
        let no_input = |error| Failure::NoInput { path: path.to_path_buf(), error, remedy };
        let path = path.canonicalize().map_err(no_input)?;
        if !path.join(RUN_FILE).exists() {
            return Err(Failure::NoInput { path, error: io::Error::other("holds no run.toml"), remedy });
        }
        let config = Config::read(&path.join(RUN_FILE))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = RunFolder { _lock: lock(&path)?, path, name };
        if folder.path.parent() == config.telemetry.runs.canonicalize().ok().as_deref() {
            folder.make_latest();
        }
        Ok((folder, config))
    }

    /// Keeps what a resumed run is now asked to do.
    pub fn keep_config(&self, config: &Config) -> Result<(), Failure> {
        write_config(&self.path, config)
    }

    /// The run's log.
    pub fn log_path(&self) -> PathBuf {
        self.path.join(LOG_FILE)
    }

    /// Where the checkpoints of a game are: those of the first lie where those of a game alone do.
    pub fn checkpoints(&self, instance: Instance) -> PathBuf {
        match instance {
            0 => self.path.join(CHECKPOINTS),
            instance => self.path.join(format!("{CHECKPOINTS}-{instance}")),
        }
    }

    /// The newest checkpoint of a game. Names sort by age; whether the content is whole is for the reader to check.
    pub fn newest_checkpoint(&self, instance: Instance) -> Option<PathBuf> {
        let files = std::fs::read_dir(self.checkpoints(instance)).ok()?.filter_map(Result::ok);
        let whole = files.filter(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            let has_content = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
            has_content && !name.starts_with('.') && !name.ends_with(".tmp")
        });
        whole.map(|file| file.path()).max_by(|left, right| left.file_name().cmp(&right.file_name()))
    }

    /// What clients of this run's bridge must know; the same for all lives of the bridge.
    pub fn token(&self) -> Result<String, Failure> {
        let path = self.path.join(TOKEN_FILE);
        if let Ok(token) = std::fs::read_to_string(&path)
            && token.trim().len() == 2 * TOKEN_BYTES
        {
            return Ok(token.trim().to_string());
        }
        let token = random_hex::<TOKEN_BYTES>()?;
        replace(&path, token.as_bytes()).map_err(|error| unwritable(&path, error))?;
        Ok(token)
    }

    /// The ROM to play: the configured one, or the bundled one, which is laid down in the folder.
    pub fn rom(&self, config: &Config) -> Result<PathBuf, Failure> {
        let configured = &config.emulator.rom;
        if !configured.as_os_str().is_empty() {
            let remedy = "name a ROM with --rom, or leave it out to play Burrow";
            let no_input = |error| Failure::NoInput { path: configured.clone(), error, remedy };
            return match File::open(configured).and_then(|file| file.metadata()) {
                Ok(metadata) if metadata.is_file() => Ok(configured.clone()),
                Ok(_) => Err(no_input(io::Error::other("not a file"))),
                Err(error) => Err(no_input(error)),
            };
        }
        let path = self.path.join(bundled::ROM_FILE);
        if !path.exists() {
            replace(&path, bundled::ROM).map_err(|error| unwritable(&path, error))?;
        }
        Ok(path)
    }

    /// Lays down a link to the memory with the newest picture of a game, for whoever looks on; `None`: there is none any more.
    pub fn show_ring(&self, instance: Instance, ring: Option<&OwnedFd>) {
        let link = self.path.join(ring_link(instance));
        let fresh = link.with_extension("tmp");
        let shown = match ring {
            Some(ring) => symlink(platform::own_descriptor(ring), &fresh).and_then(|()| std::fs::rename(&fresh, &link)),
            None => std::fs::remove_file(&link),
        };
        if let Err(error) = shown.or_else(|error| if ring.is_none() { Ok(()) } else { Err(error) }) {
            // The run itself does not need the link.
            tracing::warn!("{}: {error}", link.display());
            let _ = std::fs::remove_file(&fresh);
        }
    }

    fn make_latest(&self) {
        let Some(runs) = self.path.parent() else { return };
        let fresh = runs.join(format!(".{LATEST}-{}", std::process::id()));
        let swapped = symlink(&self.name, &fresh).and_then(|()| std::fs::rename(&fresh, runs.join(LATEST)));
        if let Err(error) = swapped {
            // The run itself does not need the link.
            tracing::warn!("{}: {error}", runs.join(LATEST).display());
            let _ = std::fs::remove_file(&fresh);
        }
    }
}

/// The name of the link to the memory with a game's picture.
pub fn ring_link(instance: Instance) -> String {
    format!("{RING_LINK}-{instance}")
}

/// The name of a run that starts now: `<time>-<id>`.
pub fn name_of_new_run() -> Result<String, Failure> {
    Ok(format!("{}-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), random_hex::<3>()?))
}

/// So many random bytes, in hexadecimal digits.
pub fn random_hex<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0u8; BYTES];
    rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())
        .map_err(|error| Failure::Os { what: "random numbers".to_string(), error: error.into() })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_config(folder: &Path, config: &Config) -> Result<(), Failure> {
    let path = folder.join(RUN_FILE);
    let text = toml::to_string(config).expect("a checked configuration can be written as TOML");
    let text = format!("# What this run was asked to do; `agent run --resume` reads it.\n{text}");
    replace(&path, text.as_bytes()).map_err(|error| unwritable(&path, error))
}

/// Writes a whole file or none, readable by its owner alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("tmp");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

/// Takes the lock that whoever plays a run holds.
pub fn lock(folder: &Path) -> Result<File, Failure> {
    let file = File::open(folder).map_err(|error| unwritable(folder, error))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let message = "is being played by another process; stop that one first";
            Err(Failure::Folder { path: folder.to_path_buf(), message })
        }
        Err(error) => Err(unwritable(folder, error.into())),
    }
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    let remedy = "choose a folder that can be written with --run-dir, or telemetry.runs in config.toml";
    Failure::Unwritable { path: path.to_path_buf(), error, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TemporaryFolder(PathBuf);

    impl TemporaryFolder {
        fn new(name: &str) -> TemporaryFolder {
            let path = std::env::temp_dir().join(format!("pocketpilot-folder-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).expect("it is made");
            TemporaryFolder(path.canonicalize().expect("it is there"))
        }

        fn config(&self) -> Config {
            let mut config = Config::built_in();
            config.telemetry.runs = self.0.join("runs");
            config
        }
    }

    impl Drop for TemporaryFolder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn latest_points_to_the_newest_run() {
        let temporary = TemporaryFolder::new("latest");
        let config = temporary.config();
        RunFolder::create(&config, None, "one").expect("it is made");
        let second = RunFolder::create(&config, None, "two").expect("it is made");
        assert_eq!(temporary.0.join("runs/latest").canonicalize().expect("it is there"), second.path);
    }

    #[test]
    fn only_the_owner_can_look_inside() {
        let temporary = TemporaryFolder::new("mode");
        let folder = RunFolder::create(&temporary.config(), None, "one").expect("it is made");
        let token = folder.token().expect("it is made");
        let mode = |path: PathBuf| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(folder.path.clone()), 0o700);
        assert_eq!(mode(folder.path.join(TOKEN_FILE)), 0o600);
        assert_eq!((token.len(), folder.token().expect("it is kept")), (32, token));
    }

    #[test]
    fn a_folder_that_holds_a_run_is_refused() {
        let temporary = TemporaryFolder::new("refused");
        let named = temporary.0.join("mine");
        drop(RunFolder::create(&temporary.config(), Some(&named), "x").expect("it is made"));
        let failure = RunFolder::create(&temporary.config(), Some(&named), "x").expect_err("it is refused");
        assert!(failure.to_string().contains("--resume"), "{failure}");
    }

    #[test]
    fn a_run_is_reopened_with_what_it_was_asked_to_do_and_played_once_at_a_time() {
        let temporary = TemporaryFolder::new("reopen");
        let mut config = temporary.config();
        config.run.floors = 3;
        let first = RunFolder::create(&config, None, "one").expect("it is made");
        let path = first.path.clone();
        let failure = RunFolder::reopen(&path).expect_err("it is being played");
        assert!(failure.to_string().contains("another process"), "{failure}");
        drop(first);
        let (again, kept) = RunFolder::reopen(&temporary.0.join("runs/latest")).expect("it opens");
        assert_eq!((again.path, kept), (path, config));
    }

    #[test]
    fn a_folder_without_a_run_is_no_input() {
        let temporary = TemporaryFolder::new("none");
        assert_eq!(RunFolder::reopen(&temporary.0).expect_err("it holds no run").status(), 66);
        assert_eq!(RunFolder::reopen(&temporary.0.join("x")).expect_err("it is not there").status(), 66);
    }

    #[test]
    fn the_newest_whole_checkpoint_is_found() {
        let temporary = TemporaryFolder::new("checkpoint");
        let folder = RunFolder::create(&temporary.config(), None, "one").expect("it is made");
        assert_eq!(folder.newest_checkpoint(0), None);
        for (name, content) in [("0200", "x"), ("0400", "x"), ("0600", ""), ("0800.tmp", "x"), (".0900", "x")] {
            std::fs::write(folder.path.join(CHECKPOINTS).join(name), content).expect("it is written");
        }
        assert_eq!(folder.newest_checkpoint(0), Some(folder.path.join(CHECKPOINTS).join("0400")));
        assert_eq!(folder.newest_checkpoint(3), None);
        let of_another_game = folder.checkpoints(3).join("0100");
        std::fs::create_dir(folder.checkpoints(3)).expect("it is made");
        std::fs::write(&of_another_game, "x").expect("it is written");
        assert_eq!(folder.newest_checkpoint(3), Some(of_another_game));
    }
}
