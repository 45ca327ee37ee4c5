//! Each form as a type of its own, for code that knows which form a layer has: kernels with a loop for each, and modules
//! that are written for one model, which then hold the arithmetic of no other form.
//!
//! This is the arithmetic of the forms, once: [`Form`](super::Form) applies these types.

use super::entries::Entries;
use super::table::array;
use super::{
    PerChannel, at, channel_slice, count_passed, multiply_high, multiply32, multiply64, multiply128,
    shift_half_even, shift_half_even64,
};
use crate::requant_forms;

/// An integer that a form takes: an accumulator of 32 or of 64 bits.
pub trait Accumulator: Copy {
    /// Its low 32 bits.
    fn narrow(self) -> i32;
    /// Itself in 64 bits.
    fn wide(self) -> i64;
}

impl Accumulator for i32 {
    fn narrow(self) -> i32 {
        self
    }

    fn wide(self) -> i64 {
        self.into()
    }
}

impl Accumulator for i64 {
    fn narrow(self) -> i32 {
        self as i32
    }

    fn wide(self) -> i64 {
        self
    }
}

/// A form with its parameters.
pub trait Apply {
    /// The code, from `lo` to `hi`, of accumulator `acc` in output channel `channel`.
    ///
    /// Forms of 32-bit accumulators take the low 32 bits of one of 64.
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32;
}

macro_rules! declare {
    ($(
        $(#[doc = $formula:literal])+
        $number:literal $form:ident $name:literal $acc_bits:literal $bits:literal {
            $($(#[doc = $about:literal])+ $array:ident: $ty:tt $what:ident,)*
        } [$($(#[doc = $single_about:literal])+ $single:ident: $single_ty:ty,)*];
    )*) => {
        $($(#[doc = $formula])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $form<'a> {
            $($(#[doc = $about])+ pub $array: array!('a $ty),)*
            $($(#[doc = $single_about])+ pub $single: $single_ty,)*
        })*
    };
}

requant_forms!(declare);

// Not `clamp`, which panics on an empty range.
fn clamp(value: i32, [lo, hi]: [i32; 2]) -> i32 {
    value.min(hi).max(lo)
}

fn clamp_wide(value: i64, [lo, hi]: [i32; 2]) -> i32 {
    value.min(hi.into()).max(lo.into()) as i32
}

impl Apply for Offset<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        clamp(acc.narrow().wrapping_add(at(self.offsets, channel)), codes)
    }
}

impl Apply for ShiftHalfEven<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let (multiplier, offset) = (at(self.multipliers, channel), at(self.offsets, channel));
        clamp(shift_half_even(acc.narrow(), multiplier, offset, at(self.shifts, channel)), codes)
    }
}

impl Apply for Multiply32<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let (multiplier, offset) = (at(self.multipliers, channel), at(self.offsets, channel));
        clamp(multiply32(acc.narrow(), multiplier, offset, at(self.shifts, channel)), codes)
    }
}

impl Apply for Multiply64<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let (multiplier, offset) = (at(self.multipliers, channel), at(self.offsets, channel));
        clamp_wide(multiply64(acc.narrow(), multiplier, offset, at(self.shifts, channel)), codes)
    }
}

impl Apply for MultiplyHigh<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let acc = acc.narrow().wrapping_add(at(self.offsets, channel));
        let high = multiply_high(acc, at(self.lines, channel));
        clamp(high >> (at(self.shifts, channel) & 31), codes)
    }
}

impl Apply for EvenOdd<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let line =
            |multipliers: PerChannel<'_, i32>, offsets: PerChannel<'_, i64>, shifts: PerChannel<'_, u8>| {
                multiply64(acc.narrow(), at(multipliers, channel), at(offsets, channel), at(shifts, channel))
            };
        let even = line(self.even_multipliers, self.even_offsets, self.even_shifts);
        let odd = line(self.odd_multipliers, self.odd_offsets, self.odd_shifts);
        clamp_wide(even.wrapping_add(odd), codes)
    }
}

/// The code for a channel's ascending `thresholds`, of which there are as many as steps between codes.
fn passed<T: PartialOrd>(thresholds: &[T], channel: usize, value: T, codes: [i32; 2]) -> i32 {
    let [lo, hi] = codes;
    let steps = hi.wrapping_sub(lo).max(0) as usize;
    clamp(lo.wrapping_add(count_passed(channel_slice(thresholds, steps, channel), value)), codes)
}

impl Apply for Thresholds<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let acc = acc.narrow();
        let value = if at(self.signs, channel) < 0 { acc.wrapping_neg() } else { acc };
        passed(self.thresholds, channel, value, codes)
    }
}

impl Apply for Thresholds64<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let acc = acc.wide();
        let value = if at(self.signs, channel) < 0 { acc.wrapping_neg() } else { acc };
        passed(self.thresholds, channel, value, codes)
    }
}

impl Apply for Table<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let entries = self.entries.of_channel(self.domain as usize, channel);
        let last = entries.len().saturating_sub(1);
        let index = acc.narrow().saturating_sub(self.first).max(0).min(last as i32) as usize;
        clamp(entries.get(index).unwrap_or_default(), codes)
    }
}

impl Apply for ShiftHalfEven64<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let (multiplier, offset) = (at(self.multipliers, channel), at(self.offsets, channel));
        clamp_wide(shift_half_even64(acc.wide(), multiplier, offset, at(self.shifts, channel)), codes)
    }
}

impl Apply for Multiply128<'_> {
    #[inline]
    fn apply<A: Accumulator>(&self, channel: usize, acc: A, codes: [i32; 2]) -> i32 {
        let (multiplier, offset) = (at(self.multipliers, channel), at(self.offsets, channel));
        let [lo, hi] = codes.map(i128::from);
        multiply128(acc.wide(), multiplier, offset, at(self.shifts, channel)).min(hi).max(lo) as i32
    }
}
