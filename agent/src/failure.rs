//! Why the program ends without having done what was asked: an exit status and one line for a person.

use crate::config::ConfigError;
use emulator_bridge::BackendError;
use std::io;
use std::path::PathBuf;
use wire::exit;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The configuration and the command line together are wrong.
    #[error("{0}")]
    Settings(String),
    /// Two options contradict each other or a needed one is missing.
    #[error("{0}; see `agent --help`")]
    Usage(String),
    /// A file that was named is not there or cannot be read.
    #[error("{}: {error}; {remedy}", path.display())]
    NoInput {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A file of the run cannot be written.
    #[error("{}: {error}; {remedy}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A run's folder cannot be used.
    #[error("{}: {message}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not and what to do.
        message: &'static str,
    },
    /// The log cannot be written.
    #[error("telemetry: cannot write {}: {}; {}", path.display(), reason(error), remedy(error, run_dir))]
    Telemetry {
        /// The log.
        path: PathBuf,
        /// The run's folder.
        run_dir: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The operating system refused something.
    #[error("{what}: {error}")]
    Os {
        /// What was tried.
        what: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// The emulator cannot be had or looked at.
    #[error("{0}")]
    Emulator(#[from] BackendError),
    /// A skill is not there, cannot be used or is in the way.
    #[error("{0}")]
    Skill(String),
    /// A role ended the run.
    #[error("{message}")]
    Role {
        /// Its exit status.
        status: i32,
        /// What is wrong and what to do.
        message: String,
    },
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> i32 {
        match self {
            Failure::Config(_) | Failure::Settings(_) => exit::CONFIG,
            Failure::Usage(_) => exit::USAGE,
            Failure::NoInput { .. } | Failure::Skill(_) => exit::NO_INPUT,
            Failure::Unwritable { .. } | Failure::Telemetry { .. } => exit::IO,
            Failure::Folder { .. } => exit::USAGE,
            Failure::Os { .. } => exit::OS,
            Failure::Emulator(error) => error.exit_status(),
            Failure::Role { status, .. } => *status,
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "no space left on device".to_string(),
        _ => error.to_string(),
    }
}

fn remedy(error: &io::Error, run_dir: &std::path::Path) -> String {
    let first = match error.kind() {
        io::ErrorKind::StorageFull => "free space",
        _ => "make it writable",
    };
    format!("{first} and continue with: agent run --resume {}", run_dir.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_how_to_go_on() {
        let failure = Failure::Telemetry {
            path: PathBuf::from("runs/x/telemetry.jsonl"),
            run_dir: PathBuf::from("runs/x"),
            error: io::Error::from(io::ErrorKind::StorageFull),
        };
        assert_eq!(failure.status(), 74);
        assert_eq!(
            failure.to_string(),
            "telemetry: cannot write runs/x/telemetry.jsonl: no space left on device; free space and continue with: \
             agent run --resume runs/x"
        );
    }
}
