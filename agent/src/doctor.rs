//! `agent doctor`: what a run needs, what of it is there, and how to get what is missing.

use crate::cli::DoctorArgs;
use crate::failure::Failure;

/// Examines this machine; returns the exit status.
pub fn examine(_args: &DoctorArgs) -> Result<i32, Failure> {
    Err(Failure::Unavailable("not written yet".to_string()))
}
