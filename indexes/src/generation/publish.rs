//! Writing a generation so that whoever is killed, at whatever point, leaves the old one or the new one, whole.

use super::manifest::{Current, Manifest, Sum};
use super::{CURRENT, Generation, GenerationError, IDS, MANIFEST, NOTES, TEMPORARY, VECTORS, name_of, number_of};
use crate::note::Note;
use crate::vectors::{Access, Vectors};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use wire::recall::Space;

/// What a generation is made of. The note at a place belongs to the vector at that position, and ids rise.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The space of the vectors.
    pub space: &'a Space,
    /// Steps that the clips span.
    pub span: u32,
    /// The generation's number; see [`super::next_number`].
    pub number: u64,
    /// The highest memory id that was considered, whether or not its memory is here.
    pub last_id: u64,
    /// The index.
    pub vectors: &'a Vectors,
    /// One note a vector.
    pub notes: &'a [Note],
}

pub(super) fn publish(silo: &Path, draft: &Draft<'_>) -> Result<Generation, GenerationError> {
    check(draft)?;
    let name = name_of(draft.number);
    let folder = silo.join(&name);
    if folder.exists() {
        return Err(GenerationError::Draft(format!("generation {name} is there already")));
    }
    let temporary = silo.join(format!("{TEMPORARY}{name}"));
    fs::create_dir_all(silo).map_err(|error| GenerationError::io(silo, error))?;
    remove(&temporary)?;
    fs::create_dir(&temporary).map_err(|error| GenerationError::io(&temporary, error))?;
    let manifest = write(&temporary, draft)?;
    // FAISS does not say when the last bytes did not fit on the disk. What it cannot read again is not published.
    let generation = Generation::open(&temporary, &manifest, Access::Mapped)?;
    rename(&temporary, &folder)?;
    sync(silo)?;
    let text = manifest.text().map_err(GenerationError::Draft)?;
    write_synced(&silo.join(CURRENT_TEMPORARY), Current::text(draft.number, &text).as_bytes())?;
    rename(&silo.join(CURRENT_TEMPORARY), &silo.join(CURRENT))?;
    sync(silo)?;
    Ok(generation.at(folder))
}

/// `CURRENT` while it is written.
const CURRENT_TEMPORARY: &str = "CURRENT.tmp";

fn check(draft: &Draft<'_>) -> Result<(), GenerationError> {
    let fault = |reason: String| Err(GenerationError::Draft(reason));
    let (vectors, notes) = (draft.vectors, draft.notes);
    if vectors.len() != notes.len() {
        return fault(format!("{} vectors have {} notes", vectors.len(), notes.len()));
    }
    if vectors.dimensions() != draft.space.dimensions as usize {
        return fault(format!("vectors of {} dimensions are not of this space", vectors.dimensions()));
    }
    if notes.windows(2).any(|pair| pair[0].id >= pair[1].id) {
        return fault("ids do not rise".to_string());
    }
    if notes.last().is_some_and(|last| last.id > draft.last_id) {
        return fault("an id is higher than the highest that was considered".to_string());
    }
    Ok(())
}

fn write(folder: &Path, draft: &Draft<'_>) -> Result<Manifest, GenerationError> {
    let vectors = folder.join(VECTORS);
    draft.vectors.write(&vectors)?;
    File::open(&vectors).and_then(|file| file.sync_all()).map_err(|error| GenerationError::io(&vectors, error))?;
    let ids: Vec<u8> = draft.notes.iter().flat_map(|note| note.id.to_le_bytes()).collect();
    write_synced(&folder.join(IDS), &ids)?;
    write_synced(&folder.join(NOTES), bytemuck::cast_slice(draft.notes))?;
    let manifest = Manifest {
        format: Manifest::FORMAT,
        space: draft.space.name.clone(),
        span: draft.span,
        generation: draft.number,
        kind: draft.vectors.kind().name().to_string(),
        dimensions: draft.space.dimensions,
        count: draft.notes.len() as u64,
        last_id: draft.last_id,
        faiss: crate::faiss_version(),
        vectors: Sum::of(&vectors)?,
        ids: Sum::of(&folder.join(IDS))?,
        notes: Sum::of(&folder.join(NOTES))?,
    };
    let text = manifest.text().map_err(GenerationError::Draft)?;
    write_synced(&folder.join(MANIFEST), text.as_bytes())?;
    sync(folder)?;
    Ok(manifest)
}

/// Removes what no start needs any more: unfinished generations, generations that were never made current, and those
/// older than the one before the current one. Of the refused ones the last stays, for whoever wants to look at it.
///
/// Only for the process that writes. Who still has one of them mapped keeps it until it lets go.
pub fn sweep(silo: &Path, current: u64) -> Result<(), GenerationError> {
    let entries = match fs::read_dir(silo) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| GenerationError::io(silo, error))?,
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let numbers = |is_refused| names.iter().filter_map(move |name| number_of(name).filter(|name| name.1 == is_refused));
    let before = numbers(false).map(|(number, _)| number).filter(|number| *number < current).max();
    let refused = numbers(true).map(|(number, _)| number).max();
    for name in &names {
        let is_needed = match number_of(name) {
            Some((number, false)) => number == current || Some(number) == before,
            Some((number, true)) => Some(number) == refused,
            None => !is_temporary(name),
        };
        if !is_needed {
            remove(&silo.join(name))?;
        }
    }
    Ok(())
}

fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(TEMPORARY) || name == CURRENT_TEMPORARY)
}

pub(super) fn remove(path: &Path) -> Result<(), GenerationError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(GenerationError::io(path, error)),
        _ => Ok(()),
    }
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), GenerationError> {
    fs::rename(from, to).map_err(|error| GenerationError::io(from, error))
}

pub(super) fn sync(folder: &Path) -> Result<(), GenerationError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| GenerationError::io(folder, error))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), GenerationError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| GenerationError::io(path, error))
}
