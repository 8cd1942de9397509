//! `agent index`: the memories of earlier play, looked into, checked, moved and searched.
//!
//! It works on the folder itself, in this process, which is no run's parent. What only reads may do so beside a run.

use crate::cli::{IndexCommand, PlaceArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::screen;
use indexes::archive::{Archive, ArchiveError, ArchiveOptions, Report};
use indexes::keeper::Progress;
use indexes::kind::Kind;
use serde_json::json;
use std::path::{Path, PathBuf};
use wire::exit;

mod look;
mod transfer;

/// Does what was asked; returns the exit status.
pub fn carry_out(command: &IndexCommand) -> Result<i32, Failure> {
    match command {
        IndexCommand::Stats { place, json } => look::stats(&open(place, false)?, *json),
        IndexCommand::Verify { place, json } => verify(&open(place, false)?, *json),
        IndexCommand::Compact { place } => compact(&open(place, true)?),
        IndexCommand::Export { target, chosen, place } => transfer::export(&open(place, false)?, target, chosen),
        IndexCommand::Import { source, place } => transfer::import(&begin(place)?, source),
        IndexCommand::Search { like, count, place, json } => look::search(&open(place, false)?, *like, *count, *json),
    }
}

/// A folder that is there already.
fn open(place: &PlaceArgs, is_writable: bool) -> Result<Archive, Failure> {
    let (folder, config) = folder(place)?;
    if !folder.join(indexes::store::STORE_FILE).exists() {
        let error = std::io::ErrorKind::NotFound.into();
        let remedy = "there are no memories here yet; a run keeps some, or name another folder with --memories";
        return Err(Failure::NoInput { path: folder, error, remedy });
    }
    Archive::open(&folder, &options(&config, is_writable)).map_err(refused)
}

/// The same, or one that begins.
fn begin(place: &PlaceArgs) -> Result<Archive, Failure> {
    let (folder, config) = folder(place)?;
    Archive::open(&folder, &options(&config, true)).map_err(refused)
}

fn folder(place: &PlaceArgs) -> Result<(PathBuf, Config), Failure> {
    let config = Config::load(place.config.as_deref())?;
    let folder = place.memories.clone().unwrap_or_else(|| config.indexes.folder.clone());
    Ok((folder, config))
}

fn options(config: &Config, is_writable: bool) -> ArchiveOptions {
    ArchiveOptions {
        is_writable,
        kind: Kind::named(&config.indexes.kind),
        capacity: config.indexes.capacity as usize,
        fold_at: config.indexes.fold_at as usize,
        report: Report::default(),
    }
}

/// What the folder says, as this program ends.
fn refused(error: ArchiveError) -> Failure {
    let status = match &error {
        ArchiveError::Locked { .. } => exit::UNAVAILABLE,
        ArchiveError::Io { .. } => exit::IO,
        ArchiveError::Store(indexes::store::StoreError::ReadOnly) | ArchiveError::Stopped => exit::SOFTWARE,
        ArchiveError::Store(_) | ArchiveError::Generation(_) | ArchiveError::Vectors(_) | ArchiveError::Refused(_) => {
            exit::DATA
        }
    };
    Failure::Role { status, message: error.to_string() }
}

/// Tells a person how far long work is; each state once.
fn teller() -> impl FnMut(Progress) {
    let mut last = String::new();
    move |Progress { what, space, span, done, total }| {
        let silo = if span == 0 { space } else { format!("{space}, clips of {span} steps") };
        let line = format!("{what}: {silo} ({done} of {total})");
        if line != last {
            screen::progress(&line);
            last = line;
        }
    }
}

fn verify(archive: &Archive, as_json: bool) -> Result<i32, Failure> {
    let findings = archive.verify(&mut teller()).map_err(refused)?;
    if as_json {
        let findings: Vec<_> =
            findings.iter().map(|finding| json!({ "path": finding.path, "message": finding.message })).collect();
        screen::print(&format!("{}\n", json!({ "findings": findings })));
    } else if findings.is_empty() {
        screen::print("every byte is as it was written\n");
    } else {
        for finding in &findings {
            screen::print(&format!("WRONG  {}\n", finding.message));
        }
        screen::print("silos are made anew from the store by the next run, or now: agent index compact\n");
    }
    Ok(if findings.is_empty() { exit::OK } else { exit::UNFINISHED })
}

fn compact(archive: &Archive) -> Result<i32, Failure> {
    let before = look::totals(archive)?;
    for space in archive.spaces().map_err(refused)? {
        let open = archive.open_space(&space.space).map_err(refused)?;
        archive.compact(&open, &mut teller()).map_err(refused)?;
    }
    let after = look::totals(archive)?;
    screen::print(&format!(
        "{} memories, {} folded, {} forgotten ones left out, {} of indexes\n",
        after.memories,
        before.fresh - after.fresh.min(before.fresh),
        before.dead - after.dead.min(before.dead),
        look::bytes(after.bytes),
    ));
    Ok(exit::OK)
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Unwritable { path: path.to_path_buf(), error, remedy: "name a folder that can be written" }
}
