//! One generation of a silo: an index and its notes, written once, verified before it is used, mapped while it is used.
//!
//! A silo's folder holds a folder for each generation, named by its number in eight digits, with `vectors.faiss`, `ids`
//! (8 bytes each, little-endian, by position), `notes` and `manifest.toml`; `CURRENT` names the one in use. Nothing
//! changes a generation; the next one takes its place. Nothing reaches FAISS before its checksum and its head are right.

use crate::kind::Kind;
use crate::note::Note;
use crate::vectors::{Access, Shape, VectorError, Vectors, ffi};
use memmap2::Mmap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use wire::recall::{SPANS, Space};

mod manifest;
mod publish;

use manifest::Current;
pub use manifest::{Manifest, Sum};
pub use publish::{Draft, sweep};

const CURRENT: &str = "CURRENT";
const MANIFEST: &str = "manifest.toml";
const VECTORS: &str = "vectors.faiss";
const IDS: &str = "ids";
const NOTES: &str = "notes";
/// What a generation's folder is called while it is written, before its number.
const TEMPORARY: &str = ".tmp-";
/// What a generation that is not whole is called, after its number.
const REFUSED: &str = ".refused";
/// How often a reader begins again because the generation that it was reading is not the current one any more.
const TRIES_MAX: usize = 100;
/// The most bytes of a space's name.
const SPACE_BYTES_MAX: usize = 120;

/// Why there is no generation.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// A file is damaged, missing, or of something else. Whoever writes sets the generation aside and rebuilds it.
    #[error("{}: {reason}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused; the files may be whole.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// What was to be published makes no generation.
    #[error("cannot publish: {0}")]
    Draft(String),
    /// The vectors cannot be used.
    #[error(transparent)]
    Vectors(#[from] VectorError),
}

impl GenerationError {
    /// Whether the files are at fault, so that reading them again would not help.
    pub fn is_refusal(&self) -> bool {
        matches!(self, GenerationError::Refused { .. })
    }

    fn refused(file: &Path, reason: String) -> GenerationError {
        GenerationError::Refused { file: file.to_path_buf(), reason }
    }

    fn io(file: &Path, source: io::Error) -> GenerationError {
        GenerationError::Io { file: file.to_path_buf(), source }
    }

    /// What is missing or unreadable on the disk is the file's fault, everything else the system's.
    fn reading(file: &Path, source: io::Error) -> GenerationError {
        let is_fault = matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory)
            || source.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
        if is_fault { GenerationError::refused(file, source.to_string()) } else { GenerationError::io(file, source) }
    }
}

/// A generation in use.
#[derive(Debug)]
pub struct Generation {
    path: PathBuf,
    manifest: Manifest,
    vectors: Vectors,
    /// `None` where there are none.
    notes: Option<Mmap>,
}

/// What was found when a silo was opened.
#[derive(Debug, Default)]
pub struct Opened {
    /// The newest generation that is whole.
    pub generation: Option<Generation>,
    /// What is not.
    pub refused: Vec<GenerationError>,
}

impl Generation {
    /// Opens the generation that `CURRENT` names, once every byte of it is verified; `None`: there is no `CURRENT`.
    /// Afterwards its pages are in memory, and it has answered a question.
    pub fn open_current(
        silo: &Path,
        space: &Space,
        span: u32,
        access: Access,
    ) -> Result<Option<Generation>, GenerationError> {
        let Some(current) = Current::read(&silo.join(CURRENT))? else { return Ok(None) };
        let folder = silo.join(name_of(current.number));
        let manifest = verify_folder(&folder, space, span, current.number, Some(&current.checksum))?;
        Generation::open(&folder, &manifest, access).map(Some)
    }

    /// Opens the newest generation that is whole: the current one, else an older one. With `is_writer`, what is not whole
    /// is set aside. Damage is told and is no error.
    pub fn open_best(
        silo: &Path,
        space: &Space,
        span: u32,
        access: Access,
        is_writer: bool,
    ) -> Result<Opened, GenerationError> {
        let mut opened = Opened::default();
        let mut tried = named(silo);
        for left in (0..TRIES_MAX).rev() {
            match Generation::open_current(silo, space, span, access) {
                Ok(Some(generation)) => return Ok(Opened { generation: Some(generation), ..opened }),
                Ok(None) => break,
                // Somebody published meanwhile and swept away what this was about to read.
                Err(error) if error.is_refusal() && left > 0 && named(silo) != tried => tried = named(silo),
                Err(error) if error.is_refusal() => {
                    let fault = tried.map_or_else(|| silo.join(CURRENT), |number| silo.join(name_of(number)));
                    opened.refused.push(error);
                    set_aside(&fault, is_writer)?;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        for number in numbers(silo)?.into_iter().filter(|number| Some(*number) != tried) {
            let folder = silo.join(name_of(number));
            let manifest = verify_folder(&folder, space, span, number, None);
            match manifest.and_then(|manifest| Generation::open(&folder, &manifest, access)) {
                Ok(generation) => return Ok(Opened { generation: Some(generation), ..opened }),
                Err(error) if error.is_refusal() => {
                    opened.refused.push(error);
                    set_aside(&folder, is_writer)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(opened)
    }

    /// Verifies every byte of the current generation without FAISS; `None`: there is no `CURRENT`.
    pub fn verify(silo: &Path, space: &Space, span: u32) -> Result<Option<Manifest>, GenerationError> {
        let Some(current) = Current::read(&silo.join(CURRENT))? else { return Ok(None) };
        let folder = silo.join(name_of(current.number));
        verify_folder(&folder, space, span, current.number, Some(&current.checksum)).map(Some)
    }

    /// What the current generation says of itself; its files are not read. `None`: there is no `CURRENT`.
    pub fn described(silo: &Path) -> Result<Option<Manifest>, GenerationError> {
        let Some(current) = Current::read(&silo.join(CURRENT))? else { return Ok(None) };
        Manifest::read(&silo.join(name_of(current.number)).join(MANIFEST), Some(&current.checksum)).map(Some)
    }

    /// Writes the next generation, makes it the current one and opens it, mapped. Only for the process that writes.
    pub fn publish(silo: &Path, draft: &Draft<'_>) -> Result<Generation, GenerationError> {
        publish::publish(silo, draft)
    }

    /// Opens what is verified.
    fn open(folder: &Path, manifest: &Manifest, access: Access) -> Result<Generation, GenerationError> {
        let path = folder.join(VECTORS);
        let kind = Kind::named(&manifest.kind)
            .ok_or_else(|| GenerationError::refused(&path, format!("no index is of kind {:?}", manifest.kind)))?;
        let shape = Shape { kind, dimensions: manifest.dimensions as usize, count: manifest.count as usize };
        let vectors = Vectors::open(&path, access, shape).map_err(|error| match error {
            VectorError::File { path, reason } => GenerationError::Refused { file: path, reason },
            other => GenerationError::Vectors(other),
        })?;
        if access == Access::Mapped {
            ffi::populate(&path);
        }
        let notes = open_notes(&folder.join(NOTES), shape.count)?;
        let generation = Generation { path: folder.to_path_buf(), manifest: manifest.clone(), vectors, notes };
        if generation.notes().windows(2).any(|pair| pair[0].id >= pair[1].id) {
            return Err(GenerationError::refused(&folder.join(NOTES), "its ids do not rise".to_string()));
        }
        generation.vectors.search(&vec![0.0; shape.dimensions], 1)?;
        Ok(generation)
    }

    fn at(self, path: PathBuf) -> Generation {
        Generation { path, ..self }
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.manifest.generation
    }

    /// The index's kind.
    pub fn kind(&self) -> Kind {
        self.vectors.kind()
    }

    /// Memories in it.
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The highest memory id that was considered when it was made: later ones are not in it.
    pub fn last_id(&self) -> u64 {
        self.manifest.last_id
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.manifest.vectors.bytes + self.manifest.ids.bytes + self.manifest.notes.bytes
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// Its index alone, in memory, so that more can be added to it.
    pub fn load(&self) -> Result<Vectors, VectorError> {
        let shape = Shape { kind: self.kind(), dimensions: self.vectors.dimensions(), count: self.len() };
        Vectors::open(&self.path.join(VECTORS), Access::Loaded, shape)
    }

    /// The notes, by position; their ids rise.
    pub fn notes(&self) -> &[Note] {
        let bytes = self.notes.as_deref().unwrap_or_default();
        // The map begins at a page and was found to have the right length when it was opened.
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }

    /// The position of a memory.
    pub fn position(&self, id: u64) -> Option<usize> {
        self.notes().binary_search_by_key(&id, |note| note.id).ok()
    }
}

/// The folder of a silo; `None`: the space has no name that a folder can have, or there are no clips of this span.
pub fn silo_folder(folder: &Path, space: &Space, span: u32) -> Option<PathBuf> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let name = &space.name;
    let is_name = (1..=SPACE_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with('.');
    (is_name && SPANS.contains(&span)).then(|| folder.join(name).join(format!("{span:02}")))
}

/// The number of the next generation: higher than any that was ever begun here.
pub fn next_number(silo: &Path) -> Result<u64, GenerationError> {
    let entries = match fs::read_dir(silo) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(1),
        entries => entries.map_err(|error| GenerationError::io(silo, error))?,
    };
    let begun = entries.flatten().filter_map(|entry| number_of(&entry.file_name()).map(|(number, _)| number)).max();
    Ok(begun.max(named(silo)).unwrap_or(0).saturating_add(1))
}

/// Verifies every byte of a generation.
fn verify_folder(
    folder: &Path,
    space: &Space,
    span: u32,
    number: u64,
    checksum: Option<&str>,
) -> Result<Manifest, GenerationError> {
    let path = folder.join(MANIFEST);
    let manifest = Manifest::read(&path, checksum)?;
    manifest.check(&path, space, span, number)?;
    for (name, sum, width) in [(IDS, &manifest.ids, 8), (NOTES, &manifest.notes, Note::BYTES as u64)] {
        if manifest.count.checked_mul(width) != Some(sum.bytes) {
            return Err(GenerationError::refused(&path, format!("it says that {name} has {} bytes", sum.bytes)));
        }
        sum.check(&folder.join(name))?;
    }
    manifest.vectors.check(&folder.join(VECTORS))?;
    Ok(manifest)
}

fn open_notes(path: &Path, count: usize) -> Result<Option<Mmap>, GenerationError> {
    if count == 0 {
        return Ok(None);
    }
    let map = File::open(path).and_then(|file| ffi::map(&file));
    let map = map.map_err(|error| GenerationError::reading(path, error))?;
    if bytemuck::try_cast_slice::<u8, Note>(&map).is_ok_and(|notes| notes.len() == count) {
        Ok(Some(map))
    } else {
        Err(GenerationError::refused(path, format!("its {} bytes are not {count} notes", map.len())))
    }
}

/// The generation that `CURRENT` names, if it can be read.
fn named(silo: &Path) -> Option<u64> {
    Current::read(&silo.join(CURRENT)).ok().flatten().map(|current| current.number)
}

/// Takes a damaged file or folder out of the way; what is not there needs nothing.
fn set_aside(path: &Path, is_writer: bool) -> Result<(), GenerationError> {
    if !is_writer || !path.exists() {
        return Ok(());
    }
    let mut aside = path.as_os_str().to_os_string();
    aside.push(REFUSED);
    publish::remove(aside.as_ref())?;
    publish::rename(path, aside.as_ref())
}

/// The generations that are there and not refused, the newest first.
fn numbers(silo: &Path) -> Result<Vec<u64>, GenerationError> {
    let entries = match fs::read_dir(silo) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| GenerationError::io(silo, error))?,
    };
    let named = entries.flatten().filter_map(|entry| number_of(&entry.file_name()));
    let mut numbers: Vec<u64> = named.filter(|(_, is_refused)| !is_refused).map(|(number, _)| number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

fn name_of(number: u64) -> String {
    format!("{number:08}")
}

/// The number in a generation's name, and whether it was refused.
fn number_of(name: &OsStr) -> Option<(u64, bool)> {
    let name = name.to_str()?;
    let (digits, is_refused) = name.strip_suffix(REFUSED).map_or((name, false), |digits| (digits, true));
    let number = digits.parse().ok()?;
    (name_of(number) == digits).then_some((number, is_refused))
}

#[cfg(test)]
mod tests;
