//! The skills in the folder of all skills, and what changes about them.
//!
//! Each look makes a new [`Library`] from what the folder holds now. A version that is wrong changes nothing: the last
//! good one stays, and what is wrong is said once. Only folders that changed are read again.

use crate::skill::{Library, Mistake, Script, Skill, Tier};
use crate::{GUIDANCE, MANIFEST, builtin, source};
use draft::{Draft, FILES, Texts};
use files::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::hash::Hash;
use wire::skill::Card;

mod choose;
mod draft;
mod files;

pub use files::{FILE_BYTES_MAX, is_passed_over};

/// Skills that are loaded at most.
pub const SKILLS_MAX: usize = 1000;

/// The skills that a skill can call, by name.
pub type Known<'a> = dyn Fn(&str) -> Option<Card> + 'a;

/// How the script of a skill is checked.
#[derive(Clone, Copy)]
pub struct Checks {
    /// Compiles a script; `path` names it in messages.
    pub compile: fn(path: &Path, source: &str) -> Result<Script, Mistake>,
    /// Tries a skill out where nothing can happen; `known` are the skills that it can call.
    pub rehearse: fn(skill: &Skill, known: &Known<'_>) -> Result<(), Mistake>,
}

/// What a look at the folder showed.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The skills now; the same as before where nothing changed.
    pub library: Arc<Library>,
    /// What changed, in the order of the skills' names.
    pub changes: Vec<Change>,
    /// A file changed so shortly before it was read that it has to be looked at again a second later.
    pub is_racy: bool,
}

/// One change of the shelf.
#[derive(Clone, Debug)]
pub enum Change {
    /// A skill is there that was not there before.
    Loaded(Arc<Skill>),
    /// Another text of a skill is used.
    Reloaded {
        /// The new one.
        skill: Arc<Skill>,
        /// The version before.
        before: String,
    },
    /// A version cannot be used.
    Rejected {
        /// The skill, or the folder of a tier.
        name: String,
        /// What is wrong, and where.
        mistake: Mistake,
        /// The version that is used instead, if there is one.
        kept: Option<String>,
    },
    /// A skill is gone.
    Removed {
        /// The version that was used.
        skill: Arc<Skill>,
        /// The version of another tier that is used now.
        now: Option<String>,
    },
}

/// The skills of a folder.
pub struct Shelf {
    root: PathBuf,
    checks: Checks,
    library: Arc<Library>,
    folders: BTreeMap<Key, Folder>,
    /// What was said already; said again when it comes back after it was gone.
    reported: BTreeMap<Key, (Hash, Mistake)>,
}

/// A skill's folder: whose, and its name. Of a tier's own folder the name is empty.
pub type Key = (Tier, String);

/// What is known of one skill's folder.
#[derive(Default)]
struct Folder {
    stamp: Option<Stamp>,
    is_racy: bool,
    content: Hash,
    newest: Option<Result<Arc<Draft>, Mistake>>,
    good: Option<Arc<Draft>>,
    /// Of which text, with which skills to call, what came of trying it out.
    tried: Option<(Hash, Hash, Result<(), Mistake>)>,
}

impl Shelf {
    /// A shelf that has not looked yet.
    pub fn new(root: &Path, checks: Checks) -> Shelf {
        // A folder that is not there holds nothing, whatever its name.
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        Shelf { root, checks, library: Arc::default(), folders: BTreeMap::new(), reported: BTreeMap::new() }
    }

    /// The skills as the last look showed them.
    pub fn library(&self) -> Arc<Library> {
        self.library.clone()
    }

    /// Where its core skills come from: `None` for the executable, else their folder.
    pub fn core_folder(&self) -> Option<PathBuf> {
        Some(self.root.join(Tier::Core.name())).filter(|folder| folder.is_dir())
    }

    /// Looks at the folder. `named` are folders in which something happened: they are read even if nothing tells so.
    pub fn refresh(&mut self, named: &BTreeSet<Key>) -> Refreshed {
        let mut mistakes = self.look(named);
        let library = self.library.clone();
        let options = self.options();
        let (folders, checks) = (&mut self.folders, self.checks);
        let choice = choose::choose(options, &library, |draft, chosen| try_out(folders, checks, draft, chosen));
        for (draft, mistake) in choice.refused {
            let key = key_of(&draft.skill);
            // A last good version that cannot be used any more is the old text; the newest one has a mistake of its own.
            mistakes.entry(key).or_insert((draft.skill.revision, mistake));
        }
        for draft in choice.chosen.values() {
            if let Some(folder) = self.folders.get_mut(&key_of(&draft.skill)) {
                folder.good = Some(draft.clone());
            }
        }
        let chosen = choice.chosen.into_iter().map(|(name, draft)| (name, draft.skill.clone())).collect();
        let changes = self.settle(chosen, mistakes);
        Refreshed { library: self.library(), changes, is_racy: self.folders.values().any(|folder| folder.is_racy) }
    }

    /// Checks the skill in a folder that is somewhere else, as if it were the user's own among these skills.
    ///
    /// # Errors
    /// What is wrong with it, with its own path.
    pub fn check_folder(&self, folder: &Path) -> Result<Arc<Skill>, Mistake> {
        let (Some(root), Some(name)) = (folder.parent(), folder.file_name().and_then(|name| name.to_str())) else {
            return Err(source::mistake(folder, "the folder of a skill was expected"));
        };
        let own = Path::new(Tier::Custom.name()).join(name);
        let elsewhere = |mistake: Mistake| match mistake.path.strip_prefix(&own) {
            Ok(file) => Mistake { path: folder.join(file), ..mistake },
            Err(_) => Mistake { path: root.join(&mistake.path), ..mistake },
        };
        let texts = Texts::read(root, Path::new(name)).map_err(elsewhere)?;
        let draft = texts.draft(Tier::Custom, name, self.checks.compile).map_err(elsewhere)?;
        let Some(draft) = draft.map(Arc::new) else {
            return Err(source::mistake(folder, format!("there is no skill here: neither {MANIFEST} nor {GUIDANCE}")));
        };
        let mut options = self.options();
        options.insert(name.to_string(), vec![draft.clone()]);
        let mut untried = BTreeMap::new();
        let checks = self.checks;
        let choice = choose::choose(options, &self.library, |other, chosen| match other.skill.manifest.name == name {
            true => try_out(&mut untried, checks, other, chosen),
            false => Ok(()),
        });
        match choice.refused.into_iter().find(|(refused, _)| Arc::ptr_eq(refused, &draft)) {
            Some((_, mistake)) => Err(elsewhere(mistake)),
            None => Ok(draft.skill.clone()),
        }
    }

    /// Reads what changed, and tells what of all there is cannot be read.
    fn look(&mut self, named: &BTreeSet<Key>) -> BTreeMap<Key, (Hash, Mistake)> {
        let mut mistakes = BTreeMap::new();
        let mut there = BTreeSet::new();
        for tier in Tier::ALL {
            match self.list(tier) {
                Ok(found) => {
                    for entry in found {
                        match entry {
                            Ok(name) => {
                                there.insert((tier, name));
                            }
                            Err(mistake) => {
                                let name = mistake.path.file_name().map(|name| name.to_string_lossy().into_owned());
                                let key = (tier, name.unwrap_or_default());
                                // What was good before stays, as for every other mistake.
                                there.extend(self.folders.contains_key(&key).then(|| key.clone()));
                                mistakes.insert(key, (Hash::default(), mistake));
                            }
                        }
                    }
                }
                Err(mistake) => {
                    there.extend(self.folders.keys().filter(|(of, _)| *of == tier).cloned());
                    mistakes.insert((tier, String::new()), (Hash::default(), mistake));
                }
            }
        }
        if let Some(first) = there.iter().nth(SKILLS_MAX).cloned() {
            let message = format!("there are {} skills; the first {SKILLS_MAX} are loaded", there.len());
            let path = Path::new(first.0.name()).join(&first.1);
            there.retain(|key| *key < first);
            mistakes.insert((first.0, String::new()), (Hash::default(), source::mistake(&path, message)));
        }
        self.folders.retain(|key, _| there.contains(key));
        for key in there {
            if !mistakes.contains_key(&key) {
                self.read(&key, named.contains(&key));
            }
            if let Some(Folder { newest: Some(Err(mistake)), content, .. }) = self.folders.get(&key) {
                mistakes.entry(key).or_insert((*content, mistake.clone()));
            }
        }
        mistakes
    }

    fn list(&self, tier: Tier) -> Result<Vec<Result<String, Mistake>>, Mistake> {
        if self.is_built_in(tier) {
            return Ok(builtin::skills().map(|name| Ok(name.to_string())).collect());
        }
        files::list(&self.root, tier)
    }

    fn is_built_in(&self, tier: Tier) -> bool {
        tier == Tier::Core && std::fs::symlink_metadata(self.root.join(tier.name())).is_err()
    }

    /// Reads a folder, unless nothing tells that it changed.
    fn read(&mut self, key: &Key, must: bool) {
        let (tier, name) = key;
        let relative = Path::new(tier.name()).join(name);
        let is_built_in = self.is_built_in(*tier);
        let stamp = (!is_built_in).then(|| Stamp::of(&self.root.join(&relative), &FILES));
        let folder = self.folders.entry(key.clone()).or_default();
        let is_known = folder.newest.is_some() || folder.content != Hash::default();
        if is_known && !must && !folder.is_racy && folder.stamp == stamp {
            return;
        }
        folder.is_racy = stamp.as_ref().is_some_and(Stamp::is_racy);
        folder.stamp = stamp;
        let texts = if is_built_in { Ok(Texts::built_in(name)) } else { Texts::read(&self.root, &relative) };
        match texts {
            Ok(texts) if is_known && texts.hash() == folder.content => {}
            Ok(texts) => {
                folder.content = texts.hash();
                folder.newest =
                    texts.draft(*tier, name, self.checks.compile).map(|draft| draft.map(Arc::new)).transpose();
            }
            Err(mistake) => {
                folder.content = Hash::of([mistake.message.as_bytes()]);
                folder.newest = Some(Err(mistake));
            }
        }
        if folder.newest.is_none() {
            folder.good = None;
        }
    }

    /// Of each skill the versions that could be used: of the highest tier first, and there the newest first.
    fn options(&self) -> choose::Options {
        let mut options = choose::Options::new();
        for ((_, name), folder) in self.folders.iter().rev() {
            let newest = folder.newest.iter().filter_map(|newest| newest.as_ref().ok());
            let versions = options.entry(name.clone()).or_default();
            for draft in newest.chain(&folder.good) {
                if !versions.iter().any(|version: &Arc<Draft>| Arc::ptr_eq(version, draft)) {
                    versions.push(draft.clone());
                }
            }
        }
        options
    }

    /// Makes the new library, and tells how it differs from the one before.
    fn settle(
        &mut self,
        chosen: BTreeMap<String, Arc<Skill>>,
        mistakes: BTreeMap<Key, (Hash, Mistake)>,
    ) -> Vec<Change> {
        let before = &self.library.skills;
        let mut changes = Vec::new();
        for ((tier, name), found) in &mistakes {
            if self.reported.get(&(*tier, name.clone())) == Some(found) {
                continue;
            }
            let kept = chosen.get(name).map(|skill| skill.manifest.version.to_string());
            let name = if name.is_empty() { tier.name().to_string() } else { name.clone() };
            changes.push(Change::Rejected { name, mistake: found.1.clone(), kept });
        }
        for (name, skill) in before {
            let folder_is_gone = !self.folders.contains_key(&key_of(skill));
            let now = chosen.get(name);
            if now.is_none() || (folder_is_gone && now.is_some_and(|now| now.tier != skill.tier)) {
                let now = now.map(|now| now.manifest.version.to_string());
                changes.push(Change::Removed { skill: skill.clone(), now });
            }
        }
        for (name, skill) in &chosen {
            match before.get(name) {
                None => changes.push(Change::Loaded(skill.clone())),
                Some(old) if old.revision == skill.revision && old.tier == skill.tier => {}
                Some(old) => {
                    changes.push(Change::Reloaded { skill: skill.clone(), before: old.manifest.version.to_string() });
                }
            }
        }
        self.reported = mistakes;
        let is_same = chosen.len() == before.len()
            && chosen.iter().all(|(name, skill)| before.get(name).is_some_and(|old| Arc::ptr_eq(old, skill)));
        if !is_same {
            self.library = Arc::new(Library { generation: self.library.generation + 1, skills: chosen });
        }
        changes
    }
}

fn key_of(skill: &Skill) -> Key {
    (skill.tier, skill.manifest.name.clone())
}

/// Tries a version out, unless that was done with the same text and the same skills to call.
fn try_out(
    folders: &mut BTreeMap<Key, Folder>,
    checks: Checks,
    draft: &Draft,
    chosen: &choose::Chosen,
) -> Result<(), Mistake> {
    if draft.skill.script.is_none() {
        return Ok(());
    }
    let known = |name: &str| chosen.get(name).map(|draft| draft.skill.card());
    let callable: Vec<Card> = draft.skill.manifest.requires.keys().filter_map(|name| known(name)).collect();
    let parameters: Vec<_> = callable.iter().map(|card| (&card.name, &card.parameters)).collect();
    let callable = wire::codec::encode(&parameters).unwrap_or_default();
    let (text, callable) = (draft.skill.revision, Hash::of([callable.as_slice()]));
    let folder = folders.entry(key_of(&draft.skill)).or_default();
    match &folder.tried {
        Some((of, with, found)) if (*of, *with) == (text, callable) => found.clone(),
        _ => {
            let found = (checks.rehearse)(&draft.skill, &known);
            folder.tried = Some((text, callable, found.clone()));
            found
        }
    }
}

#[cfg(test)]
mod tests;
