//! What the commands want to know of a folder: how large it is, whether it is whole, and the memories themselves.

use super::{Archive, ArchiveError, OpenSpace};
use crate::generation::{Generation, silo_folder};
use crate::keeper::Progress;
use crate::store::reads::SiloKey;
use std::path::PathBuf;
use wire::recall::{Memory, SPANS, Space};

/// A space and its silos.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceStats {
    /// The space.
    pub space: Space,
    /// One for each of [`SPANS`].
    pub silos: Vec<SiloStats>,
}

/// A silo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiloStats {
    /// Steps that its clips span.
    pub span: u32,
    /// Memories in the store.
    pub memories: u64,
    /// Of those, how many no generation holds yet.
    pub fresh: u64,
    /// Forgotten memories that the generation still holds.
    pub dead: u64,
    /// The current generation's number; `None`: there is none.
    pub generation: Option<u64>,
    /// Its kind of index; empty where there is none.
    pub kind: String,
    /// Bytes of its files.
    pub bytes: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub path: PathBuf,
    /// What, in a line.
    pub message: String,
}

/// A memory with its vector and what else is kept of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WholeMemory {
    /// The memory.
    pub memory: Memory,
    /// Its vector.
    pub vector: Vec<f32>,
}

impl Archive {
    /// The spaces that the store knows, each with its silos as they are on the disk. No silo is opened or verified.
    pub fn spaces(&self) -> Result<Vec<SpaceStats>, ArchiveError> {
        let stats = |(number, space): (u32, Space)| {
            let silos = SPANS.map(|span| self.silo_stats(&space, SiloKey { space: number, span }));
            let silos = silos.into_iter().collect::<Result<Vec<_>, ArchiveError>>()?;
            Ok(SpaceStats { space, silos })
        };
        self.store.spaces()?.into_iter().map(stats).collect()
    }

    fn silo_stats(&self, space: &Space, key: SiloKey) -> Result<SiloStats, ArchiveError> {
        let folder = silo_folder(&self.folder, space, key.span).unwrap_or_default();
        // What is damaged has no numbers; `verify` says what is wrong with it.
        let manifest = Generation::described(&folder).ok().flatten();
        let last_id = manifest.as_ref().map_or(0, |manifest| manifest.last_id);
        let memories = self.store.count(key, 0)?;
        let fresh = self.store.count(key, last_id)?;
        let held = manifest.as_ref().map_or(0, |manifest| manifest.count);
        Ok(SiloStats {
            span: key.span,
            memories,
            fresh,
            dead: held.saturating_sub(memories - fresh),
            generation: manifest.as_ref().map(|manifest| manifest.generation),
            kind: manifest.as_ref().map(|manifest| manifest.kind.clone()).unwrap_or_default(),
            bytes: manifest.map_or(0, |manifest| manifest.vectors.bytes + manifest.ids.bytes + manifest.notes.bytes),
        })
    }

    /// Reads every byte of the store and of the current generations; what is not whole is told.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Finding>, ArchiveError> {
        let mut findings = Vec::new();
        let spaces = self.store.spaces()?;
        let total = (spaces.len() * SPANS.len()) as u64 + 1;
        let mut done = 0;
        for (number, space) in &spaces {
            for span in SPANS {
                progress(Progress { what: "verify", space: space.name.clone(), span, done, total });
                done += 1;
                let Some(folder) = silo_folder(&self.folder, space, span) else { continue };
                let message = match Generation::verify(&folder, space, span) {
                    Err(error) => error.to_string(),
                    Ok(None) if self.store.settled(SiloKey { space: *number, span })?.is_some() => {
                        "its generation is gone; it is made anew when the space is opened".to_string()
                    }
                    Ok(_) => continue,
                };
                findings.push(Finding { path: folder, message });
            }
        }
        progress(Progress { what: "verify", space: "store".to_string(), span: 0, done, total });
        let path = self.folder.join(crate::store::STORE_FILE);
        findings.extend(self.store.check()?.into_iter().map(|message| Finding { path: path.clone(), message }));
        Ok(findings)
    }

    /// A memory with its vector; `None`: there is none, or its vector is damaged.
    pub fn memory(&self, id: u64) -> Result<Option<(Space, WholeMemory)>, ArchiveError> {
        let Some(space) = self.store.space_of(id)? else { return Ok(None) };
        let whole = self.store.whole(id, space.dimensions as usize)?;
        Ok(whole.map(|(record, vector)| (space, WholeMemory { memory: self.memory_of(record), vector })))
    }

    /// All memories of a silo with their vectors, in the order of their ids, a page at a time.
    pub fn each_memory(
        &self,
        space: &Space,
        span: u32,
        visit: &mut dyn FnMut(WholeMemory) -> Result<(), ArchiveError>,
    ) -> Result<u64, ArchiveError> {
        let Some(number) = self.store.space_number(space)? else { return Ok(0) };
        let (dimensions, mut after, mut count) = (space.dimensions as usize, 0, 0);
        loop {
            let page = self.store.page(SiloKey { space: number, span }, dimensions, after, u64::MAX)?;
            let Some(last) = page.last_id else { return Ok(count) };
            after = last;
            for (record, row) in page.records.into_iter().zip(page.rows.chunks_exact(dimensions.max(1))) {
                visit(WholeMemory { memory: self.memory_of(record), vector: row.to_vec() })?;
                count += 1;
            }
        }
    }

    /// Makes every silo of a space anew where it is not as small and as fast as it could be, two at a time, and gives room
    /// back to the disk.
    pub fn compact(&self, space: &OpenSpace, progress: &mut dyn FnMut(Progress)) -> Result<(), ArchiveError> {
        self.rebuild_all(space, progress)?;
        Ok(self.store.vacuum()?)
    }
}
