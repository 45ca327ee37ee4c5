//! Products of small row-major matrices, added to the result. Called by `conv`.
//!
//! Tiles of the result stay in registers while the inner dimension runs; the order of every sum depends on the shapes
//! and on the vector width of the processor alone.

use pulp::{Arch, Simd, WithSimd};

/// Rows of a register tile.
const ROWS: usize = 6;

/// The left operand of [`multiply_add`], read as `values[row * row_stride + inner * inner_stride]`, so that a
/// transposed matrix needs no copy.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub(super) values: &'a [f32],
    pub(super) row_stride: usize,
    pub(super) inner_stride: usize,
}

/// `out += left * right`, with `out` as `[rows, columns]` and `right` as `[inner, columns]`.
pub(super) fn multiply_add(
    arch: Arch,
    out: &mut [f32],
    left: Left<'_>,
    right: &[f32],
    [rows, inner, columns]: [usize; 3],
) {
    arch.dispatch(MultiplyAdd { out, left, right, rows, inner, columns });
}

struct MultiplyAdd<'a> {
    out: &'a mut [f32],
    left: Left<'a>,
    right: &'a [f32],
    rows: usize,
    inner: usize,
    columns: usize,
}

impl WithSimd for MultiplyAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut row = 0;
        while row < self.rows {
            match self.rows - row {
                1 => self.rows_at::<S, 1>(simd, row),
                2 => self.rows_at::<S, 2>(simd, row),
                3 => self.rows_at::<S, 3>(simd, row),
                4 => self.rows_at::<S, 4>(simd, row),
                5 => self.rows_at::<S, 5>(simd, row),
                _ => self.rows_at::<S, ROWS>(simd, row),
            }
            row += ROWS;
        }
    }
}

impl MultiplyAdd<'_> {
    /// `R` rows of the result from `row` on.
    #[inline(always)]
    fn rows_at<S: Simd, const R: usize>(&mut self, simd: S, row: usize) {
        let wide = 2 * S::F32_LANES;
        let mut column = 0;
        while column < self.columns {
            let width = wide.min(self.columns - column);
            let mut sums = [[simd.splat_f32s(0.0); 2]; R];
            for k in 0..self.inner {
                let [low, high] = load_pair(simd, &self.right[k * self.columns + column..][..width]);
                for (r, sum) in sums.iter_mut().enumerate() {
                    let value =
                        self.left.values[(row + r) * self.left.row_stride + k * self.left.inner_stride];
                    let value = simd.splat_f32s(value);
                    sum[0] = simd.mul_add_e_f32s(value, low, sum[0]);
                    sum[1] = simd.mul_add_e_f32s(value, high, sum[1]);
                }
            }
            for (r, sum) in sums.iter().enumerate() {
                let out = &mut self.out[(row + r) * self.columns + column..][..width];
                let [low, high] = load_pair(simd, out);
                let (out_low, out_high) = out.split_at_mut(width.min(S::F32_LANES));
                simd.partial_store_f32s(out_low, simd.add_f32s(low, sum[0]));
                simd.partial_store_f32s(out_high, simd.add_f32s(high, sum[1]));
            }
            column += wide;
        }
    }
}

/// Up to two vectors from `values`, filled up with zeros.
#[inline(always)]
fn load_pair<S: Simd>(simd: S, values: &[f32]) -> [S::f32s; 2] {
    let (vectors, _) = S::as_simd_f32s(values);
    if let &[low, high] = vectors {
        return [low, high];
    }
    let (low, high) = values.split_at(values.len().min(S::F32_LANES));
    [simd.partial_load_f32s(low), simd.partial_load_f32s(high)]
}

/// `out += left * transpose(right)`, with `left` as `[rows, inner]`, `right` as `[columns, inner]` and `out` as
/// `[rows, columns]`.
pub(super) fn multiply_transposed_add(
    arch: Arch,
    out: &mut [f32],
    left: &[f32],
    right: &[f32],
    [rows, inner, columns]: [usize; 3],
) {
    arch.dispatch(MultiplyTransposedAdd { out, left, right, rows, inner, columns });
}

struct MultiplyTransposedAdd<'a> {
    out: &'a mut [f32],
    left: &'a [f32],
    right: &'a [f32],
    rows: usize,
    inner: usize,
    columns: usize,
}

impl WithSimd for MultiplyTransposedAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for row in (0..self.rows).step_by(4) {
            match self.rows - row {
                1 => self.rows_at::<S, 1>(simd, row),
                2 => self.rows_at::<S, 2>(simd, row),
                3 => self.rows_at::<S, 3>(simd, row),
                _ => self.rows_at::<S, 4>(simd, row),
            }
        }
    }
}

impl MultiplyTransposedAdd<'_> {
    #[inline(always)]
    fn rows_at<S: Simd, const R: usize>(&mut self, simd: S, row: usize) {
        for column in (0..self.columns).step_by(4) {
            match self.columns - column {
                1 => self.tile::<S, R, 1>(simd, row, column),
                2 => self.tile::<S, R, 2>(simd, row, column),
                3 => self.tile::<S, R, 3>(simd, row, column),
                _ => self.tile::<S, R, 4>(simd, row, column),
            }
        }
    }

    /// `R` by `C` dot products.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, row: usize, column: usize) {
        let inner = self.inner;
        let left: [_; R] = std::array::from_fn(|r| S::as_simd_f32s(&self.left[(row + r) * inner..][..inner]));
        let right: [_; C] =
            std::array::from_fn(|c| S::as_simd_f32s(&self.right[(column + c) * inner..][..inner]));
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for k in 0..inner / S::F32_LANES {
            for (sums, (left, _)) in sums.iter_mut().zip(&left) {
                for (sum, (right, _)) in sums.iter_mut().zip(&right) {
                    *sum = simd.mul_add_e_f32s(left[k], right[k], *sum);
                }
            }
        }
        if !inner.is_multiple_of(S::F32_LANES) {
            for (sums, (_, left)) in sums.iter_mut().zip(&left) {
                let left = simd.partial_load_f32s(left);
                for (sum, (_, right)) in sums.iter_mut().zip(&right) {
                    *sum = simd.mul_add_e_f32s(left, simd.partial_load_f32s(right), *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (c, sum) in sums.iter().enumerate() {
                self.out[(row + r) * self.columns + column + c] += simd.reduce_sum_f32s(*sum);
            }
        }
    }
}
