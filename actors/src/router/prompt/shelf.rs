//! The templates in use: those of a folder, which may be edited while the game is played, and the built-in one.
//!
//! A tier's own file goes before `decide.md`, and that before the built-in text. A file is looked at again every
//! [`LOOK_EVERY`], on a thread of its own; it is taken over when it is whole and stayed as it is from one look to the next, so
//! that nobody reads a half-written one. What cannot be used leaves the last good one in use, and is said once.

use super::template::Template;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The template that every tier uses that has none of its own.
pub const FILE: &str = "decide.md";
/// The built-in template.
pub const BUILT_IN: &str = include_str!("../../../prompts/decide.md");
/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Lines about what is wrong that wait for somebody to take them.
const PROBLEMS_MAX: usize = 32;

/// Gives each tier its template.
#[derive(Debug)]
pub struct Shelf {
    shared: Arc<Shared>,
    /// Ends the thread that looks at the files when it is dropped.
    _watched: Option<Sender<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: Option<PathBuf>,
    built_in: Arc<Template>,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    files: BTreeMap<String, Known>,
    problems: Vec<String>,
}

/// What is known of a file.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The file as it was read.
    read: Option<Stamp>,
    /// The file as it was seen last.
    seen: Option<Stamp>,
    /// The last good text.
    template: Option<Arc<Template>>,
}

/// Tells whether a file is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl Shelf {
    /// The templates of a folder over the built-in ones; the files need not be there.
    ///
    /// # Panics
    /// When the built-in template is wrong, which a test rules out.
    pub fn new(folder: Option<PathBuf>) -> Shelf {
        let built_in = Arc::new(Template::parse(BUILT_IN).expect("the built-in template is right"));
        let watches = folder.is_some();
        let shared = Arc::new(Shared { folder, built_in, books: Mutex::default() });
        Shelf { _watched: watches.then(|| watch(&shared)).flatten(), shared }
    }

    /// The template of a tier. Reads files only when the tier is met for the first time.
    pub fn of(&self, tier: &str) -> Arc<Template> {
        if self.shared.folder.is_none() {
            return self.shared.built_in.clone();
        }
        let own = is_plain(tier).then(|| format!("{tier}.md"));
        for file in own.as_deref().into_iter().chain([FILE]) {
            if !self.shared.books().files.contains_key(file) {
                self.shared.look_at(file, true);
            }
            if let Some(template) = self.shared.books().files.get(file).and_then(|known| known.template.clone()) {
                return template;
            }
        }
        self.shared.built_in.clone()
    }

    /// What was found wrong since it was asked last, a line each.
    pub fn problems(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.books().problems)
    }

    #[cfg(test)]
    pub(super) fn look(&self) {
        self.shared.look();
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        let files: Vec<String> = self.books().files.keys().cloned().collect();
        files.iter().for_each(|file| self.look_at(file, false));
    }

    /// Looks at a file, and reads it if it changed; nothing is locked meanwhile.
    fn look_at(&self, file: &str, is_first: bool) {
        let Some(folder) = &self.folder else { return };
        let path = folder.join(file);
        let mut known = self.books().files.get(file).cloned().unwrap_or_default();
        let now = stamp(&path);
        let settled = is_first || known.seen == now;
        known.seen = now;
        let mut problem = None;
        if settled && known.read != now {
            known.read = now;
            match now.map(|_| read(&path)) {
                None => known.template = None,
                Some(Ok(template)) => known.template = Some(Arc::new(template)),
                Some(Err(error)) => {
                    let instead = if known.template.is_some() { "the last good one" } else { "the next best" };
                    problem = Some(format!("{}:{error}; {instead} is used meanwhile", path.display()));
                }
            }
        }
        let mut books = self.books();
        books.files.insert(file.to_string(), known);
        if books.problems.len() < PROBLEMS_MAX {
            books.problems.extend(problem);
        }
    }
}

/// Looks again and again, until the shelf is gone.
fn watch(shared: &Arc<Shared>) -> Option<Sender<()>> {
    let (sender, receiver) = channel::<()>();
    let shared = shared.clone();
    let looking = move || {
        while receiver.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            shared.look();
        }
    };
    // Without a thread templates are as they were at the start.
    std::thread::Builder::new().name("prompts".to_string()).spawn(looking).ok().map(|_| sender)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let of = |found: Metadata| Stamp {
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        bytes: found.len(),
        inode: found.ino(),
    };
    match std::fs::metadata(path) {
        Ok(found) => Some(of(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        // It is there, in a way; reading says what is wrong.
        Err(_) => Some(Stamp { modified: (0, 0), changed: (0, 0), bytes: 0, inode: 0 }),
    }
}

/// Reads a template; a mistake begins with its line.
fn read(path: &Path) -> Result<Template, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| format!("1: it cannot be read: {error}"))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("1: it cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("1: it is longer than {FILE_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("{line}: it is not UTF-8 text")
    })?;
    Template::parse(text).map_err(|error| error.to_string())
}

/// Whether a tier's name can be the name of a file in the folder.
fn is_plain(name: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("pocketpilot-prompts-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).expect("the temporary folder can be written");
            Folder(path)
        }

        /// Replaces a file as editors do: the new one has another inode.
        fn write(&self, file: &str, text: impl AsRef<[u8]>) {
            let new = self.0.join("new~");
            std::fs::write(&new, text).expect("it can be written");
            std::fs::rename(new, self.0.join(file)).expect("it can be renamed");
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn text(words: &str) -> String {
        format!("{words}\n--- user ---\n{{{{skills}}}}\n")
    }

    fn system(shelf: &Shelf, tier: &str) -> String {
        let whole = shelf.of(tier).system(|_| "");
        whole.split_once(' ').map_or(whole.clone(), |(first, _)| first.to_string())
    }

    /// A shelf whose files are looked at only when the test says so.
    fn unwatched(folder: &Folder) -> Shelf {
        let built_in = Arc::new(Template::parse(BUILT_IN).expect("the built-in template is right"));
        let shared = Shared { folder: Some(folder.0.clone()), built_in, books: Mutex::default() };
        Shelf { shared: Arc::new(shared), _watched: None }
    }

    #[test]
    fn a_tiers_own_file_goes_before_the_common_one_and_that_before_the_built_in_one() {
        let folder = Folder::new("order");
        assert_eq!(system(&Shelf::new(None), "local"), "You");
        assert_eq!(system(&unwatched(&folder), "local"), "You");
        folder.write(FILE, text("common"));
        folder.write("local.md", text("own"));
        let shelf = unwatched(&folder);
        assert_eq!(
            [system(&shelf, "local"), system(&shelf, "8b"), system(&shelf, "../x")],
            ["own", "common", "common"]
        );
        assert_eq!(shelf.problems(), Vec::<String>::new());
    }

    #[test]
    fn an_edited_template_is_used_when_it_stayed_as_it_is_from_one_look_to_the_next() {
        let folder = Folder::new("edit");
        folder.write(FILE, text("one"));
        let shelf = unwatched(&folder);
        assert_eq!(system(&shelf, "local"), "one");
        for (word, file) in [("two", FILE), ("three", "local.md")] {
            let before = system(&shelf, "local");
            folder.write(file, text(word));
            shelf.look();
            assert_eq!(system(&shelf, "local"), before, "it may still be written");
            shelf.look();
            assert_eq!(system(&shelf, "local"), word);
        }
        std::fs::remove_file(folder.0.join("local.md")).expect("it is there");
        std::fs::remove_file(folder.0.join(FILE)).expect("it is there");
        shelf.look();
        shelf.look();
        assert_eq!(system(&shelf, "local"), "You");
    }

    #[test]
    fn what_cannot_be_used_leaves_the_last_good_one_and_is_said_once() {
        let folder = Folder::new("wrong");
        folder.write(FILE, text("good"));
        let shelf = unwatched(&folder);
        assert_eq!(system(&shelf, "local"), "good");
        let long = text(&"x".repeat(FILE_BYTES_MAX as usize));
        for (bytes, said) in [
            (text("{{nothing}}").into_bytes(), "decide.md:1: unknown placeholder {{nothing}}"),
            (b"a\n--- user ---\nb".to_vec(), "decide.md:2: {{skills}} is missing"),
            (b"a\nb\xFF".to_vec(), "decide.md:2: it is not UTF-8 text"),
            (long.into_bytes(), "decide.md:1: it is longer than 65536 bytes"),
        ] {
            folder.write(FILE, bytes);
            (0..4).for_each(|_| shelf.look());
            let problems = shelf.problems();
            assert!(problems.len() == 1 && problems[0].contains(said), "{problems:?}");
            assert!(problems[0].ends_with("; the last good one is used meanwhile"), "{problems:?}");
            assert_eq!(system(&shelf, "local"), "good");
        }
        std::fs::create_dir(folder.0.join("local.md")).expect("a folder can be made");
        (0..4).for_each(|_| shelf.look());
        let problems = shelf.problems();
        assert!(problems.len() == 1 && problems[0].contains("local.md:1: it cannot be read"), "{problems:?}");
        folder.write(FILE, text("better"));
        (0..2).for_each(|_| shelf.look());
        assert_eq!(system(&shelf, "local"), "better");
    }

    #[test]
    fn a_file_that_is_edited_while_the_agent_runs_comes_into_use_by_itself() {
        let folder = Folder::new("live");
        folder.write(FILE, text("one"));
        let shelf = Shelf::new(Some(folder.0.clone()));
        assert_eq!(system(&shelf, "local"), "one");
        folder.write(FILE, text("two"));
        let watchdog = std::time::Instant::now() + Duration::from_secs(30);
        while system(&shelf, "local") != "two" {
            assert!(std::time::Instant::now() < watchdog, "the edited template never came into use");
            std::thread::yield_now();
        }
    }
}
