//! Percentiles of durations in bounded memory: exact below 1 ms, within 1.6 % above.

/// Counts of durations in microseconds.
#[derive(Clone, Debug)]
pub struct Quantiles {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

const EXACT_US: u64 = 1_024;
const BUCKETS_PER_DOUBLING: u64 = 64;
const DOUBLINGS: u64 = 22;

impl Default for Quantiles {
    fn default() -> Quantiles {
        let buckets = EXACT_US + BUCKETS_PER_DOUBLING * DOUBLINGS;
        Quantiles { counts: vec![0; buckets as usize], total: 0, max_us: 0 }
    }
}

impl Quantiles {
    /// Adds one duration.
    pub fn add(&mut self, duration_us: u64) {
        let bucket = bucket_of(duration_us).min(self.counts.len() - 1);
        self.counts[bucket] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(duration_us);
    }

    /// The 50th and 99th percentile and the maximum; zeros when nothing was added.
    pub fn summary(&self) -> (u64, u64, u64) {
        (self.at(50), self.at(99), self.max_us)
    }

    /// How many were added.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.max_us = 0;
    }

    /// A percentile; 0 when nothing was added.
    pub fn at(&self, percent: u64) -> u64 {
        let rank = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return value_of(bucket).min(self.max_us);
            }
        }
        self.max_us
    }
}

fn bucket_of(duration_us: u64) -> usize {
    if duration_us < EXACT_US {
        return duration_us as usize;
    }
    let doubling = u64::from(duration_us.ilog2()) - u64::from(EXACT_US.ilog2());
    let base = EXACT_US << doubling;
    let within = (duration_us - base) * BUCKETS_PER_DOUBLING / base;
    (EXACT_US + doubling * BUCKETS_PER_DOUBLING + within) as usize
}

fn value_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_US {
        return bucket;
    }
    let (doubling, within) = ((bucket - EXACT_US) / BUCKETS_PER_DOUBLING, (bucket - EXACT_US) % BUCKETS_PER_DOUBLING);
    let base = EXACT_US << doubling;
    base + base * within / BUCKETS_PER_DOUBLING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_below_a_millisecond_and_close_above() {
        let mut quantiles = Quantiles::default();
        (1..=100).for_each(|duration| quantiles.add(duration));
        assert_eq!(quantiles.summary(), (50, 99, 100));
        quantiles.clear();
        [10_000, 10_000, 2_000_000].into_iter().for_each(|duration| quantiles.add(duration));
        let (p50, p99, max) = quantiles.summary();
        assert!((9_840..=10_000).contains(&p50), "p50 is {p50}");
        assert!((1_968_000..=2_000_000).contains(&p99), "p99 is {p99}");
        assert_eq!(max, 2_000_000);
    }
}
