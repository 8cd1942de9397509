//! That an export is read as it was written, and that every fault is named with its file.

use super::*;
use crate::export::Export;
use crate::kind::Kind;
use std::fs;
use wire::recall::{Memory, Outcome};

const DIMENSIONS: usize = 4;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn exported(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("pocketpilot-import-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let mut export = Export::create(&folder, DIMENSIONS).expect("the temporary folder can be written");
        for at in 0..3u8 {
            let memory = memory(at);
            export.put(&memory, &vec![at; usize::from(at)], &row(at)).expect("it is written");
        }
        export.finish(Kind::Flat).expect("it is written");
        Folder(folder)
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.0.join(name);
        let mut bytes = fs::read(&path).expect("it is there");
        change(&mut bytes);
        fs::write(path, bytes).expect("it can be written");
    }

    fn error(&self) -> String {
        let error = match Import::open(&self.0) {
            Ok(import) => import.collect::<Result<Vec<_>, _>>().map(|_| ()).expect_err("it is wrong"),
            Err(error) => error,
        };
        let text = error.to_string();
        assert!(text.contains(&self.0.display().to_string()) && !text.contains('\n'), "{text}");
        text
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn memory(at: u8) -> Memory {
    let outcome = Outcome { hp_lost: u16::from(at), hp_lost_share: 0.25, ..Outcome::default() };
    let (layout, action) = (u64::MAX - u64::from(at), "step E".to_string());
    Memory { id: u64::from(at) + 1, span: 8, layout, action, outcome, ..Memory::default() }
}

fn row(at: u8) -> Vec<f32> {
    (0..DIMENSIONS).map(|column| if column == usize::from(at) { 1.0 } else { 0.0 }).collect()
}

#[test]
fn what_was_exported_is_read_again() {
    let folder = Folder::exported("again");
    let import = Import::open(&folder.0).expect("it is an export");
    assert_eq!((import.rows(), import.dimensions()), (3, DIMENSIONS));
    let read: Vec<NewMemory> = import.collect::<Result<_, _>>().expect("it is whole");
    for (at, new) in (0u8..).zip(&read) {
        assert_eq!(*new, NewMemory { memory: memory(at), vector: row(at), detail: vec![at; usize::from(at)] });
    }
    assert_eq!(read.len(), 3);
}

#[test]
fn what_is_wrong_with_an_export_is_named_with_file_and_line() {
    let folder = Folder::exported("line");
    folder.edit("memories.jsonl", |bytes| {
        let end = bytes.iter().position(|byte| *byte == b'\n').expect("it has lines");
        bytes.splice(end + 1..end + 2, *b"x");
    });
    assert!(folder.error().contains("memories.jsonl:2: no memory"), "{}", folder.error());

    let folder = Folder::exported("short");
    folder.edit("vectors.npy", |bytes| bytes.truncate(bytes.len() - 1));
    assert!(folder.error().contains("vectors.npy: it ends within row 3"), "{}", folder.error());

    let folder = Folder::exported("few");
    folder.edit("memories.jsonl", Vec::clear);
    assert!(folder.error().contains("it has 0 memories"), "{}", folder.error());

    let folder = Folder::exported("type");
    folder.edit("vectors.npy", |bytes| *bytes = b"\x93NUMPY\x01\x00\x20\x00{'descr': '<f8', 'fortran_order'".to_vec());
    assert!(folder.error().contains("32-bit floats"), "{}", folder.error());

    let folder = Folder::exported("foreign");
    folder.edit("vectors.npy", |bytes| *bytes = b"PK\x03\x04".to_vec());
    assert!(folder.error().contains("no numpy array"), "{}", folder.error());
}
