//! Memories out of the silos and into them: a folder for each space, and in it one for each silo.

use super::{refused, unwritable};
use crate::cli::ChosenArgs;
use crate::failure::Failure;
use crate::screen;
use indexes::archive::{Archive, ArchiveError};
use indexes::export::Export;
use indexes::import::{Import, ImportError};
use indexes::kind::Kind;
use std::path::{Path, PathBuf};
use wire::exit;
use wire::recall::{NewMemory, Space};

/// Memories between two lines about how far it is.
const TELL_EVERY: u64 = 50_000;

/// Writes memories into a folder that is made for it.
pub fn export(archive: &Archive, target: &Path, chosen: &ChosenArgs) -> Result<i32, Failure> {
    if target.exists() {
        let message = "is there already; name a folder that is not";
        return Err(Failure::Folder { path: target.to_path_buf(), message });
    }
    let spaces = archive.spaces().map_err(refused)?;
    let known: Vec<&str> = spaces.iter().map(|space| space.space.name.as_str()).collect();
    if let Some(name) = chosen.space.as_deref().filter(|name| !known.contains(name)) {
        return Err(Failure::Usage(format!("there is no space {name}; there are: {}", known.join(", "))));
    }
    let mut count = 0;
    for space in spaces.iter().filter(|space| chosen.space.as_ref().is_none_or(|name| *name == space.space.name)) {
        let silos = space.silos.iter().filter(|silo| silo.memories > 0);
        for silo in silos.filter(|silo| chosen.span.is_none_or(|span| span == silo.span)) {
            let folder = target.join(&space.space.name).join(format!("{:02}", silo.span));
            count += export_silo(archive, &space.space, silo.span, &folder)?;
            screen::progress(&format!("{}: {} memories", folder.display(), silo.memories));
        }
    }
    if count == 0 {
        let message = "nothing to export: no such silo holds memories; `agent index stats` shows all".to_string();
        return Err(Failure::Role { status: exit::NO_INPUT, message });
    }
    screen::print(&format!("{count} memories in {}\n", target.display()));
    Ok(exit::OK)
}

fn export_silo(archive: &Archive, space: &Space, span: u32, folder: &Path) -> Result<usize, Failure> {
    let failed = |error: indexes::export::ExportError| match error {
        indexes::export::ExportError::Io { file, source } => unwritable(&file, source),
        other => Failure::Role { status: exit::DATA, message: other.to_string() },
    };
    let mut export = Export::create(folder, space.dimensions as usize).map_err(failed)?;
    let mut count = 0;
    let mut fault = None;
    let visited = archive.each_memory(space, span, &mut |whole| {
        let detail = archive.fetch(whole.memory.id)?.unwrap_or_default();
        count += 1;
        export.put(&whole.memory, &detail, &whole.vector).map_err(|error| {
            let message = error.to_string();
            fault = Some(error);
            ArchiveError::Refused(message)
        })
    });
    match (fault, visited) {
        (Some(fault), _) => return Err(failed(fault)),
        (None, visited) => visited.map_err(refused)?,
    };
    export.finish(Kind::for_size(count)).map_err(failed)
}

/// Adds what `export` wrote.
pub fn import(archive: &Archive, source: &Path) -> Result<i32, Failure> {
    let folders = exported(source)?;
    let mut added = 0;
    for (name, folder) in folders {
        let import = Import::open(&folder).map_err(unreadable)?;
        let space = Space { name, dimensions: import.dimensions() as u32 };
        let open = archive.open_space(&space).map_err(refused)?;
        let mut fault = None;
        // The first line that is wrong ends it; the memories before it are kept.
        let memories = import.map_while(|new: Result<NewMemory, ImportError>| match new {
            Ok(new) => Some(new),
            Err(error) => {
                fault = Some(error);
                None
            }
        });
        let mut told = 0;
        let mut progress = |seen: u64| {
            if seen / TELL_EVERY > told {
                told = seen / TELL_EVERY;
                screen::progress(&format!("{}: {seen} memories", folder.display()));
            }
        };
        added += archive.import(&open, memories, &mut progress).map_err(refused)?;
        if let Some(fault) = fault {
            return Err(unreadable(fault));
        }
    }
    screen::progress("indexing what is new");
    archive.keep_up().map_err(refused)?;
    screen::print(&format!("{added} memories were new\n"));
    Ok(exit::OK)
}

/// The folders of an export, each with the name of its space.
fn exported(source: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let remedy = "name a folder that `agent index export` wrote";
    let unreadable = |error| Failure::NoInput { path: source.to_path_buf(), error, remedy };
    let mut found = Vec::new();
    for space in std::fs::read_dir(source).map_err(unreadable)?.flatten() {
        let name = space.file_name().to_string_lossy().into_owned();
        for silo in std::fs::read_dir(space.path()).into_iter().flatten().flatten() {
            if silo.path().join("memories.jsonl").exists() {
                found.push((name.clone(), silo.path()));
            }
        }
    }
    found.sort();
    if found.is_empty() { Err(unreadable(std::io::ErrorKind::NotFound.into())) } else { Ok(found) }
}

fn unreadable(error: ImportError) -> Failure {
    let status = match &error {
        ImportError::Io { .. } => exit::NO_INPUT,
        ImportError::Wrong { .. } | ImportError::WrongLine { .. } => exit::DATA,
    };
    Failure::Role { status, message: error.to_string() }
}
