//! What the core calls. libretro gives its callbacks no context, so what they are told lies in static variables until
//! the call that the core is in returns.

use super::log;
use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard};
use wire::buttons::{Button, Mask};
use wire::emulator::PixelFormat;

pub(super) type Environment = unsafe extern "C" fn(u32, *mut c_void) -> bool;
pub(super) type VideoRefresh = unsafe extern "C" fn(*const c_void, u32, u32, usize);
pub(super) type AudioSample = unsafe extern "C" fn(i16, i16);
pub(super) type AudioSampleBatch = unsafe extern "C" fn(*const i16, usize) -> usize;
pub(super) type InputPoll = unsafe extern "C" fn();
pub(super) type InputState = unsafe extern "C" fn(u32, u32, u32, u32) -> i16;

const GET_CAN_DUPE: u32 = 3;
const GET_SYSTEM_DIRECTORY: u32 = 9;
const SET_PIXEL_FORMAT: u32 = 10;
const GET_VARIABLE: u32 = 15;
const GET_VARIABLE_UPDATE: u32 = 17;
const GET_LOG_INTERFACE: u32 = 27;
const GET_SAVE_DIRECTORY: u32 = 31;
const SET_MEMORY_MAPS: u32 = 0x10024;
const GET_INPUT_BITMASKS: u32 = 0x10033;

/// Things a core announces and that ask nothing of a frontend without window or sound: rotation, message, performance
/// level, input descriptors, controller information, achievements, geometry.
const ACKNOWLEDGED: [u32; 7] = [1, 6, 8, 11, 35, 37, 0x1002A];

const MEMORY_CONSTANT: u64 = 1;
/// The most memory areas taken from a core.
const AREAS_MAX: u32 = 64;

const DEVICE_JOYPAD: u32 = 1;
const JOYPAD_MASK_ID: u32 = 256;

/// libretro's number of each key.
const JOYPAD_IDS: [(Button, u32); 10] = [
    (Button::B, 0),
    (Button::Select, 2),
    (Button::Start, 3),
    (Button::Up, 4),
    (Button::Down, 5),
    (Button::Left, 6),
    (Button::Right, 7),
    (Button::A, 8),
    (Button::L, 10),
    (Button::R, 11),
];

/// The keys that are held, one bit for each of libretro's numbers.
static KEYS: AtomicU16 = AtomicU16::new(0);
static SHARED: Mutex<Shared> = Mutex::new(Shared::NONE);

/// A run of the machine's memory, where the core keeps it.
pub(crate) struct Area {
    /// Bus address of the first byte.
    pub address: u32,
    pub(super) data: *mut u8,
    /// Length in bytes.
    pub length: usize,
    /// Whether it must not be written.
    pub constant: bool,
    /// Whether it is what the core calls the machine's own memory.
    pub system_memory: bool,
}

// SAFETY: the pointer is only dereferenced through `Core`, under its rules.
unsafe impl Send for Area {}

/// The layouts a core may choose.
#[derive(Clone, Copy)]
pub(super) enum CorePixels {
    Xrgb1555,
    Xrgb8888,
    Rgb565,
}

impl CorePixels {
    /// How a picture in this layout is stored here.
    pub(super) fn stored(self) -> PixelFormat {
        match self {
            CorePixels::Xrgb1555 | CorePixels::Rgb565 => PixelFormat::Rgb565,
            CorePixels::Xrgb8888 => PixelFormat::Xrgb8888,
        }
    }
}

/// A picture, rows without gaps.
pub(super) struct Frame {
    pub pixels: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub format: PixelFormat,
    pub fresh: bool,
}

impl Frame {
    const NONE: Frame = Frame { pixels: Vec::new(), width: 0, height: 0, format: PixelFormat::Rgb565, fresh: false };
}

impl Default for Frame {
    fn default() -> Frame {
        Frame::NONE
    }
}

/// What the callbacks were told.
pub(super) struct Shared {
    pub pixels: CorePixels,
    pub pixels_max: usize,
    pub frame: Frame,
    /// New areas, until they are taken.
    pub areas: Option<Vec<Area>>,
    folder: Option<CString>,
}

impl Shared {
    pub(super) const NONE: Shared =
        Shared { pixels: CorePixels::Xrgb1555, pixels_max: usize::MAX, frame: Frame::NONE, areas: None, folder: None };
}

#[repr(C)]
struct RawVariable {
    key: *const c_char,
    value: *const c_char,
}

#[repr(C)]
struct RawMemoryDescriptor {
    flags: u64,
    data: *mut c_void,
    offset: usize,
    start: usize,
    select: usize,
    disconnect: usize,
    length: usize,
    address_space: *const c_char,
}

#[repr(C)]
struct RawMemoryMap {
    descriptors: *const RawMemoryDescriptor,
    count: u32,
}

/// Forgets what an earlier core said.
pub(super) fn begin(folder: CString) {
    *shared() = Shared { folder: Some(folder), ..Shared::NONE };
    hold(0);
}

/// What the callbacks were told. Not to be held while the core is entered.
pub(super) fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().expect("a panic ends the process, so none leaves the lock poisoned")
}

/// The folder for the core's files. The text lives until the core is closed.
fn folder() -> *const c_char {
    shared().folder.as_ref().map_or(std::ptr::null(), |folder| folder.as_ptr())
}

/// Sets the keys that the core will see.
pub(super) fn hold(keys: Mask) {
    let bit = |(button, id): (Button, u32)| if keys & button as u16 != 0 { 1 << id } else { 0 };
    KEYS.store(JOYPAD_IDS.into_iter().fold(0, |bits, key| bits | bit(key)), Ordering::Relaxed);
}

/// # Safety
/// Called by the core with the argument that libretro prescribes for the command.
pub(super) unsafe extern "C" fn environment(command: u32, data: *mut c_void) -> bool {
    // SAFETY: each command's argument is a pointer to the type used for it here, or null, which is checked.
    unsafe {
        match command {
            GET_CAN_DUPE => put(data, true),
            GET_SYSTEM_DIRECTORY | GET_SAVE_DIRECTORY => put(data, folder()),
            SET_PIXEL_FORMAT => data.cast::<u32>().as_ref().is_some_and(|format| set_pixels(*format)),
            GET_VARIABLE => {
                if let Some(variable) = data.cast::<RawVariable>().as_mut() {
                    variable.value = std::ptr::null();
                }
                false
            }
            GET_VARIABLE_UPDATE => put(data, false),
            GET_LOG_INTERFACE => log::offer(data),
            SET_MEMORY_MAPS => data.cast::<RawMemoryMap>().as_ref().is_some_and(|map| take_map(map)),
            GET_INPUT_BITMASKS => true,
            other => ACKNOWLEDGED.contains(&other),
        }
    }
}

/// # Safety
/// `data` is null or points to a `T`.
unsafe fn put<T>(data: *mut c_void, value: T) -> bool {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { data.cast::<T>().as_mut() } {
        Some(target) => {
            *target = value;
            true
        }
        None => false,
    }
}

fn set_pixels(format: u32) -> bool {
    shared().pixels = match format {
        0 => CorePixels::Xrgb1555,
        1 => CorePixels::Xrgb8888,
        2 => CorePixels::Rgb565,
        _ => return false,
    };
    true
}

/// # Safety
/// The map's descriptors are as many as it says.
unsafe fn take_map(map: &RawMemoryMap) -> bool {
    if map.descriptors.is_null() {
        return false;
    }
    // SAFETY: the caller vouches for the number.
    let descriptors = unsafe { std::slice::from_raw_parts(map.descriptors, map.count.min(AREAS_MAX) as usize) };
    let areas = descriptors.iter().filter_map(|descriptor| {
        let address = u32::try_from(descriptor.start).ok()?;
        let usable = !descriptor.data.is_null() && descriptor.length > 0;
        usable.then(|| Area {
            address,
            data: descriptor.data.cast::<u8>().wrapping_add(descriptor.offset),
            length: descriptor.length,
            constant: descriptor.flags & MEMORY_CONSTANT != 0,
            system_memory: false,
        })
    });
    shared().areas = Some(areas.collect());
    true
}

/// # Safety
/// Called by the core with a picture of these dimensions, or null for the one before.
pub(super) unsafe extern "C" fn video_refresh(data: *const c_void, width: u32, height: u32, pitch: usize) {
    let mut shared = shared();
    let format = shared.pixels.stored();
    let row_bytes = width as usize * format.bytes();
    let fits = width as usize * height as usize <= shared.pixels_max && pitch >= row_bytes;
    // All ones says that the core drew with the graphics hardware, which it was never offered.
    if data.is_null() || data.addr() == usize::MAX || !fits {
        return;
    }
    let convert = matches!(shared.pixels, CorePixels::Xrgb1555);
    let frame = &mut shared.frame;
    frame.pixels.clear();
    for row in 0..height as usize {
        // SAFETY: the picture has `height` rows, `pitch` bytes apart, of at least `row_bytes` bytes.
        let row = unsafe { std::slice::from_raw_parts(data.cast::<u8>().add(row * pitch), row_bytes) };
        frame.pixels.extend_from_slice(row);
    }
    if convert {
        frame.pixels.as_chunks_mut::<2>().0.iter_mut().for_each(|pixel| {
            *pixel = to_rgb565(u16::from_le_bytes(*pixel)).to_le_bytes();
        });
    }
    (frame.width, frame.height, frame.format, frame.fresh) = (width, height, format, true);
}

/// Makes room for the sixth bit of green.
fn to_rgb565(pixel: u16) -> u16 {
    let green = pixel >> 5 & 0x1F;
    (pixel & 0x7C00) << 1 | green << 6 | (green >> 4) << 5 | pixel & 0x1F
}

/// # Safety
/// Nothing is asked of the caller.
pub(super) unsafe extern "C" fn audio_sample(_left: i16, _right: i16) {}

/// # Safety
/// Nothing is asked of the caller; the samples are not looked at.
pub(super) unsafe extern "C" fn audio_sample_batch(_samples: *const i16, frames: usize) -> usize {
    frames
}

/// # Safety
/// Nothing is asked of the caller.
pub(super) unsafe extern "C" fn input_poll() {}

/// # Safety
/// Nothing is asked of the caller.
pub(super) unsafe extern "C" fn input_state(port: u32, device: u32, _index: u32, id: u32) -> i16 {
    if port != 0 || device != DEVICE_JOYPAD {
        return 0;
    }
    let keys = KEYS.load(Ordering::Relaxed);
    match id {
        JOYPAD_MASK_ID => keys as i16,
        0..16 => (keys >> id & 1) as i16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_stays_white_when_green_grows_a_bit() {
        assert_eq!((to_rgb565(0x7FFF), to_rgb565(0), to_rgb565(0x03E0)), (0xFFFF, 0, 0x07E0));
    }
}
