//! From a script's text to what the machine runs: Luau compiles it, and its use of the API is checked.

use crate::skill::{Mistake, Script};
use crate::source::mistake;
use mlua::chunk::Compiler;
use std::path::Path;

mod calls;
mod check;
mod lexer;

/// The longest script, in bytes.
pub const SOURCE_BYTES_MAX: usize = 256 << 10;

/// Compiles a script and checks its use of the API.
///
/// # Errors
/// The first mistake, with its line.
pub fn compile(path: &Path, source: &str) -> Result<Script, Mistake> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the script is {} bytes long, and {SOURCE_BYTES_MAX} are allowed", source.len());
        return Err(mistake(path, message));
    }
    let bytecode = compiler().compile(source).map_err(|error| syntax(path, &error.to_string()))?;
    check::check(path, source)?;
    Ok(Script { path: path.to_path_buf(), source: source.to_string(), bytecode })
}

/// Line numbers and names stay in what it makes, for messages. `memory` is looked up each time: it is another table in
/// each run; and `tostring` is not Luau's own.
pub(crate) fn compiler() -> Compiler {
    Compiler::new()
        .set_optimization_level(1)
        .set_debug_level(1)
        .add_mutable_global("memory")
        .add_disabled_builtin("tostring")
}

/// Luau says `syntax error: :3: message`, or `3: message` after it.
fn syntax(path: &Path, text: &str) -> Mistake {
    let text = text.strip_prefix("syntax error: ").unwrap_or(text).trim_start_matches(':');
    match text.split_once(':').map(|(line, message)| (line.trim().parse().ok(), message)) {
        Some((line @ Some(_), message)) => Mistake { line, ..mistake(path, message.trim_start()) },
        _ => mistake(path, text),
    }
}
