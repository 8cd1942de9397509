//! The emulator bridge: one emulator behind one trait, served over a WebSocket and a shared-memory frame ring.
//!
//! Two threads do the work. The emulator has one of its own, which carries out requests in the order of their arrival
//! and never waits for a client ([`server`] owns the other, which does all input and output). Each frame that is run is
//! in the ring before anybody is told of it.
//!
//! `unsafe` appears only in `libretro::ffi`. Absent: an interpretation of what memory means, and any choice of keys.

mod backend;
mod choose;
mod clock;
pub mod conformance;
mod libretro;
mod machine;
mod mgba_http;
mod mgba_lua;
mod outbox;
mod private_folder;
mod publish;
mod role;
mod rom;
mod schedule;
mod screenshot;
pub mod server;
mod standalone;
mod state;

pub use backend::{Awaited, BackendBus, BackendError, Connection, EmulatorBackend, Holding, Introduction, packed_rows};
pub use choose::{Chosen, choose};
pub use libretro::open_backend;
pub use mgba_http::{open as open_mgba_http, open_within as open_mgba_http_within};
pub use mgba_lua::open as open_mgba_lua;
pub use publish::{Publisher, run_bare, run_published};
pub use role::serve;
pub use standalone::{Standalone, standalone};
