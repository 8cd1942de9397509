//! From a memory snapshot to an [`Observation`].
//!
//! Invariants: a snapshot that contradicts the layout anywhere is refused with the name of the failed check; nothing is
//! ever reported from it, and no content of memory makes the decoder panic. A refused snapshot leaves the observation
//! as it was. Once its buffers have grown, decoding allocates nothing. By default only what a player could see is
//! reported. Absent: pixels, and names of species or items.

use crate::profile::{Field, Figure, Layout, Profile, Role};
use wire::memory::Bus;
use wire::observation::Observation;
use wire::ring::Snapshot;

mod check;
mod examination;
pub mod largest_floor;
mod layout;
mod pmd_red;
pub mod question;
mod screen;
mod sight;
mod text;

pub use examination::{Check, Outcome};

/// Turns snapshots of one game into observations.
#[derive(Clone, Debug)]
pub struct Decoder {
    layout: Option<Layout>,
    fields: Vec<Field>,
    is_fair: bool,
}

/// Why a snapshot is not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The snapshot does not hold memory that the profile needs.
    #[error("{what} at {address:#010x} is not in the snapshot; does the profile subscribe to it?")]
    Unmapped {
        /// What lies there.
        what: &'static str,
        /// Its address.
        address: u32,
    },
    /// The memory is not what the layout says.
    #[error("check `{check}` failed at {address:#010x}: expected {expected}, found {found:#x}")]
    Invalid {
        /// Name of the check.
        check: &'static str,
        /// Address of the value.
        address: u32,
        /// What the value should be.
        expected: Expected,
        /// What it is.
        found: i64,
    },
    /// A declared field is beyond its range.
    #[error("field {index} failed at {address:#010x}: expected {expected}, found {found:#x}")]
    Field {
        /// Index of the field in the profile.
        index: usize,
        /// Address that the profile gives.
        address: u32,
        /// Its range.
        expected: Expected,
        /// What it is.
        found: i64,
    },
}

/// What a checked value should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This number.
    Exactly(i64),
    /// A number from the first to the second.
    Between(i64, i64),
    /// Either number.
    Either(i64, i64),
    /// What the text says.
    That(&'static str),
}

impl DecodeError {
    /// The name of the failed check, for telemetry.
    pub fn check(&self) -> &'static str {
        match self {
            DecodeError::Unmapped { .. } => "memory is in the snapshot",
            DecodeError::Invalid { check, .. } => check,
            DecodeError::Field { .. } => "declared field is within its range",
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expected::Exactly(value) => write!(formatter, "{value:#x}"),
            Expected::Between(low, high) => write!(formatter, "{low:#x} to {high:#x}"),
            Expected::Either(one, other) => write!(formatter, "{one:#x} or {other:#x}"),
            Expected::That(text) => formatter.write_str(text),
        }
    }
}

impl Decoder {
    /// A decoder for the game of a profile. With `is_fair` it reports only what a player could see.
    pub fn new(profile: &Profile, is_fair: bool) -> Decoder {
        Decoder { layout: profile.decoder, fields: profile.fields.clone(), is_fair }
    }

    /// Decodes a snapshot into an observation whose buffers are used again.
    ///
    /// # Errors
    /// When the snapshot contradicts the layout or a declared range; `into` is then unchanged.
    pub fn decode(&mut self, snapshot: &Snapshot, into: &mut Observation) -> Result<(), DecodeError> {
        for (index, field) in self.fields.iter().enumerate() {
            check_field(index, field, snapshot)?;
        }
        match self.layout {
            Some(Layout::PmdRed) => pmd_red::decode(snapshot, self.is_fair, into)?,
            None => {}
        }
        into.frame = snapshot.stamp.frame;
        into.turns = 0;
        into.fields.clear();
        for field in &self.fields {
            let value = field.read(snapshot).unwrap_or(0);
            into.fields.push(value);
            match field.role {
                Some(Role::Turns) => into.turns = value.max(0) as u64,
                Some(Role::Figure(figure)) => set_figure(figure, value, into),
                Some(Role::Episode(_)) | None => {}
            }
        }
        Ok(())
    }
}

/// A figure means something only while there is a leader.
fn set_figure(figure: Figure, value: i64, into: &mut Observation) {
    let value = i32::try_from(value).unwrap_or(i32::MAX);
    let Some(leader) = into.leader.and_then(|index| into.monsters.get_mut(index)) else { return };
    let hp = leader.hp.get_or_insert_default();
    match figure {
        Figure::Hp => hp.value = value,
        Figure::HpMax => hp.max = value,
        Figure::Level => leader.level = u8::try_from(value).unwrap_or(u8::MAX),
        Figure::Belly => into.belly.value = value,
        Figure::Money => into.money = value,
    }
}

/// A null pointer on the way to a field is no error: what it would point to does not exist now.
fn check_field(index: usize, field: &Field, snapshot: &Snapshot) -> Result<(), DecodeError> {
    let Some(value) = field.read(snapshot) else {
        let bytes = if field.offset.is_some() { 4 } else { field.format.bytes() };
        let is_mapped = snapshot.read(field.address, &mut [0; 8][..bytes]);
        return if field.offset.is_some() && is_mapped {
            Ok(())
        } else {
            Err(DecodeError::Unmapped { what: "a declared field", address: field.address })
        };
    };
    match field.range {
        Some((low, high)) if !(low..=high).contains(&value) => Err(DecodeError::Field {
            index,
            address: field.address,
            expected: Expected::Between(low, high),
            found: value,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
