//! `agent bench recall`: what recall costs over seven silos, and that it finds what is nearest.
//!
//! Silos are made of vectors that lie as embeddings do, by a worker, in a folder of their own. Then the real role is started on
//! them with a cold page cache, and asked across its process boundary. Accuracy, memory and single indexes are measured by
//! workers; Python's faiss is asked the same on the same file, in turns with ours, where pip can install it.

use crate::bench::percentiles;
use crate::cli::{BenchArgs, WorkerKind};
use crate::failure::Failure;
use crate::screen;
use crate::supervisor::{self, Alone};
use crate::worker;
use rustix::fs::Advice;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wire::control::{Role, StartIndexes, TelemetryTarget, ToRole};
use wire::exit;
use wire::link::Link;
use wire::recall::{Found, FromIndexes, Probe, SPANS, Search, Space, ToIndexes};

mod python;
pub mod work;

/// Numbers in each vector, as in the embeddings that the agent makes itself.
pub const DIMENSIONS: u32 = 256;
/// Memories asked of each silo.
pub const COUNT: u32 = 10;
/// Times that the role is started with a cold page cache.
const STARTS: usize = 5;
/// Searches after the last start.
const SEARCHES: usize = 2_000;
/// The longest time for a worker, which may have to build seven indexes.
const LIMIT: Duration = Duration::from_secs(3_600);

/// The space of the made-up memories.
pub fn space() -> Space {
    Space { name: format!("bench-{DIMENSIONS}"), dimensions: DIMENSIONS }
}

/// Measures; times in microseconds unless their name says something else.
pub fn measure(args: &BenchArgs, folder: &Path) -> Result<Value, Failure> {
    let memories = folder.join("memories");
    let count = args.count.to_string();
    screen::progress(&format!("making seven silos of {count} memories; the longest part, minutes on two cores"));
    let options = [("--folder", Some(memories.as_path())), ("--count", Some(Path::new(&count)))];
    let ask = |kind| worker::ask(kind, &options, LIMIT);
    let made = ask(WorkerKind::RecallMake)?;
    screen::progress("starting the role on them, with a cold page cache, and asking it");
    let served = serve(&memories)?;
    screen::progress("comparing with exact answers, and memory mapped with memory loaded");
    let accuracy = ask(WorkerKind::RecallCompare)?;
    let memory = ask(WorkerKind::RecallMemory)?;
    screen::progress("asking Python's faiss the same");
    let python = python::compare(folder, args.no_install, &|| ask(WorkerKind::RecallSingle))?;
    Ok(json!({
        "memories_a_silo": args.count,
        "dimensions": DIMENSIONS,
        "made": made,
        "served": served,
        "recall_at_10": accuracy,
        "memory": memory,
        "python": python,
    }))
}

fn serve(memories: &Path) -> Result<Value, Failure> {
    let (mut ready_ms, mut first_us, mut times, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut first_own_us = Vec::new();
    let mut anonymous_kib = 0;
    let queries = work::queries(SEARCHES + 1);
    for start in 0..STARTS {
        evict(memories);
        let begun = Instant::now();
        let mut role = Asked::start(memories)?;
        ready_ms.push(begun.elapsed().as_millis() as u64);
        let (first, found) = role.search(&queries[..DIMENSIONS as usize])?;
        first_us.push(first);
        first_own_us.push(found.took_us);
        if start + 1 == STARTS {
            for query in queries.chunks_exact(DIMENSIONS as usize).skip(1) {
                let (took, found) = role.search(query)?;
                times.push(took);
                own.push(found.took_us);
            }
            anonymous_kib = work::anonymous_kib(role.pid);
        }
    }
    Ok(json!({
        "cold_starts_ready_ms": ready_ms,
        "first_search_us": first_us,
        "of_it_in_the_role_us": first_own_us,
        "search_us": percentiles(times),
        "of_that_in_the_role_us": percentiles(own),
        "role_anonymous_kib": anonymous_kib,
    }))
}

/// The role, as the recall actor knows it.
struct Asked {
    link: Link,
    pid: u32,
    buffer: Vec<u8>,
    id: u64,
}

impl Asked {
    /// Starts it, and waits until every silo is open.
    fn start(memories: &Path) -> Result<Asked, Failure> {
        let start = ToRole::StartIndexes(StartIndexes {
            folder: memories.to_path_buf(),
            telemetry: TelemetryTarget::Null,
            is_writable: false,
            kind: "auto".to_string(),
            capacity: u32::MAX,
            fold_at: u32::MAX,
        });
        let Alone { link, pid } = supervisor::start_alone(Role::Indexes, &start)?;
        let mut role = Asked { link, pid, buffer: Vec::new(), id: 0 };
        role.send(&ToIndexes::Open(space()))?;
        loop {
            match role.receive()? {
                FromIndexes::Standing(standing) if standing.is_ready => return Ok(role),
                FromIndexes::Standing(standing) if !standing.trouble.is_empty() => {
                    tracing::debug!("{}", standing.trouble);
                }
                _ => {}
            }
        }
    }

    fn search(&mut self, query: &[f32]) -> Result<(u64, Found), Failure> {
        self.id += 1;
        let probes = SPANS.map(|span| Probe { span, vector: query.to_vec() }).to_vec();
        let search = Search { id: self.id, probes, count: COUNT, deadline_us: 1_000_000, ..Search::default() };
        let begun = Instant::now();
        self.send(&ToIndexes::Search(search))?;
        loop {
            match self.receive()? {
                FromIndexes::Found(found) if found.id == self.id => {
                    let took = begun.elapsed().as_micros() as u64;
                    let whole = found.silos.len() == SPANS.len();
                    if !whole || found.silos.iter().any(|hits| hits.memories.len() < COUNT as usize) {
                        return Err(failed(format!("not every silo answered: {}", found.trouble)));
                    }
                    return Ok((took, found));
                }
                _ => {}
            }
        }
    }

    fn send(&self, message: &ToIndexes) -> Result<(), Failure> {
        self.link.send(message, &[]).map_err(|error| failed(error.to_string()))
    }

    fn receive(&mut self) -> Result<FromIndexes, Failure> {
        let received = self.link.receive_into(&mut self.buffer);
        received.map(|(message, _)| message).map_err(|error| failed(error.to_string()))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.pid as i32) {
            // One that is gone already needs no signal.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Takes the files of a folder out of the page cache, as after a restart of the machine.
fn evict(folder: &Path) {
    for path in files(folder) {
        if let Ok(file) = std::fs::File::open(&path) {
            let _ = rustix::fs::fsync(&file);
            let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn failed(message: String) -> Failure {
    Failure::Role { status: exit::SOFTWARE, message }
}
