//! What integers stand for: exact real numbers, compared and rounded by integers alone.
//!
//! The outputs of a program are given in these, so that a device tells classes apart and shows values without a float.

#![allow(clippy::arithmetic_side_effects, reason = "the bounds of every step are stated beside it")]

use core::cmp::Ordering;

/// The positive real number `mantissa * 2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unit {
    /// Not 0.
    pub mantissa: u64,
    /// Power of two.
    pub exponent: i16,
}

/// The real number `count * unit`.
///
/// Of two numbers in the same unit the one of the larger count is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Real {
    /// Units.
    pub count: i128,
    /// What is counted.
    pub unit: Unit,
}

/// A magnitude of 128 bits, of which something smaller than its last bit was dropped if it is `more`.
#[derive(Clone, Copy)]
struct Magnitude {
    bits: u128,
    more: bool,
    exponent: i32,
}

impl Real {
    /// The nearest integer to `self * 2^fraction_bits`, ties to even: the bits of a fixed-point number. `None` past 128 bits.
    pub const fn fixed_bits(self, fraction_bits: u32) -> Option<i128> {
        let magnitude = self.magnitude();
        // Past 2^20 either nothing is left, or nothing fits.
        let fraction_bits = if fraction_bits > 1 << 20 { 1 << 20 } else { fraction_bits as i32 };
        let shift = -(magnitude.exponent + fraction_bits);
        let bits = if shift > 0 {
            magnitude.shifted(shift as u32)
        } else {
            // Zero stays zero, however far it is shifted.
            let left = shift.unsigned_abs();
            if magnitude.bits == 0 {
                0
            } else if left > magnitude.bits.leading_zeros() {
                return None;
            } else {
                magnitude.bits << left
            }
        };
        match (self.count < 0, bits) {
            (false, 0..=0x7fff_ffff_ffff_ffff_ffff_ffff_ffff_ffff) => Some(bits as i128),
            (true, 0..=0x8000_0000_0000_0000_0000_0000_0000_0000) => Some((bits as i128).wrapping_neg()),
            _ => None,
        }
    }

    /// The nearest float, ties to even; infinite past the largest.
    pub const fn to_f32(self) -> f32 {
        let magnitude = self.magnitude();
        let sign = if self.count < 0 { 1 << 31 } else { 0 };
        if magnitude.bits == 0 {
            return f32::from_bits(sign);
        }
        // 24 bits are kept, fewer below 2^-126: the last bit of a float is at least 2^-149.
        let length = 128 - magnitude.bits.leading_zeros() as i32;
        let (normal, least) = (length - 24, -149 - magnitude.exponent);
        let shift = if normal > least { normal } else { least };
        let kept = if shift > 0 {
            magnitude.shifted(shift as u32)
        } else {
            // At most 24 bits are kept.
            magnitude.bits << shift.unsigned_abs()
        };
        // Rounding can give one bit more, which is then 2^24 itself.
        let (kept, shift) = if kept >> 24 == 0 { (kept, shift) } else { (kept >> 1, shift + 1) };
        let exponent = magnitude.exponent + shift + 150;
        let bits = if kept >> 23 == 0 {
            kept as u32
        } else if exponent >= 255 {
            0x7f80_0000
        } else {
            (exponent as u32) << 23 | kept as u32 & 0x7f_ffff
        };
        f32::from_bits(sign | bits)
    }

    /// Its absolute value, to 128 bits and what is dropped.
    const fn magnitude(self) -> Magnitude {
        let count = self.count.unsigned_abs();
        let mantissa = self.unit.mantissa as u128;
        // The product of 128 and 64 bits, as words of 64: neither sum leaves 128 bits.
        let low = (count & u64::MAX as u128) * mantissa;
        let high = (count >> 64) * mantissa + (low >> 64);
        let low = low as u64;
        let exponent = self.unit.exponent as i32;
        // Bits that 128 do not hold, 64 at most.
        let dropped = 64u32.saturating_sub(high.leading_zeros());
        let kept = high << (64 - dropped) | low as u128 >> dropped;
        let more = low as u128 & ((1 << dropped) - 1) != 0;
        Magnitude { bits: kept, more, exponent: exponent + dropped as i32 }
    }
}

impl Magnitude {
    /// `self / 2^shift` as the nearest integer, ties to even; `shift` is at least 1.
    const fn shifted(self, shift: u32) -> u128 {
        if shift > 128 {
            return 0;
        }
        let half = 1u128 << (shift - 1);
        let (whole, rest) =
            if shift == 128 { (0, self.bits) } else { (self.bits >> shift, self.bits & (half * 2 - 1)) };
        let up = rest > half || rest == half && (self.more || whole & 1 == 1);
        // All ones shifted by at least 1 leave room for one more.
        whole + up as u128
    }
}

impl PartialOrd for Real {
    /// `None` for numbers in different units.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.unit == other.unit).then(|| self.count.cmp(&other.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `count * mantissa * 2^exponent` where 128 bits hold it: floats are exact there.
    #[test]
    fn small_numbers_are_exact() {
        for count in -300i128..300 {
            for (mantissa, exponent) in [(1, 0), (3, -4), (0x80_0001, -30), (1 << 63, -63)] {
                let real = Real { count, unit: Unit { mantissa, exponent } };
                let exact = count as f64 * mantissa as f64 * f64::powi(2.0, exponent.into());
                assert_eq!(real.to_f32().to_bits(), (exact as f32 + 0.0).to_bits(), "{real:?}");
            }
        }
    }

    #[test]
    fn ends_of_floats() {
        let real = |count, exponent| Real { count, unit: Unit { mantissa: 1, exponent } }.to_f32();
        assert_eq!(real(1, -149), f32::from_bits(1));
        assert_eq!(
            (real(1, -150), real(3, -150), real(-3, -151)),
            (0.0, f32::from_bits(2), -f32::from_bits(1))
        );
        assert_eq!(real((1 << 24) - 1, 104), f32::MAX);
        assert_eq!((real((1 << 25) - 1, 103), real(-1, 128)), (f32::INFINITY, f32::NEG_INFINITY));
        assert_eq!((real(1, i16::MAX), real(1, i16::MIN), real(0, i16::MAX)), (f32::INFINITY, 0.0, 0.0));
        let long = Real { count: i128::MIN, unit: Unit { mantissa: u64::MAX, exponent: -191 } };
        assert_eq!((long.to_f32(), long.fixed_bits(0)), (-1.0, Some(-1)));
        assert_eq!(long.fixed_bits(127), Some(i128::MIN + (1 << 63)));
        assert_eq!(long.fixed_bits(128), None);
    }

    proptest! {
        /// Against the definition: no integer is nearer, and of two that are as near the even one is taken. Numbers are halves,
        /// quarters and so on of integers that 128 bits hold.
        #[test]
        fn fixed_point_is_nearest(count in -(1i128 << 60)..1 << 60, mantissa in 1u64..1 << 40, down in 0i16..100, bits in 0u32..20) {
            let real = Real { count, unit: Unit { mantissa, exponent: -down } };
            let shift = u32::from(down.unsigned_abs()).saturating_sub(bits);
            let left = bits.saturating_sub(down.unsigned_abs().into());
            let exact = count * i128::from(mantissa);
            let rounded = real.fixed_bits(bits).unwrap();
            if left > 0 || shift == 0 {
                prop_assert_eq!(rounded, exact << left);
            } else {
                let floor = exact >> shift;
                let rest = exact - (floor << shift);
                let half = 1i128 << (shift - 1);
                let up = rest > half || rest == half && floor & 1 == 1;
                prop_assert_eq!(rounded, floor + i128::from(up));
            }
        }

        /// Floats of floats: what is an `f32` already stays one, in whatever unit.
        #[test]
        fn floats_stay(value in any::<f32>().prop_filter("finite", |value| value.is_finite()), by in 0u32..60) {
            let Some(parts) = crate::Dyadic::from_f32(value) else { return Ok(()) };
            let count = i128::from(parts.mantissa) << by;
            let unit = Unit { mantissa: 1, exponent: parts.exponent - by as i16 };
            let real = Real { count: if parts.negative { -count } else { count }, unit };
            prop_assert_eq!(real.to_f32(), value);
        }

        /// The nearest float, by doubles, which hold the product exactly.
        #[test]
        fn floats_are_nearest(count in -(1i64 << 28)..1 << 28, mantissa in 1u32..1 << 24, down in 0i16..170) {
            let real = Real { count: count.into(), unit: Unit { mantissa: mantissa.into(), exponent: -down } };
            let exact = count as f64 * f64::from(mantissa) * f64::powi(2.0, (-down).into());
            prop_assert_eq!(real.to_f32(), exact as f32);
        }
    }
}
