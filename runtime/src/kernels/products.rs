//! Products with weights: 8-bit weights in 32-bit sums, which are fast, and all others.

use super::patch::Filters;
use super::store::{start, store, store_wide};
use crate::codes::{Code, CodesMut};
use crate::num::Requant;
use crate::program::op::{Bias, Weights};

/// Weights of a layer, from one of them on.
pub(super) trait Products: Copy {
    /// What sums of products are kept in.
    type Acc: Copy + Default;

    /// The weights from `elems` further on.
    fn skip(self, elems: usize) -> Self;

    /// Sets accumulators to the biases of the channels from `first` on.
    fn start(bias: Bias<'_>, first: usize, accs: &mut [Self::Acc]);

    /// Adds to the accumulators the products of `codes` and the filters' next elements, and moves past those.
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>);

    /// Adds to each accumulator the product of its code minus `zero_point` and its weight.
    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [Self::Acc]);

    /// Requantizes the accumulators of the channels from `first` on and stores the codes.
    fn store(requant: Option<&Requant<'_>>, first: usize, accs: &mut [Self::Acc], output: CodesMut<'_>);
}

impl Products for &[i8] {
    type Acc = i32;

    fn skip(self, elems: usize) -> Self {
        self.get(elems..).unwrap_or_default()
    }

    fn start(bias: Bias<'_>, first: usize, accs: &mut [i32]) {
        start(bias, first, accs);
    }

    // Not inlined: all kernels share this one copy of the inner loop.
    #[inline(never)]
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>) {
        let mut rows = filters.rest;
        let mut next_row = || {
            let row = rows.get(..codes.len()).unwrap_or_default();
            rows = rows.get(filters.filter_elems..).unwrap_or_default();
            row
        };
        let (quads, singles) = filters.accs.as_chunks_mut::<4>();
        for accs in quads {
            let rows = [next_row(), next_row(), next_row(), next_row()];
            *accs = dot4(codes, rows, *accs);
        }
        for acc in singles {
            *acc = dot(codes, next_row(), *acc);
        }
        filters.rest = filters.rest.get(codes.len()..).unwrap_or_default();
    }

    #[inline(never)]
    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [i32]) {
        let (Some(codes), Some(weights)) = (codes.get(..accs.len()), self.get(..accs.len())) else { return };
        let ((accs, last_accs), (codes, last_codes), (weights, last_weights)) =
            (accs.as_chunks_mut::<4>(), codes.as_chunks::<4>(), weights.as_chunks::<4>());
        // Four at a time, so that the compiler keeps one pointer for each array.
        for ((accs, codes), weights) in accs.iter_mut().zip(codes).zip(weights) {
            for ((acc, code), weight) in accs.iter_mut().zip(codes).zip(weights) {
                *acc = multiply_add_centered(*acc, *code, zero_point, *weight);
            }
        }
        for ((acc, code), weight) in last_accs.iter_mut().zip(last_codes).zip(last_weights) {
            *acc = multiply_add_centered(*acc, *code, zero_point, *weight);
        }
    }

    fn store(requant: Option<&Requant<'_>>, first: usize, accs: &mut [i32], output: CodesMut<'_>) {
        store(requant, first, accs, output);
    }
}

fn dot4(codes: &[i16], rows: [&[i8]; 4], accs: [i32; 4]) -> [i32; 4] {
    let ([a, b, c, d], [mut sum_a, mut sum_b, mut sum_c, mut sum_d]) = (rows, accs);
    for ((((code, a), b), c), d) in codes.iter().zip(a).zip(b).zip(c).zip(d) {
        sum_a = multiply_add(sum_a, *code, *a);
        sum_b = multiply_add(sum_b, *code, *b);
        sum_c = multiply_add(sum_c, *code, *c);
        sum_d = multiply_add(sum_d, *code, *d);
    }
    [sum_a, sum_b, sum_c, sum_d]
}

/// `acc` plus the products; a wrap on the way, were there one, would be that of the true sum.
fn dot<W: Copy + Into<i32>>(codes: &[i16], row: &[W], acc: i32) -> i32 {
    codes.iter().zip(row).fold(acc, |acc, (code, weight)| multiply_add(acc, *code, *weight))
}

fn multiply_add_centered<T: Code>(acc: i32, code: T, zero_point: i32, weight: i8) -> i32 {
    let code: i32 = code.into();
    multiply_add(acc, code.wrapping_sub(zero_point) as i16, weight)
}

fn multiply_add<W: Into<i32>>(acc: i32, code: i16, weight: W) -> i32 {
    acc.wrapping_add(i32::from(code).wrapping_mul(weight.into()))
}

fn dot_wide<W: Copy + Into<i64>>(codes: &[i16], row: &[W], acc: i64) -> i64 {
    codes.iter().zip(row).fold(acc, |acc, (code, weight)| multiply_add_wide(acc, *code, *weight))
}

fn multiply_add_wide<W: Into<i64>>(acc: i64, code: i16, weight: W) -> i64 {
    acc.wrapping_add(i64::from(code).wrapping_mul(weight.into()))
}

/// Weights of any element type with sums of any width.
///
/// Sums that fit 32 bits may have wrapped at 32 bits on the way; their low 32 bits are right.
#[derive(Clone, Copy)]
pub(super) struct General<'p> {
    pub(super) weights: Weights<'p>,
    /// Whether sums need more than 32 bits.
    pub(super) wide: bool,
}

impl General<'_> {
    fn dot(self, codes: &[i16], acc: i64) -> i64 {
        match self.weights {
            Weights::I8(row) => dot_wide(codes, row, acc),
            Weights::I16(row) if self.wide => dot_wide(codes, row, acc),
            Weights::I16(row) => dot(codes, row, acc as i32).into(),
        }
    }
}

impl Products for General<'_> {
    type Acc = i64;

    fn skip(self, elems: usize) -> Self {
        Self { weights: self.weights.skip(elems), ..self }
    }

    fn start(bias: Bias<'_>, first: usize, accs: &mut [i64]) {
        for (index, acc) in accs.iter_mut().enumerate() {
            *acc = bias.at(first.wrapping_add(index)).into();
        }
    }

    #[inline(never)]
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>) {
        let mut row = filters.rest;
        for acc in filters.accs.iter_mut() {
            *acc = row.dot(codes, *acc);
            row = row.skip(filters.filter_elems);
        }
        filters.rest = filters.rest.skip(codes.len());
    }

    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [i64]) {
        fn each<T: Code, W: Copy + Into<i64>>(codes: &[T], zero_point: i32, weights: &[W], accs: &mut [i64]) {
            for ((acc, code), weight) in accs.iter_mut().zip(codes).zip(weights) {
                let code: i32 = (*code).into();
                *acc = multiply_add_wide(*acc, code.wrapping_sub(zero_point) as i16, *weight);
            }
        }
        match self.weights {
            Weights::I8(weights) => each(codes, zero_point, weights, accs),
            Weights::I16(weights) => each(codes, zero_point, weights, accs),
        }
    }

    fn store(requant: Option<&Requant<'_>>, first: usize, accs: &mut [i64], output: CodesMut<'_>) {
        store_wide(requant, first, accs, output);
    }
}
