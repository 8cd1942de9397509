//! Vectors to measure with, as embeddings are: unit length, in clusters, with few degrees of freedom.
//!
//! Uniform vectors would tell nothing: in 256 dimensions they are all equally far apart. The same seed gives the same
//! vectors everywhere.

use wire::random::SplitMix64;

/// Degrees of freedom.
const LATENT: usize = 24;
/// Share of noise in each number.
const NOISE: f32 = 0.02;
/// How far vectors lie from the middle of their cluster, where the middles are about 1 apart in each degree of freedom.
const SPREAD: f32 = 0.45;

/// A mixture of clusters.
#[derive(Clone, Debug)]
pub struct Mixture {
    dimensions: usize,
    seed: u64,
    middles: Vec<[f32; LATENT]>,
    /// From the latent space to the vectors' own.
    lens: Vec<f32>,
}

impl Mixture {
    /// A mixture of so many clusters.
    pub fn new(dimensions: usize, clusters: usize, seed: u64) -> Mixture {
        let mut random = SplitMix64(seed);
        let middles = (0..clusters.max(1)).map(|_| std::array::from_fn(|_| normal(&mut random))).collect();
        let lens = (0..LATENT * dimensions).map(|_| normal(&mut random)).collect();
        Mixture { dimensions, seed, middles, lens }
    }

    /// So many vectors, one after the other. Another stream gives other vectors of the same mixture.
    pub fn rows(&self, count: usize, stream: u64) -> Vec<f32> {
        let mut random = SplitMix64(self.seed ^ stream.wrapping_add(1).wrapping_mul(0xD1B5_4A32_D192_ED03));
        let mut rows = Vec::with_capacity(count * self.dimensions);
        for _ in 0..count {
            let middle = &self.middles[random.below(self.middles.len())];
            let place: [f32; LATENT] = std::array::from_fn(|axis| middle[axis] + SPREAD * normal(&mut random));
            let begin = rows.len();
            let scale = (LATENT as f32).sqrt();
            for column in self.lens.chunks_exact(LATENT) {
                let value: f32 = column.iter().zip(&place).map(|(a, b)| a * b).sum();
                rows.push(value + NOISE * scale * normal(&mut random));
            }
            let length = rows[begin..].iter().map(|value| value * value).sum::<f32>().sqrt();
            rows[begin..].iter_mut().for_each(|value| *value /= length);
        }
        rows
    }
}

/// A number of the normal distribution, nearly: a sum of twelve even ones.
pub fn normal(random: &mut SplitMix64) -> f32 {
    let sum: f32 = (0..3)
        .map(|_| random.bits())
        .flat_map(|bits| [0, 16, 32, 48].map(|at| bits >> at & 0xFFFF))
        .map(|it| it as f32 / 65_536.0)
        .sum();
    sum - 6.0
}
