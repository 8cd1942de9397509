//! The actors: one game is played by a pilot and the actors it asks: emulator_io, capture, ram, recall, router,
//! skills, telemetry. They live in one process, on one thread, and talk through bounded ports ([`port`]).
//!
//! Frames and memory never travel in a message; shared pointers to them do. Nothing here blocks for longer than half
//! a millisecond: files are written on other threads, and C libraries live in other processes.

pub mod brain;
pub mod capture;
pub mod checkpoint;
pub mod decode;
pub mod embed;
pub mod emulator_io;
pub mod eyes;
pub mod hot_paths;
mod http;
mod peer;
pub mod pilot;
pub mod port;
pub mod profile;
pub mod quantiles;
pub mod ram;
pub mod recall;
pub mod router;
pub mod skills;
pub mod telemetry;

mod serve;

pub use serve::serve;
