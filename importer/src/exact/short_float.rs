//! Floats of 16 bits, which a `Cast` of a file rounds to. Used by `curve`.

use super::number::Number;
use super::{Rational, power_of_two, round};
use exactum_runtime::num::Rounding;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use serde::{Deserialize, Serialize};

/// A float type of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortFloat {
    /// IEEE 754 binary16: 11 digits, exponents from -14 to 15.
    Float16,
    /// The upper half of a binary32: 8 digits, exponents from -126 to 127.
    Bfloat16,
}

impl ShortFloat {
    /// Binary digits of a normal number.
    const fn digits(self) -> i32 {
        match self {
            Self::Float16 => 11,
            Self::Bfloat16 => 8,
        }
    }

    /// Least and greatest exponent of a normal number.
    const fn exponents(self) -> (i32, i32) {
        match self {
            Self::Float16 => (-14, 15),
            Self::Bfloat16 => (-126, 127),
        }
    }

    /// As a float, the number of the type that is nearest to `value`.
    pub(crate) fn of_float(self, value: f32) -> f32 {
        let finite = Rational::from_float(value).map(|value| self.nearest(&value).nearest() as f32);
        finite.unwrap_or(value)
    }

    /// The number of the type that is nearest to `value`, of two the one whose last digit is 0; infinite where rounding
    /// without a limit of the exponent leaves the type.
    pub(super) fn nearest(self, value: &Rational) -> Number {
        if value.is_zero() {
            return Number::Finite(Rational::zero());
        }
        let (least, greatest) = self.exponents();
        let exponent = exponent(&value.abs()).clamp(least, greatest);
        let unit = power_of_two(exponent - self.digits() + 1);
        let rounded = Rational::from_integer(round(&(value / &unit), Rounding::HalfEven)) * unit;
        if rounded.abs() >= power_of_two(greatest + 1) {
            return Number::Infinite { negative: value.is_negative() };
        }
        Number::Finite(rounded)
    }
}

/// The exponent of the greatest power of two that is not above a positive `value`.
fn exponent(value: &Rational) -> i32 {
    let bits = |integer: &BigInt| i32::try_from(integer.bits()).unwrap_or(i32::MAX / 2);
    let estimate = bits(value.numer()) - bits(value.denom());
    // The quotient of two numbers of n and m bits is above 2^(n - m - 1) and below 2^(n - m + 1).
    if power_of_two(estimate) <= *value { estimate } else { estimate - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::from_f64;
    use proptest::prelude::*;

    fn nearest(to: ShortFloat, value: f64) -> Number {
        to.nearest(&from_f64(value).unwrap())
    }

    #[test]
    fn ends_of_the_types() {
        let of = |value: f64| Number::Finite(from_f64(value).unwrap());
        let infinite = |negative| Number::Infinite { negative };
        let half = |value| nearest(ShortFloat::Float16, value);
        assert_eq!(
            [half(65519.0), half(65520.0), half(-65520.0)],
            [of(65504.0), infinite(false), infinite(true)]
        );
        assert_eq!([half(2049.0), half(2051.0), half(-2049.0)], [of(2048.0), of(2052.0), of(-2048.0)]);
        let least = 2f64.powi(-24);
        assert_eq!(
            [half(least / 2.0), half(least * 0.51), half(least * 1.5)],
            [of(0.0), of(least), of(2.0 * least)]
        );
        let brain = |value| nearest(ShortFloat::Bfloat16, value);
        assert_eq!([brain(257.0), brain(259.0), brain(3.5e38)], [of(256.0), of(260.0), infinite(false)]);
    }

    proptest! {
        /// The upper half of a float with the lower half rounded in, as processors do it.
        #[test]
        fn bfloat16_is_the_upper_half(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let carried = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
            let found = nearest(ShortFloat::Bfloat16, value.into());
            prop_assert_eq!(found, Number::of_double(f32::from_bits(carried).into()));
        }
    }
}
