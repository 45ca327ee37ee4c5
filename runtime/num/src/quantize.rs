//! Quantizes `f32` values exactly, by integers alone.
//!
//! The same function serves weights at import, inputs on a host and inputs on a device, so a code never depends on
//! where it was made. `x / s + z` is rounded once, half to even; a float division would round twice.

mod fast;

pub use fast::{FastQuantizer, Quotients, SampleQuantizer, nearest_quotient};

use crate::range::IntRange;

/// A finite `f32` other than zero as `sign * mantissa * 2^exponent`, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dyadic {
    /// Whether the value is below zero.
    pub negative: bool,
    /// 2^23 to 2^24 - 1.
    pub mantissa: u32,
    /// Power of two.
    pub exponent: i16,
}

impl Dyadic {
    /// Splits a float, or returns `None` for zero, infinities and NaN.
    pub const fn from_f32(value: f32) -> Option<Self> {
        let bits = value.to_bits();
        let fraction = bits & 0x7f_ffff;
        let biased = (bits >> 23 & 0xff) as i16;
        let (mantissa, exponent) = match biased {
            0xff => return None,
            0 if fraction == 0 => return None,
            0 => {
                let shift = fraction.leading_zeros() - 8;
                (fraction << shift, -149 - shift as i16)
            }
            _ => (fraction | 1 << 23, biased - 150),
        };
        Some(Self { negative: bits >> 31 != 0, mantissa, exponent })
    }
}

/// Turns `f32` values into codes: `clamp(round_half_even(x / scale + zero_point), range)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InputQuantizer {
    scale: Dyadic,
    zero_point: i32,
    odd: bool,
    range: IntRange,
}

impl InputQuantizer {
    /// A quantizer with a positive finite `scale`, and codes and zero point within 32 bits; `None` otherwise.
    pub const fn new(scale: f32, zero_point: i32, range: IntRange) -> Option<Self> {
        let codes = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };
        match Dyadic::from_f32(scale) {
            Some(scale) if !scale.negative && codes.contains_range(range) => {
                Some(Self { scale, zero_point, odd: false, range })
            }
            _ => None,
        }
    }

    /// The same with ties that go to the odd code: what an odd zero point does that is added after rounding.
    #[must_use]
    pub const fn with_ties_to_odd(self) -> Self {
        Self { odd: true, ..self }
    }

    /// The code of `value`. Infinities give the ends of the range, NaN the code nearest to the zero point.
    pub const fn quantize(&self, value: f32) -> i32 {
        let zero_point = self.zero_point as i64;
        let Some(x) = Dyadic::from_f32(value) else {
            let infinite = value.to_bits() & 0x7fff_ffff == 0x7f80_0000;
            let code = match (infinite, value.to_bits() >> 31 != 0) {
                (false, _) => zero_point,
                (true, true) => self.range.lo,
                (true, false) => self.range.hi,
            };
            return self.range.clamp(code) as i32;
        };
        // Mantissas lie in [2^23, 2^24), so x / scale lies in (1/2, 2) * 2^shift.
        let shift = x.exponent as i32 - self.scale.exponent as i32;
        if shift <= -3 {
            return self.range.clamp(zero_point) as i32;
        }
        if shift >= 34 {
            return if x.negative { self.range.lo } else { self.range.hi } as i32;
        }
        let (numerator, divisor) = if shift >= 0 {
            ((x.mantissa as u64) << shift, self.scale.mantissa as u64)
        } else {
            (x.mantissa as u64, (self.scale.mantissa as u64) << -shift)
        };
        // The divisor is from 2^23 on, which not every compiler finds out.
        let (Some(quotient), Some(remainder)) =
            (numerator.checked_div(divisor), numerator.checked_rem(divisor))
        else {
            return self.range.clamp(zero_point) as i32;
        };
        let quotient = quotient as i64;
        let toward_zero = if x.negative { zero_point - quotient } else { zero_point + quotient };
        let twice = remainder << 1;
        let away = twice > divisor || (twice == divisor && (toward_zero & 1 != 0) != self.odd);
        let code = match (away, x.negative) {
            (false, _) => toward_zero,
            (true, true) => toward_zero - 1,
            (true, false) => toward_zero + 1,
        };
        self.range.clamp(code) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Independent of the code above: exact ratio of the two floats in 128-bit integers, floored and compared.
    fn oracle(value: f32, scale: f32, zero_point: i64, range: IntRange) -> i64 {
        let exact = |v: f32| {
            let bits = v.to_bits();
            let e = (bits >> 23 & 0xff) as i32;
            let m = if e == 0 { bits & 0x7f_ffff } else { bits & 0x7f_ffff | 0x80_0000 };
            (i128::from(m) * if bits >> 31 == 1 { -1 } else { 1 }, e.max(1) - 150)
        };
        let ((n, en), (d, ed)) = (exact(value), exact(scale));
        let shift = en - ed;
        if n == 0 || shift < -60 {
            return range.clamp(zero_point);
        }
        if shift > 90 {
            return if n < 0 { range.lo } else { range.hi };
        }
        let (n, d) = if shift >= 0 { (n << shift, d) } else { (n, d << -shift) };
        let z = n + d * i128::from(zero_point);
        let floor = z.div_euclid(d);
        let rest = 2 * z.rem_euclid(d);
        let rounded = if rest > d || (rest == d && floor % 2 != 0) { floor + 1 } else { floor };
        rounded.clamp(i128::from(range.lo), i128::from(range.hi)) as i64
    }

    proptest! {
        #[test]
        fn equals_the_exact_quotient(
            value in any::<f32>().prop_filter("finite", |v| v.is_finite()),
            scale in any::<f32>().prop_filter("positive", |v| v.is_finite() && *v > 0.0),
            zero_point in -300i32..300,
        ) {
            let range = IntRange { lo: -32768, hi: 32767 };
            let quantizer = InputQuantizer::new(scale, zero_point, range).unwrap();
            prop_assert_eq!(
                i64::from(quantizer.quantize(value)),
                oracle(value, scale, i64::from(zero_point), range)
            );
        }

        #[test]
        fn equals_the_exact_quotient_near_ties(
            halves in -2000i32..2000, nudge in -2i32..=2, scale in 1e-3f32..10.0, zero_point in -3i32..3,
        ) {
            let range = IntRange { lo: -512, hi: 511 };
            let value = f32::from_bits(((halves as f32 / 2.0 * scale).to_bits() as i32).wrapping_add(nudge) as u32);
            prop_assume!(value.is_finite());
            let quantizer = InputQuantizer::new(scale, zero_point, range).unwrap();
            prop_assert_eq!(
                i64::from(quantizer.quantize(value)),
                oracle(value, scale, i64::from(zero_point), range)
            );
        }
    }

    #[test]
    fn ties_go_to_the_even_code_with_the_zero_point_inside() {
        let range = IntRange { lo: -128, hi: 127 };
        let codes = |zero_point| {
            let quantizer = InputQuantizer::new(0.5, zero_point, range).unwrap();
            [0.25, 0.75, -0.25, -0.75].map(|x| quantizer.quantize(x))
        };
        assert_eq!(codes(0), [0, 2, 0, -2]);
        assert_eq!(codes(1), [2, 2, 0, 0]);
    }

    #[test]
    fn ties_go_to_the_odd_code_with_an_odd_zero_point_outside() {
        let range = IntRange { lo: -128, hi: 127 };
        let inside = InputQuantizer::new(0.5, 0, range).unwrap();
        let outside = InputQuantizer::new(0.5, 37, range).unwrap().with_ties_to_odd();
        for x in (-160..160).map(|eighth| eighth as f32 / 8.0) {
            assert_eq!(outside.quantize(x), inside.quantize(x) + 37, "{x}");
        }
    }

    #[test]
    fn special_values() {
        let quantizer = InputQuantizer::new(1e-3, 3, IntRange { lo: 0, hi: 15 }).unwrap();
        let codes = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, f32::MAX, f32::MIN_POSITIVE / 4.0];
        assert_eq!(codes.map(|x| quantizer.quantize(x)), [3, 15, 0, 3, 15, 3]);
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(InputQuantizer::new(bad, 0, IntRange { lo: 0, hi: 1 }), None);
        }
    }
}
