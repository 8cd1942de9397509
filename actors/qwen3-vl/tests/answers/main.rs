//! Everything around the network, from outside: folders, pictures, conversations, answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chat;
mod choose;
mod files;
mod folder;
mod pictures;
mod tiny;
