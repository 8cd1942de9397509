//! The frame ring: newest picture and memory snapshot of one emulator, shared with readers in other processes.
//!
//! A sealed memfd holds three slots and the number of the newest. The one writer zeroes a slot's stamp, writes the
//! slot, stamps it, publishes its sequence number. A reader copies the newest slot and believes the copy only if the
//! stamp is the same before and after. The writer never waits for readers, and a writer that dies in the middle of a
//! slot leaves the other two whole. Each emulator life gets a new memfd.
//!
//! Absent: locks, notification (the reply to a request says that a frame is there), and more than one writer.

use crate::Epoch;
use crate::emulator::PixelFormat;
use crate::memory::{Bus, Region};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

mod slots;

use slots::{Published, Slots, Words as _};

/// Slots in a ring: one that is read, one that is newest, one that is written.
pub const SLOTS: usize = 3;
/// How often a reader tries again when the writer laps it; lapping needs two frames during one copy.
pub const READ_TRIES_MAX: usize = 8;
/// The most memory regions a snapshot consists of.
pub const REGIONS_MAX: usize = 8;

const MAGIC: u64 = 0x3130_474e_4952_5050; // "PPRING01", little-endian
const HEADER_BYTES: usize = 4096;
const SLOT_HEADER_BYTES: usize = 256;

/// What a ring has room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Life of the emulator that writes.
    pub epoch: Epoch,
    /// Most bytes of pixels.
    pub pixel_bytes_max: usize,
    /// The regions that each snapshot holds, in this order.
    pub regions: Vec<Region>,
}

impl Shape {
    fn memory_bytes(&self) -> usize {
        self.regions.iter().map(|region| region.length as usize).sum()
    }

    fn slot_bytes(&self) -> usize {
        let payload = self.pixel_bytes_max + self.memory_bytes();
        SLOT_HEADER_BYTES + payload.next_multiple_of(4096)
    }

    fn total_bytes(&self) -> usize {
        HEADER_BYTES + SLOTS * self.slot_bytes()
    }
}

/// Why a ring cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The operating system refused.
    #[error("frame ring: {0}")]
    Os(#[from] std::io::Error),
    /// The descriptor is not a ring of this version.
    #[error("frame ring: {0}")]
    Foreign(&'static str),
}

/// What a frame is called: life, publication and emulated frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Life of the emulator.
    pub epoch: Epoch,
    /// Publication number within the ring, from 1.
    pub sequence: u64,
    /// Number of the emulated frame.
    pub frame: u64,
}

/// A frame and its memory, copied out of a ring. Its buffers are used again by the next read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What it is called.
    pub stamp: Stamp,
    /// Picture size in pixels.
    pub width: u32,
    /// Picture size in pixels.
    pub height: u32,
    /// How pixels are stored.
    pub format: PixelFormat,
    /// Rows without gaps, top first.
    pub pixels: Vec<u8>,
    /// The regions of `memory`.
    pub regions: Vec<Region>,
    /// The regions' bytes, one after the other.
    pub memory: Vec<u8>,
}

impl Default for Snapshot {
    fn default() -> Snapshot {
        Snapshot {
            stamp: Stamp::default(),
            width: 0,
            height: 0,
            format: PixelFormat::Rgb565,
            pixels: Vec::new(),
            regions: Vec::new(),
            memory: Vec::new(),
        }
    }
}

impl Snapshot {
    /// The bytes of the snapshot at a bus address, or `None` where they are not all in one region.
    pub fn bytes_at(&self, address: u32, length: usize) -> Option<&[u8]> {
        let mut start = 0;
        for region in &self.regions {
            if let Some(offset) = address.checked_sub(region.address)
                && (offset as usize).checked_add(length)? <= region.length as usize
            {
                let first = start + offset as usize;
                return self.memory.get(first..first + length);
            }
            start += region.length as usize;
        }
        None
    }
}

impl Bus for Snapshot {
    fn read(&self, address: u32, target: &mut [u8]) -> bool {
        match self.bytes_at(address, target.len()) {
            Some(bytes) => {
                target.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// The target holds the newest frame, and it is newer than what was asked to be newer than.
    Fresh,
    /// Nothing newer has been published; the target is unchanged.
    Stale,
    /// The writer lapped the reader [`READ_TRIES_MAX`] times; the target's content is meaningless.
    Lapped,
}

/// The one writer of a ring.
#[derive(Debug)]
pub struct RingWriter {
    map: MmapRaw,
    shape: Shape,
    sequence: u64,
    file: File,
}

impl RingWriter {
    /// Makes a ring in memory of its own, sealed against resizing.
    pub fn create(shape: Shape) -> Result<RingWriter, RingError> {
        if shape.regions.len() > REGIONS_MAX {
            return Err(RingError::Foreign("more memory regions than a ring describes"));
        }
        let descriptor = rustix::fs::memfd_create("pocketpilot-ring", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(std::io::Error::from)?;
        let file = File::from(descriptor);
        file.set_len(shape.total_bytes() as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
            .map_err(std::io::Error::from)?;
        let map = MmapOptions::new().map_raw(&file)?;
        let writer = RingWriter { map, shape, sequence: 0, file };
        writer.write_header();
        Ok(writer)
    }

    /// A descriptor of the ring for a reader in another process.
    pub fn descriptor(&self) -> Result<OwnedFd, RingError> {
        Ok(self.file.try_clone()?.into())
    }

    /// Publishes a frame with the memory regions of the ring's shape, in its order. Pixels are rows of `row_bytes`
    /// used bytes, `pitch` bytes apart. Pixels beyond the room of the ring are an error of the caller.
    pub fn publish(&mut self, frame: u64, picture: &Picture<'_>, memory: &[&[u8]]) -> Stamp {
        let row_bytes = picture.width as usize * picture.format.bytes();
        assert!(row_bytes * picture.height as usize <= self.shape.pixel_bytes_max, "picture is larger than the ring");
        let sequence = self.sequence + 1;
        let slot = (sequence % SLOTS as u64) as usize;
        let start = HEADER_BYTES + slot * self.shape.slot_bytes();
        let words = Published::new(&self.map);
        let slots = Slots::new(&words, HEADER_BYTES / 8, self.shape.slot_bytes() / 8);
        slots.begin(slot);
        let mut at = start + SLOT_HEADER_BYTES;
        let base = self.map.as_mut_ptr();
        let end = start + self.shape.slot_bytes();
        let mut copy = |bytes: &[u8]| {
            assert!(at + bytes.len() <= end, "a slot's payload is larger than the slot");
            // SAFETY: the range was checked to lie in this slot of the mapping, which this process alone writes. Readers
            // in other processes may copy it meanwhile; they discard the copy, because the stamp is zero until `publish`.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.add(at), bytes.len()) };
            at += bytes.len();
        };
        if picture.pitch == row_bytes {
            copy(&picture.pixels[..row_bytes * picture.height as usize]);
        } else {
            for row in picture.pixels.chunks(picture.pitch).take(picture.height as usize) {
                copy(&row[..row_bytes]);
            }
        }
        for (bytes, region) in memory.iter().zip(&self.shape.regions) {
            copy(&bytes[..region.length as usize]);
        }
        slots.describe(slot, &[frame, u64::from(picture.width), u64::from(picture.height), picture.format as u64]);
        slots.publish(slot, sequence);
        self.sequence = sequence;
        Stamp { epoch: self.shape.epoch, sequence, frame }
    }

    fn write_header(&self) {
        let mut words = vec![
            MAGIC,
            u64::from(self.shape.epoch),
            self.shape.pixel_bytes_max as u64,
            self.shape.regions.len() as u64,
        ];
        words
            .extend(self.shape.regions.iter().map(|region| u64::from(region.address) << 32 | u64::from(region.length)));
        // Word 0 is the newest sequence number; the description follows it.
        let published = Published::new(&self.map);
        for (index, word) in words.iter().enumerate() {
            published.word(1 + index).store(*word, Ordering::Release);
        }
    }
}

/// The pixels to publish, as an emulator core holds them.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Rows, `pitch` bytes apart.
    pub pixels: &'a [u8],
    /// Bytes from one row's start to the next one's.
    pub pitch: usize,
    /// Size in pixels.
    pub width: u32,
    /// Size in pixels.
    pub height: u32,
    /// How the pixels are stored.
    pub format: PixelFormat,
}

/// A reader of a ring; any number may exist.
#[derive(Debug)]
pub struct RingReader {
    map: MmapRaw,
    shape: Shape,
    leaves_memory: bool,
}

impl RingReader {
    /// Opens the ring behind a descriptor that came from [`RingWriter::descriptor`].
    pub fn open(descriptor: OwnedFd) -> Result<RingReader, RingError> {
        let file = File::from(descriptor);
        let seals = rustix::fs::fcntl_get_seals(&file).map_err(std::io::Error::from)?;
        if !seals.contains(SealFlags::SHRINK | SealFlags::GROW) {
            return Err(RingError::Foreign("memory is not sealed against resizing"));
        }
        let map = MmapOptions::new().map_raw_read_only(&file)?;
        let shape = read_header(&map)?;
        Ok(RingReader { map, shape, leaves_memory: false })
    }

    /// A reader that takes the picture and leaves the memory beside it where it is: its snapshots have no regions.
    pub fn without_memory(self) -> RingReader {
        RingReader { leaves_memory: true, ..self }
    }

    /// What the ring has room for.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Copies the newest frame into `target` unless it is not newer than publication `after`. Never waits.
    pub fn read_newer(&self, after: u64, target: &mut Snapshot) -> ReadOutcome {
        let words = Published::new(&self.map);
        let slots = Slots::new(&words, HEADER_BYTES / 8, self.shape.slot_bytes() / 8);
        for _ in 0..READ_TRIES_MAX {
            let sequence = slots.newest();
            if sequence <= after {
                return ReadOutcome::Stale;
            }
            let slot = (sequence % SLOTS as u64) as usize;
            if !slots.holds(slot, sequence) {
                continue;
            }
            let start = HEADER_BYTES + slot * self.shape.slot_bytes();
            let [frame, width, height, format] = slots.description(slot);
            let format = if format == PixelFormat::Rgb565 as u64 { PixelFormat::Rgb565 } else { PixelFormat::Xrgb8888 };
            let pixel_bytes = (width as usize).saturating_mul(height as usize).saturating_mul(format.bytes());
            let memory_bytes = self.shape.memory_bytes();
            if pixel_bytes > self.shape.pixel_bytes_max {
                continue;
            }
            self.copy_out(start + SLOT_HEADER_BYTES, pixel_bytes, &mut target.pixels);
            if self.leaves_memory {
                target.memory.clear();
            } else {
                self.copy_out(start + SLOT_HEADER_BYTES + pixel_bytes, memory_bytes, &mut target.memory);
            }
            if !slots.still_holds(slot, sequence) {
                continue;
            }
            target.stamp = Stamp { epoch: self.shape.epoch, sequence, frame };
            target.width = width as u32;
            target.height = height as u32;
            target.format = format;
            if self.leaves_memory {
                target.regions.clear();
            } else if target.regions != self.shape.regions {
                target.regions.clone_from(&self.shape.regions);
            }
            return ReadOutcome::Fresh;
        }
        ReadOutcome::Lapped
    }

    fn copy_out(&self, start: usize, length: usize, target: &mut Vec<u8>) {
        assert!(start + length <= self.map.len(), "a slot lies within the ring");
        target.resize(length, 0);
        // SAFETY: the range was checked to lie in the mapping, whose size is sealed. The writer may change the bytes
        // meanwhile; they are plain bytes, and the copy is believed only if the slot's stamp did not change.
        unsafe { std::ptr::copy_nonoverlapping(self.map.as_ptr().add(start), target.as_mut_ptr(), length) };
    }
}

fn read_header(map: &MmapRaw) -> Result<Shape, RingError> {
    if map.len() < HEADER_BYTES {
        return Err(RingError::Foreign("too short for a ring"));
    }
    let words = Published::new(map);
    let word = |index: usize| words.word(1 + index).load(Ordering::Acquire);
    if word(0) != MAGIC {
        return Err(RingError::Foreign("not a frame ring of this version"));
    }
    let (pixel_bytes_max, regions) = (word(2), word(3));
    if regions > REGIONS_MAX as u64 || pixel_bytes_max > map.len() as u64 {
        return Err(RingError::Foreign("its description is impossible"));
    }
    let regions = (0..regions as usize).map(|index| word(4 + index));
    let shape = Shape {
        epoch: word(1) as Epoch,
        pixel_bytes_max: pixel_bytes_max as usize,
        regions: regions.map(|packed| Region { address: (packed >> 32) as u32, length: packed as u32 }).collect(),
    };
    if map.len() != shape.total_bytes() {
        return Err(RingError::Foreign("size does not match its description"));
    }
    Ok(shape)
}

#[cfg(test)]
mod tests;
