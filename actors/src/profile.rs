//! Game profiles: how a ROM is recognised, which memory to look at, when the game waits for somebody, and what single
//! values mean. A profile may name a compiled decoder, which knows a whole layout.
//!
//! Invariants: a profile that loads is whole (every type is known, every role's field exists), and a mistake in a file
//! is reported with the file, the line and, for a misspelt key, the nearest known one. Absent: decoding
//! ([`crate::decode`]) and anything about pixels; a ROM without a profile is played from pixels alone.

use std::path::{Path, PathBuf};
use wire::emulator::Cartridge;
use wire::memory::{Bus, Condition, Place, Region, resolve};
use wire::observation::Observation;

mod file;
mod format;
mod retro;
mod words;

pub use format::{Format, FormatError};
pub use words::{Found, Label, Messages, Rules, Template, Words};

/// The profiles that come with the program: name and text.
const BUILT_IN: [(&str, &str); 2] =
    [("burrow", include_str!("../profiles/burrow.toml")), ("pmd-red", include_str!("../profiles/pmd-red.toml"))];

/// The name that stands for no profile at all: the game is played from pixels alone.
pub const NO_PROFILE: &str = "none";

/// The largest profile file that is read.
const PROFILE_BYTES_MAX: u64 = 1 << 20;

/// What is known of one game.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name: the file's name without `.toml` or `.json`.
    pub name: String,
    /// How its ROM is recognised.
    pub recognition: Recognition,
    /// The memory to subscribe to.
    pub regions: Vec<Region>,
    /// When the game waits for somebody. It never holds where the profile does not say; such a game is played by frames.
    pub turn: Condition,
    /// The decoder that knows the whole layout.
    pub decoder: Option<Layout>,
    /// Where the game takes a seed from while it shows its title.
    pub seed: Option<Place>,
    /// Where the game shows the keys that it read, as a mask in which 1 is pressed.
    pub key_echo: Option<Place>,
    /// Whether experience of earlier play takes part in decisions, where the configuration leaves that to the game.
    pub recall: bool,
    /// Single values, in the order of [`Observation::fields`].
    pub fields: Vec<Field>,
    /// What the game writes on its picture, where it can be played from what is read there.
    pub words: Option<Words>,
}

/// How a ROM is recognised. A profile whose recognition is empty is used only when it is asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// Title in the header.
    pub title: Option<String>,
    /// Game code in the header.
    pub code: Option<String>,
    /// SHA-1 of the file, 40 lower-case hexadecimal digits.
    pub sha1: Option<String>,
}

/// A memory layout that a decoder was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `pmd-red`: Pokémon Mystery Dungeon: Red Rescue Team (US), and what keeps its state in the same places.
    PmdRed,
}

/// One declared value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Bus address of the value, or of the pointer to it when `offset` is given.
    pub address: u32,
    /// When given, `address` holds a pointer and the value lies this many bytes behind where it points.
    pub offset: Option<u32>,
    /// How it is stored.
    pub format: Format,
    /// Smallest and largest sensible value; another one means that the memory is not what the profile says.
    pub range: Option<(i64, i64)>,
    /// What it means, for a person and for a model.
    pub meaning: String,
    /// What the agent itself uses it for.
    pub role: Option<Role>,
}

/// What the agent uses a declared value for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Turns the leader took.
    Turns,
    /// Where the game is between its title and its end; the values of each [`Episode`].
    Episode(EpisodeValues),
    /// A figure of the leader, instead of what the decoder says of it.
    Figure(Figure),
}

/// A figure that a profile declares by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Hit points.
    Hp,
    /// Hit points when well.
    HpMax,
    /// Belly.
    Belly,
    /// Level.
    Level,
    /// Money.
    Money,
}

/// The number that stands for each [`Episode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpisodeValues {
    /// Of [`Episode::Title`].
    pub title: i64,
    /// Of [`Episode::Playing`].
    pub playing: i64,
    /// Of [`Episode::Lost`].
    pub lost: i64,
    /// Of [`Episode::Won`].
    pub won: i64,
}

/// Where a game is between its title and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Episode {
    /// At its title.
    #[default]
    Title,
    /// In play.
    Playing,
    /// Lost; it shows so.
    Lost,
    /// Won; it shows so.
    Won,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("profile {}: {cause}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("{file}:{line}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong and, where that helps, what to write.
        message: String,
    },
}

/// Why a profile is that of a ROM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It was asked for by name.
    Named,
    /// Its SHA-1 is the ROM's.
    Hash,
    /// Its title and game code are those in the ROM's header.
    Header,
}

/// All profiles at hand, a user's before the built-in ones.
#[derive(Clone, Debug)]
pub struct Profiles {
    profiles: Vec<Profile>,
}

impl Profiles {
    /// The built-in profiles.
    pub fn built_in() -> Profiles {
        let parse = |(name, text): &(&str, &str)| {
            file::parse(name, &format!("{name}.toml"), text).expect("a test parses every built-in profile")
        };
        Profiles { profiles: BUILT_IN.iter().map(parse).collect() }
    }

    /// The built-in profiles, and those of a folder where one is named.
    pub fn at_hand(folder: Option<&Path>) -> Result<Profiles, ProfileError> {
        folder.map_or_else(|| Ok(Profiles::built_in()), Profiles::with_folder)
    }

    /// The built-in profiles and those of a folder (`*.toml`, and stable-retro's `*.json`). A profile in the folder
    /// replaces a built-in one of the same name and is recognised before the others.
    pub fn with_folder(folder: &Path) -> Result<Profiles, ProfileError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| ProfileError::Unreadable { path, cause }
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            paths.push(entry.map_err(unreadable(folder))?.path());
        }
        paths.sort();
        let mut profiles = Vec::new();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|kind| kind == "toml" || kind == "json")) {
            profiles.push(Profile::load(path)?);
        }
        let built_in = Profiles::built_in().profiles;
        let is_new = |profile: &Profile| profiles.iter().all(|own: &Profile| own.name != profile.name);
        let missing: Vec<_> = built_in.into_iter().filter(is_new).collect();
        profiles.extend(missing);
        Ok(Profiles { profiles })
    }

    /// The profile of a ROM: the one with its SHA-1, else the one with its code and title.
    pub fn recognise(&self, cartridge: &Cartridge) -> Option<&Profile> {
        let by_hash = self.profiles.iter().find(|profile| profile.recognition.has_hash_of(cartridge));
        by_hash.or_else(|| self.profiles.iter().find(|profile| profile.recognition.has_header_of(cartridge)))
    }

    /// The profile of this name, or without one that of the ROM, and why it is that one. `None` where no profile is meant
    /// or none is that of the ROM.
    ///
    /// # Errors
    /// When there is no profile of this name; says which there are.
    pub fn choose(&self, name: Option<&str>, cartridge: &Cartridge) -> Result<Option<(&Profile, Likeness)>, String> {
        match name {
            Some(NO_PROFILE) => Ok(None),
            Some(name) => match self.named(name) {
                Some(profile) => Ok(Some((profile, Likeness::Named))),
                None => {
                    let known: Vec<&str> = self.names().collect();
                    Err(format!("there is no profile `{name}`; there are: {}, {NO_PROFILE}", known.join(", ")))
                }
            },
            None => Ok(self.recognise(cartridge).map(|profile| {
                let is_hash = profile.recognition.has_hash_of(cartridge);
                (profile, if is_hash { Likeness::Hash } else { Likeness::Header })
            })),
        }
    }

    /// The profile of this name.
    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// The names, in the order of recognition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|profile| profile.name.as_str())
    }
}

impl Profile {
    /// The built-in profile of a ROM.
    pub fn recognise(cartridge: &Cartridge) -> Option<Profile> {
        Profiles::built_in().recognise(cartridge).cloned()
    }

    /// Reads a profile: TOML of our own, or stable-retro's `data.json`. A file called `data.json` is named after its
    /// folder.
    pub fn load(path: &Path) -> Result<Profile, ProfileError> {
        let unreadable = |cause| ProfileError::Unreadable { path: path.to_owned(), cause };
        if std::fs::metadata(path).map_err(unreadable)?.len() > PROFILE_BYTES_MAX {
            return Err(unreadable(std::io::Error::other("larger than any profile (1 MiB)")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let name_of = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let shown = path.display().to_string();
        if path.extension().is_some_and(|kind| kind == "json") {
            let name = match name_of(path).as_str() {
                "data" => path.parent().map(name_of).unwrap_or_default(),
                name => name.to_owned(),
            };
            retro::parse(&name, &shown, &text)
        } else {
            file::parse(&name_of(path), &shown, &text)
        }
    }

    /// The same game for whoever looks at its picture alone: nothing of its memory is wanted. Its seed is set-up, not sight.
    pub fn without_memory(self) -> Profile {
        Profile { regions: Vec::new(), turn: Condition::default(), key_echo: None, ..self }
    }

    /// Where the game is between its title and its end, where the profile declares it.
    pub fn episode(&self, observation: &Observation) -> Option<Episode> {
        self.fields.iter().zip(&observation.fields).find_map(|(field, value)| match field.role {
            Some(Role::Episode(values)) => values.episode(*value),
            _ => None,
        })
    }

    /// The value of a declared field.
    pub fn field(&self, observation: &Observation, name: &str) -> Option<i64> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        observation.fields.get(index).copied()
    }
}

impl Recognition {
    fn has_hash_of(&self, cartridge: &Cartridge) -> bool {
        match (&self.sha1, &cartridge.sha1) {
            (Some(own), Some(theirs)) => own.eq_ignore_ascii_case(theirs),
            _ => false,
        }
    }

    fn has_header_of(&self, cartridge: &Cartridge) -> bool {
        let title = self.title.as_ref().is_some_and(|title| *title == cartridge.title.trim_end_matches(['\0', ' ']));
        title && self.code.as_ref().is_some_and(|code| *code == cartridge.code)
    }
}

impl Field {
    /// The value, or `None` when the memory is not mapped or the pointer is null.
    pub fn read(&self, bus: &impl Bus) -> Option<i64> {
        let address = resolve(self.address, self.offset, bus)?;
        let mut bytes = [0; format::BYTES_MAX];
        let bytes = &mut bytes[..self.format.bytes()];
        bus.read(address, bytes).then_some(())?;
        Some(self.format.value(bytes))
    }
}

impl EpisodeValues {
    /// The number that stands for it.
    pub fn number(&self, episode: Episode) -> i64 {
        match episode {
            Episode::Title => self.title,
            Episode::Playing => self.playing,
            Episode::Lost => self.lost,
            Episode::Won => self.won,
        }
    }

    fn episode(&self, value: i64) -> Option<Episode> {
        [
            (self.title, Episode::Title),
            (self.playing, Episode::Playing),
            (self.lost, Episode::Lost),
            (self.won, Episode::Won),
        ]
        .into_iter()
        .find_map(|(number, episode)| (number == value).then_some(episode))
    }
}

#[cfg(test)]
mod tests;
