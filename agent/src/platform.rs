//! What only Linux has, behind functions that another system could offer too.

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;

/// The file of the running program, even if it was replaced or removed meanwhile.
pub const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// A handle that names this process and no later one with the same id.
pub fn process_handle(process: &Child) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(Pid::from_child(process), PidfdFlags::empty())?)
}

/// Sends a signal to the process behind a handle.
pub fn send_signal(handle: &OwnedFd, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::pidfd_send_signal(handle, signal)?)
}

/// Gives this process the name that `ps` and `top` show; the kernel keeps 15 characters.
pub fn name_process(name: &str) {
    // A name with a zero byte in it, or a kernel that refuses, leaves the process its old name.
    let _ = CString::new(name).map(|name| rustix::thread::set_name(&name));
}

/// Whether the kernel has process handles.
pub fn check_process_handles() -> io::Result<()> {
    rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
    Ok(())
}

/// Whether the kernel has memory that can be shared and sealed against resizing.
pub fn check_sealed_memory() -> io::Result<()> {
    let memory = rustix::fs::memfd_create("pocketpilot-check", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&memory, 4096)?;
    rustix::fs::fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    match rustix::fs::ftruncate(&memory, 0) {
        Err(_) => Ok(()),
        Ok(()) => Err(io::Error::other("a sealed file could be resized")),
    }
}

/// Bytes that can still be written below a folder.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let room = rustix::fs::statvfs(folder)?;
    Ok(room.f_bavail * room.f_frsize)
}

/// The kernel's name and version.
pub fn kernel() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

/// The processor's name.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or_else(|| "unknown".to_string(), |line| line.trim_start_matches([' ', '\t', ':']).to_string())
}
