//! A layer of the network as it is when nothing is learned any more: rows of numbers times weights, on one core.
//!
//! The layers are so small that handing them to other threads, or to a general library, takes longer than computing them.

use pulp::{Arch, Simd, WithSimd};
use std::array::from_fn;

/// Outputs that are computed side by side: a multiple of the lanes of every processor.
const PANEL: usize = 16;
/// Rows that are computed side by side.
const ROWS: usize = 6;

/// What is made of a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bend {
    /// They stay as they are.
    None,
    /// Negative ones become zero.
    Relu,
}

/// A layer.
pub(crate) struct Dense {
    inputs: usize,
    outputs: usize,
    /// For each panel of outputs, the biases.
    biases: Vec<[f32; PANEL]>,
    /// For each panel of outputs, for each input, the weights.
    weights: Vec<[f32; PANEL]>,
}

impl Dense {
    /// `weights` are `[outputs, inputs]`, and there is a bias for each output.
    pub(crate) fn new(weights: &[f32], biases: &[f32]) -> Dense {
        let outputs = biases.len();
        let inputs = weights.len() / outputs;
        let panels = outputs.div_ceil(PANEL);
        let mut dense =
            Dense { inputs, outputs, biases: vec![[0.0; PANEL]; panels], weights: vec![[0.0; PANEL]; panels * inputs] };
        for (output, bias) in biases.iter().enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            dense.biases[panel][lane] = *bias;
            let own = &mut dense.weights[panel * inputs..(panel + 1) * inputs];
            for (into, weight) in own.iter_mut().zip(&weights[output * inputs..]) {
                into[lane] = *weight;
            }
        }
        dense
    }

    /// `[rows, inputs]` to `[rows, outputs]`.
    pub(crate) fn apply(&self, rows: &[f32], bend: Bend) -> Vec<f32> {
        let mut sums = vec![0.0; rows.len() / self.inputs * self.outputs];
        Arch::new().dispatch(Product { layer: self, rows, bend, sums: &mut sums });
        sums
    }
}

/// A layer at work.
struct Product<'a> {
    layer: &'a Dense,
    rows: &'a [f32],
    bend: Bend,
    sums: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match PANEL / S::F32_LANES {
            1 => self.compute::<S, 1>(simd),
            2 => self.compute::<S, 2>(simd),
            4 => self.compute::<S, 4>(simd),
            _ => self.compute::<S, PANEL>(simd),
        }
    }
}

impl Product<'_> {
    /// `VECTORS` are those of a panel.
    #[inline(always)]
    fn compute<S: Simd, const VECTORS: usize>(self, simd: S) {
        let Dense { inputs, outputs, biases, weights } = self.layer;
        let (inputs, outputs) = (*inputs, *outputs);
        let together = self.rows.chunks(ROWS * inputs).zip(self.sums.chunks_mut(ROWS * outputs));
        for (rows, sums) in together {
            for (panel, (bias, weights)) in biases.iter().zip(weights.chunks_exact(inputs)).enumerate() {
                let first = panel * PANEL;
                let count = PANEL.min(outputs - first);
                if rows.len() == ROWS * inputs {
                    let made = block::<S, VECTORS, ROWS>(simd, rows, weights, bias, self.bend);
                    for (sums, made) in sums.chunks_exact_mut(outputs).zip(&made) {
                        sums[first..first + count].copy_from_slice(&made[..count]);
                    }
                } else {
                    for (row, sums) in rows.chunks_exact(inputs).zip(sums.chunks_exact_mut(outputs)) {
                        let [made] = block::<S, VECTORS, 1>(simd, row, weights, bias, self.bend);
                        sums[first..first + count].copy_from_slice(&made[..count]);
                    }
                }
            }
        }
    }
}

/// A panel of outputs for `R` rows.
#[inline(always)]
fn block<S: Simd, const VECTORS: usize, const R: usize>(
    simd: S,
    rows: &[f32],
    weights: &[[f32; PANEL]],
    bias: &[f32; PANEL],
    bend: Bend,
) -> [[f32; PANEL]; R] {
    let inputs = weights.len();
    let rows: [&[f32]; R] = from_fn(|row| &rows[row * inputs..][..inputs]);
    let bias = S::as_simd_f32s(bias).0;
    let mut sums: [[S::f32s; VECTORS]; R] = [from_fn(|vector| bias[vector]); R];
    for (input, weights) in weights.iter().enumerate() {
        let weights = S::as_simd_f32s(weights).0;
        let weights: [S::f32s; VECTORS] = from_fn(|vector| weights[vector]);
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = simd.splat_f32s(row[input]);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(value, weight, *sum);
            }
        }
    }
    let mut made = [[0.0; PANEL]; R];
    for (made, sums) in made.iter_mut().zip(sums) {
        for (made, sum) in S::as_mut_simd_f32s(made).0.iter_mut().zip(sums) {
            *made = if bend == Bend::Relu { simd.max_f32s(sum, simd.splat_f32s(0.0)) } else { sum };
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, number by number.
    fn plainly(weights: &[f32], biases: &[f32], rows: &[f32], bend: Bend) -> Vec<f32> {
        let inputs = weights.len() / biases.len();
        let sum = |row: &[f32], output: usize| {
            let products = row.iter().zip(&weights[output * inputs..]).map(|(value, weight)| value * weight);
            let sum = products.sum::<f32>() + biases[output];
            if bend == Bend::Relu { sum.max(0.0) } else { sum }
        };
        rows.chunks_exact(inputs).flat_map(|row| (0..biases.len()).map(move |output| sum(row, output))).collect()
    }

    #[test]
    fn a_layer_is_its_products_whatever_its_size() {
        let mut generator = wire::random::SplitMix64(3);
        let mut numbers =
            |count: usize| -> Vec<f32> { (0..count).map(|_| generator.below(2_000) as f32 / 1e3 - 1.0).collect() };
        for (inputs, outputs, rows) in [(1, 1, 1), (3, 16, 6), (7, 17, 5), (48, 32, 13), (88, 1, 12), (264, 95, 7)] {
            let (weights, biases, values) = (numbers(inputs * outputs), numbers(outputs), numbers(rows * inputs));
            for bend in [Bend::None, Bend::Relu] {
                let made = Dense::new(&weights, &biases).apply(&values, bend);
                let right = plainly(&weights, &biases, &values, bend);
                assert_eq!(made.len(), right.len());
                let furthest = made.iter().zip(&right).map(|(made, right)| (made - right).abs()).fold(0.0, f32::max);
                assert!(furthest < 1e-4, "{inputs} to {outputs}, {rows} rows: {furthest}");
            }
        }
        assert!(Dense::new(&[1.0; 6], &[0.0; 2]).apply(&[], Bend::None).is_empty());
    }
}
