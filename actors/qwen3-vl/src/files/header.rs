//! The header of a safetensors file: eight bytes of length, JSON that says where each tensor lies, then the tensors.

use super::{FolderError, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Bytes that a header may have; those of an 8B model have about 100 KB.
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// Dimensions that a tensor may have.
const RANK_MAX: usize = 8;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Anything else, with the bytes of one number.
    Other(u8),
}

/// A tensor as the header has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Where its bytes start: behind the header while it is read, in the file afterwards.
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Dtype {
    /// Bytes of one number.
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Other(bytes) => u64::from(bytes),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::BF16,
            "F64" | "I64" | "U64" | "C64" => Self::Other(8),
            "I32" | "U32" => Self::Other(4),
            "I16" | "U16" => Self::Other(2),
            "BOOL" | "I8" | "U8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => Self::Other(1),
            _ => return None,
        })
    }
}

/// Reads the header, and checks it against itself and against the size of the file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Entry>, FolderError> {
    let mut file = json::open(path, "download it, or the whole folder, again")?;
    let size = json::size(&file, path)?;
    let truncated = |expected: u64| FolderError::Truncated { path: path.to_path_buf(), expected, found: size };
    let damaged = |problem: String| FolderError::Damaged { path: path.to_path_buf(), problem };
    if size < 8 {
        return Err(truncated(8));
    }
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|source| json::unreadable(path, source))?;
    let length = u64::from_le_bytes(length);
    if !(2..=HEADER_BYTES_MAX).contains(&length) {
        return Err(damaged(format!("its header claims {length} bytes")));
    }
    if size < 8 + length {
        return Err(truncated(8 + length));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).map_err(|source| json::unreadable(path, source))?;
    let entries = parse(&header).map_err(damaged)?;
    let begin = 8 + length;
    let expected = begin + entries.values().map(|entry| entry.end).max().unwrap_or(0);
    if size < expected {
        return Err(truncated(expected));
    }
    if size > expected {
        return Err(damaged(format!("it has {} bytes more than its header says", size - expected)));
    }
    Ok(entries
        .into_iter()
        .map(|(name, entry)| (name, Entry { start: begin + entry.start, end: begin + entry.end, ..entry }))
        .collect())
}

fn parse(header: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let raw: BTreeMap<String, Value> = serde_json::from_slice(header)
        .map_err(|error| format!("its header is no JSON: {}", error.to_string().escape_debug()))?;
    let entries: BTreeMap<String, Entry> = raw
        .into_iter()
        .filter(|(name, _)| name != "__metadata__")
        .map(|(name, value)| match entry(&value) {
            Some(entry) => Ok((name, entry)),
            None => Err(format!("its header has no sense at {name:?}")),
        })
        .collect::<Result<_, _>>()?;
    let mut places: Vec<(u64, u64, &String)> =
        entries.iter().map(|(name, entry)| (entry.start, entry.end, name)).collect();
    places.sort_unstable();
    let mut reached = 0;
    for (start, end, name) in places {
        if start != reached {
            return Err(format!("{name:?} starts at byte {start} instead of {reached}"));
        }
        reached = end;
    }
    Ok(entries)
}

/// A tensor whose dtype is known and whose shape fills its bytes exactly.
fn entry(value: &Value) -> Option<Entry> {
    let dtype = Dtype::parse(value.get("dtype")?.as_str()?)?;
    let dimensions = value.get("shape")?.as_array().filter(|shape| shape.len() <= RANK_MAX)?;
    let shape: Vec<usize> = dimensions
        .iter()
        .map(|side| side.as_u64().and_then(|side| usize::try_from(side).ok()))
        .collect::<Option<_>>()?;
    let [start, end] = value.get("data_offsets")?.as_array()?.as_slice() else { return None };
    let (start, end) = (start.as_u64()?, end.as_u64()?);
    let numbers = shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side as u64))?;
    let fits = end.checked_sub(start)? == numbers.checked_mul(dtype.bytes())? && end <= u64::MAX / 2;
    fits.then_some(Entry { dtype, shape, start, end })
}
