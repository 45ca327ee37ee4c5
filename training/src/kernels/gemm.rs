//! Products of small matrices, added to the result. Called by `conv` and `linear`.
//!
//! Tiles of the result stay in registers while the inner dimension runs. Every element is one chain of fused
//! multiply-adds over the inner dimension, so neither tiles nor threads nor the width of vectors change a bit.

use pulp::{Arch, Simd, WithSimd};

/// Rows of a register tile: with its two vectors each it fits into sixteen vector registers.
const ROWS: usize = 6;

/// The same where there are thirty-two.
const MANY_ROWS: usize = 8;

/// A matrix of `[rows, columns]` as it lies in memory.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    /// Distance of rows, or of columns if it is transposed.
    stride: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// Row-major elements.
    pub(super) fn new(values: &'a [f32], columns: usize) -> Self {
        Self { values, stride: columns, transposed: false }
    }

    /// Rows as columns.
    pub(super) fn transposed(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// From `row` on.
    pub(super) fn rows_from(self, row: usize) -> Self {
        let first = if self.transposed { row } else { row * self.stride };
        Self { values: &self.values[first..], ..self }
    }

    /// `R` rows from `row` on, column after column.
    #[inline(always)]
    fn pack_rows<const R: usize>(self, packed: &mut [[f32; R]], row: usize) {
        if !self.transposed {
            let inner = packed.len();
            let rows: [_; R] = std::array::from_fn(|r| &self.values[(row + r) * self.stride..][..inner]);
            for (k, packed) in packed.iter_mut().enumerate() {
                *packed = rows.map(|row| row[k]);
            }
        } else {
            for (packed, column) in packed.iter_mut().zip(self.values.chunks(self.stride)) {
                packed.copy_from_slice(&column[row..row + R]);
            }
        }
    }

    /// `wide` columns from `column` on, row after row, zeros where there are fewer.
    #[inline(always)]
    fn pack_columns<S: Simd>(self, panel: &mut [f32], column: usize, width: usize) {
        let wide = 2 * S::F32_LANES;
        let rows = panel.chunks_exact_mut(wide);
        if !self.transposed {
            for (panel, row) in rows.zip(self.values.chunks(self.stride)) {
                let row = &row[column..column + width];
                // Whole vectors without a call.
                if let ([low, high], ([first, second], _)) =
                    (S::as_simd_f32s(row).0, S::as_mut_simd_f32s(panel))
                {
                    (*first, *second) = (*low, *high);
                } else {
                    panel[..width].copy_from_slice(row);
                    panel[width..].fill(0.0);
                }
            }
            return;
        }
        let inner = rows.len();
        if width < wide {
            panel.fill(0.0);
        }
        // Four columns at a time, so that what is written lies together.
        let column_of = |c: usize| &self.values[(column + c) * self.stride..][..inner];
        let mut c = 0;
        while c + 4 <= width {
            let columns: [_; 4] = std::array::from_fn(|i| column_of(c + i));
            for (k, panel) in panel.chunks_exact_mut(wide).enumerate() {
                panel[c..c + 4].copy_from_slice(&columns.map(|column| column[k]));
            }
            c += 4;
        }
        for c in c..width {
            for (panel, value) in panel.chunks_exact_mut(wide).zip(column_of(c)) {
                panel[c] = *value;
            }
        }
    }
}

/// Packed operands, kept from one product to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    left: Vec<f32>,
    right: Vec<f32>,
}

/// `out += left * right`, with `out` as `[rows, columns]`, row-major, and `inner` columns of `left`, rows of `right`.
pub(super) fn multiply_add(
    arch: Arch,
    out: &mut [f32],
    left: Matrix<'_>,
    right: Matrix<'_>,
    [rows, inner, columns]: [usize; 3],
    packed: &mut Packed,
) {
    arch.dispatch(MultiplyAdd { out, left, right, rows, inner, columns, packed });
}

struct MultiplyAdd<'a> {
    out: &'a mut [f32],
    left: Matrix<'a>,
    right: Matrix<'a>,
    rows: usize,
    inner: usize,
    columns: usize,
    packed: &'a mut Packed,
}

impl WithSimd for MultiplyAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { out, left, right, rows, inner, columns, packed } = self;
        let wide = 2 * S::F32_LANES;
        packed.left.resize(inner * MANY_ROWS, 0.0);
        packed.right.resize(inner * columns.next_multiple_of(wide), 0.0);
        for (panel, column) in packed.right.chunks_exact_mut(inner * wide).zip((0..columns).step_by(wide)) {
            right.pack_columns::<S>(panel, column, wide.min(columns - column));
        }
        let (vectors, _) = S::as_simd_f32s(&packed.right);
        let (panels, _) = vectors.as_chunks::<2>();
        let tiles = Tiles { simd, left, panels, inner, columns };
        let packed = &mut packed.left;
        let mut row = 0;
        while row < rows {
            let out = &mut out[row * columns..];
            row += match rows - row {
                1 => tiles.rows::<1>(out, row, packed),
                2 => tiles.rows::<2>(out, row, packed),
                3 => tiles.rows::<3>(out, row, packed),
                4 => tiles.rows::<4>(out, row, packed),
                5 => tiles.rows::<5>(out, row, packed),
                MANY_ROWS.. if S::REGISTER_COUNT >= 32 => tiles.rows::<MANY_ROWS>(out, row, packed),
                _ => tiles.rows::<ROWS>(out, row, packed),
            };
        }
    }
}

struct Tiles<'a, S: Simd> {
    simd: S,
    left: Matrix<'a>,
    panels: &'a [[S::f32s; 2]],
    inner: usize,
    columns: usize,
}

impl<S: Simd> Tiles<'_, S> {
    /// Adds `R` rows of the product, from `row` on, to `out`. Returns `R`.
    #[inline(always)]
    fn rows<const R: usize>(&self, out: &mut [f32], row: usize, packed: &mut [f32]) -> usize {
        let (left, _) = packed.as_chunks_mut::<R>();
        let left = &mut left[..self.inner];
        self.left.pack_rows(left, row);
        let columns = (0..self.columns).step_by(2 * S::F32_LANES);
        for (panel, column) in self.panels.chunks_exact(self.inner).zip(columns) {
            self.tile(left, panel, &mut out[column..], (2 * S::F32_LANES).min(self.columns - column));
        }
        R
    }

    /// Adds a tile of `width` columns to `out`, whose rows are `columns` apart.
    #[inline(always)]
    fn tile<const R: usize>(&self, left: &[[f32; R]], panel: &[[S::f32s; 2]], out: &mut [f32], width: usize) {
        let simd = self.simd;
        let mut sums = [[simd.splat_f32s(0.0); 2]; R];
        for (values, &[low, high]) in left.iter().zip(panel) {
            for (sum, value) in sums.iter_mut().zip(values) {
                let value = simd.splat_f32s(*value);
                sum[0] = simd.mul_add_e_f32s(value, low, sum[0]);
                sum[1] = simd.mul_add_e_f32s(value, high, sum[1]);
            }
        }
        let rows = out.chunks_mut(self.columns);
        for (out, [low, high]) in rows.zip(sums) {
            let (vectors, tail) = S::as_mut_simd_f32s(&mut out[..width]);
            match vectors {
                [out_low, out_high] => {
                    *out_low = simd.add_f32s(*out_low, low);
                    *out_high = simd.add_f32s(*out_high, high);
                }
                [out_low] => {
                    *out_low = simd.add_f32s(*out_low, low);
                    let sum = simd.add_f32s(simd.partial_load_f32s(tail), high);
                    simd.partial_store_f32s(tail, sum);
                }
                _ => {
                    let sum = simd.add_f32s(simd.partial_load_f32s(tail), low);
                    simd.partial_store_f32s(tail, sum);
                }
            }
        }
    }
}
