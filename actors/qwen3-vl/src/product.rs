//! Products of few vectors with a large matrix on a CPU: what every step of an answer consists of.
//!
//! What takes time is reading the matrix, so each of its rows is read once, widened if need be, and multiplied with all vectors.
//! A product does not depend on how many vectors there are beside it, down to the last bit.

use candle_core::{CpuStorage, Error, Layout, Result, Storage, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::array::from_fn;

/// More vectors than this are multiplied faster by a general matrix product.
pub(crate) const VECTORS_MAX: usize = 16;

/// Rows of the matrix that one thread takes at a time.
const ROWS: usize = 32;

/// Rows and vectors that are multiplied side by side: what is loaded of each is used several times, and the sums stay in registers.
const TILE: (usize, usize) = (4, 2);

/// Numbers of a row that are multiplied with all vectors before the next ones: a multiple of what every processor takes at once.
const PIECE: usize = 256;

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
        CpuStorage::F32(matrix) => rows(x, gapless(matrix, layout)?, from),
        CpuStorage::BF16(matrix) => rows(x, gapless(matrix, layout)?, from),
        CpuStorage::F16(matrix) => rows(x, gapless(matrix, layout)?, from),
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

/// A number of some precision.
trait Number: Sync + Sized {
    /// Rows in single precision, written into the room that is given if need be.
    fn widen<'a>(row: &'a [Self], wide: &'a mut [f32]) -> &'a [f32];
}

impl Number for f32 {
    #[inline(always)]
    fn widen<'a>(row: &'a [f32], _: &'a mut [f32]) -> &'a [f32] {
        row
    }
}

impl Number for bf16 {
    #[inline(always)]
    fn widen<'a>(row: &'a [bf16], wide: &'a mut [f32]) -> &'a [f32] {
        // It is the upper half of the same number.
        for (wide, narrow) in wide.iter_mut().zip(row) {
            *wide = f32::from_bits(u32::from(narrow.to_bits()) << 16);
        }
        wide
    }
}

impl Number for f16 {
    #[inline(always)]
    fn widen<'a>(row: &'a [f16], wide: &'a mut [f32]) -> &'a [f32] {
        row.convert_to_f32_slice(wide);
        wide
    }
}

/// For each row of the matrix its products with all vectors.
fn rows<T: Number>(x: &[f32], matrix: &[T], from: usize) -> Vec<f32> {
    let vectors = x.len() / from;
    let mut products = vec![0.0; matrix.len() / from * vectors];
    let arch = Arch::new();
    products.par_chunks_mut(ROWS * vectors).zip(matrix.par_chunks(ROWS * from)).for_each(|(products, matrix)| {
        arch.dispatch(Rows { x, matrix, from, products });
    });
    products
}

/// Some rows of the matrix at work.
struct Rows<'a, T> {
    x: &'a [f32],
    matrix: &'a [T],
    from: usize,
    products: &'a mut [f32],
}

impl<T: Number> WithSimd for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Rows { x, matrix, from, products } = self;
        let vectors = x.len() / from;
        let mut wide = vec![0.0; TILE.0 * from];
        let tiles = matrix.chunks(TILE.0 * from).zip(products.chunks_mut(TILE.0 * vectors));
        for (rows, products) in tiles {
            let rows = T::widen(rows, &mut wide[..rows.len()]);
            if rows.len() == TILE.0 * from {
                tile::<S, { TILE.0 }>(simd, rows, x, from, products);
            } else {
                for (row, products) in rows.chunks_exact(from).zip(products.chunks_exact_mut(vectors)) {
                    tile::<S, 1>(simd, row, x, from, products);
                }
            }
        }
    }
}

/// The products of some rows with all vectors, a piece of them after the other, so that what is used again stays near.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(simd: S, rows: &[f32], x: &[f32], from: usize, products: &mut [f32]) {
    let vectors = x.len() / from;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS_MAX]; ROWS];
    let whole = from / S::F32_LANES * S::F32_LANES;
    for start in (0..whole).step_by(PIECE) {
        let piece = start..whole.min(start + PIECE);
        let rows: [&[S::f32s]; ROWS] = from_fn(|row| S::as_simd_f32s(&rows[row * from..][piece.clone()]).0);
        let mut vector = 0;
        while vector + TILE.1 <= vectors {
            add::<S, ROWS, { TILE.1 }>(simd, &rows, &x[vector * from..], from, &piece, vector, &mut sums);
            vector += TILE.1;
        }
        while vector < vectors {
            add::<S, ROWS, 1>(simd, &rows, &x[vector * from..], from, &piece, vector, &mut sums);
            vector += 1;
        }
    }
    for (row, products) in products.chunks_exact_mut(vectors).enumerate() {
        for (vector, product) in products.iter_mut().enumerate() {
            let (one, other) = (&rows[row * from..][whole..from], &x[vector * from..][whole..from]);
            let rest: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
            *product = simd.reduce_sum_f32s(sums[row][vector]) + rest;
        }
    }
}

/// Adds the products of a piece of some rows with those of some vectors, from `vector` on. Each is added up in the same order,
/// whatever is beside it.
#[inline(always)]
fn add<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    rows: &[&[S::f32s]; ROWS],
    x: &[f32],
    from: usize,
    piece: &std::ops::Range<usize>,
    vector: usize,
    sums: &mut [[S::f32s; VECTORS_MAX]; ROWS],
) {
    let count = rows[0].len();
    let rows: [&[S::f32s]; ROWS] = from_fn(|row| &rows[row][..count]);
    let x: [&[S::f32s]; VECTORS] = from_fn(|vector| &S::as_simd_f32s(&x[vector * from..][piece.clone()]).0[..count]);
    let mut own: [[S::f32s; VECTORS]; ROWS] = from_fn(|row| from_fn(|place| sums[row][vector + place]));
    for at in 0..count {
        let x: [S::f32s; VECTORS] = from_fn(|vector| x[vector][at]);
        for (own, row) in own.iter_mut().zip(&rows) {
            let row = row[at];
            for (sum, x) in own.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(row, x, *sum);
            }
        }
    }
    for (sums, own) in sums.iter_mut().zip(own) {
        sums[vector..][..VECTORS].copy_from_slice(&own);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use candle_core::{DType, Device};

    /// Whole numbers up to 63 of either sign, which every precision holds. No sum of four thousand of their products is rounded, so
    /// that results are equal in whatever order they are summed.
    pub(crate) fn whole_numbers(rows: usize, columns: usize) -> Result<Tensor> {
        let number = |place: usize| (place * 7_919 % 127) as f32 - 63.0;
        Tensor::from_vec((0..rows * columns).map(number).collect::<Vec<_>>(), (rows, columns), &Device::Cpu)
    }

    #[test]
    fn products_equal_those_of_whole_matrices() -> Result<()> {
        for (vectors, from, to) in [(1, 7, 5), (3, 16, 33), (8, 100, 70), (VECTORS_MAX, 2 * PIECE + 21, 38)] {
            let (x, matrix) = (whole_numbers(vectors, from)?, whole_numbers(to, from)?);
            for dtype in [DType::F32, DType::BF16, DType::F16] {
                let matrix = matrix.to_dtype(dtype)?;
                let whole = x.matmul(&matrix.to_dtype(DType::F32)?.t()?)?;
                assert!(
                    product(&x, &matrix)?.to_vec2::<f32>()? == whole.to_vec2::<f32>()?,
                    "{vectors} {from} {to} {dtype:?}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn a_vector_does_not_notice_those_beside_it() -> Result<()> {
        let x = Tensor::randn(0f32, 1f32, (7, 300), &Device::Cpu)?;
        let matrix = Tensor::randn(0f32, 1f32, (70, 300), &Device::Cpu)?;
        let together = product(&x, &matrix)?.to_vec2::<f32>()?;
        for (index, together) in together.iter().enumerate() {
            assert_eq!(product(&x.narrow(0, index, 1)?, &matrix)?.to_vec2::<f32>()?[0], *together);
        }
        Ok(())
    }
}
