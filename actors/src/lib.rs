//! Placeholder until its first module.

pub mod decode;
pub mod profile;
