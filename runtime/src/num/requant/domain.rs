//! Where a requantization is defined: parameter counts, shifts, and the accumulators on which nothing wraps.
//!
//! The program loader checks every requantization with this; a wrap would be silent on the device.

use super::{Form, Line32, Line64, PerChannel, Requant, at};
use crate::num::IntRange;

const INT32: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };

impl Requant<'_> {
    /// Whether the arrays suit `channels` channels: counts, shifts within the word, ascending thresholds.
    pub fn is_well_formed(&self, channels: usize) -> bool {
        let groups = |elems: usize, width: usize| {
            width > 0 && (elems == width || width.checked_mul(channels) == Some(elems))
        };
        self.lo <= self.hi
            && match self.form {
                Form::Offset { offsets } => counted(offsets, channels),
                Form::ShiftHalfEven { multipliers, offsets, shifts } => {
                    Line32 { multipliers, offsets, shifts }.is_well_formed(channels)
                }
                Form::Multiply32(line) => line.is_well_formed(channels),
                Form::Multiply64(line) => line.is_well_formed(channels),
                Form::EvenOdd { even, odd } => even.is_well_formed(channels) && odd.is_well_formed(channels),
                Form::Thresholds { signs, thresholds } => {
                    let steps = self.hi.abs_diff(self.lo) as usize;
                    counted(signs, channels)
                        && (steps == 0 && thresholds.is_empty()
                            || groups(thresholds.len(), steps)
                                && thresholds.chunks(steps).all(<[i32]>::is_sorted))
                }
                Form::Table { entries, domain, .. } => groups(entries.len(), domain as usize),
            }
    }

    /// Whether [`apply`](Self::apply) computes the form's formula without a wrap for every accumulator of `acc`.
    ///
    /// All steps are monotone, so the two ends decide.
    pub fn is_exact_on(&self, channel: usize, acc: IntRange) -> bool {
        if !INT32.contains_range(acc) {
            return false;
        }
        match self.form {
            Form::Offset { offsets } => {
                acc.checked_add(IntRange::point(at(offsets, channel).into())).is_some_and(in_32_bits)
            }
            Form::ShiftHalfEven { multipliers, offsets, shifts } => Line32 { multipliers, offsets, shifts }
                .dividend(channel, acc)
                .and_then(|dividend| dividend.checked_add(IntRange { lo: 0, hi: 1 }))
                .is_some_and(in_32_bits),
            Form::Multiply32(line) => line.dividend(channel, acc).is_some_and(in_32_bits),
            Form::Multiply64(line) => line.range_on(channel, acc).is_some(),
            Form::EvenOdd { even, odd } => even
                .range_on(channel, acc)
                .zip(odd.range_on(channel, acc))
                .is_some_and(|(even, odd)| even.checked_add(odd).is_some()),
            Form::Thresholds { signs, .. } => at(signs, channel) >= 0 || acc.lo > i64::from(i32::MIN),
            Form::Table { .. } => true,
        }
    }
}

impl Line32<'_> {
    fn is_well_formed(&self, channels: usize) -> bool {
        counted(self.multipliers, channels)
            && counted(self.offsets, channels)
            && counted(self.shifts, channels)
            && self.shifts.iter().all(|shift| u32::from(*shift) < i32::BITS)
    }

    fn dividend(&self, channel: usize, acc: IntRange) -> Option<IntRange> {
        let offset = IntRange::point(at(self.offsets, channel).into());
        acc.checked_scale(at(self.multipliers, channel).into())?.checked_add(offset)
    }
}

impl Line64<'_> {
    fn is_well_formed(&self, channels: usize) -> bool {
        counted(self.multipliers, channels)
            && counted(self.offsets, channels)
            && counted(self.shifts, channels)
            && self.shifts.iter().all(|shift| u32::from(*shift) < i64::BITS)
    }

    /// The line's values on `acc`, or `None` if one wraps.
    fn range_on(&self, channel: usize, acc: IntRange) -> Option<IntRange> {
        let offset = IntRange::point(at(self.offsets, channel));
        let dividend = acc.checked_scale(at(self.multipliers, channel).into())?.checked_add(offset)?;
        let shift = at(self.shifts, channel) & 63;
        Some(IntRange { lo: dividend.lo >> shift, hi: dividend.hi >> shift })
    }
}

fn counted<T>(values: PerChannel<'_, T>, channels: usize) -> bool {
    values.len() <= 1 || values.len() == channels
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
            let narrow = Line32 { multipliers: &[multiplier], offsets: &[offset], shifts: &[shift] };
            prop_assert_eq!(exact(Form::Multiply32(narrow), acc), ends(offset.into()).into_iter().all(fits32));
            let Line32 { multipliers, offsets, shifts } = narrow;
            prop_assert_eq!(
                exact(Form::ShiftHalfEven { multipliers, offsets, shifts }, acc),
                ends(offset.into()).into_iter().all(|value| fits32(value) && fits32(value + 1))
            );
            let wide = Line64 { multipliers: &[multiplier], offsets: &[wide_offset], shifts: &[0] };
            let wide_ends = ends(wide_offset.into());
            let fits64 = |value: i128| i64::try_from(value).is_ok();
            prop_assert_eq!(exact(Form::Multiply64(wide), acc), wide_ends.into_iter().all(fits64));
            prop_assert_eq!(
                exact(Form::EvenOdd { even: wide, odd: wide }, acc),
                wide_ends.into_iter().all(|value| fits64(value) && fits64(2 * value))
            );
            prop_assert_eq!(
                exact(Form::Offset { offsets: &[offset] }, acc),
                [a, b].into_iter().all(|acc| acc.checked_add(offset).is_some())
            );
        }
    }

    #[test]
    fn a_negated_minimum_wraps() {
        let acc = |lo| IntRange { lo, hi: 0 };
        let form = Form::Thresholds { signs: &[-1], thresholds: &[] };
        assert!(!exact(form, acc(i32::MIN.into())) && exact(form, acc(i64::from(i32::MIN) + 1)));
        assert!(!exact(Form::Offset { offsets: &[] }, acc(i64::from(i32::MIN) - 1)));
    }
}
