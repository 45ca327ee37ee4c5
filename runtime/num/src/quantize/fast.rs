//! The same codes in a few multiplications: a reciprocal of the scale, found once, instead of a division for each value.
//!
//! With mantissas `X` of the value and `S` of the scale, `value / scale` is `X / S * 2^shift`. The reciprocal `R` is below
//! `2^55 / S` by at most 1, so `X * R`, a product of 24 and 32 bits, is below `X / S * 2^55` by at most `2^24`. Cut to a
//! fraction of at least 14 bits, it gives the nearest integer or, only where the quotient is within `2^-13` above a
//! half, the one below; exactly at a half always the one below. One multiplication more gives the exact remainder, by which that
//! one is told from the other. What is not near the codes' range, and what is no number, goes the long way.

use super::InputQuantizer;
use crate::real::{Real, Unit};

/// Quotients below this power of two have a fraction of 14 bits or more in the product.
const MOST_BITS: u32 = 16;

/// A quantizer with what can be computed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FastQuantizer {
    definition: InputQuantizer,
    /// `floor((2^55 - 1) / S)`.
    reciprocal: u32,
    /// `4 S`: quotients are of four times the mantissas, as shifts begin at -2.
    divisor: u32,
    /// Bits of the smallest magnitude whose quotient is at least `2^-2`, an exponent alone.
    least: u32,
    /// How far above that a magnitude may lie.
    span: u32,
    /// 1 where a tie goes up from an even quotient.
    odd: u32,
}

impl InputQuantizer {
    /// The quantizer with a reciprocal of its scale: for many values.
    pub const fn fast(self) -> FastQuantizer {
        // The bit is set: every mantissa is from 2^23 on. Here the compiler sees that it is no zero.
        let mantissa = self.scale.mantissa | 1 << 23;
        // A value has a quotient of 2^-2 * X / S, X and S from 2^23 on, where its exponent is that of the scale less 2. Values
        // that are no normal floats, with biased exponents below 1, go the long way.
        let biased = self.scale.exponent as i32 + 150;
        let first = if biased - 2 < 1 { 1 } else { biased - 2 };
        let last = if biased + MOST_BITS as i32 - 1 > 254 { 254 } else { biased + MOST_BITS as i32 - 1 };
        // A zero point so far off would wrap.
        let far = self.zero_point.unsigned_abs() > 1 << 24;
        let span = if last < first || far { 0 } else { (last - first + 1) as u32 };
        FastQuantizer {
            definition: self,
            // No mantissa is 0, which an optimizer for size does not see.
            reciprocal: match ((1u64 << 55) - 1).checked_div(mantissa as u64) {
                Some(reciprocal) => reciprocal as u32,
                None => 0,
            },
            divisor: mantissa << 2,
            least: (first as u32) << 23,
            span: span << 23,
            odd: (self.zero_point as u32 & 1) ^ self.odd as u32,
        }
    }
}

impl FastQuantizer {
    /// The code of `value`, that of the quantizer this was made of.
    #[inline(always)]
    pub const fn quantize(&self, value: f32) -> i32 {
        let bits = value.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let above = magnitude.wrapping_sub(self.least);
        if above >= self.span {
            return self.slow(value);
        }
        let mantissa = magnitude & 0x7f_ffff | 1 << 23;
        // From 0 on where the scale is not among the smallest or largest floats; else as much more as was left out.
        let shift = (above >> 23).wrapping_add(self.left_out());
        let high = ((mantissa as u64).wrapping_mul(self.reciprocal as u64) >> 32) as u32;
        // 57 bits of fraction less the shift, 32 of which are cut off; halves up.
        let nearest = (high >> (24u32.wrapping_sub(shift) & 31)).wrapping_add(1) >> 1;
        // Exact, as no more than the divisor, though both terms may wrap.
        let rest = (mantissa << (shift & 31)).wrapping_sub(nearest.wrapping_mul(self.divisor)) as i32;
        let beyond = rest.wrapping_mul(2).wrapping_sub(self.divisor as i32);
        self.code(nearest, beyond, (bits as i32) < 0)
    }

    /// The code of a quotient whose nearest integer is `nearest`, or one more if twice the remainder is `beyond` the divisor.
    #[inline(always)]
    const fn code(&self, nearest: u32, beyond: i32, negative: bool) -> i32 {
        // Past the half, or at it with a code that the tie does not go to.
        let odd = (nearest ^ self.odd) & 1;
        let up = beyond.wrapping_add(odd as i32) > 0;
        let nearest = nearest.wrapping_add(up as u32) as i32;
        let signed = if negative { nearest.wrapping_neg() } else { nearest };
        let code = signed.wrapping_add(self.definition.zero_point);
        let (lo, hi) = (self.definition.range.lo as i32, self.definition.range.hi as i32);
        if code < lo {
            lo
        } else if code > hi {
            hi
        } else {
            code
        }
    }

    /// What quantizes samples, each of which stands for itself divided by `2^fraction_bits`.
    pub const fn of_samples(self, fraction_bits: u8) -> SampleQuantizer {
        // |sample| / S * 2^scaled.
        let scaled = -(self.definition.scale.exponent as i32) - fraction_bits as i32;
        let suits = scaled >= LEAST_SCALED && scaled <= MOST_SCALED && self.span > 0;
        let (up, down) = if scaled < 0 { (0, -scaled) } else { (scaled, 0) };
        let mantissa = self.definition.scale.mantissa;
        SampleQuantizer {
            quantizer: self,
            fraction_bits,
            suits,
            cut: if suits { (54 - scaled - 32) as u32 } else { 0 },
            up: if suits { up as u32 } else { 0 },
            divisor: if suits { mantissa << down } else { mantissa },
        }
    }

    /// Shifts left out because no normal float has them.
    const fn left_out(&self) -> u32 {
        let wanted = self.definition.scale.exponent as i32 + 148;
        let first = (self.least >> 23) as i32;
        (first - wanted) as u32
    }

    #[inline(never)]
    const fn slow(&self, value: f32) -> i32 {
        self.definition.quantize(value)
    }
}

/// Least and largest power of two by which samples are scaled: the divisor has at most 29 bits, and the product of a sample and the
/// reciprocal a whole word of fraction.
const LEAST_SCALED: i32 = -5;
const MOST_SCALED: i32 = 22;

/// Quantizes samples of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SampleQuantizer {
    quantizer: FastQuantizer,
    fraction_bits: u8,
    /// Whether the scale is near enough to that of the samples for the short way.
    suits: bool,
    /// Bits of fraction above the low word, but one.
    cut: u32,
    /// Shift of a sample that makes it a dividend.
    up: u32,
    divisor: u32,
}

impl SampleQuantizer {
    /// The code of `sample / 2^fraction_bits`.
    #[inline(always)]
    pub const fn quantize(&self, sample: i16) -> i32 {
        if !self.suits {
            return self.slow(sample);
        }
        let magnitude = sample.unsigned_abs() as u32;
        let high = ((magnitude as u64).wrapping_mul(self.quantizer.reciprocal as u64) >> 32) as u32;
        let nearest = (high >> (self.cut & 31)).wrapping_add(1) >> 1;
        let rest = (magnitude << (self.up & 31)).wrapping_sub(nearest.wrapping_mul(self.divisor)) as i32;
        let beyond = rest.wrapping_mul(2).wrapping_sub(self.divisor as i32);
        self.quantizer.code(nearest, beyond, sample < 0)
    }

    #[inline(never)]
    const fn slow(&self, sample: i16) -> i32 {
        let unit = Unit { mantissa: 1, exponent: -(self.fraction_bits as i16) };
        self.quantizer.slow(Real { count: sample as i128, unit }.to_f32())
    }
}

/// The float nearest to `numerator / denominator`, ties to even, as a division of floats gives it; infinite if the denominator
/// is 0.
pub const fn nearest_quotient(numerator: u16, denominator: u16) -> f32 {
    if denominator == 0 {
        return f32::INFINITY;
    }
    // At least 2^24 where the quotient is not 0: what is left over only matters as something or nothing.
    let dividend = (numerator as u64) << 40;
    let (quotient, rest) = (dividend / denominator as u64, dividend % denominator as u64);
    let count = (quotient << 1 | (rest != 0) as u64) as i128;
    Real { count, unit: Unit { mantissa: 1, exponent: -41 } }.to_f32()
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
        fn quotients_are_those_of_floats(numerator in any::<u16>(), denominator in any::<u16>()) {
            let exact = f32::from(numerator) / f32::from(denominator);
            if denominator > 0 {
                prop_assert_eq!(nearest_quotient(numerator, denominator), exact);
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
