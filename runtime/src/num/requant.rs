//! The functions from accumulators to codes that a program may hold.
//!
//! Kernels apply them on the device; the importer's checker applies the very same code when it proves that they
//! equal the exact function of the model. Which form a layer gets is decided in the importer.
//!
//! Every form computes on wrapping integers, so nothing here can panic; that no wrap happens on the reachable
//! accumulators is part of the importer's proof.

mod domain;
mod entries;
mod wide;

pub use entries::Entries;
pub use wide::{multiply128, shift_half_even64};

use super::IntRange;

/// A value per output channel, or one value that all channels share.
pub type PerChannel<'a, T> = &'a [T];

/// The requantization of one layer: a form and the clamp to the codes of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requant<'a> {
    /// Parameters of the form.
    pub form: Form<'a>,
    /// Smallest code.
    pub lo: i32,
    /// Largest code.
    pub hi: i32,
}

/// Forms in the order of their cost on a Cortex-M4.
///
/// Arrays hold one element per channel or one for all; an empty array is read as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form<'a> {
    /// `acc + offset`.
    Offset {
        /// Added to the accumulator.
        offsets: PerChannel<'a, i32>,
    },
    /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift`, all in 32 bits: half to even exactly.
    ///
    /// `offset` includes the `2^(shift - 1) - 1` of the rounding.
    ShiftHalfEven {
        /// Odd factor of a dyadic scale, times the power of two that gives channels a common shift.
        multipliers: PerChannel<'a, i32>,
        /// Bias, zero point and rounding constant.
        offsets: PerChannel<'a, i32>,
        /// 0 to 31.
        shifts: PerChannel<'a, u8>,
    },
    /// `(multiplier * acc + offset) >> shift` in 32 bits.
    Multiply32(Line32<'a>),
    /// `(multiplier * acc + offset) >> shift` in 64 bits.
    Multiply64(Line64<'a>),
    /// The sum of two 64-bit lines: the even thresholds passed and the odd ones. Exists for every half-even scale.
    EvenOdd {
        /// Counts the even codes.
        even: Line64<'a>,
        /// Counts the odd codes.
        odd: Line64<'a>,
    },
    /// `lo` plus the number of thresholds not above `sign * acc`.
    Thresholds {
        /// 1, or -1 where the function decreases.
        signs: PerChannel<'a, i8>,
        /// `hi - lo` ascending thresholds for each channel, or for all.
        thresholds: &'a [i32],
    },
    /// `entries[clamp(acc - first)]`: for accumulators of few values.
    Table {
        /// Accumulator of the first entry.
        first: i32,
        /// Codes for each channel, or for all, `domain` of each.
        entries: Entries<'a>,
        /// Entries of one channel.
        domain: u32,
    },
    /// `y = multiplier * acc + offset; (y + (y >> shift & 1)) >> shift`, all in 64 bits: half to even exactly.
    ///
    /// Takes 64-bit accumulators as well. `offset` includes the `2^(shift - 1) - 1` of the rounding.
    ShiftHalfEven64 {
        /// Odd factor of a dyadic scale, times the power of two that gives channels a common shift.
        multipliers: PerChannel<'a, i64>,
        /// Bias, zero point and rounding constant.
        offsets: PerChannel<'a, i64>,
        /// 0 to 63.
        shifts: PerChannel<'a, u8>,
    },
    /// `(multiplier * acc + offset) >> shift` in 128 bits. Takes 64-bit accumulators as well.
    Multiply128 {
        /// Slope times `2^shift`.
        multipliers: PerChannel<'a, i64>,
        /// Intercept times `2^shift`, rounding included: low word, high word.
        offsets: PerChannel<'a, [i64; 2]>,
        /// 0 to 127.
        shifts: PerChannel<'a, u8>,
    },
}

/// Lines with 32-bit products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line32<'a> {
    /// Slope times `2^shift`.
    pub multipliers: PerChannel<'a, i32>,
    /// Intercept times `2^shift`, rounding included.
    pub offsets: PerChannel<'a, i32>,
    /// 0 to 31.
    pub shifts: PerChannel<'a, u8>,
}

/// Lines with 64-bit products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line64<'a> {
    /// Slope times `2^shift`.
    pub multipliers: PerChannel<'a, i32>,
    /// Intercept times `2^shift`, rounding included.
    pub offsets: PerChannel<'a, i64>,
    /// 0 to 63.
    pub shifts: PerChannel<'a, u8>,
}

/// Element `channel` of a per-channel array, the only element of a shared one, zero from an empty one.
pub fn at<T: Copy + Default>(values: PerChannel<'_, T>, channel: usize) -> T {
    values.get(channel).or(values.first()).copied().unwrap_or_default()
}

/// `(multiplier * acc + offset) >> shift` in wrapping 32-bit arithmetic.
pub const fn multiply32(acc: i32, multiplier: i32, offset: i32, shift: u8) -> i32 {
    multiplier.wrapping_mul(acc).wrapping_add(offset) >> (shift & 31)
}

/// `(multiplier * acc + offset) >> shift` in wrapping 64-bit arithmetic.
pub const fn multiply64(acc: i32, multiplier: i32, offset: i64, shift: u8) -> i64 {
    (multiplier as i64).wrapping_mul(acc as i64).wrapping_add(offset) >> (shift & 63)
}

/// `multiplier * acc / 2^shift` rounded half to even, with everything else inside `offset`.
///
/// The low bits of `y` are all ones exactly at a tie; adding the parity of the floor then carries.
pub const fn shift_half_even(acc: i32, multiplier: i32, offset: i32, shift: u8) -> i32 {
    let shift = shift & 31;
    let y = multiplier.wrapping_mul(acc).wrapping_add(offset);
    y.wrapping_add(y >> shift & 1) >> shift
}

/// How many of the ascending `thresholds` are not above `value`.
pub fn count_passed(thresholds: &[i32], value: i32) -> i32 {
    thresholds.partition_point(|threshold| *threshold <= value) as i32
}

impl Line64<'_> {
    /// The value of channel `channel`'s line.
    pub fn value(&self, channel: usize, acc: i32) -> i64 {
        multiply64(acc, at(self.multipliers, channel), at(self.offsets, channel), at(self.shifts, channel))
    }
}

impl Form<'_> {
    /// The names of all forms, in the order of declaration.
    pub const NAMES: [&'static str; 9] = [
        "offset",
        "shift-half-even",
        "multiply32",
        "multiply64",
        "even-odd",
        "thresholds",
        "table",
        "shift-half-even64",
        "multiply128",
    ];
}

impl Requant<'_> {
    /// The code of accumulator `acc` in output channel `channel`.
    pub fn apply(&self, channel: usize, acc: i32) -> i32 {
        let code = match self.form {
            Form::Offset { offsets } => i64::from(acc.wrapping_add(at(offsets, channel))),
            Form::ShiftHalfEven { multipliers, offsets, shifts } => i64::from(shift_half_even(
                acc,
                at(multipliers, channel),
                at(offsets, channel),
                at(shifts, channel),
            )),
            Form::Multiply32(line) => i64::from(multiply32(
                acc,
                at(line.multipliers, channel),
                at(line.offsets, channel),
                at(line.shifts, channel),
            )),
            Form::Multiply64(line) => line.value(channel, acc),
            Form::EvenOdd { even, odd } => even.value(channel, acc).wrapping_add(odd.value(channel, acc)),
            Form::Thresholds { signs, thresholds } => {
                let steps = self.hi.wrapping_sub(self.lo).max(0) as usize;
                let value = if at(signs, channel) < 0 { acc.wrapping_neg() } else { acc };
                let passed = count_passed(channel_slice(thresholds, steps, channel), value);
                i64::from(self.lo) + i64::from(passed)
            }
            Form::Table { first, entries, domain } => {
                let entries = entries.of_channel(domain as usize, channel);
                let last = entries.len().saturating_sub(1);
                let index = acc.saturating_sub(first).max(0).min(last as i32) as usize;
                i64::from(entries.get(index).unwrap_or_default())
            }
            Form::ShiftHalfEven64 { .. } | Form::Multiply128 { .. } => {
                return self.wide_code(channel, acc.into()).unwrap_or_default();
            }
        };
        self.range().clamp(code) as i32
    }

    /// The codes this can produce.
    pub const fn range(&self) -> IntRange {
        IntRange { lo: self.lo as i64, hi: self.hi as i64 }
    }

    /// The name of the form in listings, certificates and reports: one of [`Form::NAMES`].
    pub const fn form_name(&self) -> &'static str {
        let [
            offset,
            shift_half_even,
            multiply32,
            multiply64,
            even_odd,
            thresholds,
            table,
            shift_half_even64,
            multiply128,
        ] = Form::NAMES;
        match self.form {
            Form::Offset { .. } => offset,
            Form::ShiftHalfEven { .. } => shift_half_even,
            Form::Multiply32(_) => multiply32,
            Form::Multiply64(_) => multiply64,
            Form::EvenOdd { .. } => even_odd,
            Form::Thresholds { .. } => thresholds,
            Form::Table { .. } => table,
            Form::ShiftHalfEven64 { .. } => shift_half_even64,
            Form::Multiply128 { .. } => multiply128,
        }
    }
}

/// The `width` elements of `channel`, or the shared ones if there is only one group.
pub(crate) fn channel_slice<T>(values: &[T], width: usize, channel: usize) -> &[T] {
    let start = if values.len() > width { width.saturating_mul(channel) } else { 0 };
    values.get(start..).and_then(|rest| rest.get(..width.min(rest.len()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Half to even of `value / 2^shift` by division, sharing nothing with the form.
    fn half_even(value: i64, shift: u8) -> i64 {
        let unit = 1i64 << shift;
        let floor = value.div_euclid(unit);
        match (2 * value.rem_euclid(unit)).cmp(&unit) {
            core::cmp::Ordering::Less => floor,
            core::cmp::Ordering::Greater => floor + 1,
            core::cmp::Ordering::Equal => floor + (floor & 1),
        }
    }

    proptest! {
        #[test]
        fn shift_rounds_half_to_even(acc in -(1i32 << 18)..1 << 18, shift in 1u8..15, bias in -1000i32..1000, k in -9i32..9) {
            let offset = (bias << shift.min(4)) + (1 << (shift - 1)) - 1;
            let exact = half_even(i64::from(k) * i64::from(acc) + i64::from(bias << shift.min(4)), shift);
            prop_assert_eq!(i64::from(shift_half_even(acc, k, offset, shift)), exact);
        }

        #[test]
        fn thresholds_count_linearly(mut thresholds in prop::collection::vec(-100i32..100, 15), acc in -120i32..120) {
            thresholds.sort_unstable();
            let requant = Requant { form: Form::Thresholds { signs: &[1], thresholds: &thresholds }, lo: -8, hi: 7 };
            let passed = thresholds.iter().filter(|t| **t <= acc).count() as i32;
            prop_assert_eq!(requant.apply(3, acc), -8 + passed);
        }
    }

    #[test]
    fn shared_and_per_channel_parameters() {
        let line = Line64 { multipliers: &[1, 3], offsets: &[0], shifts: &[1, 0] };
        let requant = Requant { form: Form::Multiply64(line), lo: -128, hi: 127 };
        assert_eq!((requant.apply(0, 5), requant.apply(1, 5), requant.apply(1, 99)), (2, 15, 127));
        let stored = [
            Entries::I8(&[7, 8, 9, 1, 2, 3]),
            Entries::U8(&[7, 8, 9, 1, 2, 3]),
            Entries::I16(&[7, 8, 9, 1, 2, 3]),
        ];
        for entries in stored {
            let requant = Requant { form: Form::Table { first: -1, entries, domain: 3 }, lo: 0, hi: 15 };
            assert_eq!(
                [(0, -1), (0, 1), (1, -5), (1, 1)].map(|(c, acc)| requant.apply(c, acc)),
                [7, 9, 1, 3]
            );
        }
    }
}
