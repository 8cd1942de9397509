//! How long to wait before a request is sent again: twice as long each time, and anywhere below that, so that those that
//! failed together do not come back together ("full jitter").

use std::time::Duration;
use wire::random::SplitMix64;

/// Below this is waited before the second attempt.
const FIRST: Duration = Duration::from_millis(100);
/// Below this is waited before any.
const LONGEST: Duration = Duration::from_secs(5);

/// How often one question is sent at most.
pub const ATTEMPTS_MAX: u32 = 8;

/// The wait after so many attempts, the first being 1.
pub fn wait(attempts: u32, retry_after: Option<Duration>, random: &mut SplitMix64) -> Duration {
    let below = FIRST.saturating_mul(1 << (attempts.saturating_sub(1)).min(16)).min(LONGEST);
    let jitter = Duration::from_micros(random.below(below.as_micros() as usize + 1) as u64);
    jitter.max(retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_differ() {
        let mut random = SplitMix64(7);
        for (attempts, below_ms) in [(1, 100), (2, 200), (3, 400), (6, 3_200), (7, 5_000), (60, 5_000)] {
            let waits: Vec<Duration> = (0..400).map(|_| wait(attempts, None, &mut random)).collect();
            let longest = waits.iter().max().expect("there are some").as_millis();
            let shortest = waits.iter().min().expect("there are some").as_millis();
            assert!(longest <= below_ms && longest > below_ms * 9 / 10, "{attempts}: {longest} ms");
            assert!(shortest < below_ms / 10, "{attempts}: {shortest} ms");
        }
    }

    #[test]
    fn what_the_server_asks_for_is_waited_at_least() {
        let mut random = SplitMix64(7);
        let asked = Duration::from_secs(3);
        assert!((1..9).all(|attempts| wait(attempts, Some(asked), &mut random) >= asked));
    }
}
