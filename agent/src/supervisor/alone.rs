//! A role without a run, so that it can be measured.

use super::child::{self, REPORTS_MAX, Report};
use crate::failure::Failure;
use std::os::fd::AsFd as _;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use wire::control::{FromRole, Role, ToRole};
use wire::exit;
use wire::link::Link;

/// How long the role may take for each word.
const PATIENCE: Duration = Duration::from_secs(10);

/// A role that only this process speaks with. It ends with this process.
pub struct Alone {
    /// The actors' end of its socket.
    pub link: Link,
    /// Its process id.
    pub pid: u32,
}

/// Starts a role with its first message. Must be called on the main thread.
pub fn start_alone(role: Role, start: &ToRole) -> Result<Alone, Failure> {
    let os = |error| Failure::Os { what: format!("cannot start {role}"), error };
    let (sender, reports) = sync_channel(REPORTS_MAX);
    let child = child::spawn(role, 0, 1, &sender).map_err(os)?;
    let (ours, theirs) = Link::pair().map_err(os)?;
    loop {
        match reports.recv_timeout(PATIENCE) {
            Ok(Report::Said { message: FromRole::Hello { .. }, .. }) => {
                child.tell(start, &[]);
            }
            Ok(Report::Said { message: FromRole::Ready { .. }, .. }) => {
                child.tell(&ToRole::Connect { peer: Role::Actors, instance: 0 }, &[theirs.as_fd()]);
                return Ok(Alone { link: ours, pid: child.pid });
            }
            Ok(Report::Said { message: FromRole::Failed { status, message }, .. }) => {
                return Err(Failure::Role { status, message });
            }
            Ok(Report::Said { .. } | Report::Signal(_)) => {}
            Ok(Report::Garbled { .. } | Report::Ended { .. }) | Err(_) => {
                let message = format!("the process of the {role} did not become ready");
                return Err(Failure::Role { status: exit::SOFTWARE, message });
            }
        }
    }
}
