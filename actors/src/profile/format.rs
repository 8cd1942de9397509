//! How one number is stored: byte order, kind and length. The names are those of [`wire::memory::Width`] (`u16`) or
//! stable-retro's descriptors (`>d2`): byte order, then kind, then the number of bytes.

use std::fmt;

/// The longest number.
pub(super) const BYTES_MAX: usize = 8;

/// How one number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Format {
    order: Order,
    kind: Kind,
    bytes: u8,
}

/// A descriptor that names no format.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no type; write u8, u16, u32, s8, s16, s32 or a stable-retro descriptor such as `>u2`, `<d4`, `|n1`")]
pub struct FormatError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
    /// Big-endian words of little-endian bytes.
    BigOfLittle,
    /// Little-endian words of big-endian bytes.
    LittleOfBig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    /// Two decimal digits a byte.
    Decimal,
    /// One decimal digit a byte, in its lower half.
    LowDecimal,
}

impl Format {
    /// Bytes that such a number occupies, 1 to 8.
    pub fn bytes(self) -> usize {
        usize::from(self.bytes)
    }

    /// The number that these bytes, as many as [`Format::bytes`] says, stand for.
    pub fn value(self, bytes: &[u8]) -> i64 {
        let most_significant_first = |index: usize| match self.order {
            Order::Big => bytes[index],
            Order::Little => bytes[bytes.len() - 1 - index],
            Order::BigOfLittle => bytes[index ^ 1],
            Order::LittleOfBig => bytes[(bytes.len() - 1 - index) ^ 1],
        };
        let digits = (0..bytes.len()).map(most_significant_first);
        match self.kind {
            Kind::Unsigned => digits.fold(0, |value, byte| value << 8 | i64::from(byte)),
            Kind::Signed => {
                let shift = 64 - 8 * bytes.len() as u32;
                digits.fold(0_i64, |value, byte| value << 8 | i64::from(byte)) << shift >> shift
            }
            Kind::Decimal => {
                digits.fold(0, |value, byte| value * 100 + i64::from(byte >> 4) * 10 + i64::from(byte & 0xF))
            }
            Kind::LowDecimal => digits.fold(0, |value, byte| value * 10 + i64::from(byte & 0xF)),
        }
    }
}

impl TryFrom<String> for Format {
    type Error = FormatError;

    fn try_from(text: String) -> Result<Format, FormatError> {
        parse(&text).ok_or(FormatError(text))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            _ if self.bytes == 1 => "|",
            Order::Little => "<",
            Order::Big => ">",
            Order::BigOfLittle => "><",
            Order::LittleOfBig => "<>",
        };
        let kind = match self.kind {
            Kind::Unsigned => 'u',
            Kind::Signed => 'i',
            Kind::Decimal => 'd',
            Kind::LowDecimal => 'n',
        };
        write!(formatter, "{order}{kind}{}", self.bytes)
    }
}

fn parse(text: &str) -> Option<Format> {
    let little = |kind, bytes| Some(Format { order: Order::Little, kind, bytes });
    match text {
        "u8" => return little(Kind::Unsigned, 1),
        "u16" => return little(Kind::Unsigned, 2),
        "u32" => return little(Kind::Unsigned, 4),
        "s8" => return little(Kind::Signed, 1),
        "s16" => return little(Kind::Signed, 2),
        "s32" => return little(Kind::Signed, 4),
        _ => {}
    }
    let split = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (order_text, rest) = text.split_at(split);
    let (kind_text, bytes_text) = rest.split_at(1);
    let bytes: u8 = bytes_text.parse().ok().filter(|bytes| (1..=BYTES_MAX as u8).contains(bytes))?;
    // "Native" is the byte order of the machine that runs the emulator, which is little-endian here.
    let order = match order_text {
        "<" | "=" => Order::Little,
        "|" if bytes == 1 => Order::Little,
        ">" => Order::Big,
        "><" | ">=" if bytes == 4 => Order::BigOfLittle,
        "<>" if bytes == 4 => Order::LittleOfBig,
        "<=" if bytes == 4 => Order::Little,
        _ => return None,
    };
    let kind = match kind_text {
        "u" => Kind::Unsigned,
        "i" => Kind::Signed,
        "d" => Kind::Decimal,
        "n" => Kind::LowDecimal,
        _ => return None,
    };
    Some(Format { order, kind, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(descriptor: &str, bytes: &[u8]) -> Option<i64> {
        Format::try_from(descriptor.to_owned()).ok().map(|format| format.value(bytes))
    }

    #[test]
    fn documented_descriptors_read_their_documented_bytes() {
        assert_eq!(value("<u2", &[0x02, 0x01]), Some(0x0102));
        assert_eq!(value(">u4", &[1, 2, 3, 4]), Some(0x0102_0304));
        assert_eq!(value("<>u4", &[3, 4, 1, 2]), Some(0x0102_0304));
        assert_eq!(value("><u4", &[2, 1, 4, 3]), Some(0x0102_0304));
        assert_eq!(value(">=u4", &[2, 1, 4, 3]), Some(0x0102_0304));
        assert_eq!(value(">d2", &[0x12, 0x34]), Some(1234));
        assert_eq!(value("<d2", &[0x34, 0x12]), Some(1234));
        assert_eq!(value("=n2", &[0x02, 0x01]), Some(12));
        assert_eq!(value("<u3", &[3, 2, 1]), Some(0x01_0203));
        assert_eq!(value("|u1", &[0x81]), Some(129));
        assert_eq!(value("|i1", &[0x81]), Some(-127));
        assert_eq!(value("|d1", &[0x81]), Some(81));
        assert_eq!(value("|n1", &[0x81]), Some(1));
        assert_eq!(value(">n6", &[1, 2, 3, 4, 5, 6]), Some(123_456));
        assert_eq!(value("s16", &[0xFE, 0xFF]), Some(-2));
        assert_eq!(value("<u8", &[0xFF; 8]), Some(-1), "the widest numbers wrap");
    }

    #[test]
    fn descriptors_without_meaning_are_refused() {
        for descriptor in ["", "u", "?u4", ">q2", "=i0", "><u3", "<=u2", "|u2", "<u9", "u64", "<é2"] {
            assert_eq!(value(descriptor, &[]), None, "{descriptor}");
        }
    }
}
