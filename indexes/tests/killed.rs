//! A process that keeps experience is killed at whatever moment: all that it had acknowledged is there, and every file is
//! whole. The process is this test's own executable, started again.

use indexes::archive::{Archive, ArchiveOptions, OpenSpace, Report};
use indexes::keeper::Keeper;
use indexes::synthetic::normal;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::event::Event;
use wire::random::SplitMix64;
use wire::recall::{Memory, NewMemory, Outcome, Space};

const DIMENSIONS: usize = 16;
const SPANS: [u32; 3] = [1, 8, 64];
const FOLDER: &str = "POCKETPILOT_TEST_FOLDER";
const FIRST: &str = "POCKETPILOT_TEST_FIRST";
const CAPACITY: &str = "POCKETPILOT_TEST_CAPACITY";
/// Lives that a folder sees before the next one begins.
const LIVES: u64 = 20;
/// So many of the newest memories of a silo are never forgotten here.
const NEWEST: usize = 50;

fn space() -> Space {
    Space { name: "state1-16-burrow".to_string(), dimensions: DIMENSIONS as u32 }
}

fn options(capacity: usize, report: Report) -> ArchiveOptions {
    ArchiveOptions { is_writable: true, kind: None, capacity, fold_at: 32, report }
}

/// A memory like no other, the same for the same number.
fn memory(number: u64) -> NewMemory {
    let mut random = SplitMix64(number);
    let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| normal(&mut random)).collect();
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    let memory = Memory {
        span: SPANS[random.below(SPANS.len())],
        trajectory: 1,
        step: number,
        // A day apart, so that the newest outweigh what is older and was seen more often.
        time_s: 1_700_000_000 + number * 86_400,
        picture: random.bits(),
        skill: format!("skill {}", number % 9),
        outcome: Outcome { hp_lost: 1, ..Outcome::default() },
        ..Memory::default()
    };
    NewMemory { memory, vector, detail: Vec::new() }
}

/// The process that is killed: keeps memories, folds, publishes and forgets, and says which memories are kept.
#[test]
#[ignore = "it is started by the others"]
fn keep_experience_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let number = |name| std::env::var(name).expect("it is set").parse::<u64>().expect("it is a number");
    let archive = Archive::open(Path::new(&folder), &options(number(CAPACITY) as usize, Report::default()));
    let archive = Arc::new(archive.expect("it opens"));
    let open = archive.open_space(&space()).expect("it opens");
    let _keeper = Keeper::start(archive.clone()).expect("it starts");
    let mut next = number(FIRST);
    let mut random = SplitMix64(next);
    loop {
        let end = next + 1 + random.below(24) as u64;
        let mut batch: Vec<NewMemory> = (next..end).map(memory).collect();
        // What was seen before is counted, so that there are revisions as well.
        batch.extend((next > 40).then(|| memory(next - 1 - random.below(40) as u64)));
        archive.remember(&open, batch).expect("they are kept");
        let mut output = std::io::stdout().lock();
        writeln!(output, "\nkept {next} {end}").and_then(|()| output.flush()).expect("somebody listens");
        next = end;
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One life: gives what was acknowledged before it was ended, after so long.
fn live(folder: &Path, first: u64, capacity: usize, lifetime: Duration) -> Vec<u64> {
    let program = std::env::current_exe().expect("it has a path");
    let mut command = Command::new(program);
    command.args(["--exact", "keep_experience_until_killed", "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env(FIRST, first.to_string()).env(CAPACITY, capacity.to_string());
    command.env("OMP_NUM_THREADS", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let output = child.stdout.take().expect("it is piped");
    let (sender, lines) = channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let end = Instant::now() + lifetime;
    let mut kept = Vec::new();
    let mut note = |line: String| {
        let numbers: Option<(u64, u64)> = line.strip_prefix("kept ").and_then(|rest| {
            let (from, to) = rest.split_once(' ')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        });
        kept.extend(numbers.into_iter().flat_map(|(from, to)| from..to));
    };
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => note(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("it ended of its own accord: {:?}", child.wait()),
        }
    }
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    reader.join().expect("it reads to the end");
    lines.try_iter().for_each(note);
    kept
}

/// Opens what a life left, and compares it with what was acknowledged.
fn examine(folder: &Path, capacity: usize, acknowledged: &[u64], is_kept_up: bool) {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let ear = refused.clone();
    let report = Report::to(move |event| {
        if matches!(event, Event::GenerationRefused { .. }) {
            ear.lock().expect("nobody panics").push(event);
        }
    });
    let archive = Archive::open(folder, &options(capacity, report)).expect("it opens");
    assert_eq!(archive.verify(&mut |_| {}).expect("it is read"), []);
    let open = archive.open_space(&space()).expect("it opens");
    assert!(refused.lock().expect("nobody panics").is_empty(), "{refused:?}");
    if is_kept_up {
        archive.keep_up().expect("it is kept up");
        assert_eq!(archive.verify(&mut |_| {}).expect("it is read"), []);
    }
    for span in SPANS {
        let own = acknowledged.iter().copied().filter(|number| memory(*number).memory.span == span);
        let own: Vec<u64> = own.collect();
        let newest = if own.len() > capacity / 2 { own.len().saturating_sub(NEWEST) } else { 0 };
        examine_silo(&archive, &open, span, &own[newest..], is_kept_up);
    }
}

fn examine_silo(archive: &Archive, open: &OpenSpace, span: u32, expected: &[u64], is_kept_up: bool) {
    let mut stored = HashSet::new();
    let visit = &mut |whole: indexes::archive::inspect::WholeMemory| {
        let new = memory(whole.memory.step);
        assert_eq!((whole.vector, whole.memory.picture), (new.vector, new.memory.picture));
        assert!(stored.insert(whole.memory.step), "a memory is kept twice");
        Ok(())
    };
    archive.each_memory(&space(), span, visit).expect("they are visited");
    for number in expected {
        assert!(stored.contains(number), "memory {number} of span {span} was acknowledged and is not there");
    }
    if is_kept_up {
        let silo = &open.shelf(span).expect("there is one").silo;
        assert_eq!(silo.len(), stored.len(), "silo and store hold the same");
        for number in expected {
            let found = silo.distance_to_nearest(&memory(*number).vector).expect("it is searched");
            assert!(found.is_some_and(|(_, note)| note.step == *number), "memory {number} is not found");
        }
    }
}

fn kill(times: u64, seed: u64) {
    println!("seed {seed}");
    let mut random = SplitMix64(seed);
    let (mut first, mut acknowledged, mut total, mut published) = (1, Vec::new(), 0, 0);
    let mut folder = None;
    for life in 0..times {
        if life % LIVES == 0 {
            let name = format!("pocketpilot-killed-{}-{seed}-{life}", std::process::id());
            folder = Some(Folder(std::env::temp_dir().join(name)));
            acknowledged.clear();
        }
        let path = &folder.as_ref().expect("it was made").0;
        // In every other folder memories are forgotten as well.
        let capacity = if (life / LIVES).is_multiple_of(2) { 1_000_000 } else { 300 };
        let lifetime = Duration::from_millis(1 + random.below(250) as u64);
        let kept = live(path, first, capacity, lifetime);
        total += kept.len();
        first = kept.last().map_or(first, |last| last + 1) + 1_000;
        acknowledged.extend(kept);
        let is_kept_up = random.below(3) == 0;
        examine(path, capacity, &acknowledged, is_kept_up);
        published += generations(path);
    }
    println!("{times} kills, {total} memories acknowledged, none lost; {published} generations seen");
}

/// The sum of the numbers of the newest generations, as a sign that the lives did what they are for.
fn generations(folder: &Path) -> u64 {
    let current = |span: &u32| fs::read_to_string(folder.join(format!("{}/{span:02}/CURRENT", space().name))).ok();
    let number = |text: String| text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
    SPANS.iter().filter_map(current).filter_map(number).sum()
}

#[test]
fn what_was_acknowledged_survives_every_death_of_the_process() {
    kill(20, u64::from(std::process::id()));
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_kills_lose_nothing_that_was_acknowledged() {
    kill(1_000, 1);
}
