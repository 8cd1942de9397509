//! Places in an emulated machine's memory and conditions over them.
//!
//! A place is an address, or a 32-bit pointer read at an address plus an offset. All values are little-endian.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A run of bytes of the emulated machine, by bus address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Bus address of the first byte.
    pub address: u32,
    /// Length in bytes.
    pub length: u32,
}

/// The numeric type of a value in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 8 bits.
    S8,
    /// Signed, 16 bits.
    S16,
    /// Signed, 32 bits.
    S32,
}

impl Width {
    /// The name in profiles and in the JSON form.
    pub fn name(self) -> &'static str {
        match self {
            Width::U8 => "u8",
            Width::U16 => "u16",
            Width::U32 => "u32",
            Width::S8 => "s8",
            Width::S16 => "s16",
            Width::S32 => "s32",
        }
    }

    /// Bytes that such a value occupies.
    pub fn bytes(self) -> u32 {
        match self {
            Width::U8 | Width::S8 => 1,
            Width::U16 | Width::S16 => 2,
            Width::U32 | Width::S32 => 4,
        }
    }
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Bus address of the value, or of the pointer to it when `offset` is given.
    pub address: u32,
    /// When given, `address` holds a pointer and the value lies this many bytes behind where it points.
    #[serde(default)]
    pub offset: Option<u32>,
    /// The value's type.
    #[serde(rename = "type")]
    pub width: Width,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The value equals the operand.
    Equal,
    /// The value differs from the operand.
    NotEqual,
    /// The value is at least the operand.
    AtLeast,
    /// The value is at most the operand.
    AtMost,
}

/// One condition over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// The value to look at.
    pub place: Place,
    /// How to compare it.
    pub comparison: Comparison,
    /// What to compare it with.
    pub operand: i64,
}

/// A condition that holds when all tests of at least one group hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The groups; an empty list never holds.
    pub any_of: Vec<Vec<Test>>,
}

/// Whatever can be read like the emulated machine's bus.
pub trait Bus {
    /// Copies the bytes at `address` into `target`; `false` when any of them is not mapped.
    fn read(&self, address: u32, target: &mut [u8]) -> bool;
}

/// Where a value lies: at `address`, or, with an offset, that far behind where the pointer at `address` points. `None`
/// when the pointer is null or not mapped.
pub fn resolve(address: u32, offset: Option<u32>, bus: &impl Bus) -> Option<u32> {
    let Some(offset) = offset else { return Some(address) };
    let mut pointer = [0; 4];
    bus.read(address, &mut pointer).then_some(())?;
    match u32::from_le_bytes(pointer) {
        0 => None,
        pointer => pointer.checked_add(offset),
    }
}

impl Place {
    /// The value at this place, or `None` when the memory is not mapped or the pointer is null.
    pub fn read(&self, bus: &impl Bus) -> Option<i64> {
        let address = resolve(self.address, self.offset, bus)?;
        let mut bytes = [0; 4];
        let bytes_used = self.width.bytes() as usize;
        bus.read(address, &mut bytes[..bytes_used]).then_some(())?;
        let value = u32::from_le_bytes(bytes);
        Some(match self.width {
            Width::U8 | Width::U16 | Width::U32 => i64::from(value),
            Width::S8 => i64::from(value as u8 as i8),
            Width::S16 => i64::from(value as u16 as i16),
            Width::S32 => i64::from(value as i32),
        })
    }
}

impl Test {
    /// Whether the test holds; a place that cannot be read never does.
    pub fn holds(&self, bus: &impl Bus) -> bool {
        self.place.read(bus).is_some_and(|value| match self.comparison {
            Comparison::Equal => value == self.operand,
            Comparison::NotEqual => value != self.operand,
            Comparison::AtLeast => value >= self.operand,
            Comparison::AtMost => value <= self.operand,
        })
    }
}

impl Condition {
    /// Whether any group of tests holds.
    pub fn holds(&self, bus: &impl Bus) -> bool {
        self.any_of.iter().any(|group| group.iter().all(|test| test.holds(bus)))
    }

    /// The group that is nearest to holding, by its index, and its tests that fail: none when the condition holds.
    /// Nearest is the one with the fewest failing tests, and of several the longest, whose other tests say the most.
    /// `None` when there is no group.
    pub fn nearest(&self, bus: &impl Bus) -> Option<(usize, Vec<Test>)> {
        let failing = |group: &Vec<Test>| group.iter().filter(|test| !test.holds(bus)).copied().collect::<Vec<_>>();
        let groups = self.any_of.iter().enumerate().map(|(index, group)| (index, group.len(), failing(group)));
        let nearest = groups.min_by_key(|(_, tests, failing)| (failing.len(), usize::MAX - tests))?;
        Some((nearest.0, nearest.2))
    }
}

/// `0x0203B418 -> +0xF (u8)`: the byte 15 behind where the pointer points.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "0x{:08X}", self.address)?;
        if let Some(offset) = self.offset {
            write!(formatter, " -> +0x{offset:X}")?;
        }
        write!(formatter, " ({})", self.width.name())
    }
}

/// `0x0203B40C (u8) = 1`.
impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => "≠",
            Comparison::AtLeast => "≥",
            Comparison::AtMost => "≤",
        };
        write!(formatter, "{} {sign} {}", self.place, self.operand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Flat(Vec<u8>);

    impl Bus for Flat {
        fn read(&self, address: u32, target: &mut [u8]) -> bool {
            let start = address as usize;
            match self.0.get(start..start + target.len()) {
                Some(bytes) => {
                    target.copy_from_slice(bytes);
                    true
                }
                None => false,
            }
        }
    }

    #[test]
    fn pointers_are_chased_and_null_is_no_value() {
        let bus = Flat(vec![8, 0, 0, 0, 0, 0, 0, 0, 0xAA, 0xFE, 0xFF]);
        let at = |address, offset, width| Place { address, offset, width }.read(&bus);
        assert_eq!(at(0, Some(1), Width::S16), Some(-2));
        assert_eq!(at(4, Some(1), Width::U8), None);
        assert_eq!(at(9, None, Width::U16), Some(0xFFFE));
        assert_eq!(at(10, None, Width::U16), None);
    }

    #[test]
    fn the_nearest_group_is_the_longest_of_those_that_fail_least() {
        let bus = Flat(vec![8, 0, 0, 0, 0, 0, 0, 0, 7]);
        let test = |address, operand| Test {
            place: Place { address, offset: None, width: Width::U8 },
            comparison: Comparison::Equal,
            operand,
        };
        let far = vec![test(0, 1), test(1, 1)];
        let short = vec![test(0, 1)];
        let long = vec![test(0, 8), test(8, 6), test(1, 0)];
        let condition = Condition { any_of: vec![far, short, long.clone()] };
        assert_eq!(condition.nearest(&bus), Some((2, vec![long[1]])));
        let holds = Condition { any_of: vec![long, vec![test(8, 7)]] };
        assert_eq!(holds.nearest(&bus), Some((1, Vec::new())));
        assert_eq!(Condition::default().nearest(&bus), None);
    }

    #[test]
    fn tests_are_written_as_a_person_reads_them() {
        let place = Place { address: 0x0203_B418, offset: Some(0xF), width: Width::U8 };
        let test = Test { place, comparison: Comparison::AtLeast, operand: 1 };
        assert_eq!(test.to_string(), "0x0203B418 -> +0xF (u8) ≥ 1");
        let place = Place { address: 0x0202_E744, offset: None, width: Width::S32 };
        let test = Test { place, comparison: Comparison::Equal, operand: 0 };
        assert_eq!(test.to_string(), "0x0202E744 (s32) = 0");
    }
}
