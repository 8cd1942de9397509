//! Qwen3-VL, a vision-language model, in this process: Hugging Face folders in, answers about pictures out.

pub mod chat;
pub mod choose;
pub mod files;
pub mod memory;
pub mod picture;
