//! The capture actor: the newest frame and the memory of the same frame, out of the ring.
//!
//! It never waits: there is a fresh frame or there is none. Frames are handed on as shared pointers, never copied
//! into a mailbox; two are kept, so that one can be looked at while the next is read. Each frame gets the hashes that
//! name its exact pixels and memory, and a difference hash that tells whether it looks like the one before.

use crate::port::{Envelope, Question};
use crate::telemetry::{FrameSample, Telemetry};
use actix::{Actor, Context, Handler};
use std::sync::Arc;
use std::time::Instant;
use wire::decision::Basis;
use wire::emulator::PixelFormat;
use wire::hash::Hash;
use wire::ring::{ReadOutcome, RingReader, Snapshot};

/// Two frames whose difference hashes differ in at most this many of 64 bits look alike.
pub const SIMILAR_BITS_MAX: u32 = 2;
const FRAMES_KEPT: usize = 2;

/// Reads frames from the ring of one emulator.
pub struct Capture {
    telemetry: crate::port::Port<Telemetry>,
    ring: Option<RingReader>,
    frames: [Arc<Snapshot>; FRAMES_KEPT],
    newest: usize,
    sequence: u64,
    difference_hash: u64,
}

/// A frame with its names.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Pixels and memory.
    pub snapshot: Arc<Snapshot>,
    /// What a decision made from it cites.
    pub basis: Basis,
    /// 64-bit difference hash of the picture.
    pub difference_hash: u64,
    /// Whether it looks like the frame captured before.
    pub is_similar: bool,
    /// How long reading and hashing took.
    pub capture_us: u64,
}

/// What there is.
#[derive(Clone, Debug)]
pub enum Capturing {
    /// A frame not captured before.
    Frame(Captured),
    /// No frame newer than the last one.
    Stale,
    /// No ring is attached, or its writer outran the reader.
    Nothing,
}

/// Asks for the newest frame.
pub struct Latest;

impl Question for Latest {
    type Answer = Capturing;
}

/// Attaches the ring of an emulator's new life, or detaches the old one.
pub struct Attach(pub Option<RingReader>);

impl Question for Attach {
    type Answer = ();
}

impl Capture {
    /// An actor with no ring yet.
    pub fn new(telemetry: crate::port::Port<Telemetry>) -> Capture {
        let frames = std::array::from_fn(|_| Arc::new(Snapshot::default()));
        Capture { telemetry, ring: None, frames, newest: 0, sequence: 0, difference_hash: 0 }
    }

    fn latest(&mut self) -> Capturing {
        let Some(ring) = &self.ring else { return Capturing::Nothing };
        let started = Instant::now();
        let next = (self.newest + 1) % FRAMES_KEPT;
        // Whoever still looks at the older frame keeps it; a new buffer takes its place.
        if Arc::get_mut(&mut self.frames[next]).is_none() {
            self.frames[next] = Arc::new(Snapshot::default());
        }
        let target = Arc::get_mut(&mut self.frames[next]).expect("the buffer was just made or found unshared");
        let outcome = ring.read_newer(self.sequence, target);
        let read_us = started.elapsed().as_micros() as u64;
        let sample = |fresh, similar| FrameSample { capture_us: read_us, fresh, similar };
        if outcome != ReadOutcome::Fresh {
            self.telemetry.tell(sample(false, false));
            return if outcome == ReadOutcome::Stale { Capturing::Stale } else { Capturing::Nothing };
        }
        self.newest = next;
        self.sequence = target.stamp.sequence;
        let basis = Basis {
            frame: target.stamp.frame,
            epoch: target.stamp.epoch,
            frame_hash: Hash::of([target.pixels.as_slice()]),
            ram_hash: Hash::of([target.memory.as_slice()]),
        };
        let difference_hash = difference_hash(target);
        let is_similar = (difference_hash ^ self.difference_hash).count_ones() <= SIMILAR_BITS_MAX;
        self.difference_hash = difference_hash;
        self.telemetry.tell(sample(true, is_similar));
        let capture_us = started.elapsed().as_micros() as u64;
        let snapshot = self.frames[next].clone();
        Capturing::Frame(Captured { snapshot, basis, difference_hash, is_similar, capture_us })
    }
}

impl Actor for Capture {
    type Context = Context<Capture>;
}

impl Handler<Envelope<Latest>> for Capture {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Latest>, _: &mut Context<Capture>) {
        envelope.answer(|_| self.latest());
    }
}

impl Handler<Envelope<Attach>> for Capture {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Attach>, _: &mut Context<Capture>) {
        envelope.answer(|Attach(ring)| {
            self.ring = ring;
            self.sequence = 0;
        });
    }
}

/// The 64-bit difference hash: the picture sampled on a 9 × 8 grid, one bit for each pair of neighbours in a row,
/// set when the left one is brighter.
pub fn difference_hash(snapshot: &Snapshot) -> u64 {
    const COLUMNS: usize = 9;
    const ROWS: usize = 8;
    let (width, height) = (snapshot.width as usize, snapshot.height as usize);
    if width < COLUMNS || height < ROWS {
        return 0;
    }
    let mut hash = 0;
    for row in 0..ROWS {
        let mut left = 0;
        for column in 0..COLUMNS {
            let brightness = cell_brightness(snapshot, column * width / COLUMNS, row * height / ROWS, width / COLUMNS);
            if column > 0 {
                hash = hash << 1 | u64::from(left > brightness);
            }
            left = brightness;
        }
    }
    hash
}

/// The sum of the brightness of sixteen pixels spread over a cell whose top left corner is given.
fn cell_brightness(snapshot: &Snapshot, x: usize, y: usize, size: usize) -> u32 {
    let bytes = snapshot.format.bytes();
    let step = (size / 4).max(1);
    let mut sum = 0;
    for dy in 0..4 {
        for dx in 0..4 {
            let row = (y + dy * step).min(snapshot.height as usize - 1);
            let at = (row * snapshot.width as usize + (x + dx * step).min(snapshot.width as usize - 1)) * bytes;
            sum += brightness(&snapshot.pixels[at..at + bytes], snapshot.format);
        }
    }
    sum
}

/// The brightness of the brightest pixel.
pub(crate) const BRIGHTEST: u32 = 10 * 255;

/// How bright a pixel is, from 0 to [`BRIGHTEST`].
pub(crate) fn brightness(pixel: &[u8], format: PixelFormat) -> u32 {
    let (red, green, blue) = match format {
        PixelFormat::Rgb565 => {
            let value = u32::from(u16::from_le_bytes([pixel[0], pixel[1]]));
            ((value >> 11) << 3, (value >> 5 & 0x3F) << 2, (value & 0x1F) << 3)
        }
        PixelFormat::Xrgb8888 => (u32::from(pixel[2]), u32::from(pixel[1]), u32::from(pixel[0])),
    };
    3 * red + 6 * green + blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixel: impl Fn(usize, usize) -> u16) -> Snapshot {
        let pixels = (0..160).flat_map(|y| (0..240).map(move |x| (x, y)));
        let pixels = pixels.flat_map(|(x, y)| pixel(x, y).to_le_bytes()).collect();
        Snapshot { width: 240, height: 160, pixels, ..Snapshot::default() }
    }

    #[test]
    fn alike_pictures_have_alike_hashes() {
        let checker = |x: usize, y: usize| if (x / 30 + y / 20).is_multiple_of(2) { 0xFFFF } else { 0 };
        let whole = difference_hash(&picture(checker));
        let speck = difference_hash(&picture(|x, y| if (x, y) == (3, 3) { 0x8410 } else { checker(x, y) }));
        let inverse = difference_hash(&picture(|x, y| !checker(x, y)));
        assert!((whole ^ speck).count_ones() <= SIMILAR_BITS_MAX);
        assert!((whole ^ inverse).count_ones() > 16);
    }
}
