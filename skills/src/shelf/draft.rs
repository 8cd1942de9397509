//! One version of a skill as its folder holds it: read and compiled, not yet compared with the other skills.

use super::files;
use crate::guidance::Guidance;
use crate::manifest::{Limits, Manifest, Parsed};
use crate::skill::{Mistake, Script, Skill, Tier};
use crate::source::{Place, Source, mistake};
use crate::{GUIDANCE, MANIFEST, SCRIPT, builtin, names};
use semver::Version;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::hash::Hash;
use wire::link::CONTROL_BYTES_MAX;

/// The files that make a skill; others in its folder are the author's own business.
pub(super) const FILES: [&str; 3] = [MANIFEST, SCRIPT, GUIDANCE];
/// The largest card, so that each fits into a message.
const CARD_BYTES_MAX: usize = CONTROL_BYTES_MAX / 2;

/// The texts of a skill's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts([Option<String>; 3]);

/// A skill, and where its manifest names what it requires.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The skill.
    pub skill: Arc<Skill>,
    /// Where each required skill is named.
    pub requires: BTreeMap<String, Place>,
}

impl Texts {
    /// Reads them from the folder of all skills.
    pub(super) fn read(root: &Path, folder: &Path) -> Result<Texts, Mistake> {
        let mut texts = Texts::default();
        for (text, file) in texts.0.iter_mut().zip(FILES) {
            *text = files::read(root, &folder.join(file))?;
        }
        Ok(texts)
    }

    /// Those of a skill that comes with the program.
    pub(super) fn built_in(name: &str) -> Texts {
        Texts(FILES.map(|file| builtin::text(name, file).map(str::to_string)))
    }

    /// Names exactly these texts.
    pub(super) fn hash(&self) -> Hash {
        let lengths =
            self.0.each_ref().map(|text| text.as_ref().map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        let texts = self.0.iter().map(|text| text.as_deref().unwrap_or("").as_bytes());
        Hash::of(lengths.iter().map(<[u8; 8]>::as_slice).chain(texts))
    }

    /// The skill that these texts make; `None` when they are no skill's.
    pub(super) fn draft(
        &self,
        tier: Tier,
        name: &str,
        compile: fn(&Path, &str) -> Result<Script, Mistake>,
    ) -> Result<Option<Draft>, Mistake> {
        let folder = PathBuf::from(tier.name()).join(name);
        let [manifest, script, guidance] = &self.0;
        if manifest.is_none() && guidance.is_none() {
            return match script {
                Some(_) => Err(mistake(&folder, format!("there is {SCRIPT}, but no {MANIFEST} that describes it"))),
                None => Ok(None),
            };
        }
        names::check_name(name).map_err(|message| mistake(&folder, message))?;
        let path = |file: &str| folder.join(file);
        let guidance = guidance.as_ref().map(|text| Guidance::parse(&Source { path: &path(GUIDANCE), text }, name));
        let guidance = guidance.transpose()?;
        let parsed = match (manifest, &guidance) {
            (Some(text), _) => Manifest::parse(&Source { path: &path(MANIFEST), text }, name, tier)?,
            (None, Some(_)) if script.is_some() => {
                return Err(mistake(&folder, format!("there is {SCRIPT}, but no {MANIFEST} that describes it")));
            }
            (None, guidance) => of_guidance(&guidance.clone().unwrap_or_default()),
        };
        if script.is_none() && guidance.is_none() {
            let message = format!("there is {MANIFEST}, but neither {SCRIPT} nor {GUIDANCE}; add one of them");
            return Err(mistake(&folder, message));
        }
        let script = script.as_ref().map(|text| compile(&path(SCRIPT), text)).transpose()?;
        let Parsed { manifest, requires, .. } = parsed;
        let skill = Skill { manifest, tier, folder: folder.clone(), revision: self.hash(), script, guidance };
        match wire::codec::encode(&skill.card()) {
            Ok(card) if card.len() <= CARD_BYTES_MAX => Ok(Some(Draft { skill: Arc::new(skill), requires })),
            _ => {
                let message = format!("triggers and parameters are larger than {} KiB together", CARD_BYTES_MAX >> 10);
                Err(mistake(&path(MANIFEST), message))
            }
        }
    }
}

/// What a folder with guidance alone says of itself.
fn of_guidance(guidance: &Guidance) -> Parsed {
    let version = guidance.metadata.get("version").and_then(|version| Version::parse(version).ok());
    let manifest = Manifest {
        name: guidance.name.clone(),
        version: version.unwrap_or(Version::new(1, 0, 0)),
        description: guidance.description.clone(),
        requires: BTreeMap::new(),
        given: BTreeMap::new(),
        offers: Vec::new(),
        success: None,
        limits: Limits::DEFAULT,
    };
    Parsed { manifest, requires: BTreeMap::new(), name: Place::default() }
}
