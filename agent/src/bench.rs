//! `agent bench`: what the parts of a step cost on this machine.

use crate::cli::BenchArgs;
use crate::failure::Failure;

/// Measures; returns the exit status.
pub fn measure(args: &BenchArgs) -> Result<i32, Failure> {
    Err(Failure::Unavailable(format!("bench {}: not written yet", args.what.name())))
}
