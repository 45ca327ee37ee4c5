//! Products of the taps of four channels, each with weights of its own.

use exactum_num::codes::Code;

use super::portable::centered;

/// Taps of a window that lie inside an image.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    /// Rows and columns of taps.
    pub size: [usize; 2],
    /// Codes from one row to the next, and from one column to the next.
    pub codes: [usize; 2],
    /// Weights from one row to the next, counted in fours.
    pub row_weights: usize,
}

/// Neighbouring output positions whose taps differ in nothing but their place.
#[derive(Clone, Copy, Debug)]
pub struct TapRun {
    /// Positions, at least one.
    pub positions: usize,
    /// Codes of the input from one to the next.
    pub step: usize,
    /// Codes of the output from one to the next.
    pub channels: usize,
    /// Weights of a channel.
    pub block: usize,
}

impl Taps {
    /// Whether there are taps, and all lie in `codes` codes and `weights` fours of weights.
    #[cfg_attr(
        not(any(isa = "cortex_m0", isa = "cortex_m_dsp")),
        expect(dead_code, reason = "for instructions that read without looking")
    )]
    pub(super) fn fit(&self, codes: usize, weights: usize) -> bool {
        let [rows, columns] = self.size.map(|taps| taps.checked_sub(1));
        let [row, column] = self.codes;
        let last = |columns_apart: usize, rows_apart: usize, behind: usize| {
            let rows = rows?.checked_mul(rows_apart)?;
            columns?.checked_mul(columns_apart)?.checked_add(rows)?.checked_add(behind)
        };
        last(column, row, 4).is_some_and(|end| end <= codes)
            && last(1, self.row_weights, 1).is_some_and(|end| end <= weights)
    }
}

/// Adds to `sums` the products of the taps; of those that are missing, nothing.
#[inline(always)]
pub(super) fn dot_taps<T: Code>(
    taps: &Taps,
    codes: &[T],
    zero_point: i32,
    weights: &[[i16; 4]],
    mut sums: [i32; 4],
) -> [i32; 4] {
    let ([rows, columns], [down, right]) = (taps.size, taps.codes);
    let (mut codes, mut weights) = (codes, weights);
    for _ in 0..rows {
        let mut row = codes;
        for weights in weights.iter().take(columns) {
            let Some(taps) = row.first_chunk::<4>() else { return sums };
            for ((sum, code), weight) in sums.iter_mut().zip(taps).zip(weights) {
                let product = i32::from(centered(*code, zero_point)).wrapping_mul((*weight).into());
                *sum = sum.wrapping_add(product);
            }
            row = row.get(right..).unwrap_or_default();
        }
        codes = codes.get(down..).unwrap_or_default();
        weights = weights.get(taps.row_weights..).unwrap_or_default();
    }
    sums
}

/// `sum` plus the products of the taps of the first of `codes` with weight `channel` of each four.
#[inline(never)]
pub(crate) fn dot_tap<T: Code>(
    taps: &Taps,
    codes: &[T],
    zero_point: i32,
    weights: &[[i16; 4]],
    channel: usize,
    mut sum: i32,
) -> i32 {
    let ([rows, columns], [down, right]) = (taps.size, taps.codes);
    for row in 0..rows {
        for column in 0..columns {
            let at = |rows_apart: usize, columns_apart: usize| {
                row.wrapping_mul(rows_apart).wrapping_add(column.wrapping_mul(columns_apart))
            };
            let weight = weights.get(at(taps.row_weights, 1)).and_then(|weights| weights.get(channel));
            if let (Some(code), Some(weight)) = (codes.get(at(down, right)), weight) {
                sum = sum.wrapping_add(i32::from(centered(*code, zero_point)).wrapping_mul((*weight).into()));
            }
        }
    }
    sum
}
