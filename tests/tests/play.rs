//! How well the agent plays, and that it goes on playing.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use tests::{Program, Scratch};
use wire::event::Event;

/// The most that the process of the skills may take, scripts included.
const SKILLS_KIB_MAX: u64 = 64 << 10;

/// Games at a time.
const GAMES: usize = 2;

/// Plays one life of a seed; gives the highest floor it reached.
fn best_floor(brain: &str, seed: u32, floors: u32, steps: Option<u32>) -> u32 {
    let (seed, floors) = (seed.to_string(), floors.to_string());
    let mut arguments = vec!["--brain", brain, "--seed", &seed, "--floors", &floors, "--one-life"];
    arguments.extend(["--pace", "unthrottled", "--quiet"]);
    let steps = steps.map(|steps| steps.to_string());
    arguments.extend(steps.iter().flat_map(|steps| ["--steps", steps]));
    let finished = Program::run(&arguments).finish();
    assert!(finished.count("RunEnded") == 1, "seed {seed}: {}", finished.stderr);
    finished.floors().into_iter().max().unwrap_or_default()
}

/// The floor that each of these seeds reaches.
fn floors_of(seeds: RangeInclusive<u32>, play: impl Fn(u32) -> u32 + Sync) -> Vec<(u32, u32)> {
    let next = AtomicU32::new(*seeds.start());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..GAMES {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
                    let floor = play(seed);
                    results.lock().expect("no game panics").push((seed, floor));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no game panics");
    results.sort();
    results
}

#[test]
fn the_planner_reaches_floor_ten_in_nine_lives_of_ten() {
    let (seeds, needed) = if tests::is_soak() { (1..=50, 45) } else { (1..=10, 9) };
    let results = floors_of(seeds, |seed| best_floor("planner", seed, 10, None));
    let reached = results.iter().filter(|(_, floor)| *floor >= 10).count();
    println!("planner: {reached} of {} reached floor 10: {results:?}", results.len());
    assert!(reached >= needed, "{reached} of {} reached floor 10: {results:?}", results.len());
}

#[test]
fn a_random_player_hardly_ever_reaches_floor_three() {
    let (seeds, allowed) = if tests::is_soak() { (1..=50, 4) } else { (1..=10, 1) };
    let results = floors_of(seeds, |seed| best_floor("random", seed, 3, Some(3_000)));
    let reached = results.iter().filter(|(_, floor)| *floor >= 3).count();
    println!("random: {reached} of {} reached floor 3: {results:?}", results.len());
    assert!(reached <= allowed, "{reached} of {} reached floor 3: {results:?}", results.len());
}

/// Resident memory, in KiB, and open descriptors of a process.
fn footprint(pid: u32) -> (u64, usize) {
    (tests::status_kib(pid, "VmRSS"), std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process lives").count())
}

#[test]
fn memory_and_descriptors_stay_flat_over_many_steps() {
    let steps: u64 = if tests::is_soak() { 100_000 } else { 6_000 };
    // Silos grow until they hold what they may; small ones do so before anything is measured.
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[indexes]\ncapacity = 100\nfold_at = 64\n");
    let config = config.to_str().expect("a temporary path is text");
    let endless = ["--floors", "0", "--steps", "1000000", "--pace", "unthrottled", "--quiet"];
    let program = Program::run(&[&endless[..], &["--emulator", "libretro", "--config", config]].concat());
    let mut processes: Vec<(&str, u32)> =
        ["emulator-bridge", "actors", "indexes", "skills"].map(|role| (role, program.role(role, 0))).to_vec();
    processes.push(("agent", program.pid()));
    // Folding a silo and writing a checkpoint take memory for a moment. What leaks is what is not given back, so the least of
    // the last thousand steps is compared.
    let measure = |last: u64| {
        let mut least = vec![(u64::MAX, 0); processes.len()];
        for step in (last - 1_000..=last).step_by(50) {
            program.wait_for_steps(step);
            for ((_, pid), least) in processes.iter().zip(&mut least) {
                let (kibibytes, descriptors) = footprint(*pid);
                *least = (least.0.min(kibibytes), descriptors);
            }
        }
        least
    };
    // The watchdog is for a program that stands still, so it is wound up again with each thousand steps.
    let wait = |steps: std::ops::Range<u64>| {
        steps.step_by(1_000).for_each(|step| program.wait_for_steps(step));
    };
    // What grows once (buffers, the allocator's arenas, the machines of skills that are seldom used) has grown by then.
    let settled = 12_000;
    wait(1_000..settled);
    let before = measure(settled);
    wait(settled..settled + steps);
    let after = measure(settled + steps);
    let died = program.lines().iter().any(|line| matches!(line.event, Event::ProcessExited { .. }));
    assert!(!died, "a role died meanwhile");
    for (((role, pid), (before_kib, before_fds)), (after_kib, after_fds)) in processes.iter().zip(before).zip(after) {
        println!("{role}: {before_kib} -> {after_kib} KiB, {before_fds} -> {after_fds} descriptors in {steps} steps");
        assert!(after_kib <= before_kib + 1024, "{role} grew from {before_kib} to {after_kib} KiB");
        assert!(*role != "skills" || after_kib <= SKILLS_KIB_MAX, "skills take {after_kib} KiB");
        // A checkpoint may just be being written; its descriptor is closed again, one that leaked is not.
        let back = format!("{role} to have {before_fds} descriptors again instead of {after_fds}");
        tests::wait_for(&back, || (footprint(*pid).1 <= before_fds).then_some(()));
    }
}
