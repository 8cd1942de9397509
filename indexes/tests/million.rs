//! Memories are added without end while somebody searches: memory stays bounded, and searches stay quick.

use indexes::archive::{Archive, ArchiveOptions, OpenSpace, Report};
use indexes::keeper::Keeper;
use indexes::pool::Searchers;
use indexes::synthetic::Mixture;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use wire::event::Event;
use wire::random::SplitMix64;
use wire::recall::{KeyMoments, Memory, NewMemory, Outcome, Probe, SPANS, Search, Space};

/// Memories of each silo in a batch.
const EACH: usize = 16;
/// One batch of searches a game asks for; it comes this often.
const PACE: Duration = Duration::from_millis(20);
/// Searches in each pause of adding.
const PAUSE: u64 = 300;
/// So many times the size at which they are folded there may be fresh memories, and a batch.
const FRESH_MAX: usize = 3;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Size {
    memories: usize,
    dimensions: usize,
    capacity: usize,
    fold_at: usize,
    /// No more are added after this long.
    limit: Duration,
}

fn batch(mixture: &Mixture, dimensions: usize, number: u64) -> Vec<NewMemory> {
    let mut random = SplitMix64(number);
    let rows = mixture.rows(EACH * SPANS.len(), number);
    let new = |(place, row): (usize, &[f32])| {
        let outcome = Outcome { steps: 32, hp_lost_share: (random.bits() % 100) as f32 / 100.0, ..Outcome::default() };
        // Half of the pictures were seen before, so that the silos are asked.
        let picture = if random.below(2) == 0 { random.bits() } else { SplitMix64(random.bits() % 500).bits() };
        let memory = Memory {
            span: SPANS[place % SPANS.len()],
            trajectory: number,
            step: place as u64,
            time_s: 1_700_000_000 + number,
            floor: (number % 10) as u8,
            picture,
            keys: KeyMoments((random.bits() % 128) as u8),
            outcome,
            ..Memory::default()
        };
        NewMemory { memory, vector: row.to_vec(), detail: Vec::new() }
    };
    rows.chunks_exact(dimensions).enumerate().map(new).collect()
}

fn search(archive: &Archive, open: &OpenSpace, searchers: &Searchers, rows: &[f32], dimensions: usize) -> Duration {
    let vectors = rows.chunks_exact(dimensions).map(<[f32]>::to_vec);
    let probes = SPANS.iter().zip(vectors).map(|(span, vector)| Probe { span: *span, vector }).collect();
    let search = Search { probes, count: 10, deadline_us: 5_000_000, ..Search::default() };
    let begin = Instant::now();
    let found = archive.search_and_wait(searchers, open, search);
    assert_eq!((found.trouble.as_str(), found.late.len()), ("", 0));
    begin.elapsed()
}

/// Anonymous memory of this process, in MiB.
fn anonymous_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("it reads");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("it is there");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("it is a number") / 1024
}

fn describe(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    format!("{} searches of 7 silos, p50 {:?}, p99 {:?}", times.len(), at(50).copied(), at(99).copied())
}

fn grow(size: &Size) {
    let Size { memories, dimensions, capacity, fold_at, limit } = *size;
    let path = std::env::temp_dir().join(format!("pocketpilot-million-{}", std::process::id()));
    let folder = Folder(path);
    let events = Arc::new(Mutex::new(BTreeMap::<&str, (u64, u64)>::new()));
    let ear = events.clone();
    let report = Report::to(move |event| {
        let (name, took_ms) = match event {
            Event::GenerationPublished { took_ms, .. } => ("published", took_ms),
            Event::MemoriesRetired { memories, .. } => ("retired", memories),
            _ => ("other", 0),
        };
        let mut events = ear.lock().expect("nobody panics");
        let entry = events.entry(name).or_default();
        *entry = (entry.0 + 1, entry.1 + took_ms);
    });
    let options = ArchiveOptions { is_writable: true, kind: None, capacity, fold_at, report };
    let archive = Arc::new(Archive::open(&folder.0, &options).expect("it opens"));
    let space = Space { name: format!("synthetic-{dimensions}"), dimensions: dimensions as u32 };
    let open = archive.open_space(&space).expect("it opens");
    let keeper = Keeper::start(archive.clone()).expect("it starts");
    let searchers = Arc::new(Searchers::start().expect("they start"));
    let mixture = Arc::new(Mixture::new(dimensions, 2_000, 7));
    let times = Arc::new(Mutex::new(Vec::new()));
    let (end, ended) = sync_channel::<()>(0);
    let searching = {
        let (archive, open, searchers) = (archive.clone(), open.clone(), searchers.clone());
        let (mixture, times) = (mixture.clone(), times.clone());
        thread::spawn(move || {
            let mut stream = 1 << 40;
            while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                stream += 1;
                let rows = mixture.rows(SPANS.len(), stream);
                let took = search(&archive, &open, &searchers, &rows, dimensions);
                times.lock().expect("nobody panics").push(took);
            }
        })
    };
    let begin = Instant::now();
    let batches = memories.div_ceil(EACH * SPANS.len());
    let (mut kept, mut merged, mut freshest) = (0, 0, 0);
    for number in 0..batches {
        let all = archive.remember(&open, batch(&mixture, dimensions, number as u64)).expect("they are kept");
        kept += all.kept;
        merged += all.merged;
        let fresh = open.shelves.iter().map(|shelf| shelf.silo.fresh_len()).max().unwrap_or(0);
        freshest = freshest.max(fresh);
        assert!(fresh <= FRESH_MAX * fold_at + EACH, "{fresh} memories are fresh");
        let is_over = begin.elapsed() > limit;
        if is_over || (number + 1) % batches.div_ceil(10) == 0 || number + 1 == batches {
            let times = std::mem::take(&mut *times.lock().expect("nobody panics"));
            println!(
                "{:.0?}: {} added, {} to be found, anonymous memory {} MiB; as fast as they come: {}; without adding: {}",
                begin.elapsed(),
                kept + merged,
                open.len(),
                anonymous_mib(),
                describe(times),
                describe(pause(&|rows| search(&archive, &open, &searchers, rows, dimensions), &mixture))
            );
        }
        if is_over {
            break;
        }
    }
    drop(end);
    searching.join().expect("it does not panic");
    drop(keeper);
    archive.keep_up().expect("it is kept up");
    let idle = pause(&|rows| search(&archive, &open, &searchers, rows, dimensions), &mixture);
    println!("at rest: {}; anonymous memory {} MiB", describe(idle), anonymous_mib());
    println!(
        "kept {kept}, merged {merged}, at most {freshest} fresh in a silo; {:?}",
        events.lock().expect("no panic")
    );
    assert!(open.shelves.iter().all(|shelf| shelf.silo.len() <= capacity));
    assert_eq!(archive.verify(&mut |_| {}).expect("it is read"), []);
}

/// Searches while nothing is added; the keeper may be at work.
fn pause(search: &dyn Fn(&[f32]) -> Duration, mixture: &Mixture) -> Vec<Duration> {
    (0..PAUSE).map(|stream| search(&mixture.rows(SPANS.len(), stream))).collect()
}

#[test]
fn memory_is_bounded_and_silos_keep_their_capacity_however_much_is_added() {
    grow(&Size { memories: 7_000, dimensions: 16, capacity: 400, fold_at: 64, limit: Duration::MAX });
}

#[test]
#[ignore = "takes minutes"]
fn a_million_memories_are_added_while_somebody_searches() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (memories, dimensions) = (number("MEMORIES", 1_000_000), number("DIMENSIONS", 256));
    let limit = Duration::from_secs(number("LIMIT_S", 86_400) as u64);
    let (capacity, fold_at) = (number("CAPACITY", 100_000), number("FOLD_AT", 4_096));
    grow(&Size { memories, dimensions, capacity, fold_at, limit });
}
