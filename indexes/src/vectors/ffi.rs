//! FAISS behind its C interface, memory that is mapped, and one loop for the processor at hand: the unsafe code of this crate.
//!
//! What FAISS does not check is checked here, before the call: lengths, positions, and that an index that is mapped is
//! not changed, which would end the process. The crate `faiss` is not used for this, because its search wants an
//! exclusive reference and its mapping flag is another one than that of FAISS 1.12.

use faiss_sys as sys;
use memmap2::Mmap;
use std::ffi::{CStr, CString, c_int};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{self, NonNull};

/// `faiss::IO_FLAG_MMAP_IFC`: vectors and graphs stay in the file and are mapped.
const MAP_VECTORS: c_int = 1 << 9;
/// `faiss::METRIC_L2`.
const SQUARED_DISTANCE: sys::FaissMetricType = 1;

/// A FAISS index that this process owns.
#[derive(Debug)]
pub(super) struct Index {
    pointer: NonNull<sys::FaissIndex>,
    dimensions: usize,
    is_mapped: bool,
}

// SAFETY: an index is plain memory that is bound to no thread.
unsafe impl Send for Index {}
// SAFETY: through a shared reference only functions are called that FAISS declares `const`. Those read the index and have
// their working memory for themselves; the counters of its statistics, which they share, are never read here.
unsafe impl Sync for Index {}

impl Drop for Index {
    fn drop(&mut self) {
        // SAFETY: the pointer came from FAISS, which gave it away, and nobody uses it after this.
        unsafe { sys::faiss_Index_free(self.pointer.as_ptr()) }
    }
}

impl Index {
    /// A new index, empty.
    pub(super) fn new(dimensions: usize, description: &str) -> Result<Index, String> {
        let description = CString::new(description).map_err(|error| error.to_string())?;
        let width = c_int::try_from(dimensions).map_err(|error| error.to_string())?;
        let mut pointer = ptr::null_mut();
        // SAFETY: the description ends in a zero byte and outlives the call; the pointer is written when it succeeds.
        let code = unsafe { sys::faiss_index_factory(&mut pointer, width, description.as_ptr(), SQUARED_DISTANCE) };
        Index::own(code, pointer, false)
    }

    /// Reads an index. Nothing protects FAISS from a file that is damaged: verify it first.
    pub(super) fn read(path: &Path, is_mapped: bool) -> Result<Index, String> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        let flags = if is_mapped { MAP_VECTORS } else { 0 };
        let mut pointer = ptr::null_mut();
        // SAFETY: the path ends in a zero byte and outlives the call; the pointer is written when it succeeds.
        let code = unsafe { sys::faiss_read_index_fname(path.as_ptr(), flags, &mut pointer) };
        Index::own(code, pointer, is_mapped)
    }

    fn own(code: c_int, pointer: *mut sys::FaissIndex, is_mapped: bool) -> Result<Index, String> {
        succeed(code)?;
        let pointer = NonNull::new(pointer).ok_or("no index was made")?;
        // SAFETY: the pointer is an index that was made just now.
        let dimensions = unsafe { sys::faiss_Index_d(pointer.as_ptr()) };
        let index = Index { pointer, dimensions: usize::try_from(dimensions).unwrap_or(0), is_mapped };
        if index.dimensions == 0 { Err("an index without dimensions".to_string()) } else { Ok(index) }
    }

    /// Numbers in each vector.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vectors in the index.
    pub(super) fn len(&self) -> usize {
        // SAFETY: the pointer is an index.
        let count = unsafe { sys::faiss_Index_ntotal(self.pointer.as_ptr()) };
        usize::try_from(count).unwrap_or(0)
    }

    /// Whether the index lies in a file that is mapped, and so cannot be changed.
    pub(super) fn is_mapped(&self) -> bool {
        self.is_mapped
    }

    /// Whether distances are squared Euclidean ones.
    pub(super) fn is_euclidean(&self) -> bool {
        // SAFETY: the pointer is an index.
        unsafe { sys::faiss_Index_metric_type(self.pointer.as_ptr()) == SQUARED_DISTANCE }
    }

    /// Learns from vectors what the kind needs to know before it holds any.
    pub(super) fn train(&mut self, rows: &[f32]) -> Result<(), String> {
        let count = self.changed_by(rows)?;
        // SAFETY: `rows` holds `count` vectors, and the index is not shared.
        succeed(unsafe { sys::faiss_Index_train(self.pointer.as_ptr(), count, rows.as_ptr()) })
    }

    /// Puts vectors after those that are there.
    pub(super) fn add(&mut self, rows: &[f32]) -> Result<(), String> {
        let count = self.changed_by(rows)?;
        // SAFETY: as for `train`; that it is trained is checked by FAISS.
        succeed(unsafe { sys::faiss_Index_add(self.pointer.as_ptr(), count, rows.as_ptr()) })
    }

    fn changed_by(&self, rows: &[f32]) -> Result<i64, String> {
        if self.is_mapped {
            return Err("it is mapped and cannot be changed".to_string());
        }
        if !rows.len().is_multiple_of(self.dimensions) {
            return Err("numbers that make no whole vectors".to_string());
        }
        i64::try_from(rows.len() / self.dimensions).map_err(|error| error.to_string())
    }

    /// The positions and squared distances of the nearest vectors; -1 where there are fewer than `count`.
    pub(super) fn search(&self, query: &[f32], count: usize) -> Result<(Vec<i64>, Vec<f32>), String> {
        if query.len() != self.dimensions || count == 0 {
            return Err("not a question to this index".to_string());
        }
        let mut distances = vec![0.0; count];
        let mut positions = vec![-1; count];
        let wanted = i64::try_from(count).map_err(|error| error.to_string())?;
        let (index, into, at) = (self.pointer.as_ptr(), distances.as_mut_ptr(), positions.as_mut_ptr());
        // SAFETY: the query is one vector, and both answers have room for `count`; the call is `const`, see `Sync`.
        succeed(unsafe { sys::faiss_Index_search(index, 1, query.as_ptr(), wanted, into, at) })?;
        Ok((positions, distances))
    }

    /// The vector at a position, as exactly as the kind keeps it.
    pub(super) fn row(&self, position: u32) -> Result<Vec<f32>, String> {
        // FAISS reads past the end of some kinds.
        if position as usize >= self.len() {
            return Err(format!("there is no position {position}"));
        }
        let mut row = vec![0.0; self.dimensions];
        // SAFETY: the position is in the index, and the answer has room for a vector.
        succeed(unsafe { sys::faiss_Index_reconstruct(self.pointer.as_ptr(), i64::from(position), row.as_mut_ptr()) })?;
        Ok(row)
    }

    /// Writes the index into a file.
    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the path ends in a zero byte and outlives the call.
        succeed(unsafe { sys::faiss_write_index_fname(self.pointer.as_ptr(), path.as_ptr()) })
    }

    /// Sets what FAISS lets be set by name: `efSearch`, `nprobe`.
    pub(super) fn set(&mut self, name: &str, value: u32) -> Result<(), String> {
        let name = CString::new(name).map_err(|error| error.to_string())?;
        let mut space = ptr::null_mut();
        // SAFETY: the pointer is written when the call succeeds.
        succeed(unsafe { sys::faiss_ParameterSpace_new(&mut space) })?;
        let index = self.pointer.as_ptr();
        // SAFETY: the space is whole, the name ends in a zero byte, and the index is not shared. Only the head of the
        // index is written, which is in memory even where the vectors are mapped.
        let code = unsafe { sys::faiss_ParameterSpace_set_index_parameter(space, index, name.as_ptr(), value.into()) };
        let result = succeed(code);
        // SAFETY: the space was made above and is not used again.
        unsafe { sys::faiss_ParameterSpace_free(space) };
        result
    }

    /// Lets an index of lists find a vector by its position; others can, and are left as they are.
    pub(super) fn know_positions(&mut self) -> Result<(), String> {
        // SAFETY: the cast gives the same pointer, or null where the index is of another kind.
        let lists = unsafe { sys::faiss_IndexIVF_cast(self.pointer.as_ptr()) };
        if lists.is_null() {
            return Ok(());
        }
        // SAFETY: `lists` is an index of lists that is not shared.
        succeed(unsafe { sys::faiss_IndexIVF_make_direct_map(lists, 1) })
    }
}

/// The squared distance of two vectors; infinite where they are not as long as each other.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut distance = f32::INFINITY;
    if a.len() == b.len() {
        // SAFETY: both hold as many numbers as are told, and there is room for one distance.
        unsafe { sys::faiss_fvec_L2sqr_ny(&mut distance, a.as_ptr(), b.as_ptr(), a.len(), 1) };
    }
    distance
}

/// The dot products of a row of bytes with each of some rows of the same length.
pub(crate) fn dot_products(query: &[i8], rows: &[i8], products: &mut Vec<i32>) {
    products.clear();
    if query.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { dot_products_avx2(query, rows, products) };
    }
    products.extend(rows.chunks_exact(query.len()).map(|row| dot_product(query, row)));
}

fn dot_product(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_products_avx2(query: &[i8], rows: &[i8], products: &mut Vec<i32>) {
    for row in rows.chunks_exact(query.len()) {
        products.push(dot_product_avx2(query, row));
    }
}

/// Sixteen bytes at a time, written out because development builds do not vectorise.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn dot_product_avx2(a: &[i8], b: &[i8]) -> i32 {
    use std::arch::x86_64 as cpu;
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut sums = cpu::_mm256_setzero_si256();
    for (a, b) in a.iter().zip(b) {
        // SAFETY: each chunk is sixteen bytes, and the load wants no alignment.
        let (a, b) = unsafe { (cpu::_mm_loadu_si128(a.as_ptr().cast()), cpu::_mm_loadu_si128(b.as_ptr().cast())) };
        let products = cpu::_mm256_madd_epi16(cpu::_mm256_cvtepi8_epi16(a), cpu::_mm256_cvtepi8_epi16(b));
        sums = cpu::_mm256_add_epi32(sums, products);
    }
    let sums = cpu::_mm_add_epi32(cpu::_mm256_castsi256_si128(sums), cpu::_mm256_extracti128_si256::<1>(sums));
    let sums = cpu::_mm_add_epi32(sums, cpu::_mm_shuffle_epi32::<0b01_00_11_10>(sums));
    let sums = cpu::_mm_add_epi32(sums, cpu::_mm_shuffle_epi32::<0b10_11_00_01>(sums));
    cpu::_mm_cvtsi128_si32(sums) + dot_product(a_rest, b_rest)
}

/// Maps a file that nobody changes.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is part of a published generation: whoever holds the writer's lock writes new ones, and never
    // into one that is there. Should somebody else cut it, the process ends, as with FAISS's own maps, and is restarted.
    unsafe { Mmap::map(file) }
}

/// Brings the pages of a file into each map of it that this process has, so that no search waits for one.
///
/// FAISS does not say where it maps, so the kernel is asked. Best effort: without it the first searches are slower.
pub(crate) fn populate(path: &Path) {
    let (Ok(path), Ok(maps)) = (path.canonicalize(), fs::read("/proc/self/maps")) else { return };
    let path = [b" ", path.as_os_str().as_bytes()].concat();
    for line in maps.split(|byte| *byte == b'\n').filter(|line| line.ends_with(&path)) {
        let range = line.split(|byte| *byte == b' ').next().and_then(|range| std::str::from_utf8(range).ok());
        let ends = range.and_then(|range| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16).ok();
        let Some((begin, end)) = ends.and_then(|(begin, end)| Some((number(begin)?, number(end)?))) else { continue };
        let advice = rustix::mm::Advice::LinuxPopulateRead;
        // SAFETY: the advice reads pages and changes nothing; for a range that is not mapped any more it is refused.
        let _ = unsafe { rustix::mm::madvise(ptr::without_provenance_mut(begin), end.saturating_sub(begin), advice) };
    }
}

fn succeed(code: c_int) -> Result<(), String> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: the function takes nothing and returns null or a string that lives until this thread's next error.
    let text = unsafe { sys::faiss_get_last_error() };
    if text.is_null() {
        return Err(format!("code {code}"));
    }
    // SAFETY: the string ends in a zero byte and is copied at once.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    Err(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}
