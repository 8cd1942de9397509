//! AdamW (Loshchilov, Hutter 2019), with its running means in reach, so that a training that was cut short goes on exactly where it
//! was.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use std::collections::HashMap;

const MEAN_DECAY: f64 = 0.9;
const SQUARE_DECAY: f64 = 0.999;
const SMALLEST: f64 = 1e-8;
const WEIGHT_DECAY: f64 = 1e-4;

/// Changes weights by their gradients. It goes through them in the order of their names, so that training can be repeated.
pub(super) struct Adam {
    weights: Vec<Weight>,
    steps: u64,
}

struct Weight {
    name: String,
    variable: Var,
    mean: Tensor,
    square: Tensor,
}

impl Adam {
    pub(super) fn new(mut named: Vec<(String, Var)>) -> Result<Adam> {
        named.sort_by(|left, right| left.0.cmp(&right.0));
        let weights = named.into_iter().map(|(name, variable)| {
            let (mean, square) = (variable.zeros_like()?, variable.zeros_like()?);
            Ok(Weight { name, variable, mean, square })
        });
        Ok(Adam { weights: weights.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step at this rate. A weight without a gradient stays.
    pub(super) fn step(&mut self, gradients: &GradStore, rate: f64) -> Result<()> {
        self.steps += 1;
        let mean_scale = 1.0 / (1.0 - MEAN_DECAY.powf(self.steps as f64));
        let square_scale = 1.0 / (1.0 - SQUARE_DECAY.powf(self.steps as f64));
        for weight in &mut self.weights {
            let Some(gradient) = gradients.get(weight.variable.as_tensor()) else { continue };
            let gradient = gradient.detach();
            weight.mean = ((&weight.mean * MEAN_DECAY)? + (&gradient * (1.0 - MEAN_DECAY))?)?;
            weight.square = ((&weight.square * SQUARE_DECAY)? + (gradient.sqr()? * (1.0 - SQUARE_DECAY))?)?;
            let size = ((&weight.square * square_scale)?.sqrt()? + SMALLEST)?;
            let change = ((&weight.mean * mean_scale)? / size)?;
            let kept = (weight.variable.as_tensor() * (1.0 - rate * WEIGHT_DECAY))?;
            weight.variable.set(&(kept - (change * rate)?)?)?;
        }
        Ok(())
    }

    /// The running means, under names that say so.
    pub(super) fn means(&self) -> impl Iterator<Item = (String, Tensor)> {
        self.weights.iter().flat_map(|weight| {
            let [mean, square] = names(&weight.name);
            [(mean, weight.mean.clone()), (square, weight.square.clone())]
        })
    }

    /// Takes up what [`Adam::means`] gave after so many steps; the name of what is missing otherwise.
    pub(super) fn resume(&mut self, steps: u64, means: &HashMap<String, Tensor>) -> std::result::Result<(), String> {
        let found = |name: String, like: &Tensor| {
            means.get(&name).filter(|mean| mean.shape() == like.shape()).cloned().ok_or(name)
        };
        let mut taken = Vec::new();
        for weight in &self.weights {
            let [mean, square] = names(&weight.name);
            taken.push((found(mean, &weight.mean)?, found(square, &weight.square)?));
        }
        for (weight, (mean, square)) in self.weights.iter_mut().zip(taken) {
            (weight.mean, weight.square) = (mean, square);
        }
        self.steps = steps;
        Ok(())
    }
}

fn names(weight: &str) -> [String; 2] {
    [format!("trainer.mean.{weight}"), format!("trainer.square.{weight}")]
}
