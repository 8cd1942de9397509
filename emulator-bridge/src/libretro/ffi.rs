//! The libretro interface: the one module of this crate with `unsafe` in it.
//!
//! Invariants: at most one [`Core`] exists in the process, and only through `&mut Core` is the core entered, so that its
//! callbacks never run beside anything here that touches its memory. Pointers that the core hands out are used only
//! between its calls, while its game is loaded.

mod callbacks;
mod log;

use super::black;
use crate::backend::BackendError;
use callbacks::Area;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use wire::buttons::Mask;
use wire::emulator::PixelFormat;
use wire::ring::Picture;

static IN_USE: AtomicBool = AtomicBool::new(false);

const API_VERSION: u32 = 1;
const MEMORY_SAVE_RAM: u32 = 0;
const MEMORY_SYSTEM_RAM: u32 = 2;
/// Debian's core links against this library, and the set-up script unpacks it into the folder above the core's.
const CORE_DEPENDENCY: &str = "libinih.so.1";

#[repr(C)]
struct RawSystemInfo {
    library_name: *const c_char,
    library_version: *const c_char,
    valid_extensions: *const c_char,
    need_fullpath: bool,
    block_extract: bool,
}

#[repr(C)]
struct RawGameInfo {
    path: *const c_char,
    data: *const c_void,
    size: usize,
    meta: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawVideoInfo {
    base_width: u32,
    base_height: u32,
    max_width: u32,
    max_height: u32,
    aspect_ratio: f32,
    frame_rate: f64,
    sample_rate: f64,
}

/// What a core says of itself.
pub(super) struct SystemInfo {
    pub name: String,
    pub version: String,
    pub extensions: Vec<String>,
}

/// What a core says of its picture once a game is loaded.
pub(super) struct VideoInfo {
    pub width: u32,
    pub height: u32,
    pub pixels_max: usize,
    pub frame_rate: f64,
}

struct Symbols {
    init: unsafe extern "C" fn(),
    deinit: unsafe extern "C" fn(),
    api_version: unsafe extern "C" fn() -> u32,
    get_system_info: unsafe extern "C" fn(*mut RawSystemInfo),
    get_system_av_info: unsafe extern "C" fn(*mut RawVideoInfo),
    set_environment: unsafe extern "C" fn(callbacks::Environment),
    set_video_refresh: unsafe extern "C" fn(callbacks::VideoRefresh),
    set_audio_sample: unsafe extern "C" fn(callbacks::AudioSample),
    set_audio_sample_batch: unsafe extern "C" fn(callbacks::AudioSampleBatch),
    set_input_poll: unsafe extern "C" fn(callbacks::InputPoll),
    set_input_state: unsafe extern "C" fn(callbacks::InputState),
    reset: unsafe extern "C" fn(),
    run: unsafe extern "C" fn(),
    serialize_size: unsafe extern "C" fn() -> usize,
    serialize: unsafe extern "C" fn(*mut c_void, usize) -> bool,
    unserialize: unsafe extern "C" fn(*const c_void, usize) -> bool,
    load_game: unsafe extern "C" fn(*const RawGameInfo) -> bool,
    unload_game: unsafe extern "C" fn(),
    get_memory_data: unsafe extern "C" fn(u32) -> *mut c_void,
    get_memory_size: unsafe extern "C" fn(u32) -> usize,
}

/// The process's right to run a core, given back when dropped.
struct Seat;

impl Seat {
    fn take() -> Result<Seat, BackendError> {
        match IN_USE.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Seat),
            Err(_) => Err(BackendError::CoreInUse),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        IN_USE.store(false, Ordering::Release);
    }
}

/// A loaded core. Its fields are dropped in their order: the library before what it links to, the seat last.
pub(super) struct Core {
    symbols: Symbols,
    loaded: bool,
    areas: Vec<Area>,
    picture: callbacks::Frame,
    _library: Library,
    _dependency: Option<Library>,
    _seat: Seat,
}

// SAFETY: the raw pointers inside are the core's own memory, which is reached only through this value, and libretro asks
// of its caller no more than that calls do not overlap.
unsafe impl Send for Core {}

impl Core {
    /// Opens the library at `path` and initialises it; its files go below `folder`.
    pub(super) fn open(path: &Path, folder: &Path) -> Result<Core, BackendError> {
        let seat = Seat::take()?;
        let unusable = |reason: String| BackendError::CoreUnusable { path: path.to_path_buf(), reason };
        let dependency = path.parent().and_then(Path::parent).map(|folder| folder.join(CORE_DEPENDENCY));
        let dependency = dependency.filter(|file| file.is_file()).and_then(|file| {
            // SAFETY: libinih is a parser of text files without initialisers of its own.
            unsafe { Library::open(Some(&file), RTLD_NOW | RTLD_GLOBAL) }.ok()
        });
        // SAFETY: opening runs the library's initialisers. The user, or the set-up script, chose this file as the
        // emulator to run; nothing else about it can be checked beforehand.
        let library = unsafe { Library::open(Some(path), RTLD_NOW) }.map_err(|error| {
            let remedy = "is it a libretro core for this machine? scripts/setup.sh fetches one with all it needs";
            unusable(format!("cannot be loaded ({error}): {remedy}"))
        })?;
        let symbols = Symbols::of(&library).map_err(|name| {
            unusable(format!("not a libretro core: it has no symbol {name}; scripts/setup.sh fetches one"))
        })?;
        // SAFETY: the symbol is the libretro function of this name, which may be called at any time.
        let version = unsafe { (symbols.api_version)() };
        if version != API_VERSION {
            return Err(unusable(format!("speaks version {version} of libretro, and this program {API_VERSION}")));
        }
        let folder = CString::new(folder.as_os_str().as_bytes())
            .map_err(|_| unusable("the folder for its files has a zero byte in its name".to_string()))?;
        callbacks::begin(folder);
        // SAFETY: the order that libretro prescribes: environment first, then initialisation, then the other callbacks
        // before the first frame. The callbacks are functions of this process and live as long as it.
        unsafe {
            (symbols.set_environment)(callbacks::environment);
            (symbols.init)();
            (symbols.set_video_refresh)(callbacks::video_refresh);
            (symbols.set_audio_sample)(callbacks::audio_sample);
            (symbols.set_audio_sample_batch)(callbacks::audio_sample_batch);
            (symbols.set_input_poll)(callbacks::input_poll);
            (symbols.set_input_state)(callbacks::input_state);
        }
        Ok(Core {
            symbols,
            loaded: false,
            areas: Vec::new(),
            picture: callbacks::Frame::default(),
            _library: library,
            _dependency: dependency,
            _seat: seat,
        })
    }

    /// What the core says of itself.
    pub(super) fn system_info(&self) -> SystemInfo {
        let null = std::ptr::null();
        let mut raw = RawSystemInfo {
            library_name: null,
            library_version: null,
            valid_extensions: null,
            need_fullpath: false,
            block_extract: false,
        };
        // SAFETY: `raw` is the structure that libretro describes; the core fills it with pointers to static text, which
        // is copied before anything else is called.
        let (name, version, extensions) = unsafe {
            (self.symbols.get_system_info)(&mut raw);
            (text(raw.library_name), text(raw.library_version), text(raw.valid_extensions))
        };
        SystemInfo { name, version, extensions: extensions.split('|').map(str::to_lowercase).collect() }
    }

    /// Loads a game; `false` when the core refuses it.
    pub(super) fn load_game(&mut self, path: &Path, bytes: &[u8]) -> bool {
        let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
        let game =
            RawGameInfo { path: path.as_ptr(), data: bytes.as_ptr().cast(), size: bytes.len(), meta: std::ptr::null() };
        // SAFETY: the structure and what it points to live through the call, and a core keeps neither.
        self.loaded = unsafe { (self.symbols.load_game)(&game) };
        self.take_announcements();
        self.loaded
    }

    /// What the core says of its picture. Only with a game.
    pub(super) fn video_info(&mut self) -> VideoInfo {
        let mut raw = RawVideoInfo::default();
        // SAFETY: `raw` has the layout of the libretro structure, and a game is loaded.
        unsafe { (self.symbols.get_system_av_info)(&mut raw) };
        let pixels_max = raw.max_width.max(raw.base_width) as usize * raw.max_height.max(raw.base_height) as usize;
        callbacks::shared().pixels_max = pixels_max;
        VideoInfo { width: raw.base_width, height: raw.base_height, pixels_max, frame_rate: raw.frame_rate }
    }

    /// How pictures are stored.
    pub(super) fn pixel_format(&self) -> PixelFormat {
        callbacks::shared().pixels.stored()
    }

    /// Sets a black picture, for the time before the first frame.
    pub(super) fn blank_picture(&mut self, width: u32, height: u32) {
        let format = self.pixel_format();
        self.picture = callbacks::Frame { pixels: black(width, height, format), width, height, format, fresh: false };
    }

    /// Makes a picture without gaps the newest one, until the next frame draws its own.
    pub(super) fn show(&mut self, picture: &Picture<'_>) {
        let &Picture { width, height, format, pixels, .. } = picture;
        self.picture = callbacks::Frame { pixels: pixels.to_vec(), width, height, format, fresh: false };
    }

    /// Runs one frame with these keys held.
    pub(super) fn run(&mut self, keys: Mask) {
        callbacks::hold(keys);
        // SAFETY: a game is loaded and the callbacks are set.
        unsafe { (self.symbols.run)() };
        self.take_announcements();
    }

    /// The newest picture.
    pub(super) fn picture(&self) -> Picture<'_> {
        let frame = &self.picture;
        let pitch = frame.width as usize * frame.format.bytes();
        Picture { pixels: &frame.pixels, pitch, width: frame.width, height: frame.height, format: frame.format }
    }

    /// Resets the machine.
    pub(super) fn reset(&mut self) {
        // SAFETY: a game is loaded.
        unsafe { (self.symbols.reset)() };
        self.take_announcements();
    }

    /// Size of the core's state now.
    pub(super) fn state_bytes(&mut self) -> usize {
        // SAFETY: a game is loaded.
        unsafe { (self.symbols.serialize_size)() }
    }

    /// Writes the core's state; `false` when the room does not suit it.
    pub(super) fn serialize(&mut self, target: &mut [u8]) -> bool {
        // SAFETY: the core writes at most as many bytes as it is told there are.
        unsafe { (self.symbols.serialize)(target.as_mut_ptr().cast(), target.len()) }
    }

    /// Restores a state; `false` when the core refuses it.
    pub(super) fn unserialize(&mut self, state: &[u8]) -> bool {
        // SAFETY: the core reads at most as many bytes as it is told there are.
        let restored = unsafe { (self.symbols.unserialize)(state.as_ptr().cast(), state.len()) };
        self.take_announcements();
        restored
    }

    /// Save memory of the cartridge, empty where it has none.
    pub(super) fn save_memory(&self) -> &[u8] {
        let (data, size) = self.memory(MEMORY_SAVE_RAM);
        if size == 0 {
            return &[];
        }
        // SAFETY: the core says that its memory of this size is there while the game is loaded; it does not change before
        // the core is entered again, which needs `&mut self`.
        unsafe { std::slice::from_raw_parts(data, size) }
    }

    /// Save memory of the cartridge, to write.
    pub(super) fn save_memory_mut(&mut self) -> &mut [u8] {
        let (data, size) = self.memory(MEMORY_SAVE_RAM);
        if size == 0 {
            return &mut [];
        }
        // SAFETY: as in `save_memory`; `&mut self` is the only way to this memory meanwhile.
        unsafe { std::slice::from_raw_parts_mut(data, size) }
    }

    /// The memory areas that the core announced.
    pub(super) fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// The bytes of an area.
    pub(super) fn area_bytes(&self, index: usize) -> &[u8] {
        let area = &self.areas[index];
        // SAFETY: the core announced this memory, of this length, for as long as the game is loaded; it does not change
        // before the core is entered again, which needs `&mut self`.
        unsafe { std::slice::from_raw_parts(area.data, area.length) }
    }

    /// The bytes of an area to write, unless the core called it constant.
    pub(super) fn area_bytes_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let area = &self.areas[index];
        if area.constant {
            return None;
        }
        // SAFETY: as in `area_bytes`; `&mut self` is the only way to this memory meanwhile, areas that overlap
        // included, since one is borrowed at a time.
        Some(unsafe { std::slice::from_raw_parts_mut(area.data, area.length) })
    }

    fn memory(&self, id: u32) -> (*mut u8, usize) {
        // SAFETY: both functions may be called while a game is loaded, and change nothing.
        let (data, size) =
            unsafe { ((self.symbols.get_memory_data)(id).cast::<u8>(), (self.symbols.get_memory_size)(id)) };
        if data.is_null() { (data, 0) } else { (data, size) }
    }

    /// Takes over what the callbacks were told during a call.
    fn take_announcements(&mut self) {
        let mut shared = callbacks::shared();
        if shared.frame.fresh {
            std::mem::swap(&mut self.picture, &mut shared.frame);
            shared.frame.fresh = false;
        }
        let announced = shared.areas.take();
        drop(shared);
        if announced.is_none() && !self.areas.is_empty() {
            return;
        }
        self.areas = announced.unwrap_or_default();
        let (data, size) = if self.loaded { self.memory(MEMORY_SYSTEM_RAM) } else { (std::ptr::null_mut(), 0) };
        if size > 0 {
            match self.areas.iter_mut().find(|area| area.data == data) {
                Some(area) => area.system_memory = true,
                None => self.areas.push(Area { address: 0, data, length: size, constant: false, system_memory: true }),
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // SAFETY: the library is still open; a game is unloaded before the core is shut down.
        unsafe {
            if self.loaded {
                (self.symbols.unload_game)();
            }
            (self.symbols.deinit)();
        }
        *callbacks::shared() = callbacks::Shared::NONE;
    }
}

impl Symbols {
    /// Looks all symbols up; the error is the name of one that is missing.
    fn of(library: &Library) -> Result<Symbols, &'static str> {
        // SAFETY: libretro fixes the type of each function by its name, and a library that exports all of them is taken
        // at its word. The pointers are used only while `Core` keeps the library open.
        unsafe {
            Ok(Symbols {
                init: symbol(library, "retro_init")?,
                deinit: symbol(library, "retro_deinit")?,
                api_version: symbol(library, "retro_api_version")?,
                get_system_info: symbol(library, "retro_get_system_info")?,
                get_system_av_info: symbol(library, "retro_get_system_av_info")?,
                set_environment: symbol(library, "retro_set_environment")?,
                set_video_refresh: symbol(library, "retro_set_video_refresh")?,
                set_audio_sample: symbol(library, "retro_set_audio_sample")?,
                set_audio_sample_batch: symbol(library, "retro_set_audio_sample_batch")?,
                set_input_poll: symbol(library, "retro_set_input_poll")?,
                set_input_state: symbol(library, "retro_set_input_state")?,
                reset: symbol(library, "retro_reset")?,
                run: symbol(library, "retro_run")?,
                serialize_size: symbol(library, "retro_serialize_size")?,
                serialize: symbol(library, "retro_serialize")?,
                unserialize: symbol(library, "retro_unserialize")?,
                load_game: symbol(library, "retro_load_game")?,
                unload_game: symbol(library, "retro_unload_game")?,
                get_memory_data: symbol(library, "retro_get_memory_data")?,
                get_memory_size: symbol(library, "retro_get_memory_size")?,
            })
        }
    }
}

/// # Safety
/// `T` is the function type that the symbol of this name has.
unsafe fn symbol<T: Copy>(library: &Library, name: &'static str) -> Result<T, &'static str> {
    // SAFETY: the caller vouches for the type.
    unsafe { library.get::<T>(name) }.map(|symbol| *symbol).map_err(|_| name)
}

/// # Safety
/// The pointer is null, or points to text that ends in a zero byte.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for the pointer.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
