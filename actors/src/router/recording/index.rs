//! Where things are in a recording of one game, so that any step's record, map and picture is read at once, also while the recording
//! is written.
//!
//! It keeps a place for every few records and for each picture, and the map now and then, since a record holds only what changed on
//! it. Both are bounded by [`PICTURES_INDEXED_MAX`]: what is older than that many pictures or steps is found no more.

use super::super::inquiry::{Offer, Outcome};
use super::{HEADER_BYTES, PIXEL_BYTES_MAX, Record, RecordingError, check_header};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use wire::Step;
use wire::codec::{self, MESSAGE_BYTES_MAX};
use wire::decision::Basis;
use wire::hash::Hash;
use wire::observation::Observation;
use wire::ring::{Snapshot, Stamp};
use wire::skill::Sight;

/// Pictures whose places are kept, and steps whose maps can be made.
pub const PICTURES_INDEXED_MAX: usize = 1_000_000;
/// Of so many records the place of one is kept.
const RECORDS_A_PLACE: u64 = 16;
/// Of so many records the map of one is kept.
const RECORDS_A_MAP: u64 = 256;
const MAPS_MAX: usize = PICTURES_INDEXED_MAX / RECORDS_A_MAP as usize;

/// What a record says of its step, but the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The step.
    pub step: Step,
    /// What the decision was made from.
    pub basis: Basis,
    /// What could be chosen.
    pub offers: Vec<Offer>,
    /// What was done before and what came of it.
    pub outcomes: Vec<Outcome>,
    /// Recalled memories in words.
    pub memories: Vec<String>,
    /// How unlike everything remembered it was.
    pub novelty: Option<f32>,
    /// The skill that acted; empty where none did.
    pub acted: String,
    /// Frames that passed in the step.
    pub frames: u32,
}

/// The places of a recording's records and pictures.
#[derive(Debug)]
pub struct RecordingIndex {
    path: PathBuf,
    file: File,
    at: u64,
    records: u64,
    places: Vec<(Step, u64)>,
    pictures: HashMap<Hash, u64>,
    order: VecDeque<Hash>,
    /// What was seen in the last record that was noted.
    seen: Option<Observation>,
    /// What was seen in some records, whole, and where the next one begins.
    maps: VecDeque<(u64, Sight)>,
}

impl RecordingIndex {
    /// Opens a recording; nothing of it is known yet.
    ///
    /// # Errors
    /// When it cannot be read, or is no recording of this version.
    pub fn open(path: &Path) -> Result<RecordingIndex, RecordingError> {
        let mut file = File::open(path).map_err(|error| RecordingError::Io { path: path.to_path_buf(), error })?;
        check_header(&mut file, path)?;
        Ok(RecordingIndex {
            path: path.to_path_buf(),
            file,
            at: HEADER_BYTES,
            records: 0,
            places: Vec::new(),
            pictures: HashMap::new(),
            order: VecDeque::new(),
            seen: None,
            maps: VecDeque::new(),
        })
    }

    /// Notes at most so many further records; says whether there may be more.
    ///
    /// # Errors
    /// When the file cannot be read or a record makes no sense.
    pub fn advance(&mut self, records_max: usize) -> Result<bool, RecordingError> {
        for _ in 0..records_max {
            let Some((record, end)) = self.read(self.at)? else { return Ok(false) };
            if self.records.is_multiple_of(RECORDS_A_PLACE) {
                self.places.push((record.step, self.at));
            }
            if record.pixels.is_some() {
                self.note_picture(record.basis.frame_hash);
            }
            self.note_map(record.sight, end)?;
            (self.records, self.at) = (self.records + 1, end);
        }
        Ok(true)
    }

    /// What was recorded of the step that was decided on this picture, if that is known by now.
    ///
    /// # Errors
    /// When the file cannot be read or a record makes no sense.
    pub fn account(&self, step: Step, picture: Hash) -> Result<Option<Account>, RecordingError> {
        Ok(self.find(step, picture)?.map(|(_, record)| Account::from(record)))
    }

    /// What was seen at the step that was decided on this picture, if that is known by now.
    ///
    /// # Errors
    /// When the file cannot be read or a record makes no sense.
    pub fn seen(&self, step: Step, picture: Hash) -> Result<Option<Observation>, RecordingError> {
        let Some((end, _)) = self.find(step, picture)? else { return Ok(None) };
        let after = self.maps.partition_point(|(at, _)| *at <= end);
        let known = after.checked_sub(1).and_then(|place| self.maps.get(place)).cloned();
        let Some((mut at, sight)) = known else { return Ok(None) };
        let mut seen = self.onto(sight, None)?;
        while at < end {
            let Some((record, next)) = self.read(at)? else { return Ok(None) };
            (at, seen) = (next, self.onto(record.sight, Some(seen))?);
        }
        Ok(Some(seen))
    }

    /// The record of the step that was decided on this picture, and where it ends.
    fn find(&self, step: Step, picture: Hash) -> Result<Option<(u64, Record)>, RecordingError> {
        for (place, (first, at)) in self.places.iter().enumerate().rev() {
            let (next, until) = self.places.get(place + 1).copied().unwrap_or((Step::MAX, self.at));
            // After a step back to a checkpoint steps are counted again, perhaps in the middle of those of a place.
            let least = next.min(*first).saturating_sub(RECORDS_A_PLACE);
            if step < least || step > next.max(*first).saturating_add(RECORDS_A_PLACE) {
                continue;
            }
            let mut at = *at;
            while at < until {
                let Some((record, end)) = self.read(at)? else { break };
                if record.step == step && record.basis.frame_hash == picture {
                    return Ok(Some((end, record)));
                }
                at = end;
            }
        }
        Ok(None)
    }

    /// The picture with these pixels, if it is known by now. It has no memory.
    ///
    /// # Errors
    /// When the file cannot be read or a record makes no sense.
    pub fn picture(&self, hash: Hash) -> Result<Option<Snapshot>, RecordingError> {
        let Some(place) = self.pictures.get(&hash) else { return Ok(None) };
        let Some((record, _)) = self.read(*place)? else { return Ok(None) };
        let Some(pixels) = &record.pixels else { return Ok(None) };
        let pixels = miniz_oxide::inflate::decompress_to_vec_with_limit(pixels, PIXEL_BYTES_MAX);
        let pixels = pixels.map_err(|error| self.damaged(format!("the picture cannot be inflated: {error}")))?;
        let ((epoch, sequence, frame), (width, height)) = (record.stamp, record.size);
        let stamp = Stamp { epoch, sequence, frame };
        Ok(Some(Snapshot { stamp, width, height, format: record.format, pixels, ..Snapshot::default() }))
    }

    fn note_map(&mut self, sight: Sight, end: u64) -> Result<(), RecordingError> {
        let before = self.seen.take();
        let seen = self.onto(sight, before)?;
        if self.records.is_multiple_of(RECORDS_A_MAP) {
            if self.maps.len() == MAPS_MAX {
                self.maps.pop_front();
            }
            self.maps.push_back((end, Sight::between(None, &seen)));
        }
        self.seen = Some(seen);
        Ok(())
    }

    fn onto(&self, sight: Sight, before: Option<Observation>) -> Result<Observation, RecordingError> {
        sight.onto(before).map_err(|error| self.damaged(error.to_string()))
    }

    fn note_picture(&mut self, hash: Hash) {
        if self.pictures.insert(hash, self.at).is_some() {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > PICTURES_INDEXED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.pictures.remove(&oldest);
        }
    }

    /// The record that begins there, and its end; nothing where it is not whole (yet).
    fn read(&self, at: u64) -> Result<Option<(Record, u64)>, RecordingError> {
        let mut prefix = [0; 4];
        if !self.read_exact(&mut prefix, at)? {
            return Ok(None);
        }
        let size = u32::from_le_bytes(prefix) as usize;
        if size > MESSAGE_BYTES_MAX {
            return Err(self.damaged(format!("it has {size} bytes")));
        }
        let mut bytes = vec![0; size];
        if !self.read_exact(&mut bytes, at + 4)? {
            return Ok(None);
        }
        let record = codec::decode(&bytes).map_err(|error| self.damaged(error.to_string()))?;
        Ok(Some((record, at + 4 + size as u64)))
    }

    fn read_exact(&self, bytes: &mut [u8], at: u64) -> Result<bool, RecordingError> {
        match self.file.read_exact_at(bytes, at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(RecordingError::Io { path: self.path.clone(), error }),
        }
    }

    fn damaged(&self, reason: String) -> RecordingError {
        RecordingError::Damaged { path: self.path.clone(), number: self.records + 1, reason }
    }
}

impl From<Record> for Account {
    fn from(record: Record) -> Account {
        Account {
            step: record.step,
            basis: record.basis,
            offers: record.offers,
            outcomes: record.outcomes,
            memories: record.memories,
            novelty: record.novelty,
            acted: record.acted,
            frames: record.frames,
        }
    }
}
