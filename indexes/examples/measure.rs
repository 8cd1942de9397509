//! What each kind of index costs and finds, on vectors as embeddings are.
//!
//! `OMP_NUM_THREADS=1 cargo run --release -p indexes --example measure -- [kind|all|silos] [count] [dimensions]`

use indexes::generation::{Draft, Generation};
use indexes::kind::Kind;
use indexes::note::Note;
use indexes::pool::Searchers;
use indexes::silo::Silo;
use indexes::synthetic::Mixture;
use indexes::vectors::{Access, Vectors};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::recall::{SPANS, Space};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const QUERIES: usize = 1_000;
const WANTED: usize = 10;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (count, dimensions) = (number(1, 100_000), number(2, 256));
    let folder = std::env::temp_dir().join(format!("pocketpilot-measure-{}", std::process::id()));
    let result = match arguments.first().map(String::as_str) {
        // A process of its own for each tells how much memory it takes.
        Some("open") => return open(Path::new(&arguments[3]), count, dimensions, &arguments[4]),
        Some("silos") => silos(&folder, count, dimensions, number(3, 2_048)),
        Some(name) if name != "all" => match Kind::named(name) {
            Some(kind) => kinds(&folder, &[kind], count, dimensions),
            None => Err(format!("no index is of kind {name}").into()),
        },
        _ => kinds(&folder, &Kind::ALL, count, dimensions),
    };
    let _ = fs::remove_dir_all(&folder);
    result
}

fn space(dimensions: usize) -> Space {
    Space { name: "synthetic".to_string(), dimensions: dimensions as u32 }
}

fn notes(count: usize) -> Vec<Note> {
    (1..=count as u64).map(|id| Note { id, ..Note::default() }).collect()
}

fn kinds(folder: &Path, kinds: &[Kind], count: usize, dimensions: usize) -> Outcome<()> {
    let mixture = Mixture::new(dimensions, 500, 1);
    let (rows, queries) = (mixture.rows(count, 0), mixture.rows(QUERIES, 1));
    let flat = Vectors::build(Kind::Flat, dimensions, &rows)?;
    let truth: Vec<Vec<u32>> = queries
        .chunks_exact(dimensions)
        .map(|query| Ok(flat.search(query, WANTED)?.iter().map(|it| it.0).collect()))
        .collect::<Outcome<_>>()?;
    drop(flat);
    println!("{count} vectors of {dimensions}, {QUERIES} queries, one thread");
    println!("kind      recall@10   p50 ms   p99 ms  build s  publish ms      MB  us/add");
    for kind in kinds {
        let begin = Instant::now();
        let mut vectors = Vectors::build(*kind, dimensions, &rows)?;
        let build = begin.elapsed();
        let silo = folder.join(kind.name());
        let notes = notes(count);
        let space = space(dimensions);
        let draft =
            Draft { space: &space, span: 1, number: 1, last_id: count as u64, vectors: &vectors, notes: &notes };
        let begin = Instant::now();
        let generation = Generation::publish(&silo, &draft)?;
        let publish = begin.elapsed();
        let mut found = 0;
        let mut times = Vec::new();
        for (query, truth) in queries.chunks_exact(dimensions).zip(&truth) {
            let begin = Instant::now();
            let answer = generation.vectors().search(query, WANTED)?;
            times.push(begin.elapsed());
            found += answer.iter().filter(|(position, _)| truth.contains(position)).count();
        }
        let begin = Instant::now();
        let more = mixture.rows(1_000, 2);
        let making = begin.elapsed();
        vectors.add(&more)?;
        let adding = begin.elapsed() - making;
        let recall = found as f64 / (QUERIES * WANTED) as f64;
        println!(
            "{:9} {recall:9.4} {:8.3} {:8.3} {:8.1} {:11.0} {:7.1} {:7.0}",
            kind.name(),
            percentile(&mut times, 50),
            percentile(&mut times, 99),
            build.as_secs_f64(),
            milliseconds(publish),
            generation.bytes() as f64 / 1e6,
            adding.as_secs_f64() * 1e3,
        );
        drop((generation, vectors));
        for how in ["cold", "mapped", "loaded"] {
            let program = std::env::current_exe()?;
            let arguments = ["open".to_string(), count.to_string(), dimensions.to_string()];
            Command::new(program).args(arguments).arg(&silo).arg(how).status()?;
        }
        fs::remove_dir_all(&silo)?;
    }
    Ok(())
}

/// Opens a generation, and tells how long that took and how much memory of its own it takes.
fn open(silo: &Path, count: usize, dimensions: usize, how: &str) -> Outcome<()> {
    if how == "cold" {
        for file in fs::read_dir(silo.join("00000001"))? {
            let file = fs::File::open(file?.path())?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    let access = if how == "loaded" { Access::Loaded } else { Access::Mapped };
    let before = anonymous()?;
    let begin = Instant::now();
    let generation = Generation::open_current(silo, &space(dimensions), 1, access)?.ok_or("nothing is there")?;
    let opened = begin.elapsed();
    let query = Mixture::new(dimensions, 500, 1).rows(1, 3);
    let begin = Instant::now();
    generation.vectors().search(&query, WANTED)?;
    let first = begin.elapsed();
    let after = anonymous()?;
    assert_eq!(generation.len(), count);
    println!(
        "          {how:6} open {:6.0} ms, first search {:.3} ms, RssAnon +{:.1} MB",
        milliseconds(opened),
        milliseconds(first),
        after.saturating_sub(before) as f64 / 1e3
    );
    Ok(())
}

/// Asks all seven silos at once, as the role does.
fn silos(folder: &Path, count: usize, dimensions: usize, fresh: usize) -> Outcome<()> {
    let space = space(dimensions);
    let mut silos = Vec::new();
    for span in SPANS {
        let mixture = Mixture::new(dimensions, 500, u64::from(span));
        let vectors = Vectors::build(Kind::for_size(count), dimensions, &mixture.rows(count, 0))?;
        let notes = notes(count);
        let draft = Draft { space: &space, span, number: 1, last_id: count as u64, vectors: &vectors, notes: &notes };
        let silo = Silo::new(space.clone(), span);
        silo.use_generation(Generation::publish(&folder.join(span.to_string()), &draft)?);
        let rows = mixture.rows(fresh, 2);
        let entries = (count as u64 + 1..).map(|id| Note { id, ..Note::default() });
        let entries: Vec<_> = entries.zip(rows.chunks_exact(dimensions).map(<[f32]>::to_vec)).collect();
        silo.add(&entries)?;
        silos.push((Arc::new(silo), mixture.rows(QUERIES, 1)));
    }
    let mut alone = Vec::new();
    for question in 0..QUERIES {
        let begin = Instant::now();
        for (silo, queries) in &silos {
            silo.search(&queries[question * dimensions..][..dimensions], WANTED)?;
        }
        alone.push(begin.elapsed());
    }
    println!("one thread, one silo after the other: p50 {:.3} ms", percentile(&mut alone, 50));
    let searchers = Searchers::start()?;
    let mut times = Vec::new();
    for question in 0..QUERIES {
        let query = |queries: &Vec<f32>| queries[question * dimensions..][..dimensions].to_vec();
        let probes = silos.iter().map(|(silo, queries)| (silo.clone(), query(queries))).collect();
        let begin = Instant::now();
        let answer = searchers.ask_and_wait(probes, WANTED, Duration::from_millis(20));
        times.push(begin.elapsed());
        assert!(answer.faults.is_empty(), "{:?}", answer.faults);
    }
    println!(
        "seven silos of {count} ({} in all) and {fresh} fresh each: p50 {:.3} ms, p90 {:.3} ms, p99 {:.3} ms, most {:.3} ms",
        Kind::for_size(count).name(),
        percentile(&mut times, 50),
        percentile(&mut times, 90),
        percentile(&mut times, 99),
        percentile(&mut times, 100)
    );
    Ok(())
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len() - 1);
    milliseconds(times[at])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Anonymous memory of this process, in kilobytes.
fn anonymous() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.split_ascii_whitespace().next().ok_or("no number")?.parse()?)
}
