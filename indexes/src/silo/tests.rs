use super::*;
use crate::generation::Draft;
use crate::kind::Kind;
use crate::synthetic::Mixture;
use crate::vectors::Vectors;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::thread;
use wire::random::SplitMix64;

const DIMENSIONS: usize = 8;
const SPAN: u32 = 2;

fn space() -> Space {
    Space { name: "test1-8-burrow".to_string(), dimensions: DIMENSIONS as u32 }
}

/// A silo with its folder, gone afterwards.
struct Bench {
    silo: Silo,
    folder: PathBuf,
    rows: Vec<Vec<f32>>,
    number: u64,
}

impl Bench {
    /// Nothing is in the silo yet; `rows` are at hand for memories 1 to `count`.
    fn new(name: &str, count: usize) -> Bench {
        let folder = std::env::temp_dir().join(format!("pocketpilot-silo-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let rows = Mixture::new(DIMENSIONS, 5, 2).rows(count, 0);
        let rows = rows.chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect();
        Bench { silo: Silo::new(space(), SPAN), folder, rows, number: 0 }
    }

    fn row(&self, id: u64) -> &[f32] {
        &self.rows[id as usize - 1]
    }

    fn add(&self, ids: impl Iterator<Item = u64>) {
        let entries: Vec<_> = ids.map(|id| (note(id), self.row(id).to_vec())).collect();
        self.silo.add(&entries).expect("they are added");
    }

    /// Makes a generation of these memories.
    fn generation(&mut self, kind: Kind, ids: &[u64], last_id: u64) -> Generation {
        self.number += 1;
        let rows: Vec<f32> = ids.iter().flat_map(|id| self.row(*id).to_vec()).collect();
        let vectors = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
        let notes: Vec<Note> = ids.iter().map(|id| note(*id)).collect();
        let (space, number) = (space(), self.number);
        let draft = Draft { space: &space, span: SPAN, number, last_id, vectors: &vectors, notes: &notes };
        Generation::publish(&self.folder, &draft).expect("it is published")
    }

    fn ids(&self, query: &[f32], count: usize) -> Vec<u64> {
        self.silo.search(query, count).expect("an answer").iter().map(|(_, note)| note.id).collect()
    }

    /// What would be found if each were looked at.
    fn truth(&self, ids: impl Iterator<Item = u64>, query: &[f32], count: usize) -> Vec<u64> {
        let distance = |id| self.row(id).iter().zip(query).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let mut all: Vec<(f32, u64)> = ids.map(|id| (distance(id), id)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.into_iter().take(count).map(|(_, id)| id).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn note(id: u64) -> Note {
    Note { id, step: id, span: SPAN as u8, ..Note::default() }
}

#[test]
fn memories_are_found_as_soon_as_they_are_added() {
    let bench = Bench::new("added", 300);
    assert!(bench.ids(bench.row(1), 5).is_empty());
    for id in 1..=300 {
        bench.add(id..=id);
        let (distance, note) = bench.silo.distance_to_nearest(bench.row(id)).expect("an answer").expect("a memory");
        assert_eq!((distance, note.id), (0.0, id));
    }
    assert_eq!(bench.ids(bench.row(7), 10), bench.truth(1..=300, bench.row(7), 10));
    assert_eq!((bench.silo.len(), bench.silo.fresh_len(), bench.silo.dead_len()), (300, 300, 0));
}

#[test]
fn a_generation_and_what_came_after_it_are_searched_as_one() {
    let mut bench = Bench::new("one", 600);
    bench.add(1..=500);
    let ids: Vec<u64> = (1..=400).collect();
    let generation = bench.generation(Kind::Flat, &ids, 400);
    bench.silo.use_generation(generation);
    bench.add(501..=600);
    assert_eq!((bench.silo.len(), bench.silo.fresh_len()), (600, 200));
    for id in [1, 400, 401, 600] {
        assert_eq!(bench.ids(bench.row(id), 20), bench.truth(1..=600, bench.row(id), 20));
    }
}

#[test]
fn dead_memories_cost_no_answers() {
    let mut bench = Bench::new("dead", 1_200);
    let ids: Vec<u64> = (1..=1_000).collect();
    for kind in [Kind::Flat, Kind::Hnsw] {
        let generation = bench.generation(kind, &ids, 1_000);
        bench.silo.use_generation(generation);
    }
    bench.add(1_001..=1_200);
    let query = bench.row(77).to_vec();
    let nearest = bench.truth(1..=1_200, &query, 700);
    bench.silo.remove(&nearest);
    assert_eq!((bench.silo.len(), bench.silo.dead_len()), (500, 700));
    let found = bench.ids(&query, 50);
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|id| !nearest.contains(id)));
    bench.silo.remove(&(1..=1_200).collect::<Vec<u64>>());
    assert!(bench.ids(&query, 50).is_empty() && bench.silo.is_empty());
}

#[test]
fn a_memory_that_dies_while_its_generation_is_made_stays_dead() {
    let mut bench = Bench::new("late", 20);
    bench.add(1..=20);
    let ids: Vec<u64> = (1..=20).collect();
    let generation = bench.generation(Kind::Flat, &ids, 20);
    bench.silo.remove(&[5]);
    bench.silo.use_generation(generation);
    assert!(!bench.ids(bench.row(5), 20).contains(&5));
    assert_eq!((bench.silo.len(), bench.silo.fresh_len(), bench.silo.dead_len()), (19, 0, 1));
    // The next one is made without it, and nothing more is remembered of it.
    let ids: Vec<u64> = ids.into_iter().filter(|id| *id != 5).collect();
    let generation = bench.generation(Kind::Flat, &ids, 20);
    bench.silo.use_generation(generation);
    assert_eq!((bench.silo.len(), bench.silo.dead_len()), (19, 0));
    assert!(!bench.silo.is_dead(5));
}

#[test]
fn a_memory_that_dies_before_its_generation_is_opened_stays_dead() {
    let mut bench = Bench::new("early", 20);
    bench.silo.remove(&[5, 6]);
    let generation = bench.generation(Kind::Flat, &(1..=20).collect::<Vec<u64>>(), 20);
    bench.silo.use_generation(generation);
    assert_eq!(bench.silo.len(), 18);
    assert!(bench.ids(bench.row(5), 20).iter().all(|id| ![5, 6].contains(id)));
}

#[test]
fn a_revised_note_is_found_in_place_of_the_old_one() {
    let mut bench = Bench::new("revised", 20);
    bench.add(1..=20);
    let revised = [3, 15].map(|id| Note { floors: 9, ..note(id) });
    bench.silo.revise(&revised);
    let generation = bench.generation(Kind::Flat, &(1..=10).collect::<Vec<u64>>(), 10);
    bench.silo.use_generation(generation);
    for note in revised {
        let (_, found) = bench.silo.distance_to_nearest(bench.row(note.id)).expect("an answer").expect("a memory");
        assert_eq!(found, note);
    }
    assert_eq!(bench.silo.generation_notes()[2], revised[0]);
    assert_eq!(bench.silo.fresh().notes[4], revised[1]);
}

#[test]
fn what_is_folded_is_what_lives() {
    let bench = Bench::new("folded", 300);
    bench.add(1..=300);
    bench.silo.remove(&(1..=300).filter(|id| id % 3 == 0).collect::<Vec<u64>>());
    let fresh = bench.silo.fresh();
    let ids: Vec<u64> = fresh.notes.iter().map(|note| note.id).collect();
    assert_eq!(ids, (1..=300).filter(|id| id % 3 != 0).collect::<Vec<u64>>());
    for (note, row) in fresh.notes.iter().zip(fresh.rows.chunks_exact(DIMENSIONS)) {
        assert_eq!(row, bench.row(note.id));
    }
}

#[test]
fn a_vector_that_cannot_be_compared_is_refused_with_its_whole_batch() {
    let bench = Bench::new("refused", 2);
    let good = bench.row(1).to_vec();
    for bad in [vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS], vec![1.0; DIMENSIONS - 1]] {
        assert!(bench.silo.add(&[(note(1), good.clone()), (note(2), bad.clone())]).is_err());
        assert!(bench.silo.is_empty());
        assert!(bad.iter().all(|value| *value == 0.0) || bench.silo.search(&bad, 1).is_err());
    }
}

#[test]
fn ids_rise_and_what_the_generation_considered_is_not_found_twice() {
    let mut bench = Bench::new("order", 30);
    bench.add(1..=10);
    for ids in [vec![10], vec![12, 11], vec![11, 11]] {
        let entries: Vec<_> = ids.iter().map(|id| (note(*id), bench.row(*id).to_vec())).collect();
        assert!(matches!(bench.silo.add(&entries), Err(VectorError::Order { last: 10 })), "{ids:?}");
    }
    // The generation was made of what the store held, which was told here only now.
    let generation = bench.generation(Kind::Flat, &(1..=20).collect::<Vec<u64>>(), 20);
    bench.silo.use_generation(generation);
    bench.add(11..=25);
    assert_eq!((bench.silo.len(), bench.silo.fresh_len()), (25, 5));
    let mut ids = bench.ids(bench.row(1), 30);
    ids.sort_unstable();
    assert_eq!(ids, (1..=25).collect::<Vec<u64>>());
}

#[test]
fn a_silo_finds_what_a_plain_list_would_find_whatever_happens_to_it() {
    for seed in 0..12 {
        println!("seed {seed}");
        let mut random = SplitMix64(seed);
        let mut bench = Bench::new(&format!("model-{seed}"), 1_500);
        let mut living: BTreeSet<u64> = BTreeSet::new();
        let mut last = 0;
        for _ in 0..60 {
            match random.below(5) {
                0 | 1 => {
                    let next = (last + random.below(60) as u64).min(1_500);
                    bench.add(last + 1..=next);
                    living.extend(last + 1..=next);
                    last = next;
                }
                2 if last > 0 => {
                    let dead: Vec<u64> =
                        (0..random.below(20)).map(|_| 1 + random.below(last as usize) as u64).collect();
                    bench.silo.remove(&dead);
                    living.retain(|id| !dead.contains(id));
                }
                3 => {
                    // Made while more comes and some dies, as in life.
                    let ids: Vec<u64> = living.iter().copied().collect();
                    let generation = bench.generation(Kind::Flat, &ids, last);
                    let next = (last + 5).min(1_500);
                    bench.add(last + 1..=next);
                    living.extend(last + 1..=next);
                    last = next;
                    if let Some(dead) = ids.get(random.below(ids.len())) {
                        bench.silo.remove(&[*dead]);
                        living.remove(dead);
                    }
                    bench.silo.use_generation(generation);
                }
                _ => {
                    let query = bench.row(1 + random.below(1_500) as u64).to_vec();
                    let count = 1 + random.below(30);
                    assert_eq!(bench.ids(&query, count), bench.truth(living.iter().copied(), &query, count));
                    assert_eq!(bench.silo.len(), living.len());
                }
            }
        }
    }
}

#[test]
fn searches_see_every_living_memory_once_while_generations_change() {
    let mut bench = Bench::new("changing", 500);
    bench.add(1..=500);
    bench.silo.remove(&[1, 2, 3]);
    let generations: Vec<Generation> = (0..40)
        .map(|fold| {
            let last = 100 + fold * 10;
            bench.generation(Kind::Flat, &(1..=last).collect::<Vec<u64>>(), last)
        })
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let search = || {
            while !is_over.load(Ordering::Relaxed) {
                let mut ids = bench.ids(bench.row(1), 500);
                ids.sort_unstable();
                assert_eq!(ids, (4..=500).collect::<Vec<u64>>());
            }
        };
        let searches = [scope.spawn(search), scope.spawn(search)];
        generations.into_iter().for_each(|generation| bench.silo.use_generation(generation));
        is_over.store(true, Ordering::Relaxed);
        for search in searches {
            search.join().expect("it found all");
        }
    });
}
