//! A store in a folder of its own.

use super::reads::SiloKey;
use super::writes::{Change, Changed, Settled};
use super::*;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use wire::recall::{KeyMoments, Memory, NewMemory, Outcome, Space};

/// A folder that is removed at the end.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pocketpilot-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("it is made");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn space() -> Space {
    Space { name: "state1-2-burrow".to_string(), dimensions: 2 }
}

fn add(span: u32, picture: u64) -> Change {
    let outcome = Outcome { steps: 32, floors: 1, is_lost: true, hp_lost: 300, hp_lost_share: 1.5, foes: 2, items: 3 };
    let memory = Memory {
        id: 0,
        span,
        trajectory: u64::MAX,
        step: 7,
        frame: 8,
        time_s: 9,
        dungeon: 10,
        floor: 11,
        layout: u64::MAX - 1,
        picture,
        foe: 12,
        keys: KeyMoments::FLOOR,
        skill: "flee".to_string(),
        action: "step west".to_string(),
        outcome,
    };
    Change::Add { memory, vector: vec![0.6, 0.8], detail: vec![1, 2, 3], seen: 1 }
}

#[test]
fn a_memory_comes_back_as_it_was_kept_from_another_process() {
    let folder = Folder::new("store");
    let path = folder.0.join(STORE_FILE);
    let store = Store::open(&path, true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    let changed = store.apply(number, &[add(4, 1 << 63), add(4, 5)]).expect("they are kept");
    let Changed::Added { id, skill, action } = changed[0] else { panic!("{changed:?}") };
    drop(store);

    let store = Store::open(&path, false).expect("it opens for reading");
    assert!(matches!(store.apply(number, &[]), Err(StoreError::ReadOnly)));
    let silo = SiloKey { space: store.space_number(&space()).expect("it reads").expect("it is known"), span: 4 };
    let page = store.page(silo, 2, 0, u64::MAX).expect("it reads");
    assert_eq!((page.records.len(), page.rows.as_slice()), (2, [0.6, 0.8, 0.6, 0.8].as_slice()));
    let names: std::collections::HashMap<_, _> = store.names(0).expect("they read").into_iter().collect();
    let record = &page.records[0];
    let memory = Memory { skill: names[&skill].clone(), action: names[&action].clone(), ..record.memory.clone() };
    let Change::Add { memory: kept, .. } = add(4, 1 << 63) else { panic!("it is added") };
    assert_eq!((memory, record.seen), (Memory { id, ..kept }, 1));
    assert_eq!(store.detail(id).expect("it reads"), Some(vec![1, 2, 3]));
    assert_eq!(store.detail(77).expect("it reads"), None);
    assert_eq!(store.arrival(silo, u64::MAX - 1).expect("it reads").map(|record| record.memory.picture), Some(5));
    assert_eq!((store.count(silo, id).expect("it reads"), store.last_id(silo).expect("it reads")), (1, id + 1));
}

#[test]
fn a_forgotten_memory_leaves_a_tombstone_and_its_id_is_never_given_again() {
    let folder = Folder::new("forget");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    let silo = SiloKey { space: number, span: 1 };
    store.apply(number, &[add(1, 1), add(1, 2)]).expect("they are kept");
    store.forget(silo, &[2]).expect("it is forgotten");
    assert_eq!(store.tombstones(silo).expect("they read"), [2]);
    assert_eq!(store.detail(2).expect("it reads"), None);
    let changed = store.apply(number, &[add(1, 3)]).expect("it is kept");
    assert!(matches!(changed[..], [Changed::Added { id: 3, .. }]), "{changed:?}");
    store.settle(silo, &Settled { generation: 1, stamp: 0, tombs: &[2] }).expect("it is settled");
    assert!(store.tombstones(silo).expect("they read").is_empty());
}

#[test]
fn a_merged_memory_is_counted_and_stays_revised_until_a_generation_knows_it() {
    let folder = Folder::new("merge");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    let silo = SiloKey { space: number, span: 1 };
    store.apply(number, &[add(1, 1)]).expect("it is kept");
    let merge = |id| Change::Merge { id, seen: 3, time_s: 50, outcome: Outcome::default(), detail: vec![9] };
    let changed = store.apply(number, &[merge(1), merge(99), merge(1)]).expect("it is merged");
    assert_eq!(changed, [Changed::Merged { stamp: 1 }, Changed::Gone, Changed::Merged { stamp: 2 }]);
    let revised = store.revised(silo).expect("they read");
    assert_eq!((revised.len(), revised[0].0, revised[0].1.seen, revised[0].1.memory.time_s), (1, 2, 3, 50));
    assert_eq!(store.detail(1).expect("it reads"), Some(vec![9]));
    store.settle(silo, &Settled { generation: 1, stamp: 1, tombs: &[] }).expect("it is settled");
    assert_eq!(store.revised(silo).expect("they read").len(), 1);
    store.settle(silo, &Settled { generation: 2, stamp: 2, tombs: &[] }).expect("it is settled");
    assert_eq!(store.revised(silo).expect("they read").len(), 0);
    assert_eq!(store.settled(silo).expect("it reads"), Some(2));
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let folder = Folder::new("whole");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    assert!(store.apply(number + 1, &[add(1, 1)]).is_err());
    assert_eq!(store.count(SiloKey { space: number + 1, span: 1 }, 0).expect("it reads"), 0);
    assert!(store.names(0).expect("they read").is_empty());
}

#[test]
fn a_file_that_is_no_store_is_refused_and_stays_as_it_is() {
    let folder = Folder::new("no-store");
    let path = folder.0.join(STORE_FILE);
    fs::write(&path, "this is no database, but some text that is long enough to be taken for one".repeat(99))
        .expect("written");
    let before = fs::read(&path).expect("it reads");
    for is_writable in [true, false] {
        let message = Store::open(&path, is_writable).expect_err("it is refused").to_string();
        assert!(message.contains("file is not a database; move it away"), "{message}");
    }
    assert_eq!(fs::read(&path).expect("it reads"), before);
}

#[test]
fn a_store_of_a_later_version_is_refused() {
    let folder = Folder::new("later");
    let path = folder.0.join(STORE_FILE);
    drop(Store::open(&path, true).expect("it opens"));
    Connection::open(&path).expect("it opens").pragma_update(None, "user_version", 99).expect("it is set");
    for is_writable in [true, false] {
        assert!(matches!(Store::open(&path, is_writable), Err(StoreError::OtherLayout { found: 99, .. })));
    }
}

#[test]
fn a_space_keeps_its_dimensions() {
    let folder = Folder::new("dimensions");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    assert_eq!(store.enter_space(&space()).expect("it is known"), number);
    let other = Space { dimensions: 3, ..space() };
    assert!(matches!(store.enter_space(&other), Err(StoreError::OtherDimensions { known: 2, given: 3, .. })));
    assert_eq!(store.spaces().expect("they read"), [(number, space())]);
}

#[test]
fn a_store_that_is_not_there_reads_as_empty() {
    let folder = Folder::new("absent");
    let store = Store::open(&folder.0.join(STORE_FILE), false).expect("it opens");
    assert_eq!((store.spaces().expect("they read").len(), store.is_writable()), (0, false));
    assert_eq!(fs::read_dir(&folder.0).expect("it reads").count(), 0);
}

#[test]
fn what_is_imported_twice_is_kept_once() {
    let folder = Folder::new("import");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    let new = |step| {
        let Change::Add { memory, vector, detail, .. } = add(2, 0) else { panic!("it is added") };
        NewMemory { memory: Memory { step, ..memory }, vector, detail }
    };
    assert_eq!(store.import(number, &[new(1), new(2), new(1)]).expect("they are kept"), 2);
    assert_eq!(store.import(number, &[new(2), new(3)]).expect("they are kept"), 1);
    let silo = SiloKey { space: number, span: 2 };
    assert_eq!(store.count(silo, 0).expect("it reads"), 3);
    let (record, vector) = store.whole(2, 2).expect("it reads").expect("it is there");
    assert_eq!((record.memory.step, vector), (2, vec![0.6, 0.8]));
}

#[test]
fn a_vector_that_is_damaged_is_left_out() {
    let folder = Folder::new("damaged");
    let path = folder.0.join(STORE_FILE);
    let store = Store::open(&path, true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    store.apply(number, &[add(1, 1), add(1, 2), add(1, 3), add(1, 4)]).expect("they are kept");
    let nan = rows::to_bytes(&[f32::NAN, 1.0]);
    let other = Connection::open(&path).expect("it opens");
    let bytes: [(u32, &[u8]); 3] = [(1, &[1, 2, 3]), (2, &nan), (3, &[0; 8])];
    for (id, bytes) in bytes {
        other.execute("UPDATE vectors SET vector = ?2 WHERE memory = ?1", (id, bytes)).expect("it is damaged");
    }
    let page = store.page(SiloKey { space: number, span: 1 }, 2, 0, u64::MAX).expect("it reads");
    assert_eq!((page.records.len(), page.last_id, page.rows.len()), (1, Some(4), 2));
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_loses_nothing() {
    let folder = Folder::new("full");
    let store = Store::open(&folder.0.join(STORE_FILE), true).expect("it opens");
    let number = store.enter_space(&space()).expect("it is entered");
    store.apply(number, &[add(1, 1)]).expect("it is kept");
    let limit = |pages: u32| {
        let writer = store.writer().expect("it writes");
        writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("it is limited");
    };
    limit(1);
    let much: Vec<Change> = (0..2_000).map(|picture| add(1, picture)).collect();
    let message = store.apply(number, &much).expect_err("it does not fit").to_string();
    assert_eq!(message, "experience store: database or disk is full");
    let silo = SiloKey { space: number, span: 1 };
    assert_eq!(store.count(silo, 0).expect("it reads"), 1);
    limit(1 << 20);
    store.apply(number, &much).expect("there is room again");
    assert_eq!((store.count(silo, 0).expect("it reads"), store.check().expect("it reads").len()), (2_001, 0));
}
