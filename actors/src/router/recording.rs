//! A recording: each question of a run with what was done then, for benches and for training.
//!
//! The file begins with [`MAGIC`] and [`VERSION`] and is only ever appended to: one record behind the other, each behind its
//! length. A picture is written once, deflated, and the map as what changed; memory is left out. A last record that was cut
//! short is passed over, and written over by whoever goes on with the file.
//! Absent: who decides to record (the pilot), and what is made of it.

use super::inquiry::{Inquiry, Offer, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use wire::codec;
use wire::decision::Basis;
use wire::emulator::PixelFormat;
use wire::hash::Hash;
use wire::observation::Observation;
use wire::ring::{Snapshot, Stamp};
use wire::skill::{Bearings, Sight};
use wire::{Instance, Step};

mod index;

pub use index::{Account, PICTURES_INDEXED_MAX, RecordingIndex};

/// What a recording begins with.
pub const MAGIC: [u8; 8] = *b"PPASKED\n";
/// The version of its records.
pub const VERSION: u32 = 1;

const HEADER_BYTES: u64 = 12;
/// Records that may wait for the writer; more are dropped and counted. Each may hold a picture.
const WAITING_MAX: usize = 256;
/// Pictures that a record may refer back to.
const PICTURES_MAX: usize = 4096;
/// The largest picture that is read.
const PIXEL_BYTES_MAX: usize = 8 << 20;
/// How hard pictures are deflated: the writer must keep up with a game that nothing slows down.
const DEFLATE_LEVEL: u8 = 1;

/// A question, and what was done then.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The question. Its frame has no memory.
    pub inquiry: Inquiry,
    /// The skill that acted; empty where none did.
    pub acted: String,
    /// Frames that passed in this step.
    pub frames: u32,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The operating system refused.
    #[error("recording {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// It is something else.
    #[error("{} is no recording of a run's questions", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another version of this program wrote it.
    #[error("recording {} is of version {version}; this program reads version {VERSION}: record anew", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A record makes no sense.
    #[error("recording {}, record {number}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which record, from 1.
        number: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Writes a recording, on a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    sender: Option<SyncSender<Noted>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    /// Pictures that are written, or on their way.
    pictures: HashSet<Hash>,
    dropped: u64,
}

/// A question on its way to the writer.
#[derive(Debug)]
struct Noted {
    /// Its frame has no memory, and pixels only where the picture is new.
    inquiry: Inquiry,
    is_new_picture: bool,
    acted: String,
    frames: u32,
}

/// A record as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    instance: Instance,
    step: Step,
    life: u32,
    basis: Basis,
    difference_hash: u64,
    stamp: (u32, u64, u64),
    size: (u32, u32),
    format: PixelFormat,
    /// Deflated; none where a record before has the picture.
    pixels: Option<Vec<u8>>,
    sight: Sight,
    bearings: Bearings,
    offers: Vec<Offer>,
    outcomes: Vec<Outcome>,
    memories: Vec<String>,
    novelty: Option<f32>,
    /// None where it is that of the record before.
    guidance: Option<Arc<Vec<(String, String)>>>,
    acted: String,
    frames: u32,
}

impl Recorder {
    /// Begins a recording, or goes on with the one in this file.
    ///
    /// # Errors
    /// When the file cannot be written, or is something else than a recording of this version.
    pub fn create(path: &Path) -> io::Result<Recorder> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let end = match file.metadata()?.len() {
            0 => {
                file.write_all(&header())?;
                HEADER_BYTES
            }
            length => {
                check_header(&mut file, path).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                whole_until(&mut file, length)?
            }
        };
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let writer = std::thread::Builder::new().name("recording".to_string()).spawn(move || write(file, &receiver))?;
        Ok(Recorder { sender: Some(sender), writer: Some(writer), pictures: HashSet::new(), dropped: 0 })
    }

    /// Notes a question, what acted then, and how many frames passed. Never waits: what the writer has no room for is dropped.
    ///
    /// # Errors
    /// Once, when the file cannot be written any more; what is noted afterwards is dropped.
    pub fn note(&mut self, inquiry: &Inquiry, acted: &str, frames: u32) -> io::Result<()> {
        let Some(sender) = &self.sender else {
            self.dropped += 1;
            return Ok(());
        };
        if self.pictures.len() >= PICTURES_MAX {
            self.pictures.clear();
        }
        let hash = inquiry.basis.frame_hash;
        let is_new = self.pictures.insert(hash);
        let Snapshot { stamp, width, height, format, ref pixels, .. } = *inquiry.frame;
        let pixels = if is_new { pixels.clone() } else { Vec::new() };
        let frame = Snapshot { stamp, width, height, format, pixels, ..Snapshot::default() };
        let inquiry = Inquiry { frame: Arc::new(frame), ..inquiry.clone() };
        match sender.try_send(Noted { inquiry, is_new_picture: is_new, acted: acted.to_string(), frames }) {
            Ok(()) => Ok(()),
            Err(refused) => {
                self.dropped += 1;
                if is_new {
                    self.pictures.remove(&hash);
                }
                match refused {
                    TrySendError::Full(_) => Ok(()),
                    TrySendError::Disconnected(_) => self.end(),
                }
            }
        }
    }

    /// Records that were dropped because the writer could not keep up, or could not write any more.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits until everything noted is written.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn close(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.sender = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the recording's writer panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.end();
    }
}

/// Reads a recording, record by record.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: BufReader<File>,
    length: u64,
    at: u64,
    number: u64,
    /// The pictures that records may refer back to, deflated, the oldest first.
    pictures: HashMap<Hash, Vec<u8>>,
    order: VecDeque<Hash>,
    before: HashMap<Instance, Observation>,
    guidance: Arc<Vec<(String, String)>>,
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    /// When it cannot be read, or is no recording of this version.
    pub fn open(path: &Path) -> Result<Recording, RecordingError> {
        let io = |error| RecordingError::Io { path: path.to_path_buf(), error };
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        check_header(&mut file, path)?;
        Ok(Recording {
            path: path.to_path_buf(),
            file: BufReader::new(file),
            length,
            at: HEADER_BYTES,
            number: 0,
            pictures: HashMap::new(),
            order: VecDeque::new(),
            before: HashMap::new(),
            guidance: Arc::default(),
        })
    }

    fn read(&mut self) -> Result<Option<Recorded>, RecordingError> {
        let Some(bytes) = self.bytes().map_err(|error| RecordingError::Io { path: self.path.clone(), error })? else {
            return Ok(None);
        };
        self.number += 1;
        let damaged = |reason: String| RecordingError::Damaged { path: self.path.clone(), number: self.number, reason };
        let record: Record = codec::decode(&bytes).map_err(|error| damaged(error.to_string()))?;
        let hash = record.basis.frame_hash;
        if let Some(pixels) = record.pixels {
            if self.pictures.insert(hash, pixels).is_some() {
                self.order.retain(|other| *other != hash);
            }
            self.order.push_back(hash);
        }
        let known = self.pictures.get(&hash);
        let inflated = known.map(|pixels| miniz_oxide::inflate::decompress_to_vec_with_limit(pixels, PIXEL_BYTES_MAX));
        let pixels = match inflated {
            Some(Ok(pixels)) => pixels,
            Some(Err(error)) => return Err(damaged(format!("the picture cannot be inflated: {error}"))),
            None => return Err(damaged("the picture that it refers to is missing".to_string())),
        };
        let before = self.before.remove(&record.instance);
        let seen = record.sight.onto(before).map_err(|error| damaged(error.to_string()))?;
        self.before.insert(record.instance, seen.clone());
        if self.order.len() > PICTURES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.pictures.remove(&oldest);
        }
        if let Some(guidance) = record.guidance {
            self.guidance = guidance;
        }
        let ((epoch, sequence, frame), (width, height)) = (record.stamp, record.size);
        let stamp = Stamp { epoch, sequence, frame };
        let inquiry = Inquiry {
            instance: record.instance,
            step: record.step,
            life: record.life,
            basis: record.basis,
            frame: Arc::new(Snapshot { stamp, width, height, format: record.format, pixels, ..Snapshot::default() }),
            picture: record.difference_hash,
            seen: Arc::new(seen),
            bearings: record.bearings,
            offers: record.offers,
            outcomes: record.outcomes,
            memories: record.memories,
            novelty: record.novelty,
            guidance: self.guidance.clone(),
        };
        Ok(Some(Recorded { inquiry, acted: record.acted, frames: record.frames }))
    }

    /// The next record's bytes; nothing at the end, or where the last record was cut short.
    fn bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(end) = record_end(&mut self.file, self.at, self.length)? else { return Ok(None) };
        let mut bytes = vec![0; (end - self.at - 4) as usize];
        self.file.read_exact(&mut bytes)?;
        self.at = end;
        Ok(Some(bytes))
    }
}

impl Iterator for Recording {
    type Item = Result<Recorded, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.at = self.length;
        }
        read.transpose()
    }
}

fn header() -> [u8; HEADER_BYTES as usize] {
    let mut header = [0; HEADER_BYTES as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..].copy_from_slice(&VERSION.to_le_bytes());
    header
}

fn check_header(file: &mut File, path: &Path) -> Result<(), RecordingError> {
    let mut found = [0; HEADER_BYTES as usize];
    match file.read_exact(&mut found) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => found = [0; HEADER_BYTES as usize],
        Err(error) => return Err(RecordingError::Io { path: path.to_path_buf(), error }),
    }
    let [magic @ .., a, b, c, d] = found;
    match u32::from_le_bytes([a, b, c, d]) {
        _ if magic != MAGIC => Err(RecordingError::Foreign { path: path.to_path_buf() }),
        VERSION => Ok(()),
        version => Err(RecordingError::Version { path: path.to_path_buf(), version }),
    }
}

/// Where the record that begins here ends; nothing when the file ends before.
fn record_end(file: &mut impl Read, at: u64, length: u64) -> io::Result<Option<u64>> {
    if length.saturating_sub(at) < 4 {
        return Ok(None);
    }
    let mut prefix = [0; 4];
    file.read_exact(&mut prefix)?;
    let end = at + 4 + u64::from(u32::from_le_bytes(prefix));
    Ok((end <= length).then_some(end))
}

/// Where the last whole record ends.
fn whole_until(file: &mut File, length: u64) -> io::Result<u64> {
    let mut at = HEADER_BYTES;
    while let Some(end) = record_end(file, at, length)? {
        at = file.seek(SeekFrom::Start(end))?;
    }
    Ok(at)
}

fn write(mut file: File, receiver: &Receiver<Noted>) -> io::Result<()> {
    let mut before: HashMap<Instance, Arc<Observation>> = HashMap::new();
    let mut guidance: Option<Arc<Vec<(String, String)>>> = None;
    while let Ok(Noted { inquiry, is_new_picture, acted, frames }) = receiver.recv() {
        let Snapshot { stamp, width, height, format, ref pixels, .. } = *inquiry.frame;
        let pixels = is_new_picture.then(|| miniz_oxide::deflate::compress_to_vec(pixels, DEFLATE_LEVEL));
        let sight = Sight::between(before.get(&inquiry.instance).map(AsRef::as_ref), &inquiry.seen);
        before.insert(inquiry.instance, inquiry.seen);
        let has_new_guidance = guidance.as_ref() != Some(&inquiry.guidance);
        guidance = Some(inquiry.guidance.clone());
        let record = Record {
            instance: inquiry.instance,
            step: inquiry.step,
            life: inquiry.life,
            basis: inquiry.basis,
            difference_hash: inquiry.picture,
            stamp: (stamp.epoch, stamp.sequence, stamp.frame),
            size: (width, height),
            format,
            pixels,
            sight,
            bearings: inquiry.bearings,
            offers: inquiry.offers,
            outcomes: inquiry.outcomes,
            memories: inquiry.memories,
            novelty: inquiry.novelty,
            guidance: has_new_guidance.then_some(inquiry.guidance),
            acted,
            frames,
        };
        let bytes = codec::encode(&record).map_err(io::Error::other)?;
        let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
        framed.extend(bytes);
        file.write_all(&framed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
