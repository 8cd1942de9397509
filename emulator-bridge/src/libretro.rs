//! The `libretro` backend: a core loaded into this process, frame-stepped and headless.
//!
//! One core per process, since its state lives in its global variables. The core's memory is read where it lies, in the
//! areas that the core announced; what it announced as constant is not written. Save memory is kept beside the core's
//! own state, because a core restores it only with the machine it was made on.

mod ffi;
mod search;

use crate::backend::{BackendError, EmulatorBackend, Introduction};
use crate::rom::Rom;
use crate::state::{self, Owner, Parts};
use ffi::{Core, SystemInfo};
use std::path::Path;
use wire::buttons::Mask;
use wire::emulator::{Capabilities, PixelFormat};
use wire::memory::Region;
use wire::ring::Picture;

const EWRAM: Region = Region { address: 0x0200_0000, length: 0x4_0000 };
const IWRAM: Region = Region { address: 0x0300_0000, length: 0x8000 };

/// The most bytes of memory in the snapshots of a console that is not a Game Boy Advance.
const SNAPSHOT_BYTES_MAX: usize = 4 << 20;

/// Loads a core and a ROM. Without `core` the usual places are searched; `save_dir` is made for the files that a core
/// wants to keep. Fails where another core runs in this process.
pub fn open_backend(
    core: Option<&Path>,
    rom: &Path,
    save_dir: &Path,
) -> Result<Box<dyn EmulatorBackend>, BackendError> {
    let rom = Rom::read(rom)?;
    let core = search::find_core(core)?;
    std::fs::create_dir_all(save_dir)
        .map_err(|error| BackendError::Folder { path: save_dir.to_path_buf(), reason: error.to_string() })?;
    Ok(Box::new(Libretro::start(&core, &rom, save_dir)?))
}

struct Libretro {
    core: Core,
    introduction: Introduction,
    owner: Owner,
    /// The core's state as it was last taken; kept, because half a megabyte of fresh pages costs more than the copy.
    state: Vec<u8>,
    /// Size of the save memory when the state's size was asked for: a core that finds out which save chip a game has
    /// changes both.
    save_bytes: usize,
    /// For each region of the introduction: the index of its area, and where in it the region begins.
    places: Vec<(usize, usize)>,
}

impl Libretro {
    fn start(path: &Path, rom: &Rom, save_dir: &Path) -> Result<Libretro, BackendError> {
        let mut core = Core::open(path, save_dir)?;
        let system = core.system_info();
        let gba = expects_gba(&system, rom);
        if gba {
            rom.check_gba()?;
        }
        if !core.load_game(&rom.path, &rom.bytes) {
            let reason = format!("the core {} does not accept it", system.name);
            return Err(BackendError::RomForeign { path: rom.path.clone(), reason });
        }
        let (regions, places) = snapshot_regions(&core, gba);
        let video = core.video_info();
        let format = core.pixel_format();
        core.blank_picture(video.width, video.height);
        let cartridge = rom.cartridge(gba);
        let core_name = format!("{} {}", system.name, system.version);
        let owner = Owner { core: core_name.clone(), rom: cartridge.sha1.clone().unwrap_or_default() };
        let introduction = Introduction {
            backend: "libretro",
            capabilities: Capabilities {
                frame_step: true,
                unthrottled: true,
                save_state: core.state_bytes() > 0,
                read: true,
                write: true,
                snapshot: true,
                picture: true,
                reset: true,
            },
            cartridge,
            system: if gba { "gba".to_string() } else { system.name },
            core: core_name,
            width: video.width,
            height: video.height,
            pixels_max: video.pixels_max,
            format,
            frame_rate_micro: (video.frame_rate * 1e6) as u64,
            regions,
        };
        Ok(Libretro { core, introduction, owner, state: Vec::new(), save_bytes: 0, places })
    }

    /// Takes the core's state. Its size is asked for only where it may have changed, since mGBA takes a whole state to
    /// answer.
    fn take_state(&mut self) -> Result<(), BackendError> {
        let save_bytes = self.core.save_memory().len();
        let known = !self.state.is_empty() && self.save_bytes == save_bytes;
        if known && self.core.serialize(&mut self.state) {
            return Ok(());
        }
        self.state.clear();
        self.state.resize(self.core.state_bytes(), 0);
        self.save_bytes = save_bytes;
        if !self.state.is_empty() && self.core.serialize(&mut self.state) {
            return Ok(());
        }
        Err(BackendError::Unsupported("save its state"))
    }

    /// The core's state first: from it a core takes the kind of its save chip, and with that the size of its memory.
    ///
    /// A state from before the game first touched its save chip holds as many bytes as the largest chip has. mGBA 0.10
    /// plays on from it correctly, but from then on shows save memory that is not the chip's, so that what the game saves
    /// afterwards is missing in later states. States from after that first touch, which games make while they start,
    /// are whole.
    fn restore(&mut self, state: &[u8], save: &[u8]) -> bool {
        if !self.core.unserialize(state) {
            return false;
        }
        let target = self.core.save_memory_mut();
        let bytes = target.len().min(save.len());
        target[..bytes].copy_from_slice(&save[..bytes]);
        true
    }
}

impl EmulatorBackend for Libretro {
    fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    fn run_frame(&mut self, keys: Mask) -> Result<(), BackendError> {
        self.core.run(keys);
        Ok(())
    }

    fn picture(&self) -> Picture<'_> {
        self.core.picture()
    }

    fn region_bytes(&self, index: usize) -> &[u8] {
        let (area, start) = self.places[index];
        &self.core.area_bytes(area)[start..start + self.introduction.regions[index].length as usize]
    }

    fn read(&self, address: u32, target: &mut [u8]) -> Result<(), BackendError> {
        let (area, start) = find_area(&self.core, address, target.len()).ok_or(BackendError::Unmapped { address })?;
        target.copy_from_slice(&self.core.area_bytes(area)[start..start + target.len()]);
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), BackendError> {
        let (area, start) = find_area(&self.core, address, bytes.len()).ok_or(BackendError::Unmapped { address })?;
        let target = self.core.area_bytes_mut(area).ok_or(BackendError::Unmapped { address })?;
        target[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>, BackendError> {
        self.take_state()?;
        let (save, picture) = (self.core.save_memory(), self.core.picture());
        state::pack(&self.owner, &Parts { state: &self.state, save, picture })
    }

    fn load_state(&mut self, blob: &[u8]) -> Result<(), BackendError> {
        let Parts { state, save, picture } = state::unpack(&self.owner, blob)?;
        // A core may stop half-way through a state that it does not like, so what was there is kept until it has taken
        // all of it.
        self.take_state()?;
        let save_before = self.core.save_memory().to_vec();
        if self.restore(state, save) {
            self.core.show(&picture);
            return Ok(());
        }
        let before = std::mem::take(&mut self.state);
        self.restore(&before, &save_before);
        Err(BackendError::BadState("the core does not accept it".to_string()))
    }

    fn reset(&mut self) -> Result<(), BackendError> {
        self.core.reset();
        Ok(())
    }
}

/// Whether the core will take this file for a Game Boy Advance game.
fn expects_gba(system: &SystemInfo, rom: &Rom) -> bool {
    let extension = rom.extension();
    let known = |name: &str| system.extensions.iter().any(|listed| listed == name);
    known("gba") && (extension == "gba" || !known(&extension))
}

fn find_area(core: &Core, address: u32, length: usize) -> Option<(usize, usize)> {
    core.areas().iter().enumerate().find_map(|(index, area)| {
        let start = address.checked_sub(area.address)? as usize;
        (start.checked_add(length)? <= area.length).then_some((index, start))
    })
}

fn snapshot_regions(core: &Core, gba: bool) -> (Vec<Region>, Vec<(usize, usize)>) {
    let work = if gba { vec![EWRAM, IWRAM] } else { work_memory(core) };
    work.into_iter()
        .filter_map(|region| Some((region, find_area(core, region.address, region.length as usize)?)))
        .unzip()
}

fn work_memory(core: &Core) -> Vec<Region> {
    let areas = core.areas().iter().filter(|area| area.system_memory && area.length <= SNAPSHOT_BYTES_MAX);
    areas.map(|area| Region { address: area.address, length: area.length as u32 }).take(1).collect()
}

/// Black pixels of a picture that no frame has been drawn into yet.
fn black(width: u32, height: u32, format: PixelFormat) -> Vec<u8> {
    vec![0; width as usize * height as usize * format.bytes()]
}
