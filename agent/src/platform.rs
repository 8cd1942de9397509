//! What only Linux has, behind functions that another system could offer too.

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Child;

/// The file of the running program, even if it was replaced or removed meanwhile.
pub const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// The path by which another process of the same user opens a file that this one has open.
pub fn own_descriptor(file: &OwnedFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

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

/// The machine's memory, in MiB.
pub fn memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib >> 10)
}

/// The processor's name.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or_else(|| "unknown".to_string(), |line| line.trim_start_matches([' ', '\t', ':']).to_string())
}

/// What a process takes of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Memory that is resident and its own: what is in files and shared memory is not counted.
    pub resident_bytes: u64,
    /// Time on a processor since its start, in milliseconds.
    pub cpu_ms: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// What a process takes now.
pub fn taken(pid: u32) -> io::Result<Taken> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    parse_taken(&stat, &statm, ticks, rustix::param::page_size() as u64)
        .map(|taken| Taken { descriptors, ..taken })
        .ok_or_else(|| io::Error::other("the kernel tells of processes in an unknown way"))
}

/// Time that processes which this one started and saw end, and those that they did, had on a processor.
pub fn children_cpu_ms() -> io::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let spent = field(16).zip(field(17)).map(|(user, system)| (user + system) * 1_000 / ticks);
    spent.ok_or_else(|| io::Error::other("the kernel tells of processes in an unknown way"))
}

fn parse_taken(stat: &str, statm: &str, ticks: u64, page_bytes: u64) -> Option<Taken> {
    // The name stands in parentheses and may hold anything; what follows are numbers, the first of them field 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let pages: Vec<u64> = statm.split_whitespace().filter_map(|pages| pages.parse().ok()).collect();
    let own = pages.get(1)?.saturating_sub(*pages.get(2)?);
    let cpu_ms = (field(14)? + field(15)?) * 1_000 / ticks;
    Some(Taken { resident_bytes: own * page_bytes, cpu_ms, threads: field(20)?, descriptors: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_takes_is_read_whatever_its_name_is() {
        let stat = "7 (a ) b) S 1 2 3 0 -1 4 5 6 7 8 250 50 0 0 20 0 9 0 100 4096 30 1";
        let taken = parse_taken(stat, "400 90 30 1 0 20 0", 100, 4096).expect("it is read");
        assert_eq!(taken, Taken { resident_bytes: 60 * 4096, cpu_ms: 3_000, threads: 9, descriptors: 0 });
        assert_eq!(parse_taken("7 (x", "1 2 3", 100, 4096), None);
        let own = super::taken(std::process::id()).expect("the kernel tells");
        assert!(own.resident_bytes > 100_000 && own.threads > 0 && own.descriptors >= 3);
    }
}
