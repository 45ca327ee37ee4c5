//! Where a requantization is defined: parameter counts, shifts, and the accumulators on which nothing wraps.
//!
//! The program loader checks every requantization with this; a wrap would be silent on the device.

use super::{Form, PerChannel, Requant, at, formula};
use crate::range::{IntRange, ascends};

const INT32: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };

impl Requant<'_> {
    /// Whether the arrays suit `channels` channels: counts, shifts within the word, ascending thresholds.
    pub fn is_well_formed(&self, channels: usize) -> bool {
        let mut counted = true;
        self.form.visit_arrays(|_, elems, is_group| counted &= is_group || elems <= 1 || elems == channels);
        counted && self.lo <= self.hi && self.form.shifts_suit() && self.has_groups(channels)
    }

    /// How many channels need to be looked at to know all of `channels`: 1 where they share all parameters. Of a form that
    /// [is well formed](Self::is_well_formed).
    pub fn distinct(&self, channels: usize) -> usize {
        let mut shared = true;
        self.form.visit_arrays(|_, elems, is_group| shared &= is_group || elems <= 1);
        shared &= match self.form {
            Form::Thresholds { thresholds, .. } => thresholds.len() <= self.hi.abs_diff(self.lo) as usize,
            Form::Thresholds64 { thresholds, .. } => thresholds.len() <= self.hi.abs_diff(self.lo) as usize,
            Form::Table { entries, domain, .. } => entries.len() <= domain as usize,
            Form::Offset { .. }
            | Form::ShiftHalfEven { .. }
            | Form::Multiply32 { .. }
            | Form::Multiply64 { .. }
            | Form::EvenOdd { .. }
            | Form::MultiplyHigh { .. }
            | Form::ShiftHalfEven64 { .. }
            | Form::Multiply128 { .. } => true,
        };
        if shared { channels.min(1) } else { channels }
    }

    /// Elements of all arrays: what [`is_well_formed`](Self::is_well_formed) looks at.
    pub fn parameters(&self) -> usize {
        let mut elems = 0usize;
        self.form.visit_arrays(|_, count, _| elems = elems.saturating_add(count));
        elems
    }

    /// Whether lists of a channel have their length and order.
    fn has_groups(&self, channels: usize) -> bool {
        let groups = |elems: usize, width: usize| {
            width > 0 && (elems == width || width.checked_mul(channels) == Some(elems))
        };
        fn ordered<T: PartialOrd>(
            thresholds: &[T],
            steps: usize,
            groups: impl Fn(usize, usize) -> bool,
        ) -> bool {
            steps == 0 && thresholds.is_empty()
                || groups(thresholds.len(), steps) && thresholds.chunks(steps).all(ascends)
        }
        let steps = self.hi.abs_diff(self.lo) as usize;
        match self.form {
            Form::Thresholds { thresholds, .. } => ordered(thresholds, steps, groups),
            Form::Thresholds64 { thresholds, .. } => ordered(thresholds, steps, groups),
            Form::Table { entries, domain, .. } => groups(entries.len(), domain as usize),
            Form::Offset { .. }
            | Form::ShiftHalfEven { .. }
            | Form::Multiply32 { .. }
            | Form::Multiply64 { .. }
            | Form::EvenOdd { .. }
            | Form::MultiplyHigh { .. }
            | Form::ShiftHalfEven64 { .. }
            | Form::Multiply128 { .. } => true,
        }
    }

    /// Whether [`apply_wide`](Self::apply_wide), and [`apply`](Self::apply) for accumulators of 32 bits, computes the
    /// form's formula without a wrap for every accumulator of `acc`.
    ///
    /// All steps are monotone, so the two ends decide.
    pub fn is_exact_on(&self, channel: usize, acc: IntRange) -> bool {
        if self.form.kind().accumulator_bits() == 32 && !in_32_bits(acc) {
            return false;
        }
        match self.form {
            Form::Offset { offsets } => plus(acc, at(offsets, channel)).is_some(),
            Form::MultiplyHigh { lines, offsets, .. } => {
                let [multiplier, addend] = at(lines, channel);
                plus(acc, at(offsets, channel)).is_some_and(|acc| {
                    let high = |acc: i64| {
                        let product = i128::from(multiplier) * i128::from(acc);
                        (product + (1 << 31)) >> 32
                    };
                    let fits = |acc| i32::try_from(high(acc) + i128::from(addend)).is_ok();
                    fits(acc.lo) && fits(acc.hi)
                })
            }
            Form::ShiftHalfEven { multipliers, offsets, .. } => dividend(multipliers, offsets, channel, acc)
                .and_then(|dividend| dividend.checked_add(IntRange { lo: 0, hi: 1 }))
                .is_some_and(in_32_bits),
            Form::Multiply32 { multipliers, offsets, .. } => {
                dividend(multipliers, offsets, channel, acc).is_some_and(in_32_bits)
            }
            Form::Multiply64 { multipliers, offsets, .. } => {
                dividend(multipliers, offsets, channel, acc).is_some()
            }
            Form::EvenOdd {
                even_multipliers,
                even_offsets,
                even_shifts,
                odd_multipliers,
                odd_offsets,
                odd_shifts,
            } => {
                let even = dividend(even_multipliers, even_offsets, channel, acc);
                let odd = dividend(odd_multipliers, odd_offsets, channel, acc);
                even.zip(odd).is_some_and(|(even, odd)| {
                    let (even, odd) = (floor(even, even_shifts, channel), floor(odd, odd_shifts, channel));
                    even.checked_add(odd).is_some()
                })
            }
            Form::Thresholds { signs, .. } => at(signs, channel) >= 0 || acc.lo > i64::from(i32::MIN),
            Form::Thresholds64 { signs, .. } => at(signs, channel) >= 0 || acc.lo > i64::MIN,
            Form::Table { .. } => true,
            Form::ShiftHalfEven64 { multipliers, offsets, .. } => {
                let offset = i128::from(at(offsets, channel));
                ends(at(multipliers, channel), acc).into_iter().all(|product| {
                    let fits = |value: Option<i128>| value.is_some_and(|value| i64::try_from(value).is_ok());
                    let dividend = product.checked_add(offset);
                    fits(dividend) && fits(dividend.and_then(|dividend| dividend.checked_add(1)))
                })
            }
            Form::Multiply128 { multipliers, offsets, .. } => {
                let offset = formula::join(at(offsets, channel));
                ends(at(multipliers, channel), acc)
                    .into_iter()
                    .all(|product| product.checked_add(offset).is_some())
            }
        }
    }
}

/// The products of a multiplier with both ends of `acc`, which 128 bits always hold.
fn ends(multiplier: i64, acc: IntRange) -> [i128; 2] {
    [acc.lo, acc.hi].map(|end| i128::from(multiplier) * i128::from(end))
}

/// `multiplier * acc + offset` of a channel, or `None` past 64 bits.
fn dividend<T: Copy + Default + Into<i64>>(
    multipliers: PerChannel<'_, i32>,
    offsets: PerChannel<'_, T>,
    channel: usize,
    acc: IntRange,
) -> Option<IntRange> {
    let offset = IntRange::point(at(offsets, channel).into());
    acc.checked_scale(at(multipliers, channel).into())?.checked_add(offset)
}

fn floor(dividend: IntRange, shifts: PerChannel<'_, u8>, channel: usize) -> IntRange {
    let shift = at(shifts, channel) & 63;
    IntRange { lo: dividend.lo >> shift, hi: dividend.hi >> shift }
}

/// `acc + offset`, or `None` past 32 bits.
fn plus(acc: IntRange, offset: i32) -> Option<IntRange> {
    acc.checked_add(IntRange::point(offset.into())).filter(|sum| in_32_bits(*sum))
}

fn in_32_bits(range: IntRange) -> bool {
    INT32.contains_range(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(form: Form<'_>, acc: IntRange) -> bool {
        Requant { form, lo: -128, hi: 127 }.is_exact_on(0, acc)
    }

    proptest! {
        /// Against 128-bit arithmetic on both ends, where the extremes of a line lie.
        #[test]
        fn lines_are_exact_where_wide_arithmetic_agrees(
            multiplier in any::<i32>(), offset in any::<i32>(), wide_offset in any::<i64>(), shift in 1u8..31,
            a in any::<i32>(), b in any::<i32>(), scale in 0u32..31,
        ) {
            let (a, b) = (a >> scale, b >> scale);
            let acc = IntRange { lo: a.min(b).into(), hi: a.max(b).into() };
            let ends = |offset: i128| [a, b].map(|acc| i128::from(multiplier) * i128::from(acc) + offset);
            let fits32 = |value: i128| i32::try_from(value).is_ok();
            let (multipliers, offsets, shifts) = (&[multiplier], &[offset], &[shift]);
            prop_assert_eq!(
                exact(Form::Multiply32 { multipliers, offsets, shifts }, acc),
                ends(offset.into()).into_iter().all(fits32)
            );
            prop_assert_eq!(
                exact(Form::ShiftHalfEven { multipliers, offsets, shifts }, acc),
                ends(offset.into()).into_iter().all(|value| fits32(value) && fits32(value + 1))
            );
            let (wide_offsets, no_shift) = (&[wide_offset], &[0]);
            let wide = Form::Multiply64 { multipliers, offsets: wide_offsets, shifts: no_shift };
            let even_odd = Form::EvenOdd {
                even_multipliers: multipliers,
                even_offsets: wide_offsets,
                even_shifts: no_shift,
                odd_multipliers: multipliers,
                odd_offsets: wide_offsets,
                odd_shifts: no_shift,
            };
            let wide_ends = ends(wide_offset.into());
            let fits64 = |value: i128| i64::try_from(value).is_ok();
            prop_assert_eq!(exact(wide, acc), wide_ends.into_iter().all(fits64));
            prop_assert_eq!(
                exact(even_odd, acc),
                wide_ends.into_iter().all(|value| fits64(value) && fits64(2 * value))
            );
            let sums = [a, b].map(|acc| acc.checked_add(offset));
            prop_assert_eq!(
                exact(Form::Offset { offsets: &[offset] }, acc),
                sums.iter().all(Option::is_some)
            );
            let addend = wide_offset as i32;
            let high = Form::MultiplyHigh { lines: &[[multiplier, addend]], offsets, shifts };
            let fits = |sum: &Option<i32>| {
                sum.is_some_and(|sum| {
                    let dividend = i128::from(multiplier) * i128::from(sum) + (i128::from(addend) << 32) + (1 << 31);
                    fits32(dividend.div_euclid(1 << 32))
                })
            };
            prop_assert_eq!(exact(high, acc), sums.iter().all(fits));
        }
    }

    proptest! {
        /// Against sums of high and low words.
        #[test]
        fn long_lines_are_exact_where_words_add_up(
            multiplier in any::<i64>(), offset in any::<i64>(), high in any::<i64>(), a in any::<i64>(),
            b in any::<i64>(), scale in 0u32..63, high_scale in 0u32..63, shift in 0u8..64,
        ) {
            let (a, b) = (a >> scale, b >> scale);
            let acc = IntRange { lo: a.min(b), hi: a.max(b) };
            let products = [a, b].map(|acc| i128::from(multiplier) * i128::from(acc));
            let halves = Form::ShiftHalfEven64 { multipliers: &[multiplier], offsets: &[offset], shifts: &[shift] };
            let fits = products.iter().all(|product| {
                let y = product + i128::from(offset);
                i64::try_from(y).is_ok_and(|y| y < i64::MAX)
            });
            prop_assert_eq!(exact(halves, acc), fits);
            let words = [offset, high >> high_scale];
            let long = Form::Multiply128 { multipliers: &[multiplier], offsets: &[words], shifts: &[shift] };
            let fits = products.iter().all(|product| {
                let carry = (*product as u64).checked_add(offset as u64).is_none();
                let sum = (product >> 64) + i128::from(words[1]) + i128::from(carry);
                i64::try_from(sum).is_ok()
            });
            prop_assert_eq!(exact(long, acc), fits);
        }
    }

    #[test]
    fn the_ends_of_long_forms() {
        let all = IntRange { lo: i64::MIN, hi: i64::MAX };
        let requant = |shift: &'static [u8]| Requant {
            form: Form::Multiply128 {
                multipliers: &[i64::MIN],
                offsets: &[[0, i64::MAX / 2]],
                shifts: shift,
            },
            lo: -7,
            hi: 7,
        };
        assert!(requant(&[127]).is_exact_on(0, all));
        // 2^126 + (2^62 - 1) * 2^64 = 2^127 - 2^64, and -(2^126 - 2^63) + (2^62 - 1) * 2^64 = -2^63.
        assert_eq!([i64::MIN, i64::MAX].map(|acc| requant(&[125]).apply_wide(0, acc)), [3, -1]);
        assert_eq!([i64::MIN, i64::MAX].map(|acc| requant(&[127]).apply_wide(0, acc)), [0, -1]);
        assert!(requant(&[127]).is_well_formed(1) && !requant(&[128]).is_well_formed(1));
        let halves = |offset: &'static [i64]| Requant {
            form: Form::ShiftHalfEven64 { multipliers: &[1], offsets: offset, shifts: &[63] },
            lo: -7,
            hi: 7,
        };
        assert!(halves(&[]).is_exact_on(0, IntRange { lo: i64::MIN, hi: i64::MAX - 1 }));
        assert!(!halves(&[]).is_exact_on(0, all) && !halves(&[-1]).is_exact_on(0, all));
        // The offset is the rounding's: 2^62 - 1. A half goes to the even code.
        let rounded = halves(&[i64::MAX / 2]);
        assert_eq!(
            [1 << 61, 1 << 62, -(1 << 62), i64::MIN].map(|acc| rounded.apply_wide(0, acc)),
            [0, 0, 0, -1]
        );
        let narrow = Requant { form: Form::Offset { offsets: &[1] }, lo: -7, hi: 7 };
        assert!(!narrow.is_exact_on(0, all));
        assert_eq!(narrow.apply_wide(0, -3), -2);
    }

    #[test]
    fn a_negated_minimum_wraps() {
        let acc = |lo| IntRange { lo, hi: 0 };
        let form = Form::Thresholds { signs: &[-1], thresholds: &[] };
        assert!(!exact(form, acc(i32::MIN.into())) && exact(form, acc(i64::from(i32::MIN) + 1)));
        assert!(!exact(Form::Offset { offsets: &[] }, acc(i64::from(i32::MIN) - 1)));
    }
}
