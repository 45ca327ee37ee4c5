//! The same codes in a few instructions: one multiplication by a reciprocal of the scale, found once, instead of a division for
//! each value.
//!
//! With the mantissa `X` of a value, moved to 32 bits, and that of the scale, `S`, `value / scale` is `X / S * 2^e`. The
//! reciprocal `R = floor(2^54 / S)` has 31 bits, and `h`, the high word of `X * R`, is below the quotient in units of
//! `2^-t`, where `t` follows from both exponents, by less than 2. So which integer is the nearest is certain, unless `h` is
//! the unit at a half or the one before it; a half itself is never certain. What is not certain, which is one value in some
//! million or data that are halves, goes the long way; so do quotients near `2^29`, infinities and NaN, where no unit
//! has a fraction. What is below a half whatever its mantissa is has the largest `t`, which gives 0.

use super::InputQuantizer;
use crate::real::{Real, Unit};

/// A quantizer with what can be computed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FastQuantizer {
    definition: InputQuantizer,
    /// `floor(2^54 / S)`.
    reciprocal: u32,
    /// The `t` of a value whose exponent is 0, less 1.
    first: i32,
    zero_point: i32,
    lo: i32,
    hi: i32,
}

/// A `t` that makes no value certain.
const NEVER: i32 = -1 << 16;

impl InputQuantizer {
    /// The quantizer with a reciprocal of its scale: for many values.
    pub const fn fast(self) -> FastQuantizer {
        let exponent = self.scale.exponent as i32;
        // A zero point so far off would wrap. Values without the mantissa's highest bit, and those without a number, are to be
        // at the ends of what `t` can be.
        let suits = self.zero_point.unsigned_abs() <= 1 << 24 && exponent >= -140 && exponent <= 70;
        FastQuantizer {
            definition: self,
            // No mantissa is 0, which an optimizer for size does not see.
            reciprocal: match (1u64 << 54).checked_div(self.scale.mantissa as u64) {
                Some(reciprocal) => reciprocal as u32,
                None => 0,
            },
            first: if suits { 179 + exponent } else { NEVER },
            zero_point: self.zero_point,
            lo: self.range.lo as i32,
            hi: self.range.hi as i32,
        }
    }
}

impl FastQuantizer {
    /// The code of `value`, that of the quantizer this was made of.
    #[inline(always)]
    pub fn quantize(&self, value: f32) -> i32 {
        self.unlimited(value).max(self.lo).min(self.hi)
    }

    /// The same before it is limited to the range, for those that limit it themselves; some code beyond an end that it is beyond.
    #[inline(always)]
    pub fn unlimited(&self, value: f32) -> i32 {
        let bits = value.to_bits();
        let biased = (bits >> 23 & 0xff) as i32;
        let mantissa = bits << 8 | 1 << 31;
        let high = ((mantissa as u64).wrapping_mul(self.reciprocal as u64) >> 32) as u32;
        let shift = self.first.wrapping_sub(biased).clamp(0, 31) as u32;
        let half = 1u32.wrapping_shl(shift);
        // In units of twice the size, rounded up from a half on.
        let rounded = high.wrapping_add(half).wrapping_add(1) >> 1;
        if rounded & half.wrapping_sub(1) == 0 {
            return self.slow(value);
        }
        let magnitude = (rounded >> shift) as i32;
        let sign = bits as i32 >> 31;
        (magnitude ^ sign).wrapping_sub(sign).wrapping_add(self.zero_point)
    }

    /// What quantizes samples, each of which stands for itself divided by `2^fraction_bits`.
    pub const fn of_samples(self, fraction_bits: u8) -> SampleQuantizer {
        // A sample, moved to 32 bits, as a value above: less `t` by 1.
        let shift = 37 + self.definition.scale.exponent as i32 + fraction_bits as i32;
        let suits = self.first != NEVER && shift >= 1 && shift <= 29;
        SampleQuantizer { quantizer: self, fraction_bits, shift: if suits { shift as u32 } else { 0 } }
    }

    #[cold]
    #[inline(never)]
    const fn slow(&self, value: f32) -> i32 {
        self.definition.quantize(value)
    }
}

/// Quantizes samples of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SampleQuantizer {
    quantizer: FastQuantizer,
    fraction_bits: u8,
    /// 0 where the scale is too far from that of the samples: no sample is certain.
    shift: u32,
}

impl SampleQuantizer {
    /// The code of `sample / 2^fraction_bits`.
    #[inline(always)]
    pub fn quantize(&self, sample: i16) -> i32 {
        self.unlimited(sample).max(self.quantizer.lo).min(self.quantizer.hi)
    }

    /// The same before it is limited to the range, as [`FastQuantizer::unlimited`].
    #[inline(always)]
    pub fn unlimited(&self, sample: i16) -> i32 {
        // A reciprocal of 31 bits or 2^31, as a quotient of mantissas is at most 2; a sample that is a negative number has a high
        // word that is below its quotient by less than 3 halves, or above it by less than a half.
        let high = (i64::from(i32::from(sample) << 16).wrapping_mul(i64::from(self.quantizer.reciprocal))
            >> 32) as i32;
        let half = 1i32.wrapping_shl(self.shift);
        let rounded = high.wrapping_add(half).wrapping_add(1) >> 1;
        if rounded & half.wrapping_sub(1) == 0 {
            return self.slow(sample);
        }
        (rounded >> (self.shift & 31)).wrapping_add(self.quantizer.zero_point)
    }

    #[cold]
    #[inline(never)]
    const fn slow(&self, sample: i16) -> i32 {
        let unit = Unit { mantissa: 1, exponent: -(self.fraction_bits as i16) };
        self.quantizer.slow(Real { count: sample as i128, unit }.to_f32())
    }
}

/// Divides small numbers by one of 16 bits: the floats that a division of floats gives, by a reciprocal that is found once.
///
/// The reciprocal has 47 bits, so a product with 16 bits is below the quotient by less than `2^-46` of it. A quotient of 16
/// bits by 16 bits that is no float lies further from the middle of two floats than `2^-41` of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quotients {
    /// `floor(2^(46 + bits) / denominator)`, 0 for the denominator 0.
    reciprocal: u64,
    /// Bits of the denominator.
    bits: u32,
}

impl Quotients {
    /// Quotients by `denominator`; infinite if that is 0.
    pub const fn by(denominator: u16) -> Self {
        let bits = u16::BITS - denominator.leading_zeros();
        let reciprocal = match (1u64 << (46 + bits)).checked_div(denominator as u64) {
            Some(reciprocal) => reciprocal,
            None => 0,
        };
        Self { reciprocal, bits }
    }

    /// The float nearest to `numerator` divided by the denominator, ties to even.
    pub const fn of(&self, numerator: u16) -> f32 {
        if self.reciprocal == 0 {
            return f32::INFINITY;
        }
        if numerator == 0 {
            return 0.0;
        }
        // From 2^46 to 2^63.
        let product = (numerator as u64).wrapping_mul(self.reciprocal);
        let zeros = product.leading_zeros();
        // 25 bits, the last of which rounds; none of the floats that are met lies in the middle of two.
        let mantissa = ((product << (zeros & 63)) >> 39).wrapping_add(1) as u32 >> 1;
        // The product has 64 - zeros bits, and is the quotient times 2^(46 + bits); what the mantissa has too much of goes to the
        // exponent.
        let biased = 127 + 63 - 46 - zeros.wrapping_add(self.bits);
        f32::from_bits((biased << 23).wrapping_add(mantissa & 0x7f_ffff).wrapping_add((mantissa >> 24) << 23))
    }
}

/// The float nearest to `numerator / denominator`, ties to even, as a division of floats gives it; infinite if the denominator
/// is 0.
pub const fn nearest_quotient(numerator: u16, denominator: u16) -> f32 {
    Quotients::by(denominator).of(numerator)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use super::*;
    use crate::range::IntRange;
    use proptest::prelude::*;

    fn ranges() -> impl Strategy<Value = (IntRange, i32, bool)> {
        let range = prop::sample::select(vec![
            (-128, 127),
            (0, 255),
            (-8, 7),
            (0, 1),
            (-32768, 32767),
            (0, 65535),
            (-7, 7),
        ]);
        let zero = prop_oneof![Just(0i32), -300i32..300, Just(32768), Just(i32::MAX), Just(i32::MIN)];
        (range, zero, any::<bool>())
            .prop_map(|((lo, hi), zero_point, odd)| (IntRange { lo, hi }, zero_point, odd))
    }

    fn quantizer(scale: f32, (range, zero_point, odd): (IntRange, i32, bool)) -> InputQuantizer {
        let quantizer = InputQuantizer::new(scale, zero_point, range).unwrap();
        if odd { quantizer.with_ties_to_odd() } else { quantizer }
    }

    /// Floats around halves of the scale's multiples, where codes change.
    fn around(scale: f32, step: i32) -> impl Iterator<Item = f32> {
        let half = f64::from(scale) * f64::from(step) / 2.0;
        let bits = (half as f32).to_bits();
        (-3i32..=3).map(move |by| f32::from_bits(bits.wrapping_add_signed(by)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn every_float_has_the_code_of_the_definition(
            scale in any::<f32>().prop_filter("scale", |scale| scale.is_finite() && *scale > 0.0),
            kind in ranges(), value in any::<f32>(), steps in prop::collection::vec(-1000i32..1000, 20), far in any::<i32>(),
        ) {
            let definition = quantizer(scale, kind);
            let fast = definition.fast();
            prop_assert_eq!(fast.quantize(value), definition.quantize(value), "{}", value);
            for value in steps.into_iter().chain([far % 140_000]).flat_map(|step| around(scale, step)) {
                prop_assert_eq!(fast.quantize(value), definition.quantize(value), "{} / {}", value, scale);
            }
        }

        /// Scales as models have them.
        #[test]
        fn codes_of_usual_scales(
            mantissa in prop_oneof![0x80_0000u32..0x100_0000, Just(0x80_0000), Just(0xff_ffff)], exponent in 80u32..140,
            kind in ranges(), steps in prop::collection::vec(-600i32..600, 100),
        ) {
            let scale = f32::from_bits(exponent << 23 | mantissa & 0x7f_ffff);
            let definition = quantizer(scale, kind);
            let fast = definition.fast();
            for value in steps.into_iter().flat_map(|step| around(scale, step)) {
                prop_assert_eq!(fast.quantize(value), definition.quantize(value), "{} / {}", value, scale);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Every sample, of audio and of converters.
        #[test]
        fn samples_have_the_codes_of_their_floats(
            scale in any::<f32>().prop_filter("scale", |scale| scale.is_finite() && *scale > 0.0),
            usual in (0x80_0000u32..0x100_0000, 90u32..135), kind in ranges(), fraction_bits in 0u8..20,
        ) {
            let usual = f32::from_bits(usual.1 << 23 | usual.0 & 0x7f_ffff);
            for scale in [scale, usual, f32::from_bits(usual.to_bits() & 0x7f80_0000)] {
                let definition = quantizer(scale, kind);
                let samples = definition.fast().of_samples(fraction_bits);
                for sample in (i16::MIN..=i16::MAX).step_by(7).chain([i16::MAX]) {
                    let value = f32::from(sample) * f32::powi(2.0, -i32::from(fraction_bits));
                    prop_assert_eq!(samples.quantize(sample), definition.quantize(value), "{} / {}", sample, scale);
                }
            }
        }

        #[test]
        fn quotients_are_those_of_floats(numerators in prop::collection::vec(any::<u16>(), 50), denominator in any::<u16>()) {
            for numerator in numerators.into_iter().chain(0..=255) {
                let exact = f32::from(numerator) / f32::from(denominator);
                if denominator > 0 {
                    prop_assert_eq!(nearest_quotient(numerator, denominator), exact);
                }
            }
        }
    }

    /// Every float near a few scales, all exponents, and every 97th mantissa: 22 million values in all.
    #[test]
    fn floats_of_every_exponent() {
        for scale in [1.0f32, 0.1, 0.007_812_5, f32::MIN_POSITIVE, 1e-42, 3e38, 0.999_999_94] {
            let definition = quantizer(scale, (IntRange { lo: -128, hi: 127 }, 3, false));
            let fast = definition.fast();
            let mut bits = 0u32;
            while bits < 0x7f90_0000 {
                for sign in [0, 1 << 31] {
                    let value = f32::from_bits(bits | sign);
                    assert_eq!(fast.quantize(value), definition.quantize(value), "{value:e} / {scale:e}");
                }
                bits += 2_713;
            }
        }
    }
}
