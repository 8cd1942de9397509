//! The skills role without a run, so that it can be measured.

use super::child::{self, REPORTS_MAX, Report};
use crate::failure::Failure;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use wire::control::{FromRole, Role, StartSkills, TelemetryTarget, ToRole};
use wire::exit;
use wire::link::Link;

/// How long the role may take for each word.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the role for a folder of skills; gives a pilot's end of its socket. It ends with this process. Must be called on
/// the main thread.
pub fn start_skills(folder: PathBuf) -> Result<Link, Failure> {
    let os = |error| Failure::Os { what: "cannot start skills".to_string(), error };
    let (sender, reports) = sync_channel(REPORTS_MAX);
    let child = child::spawn(Role::Skills, 1, &sender).map_err(os)?;
    let (ours, theirs) = Link::pair().map_err(os)?;
    loop {
        match reports.recv_timeout(PATIENCE) {
            Ok(Report::Said { message: FromRole::Hello { .. }, .. }) => {
                let start = StartSkills { folder: folder.clone(), telemetry: TelemetryTarget::Null };
                child.tell(&ToRole::StartSkills(start), &[]);
            }
            Ok(Report::Said { message: FromRole::Ready { .. }, .. }) => {
                child.tell(&ToRole::Connect { peer: Role::Actors }, &[theirs.as_fd()]);
                return Ok(ours);
            }
            Ok(Report::Said { message: FromRole::Failed { status, message }, .. }) => {
                return Err(Failure::Role { status, message });
            }
            Ok(Report::Said { .. } | Report::Signal(_)) => {}
            Ok(Report::Garbled { .. } | Report::Ended { .. }) | Err(_) => {
                let message = "the skills process did not become ready".to_string();
                return Err(Failure::Role { status: exit::SOFTWARE, message });
            }
        }
    }
}
