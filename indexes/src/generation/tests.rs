use super::manifest::Sum;
use super::*;
use crate::synthetic::Mixture;
use std::fs;
use wire::random::SplitMix64;
use xxhash_rust::xxh3::xxh3_64;

mod corruption;

const DIMENSIONS: usize = 16;
const COUNT: usize = 640;
const SPAN: u32 = 4;

fn space() -> Space {
    Space { name: "test1-16-burrow".to_string(), dimensions: DIMENSIONS as u32 }
}

/// A folder of a test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("pocketpilot-generation-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn silo(&self) -> PathBuf {
        self.0.join("04")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn notes(ids: impl Iterator<Item = u64>) -> Vec<Note> {
    ids.map(|id| Note { id, step: id * 2, span: SPAN as u8, ..Note::default() }).collect()
}

/// Publishes generation `number` of a kind, with memories 1 to `count`.
fn publish(silo: &Path, number: u64, kind: Kind, count: usize) -> Generation {
    let rows = Mixture::new(DIMENSIONS, 9, 3).rows(count, number);
    let vectors = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
    let (space, notes) = (space(), notes(1..=count as u64));
    let last_id = count as u64;
    let draft = Draft { space: &space, span: SPAN, number, last_id, vectors: &vectors, notes: &notes };
    Generation::publish(silo, &draft).expect("it is published")
}

fn open(silo: &Path) -> Result<Option<Generation>, GenerationError> {
    Generation::open_current(silo, &space(), SPAN, Access::Mapped)
}

fn names(silo: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(silo).expect("a folder").map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_published_generation_is_opened_whole() {
    let folder = Folder::new("whole");
    for (number, kind) in (1..).zip(Kind::ALL) {
        let published = publish(&folder.silo(), number, kind, COUNT);
        let verified = Generation::verify(&folder.silo(), &space(), SPAN).expect("it is whole").expect("it is there");
        for access in [Access::Mapped, Access::Loaded] {
            let opened = Generation::open_current(&folder.silo(), &space(), SPAN, access);
            let opened = opened.expect("it is whole").expect("it is there");
            assert_eq!((opened.number(), opened.kind(), opened.len()), (number, kind, COUNT));
            assert_eq!(opened.last_id(), COUNT as u64);
            assert_eq!(opened.notes(), published.notes());
            assert_eq!(opened.position(17), Some(16));
            assert_eq!(opened.position(COUNT as u64 + 1), None);
            assert_eq!(opened.path(), published.path());
            assert_eq!(verified.count, COUNT as u64);
            let files: u64 =
                [VECTORS, IDS, NOTES].map(|name| opened.path().join(name).metadata().unwrap().len()).iter().sum();
            assert_eq!(opened.bytes(), files);
        }
    }
}

#[test]
fn an_opened_index_is_mapped_and_in_memory_before_it_is_asked() {
    let folder = Folder::new("warm");
    for (number, kind) in [(1, Kind::Flat), (2, Kind::Hnsw)] {
        publish(&folder.silo(), number, kind, 4_000);
        let opened = open(&folder.silo()).expect("it is whole").expect("it is there");
        let path = opened.path().join(VECTORS).canonicalize().expect("a path");
        let maps = fs::read_to_string("/proc/self/smaps").expect("maps");
        let map = maps.split_once(path.to_str().unwrap()).expect("it is mapped").1;
        let size = |name: &str| {
            let line = map.lines().find(|line| line.starts_with(name)).expect("a line");
            line.split_ascii_whitespace().nth(1).and_then(|it| it.parse::<u64>().ok()).expect("a number")
        };
        assert_eq!(size("Rss:"), size("Size:"), "{kind:?}");
    }
}

#[test]
fn ids_are_a_plain_file_of_little_endian_numbers() {
    let folder = Folder::new("ids");
    let generation = publish(&folder.silo(), 1, Kind::Flat, 3);
    let bytes = fs::read(generation.path().join(IDS)).expect("a file");
    assert_eq!(bytes, [1u64, 2, 3].map(u64::to_le_bytes).concat());
}

#[test]
fn a_generation_without_memories_is_one() {
    let folder = Folder::new("empty");
    publish(&folder.silo(), 1, Kind::Flat, 0);
    let opened = open(&folder.silo()).expect("it is whole").expect("it is there");
    assert!(opened.is_empty() && opened.notes().is_empty());
}

#[test]
fn a_silo_that_was_never_published_has_no_generation() {
    let folder = Folder::new("none");
    assert!(open(&folder.silo()).expect("nothing is damaged").is_none());
    assert_eq!(next_number(&folder.silo()).expect("a number"), 1);
    assert!(sweep(&folder.silo(), 1).is_ok());
    let best = Generation::open_best(&folder.silo(), &space(), SPAN, Access::Mapped, true).expect("it opens");
    assert!(best.generation.is_none() && best.refused.is_empty());
}

#[test]
fn a_draft_that_makes_no_sense_is_not_published() {
    let folder = Folder::new("draft");
    let vectors = Vectors::build(Kind::Flat, DIMENSIONS, &[1.0; 2 * DIMENSIONS]).expect("an index");
    let (space, narrow) = (space(), Space { dimensions: 8, ..space() });
    let (two, three, falling) = (notes(1..=2), notes(1..=3), notes([2, 1].into_iter()));
    let draft = Draft { space: &space, span: SPAN, number: 1, last_id: 2, vectors: &vectors, notes: &two };
    for wrong in [
        Draft { notes: &three, ..draft },
        Draft { notes: &falling, ..draft },
        Draft { space: &narrow, ..draft },
        Draft { last_id: 1, ..draft },
    ] {
        assert!(matches!(Generation::publish(&folder.silo(), &wrong), Err(GenerationError::Draft(_))));
    }
    Generation::publish(&folder.silo(), &draft).expect("it is published");
    assert!(matches!(Generation::publish(&folder.silo(), &draft), Err(GenerationError::Draft(_))));
}

#[test]
fn a_later_generation_takes_the_place_of_an_earlier_one_that_is_in_use() {
    let folder = Folder::new("later");
    let first = publish(&folder.silo(), 1, Kind::Hnsw, COUNT);
    for number in 2..=4 {
        publish(&folder.silo(), number, Kind::Flat, COUNT + 1);
        sweep(&folder.silo(), number).expect("it is swept");
    }
    assert_eq!(names(&folder.silo()), ["00000003", "00000004", "CURRENT"]);
    let query = first.vectors().row(5).expect("a row");
    assert_eq!(first.vectors().search(&query, 1).expect("an answer")[0].0, 5);
    assert_eq!(first.notes()[5].id, 6);
    assert_eq!(open(&folder.silo()).expect("it is whole").map(|it| it.number()), Some(4));
    assert_eq!(next_number(&folder.silo()).expect("a number"), 5);
}

#[test]
fn what_an_interrupted_writer_left_is_swept_and_its_number_not_used_again() {
    let folder = Folder::new("sweep");
    publish(&folder.silo(), 1, Kind::Flat, COUNT);
    publish(&folder.silo(), 2, Kind::Flat, COUNT);
    let current = fs::read(folder.silo().join(CURRENT)).expect("a file");
    // It was killed between the folder's rename and that of CURRENT.
    publish(&folder.silo(), 3, Kind::Flat, COUNT);
    fs::write(folder.silo().join(CURRENT), current).expect("a file");
    for name in [".tmp-00000004", "00000001.refused", "00000002.refused"] {
        fs::create_dir(folder.silo().join(name)).expect("a folder");
    }
    fs::write(folder.silo().join("CURRENT.tmp"), "0000").expect("a file");
    fs::write(folder.silo().join("somebody's.txt"), "theirs").expect("a file");
    assert_eq!(next_number(&folder.silo()).expect("a number"), 4);
    assert_eq!(open(&folder.silo()).expect("it is whole").map(|it| it.number()), Some(2));
    sweep(&folder.silo(), 2).expect("it is swept");
    assert_eq!(names(&folder.silo()), ["00000001", "00000002", "00000002.refused", "CURRENT", "somebody's.txt"]);
    // A writer that was killed while it wrote begins anew.
    fs::create_dir(folder.silo().join(".tmp-00000003")).expect("a folder");
    assert_eq!(publish(&folder.silo(), 3, Kind::Flat, COUNT).number(), 3);
}

#[test]
fn a_damaged_generation_is_set_aside_and_the_one_before_used() {
    let folder = Folder::new("best");
    publish(&folder.silo(), 1, Kind::Flat, COUNT);
    let second = publish(&folder.silo(), 2, Kind::Flat, COUNT + 1).path().to_path_buf();
    fs::write(second.join(IDS), "garbage").expect("a file");
    let best = |is_writer| {
        let best = Generation::open_best(&folder.silo(), &space(), SPAN, Access::Mapped, is_writer);
        let best = best.expect("it opens");
        (best.generation.map(|it| it.number()), best.refused.len())
    };
    assert_eq!(best(false), (Some(1), 1));
    assert_eq!(names(&folder.silo()), ["00000001", "00000002", "CURRENT"]);
    assert_eq!(best(true), (Some(1), 1));
    assert_eq!(names(&folder.silo()), ["00000001", "00000002.refused", "CURRENT"]);
    fs::write(folder.silo().join(CURRENT), "nonsense").expect("a file");
    assert_eq!(best(true), (Some(1), 1));
    assert_eq!(names(&folder.silo()), ["00000001", "00000002.refused", "CURRENT.refused"]);
    assert_eq!(best(true), (Some(1), 0));
    fs::remove_file(folder.silo().join("00000001").join(MANIFEST)).expect("it is removed");
    assert_eq!(best(true), (None, 1));
    assert_eq!(next_number(&folder.silo()).expect("a number"), 3);
    publish(&folder.silo(), 3, Kind::Flat, COUNT);
    assert_eq!(best(true), (Some(3), 0));
}

#[test]
fn a_folder_is_named_by_space_and_span() {
    let folder =
        |name: &str, span| silo_folder(Path::new("/data"), &Space { name: name.to_string(), dimensions: 8 }, span);
    assert_eq!(folder("state1-8-burrow", 2), Some(PathBuf::from("/data/state1-8-burrow/02")));
    assert_eq!(folder("state1-8-burrow", 64), Some(PathBuf::from("/data/state1-8-burrow/64")));
    for (name, span) in [("a", 3), ("", 1), ("..", 1), ("a/b", 1), (".a", 1), ("a\0", 1), (&*"a".repeat(121), 1)] {
        assert_eq!(folder(name, span), None, "{name}");
    }
}

#[test]
fn a_reader_always_finds_a_whole_generation_while_a_writer_publishes_and_sweeps() {
    let folder = Folder::new("racing");
    publish(&folder.silo(), 1, Kind::Flat, COUNT);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 2..30 {
                publish(&folder.silo(), number, Kind::Flat, COUNT);
                sweep(&folder.silo(), number).expect("it is swept");
            }
        });
        while !writing.is_finished() {
            let best = Generation::open_best(&folder.silo(), &space(), SPAN, Access::Mapped, false);
            let best = best.expect("it opens");
            assert!(best.generation.is_some_and(|generation| generation.len() == COUNT), "{:?}", best.refused);
        }
    });
}
