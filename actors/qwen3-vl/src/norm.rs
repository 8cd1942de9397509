//! The two norms. Both are computed in single precision, whatever precision goes in and comes out.

use candle_core::{DType, Result, Tensor};
use candle_nn::{Init, VarBuilder, ops};

/// Division by the root of the mean square, and a weight.
#[derive(Clone, Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    /// Loads `weight` of shape `[width]`.
    pub(crate) fn load(vb: &VarBuilder, width: usize, epsilon: f64) -> Result<Self> {
        let weight = vb.get_with_hints(width, "weight", Init::Const(1.0))?.to_dtype(DType::F32)?;
        Ok(Self { weight, epsilon: epsilon as f32 })
    }

    /// Norms the last dimension.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?.contiguous()?;
        ops::rms_norm(&wide, &self.weight, self.epsilon)?.to_dtype(x.dtype())
    }
}

/// Mean and deviation taken away, a weight and a bias.
#[derive(Clone, Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// What every norm of the vision tower adds to its variances.
    const EPSILON: f32 = 1e-6;

    /// Loads `weight` and `bias` of shape `[width]`.
    pub(crate) fn load(vb: &VarBuilder, width: usize) -> Result<Self> {
        let weight = vb.get_with_hints(width, "weight", Init::Const(1.0))?.to_dtype(DType::F32)?;
        let bias = vb.get_with_hints(width, "bias", Init::Const(0.0))?.to_dtype(DType::F32)?;
        Ok(Self { weight, bias })
    }

    /// Norms the last dimension.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?.contiguous()?;
        ops::layer_norm(&wide, &self.weight, &self.bias, Self::EPSILON)?.to_dtype(x.dtype())
    }
}
