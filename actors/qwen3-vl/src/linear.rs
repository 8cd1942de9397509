//! Products with weights, whatever precision the weights are kept in.
//!
//! On a CPU all arithmetic is in single precision: weights of half the size stay as they are in memory, and are widened a
//! block of rows at a time while they are used. A whole layer is never widened at once, so the memory that a network needs is
//! that of its weights as saved. On a graphics card arithmetic is in the precision of the weights.

use crate::product::{VECTORS_MAX, product};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// How many numbers of a weight are widened at once: few enough to stay in a core's cache until they are used.
const WIDENED_MAX: usize = 1 << 18;

/// A matrix, and what is added to its product.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Loads `weight` of shape `[to, from]`, and `bias` of shape `[to]` where there is one.
    pub(crate) fn load(vb: &VarBuilder, from: usize, to: usize, has_bias: bool) -> Result<Self> {
        let weight = vb.get_with_hints((to, from), "weight", spread(from))?;
        let bias = has_bias.then(|| bias(vb, to)).transpose()?;
        Ok(Self { weight, bias })
    }

    /// From a weight that is in use elsewhere, `[to, from]`.
    pub(crate) fn of(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
    }

    /// The product with each of `x`, `[.., from]`: `[.., to]`, in the precision of `x`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (to, from) = self.weight.dims2()?;
        let mut shape = x.dims().to_vec();
        let rows = x.elem_count() / from;
        let x = x.reshape((rows, from))?;
        let product = if x.device().is_cpu() && (1..=VECTORS_MAX).contains(&rows) {
            product(&x.contiguous()?, &self.weight)?
        } else if x.dtype() == self.weight.dtype() {
            x.matmul(&self.weight.t()?)?
        } else {
            self.widened(&x, to, from)?
        };
        let product = match &self.bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        if let Some(last) = shape.last_mut() {
            *last = to;
        }
        product.reshape(shape)
    }

    fn widened(&self, x: &Tensor, to: usize, from: usize) -> Result<Tensor> {
        let step = (WIDENED_MAX / from).max(1);
        let mut blocks = Vec::with_capacity(to.div_ceil(step));
        for start in (0..to).step_by(step) {
            let block = self.weight.narrow(0, start, step.min(to - start))?.to_dtype(x.dtype())?;
            blocks.push(x.matmul(&block.t()?)?);
        }
        Tensor::cat(&blocks, 1)
    }
}

/// Loads the bias `[to]` in the precision of arithmetic.
pub(crate) fn bias(vb: &VarBuilder, to: usize) -> Result<Tensor> {
    vb.get_with_hints(to, "bias", Init::Const(0.0))?.to_dtype(arithmetic(vb.dtype(), vb.device()))
}

/// The precision that hidden states have where weights are kept as `kept`.
pub(crate) fn arithmetic(kept: DType, device: &Device) -> DType {
    if device.is_cpu() { DType::F32 } else { kept }
}

/// How random weights spread, so that a product is about as large as what went in.
pub(crate) fn spread(from: usize) -> Init {
    Init::Randn { mean: 0.0, stdev: (from as f64).sqrt().recip() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::tests::whole_numbers;

    #[test]
    fn widening_block_by_block_gives_what_widening_at_once_gives() -> Result<()> {
        let weight = whole_numbers(700, 800)?.to_dtype(DType::BF16)?;
        let x = whole_numbers(60, 800)?.reshape((2, 30, 800))?;
        let kept = Linear::of(weight.clone(), None).forward(&x)?;
        let whole = Linear::of(weight.to_dtype(DType::F32)?, None).forward(&x)?;
        assert!(kept.to_vec3::<f32>()? == whole.to_vec3::<f32>()?);
        Ok(())
    }
}
