//! Rounding fractions: the modes of QONNX, and the nearest double.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::exact::power_of_two;
use super::int::Int;

/// `numerator / denominator` rounded as the QONNX rounding mode `mode` says; `denominator` is positive. `None` for
/// a mode that QONNX does not define.
pub fn round(numerator: &BigInt, denominator: &BigInt, mode: &str) -> Option<BigInt> {
    Mode::parse(mode).map(|mode| mode.round(&numerator.clone().into(), &denominator.clone().into()).to_big())
}

/// A rounding mode of QONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To the nearest, ties to even.
    HalfEven,
    Ceil,
    Floor,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// To the nearest, ties away from zero.
    HalfUp,
    /// To the nearest, ties towards zero.
    HalfDown,
}

impl Mode {
    /// The mode of a name, in letters of either case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "ROUND" | "HALF_EVEN" => Self::HalfEven,
            "CEIL" => Self::Ceil,
            "FLOOR" => Self::Floor,
            "UP" => Self::Up,
            "DOWN" | "ROUND_TO_ZERO" => Self::Down,
            "HALF_UP" => Self::HalfUp,
            "HALF_DOWN" => Self::HalfDown,
            _ => return None,
        })
    }

    /// `numerator / denominator`, rounded; `denominator` is positive.
    pub(super) fn round(self, numerator: &Int, denominator: &Int) -> Int {
        let (floor, rest) = numerator.div_mod_floor(denominator);
        let whole = rest.sign() == 0;
        let negative = numerator.sign() < 0;
        let against_half = (&rest + &rest).cmp(denominator);
        let nearest = |tie: bool| against_half.is_gt() || against_half.is_eq() && tie;
        let up = match self {
            Self::Ceil => !whole,
            Self::Floor => false,
            Self::Up => !whole && !negative,
            Self::Down => !whole && negative,
            Self::HalfEven => nearest(!floor.is_even()),
            Self::HalfUp => nearest(!negative),
            Self::HalfDown => nearest(negative),
        };
        if up { &floor + &Int::ONE } else { floor }
    }
}

/// The double nearest to `number`, ties to even.
pub(super) fn nearest_f64(number: &BigRational) -> f64 {
    if number.is_zero() {
        return 0.0;
    }
    let magnitude = number.abs();
    // 2^52 <= magnitude / 2^exponent < 2^54, so one more step gives 53 bits; doubles end at 2^-1074.
    let size = magnitude.numer().bits() as i64 - magnitude.denom().bits() as i64;
    let mut exponent = (size - 53).max(-1074) as i32;
    let scaled = |exponent: i32| &magnitude / power_of_two(exponent);
    if scaled(exponent) >= power_of_two(53) {
        exponent += 1;
    }
    let mantissa = scaled(exponent);
    let mantissa = Mode::HalfEven.round(&mantissa.numer().clone().into(), &mantissa.denom().clone().into());
    let mantissa = mantissa.to_i64().unwrap_or_default() as f64;
    // Each factor is a power of two and the product a double, so that nothing is rounded again.
    let half = exponent / 2;
    let value = mantissa * 2f64.powi(half) * 2f64.powi(exponent - half);
    if number.is_negative() { -value } else { value }
}

/// `number` as a whole number of type `T`, if it is one.
pub(super) fn whole(number: &BigRational) -> Option<i64> {
    number.is_integer().then(|| number.to_integer().to_i64()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table in QONNX's documentation of `Quant`, for -2.5, -1.5, -1.1, -0.5, 0.5, 1.5 and 2.5.
    #[test]
    fn modes() {
        let rounded = |mode: &str| {
            [-25, -15, -11, -5, 5, 15, 25].map(|tenths| {
                round(&BigInt::from(tenths), &BigInt::from(10), mode).unwrap().to_i64().unwrap()
            })
        };
        assert_eq!(rounded("ROUND"), [-2, -2, -1, 0, 0, 2, 2]);
        assert_eq!(rounded("HALF_EVEN"), rounded("round"));
        assert_eq!(rounded("CEIL"), [-2, -1, -1, 0, 1, 2, 3]);
        assert_eq!(rounded("FLOOR"), [-3, -2, -2, -1, 0, 1, 2]);
        assert_eq!(rounded("UP"), [-3, -2, -2, -1, 1, 2, 3]);
        assert_eq!(rounded("DOWN"), [-2, -1, -1, 0, 0, 1, 2]);
        assert_eq!(rounded("ROUND_TO_ZERO"), rounded("DOWN"));
        assert_eq!(rounded("HALF_UP"), [-3, -2, -1, -1, 1, 2, 3]);
        assert_eq!(rounded("HALF_DOWN"), [-2, -1, -1, 0, 0, 1, 2]);
        assert_eq!(round(&BigInt::from(5), &BigInt::from(10), "NEAREST"), None);
    }

    /// The rows of QONNX's table for 5.5, 2.5, 1.6, 1.1, 1.0 and the same below zero, for each mode in order.
    #[test]
    fn table_of_the_specification() {
        let rows = [
            (55, [6, 6, 5, 6, 5, 6, 5]),
            (25, [2, 3, 2, 3, 2, 3, 2]),
            (16, [2, 2, 1, 2, 1, 2, 2]),
            (11, [1, 2, 1, 2, 1, 1, 1]),
            (10, [1, 1, 1, 1, 1, 1, 1]),
            (-10, [-1, -1, -1, -1, -1, -1, -1]),
            (-11, [-1, -1, -2, -2, -1, -1, -1]),
            (-16, [-2, -1, -2, -2, -1, -2, -2]),
            (-25, [-2, -2, -3, -3, -2, -3, -2]),
            (-55, [-6, -5, -6, -6, -5, -6, -5]),
        ];
        let modes = ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"];
        for (tenths, row) in rows {
            for (mode, expected) in modes.into_iter().zip(row) {
                let rounded = round(&BigInt::from(tenths), &BigInt::from(10), mode);
                assert_eq!(rounded, Some(BigInt::from(expected)), "{tenths} tenths, {mode}");
            }
        }
    }

    proptest! {
        /// Every double is nearest to itself, and to what is nearer to it than to its neighbours.
        #[test]
        fn nearest_double(value in any::<f64>(), part in 0i64..=8) {
            prop_assume!(value.is_finite() && value.abs() < f64::MAX);
            let number = BigRational::from_float(value).unwrap();
            prop_assert_eq!(nearest_f64(&number), value);
            let next = if value < 0.0 { value.next_down() } else { value.next_up() };
            let step = BigRational::from_float(next).unwrap() - &number;
            let between = number + step * BigRational::new(part.into(), 8.into());
            let even = value.to_bits() % 2 == 0;
            let expected = if part < 4 || part == 4 && even { value } else { next };
            prop_assert_eq!(nearest_f64(&between), expected);
        }
    }
}
