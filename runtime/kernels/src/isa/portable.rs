//! Every primitive in safe Rust, for any target: the definition of what the other instruction sets compute.

use exactum_num::Requant;
use exactum_num::codes::{Code, Element};
use exactum_num::requant::forms::{self, Apply};
use exactum_num::requant::{Form, PerChannel, at, multiply_high, multiply32, multiply64, shift_half_even};

use super::Isa;

/// Instructions that every processor has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl Isa for Portable {}

#[inline(always)]
pub(super) fn dot_rows(codes: &[i16], weights: &[i8], filter_elems: usize, accs: &mut [i32]) {
    let mut rows = weights;
    let mut next_row = || {
        let row = rows.get(..codes.len()).unwrap_or_default();
        rows = rows.get(filter_elems..).unwrap_or_default();
        row
    };
    let (quads, singles) = accs.as_chunks_mut::<4>();
    for accs in quads {
        let rows = [next_row(), next_row(), next_row(), next_row()];
        *accs = dot4(codes, rows, *accs);
    }
    for acc in singles {
        *acc = dot(codes, next_row(), *acc);
    }
}

/// Four filters at a time, so that each code is loaded once for four products.
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
fn dot(codes: &[i16], row: &[i8], acc: i32) -> i32 {
    codes.iter().zip(row).fold(acc, |acc, (code, weight)| multiply_add(acc, *code, *weight))
}

fn multiply_add(acc: i32, code: i16, weight: i8) -> i32 {
    acc.wrapping_add(i32::from(code).wrapping_mul(weight.into()))
}

#[inline(always)]
pub(super) fn sum_codes(codes: &[[i16; 4]]) -> [i32; 2] {
    let codes = codes.as_flattened().iter().map(|code| i32::from(*code));
    codes.fold([0, 0], |[sum, all]: [i32; 2], code| [sum.wrapping_add(code), all | code])
}

#[inline(always)]
pub(super) fn dot_quads(codes: &[[i16; 4]], rows: &[[u8; 16]], starts: [i32; 4]) -> [i32; 4] {
    let mut sums = starts;
    for (codes, row) in codes.iter().zip(rows) {
        for (code, elements) in codes.iter().zip(row.as_chunks::<4>().0) {
            for (sum, element) in sums.iter_mut().zip(elements) {
                *sum = sum.wrapping_add(i32::from(*code).wrapping_mul((*element).into()));
            }
        }
    }
    sums
}

#[inline(always)]
pub(super) fn dot_nibbles(codes: &[i16], weights: &[u8], odd: bool, row_bytes: usize, accs: &mut [i32]) {
    let mut rest = weights;
    for acc in accs {
        let (mut codes, mut bytes) = (codes, rest);
        if odd && let Some(((code, later), (byte, after))) = codes.split_first().zip(bytes.split_first()) {
            *acc = multiply_add(*acc, *code, high(*byte));
            (codes, bytes) = (later, after);
        }
        let (pairs, last) = codes.as_chunks::<2>();
        for ([even, odd], byte) in pairs.iter().zip(bytes) {
            *acc = multiply_add(multiply_add(*acc, *even, low(*byte)), *odd, high(*byte));
        }
        let after = bytes.get(pairs.len()..).unwrap_or_default();
        for (code, byte) in last.iter().zip(after) {
            *acc = multiply_add(*acc, *code, low(*byte));
        }
        rest = rest.get(row_bytes..).unwrap_or_default();
    }
}

/// The weight in the low half of a byte.
const fn low(byte: u8) -> i8 {
    (byte << 4) as i8 >> 4
}

/// The weight in the high half of a byte.
const fn high(byte: u8) -> i8 {
    byte as i8 >> 4
}

#[inline(always)]
pub(super) fn dot_each<T: Code>(codes: &[T], zero_point: i32, weights: &[i8], accs: &mut [i32]) {
    let (Some(codes), Some(weights)) = (codes.get(..accs.len()), weights.get(..accs.len())) else { return };
    let ((accs, last_accs), (codes, last_codes), (weights, last_weights)) =
        (accs.as_chunks_mut::<4>(), codes.as_chunks::<4>(), weights.as_chunks::<4>());
    // Four at a time, so that the compiler keeps one pointer for each array.
    for ((accs, codes), weights) in accs.iter_mut().zip(codes).zip(weights) {
        for ((acc, code), weight) in accs.iter_mut().zip(codes).zip(weights) {
            *acc = multiply_add(*acc, centered(*code, zero_point), *weight);
        }
    }
    for ((acc, code), weight) in last_accs.iter_mut().zip(last_codes).zip(last_weights) {
        *acc = multiply_add(*acc, centered(*code, zero_point), *weight);
    }
}

pub(super) fn centered<T: Code>(code: T, zero_point: i32) -> i16 {
    let code: i32 = code.into();
    code.wrapping_sub(zero_point) as i16
}

#[inline(always)]
pub(super) fn sum_each<T: Code>(codes: &[T], accs: &mut [i32]) {
    for (acc, code) in accs.iter_mut().zip(codes) {
        *acc = acc.wrapping_add((*code).into());
    }
}

/// Four at a time, so that the compiler keeps one pointer for each slice.
#[inline(always)]
pub(super) fn max_each<T: Code>(codes: &[T], largest: &mut [T]) {
    let ((largest, last_largest), (codes, last_codes)) =
        (largest.as_chunks_mut::<4>(), codes.as_chunks::<4>());
    for (largest, codes) in largest.iter_mut().zip(codes) {
        for (largest, code) in largest.iter_mut().zip(codes) {
            *largest = (*largest).max(*code);
        }
    }
    for (largest, code) in last_largest.iter_mut().zip(last_codes) {
        *largest = (*largest).max(*code);
    }
}

#[inline(always)]
pub(super) fn center<T: Code>(codes: &[T], zero_point: i32, to: &mut [i16]) {
    for (to, code) in to.iter_mut().zip(codes) {
        *to = centered(*code, zero_point);
    }
}

#[inline(always)]
pub(super) fn widen<T: Code>(codes: &[T], accs: &mut [i32]) {
    accs.iter_mut().zip(codes).for_each(|(acc, code)| *acc = (*code).into());
}

#[inline(always)]
pub(super) fn narrow<T: Code>(accs: &[i32], codes: &mut [T]) {
    codes.iter_mut().zip(accs).for_each(|(code, acc)| *code = T::truncate(*acc));
}

/// The high 32 bits of `acc * multiplier + 2^31`, of products of 32 bits: for processors without longer ones.
#[cfg_attr(
    not(any(isa = "cortex_m0", test)),
    expect(dead_code, reason = "for processors without longer products")
)]
#[inline(always)]
pub(super) fn high_of_halves(acc: i32, multiplier: i32) -> i32 {
    let halves = |value: i32| [value & 0xffff, value >> 16];
    let ([low, high], [m_low, m_high]) = (halves(acc), halves(multiplier));
    // A half without a sign times one with it, and 16 bits more, have 32 bits.
    let lowest = low.wrapping_mul(m_low) as u32 >> 16;
    let [carried, first] = halves(high.wrapping_mul(m_low).wrapping_add(lowest as i32));
    let second = low.wrapping_mul(m_high).wrapping_add(carried);
    // Half of a unit is bit 15 of the second sum; added before the shift it could need 33 bits.
    let rounded = (second >> 15).wrapping_add(1) >> 1;
    high.wrapping_mul(m_high).wrapping_add(first).wrapping_add(rounded)
}

#[inline(always)]
pub(super) fn saturate<T: Code>(value: i32) -> i32 {
    let (lo, hi) = match T::ELEMENT {
        Element::U8 => (0, u8::MAX.into()),
        _ => (i8::MIN.into(), i8::MAX.into()),
    };
    value.min(hi).max(lo)
}

#[inline(always)]
pub(super) fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Loops of their own for each form that is fast, one for all others.
#[inline(always)]
pub(super) fn requantize(requant: &Requant<'_>, first: usize, accs: &mut [i32]) {
    let codes @ [lo, hi] = [requant.lo, requant.hi];
    let clamp = |code: i32| code.min(hi).max(lo);
    match requant.form {
        Form::Offset { offsets } => each(forms::Offset { offsets }, codes, first, accs),
        Form::ShiftHalfEven { multipliers, offsets, shifts } => {
            lines(first, accs, multipliers, offsets, shifts, |acc, m, b, r| {
                clamp(shift_half_even(acc, m, b, r))
            });
        }
        Form::Multiply32 { multipliers, offsets, shifts } => {
            lines(first, accs, multipliers, offsets, shifts, |acc, m, b, r| clamp(multiply32(acc, m, b, r)));
        }
        Form::Multiply64 { multipliers, offsets, shifts } => {
            lines(first, accs, multipliers, offsets, shifts, |acc, m, b, r| {
                multiply64(acc, m, b, r).min(hi.into()).max(lo.into()) as i32
            });
        }
        Form::MultiplyHigh { lines: high, offsets, shifts } => {
            lines(first, accs, high, offsets, shifts, |acc, line, b, r| {
                clamp(multiply_high(acc.wrapping_add(b), line) >> (r & 31))
            });
        }
        Form::EvenOdd {
            even_multipliers,
            even_offsets,
            even_shifts,
            odd_multipliers,
            odd_offsets,
            odd_shifts,
        } => {
            let form = forms::EvenOdd {
                even_multipliers,
                even_offsets,
                even_shifts,
                odd_multipliers,
                odd_offsets,
                odd_shifts,
            };
            each(form, codes, first, accs);
        }
        Form::Thresholds { .. }
        | Form::Thresholds64 { .. }
        | Form::Table { .. }
        | Form::ShiftHalfEven64 { .. }
        | Form::Multiply128 { .. } => each(requant.form, codes, first, accs),
    }
}

/// Replaces accumulators by what `code` makes of them with the parameters of their channels, which stay in registers where all
/// channels share them, and else are read one after the other.
#[inline(always)]
fn lines<M: Copy + Default, B: Copy + Default>(
    first: usize,
    accs: &mut [i32],
    multipliers: PerChannel<'_, M>,
    offsets: PerChannel<'_, B>,
    shifts: PerChannel<'_, u8>,
    code: impl Fn(i32, M, B, u8) -> i32,
) {
    let channels = first..first.wrapping_add(accs.len());
    if shifts.len() <= 1 {
        let shift = at(shifts, 0);
        if multipliers.len() <= 1 && offsets.len() <= 1 {
            let (multiplier, offset) = (at(multipliers, 0), at(offsets, 0));
            accs.iter_mut().for_each(|acc| *acc = code(*acc, multiplier, offset, shift));
            return;
        }
        if let (Some(multipliers), Some(offsets)) = (multipliers.get(channels.clone()), offsets.get(channels))
        {
            for ((acc, multiplier), offset) in accs.iter_mut().zip(multipliers).zip(offsets) {
                *acc = code(*acc, *multiplier, *offset, shift);
            }
            return;
        }
    }
    for (index, acc) in accs.iter_mut().enumerate() {
        let channel = first.wrapping_add(index);
        *acc = code(*acc, at(multipliers, channel), at(offsets, channel), at(shifts, channel));
    }
}

#[inline(always)]
fn each(form: impl Apply, codes: [i32; 2], first: usize, accs: &mut [i32]) {
    for (index, acc) in accs.iter_mut().enumerate() {
        *acc = form.apply(first.wrapping_add(index), *acc, codes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halves_give_the_high_word(acc: i32, multiplier: i32, ends in 0usize..16) {
            let end = |index: usize, other: i32| [i32::MIN, i32::MAX, -1, other][index];
            for (acc, multiplier) in [(acc, multiplier), (end(ends & 3, acc), end(ends >> 2, multiplier))] {
                prop_assert_eq!(high_of_halves(acc, multiplier), multiply_high(acc, [multiplier, 0]));
            }
        }
    }
}
