use super::*;
use crate::generation::{Draft, Generation};
use crate::note::Note;
use crate::synthetic::Mixture;
use std::process::{Command, Stdio};
use wire::recall::Space;

const DIMENSIONS: usize = 24;
const COUNT: usize = 700;

/// A folder of a test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("pocketpilot-export-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rows(stream: u64) -> Vec<f32> {
    Mixture::new(DIMENSIONS, 9, 5).rows(COUNT, stream)
}

fn export(folder: &Path, kind: Kind, rows: &[f32]) {
    let mut export = Export::create(folder, DIMENSIONS).expect("an export");
    for (id, row) in (1..).zip(rows.chunks_exact(DIMENSIONS)) {
        let skill = "a \"quoted\"\nname".to_string();
        export.put(&Memory { id, picture: u64::MAX, skill, ..Memory::default() }, &[], row).expect("it is put");
    }
    assert_eq!(export.finish(kind).expect("it is written"), COUNT);
}

#[test]
fn numpy_files_begin_as_their_format_says() {
    let head = head(700, 24);
    assert_eq!((head.len(), head.len() % 64, &head[..10]), (128, 0, &b"\x93NUMPY\x01\x00\x76\x00"[..]));
    let text = std::str::from_utf8(&head[10..]).expect("text");
    assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (700, 24), }");
    assert!(text.ends_with(" \n"));
}

#[test]
fn an_export_holds_each_memory_and_its_vector_in_order() {
    let folder = Folder::new("order");
    let rows = rows(0);
    export(&folder.0, Kind::Flat, &rows);
    let bytes = fs::read(folder.0.join(VECTORS)).expect("a file");
    assert_eq!(bytes[HEAD_BYTES..], *bytemuck::cast_slice::<f32, u8>(&rows));
    let lines = fs::read_to_string(folder.0.join(MEMORIES)).expect("a file");
    for (id, line) in (1..).zip(lines.lines()) {
        let memory: Memory = serde_json::from_str(line).expect("a memory");
        assert_eq!((memory.id, memory.picture), (id, u64::MAX));
    }
    assert_eq!(lines.lines().count(), COUNT);
}

#[test]
fn a_vector_that_does_not_belong_there_is_not_exported() {
    let folder = Folder::new("wrong");
    let mut export = Export::create(&folder.0, DIMENSIONS).expect("an export");
    assert!(export.put(&Memory::default(), &[], &[1.0; 3]).is_err());
    assert!(export.put(&Memory::default(), &[], &[f32::NAN; DIMENSIONS]).is_err());
    assert_eq!(export.finish(Kind::Flat).expect("it is written"), 0);
}

/// Reads everything from the standard input's paths, and prints the nearest positions, or ids, of each query.
const PYTHON: &str = r#"
import sys, faiss, numpy
folder, index, ids, queries = sys.argv[1:5]
index = faiss.read_index(index)
vectors = numpy.load(folder + "/vectors.npy")
queries = numpy.load(queries + "/vectors.npy")
assert vectors.dtype == numpy.float32 and vectors.shape == (index.ntotal, index.d), (vectors.shape, index.ntotal)
assert index.metric_type == faiss.METRIC_L2
if isinstance(index, (faiss.IndexFlat, faiss.IndexHNSWFlat)):
    off = abs(index.reconstruct_n(0, index.ntotal) - vectors).max()
    assert off == 0 if isinstance(index, faiss.IndexFlat) else off < 1e-3, off
distances, positions = index.search(queries, 10)
if ids:
    positions = numpy.fromfile(ids, dtype="<u8")[positions].astype(int) - 1
for row in positions:
    print(*row)
"#;

/// The program that has FAISS for Python; `None` where there is none, which is said.
fn python() -> Option<String> {
    let program = std::env::var("POCKETPILOT_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let import = Command::new(&program).args(["-c", "import faiss, numpy"]).stderr(Stdio::null()).status();
    if import.is_ok_and(|status| status.success()) {
        return Some(program);
    }
    println!(
        "skipped: {program} has no faiss; `pip install faiss-cpu==1.12.0 numpy`, or name another in POCKETPILOT_PYTHON"
    );
    None
}

#[test]
fn python_reads_an_export_and_a_generation_and_finds_the_same() {
    let Some(python) = python() else { return };
    let folder = Folder::new("python");
    let (rows, queries) = (rows(0), rows(1));
    export(&folder.0.join("queries"), Kind::Flat, &queries);
    let space = Space { name: "test1-24-burrow".to_string(), dimensions: DIMENSIONS as u32 };
    let notes: Vec<Note> = (1..=COUNT as u64).map(|id| Note { id, ..Note::default() }).collect();
    for (number, kind) in (1..).zip(Kind::ALL) {
        let target = folder.0.join(kind.name());
        export(&target, kind, &rows);
        let vectors = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
        let last_id = COUNT as u64;
        let draft = Draft { space: &space, span: 1, number, last_id, vectors: &vectors, notes: &notes };
        let generation = Generation::publish(&folder.0.join("01"), &draft).expect("it is published");
        let files = [
            (target.join(INDEX), PathBuf::new()),
            (generation.path().join("vectors.faiss"), generation.path().join("ids")),
        ];
        for (index, ids) in files {
            let asked = folder.0.join("queries");
            let paths = [&target, &index, &ids, &asked];
            let output = Command::new(&python).arg("-c").arg(PYTHON).args(paths).output().expect("it runs");
            assert!(output.status.success(), "{kind:?}: {}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).expect("text");
            let mut same = 0;
            for (query, line) in queries.chunks_exact(DIMENSIONS).zip(text.lines()) {
                let theirs: Vec<u32> = line.split(' ').map(|position| position.parse().expect("a number")).collect();
                let ours: Vec<u32> = vectors.search(query, 10).expect("an answer").iter().map(|it| it.0).collect();
                if kind == Kind::Flat {
                    assert_eq!(ours, theirs);
                }
                same += ours.iter().filter(|position| theirs.contains(position)).count();
            }
            assert_eq!(text.lines().count(), COUNT);
            // Effort is a matter of each program; Python's is what the file says.
            assert!(same * 100 >= COUNT * 10 * 99, "{kind:?}: {same} of {} are the same", COUNT * 10);
        }
    }
}
