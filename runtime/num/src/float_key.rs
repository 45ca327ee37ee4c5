//! Quantizes `f32` values by comparing them with thresholds, by integers alone.
//!
//! For quantizers that no scale and zero point describe: codes between which values step at arbitrary floats. A
//! float's key orders it among all floats, so a comparison of keys is one of values.

use crate::range::{IntRange, ascends};
use crate::requant::{channel_slice, count_passed};

/// An integer that orders floats: `float_key(a) <= float_key(b)` if and only if `a <= b`, for all `a` and `b` but NaN.
///
/// Both zeros have key 0, infinities the keys farthest from it; the keys of NaN lie beyond those.
pub const fn float_key(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    if bits < 0 { -(bits & i32::MAX) } else { bits }
}

/// Turns `f32` values into codes by counting thresholds.
///
/// Element `i` belongs to channel `i / inner % channels`. Its code is `range.lo` plus the number of the channel's
/// thresholds that are not above the [`float_key`] of the value, or `range.hi` minus that number if `falling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThresholdQuantizer<'a> {
    /// `range.hi - range.lo` ascending keys, one group for all channels or one for each.
    pub thresholds: &'a [i32],
    /// Channels; at least 1.
    pub channels: u32,
    /// Neighbouring elements of one channel; at least 1.
    pub inner: u32,
    /// Whether codes fall where values rise.
    pub falling: bool,
    /// Code of NaN.
    pub nan: i32,
    /// The codes.
    pub range: IntRange,
}

impl ThresholdQuantizer<'_> {
    /// Whether the thresholds suit the range and the channels and ascend, and every code lies in the range, which
    /// lies within 32 bits.
    pub fn is_well_formed(&self) -> bool {
        let codes = IntRange { lo: i32::MIN.into(), hi: i32::MAX.into() };
        let steps = self.steps();
        let groups = if self.thresholds.len() == steps { 1 } else { self.channels as usize };
        self.range.lo <= self.range.hi
            && codes.contains_range(self.range)
            && self.channels > 0
            && self.inner > 0
            && self.range.contains(self.nan.into())
            && steps.checked_mul(groups) == Some(self.thresholds.len())
            && (steps == 0 || self.thresholds.chunks(steps).all(ascends))
    }

    /// The code of `value` as element `index`, counted row-major.
    pub fn quantize(&self, index: usize, value: f32) -> i32 {
        if value.to_bits() & 0x7fff_ffff > 0x7f80_0000 {
            return self.nan;
        }
        let channel = index
            .checked_div(self.inner as usize)
            .and_then(|row| row.checked_rem(self.channels as usize))
            .unwrap_or_default();
        let thresholds = channel_slice(self.thresholds, self.steps(), channel);
        let passed = i64::from(count_passed(thresholds, float_key(value)));
        (if self.falling { self.range.hi - passed } else { self.range.lo + passed }) as i32
    }

    fn steps(&self) -> usize {
        usize::try_from(self.range.hi.saturating_sub(self.range.lo)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_floats(a in any::<f32>(), b in any::<f32>(), near in -2i32..=2) {
            let beside = f32::from_bits(a.to_bits().wrapping_add_signed(near));
            for b in [b, -a, beside] {
                if !a.is_nan() && !b.is_nan() {
                    prop_assert_eq!(float_key(a).cmp(&float_key(b)), a.partial_cmp(&b).unwrap(), "{} {}", a, b);
                }
            }
        }
    }

    #[test]
    fn keys_of_special_values() {
        assert_eq!([0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)].map(float_key), [0, 0, 1, -1]);
        assert!(float_key(f32::INFINITY) > float_key(f32::MAX));
        assert!(float_key(f32::NEG_INFINITY) < float_key(f32::MIN));
        assert!(float_key(f32::NAN) > float_key(f32::INFINITY));
    }

    #[test]
    fn an_ill_formed_quantizer_gives_some_code() {
        let range = IntRange { lo: 0, hi: 3 };
        let quantizer =
            ThresholdQuantizer { thresholds: &[1], channels: 0, inner: 0, falling: false, nan: 7, range };
        assert!(!quantizer.is_well_formed());
        assert!(range.contains(quantizer.quantize(5, 1.0).into()));
    }
}
