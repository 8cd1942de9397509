//! Publishing frames into a ring, and the measured loops that show what it costs.

use crate::backend::{BackendError, EmulatorBackend};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use wire::Epoch;
use wire::memory::Region;
use wire::ring::{REGIONS_MAX, RingWriter, Shape};

/// Puts a backend's frames with their memory into a ring.
#[derive(Debug)]
pub struct Publisher {
    ring: RingWriter,
    pixel_bytes_max: usize,
    regions: Vec<Region>,
}

impl Publisher {
    /// Makes a ring with room for whatever this backend draws.
    pub fn create(backend: &dyn EmulatorBackend, epoch: Epoch) -> Result<Publisher, BackendError> {
        let introduction = backend.introduction();
        let pixel_bytes_max = introduction.pixels_max * introduction.format.bytes();
        let regions = introduction.regions.clone();
        let shape = Shape { epoch, pixel_bytes_max, regions: regions.clone() };
        Ok(Publisher { ring: RingWriter::create(shape)?, pixel_bytes_max, regions })
    }

    /// A descriptor of the ring, for a reader.
    pub fn descriptor(&self) -> Result<OwnedFd, BackendError> {
        Ok(self.ring.descriptor()?)
    }

    /// Whether this backend still has the memory that the ring was made for.
    pub(crate) fn fits(&self, backend: &dyn EmulatorBackend) -> bool {
        self.regions == backend.introduction().regions
    }

    /// Publishes the newest frame under this number.
    pub fn publish(&mut self, backend: &dyn EmulatorBackend, frame: u64) {
        let picture = backend.picture();
        if picture.width as usize * picture.height as usize * picture.format.bytes() > self.pixel_bytes_max {
            tracing::warn!(picture.width, picture.height, "picture is larger than the emulator said; not published");
            return;
        }
        let regions = backend.introduction().regions.len().min(REGIONS_MAX);
        let mut memory: [&[u8]; REGIONS_MAX] = [&[]; REGIONS_MAX];
        for (index, bytes) in memory[..regions].iter_mut().enumerate() {
            *bytes = backend.region_bytes(index);
        }
        self.ring.publish(frame, &picture, &memory[..regions]);
    }
}

/// Runs frames without telling anybody, and returns how long that took.
pub fn run_bare(backend: &mut dyn EmulatorBackend, frames: u32) -> Result<Duration, BackendError> {
    let start = Instant::now();
    for _ in 0..frames {
        backend.run_frame(0)?;
    }
    Ok(start.elapsed())
}

/// Runs frames as the bridge does, each published with its memory, and returns how long that took.
pub fn run_published(
    backend: &mut dyn EmulatorBackend,
    publisher: &mut Publisher,
    frames: u32,
) -> Result<Duration, BackendError> {
    let start = Instant::now();
    for frame in 0..frames {
        backend.run_frame(0)?;
        publisher.publish(backend, u64::from(frame) + 1);
    }
    Ok(start.elapsed())
}
