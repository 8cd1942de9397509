//! An archive in a folder of its own, without a keeper's thread: its work is done when it is asked for.

use super::*;
use crate::pool::Searchers;
use crate::store::tests::Folder;
use crate::synthetic::normal;
use std::fs;
use wire::random::SplitMix64;
use wire::recall::{KeyMoments, Outcome, Probe, SPANS, Search};

pub(crate) const DIMENSIONS: usize = 16;

pub(crate) fn space() -> Space {
    Space { name: "state1-16-burrow".to_string(), dimensions: DIMENSIONS as u32 }
}

pub(crate) fn options() -> ArchiveOptions {
    ArchiveOptions { is_writable: true, kind: None, capacity: 1_000, fold_at: 64, report: Report::default() }
}

/// A memory like no other, the same for the same number.
pub(crate) fn memory(number: u64, span: u32) -> NewMemory {
    let mut random = SplitMix64(number);
    let vector = (0..DIMENSIONS).map(|_| normal(&mut random)).collect();
    let outcome = Outcome { steps: 32, hp_lost: number as u16, hp_lost_share: 0.25, ..Outcome::default() };
    let memory = Memory {
        span,
        trajectory: 1,
        step: number,
        time_s: 1_700_000_000 + number,
        floor: 2,
        picture: random.bits(),
        skill: format!("skill {}", number % 7),
        action: "step west".to_string(),
        outcome,
        ..Memory::default()
    };
    NewMemory { memory, vector, detail: number.to_le_bytes().to_vec() }
}

pub(crate) fn memories(numbers: std::ops::Range<u64>, span: u32) -> Vec<NewMemory> {
    numbers.map(|number| memory(number, span)).collect()
}

/// The nearest memory to the one of this number: its step, and the squared distance.
pub(crate) fn nearest(space: &OpenSpace, number: u64, span: u32) -> Option<(u64, f32)> {
    let query = checked(memory(number, span), DIMENSIONS).expect("it is right").vector;
    let shelf = space.shelf(span).expect("there is such a silo");
    let found = shelf.silo.distance_to_nearest(&query).expect("it is searched");
    found.map(|(distance, note)| (note.step, distance))
}

fn is_found(space: &OpenSpace, number: u64, span: u32) -> bool {
    nearest(space, number, span).is_some_and(|(step, distance)| step == number && distance < 1e-6)
}

#[test]
fn what_is_remembered_is_found_at_once_and_after_reopening() {
    let folder = Folder::new("archive");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    let kept = archive.remember(&open, memories(0..50, 4)).expect("they are kept");
    assert_eq!(kept, Kept { kept: 50, merged: 0 });
    assert!((0..50).all(|number| is_found(&open, number, 4)));
    drop((open, archive));

    let archive = Archive::open(&folder.0, &ArchiveOptions { is_writable: false, ..options() }).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    assert!((0..50).all(|number| is_found(&open, number, 4)));
    let searchers = Searchers::with(2).expect("they start");
    let vector = checked(memory(7, 4), DIMENSIONS).expect("it is right").vector;
    let probes = SPANS.map(|span| Probe { span, vector: vector.clone() }).to_vec();
    let search = Search { id: 9, probes, count: 3, deadline_us: 5_000_000, ..Search::default() };
    let found = archive.search_and_wait(&searchers, &open, search);
    assert_eq!((found.id, found.trouble.as_str(), found.late.len(), found.silos.len()), (9, "", 0, 7));
    let hits = found.silos.iter().find(|hits| hits.span == 4).expect("it answered");
    let (_, first) = &hits.memories[0];
    assert_eq!((hits.memories.len(), first.step, first.skill.as_str()), (3, 7, "skill 0"));
    assert_eq!(archive.fetch(first.id).expect("it reads"), Some(7_u64.to_le_bytes().to_vec()));
    assert!(archive.remember(&open, memories(50..51, 4)).is_err());
}

#[test]
fn what_was_seen_before_is_counted_whether_it_is_fresh_or_folded() {
    let folder = Folder::new("again");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    archive.remember(&open, memories(0..100, 1)).expect("they are kept");
    let again = |number| {
        let mut new = memory(number, 1);
        new.memory.outcome.hp_lost_share = 0.3;
        new
    };
    assert_eq!(archive.remember(&open, vec![again(3)]).expect("it is counted"), Kept { kept: 0, merged: 1 });
    archive.keep_up().expect("it is folded");
    assert_eq!(archive.remember(&open, vec![again(3)]).expect("it is counted"), Kept { kept: 0, merged: 1 });
    let shelf = open.shelf(1).expect("there is one");
    let share = |space: &OpenSpace| {
        let vector = checked(memory(3, 1), DIMENSIONS).expect("it is right").vector;
        let shelf = space.shelf(1).expect("there is one");
        shelf.silo.distance_to_nearest(&vector).expect("it is searched").expect("it is found").1.hp_lost_share
    };
    let mean = (0.25 + 0.3 + 0.3) / 3.0;
    assert_eq!((shelf.silo.fresh_len(), shelf.silo.len()), (0, 100));
    assert!((share(&open) - mean).abs() < 1e-6);
    drop((open, archive));
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    assert!((share(&open) - mean).abs() < 1e-6, "a revision is not lost");
}

#[test]
fn a_batch_with_a_wrong_memory_is_refused_and_the_others_are_kept() {
    let folder = Folder::new("batches");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    let wrong = vec![memory(1, 1), NewMemory { vector: vec![f32::NAN; DIMENSIONS], ..memory(2, 1) }];
    let batches = vec![memories(10..13, 1), wrong, memories(12..14, 1)];
    let kept = archive.remember_batches(&open, batches).expect("they are looked at");
    assert_eq!((&kept[0], &kept[2]), (&Ok(Kept { kept: 3, merged: 0 }), &Ok(Kept { kept: 1, merged: 1 })));
    assert!(kept[1].is_err());
    assert_eq!(open.len(), 4);
}

#[test]
fn a_second_process_is_told_who_writes_and_may_read() {
    let folder = Folder::new("second");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let Err(ArchiveError::Locked { pid, .. }) = Archive::open(&folder.0, &options()) else { panic!("it is locked") };
    assert_eq!(pid, std::process::id());
    Archive::open(&folder.0, &ArchiveOptions { is_writable: false, ..options() }).expect("it opens for reading");
    drop(archive);
    Archive::open(&folder.0, &options()).expect("it is free again");
}

#[test]
fn over_capacity_the_least_useful_are_forgotten_for_good() {
    let folder = Folder::new("capacity");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    for part in 0..23 {
        let mut batch = memories(part * 50..part * 50 + 50, 2);
        batch.iter_mut().step_by(5).for_each(|new| new.memory.keys = KeyMoments::END);
        archive.remember(&open, batch).expect("they are kept");
    }
    archive.keep_up().expect("it is kept up");
    assert!((950..=1_000).contains(&open.len()), "{}", open.len());
    assert!((0..230).all(|number| is_found(&open, number * 5, 2)), "key moments stay");
    assert!(!is_found(&open, 1, 2) && is_found(&open, 1_149, 2), "the older goes");
    let count = open.len();
    drop((open, archive));
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    assert_eq!(open.len(), count);
    assert!(!is_found(&open, 1, 2));
    archive.compact(&open, &mut |_| {}).expect("it is compacted");
    let stats = archive.spaces().expect("they read");
    let silo = &stats[0].silos[1];
    assert_eq!((silo.span, silo.memories, silo.dead, silo.fresh), (2, count, 0, 0));
}

#[test]
fn the_newest_memories_may_be_the_ones_forgotten_and_the_silo_comes_to_rest() {
    let folder = Folder::new("newest");
    let archive = Archive::open(&folder.0, &ArchiveOptions { capacity: 100, ..options() }).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    let mut telling = memories(0..100, 2);
    telling.iter_mut().for_each(|new| new.memory.keys = KeyMoments::END);
    archive.remember(&open, telling).expect("they are kept");
    archive.keep_up().expect("it is kept up");
    // Nothing of this is as telling, so all of it is forgotten again before any of it was in a generation.
    archive.remember(&open, memories(100..200, 2)).expect("they are kept");
    let shelf = open.shelf(2).expect("there is such a silo");
    let visits = (0..10).take_while(|_| archive.keep(&open, shelf, true).expect("it is kept")).count();
    assert!(visits < 10, "the keeper has no end of work");
    assert_eq!((shelf.silo.fresh_len(), shelf.silo.dead_len()), (0, 0));
    assert!((0..95).filter(|number| is_found(&open, *number, 2)).count() >= 90, "key moments stay");
    archive.remember(&open, memories(200..201, 2)).expect("there is room for more");
    assert!(is_found(&open, 200, 2));
}

#[test]
fn a_damaged_generation_is_told_of_and_made_anew_from_the_store() {
    let folder = Folder::new("damage");
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = told.clone();
    let report = Report::to(move |event| lock(&ear).push(event));
    let options = ArchiveOptions { report, ..options() };
    let archive = Archive::open(&folder.0, &options).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    archive.remember(&open, memories(0..200, 8)).expect("they are kept");
    archive.keep_up().expect("it is folded");
    archive.remember(&open, memories(200..210, 8)).expect("they are kept");
    assert_eq!(archive.verify(&mut |_| {}).expect("it is read"), []);
    let generation = open.shelf(8).expect("there is one").silo.generation().expect("it was folded");
    let path = generation.path().join("vectors.faiss");
    drop((open, archive, generation));
    let mut bytes = fs::read(&path).expect("it reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("it is written");

    let reader = Archive::open(&folder.0, &ArchiveOptions { is_writable: false, ..options.clone() }).expect("it opens");
    assert_eq!(reader.verify(&mut |_| {}).expect("it is read").len(), 1);
    lock(&told).clear();
    let archive = Archive::open(&folder.0, &options).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens all the same");
    assert!(lock(&told).iter().any(|event| matches!(event, Event::GenerationRefused { .. })));
    archive.keep_up().expect("it is made anew");
    assert!((0..210).all(|number| is_found(&open, number, 8)));
    assert_eq!(archive.verify(&mut |_| {}).expect("it is read"), []);
}

#[test]
fn an_older_generation_says_nothing_that_the_store_does_not_know() {
    let folder = Folder::new("older");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    archive.remember(&open, memories(0..300, 1)).expect("they are kept");
    archive.keep_up().expect("it is folded");
    let shelf = open.shelf(1).expect("there is one");
    archive.store.forget(shelf.key, &[8]).expect("it is forgotten");
    shelf.silo.remove(&[8]);
    archive.remember(&open, vec![memory(20, 1)]).expect("it is counted");
    archive.remember(&open, memories(300..400, 1)).expect("they are kept");
    archive.compact(&open, &mut |_| {}).expect("it is made anew");
    assert!(archive.store.tombstones(shelf.key).expect("they read").is_empty());
    let newest = shelf.silo.generation().expect("there is one").path().to_path_buf();
    drop((open, archive));
    fs::write(newest.join("notes"), b"garbage").expect("it is written");
    let archive = Archive::open(&folder.0, &ArchiveOptions { is_writable: false, ..options() }).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    let shelf = open.shelf(1).expect("there is one");
    assert_eq!(shelf.silo.generation().map(|generation| generation.number()), Some(1));
    assert!(!is_found(&open, 7, 1), "what was forgotten stays so");
    assert!((300..400).all(|number| is_found(&open, number, 1)), "what the older one lacks is there");
}

#[test]
fn generations_of_another_store_are_not_taken_for_its_own() {
    let folder = Folder::new("other-store");
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    archive.remember(&open, memories(0..200, 1)).expect("they are kept");
    archive.keep_up().expect("it is folded");
    drop((open, archive));
    for file in ["experience.sqlite", "experience.sqlite-wal", "experience.sqlite-shm"] {
        let _ = fs::remove_file(folder.0.join(file));
    }
    let archive = Archive::open(&folder.0, &options()).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    assert_eq!(open.len(), 0);
    archive.remember(&open, memories(500..520, 1)).expect("they are kept");
    archive.keep_up().expect("it is folded");
    assert!((500..520).all(|number| is_found(&open, number, 1)));
    assert!(!is_found(&open, 3, 1));
}

#[test]
fn what_is_imported_is_found_after_compaction_and_once() {
    let folder = Folder::new("archive-import");
    let archive = Archive::open(&folder.0, &ArchiveOptions { capacity: 5_000, ..options() }).expect("it opens");
    let open = archive.open_space(&space()).expect("it opens");
    let all = || SPANS.into_iter().flat_map(|span| memories(0..300, span));
    let mut seen = 0;
    assert_eq!(archive.import(&open, all(), &mut |done| seen = done).expect("they are kept"), 2_100);
    assert_eq!(archive.import(&open, all(), &mut |_| {}).expect("they are known"), 0);
    let mut steps = Vec::new();
    archive.compact(&open, &mut |progress| steps.push(progress)).expect("it is compacted");
    assert_eq!((seen, open.len()), (2_100, 2_100));
    assert!(steps.iter().any(|progress| (progress.span, progress.done, progress.total) == (64, 300, 300)));
    assert!(SPANS.into_iter().all(|span| (0..300).all(|number| is_found(&open, number, span))));
    let mut visited = 0;
    let visit = &mut |whole: inspect::WholeMemory| {
        visited += 1;
        let (_, again) = archive.memory(whole.memory.id)?.expect("it is there");
        assert_eq!(again, whole);
        Ok(())
    };
    archive.each_memory(&space(), 16, visit).expect("they are visited");
    assert_eq!(visited, 300);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = Folder::new("unwritable");
    let file = folder.0.join("file");
    fs::write(&file, "x").expect("it is written");
    let message = Archive::open(&file.join("data"), &options()).expect_err("it is refused").to_string();
    assert!(message.contains("file/data: Not a directory"), "{message}");
}

#[test]
fn a_silo_that_cannot_be_written_is_trouble_and_what_is_kept_is_found_all_the_same() {
    let folder = Folder::new("fault");
    let archive = Arc::new(Archive::open(&folder.0, &options()).expect("it opens"));
    let open = archive.open_space(&space()).expect("it opens");
    let path = folder.0.join(&space().name);
    fs::create_dir_all(&path).expect("it is made");
    fs::write(path.join("01"), "in the way").expect("it is written");
    let keeper = crate::keeper::Keeper::start(archive.clone()).expect("it starts");
    let mut next = 0;
    // As long as nobody could know, more is taken; then there is an end.
    let refused = loop {
        match archive.remember(&open, memories(next..next + 20, 1)) {
            Ok(_) => next += 20,
            Err(error) => break error.to_string(),
        }
        assert!(next < 10_000, "there is no end");
    };
    assert!(refused.starts_with("the silo of 1 steps cannot be brought up to date: "), "{refused}");
    assert_eq!(archive.trouble(), refused);
    assert!((0..next).all(|number| is_found(&open, number, 1)));
    drop(keeper);
    fs::remove_file(path.join("01")).expect("it is gone");
    archive.keep_up().expect("it is written");
    assert_eq!(open.shelf(1).map(|shelf| shelf.silo.fresh_len()), Some(0));
}
