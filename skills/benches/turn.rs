//! How long a turn takes: a script that looks, finds the way to the unknown and steps. Prints the median and the 99th
//! percentile; asserts nothing about time.

use skills::exercise::{Exercise, SCRIPT, SOURCE, skill};
use skills::rehearsal::rehearse;
use std::path::Path;
use std::time::Instant;

const TURNS: u64 = 20_000;

fn main() {
    report("compile and check", 1_000, || {
        skills::script::compile(Path::new(SCRIPT), SOURCE).expect("the script compiles");
    });
    let skill = skill();
    report("rehearsal", 200, || rehearse(&skill, &|_| None).expect("the script plays along"));
    let mut exercise = Exercise::new();
    report("turn", TURNS, || drop(exercise.turn()));
    // Between two turns of a game, an emulator has the caches for a while.
    let mut elsewhere = vec![0u8; 24 << 20];
    let mut spent = Vec::new();
    for _ in 0..2_000 {
        elsewhere.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        std::thread::sleep(std::time::Duration::from_millis(1));
        let begun = Instant::now();
        let turned = exercise.turn();
        spent.push(begun.elapsed().as_nanos());
        drop(turned);
    }
    spent.sort_unstable();
    println!("turn after a pause: p50 {:.1} us, p99 {:.1} us", spent[1_000] as f64 / 1e3, spent[1_980] as f64 / 1e3);
    println!("machines: {} KiB", exercise.bytes() >> 10);
}

fn report(what: &str, times: u64, mut run: impl FnMut()) {
    let mut spent: Vec<u128> = (0..times)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_nanos()
        })
        .collect();
    spent.sort_unstable();
    let at = |percent: usize| spent[(spent.len() - 1) * percent / 100] as f64 / 1000.0;
    println!("{what}: p50 {:.1} us, p99 {:.1} us", at(50), at(99));
}
