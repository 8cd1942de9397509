//! Everything that crosses a process boundary: messages, their codec, the shared-memory frame ring, the progress
//! page, the telemetry events and the log they are written to; and what several processes must understand alike of an
//! observation: ways, items, gestures, triggers.
//!
//! Invariants: no actor, no async runtime and no C library is used here, so that every process can link it and the
//! parent stays small. `unsafe` appears only in [`ring`] and [`page`], where memory is shared, and in [`role`], where
//! inherited descriptors are taken over.

pub mod blob;
pub mod buttons;
pub mod codec;
pub mod control;
pub mod decision;
pub mod emulator;
pub mod event;
pub mod exit;
pub mod eyes;
pub mod hash;
pub mod items;
mod json;
pub mod keys;
pub mod link;
pub mod log;
pub mod memory;
pub mod observation;
pub mod page;
pub mod random;
pub mod recall;
pub mod ring;
pub mod role;
pub mod router;
pub mod skill;
pub mod ways;

/// The version of every message in this crate. Two processes that differ in it refuse each other at the handshake.
pub const WIRE_VERSION: u32 = 6;

/// Which of the games of one run a message belongs to, counted from 0.
pub type Instance = u16;

/// Counts the lives of one emulator: it grows by one whenever the process behind it is started anew, so that nothing
/// meant for an earlier life is applied to a later one.
pub type Epoch = u32;

/// Counts the agent's steps of one run, from 1.
pub type Step = u64;
