//! Makes the core skills a part of the executable: a list of their files, each with its text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files of a skill that it is loaded from.
const FILES: [&str; 3] = ["skill.toml", "main.luau", "SKILL.md"];

fn main() -> io::Result<()> {
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let core = home.join("core");
    println!("cargo::rerun-if-changed={}", core.display());
    let mut list = String::from("/// Every file of every core skill.\nconst FILES: &[File] = &[\n");
    for skill in skills_in(&core)? {
        for file in FILES.iter().filter(|file| core.join(&skill).join(file).is_file()) {
            let path = core.join(&skill).join(file);
            let _ = writeln!(list, "    ({skill:?}, {file:?}, include_str!({:?})),", path.display().to_string());
        }
    }
    list.push_str("];\n");
    fs::write(out.join("core.rs"), list)
}

fn skills_in(core: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(core)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
