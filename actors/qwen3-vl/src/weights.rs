//! Weights that come from no file: random ones, spread as each layer asks, for measurements and tests.
//!
//! A tensor depends on the seed and its own name alone. It is made in the precision it is kept in, so that a network needs no
//! more memory while it is made than afterwards, but for a copy of the one tensor that is on its way to another device.

use candle_core::{DType, Device, Error, Result, Shape, Tensor, WithDType};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};

/// Random weights of any shape that is asked for.
pub(crate) fn random<'a>(seed: u64, dtype: DType, device: &Device) -> VarBuilder<'a> {
    VarBuilder::from_backend(Box::new(RandomWeights { seed }), dtype, device.clone())
}

struct RandomWeights {
    seed: u64,
}

impl SimpleBackend for RandomWeights {
    fn get(&self, shape: Shape, name: &str, spread: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let mut random = Random::of(self.seed, name);
        match dtype {
            DType::F32 => tensor::<f32>(&mut random, shape, spread, device),
            DType::BF16 => tensor::<half::bf16>(&mut random, shape, spread, device),
            DType::F16 => tensor::<half::f16>(&mut random, shape, spread, device),
            other => Err(Error::UnsupportedDTypeForOp(other, "random weights")),
        }
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        Err(Error::CannotFindTensor { path: format!("{name}, of a shape that nobody gave") })
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

fn tensor<T: WithDType>(random: &mut Random, shape: Shape, spread: Init, device: &Device) -> Result<Tensor> {
    let count = shape.elem_count();
    let values: Vec<T> = match spread {
        Init::Const(value) => vec![T::from_f64(value); count],
        Init::Randn { mean, stdev } => (0..count).map(|_| T::from_f64(mean + stdev * random.normal())).collect(),
        other => return Err(Error::Msg(format!("no layer spreads its weights like {other:?}"))),
    };
    Tensor::from_vec(values, shape, device)
}

/// SplitMix64: a counter, well mixed.
struct Random(u64);

impl Random {
    fn of(seed: u64, name: &str) -> Self {
        let named = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(seed ^ named)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Nearly normal, mean 0 and deviation 1: the sum of four even numbers of 16 bits each.
    fn normal(&mut self) -> f64 {
        const MEAN: f64 = 2.0 * 65_535.0;
        const DEVIATION: f64 = 37_837.2;
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        (sum as f64 - MEAN) / DEVIATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_weights_spread_as_asked_and_come_again() -> Result<()> {
        let spread = Init::Randn { mean: 0.0, stdev: 0.5 };
        let made = |name: &str| random(7, DType::F32, &Device::Cpu).get_with_hints((200, 300), name, spread);
        let first = made("first")?.flatten_all()?.to_vec1::<f32>()?;
        let mean = first.iter().sum::<f32>() / first.len() as f32;
        let variance = first.iter().map(|value| value * value).sum::<f32>() / first.len() as f32;
        assert!(mean.abs() < 0.01 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
        assert_eq!(first, made("first")?.flatten_all()?.to_vec1::<f32>()?);
        assert_ne!(first, made("second")?.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }
}
