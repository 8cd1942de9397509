//! The core's log, handed on to `tracing`.
//!
//! libretro's log function takes a variable number of arguments, which Rust cannot define. On the two calling
//! conventions named below, whole-number and pointer arguments arrive in the same registers either way, so the first
//! four are declared, and only those are formatted that the text asks for. Elsewhere no log is offered.

use std::ffi::{CStr, c_char, c_void};

type LogFunction = unsafe extern "C" fn(u32, *const c_char, usize, usize, usize, usize);

#[repr(C)]
struct RawLogInterface {
    log: LogFunction,
}

const ARGUMENTS: usize = 4;

/// Gives the core the log function, where that can be done.
///
/// # Safety
/// `data` is null or points to libretro's log interface.
pub(super) unsafe fn offer(data: *mut c_void) -> bool {
    let registers = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));
    // SAFETY: the caller vouches for the pointer.
    match unsafe { data.cast::<RawLogInterface>().as_mut() } {
        Some(interface) if registers => {
            interface.log = write;
            true
        }
        _ => false,
    }
}

/// # Safety
/// Called by the core as `printf` would be, with a level before the format.
unsafe extern "C" fn write(level: u32, format: *const c_char, a: usize, b: usize, c: usize, d: usize) {
    if format.is_null() || (level < 2 && !tracing::enabled!(tracing::Level::DEBUG)) {
        return;
    }
    // SAFETY: the format ends in a zero byte, and the arguments it asks for are those that the core passed.
    let text = unsafe { fill(CStr::from_ptr(format).to_bytes(), [a, b, c, d]) };
    let text = text.trim_end();
    match level {
        0 | 1 => tracing::debug!(target: "libretro", "{text}"),
        2 => tracing::info!(target: "libretro", "{text}"),
        _ => tracing::warn!(target: "libretro", "{text}"),
    }
}

/// Formats what it knows; from the first conversion on that it does not know, the text stays as it is.
///
/// # Safety
/// Each `%s` of the format meets a pointer to text that ends in a zero byte, or null.
unsafe fn fill(format: &[u8], arguments: [usize; ARGUMENTS]) -> String {
    let mut text = String::new();
    let mut arguments = arguments.into_iter();
    let mut rest = format;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        text.push_str(&String::from_utf8_lossy(&rest[..at]));
        let conversion = &rest[at + 1..];
        let flags = conversion.iter().take_while(|byte| b"0123456789-+ #.hlzjt".contains(byte)).count();
        let long = conversion[..flags].iter().any(|byte| b"lzjt".contains(byte));
        let formatted = match conversion.get(flags) {
            Some(b'%') => Some("%".to_string()),
            Some(b's') => arguments.next().map(|pointer| {
                // SAFETY: the caller vouches for the pointer.
                unsafe { super::text(pointer as *const c_char) }
            }),
            Some(b'd' | b'i') if long => arguments.next().map(|value| (value as i64).to_string()),
            Some(b'd' | b'i') => arguments.next().map(|value| (value as i32).to_string()),
            Some(b'u') if long => arguments.next().map(|value| value.to_string()),
            Some(b'u') => arguments.next().map(|value| (value as u32).to_string()),
            Some(b'x' | b'X' | b'p') if long => arguments.next().map(|value| format!("{value:x}")),
            Some(b'x' | b'X') => arguments.next().map(|value| format!("{:x}", value as u32)),
            _ => None,
        };
        match formatted {
            Some(formatted) => text.push_str(&formatted),
            None => return text + &String::from_utf8_lossy(&rest[at..]),
        }
        rest = &conversion[flags + 1..];
    }
    text + &String::from_utf8_lossy(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_what_it_knows_and_leaves_the_rest() {
        let word = c"Loader";
        let arguments = [word.as_ptr() as usize, -3i32 as u32 as usize, 0xBEEF, 0];
        // SAFETY: the one `%s` meets the pointer above.
        let text = |format: &str| unsafe { fill(format.as_bytes(), arguments) };
        assert_eq!(text("%s: %d at 0x%08X, 100%%"), "Loader: -3 at 0xbeef, 100%");
        assert_eq!(text("%s %f %d"), "Loader %f %d");
    }
}
