//! How long decoding the largest floor takes: `cargo bench -p actors --bench decode`.

use actors::decode::Decoder;
use actors::decode::largest_floor::full_snapshot;
use actors::profile::Profiles;
use std::hint::black_box;
use std::time::Instant;
use wire::observation::Observation;

const ROUNDS: usize = 20_000;
/// Enough to see that it works, when it is run as a test.
const ROUNDS_OF_TEST: usize = 10;

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { ROUNDS_OF_TEST };
    let profiles = Profiles::built_in();
    let snapshot = full_snapshot();
    for is_fair in [true, false] {
        let mut decoder = Decoder::new(profiles.named("burrow").expect("a built-in profile"), is_fair);
        let mut observation = Observation::default();
        let mut times_ns: Vec<u128> = (0..rounds)
            .map(|_| {
                let start = Instant::now();
                decoder.decode(black_box(&snapshot), &mut observation).expect("the largest floor is valid");
                black_box(&observation);
                start.elapsed().as_nanos()
            })
            .collect();
        times_ns.sort_unstable();
        let at = |permille: usize| times_ns[(rounds - 1) * permille / 1000] as f64 / 1000.0;
        println!("fair {is_fair}: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs", at(500), at(990), at(1000));
    }
}
