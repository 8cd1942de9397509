//! The game's text as a string: formatting codes removed, icons as words in brackets, new lines as spaces.

/// The most bytes of UTF-8 that one byte of the game's text may become: `~5b` and the like shrink, a dash takes three.
pub(super) const GROWTH_MAX: usize = 6;

/// Appends a text that ends with a zero byte or with the slice.
pub(super) fn append(text: &[u8], target: &mut String) {
    let mut rest = text.iter().position(|byte| *byte == 0).map_or(text, |end| &text[..end]);
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'#' => after_control(after, target),
            b'~' => after_escape(after, target),
            0x81..=0x84 | 0x87 => after_pair(byte, after, target),
            b'\n' | b'\r' => {
                target.push(' ');
                after
            }
            _ => {
                target.push(single(byte));
                after
            }
        };
    }
}

/// A `#`, a letter that says what it does, and the characters that it takes.
fn after_control<'a>(after: &'a [u8], target: &mut String) -> &'a [u8] {
    let Some((&code, rest)) = after.split_first() else { return after };
    let taken = match code {
        b'C' | b'c' | b'~' | b'=' | b'y' | b'.' | b';' | b'>' | b'_' => 1,
        b'S' => 2,
        b'n' | b'p' | b'P' => {
            target.push(' ');
            0
        }
        b'[' => rest.iter().position(|byte| *byte == b']').map_or(0, |end| end + 1),
        _ => 0,
    };
    &rest[taken.min(rest.len())..]
}

/// A `~` and two hexadecimal digits.
fn after_escape<'a>(after: &'a [u8], target: &mut String) -> &'a [u8] {
    let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(0) => &after[2..],
        Some(byte) => {
            target.push(single(byte));
            &after[2..]
        }
        None => {
            target.push('~');
            after
        }
    }
}

/// A code of two bytes.
fn after_pair<'a>(first: u8, after: &'a [u8], target: &mut String) -> &'a [u8] {
    let Some((&second, rest)) = after.split_first() else { return after };
    let text = match (first, second) {
        (0x81, 0x40) => " ",
        // The two halves of the sign for "Poké".
        (0x83, 0xBF) => "Poké",
        (0x83, 0xC4) => "",
        (0x84, 0x86) => "[R]",
        (0x87, 0x41) => "[set]",
        (0x87, 0x44) => "[sticky]",
        (0x87, 0x50) => "[A]",
        (0x87, 0x51) => "[B]",
        (0x87, 0x52) => "[+]",
        (0x87, 0x74) => "[L]",
        _ => "\u{FFFD}",
    };
    target.push_str(text);
    rest
}

fn single(byte: u8) -> char {
    match byte {
        0x20..=0x7E => char::from(byte),
        0x85 => '…',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x95 => '•',
        0x96 => '–',
        0x97 => '—',
        0xBD => '♂',
        0xBE => '♀',
        0xA0..=0xFF => char::from(byte),
        _ => '\u{FFFD}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        let mut target = String::new();
        append(bytes, &mut target);
        target
    }

    #[test]
    fn codes_vanish_and_characters_stay() {
        assert_eq!(text(b"#C6Pip#R took 12 damage!\0rest"), "Pip took 12 damage!");
        assert_eq!(text(b"Don~27t#nmind#S12 me#Wnow"), "Don't mind menow");
        assert_eq!(text(b"Pok\xE9mon\x85\xBD\xBE"), "Pokémon…♂♀");
        assert_eq!(text(b"\x83\xBF\x83\xC4 \x87\x50\x81\x40\x84\x86"), "Poké [A] [R]");
        assert_eq!(text(b"#[M:S0]Hello"), "Hello");
    }

    #[test]
    fn text_that_breaks_off_ends_quietly() {
        for broken in [&b"#"[..], b"#C", b"#S1", b"~", b"~2", b"\x87", b"#[", b"~zz"] {
            text(broken);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_bounded_text(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(text(&bytes).len() <= bytes.len() * GROWTH_MAX);
        }
    }
}
