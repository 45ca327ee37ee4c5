//! The functions from accumulators to codes that a program may hold.
//!
//! Kernels apply them on the device; the importer's checker applies the very same code when it proves that they
//! equal the exact function of the model. Which form a layer gets is decided in the importer. The forms are the rows of
//! one table, `requant/table.rs`.
//!
//! Every form computes on wrapping integers, so nothing here can panic; that no wrap happens on the reachable
//! accumulators is part of the importer's proof.

#![allow(clippy::arithmetic_side_effects, reason = "32-bit codes in 64-bit arithmetic, and masked shifts")]

mod domain;
mod entries;
pub mod forms;
mod formula;
mod table;

pub use entries::Entries;
pub use formula::{
    count_passed, multiply_high, multiply32, multiply64, multiply128, shift_half_even, shift_half_even64,
};
pub use table::{Form, FormKind};

use crate::range::IntRange;
use forms::Apply;

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

/// Element `channel` of a per-channel array, the only element of a shared one, zero from an empty one.
pub fn at<T: Copy + Default>(values: PerChannel<'_, T>, channel: usize) -> T {
    values.get(channel).or(values.first()).copied().unwrap_or_default()
}

impl Requant<'_> {
    /// The code of accumulator `acc` in output channel `channel`.
    pub fn apply(&self, channel: usize, acc: i32) -> i32 {
        self.form.apply(channel, acc, [self.lo, self.hi])
    }

    /// The code of a 64-bit accumulator in output channel `channel`.
    ///
    /// Forms of 32-bit accumulators are defined where `acc` fits 32 bits, as
    /// [`is_exact_on`](Self::is_exact_on) says.
    pub fn apply_wide(&self, channel: usize, acc: i64) -> i32 {
        self.form.apply(channel, acc, [self.lo, self.hi])
    }

    /// The codes this can produce.
    pub const fn range(&self) -> IntRange {
        IntRange { lo: self.lo as i64, hi: self.hi as i64 }
    }

    /// The name of the form in listings, certificates and reports.
    pub const fn form_name(&self) -> &'static str {
        self.form.kind().name()
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
        let form = Form::Multiply64 { multipliers: &[1, 3], offsets: &[0], shifts: &[1, 0] };
        let requant = Requant { form, lo: -128, hi: 127 };
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
