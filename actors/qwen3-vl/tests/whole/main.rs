//! The whole of it, from a folder to answers, on the tiny checkpoints.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod embeddings;
mod measures;
mod refusals;
mod tiny;
