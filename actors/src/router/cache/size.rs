//! What things weigh on the heap, and how much the caches may.

/// What is allowed when nobody says otherwise: this share of the machine's memory, within these bounds.
const SHARE: u64 = 256;
const LEAST_BYTES: u64 = 4 << 20;
const MOST_BYTES: u64 = 64 << 20;

/// Bytes of one allocation, with what an allocator adds: a word in front, and steps of two words.
pub(super) fn allocation_bytes(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

/// The most bytes that one more key takes in a standard tree map: its nodes hold 11 each and at least 5, and there is at
/// most one inner node, with 12 links more, for 5 of them.
pub(super) const fn tree_bytes<K, V>() -> usize {
    leaf_bytes::<K, V>().div_ceil(5) + inner_bytes::<K, V>().div_ceil(25)
}

/// What a tree map takes once, beyond [`tree_bytes`] for each key: its root may hold a single key.
pub(super) const fn root_bytes<K, V>() -> usize {
    leaf_bytes::<K, V>() + inner_bytes::<K, V>()
}

const fn leaf_bytes<K, V>() -> usize {
    11 * (size_of::<K>() + size_of::<V>()) + 16 + 24
}

const fn inner_bytes<K, V>() -> usize {
    leaf_bytes::<K, V>() + 12 * size_of::<usize>()
}

/// The most bytes of the caches: as configured, or by the machine's memory.
pub fn limit_bytes(configured: u64, machine_bytes: Option<u64>) -> usize {
    let by_machine = || machine_bytes.unwrap_or(0) / SHARE;
    let bytes = if configured > 0 { configured } else { by_machine().clamp(LEAST_BYTES, MOST_BYTES) };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The machine's memory in bytes, where the system says.
pub fn machine_bytes() -> Option<u64> {
    total_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn total_bytes(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_machine_unless_it_is_configured() {
        assert_eq!(limit_bytes(12_345, Some(1 << 40)), 12_345);
        assert_eq!(limit_bytes(0, Some(8 << 30)), 32 << 20);
        assert_eq!(limit_bytes(0, Some(1 << 40)), 64 << 20);
        assert_eq!(limit_bytes(0, Some(1 << 28)), 4 << 20);
        assert_eq!(limit_bytes(0, None), 4 << 20);
    }

    #[test]
    fn the_machines_memory_is_read_as_linux_says_it() {
        assert_eq!(total_bytes("MemTotal:       16318000 kB\nMemFree: 1 kB\n"), Some(16_318_000 * 1024));
        assert_eq!(total_bytes("nonsense"), None);
    }
}
