//! What workers do for `agent bench recall`: everything that touches FAISS or the store.

use super::{COUNT, DIMENSIONS, failed, space};
use crate::cli::{WorkerArgs, WorkerKind};
use crate::failure::Failure;
use indexes::archive::{Archive, ArchiveOptions, Report};
use indexes::generation::{Generation, silo_folder};
use indexes::kind::Kind;
use indexes::synthetic::Mixture;
use indexes::vectors::{Access, Vectors};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;
use wire::recall::{Memory, NewMemory, SPANS};

/// Clusters of the made-up situations.
const CLUSTERS: usize = 512;
const SEED: u64 = 7;
/// The stream of the mixture that queries come from; those of the silos are their spans.
const QUERIES: u64 = 1_000;
/// Queries that are compared with exact answers, in each silo.
const COMPARED: usize = 200;
/// Queries that one index is measured with.
const SINGLE: usize = 100;
/// Rounds over them.
const ROUNDS: usize = 3;

/// Does one piece of it.
pub fn work(args: &WorkerArgs) -> Result<Value, Failure> {
    let folder = args.folder.as_deref().ok_or_else(|| Failure::Usage("it needs --folder".to_string()))?;
    match args.what {
        WorkerKind::RecallMake => make(folder, args.count),
        WorkerKind::RecallCompare => compare(folder, args.count),
        WorkerKind::RecallMemory => memory(folder),
        _ => single(folder, args.count),
    }
}

/// Vectors to ask with, one after the other.
pub fn queries(count: usize) -> Vec<f32> {
    mixture().rows(count, QUERIES)
}

/// Anonymous memory of a process.
pub fn anonymous_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or_default()
}

fn mixture() -> Mixture {
    Mixture::new(DIMENSIONS as usize, CLUSTERS, SEED)
}

fn rows_of(span: u32, count: usize) -> Vec<f32> {
    mixture().rows(count, u64::from(span))
}

/// Seven silos, imported and folded as any others.
fn make(folder: &Path, count: usize) -> Result<Value, Failure> {
    let begun = Instant::now();
    let options = ArchiveOptions {
        is_writable: true,
        kind: None,
        capacity: count.max(1),
        fold_at: count.max(1),
        report: Report::default(),
    };
    let archive = Archive::open(folder, &options).map_err(as_failure)?;
    let open = archive.open_space(&space()).map_err(as_failure)?;
    for span in SPANS {
        let rows = rows_of(span, count);
        let memories = (1..).zip(rows.chunks_exact(DIMENSIONS as usize)).map(|(step, row)| NewMemory {
            memory: Memory { span, trajectory: u64::from(span), step, ..Memory::default() },
            vector: row.to_vec(),
            detail: Vec::new(),
        });
        archive.import(&open, memories, &mut |_| {}).map_err(as_failure)?;
    }
    let stored_s = begun.elapsed().as_secs_f64();
    archive.compact(&open, &mut |_| {}).map_err(as_failure)?;
    let silos = archive.spaces().map_err(as_failure)?.into_iter().flat_map(|space| space.silos);
    let silos: Vec<_> = silos.collect();
    Ok(json!({
        "kind": silos[0].kind,
        "index_bytes": silos.iter().map(|silo| silo.bytes).sum::<u64>(),
        "stored_s": stored_s.round(),
        "indexed_s": (begun.elapsed().as_secs_f64() - stored_s).round(),
    }))
}

/// The share of the ten nearest that is found, and what single silos take.
fn compare(folder: &Path, count: usize) -> Result<Value, Failure> {
    let queries = queries(COMPARED);
    let mut silos = serde_json::Map::new();
    let (mut found, mut wanted) = (0, 0);
    for span in SPANS {
        let generation = open(folder, span, Access::Mapped)?;
        let exact = Vectors::build(Kind::Flat, DIMENSIONS as usize, &rows_of(span, count)).map_err(as_failure)?;
        let mut here = 0;
        for query in queries.chunks_exact(DIMENSIONS as usize) {
            let near = generation.vectors().search(query, COUNT as usize).map_err(as_failure)?;
            let nearest = exact.search(query, COUNT as usize).map_err(as_failure)?;
            here += near.iter().filter(|(at, _)| nearest.iter().any(|(other, _)| other == at)).count();
        }
        silos.insert(span.to_string(), json!(here as f64 / (COMPARED * COUNT as usize) as f64));
        (found, wanted) = (found + here, wanted + COMPARED * COUNT as usize);
    }
    Ok(json!({ "all": found as f64 / wanted as f64, "by_span": silos, "queries_a_silo": COMPARED }))
}

/// Anonymous memory with all silos open and asked, mapped and loaded.
fn memory(folder: &Path) -> Result<Value, Failure> {
    let queries = queries(COMPARED);
    let taken = |access| -> Result<u64, Failure> {
        let before = anonymous_kib(std::process::id());
        let generations = SPANS.iter().map(|span| open(folder, *span, access)).collect::<Result<Vec<_>, _>>()?;
        for (generation, query) in generations.iter().cycle().zip(queries.chunks_exact(DIMENSIONS as usize)) {
            generation.vectors().search(query, COUNT as usize).map_err(as_failure)?;
        }
        Ok(anonymous_kib(std::process::id()).saturating_sub(before))
    };
    let mapped = taken(Access::Mapped)?;
    let loaded = taken(Access::Loaded)?;
    let less = 1.0 - mapped as f64 / loaded.max(1) as f64;
    Ok(
        json!({ "mapped_anonymous_kib": mapped, "loaded_anonymous_kib": loaded, "less": (less * 1_000.0).round() / 1_000.0 }),
    )
}

/// One index of a silo's kind and one that is exact, on the same vectors, one query after the other; both are left for Python.
fn single(folder: &Path, count: usize) -> Result<Value, Failure> {
    let target = folder.join("single");
    let queries = queries(SINGLE);
    let generation = open(folder, SPANS[0], Access::Loaded)?;
    let flat = Vectors::build(Kind::Flat, DIMENSIONS as usize, &rows_of(SPANS[0], count)).map_err(as_failure)?;
    if !target.exists() {
        let unwritable = |error| Failure::Unwritable {
            path: target.clone(),
            error,
            remedy: "set TMPDIR to a folder that can be written",
        };
        std::fs::create_dir_all(&target).map_err(unwritable)?;
        std::fs::copy(generation.path().join("vectors.faiss"), target.join("index.faiss")).map_err(unwritable)?;
        flat.write(&target.join("flat.faiss")).map_err(as_failure)?;
        indexes::export::write_array(&target.join("queries.npy"), DIMENSIONS as usize, &queries).map_err(as_failure)?;
    }
    let index = ask_all(generation.vectors(), &queries)?;
    let flat = ask_all(&flat, &queries)?;
    Ok(json!({ "kind": generation.kind().name(), "index": index.without_ids(), "flat": flat.with_ids() }))
}

struct Asked {
    times: Vec<f64>,
    ids: Vec<Vec<u32>>,
}

impl Asked {
    fn without_ids(&self) -> Value {
        let at = |percent: usize| (self.times[(self.times.len() - 1) * percent / 100] * 10.0).round() / 10.0;
        json!({ "p50": at(50), "p99": at(99) })
    }

    fn with_ids(&self) -> Value {
        let mut value = self.without_ids();
        value["ids"] = json!(self.ids);
        value
    }
}

fn ask_all(vectors: &Vectors, queries: &[f32]) -> Result<Asked, Failure> {
    let mut asked = Asked { times: Vec::new(), ids: Vec::new() };
    // The first round warms up and tells what is found.
    for round in 0..=ROUNDS {
        for query in queries.chunks_exact(DIMENSIONS as usize) {
            let begun = Instant::now();
            let found = vectors.search(query, COUNT as usize).map_err(as_failure)?;
            let took = begun.elapsed().as_nanos() as f64 / 1_000.0;
            if round == 0 {
                asked.ids.push(found.into_iter().map(|(at, _)| at).collect());
            } else {
                asked.times.push(took);
            }
        }
    }
    asked.times.sort_by(f64::total_cmp);
    Ok(asked)
}

fn open(folder: &Path, span: u32, access: Access) -> Result<Generation, Failure> {
    let silo: PathBuf = silo_folder(folder, &space(), span).ok_or_else(|| failed("no such silo".to_string()))?;
    let generation = Generation::open_current(&silo, &space(), span, access).map_err(as_failure)?;
    generation.ok_or_else(|| failed(format!("{} has no generation", silo.display())))
}

fn as_failure(error: impl std::fmt::Display) -> Failure {
    failed(error.to_string())
}
