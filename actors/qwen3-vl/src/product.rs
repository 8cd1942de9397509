//! Products of few vectors with a large matrix on a CPU: what every step of an answer consists of.
//!
//! What takes time is reading the matrix, so each of its rows is read once, widened if need be, and multiplied with all vectors.
//! A product does not depend on how many vectors there are beside it, down to the last bit.

use candle_core::{CpuStorage, Error, Layout, Result, Storage, Tensor};
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

/// More vectors than this are multiplied faster by a general matrix product.
pub(crate) const VECTORS_MAX: usize = 16;

/// Rows of the matrix that one thread takes at a time.
const ROWS: usize = 32;

/// Sums that a product is added up in side by side.
const LANES: usize = 16;

/// `x`, `[vectors, from]` in single precision, times the rows of `matrix`, `[to, from]` in any precision: `[vectors, to]`.
///
/// # Errors
/// Where one of them is not on the CPU, has gaps, or is in another precision.
pub(crate) fn product(x: &Tensor, matrix: &Tensor) -> Result<Tensor> {
    let (vectors, from) = x.dims2()?;
    let (to, _) = matrix.dims2()?;
    let (x_storage, x_layout) = x.storage_and_layout();
    let (matrix_storage, layout) = matrix.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(x)), Storage::Cpu(matrix)) = (&*x_storage, &*matrix_storage) else {
        return Err(Error::Msg("a product of few vectors is for single precision on a CPU".into()));
    };
    let x = gapless(x, x_layout)?;
    let products = match matrix {
        CpuStorage::F32(matrix) => rows(x, gapless(matrix, layout)?, from, |_, row, use_row| use_row(row)),
        CpuStorage::BF16(matrix) => rows(x, gapless(matrix, layout)?, from, |wide, row, use_row| {
            row.convert_to_f32_slice(wide);
            use_row(wide);
        }),
        CpuStorage::F16(matrix) => rows(x, gapless(matrix, layout)?, from, |wide, row, use_row| {
            row.convert_to_f32_slice(wide);
            use_row(wide);
        }),
        other => {
            return Err(Error::UnsupportedDTypeForOp(candle_core::backend::BackendStorage::dtype(other), "product"));
        }
    };
    Tensor::from_vec(products, (to, vectors), &candle_core::Device::Cpu)?.t()?.contiguous()
}

fn gapless<'a, T>(values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = layout.contiguous_offsets().ok_or(Error::RequiresContiguous { op: "product" })?;
    Ok(&values[start..end])
}

/// For each row of the matrix its products with all vectors. `widen` hands a row on in single precision, and may write it into
/// the room it is given.
fn rows<T: Sync>(
    x: &[f32],
    matrix: &[T],
    from: usize,
    widen: impl Fn(&mut [f32], &[T], &mut dyn FnMut(&[f32])) + Sync,
) -> Vec<f32> {
    let vectors = x.len() / from;
    let mut products = vec![0.0; matrix.len() / from * vectors];
    products.par_chunks_mut(ROWS * vectors).zip(matrix.par_chunks(ROWS * from)).for_each(|(products, matrix)| {
        let mut wide = vec![0.0; from];
        for (products, row) in products.chunks_exact_mut(vectors).zip(matrix.chunks_exact(from)) {
            widen(&mut wide, row, &mut |row| {
                for (product, x) in products.iter_mut().zip(x.chunks_exact(from)) {
                    *product = dot(row, x);
                }
            });
        }
    });
    products
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn products_equal_those_of_whole_matrices() -> Result<()> {
        for (vectors, from, to) in [(1, 7, 5), (3, 16, 33), (8, 100, 70)] {
            let x = Tensor::randn(0f32, 1f32, (vectors, from), &Device::Cpu)?;
            let matrix = Tensor::randn(0f32, 1f32, (to, from), &Device::Cpu)?;
            for dtype in [DType::F32, DType::BF16, DType::F16] {
                let matrix = matrix.to_dtype(dtype)?;
                let whole = x.matmul(&matrix.to_dtype(DType::F32)?.t()?)?;
                let apart = (product(&x, &matrix)? - whole)?.abs()?.max_all()?.to_scalar::<f32>()?;
                assert!(apart < 1e-4, "{vectors} {from} {to} {dtype:?}: {apart}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_vector_does_not_notice_those_beside_it() -> Result<()> {
        let x = Tensor::randn(0f32, 1f32, (8, 100), &Device::Cpu)?;
        let matrix = Tensor::randn(0f32, 1f32, (70, 100), &Device::Cpu)?;
        let together = product(&x, &matrix)?.to_vec2::<f32>()?;
        for (index, together) in together.iter().enumerate() {
            assert_eq!(product(&x.narrow(0, index, 1)?, &matrix)?.to_vec2::<f32>()?[0], *together);
        }
        Ok(())
    }
}
