//! What the process that runs scripts gives up before it runs the first: every privilege, every file but those of skills,
//! the network, other processes. Scripts have none of that anyway; this holds even against a fault of the sandbox.
//!
//! Linux has all of it. Elsewhere, and on kernels that lack a part, the lines that come back say so.

use std::path::Path;

#[cfg(target_os = "linux")]
mod linux;

/// Gives up what running skills from this folder does not need, for good; says for a person what is in force and what is not.
/// To be called before other threads are started, which then are bound as well.
pub fn confine(folder: &Path) -> Vec<String> {
    #[cfg(target_os = "linux")]
    return linux::confine(folder);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        vec!["this system offers no confinement that is supported; scripts are held by their sandbox alone".to_string()]
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
