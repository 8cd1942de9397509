//! Training: from pictures and what is so on them to weights.
//!
//! Each part of the network has its own loss and its own draws. Draws are balanced: what is rare (a species, an item, a
//! screen) is drawn as often as what is common. Everything is drawn from a seed, so the same samples give the same weights.

use crate::ReaderError;
use crate::classes::LETTERS;
use crate::network::Network;
use crate::reader::{Reader, WIDTHS};
use adam::Adam;
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use learner::Learner;
use std::collections::HashMap;
use std::path::Path;
use wire::random::SplitMix64;

mod adam;
mod learner;
mod loss;
mod samples;

pub use samples::{Sample, Samples};

/// The learning rate at the start, after a short warm-up, and at the end.
const RATE: f64 = 2e-3;
const RATE_END: f64 = 2e-5;
const WARM_UP_STEPS: u64 = 100;
/// Numbers that are not weights, in the file of one who goes on later.
const STEP: &str = "trainer.step";
const GENERATOR: &str = "trainer.generator";

/// Trains a network.
pub struct Trainer {
    variables: VarMap,
    learner: Learner,
    optimizer: Adam,
    widths: Vec<f32>,
    generator: SplitMix64,
    step: u64,
    steps: u64,
}

/// How well the last steps went: the loss of each part.
pub type Losses = [f32; 6];

/// The names of the parts, in the order of [`Losses`].
pub const PARTS: [&str; 6] = ["scene", "cell", "map", "line", "letter", "skill"];

impl Trainer {
    /// A network that knows nothing yet. `widths` are the columns of each letter from `!` to `~`, the gap not included.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(seed: u64, steps: u64, widths: &[usize]) -> Result<Trainer, ReaderError> {
        let variables = VarMap::new();
        let learner = Learner::new(&VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
        let mut generator = SplitMix64(seed);
        begin(&variables, &mut generator)?;
        let named = variables.data().lock().expect("nobody panics while holding the lock");
        let optimizer = Adam::new(named.iter().map(|(name, variable)| (name.clone(), variable.clone())).collect())?;
        drop(named);
        let mut all = vec![0.0; LETTERS];
        for (width, columns) in all[1..].iter_mut().zip(widths) {
            *width = *columns as f32;
        }
        Ok(Trainer { variables, learner, optimizer, widths: all, generator, step: 0, steps })
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Learns from some samples.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn learn(&mut self, samples: &Samples) -> Result<Losses, ReaderError> {
        let mut losses = [0.0; PARTS.len()];
        let mut total: Option<Tensor> = None;
        for (part, loss) in losses.iter_mut().enumerate() {
            if let Some(value) = loss::of(part, &self.learner, samples, &mut self.generator, self.step)? {
                *loss = value.to_scalar::<f32>()?;
                total = Some(match total {
                    Some(total) => (total + value)?,
                    None => value,
                });
            }
        }
        if let Some(total) = total {
            self.optimizer.step(&total.backward()?, rate(self.step, self.steps))?;
        }
        self.step += 1;
        Ok(losses)
    }

    /// A reader with the weights as they are now.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn reader(&self) -> Result<Reader, ReaderError> {
        Ok(Reader::with(self.network()?, self.widths.iter().map(|width| *width as usize).collect()))
    }

    fn network(&self) -> Result<Network, ReaderError> {
        let named = self.variables.data().lock().expect("nobody panics while holding the lock");
        Network::new(|name| Some(named.get(name)?.as_tensor().clone()))
    }

    /// Writes the weights. With `to_go_on`, also what is needed to go on later from here as if nothing had happened.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path, to_go_on: bool) -> Result<(), ReaderError> {
        let mut tensors = HashMap::new();
        for (name, variable) in self.variables.data().lock().expect("nobody panics while holding the lock").iter() {
            tensors.insert(name.clone(), variable.as_tensor().clone());
        }
        tensors.insert(WIDTHS.to_string(), Tensor::new(self.widths.as_slice(), &Device::Cpu)?);
        if to_go_on {
            let numbers = |value: u64| Tensor::new(&[(value >> 32) as u32, value as u32], &Device::Cpu);
            tensors.insert(STEP.to_string(), numbers(self.step)?);
            tensors.insert(GENERATOR.to_string(), numbers(self.generator.0)?);
            tensors.extend(self.optimizer.means());
        }
        let partial = path.with_extension("partial");
        candle_core::safetensors::save(&tensors, &partial)?;
        std::fs::rename(&partial, path).map_err(|error| ReaderError::Weights(format!("{}: {error}", path.display())))
    }

    /// Goes on from what [`Trainer::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read, or is of something else; nothing has changed then.
    pub fn resume(&mut self, path: &Path) -> Result<(), ReaderError> {
        let unusable = |error: candle_core::Error| ReaderError::Weights(format!("{}: {error}", path.display()));
        let tensors = candle_core::safetensors::load(path, &Device::Cpu).map_err(unusable)?;
        let number = |name: &str| {
            let found = tensors.get(name).and_then(|tensor| tensor.to_vec1::<u32>().ok());
            match found.as_deref() {
                Some([high, low]) => Ok(u64::from(*high) << 32 | u64::from(*low)),
                _ => Err(ReaderError::Weights(format!("{}: it does not say {name}", path.display()))),
            }
        };
        let (step, generator) = (number(STEP)?, number(GENERATOR)?);
        let data = self.variables.data().lock().expect("nobody panics while holding the lock");
        let missing = |name: String| ReaderError::Weights(format!("{}: {name} is not there", path.display()));
        for (name, variable) in data.iter() {
            tensors.get(name).filter(|found| found.shape() == variable.shape()).ok_or_else(|| missing(name.clone()))?;
        }
        self.optimizer.resume(step, &tensors).map_err(missing)?;
        for (name, variable) in data.iter() {
            variable.set(&tensors[name]).map_err(unusable)?;
        }
        drop(data);
        (self.step, self.generator) = (step, SplitMix64(generator));
        Ok(())
    }
}

/// Draws the first weights: layers begin with values that keep the size of what passes through them.
fn begin(variables: &VarMap, generator: &mut SplitMix64) -> candle_core::Result<()> {
    let data = variables.data().lock().expect("nobody panics while holding the lock");
    let mut names: Vec<&String> = data.keys().collect();
    names.sort();
    for name in names {
        let variable = &data[name];
        let shape = variable.shape().clone();
        let bound = match shape.dims() {
            [_, inputs] => (6.0 / *inputs as f64).sqrt(),
            _ => 0.0,
        };
        let values: Vec<f32> = (0..shape.elem_count())
            .map(|_| ((generator.bits() >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0) * bound)
            .map(|value| value as f32)
            .collect();
        variable.set(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
    }
    Ok(())
}

fn rate(step: u64, steps: u64) -> f64 {
    let warm = (step + 1) as f64 / WARM_UP_STEPS as f64;
    let way = (step as f64 / steps.max(1) as f64).min(1.0);
    let cosine = RATE_END + (RATE - RATE_END) * 0.5 * (1.0 + (std::f64::consts::PI * way).cos());
    cosine * warm.min(1.0)
}

#[cfg(test)]
mod tests;
