//! Notices that something in the folder of skills changed: by inotify where that works, else by looking now and then.
//!
//! What is noticed is where to look, never what happened: a look compares contents. So an event that is lost costs
//! time, not correctness. The folder itself is not to be replaced under a running role, whose permissions hang on it.

use crate::shelf::{Key, is_passed_over};
use crate::skill::Tier;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// After this long without a further event, the last one is over.
const QUIET: Duration = Duration::from_millis(10);
/// After this long, what happened is looked at even if it goes on.
const QUIET_MAX: Duration = Duration::from_millis(50);
/// How often a folder without events is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How long after a look a file that had just changed is looked at once more.
const RACY: Duration = Duration::from_millis(1_100);
/// How often the folder of skills is checked to be still the same.
const IDENTITY: Duration = Duration::from_millis(500);
/// Events that wait; more only say that there is something to look at, which the others say too.
const EVENTS_MAX: usize = 1_024;

/// File systems on which changes made elsewhere raise no events, by the number that `statfs` gives them.
const SILENT: [(u64, &str); 13] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x786f_4256, "a VirtualBox share"),
    (0xbacb_acbc, "a VMware share"),
    (0x7c7c_6673, "a Parallels share"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
];

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// Something may have changed.
    Change {
        /// Folders of skills in which something happened, as far as is known.
        named: BTreeSet<Key>,
        /// When the first of it was noticed.
        since: Instant,
    },
    /// The folder of all skills is another one now, or appeared.
    Replaced,
}

/// Watches the folder of skills.
pub struct Watch {
    given: PathBuf,
    root: PathBuf,
    identity: Option<(u64, u64)>,
    watcher: Result<RecommendedWatcher, String>,
    events: Receiver<Happened>,
}

/// An event of the file system that matters.
#[derive(Debug)]
enum Happened {
    In(Key),
    ToTiers,
}

impl Watch {
    /// Begins to watch. What happens from now on is noticed.
    pub fn open(folder: &Path) -> Watch {
        let root = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        let (sender, events) = sync_channel(EVENTS_MAX);
        let watcher = match silent_file_system(&root) {
            Some(name) => Err(format!("{name} reports no changes")),
            None => watcher(&root, sender).map_err(|error| error.to_string().replace('\n', " ")),
        };
        let mut watch = Watch { given: folder.to_path_buf(), identity: identity(folder), root, watcher, events };
        watch.watch_tiers();
        watch
    }

    /// How changes are noticed, for a person.
    pub fn describe(&self) -> String {
        match &self.watcher {
            Ok(_) => "changes are noticed at once".to_string(),
            Err(reason) => format!("looked at every {} ms, since {reason}", POLL.as_millis()),
        }
    }

    /// Waits for something to look at. `is_racy` says that the last look was too close to a change to be sure of it.
    pub fn wait(&mut self, is_racy: bool) -> Noticed {
        let begin = Instant::now();
        let look_again = match (&self.watcher, is_racy) {
            (Err(_), _) => Some(POLL),
            (Ok(_), true) => Some(RACY),
            (Ok(_), false) => None,
        };
        loop {
            let left = look_again.map_or(IDENTITY, |pause| pause.saturating_sub(begin.elapsed()).min(IDENTITY));
            match self.events.recv_timeout(left) {
                Ok(first) => return self.gather(first),
                // Without a watcher there is nobody who sends, and nothing to wait for but time.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(left),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if identity(&self.given) != self.identity {
                return Noticed::Replaced;
            }
            if look_again.is_some_and(|pause| begin.elapsed() >= pause) {
                return Noticed::Change { named: BTreeSet::new(), since: Instant::now() };
            }
        }
    }

    /// Waits until nothing more happens, though not for ever.
    fn gather(&mut self, first: Happened) -> Noticed {
        let since = Instant::now();
        let mut named = BTreeSet::new();
        let mut tiers_changed = false;
        let mut next = Some(first);
        while let Some(happened) = next {
            match happened {
                Happened::In(key) => {
                    named.insert(key);
                }
                Happened::ToTiers => tiers_changed = true,
            }
            let left = QUIET_MAX.saturating_sub(since.elapsed()).min(QUIET);
            next = self.events.recv_timeout(left).ok().filter(|_| since.elapsed() < QUIET_MAX);
        }
        if tiers_changed {
            self.watch_tiers();
        }
        if identity(&self.given) != self.identity {
            return Noticed::Replaced;
        }
        Noticed::Change { named, since }
    }

    /// Watches the folders of the tiers that are there now; those that were replaced anew.
    fn watch_tiers(&mut self) {
        let Ok(watcher) = &mut self.watcher else { return };
        for tier in Tier::ALL {
            let folder = self.root.join(tier.name());
            // What is not watched yet cannot be given up, which is as good.
            let _ = watcher.unwatch(&folder);
            if !folder.is_dir() {
                continue;
            }
            if let Err(error) = watcher.watch(&folder, RecursiveMode::Recursive) {
                self.watcher = Err(error.to_string().replace('\n', " "));
                return;
            }
        }
    }
}

fn watcher(root: &Path, sender: SyncSender<Happened>) -> notify::Result<RecommendedWatcher> {
    let prefix = root.to_path_buf();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        for happened in read_event(&prefix, event) {
            // Where this many wait already, the look that follows sees this one's doing too.
            let _ = sender.try_send(happened);
        }
    })?;
    if root.is_dir() {
        watcher.watch(root, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn read_event(root: &Path, event: notify::Result<notify::Event>) -> Vec<Happened> {
    let Ok(event) = event else { return vec![Happened::ToTiers] };
    if event.need_rescan() {
        return vec![Happened::ToTiers];
    }
    match event.kind {
        // Reading is no change, and is what this program does itself.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return Vec::new(),
        _ => {}
    }
    event.paths.iter().filter_map(|path| read_path(path.strip_prefix(root).ok()?)).collect()
}

/// Which folder of a skill a path within the folder of skills belongs to.
fn read_path(path: &Path) -> Option<Happened> {
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    let Some(first) = names.next() else { return Some(Happened::ToTiers) };
    let tier = Tier::ALL.into_iter().find(|tier| tier.name() == first)?;
    let Some(skill) = names.next() else { return Some(Happened::ToTiers) };
    let is_noise = is_passed_over(&skill) || names.any(|name| is_passed_over(&name));
    (!is_noise).then(|| Happened::In((tier, skill.into_owned())))
}

/// The name of the file system, where it is one on which changes raise no events.
fn silent_file_system(folder: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(folder).ok()?;
    // The number has 32 bits; where it is kept in more, a set highest bit was spread over them.
    let number = found.f_type as u64 & 0xffff_ffff;
    SILENT.iter().find(|(silent, _)| *silent == number).map(|(_, name)| *name)
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(folder).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Far more than a machine under load needs for one event.
    const LIMIT: Duration = Duration::from_secs(20);

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("pocketpilot-watch-{}-{count}", std::process::id()));
        fs::create_dir_all(root.join("core/eat")).expect("it is made");
        Folder(root)
    }

    /// Waits until something in this skill's folder was noticed.
    fn wait_for(watch: &mut Watch, tier: Tier, name: &str) {
        let begin = Instant::now();
        while begin.elapsed() < LIMIT {
            if let Noticed::Change { named, .. } = watch.wait(false)
                && named.contains(&(tier, name.to_string()))
            {
                return;
            }
        }
        panic!("nothing was noticed in {name}");
    }

    #[test]
    fn an_edit_a_rename_and_a_removal_are_noticed() {
        let Folder(root) = &folder();
        let mut watch = Watch::open(root);
        fs::write(root.join("core/eat/main.luau"), "return 1").expect("it is written");
        wait_for(&mut watch, Tier::Core, "eat");
        fs::write(root.join("core/eat/.main.tmp"), "return 2").expect("it is written");
        fs::rename(root.join("core/eat/.main.tmp"), root.join("core/eat/main.luau")).expect("it is renamed");
        wait_for(&mut watch, Tier::Core, "eat");
        fs::rename(root.join("core/eat"), root.join("core/feast")).expect("it is renamed");
        wait_for(&mut watch, Tier::Core, "feast");
        fs::remove_dir_all(root.join("core/feast")).expect("it is removed");
        wait_for(&mut watch, Tier::Core, "feast");
    }

    #[test]
    fn a_tier_that_appears_later_or_is_replaced_is_watched() {
        let Folder(root) = &folder();
        let mut watch = Watch::open(root);
        fs::create_dir(root.join("custom")).expect("it is made");
        assert!(matches!(watch.wait(false), Noticed::Change { .. }));
        fs::create_dir(root.join("custom/flee")).expect("it is made");
        wait_for(&mut watch, Tier::Custom, "flee");
        fs::rename(root.join("custom"), root.join("old")).expect("it is renamed");
        fs::create_dir(root.join("custom")).expect("it is made");
        assert!(matches!(watch.wait(false), Noticed::Change { .. }));
        fs::create_dir(root.join("custom/rest")).expect("it is made");
        wait_for(&mut watch, Tier::Custom, "rest");
    }

    #[test]
    fn another_folder_in_the_place_of_this_one_is_noticed() {
        let Folder(root) = &folder();
        let mut watch = Watch::open(root);
        let aside = Folder(root.with_extension("aside"));
        fs::rename(root, &aside.0).expect("it is renamed");
        fs::create_dir_all(root).expect("it is made");
        let begin = Instant::now();
        while watch.wait(false) != Noticed::Replaced {
            assert!(begin.elapsed() < LIMIT, "it was not noticed");
        }
    }

    #[test]
    fn where_nothing_is_reported_it_is_looked_at_again_and_again() {
        let Folder(root) = &folder();
        let (_, events) = sync_channel(1);
        let watcher = Err("NFS reports no changes".to_string());
        let mut watch = Watch { given: root.clone(), root: root.clone(), identity: identity(root), watcher, events };
        assert!(matches!(watch.wait(false), Noticed::Change { .. }));
        assert_eq!(watch.describe(), "looked at every 500 ms, since NFS reports no changes");
    }

    #[test]
    fn what_is_no_skill_raises_nothing() {
        for (path, matters) in [
            ("core/eat/main.luau", true),
            ("core", true),
            ("", true),
            ("core/eat", true),
            ("core/eat/.main.luau.swp", false),
            ("core/eat/4913", false),
            ("core/.git/index", false),
            ("src/lib.rs", false),
            ("Cargo.toml", false),
        ] {
            assert_eq!(read_path(Path::new(path)).is_some(), matters, "{path}");
        }
    }
}
