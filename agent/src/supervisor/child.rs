//! One life of a role's process: how it is started, spoken to and ended.
//!
//! Invariant: [`spawn`] is called on the main thread alone. A role asks the kernel to be killed when the thread that
//! started it ends, so that thread must live as long as the program.

use crate::{platform, threads};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::Signal;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread;
use wire::control::{FromRole, Role, ToRole};
use wire::link::{CONTROL_DESCRIPTOR, Link, LinkError, PAGE_DESCRIPTOR};
use wire::page::ProgressPage;

/// Reports that wait to be handled; a role that talks faster than this is made to wait.
pub const REPORTS_MAX: usize = 1024;

/// Counts the lives of one role in this process, from 1.
pub type Life = u32;

/// What the supervisor waits for.
#[derive(Debug)]
pub enum Report {
    /// A role said something.
    Said {
        /// Which of the run's processes.
        index: usize,
        /// Which of its lives.
        life: Life,
        /// What it said.
        message: FromRole,
        /// Descriptors that came along.
        descriptors: Vec<OwnedFd>,
    },
    /// A role said something that is not a message of this version.
    Garbled {
        /// Which of the run's processes.
        index: usize,
        /// Which of its lives.
        life: Life,
        /// What is wrong with it.
        error: LinkError,
    },
    /// A role's process ended, and everything it had said was reported before.
    Ended {
        /// Which of the run's processes.
        index: usize,
        /// Which of its lives.
        life: Life,
        /// How.
        status: ExitStatus,
    },
    /// A signal came in.
    Signal(i32),
}

/// A running process.
#[derive(Debug)]
pub struct Child {
    /// Its process id.
    pub pid: u32,
    /// Its progress page.
    pub page: ProgressPage,
    link: Link,
    handle: OwnedFd,
}

impl Child {
    /// Tells it something. A child that is gone is reported by its end, so that is no error here.
    pub fn tell(&self, message: &ToRole, descriptors: &[std::os::fd::BorrowedFd<'_>]) {
        if let Err(error) = self.link.send(message, descriptors) {
            tracing::debug!(pid = self.pid, "not told: {error}");
        }
    }

    /// Sends it a signal; one that ended meanwhile gets none, and no other process gets it instead.
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = platform::send_signal(&self.handle, signal) {
            tracing::debug!(pid = self.pid, "not signalled: {error}");
        }
    }
}

/// Starts this executable again as a role; reports of it carry this index.
pub fn spawn(role: Role, index: usize, life: Life, reports: &SyncSender<Report>) -> io::Result<Child> {
    let (link, theirs) = Link::pair()?;
    let (page, page_descriptor) = ProgressPage::create()?;
    let mut command = Command::new(platform::OWN_EXECUTABLE);
    command.arg0("agent").arg(role.name()).stdin(Stdio::null()).stdout(Stdio::null());
    // A group of its own, so that Ctrl-C reaches the parent alone and a role can finish its step.
    command.process_group(0);
    threads::limit(&mut command);
    // Left alone, glibc keeps the half megabyte of each checkpoint in heaps of its own, one a thread, for good; with a
    // fixed threshold such blocks go back to the kernel, and resident memory stays flat over a long run.
    command.env("MALLOC_MMAP_THRESHOLD_", "131072").env("MALLOC_ARENA_MAX", "2");
    command
        .fd_mappings(vec![
            FdMapping { parent_fd: theirs.into_descriptor(), child_fd: CONTROL_DESCRIPTOR },
            FdMapping { parent_fd: page_descriptor, child_fd: PAGE_DESCRIPTOR },
        ])
        .expect("the two descriptors differ");
    let mut process = command.spawn()?;
    // The role's end of the socket must not stay open here, or its death would go unnoticed.
    drop(command);
    let pid = process.id();
    let handle = platform::process_handle(&process).inspect_err(|_| {
        let _ = process.kill();
        let _ = process.wait();
    })?;
    let reader = {
        let (link, reports) = (link.try_clone()?, reports.clone());
        thread::Builder::new().name(format!("read-{role}")).spawn(move || read(index, life, &link, &reports))?
    };
    let (waiting, reports) = (link.try_clone()?, reports.clone());
    thread::Builder::new().name(format!("wait-{role}")).spawn(move || {
        let status = process.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
        // What the role said last is still queued; it is read before the end is reported.
        let _ = rustix::net::shutdown(&waiting, rustix::net::Shutdown::Read);
        let _ = reader.join();
        let _ = reports.send(Report::Ended { index, life, status });
    })?;
    Ok(Child { pid, page, link, handle })
}

/// How a process ended, for a person: `status 70`, `signal 9 (SIGKILL)`.
pub fn cause(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => match signal_hook::low_level::signal_name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, None) => status.to_string(),
    }
}

fn read(index: usize, life: Life, link: &Link, reports: &SyncSender<Report>) {
    loop {
        let report = match link.receive::<FromRole>() {
            Ok((message, descriptors)) => Report::Said { index, life, message, descriptors },
            Err(LinkError::Closed | LinkError::Os(_)) => return,
            Err(error) => Report::Garbled { index, life, error },
        };
        if reports.send(report).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_name_the_status_or_the_signal() {
        assert_eq!(cause(ExitStatus::from_raw(70 << 8)), "status 70");
        assert_eq!(cause(ExitStatus::from_raw(9)), "signal 9 (SIGKILL)");
        assert_eq!(cause(ExitStatus::from_raw(6 | 0x80)), "signal 6 (SIGABRT)");
    }
}
