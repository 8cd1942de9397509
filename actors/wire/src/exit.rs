//! Exit statuses. Those from 64 to 78 follow sysexits.h and mean that a person has to change something first, so a
//! role that ends with one is not restarted.

/// The asked-for work was done.
pub const OK: i32 = 0;
/// The run ended before the asked-for work was done.
pub const UNFINISHED: i32 = 1;
/// The command line was wrong.
pub const USAGE: i32 = 64;
/// A file was found, but is not what it should be (a text file as ROM).
pub const DATA: i32 = 65;
/// A file was not found or cannot be read.
pub const NO_INPUT: i32 = 66;
/// Something the run needs is not there: no core, no server at that address.
pub const UNAVAILABLE: i32 = 69;
/// A defect of this program.
pub const SOFTWARE: i32 = 70;
/// The operating system refused something.
pub const OS: i32 = 71;
/// A file could not be written (disk full, no permission).
pub const IO: i32 = 74;
/// The other side spoke another protocol version.
pub const PROTOCOL: i32 = 76;
/// The token was wrong.
pub const PERMISSION: i32 = 77;
/// The configuration was wrong.
pub const CONFIG: i32 = 78;

/// Whether a role that ended with this status must not be started again.
pub fn is_permanent(status: i32) -> bool {
    (USAGE..=CONFIG).contains(&status)
}
