//! The entries of the roles: what this executable does when the parent has started it again.

use crate::cli::BridgeArgs;
use crate::platform;
use crate::screen;
use wire::control::Role;
use wire::exit;
use wire::link::PAGE_DESCRIPTOR;
use wire::role::RoleHandle;

/// Whether a parent started this process as a role.
pub fn is_role() -> bool {
    std::fs::symlink_metadata(format!("/proc/self/fd/{PAGE_DESCRIPTOR}")).is_ok()
}

/// Serves as a role of a run until the parent ends it; returns the exit status.
pub fn serve(role: Role) -> i32 {
    platform::name_process(role.name());
    let handle = match wire::role::begin(role) {
        Ok(handle) => handle,
        Err(error) => {
            screen::complain(&format!("agent {role}: {error}"));
            return exit::USAGE;
        }
    };
    let entry: fn(RoleHandle) -> i32 = match role {
        Role::EmulatorBridge => emulator_bridge::serve,
        Role::Actors => actors::serve,
        Role::Indexes => indexes::serve,
        Role::Skills => skills::serve,
    };
    entry(handle)
}

/// Serves an emulator without a parent, when a ROM was named; as a role otherwise.
pub fn emulator_bridge(args: BridgeArgs) -> i32 {
    let Some(rom) = args.rom else { return serve(Role::EmulatorBridge) };
    let BridgeArgs { listen, core, token, .. } = args;
    emulator_bridge::standalone(emulator_bridge::Standalone { listen, rom, core, token })
}

/// Checks FAISS in this process, which a defect of it may end.
pub fn test_indexes() -> i32 {
    match indexes::self_test() {
        Ok(version) => {
            screen::print(&format!("FAISS {version}\n"));
            exit::OK
        }
        Err(error) => {
            screen::complain(&format!("agent indexes: {error}"));
            exit::SOFTWARE
        }
    }
}
