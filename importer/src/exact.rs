//! Exact numbers: what a model means, before any choice of machine arithmetic.
//!
//! Scales and biases are floats in a file and rationals here. A [`Function`] is the meaning of everything between an
//! integer layer and the next quantizer, a [`Curve`] and a [`Quantizer`]; [`accumulator`] bounds the integers it is given. `requant`
//! implements these functions, `certify` proves the implementations, the graph's reference executor evaluates
//! them directly.

pub mod accumulator;
mod channel;
mod curve;
mod double;
mod elementary;
mod function;
mod input_function;
mod interval;
mod number;
mod pair;
mod quantizer;
mod short_float;
pub(crate) mod text;

#[cfg(test)]
pub(crate) use function::tests as function_tests;

pub use channel::Channel;
pub(crate) use curve::zip;
pub use curve::{Curve, Piece};
pub use elementary::Elementary;
pub(crate) use function::is_double;
pub use function::{Function, Shape};
pub(crate) use input_function::{InputFunction, Uniform};
pub(crate) use interval::Interval;
pub use pair::PairFunction;
pub use quantizer::Quantizer;
pub use short_float::ShortFloat;

use exactum_runtime::num::{Dyadic, Rounding};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Pow, Signed, Zero};
use std::cmp::Ordering;

/// A rational number of unlimited size.
pub type Rational = num_rational::BigRational;

/// The exact value of a float, or `None` for infinities and NaN.
pub fn from_f32(value: f32) -> Option<Rational> {
    Rational::from_float(value)
}

/// The exact value of a double, or `None` for infinities and NaN.
pub fn from_f64(value: f64) -> Option<Rational> {
    Rational::from_float(value)
}

/// The value of an integer.
pub fn from_integer(value: i64) -> Rational {
    Rational::from_integer(value.into())
}

/// `mantissa * 2^exponent` with its sign.
pub fn from_dyadic(value: Dyadic) -> Rational {
    let mantissa = BigInt::from(value.mantissa) * if value.negative { -1 } else { 1 };
    Rational::from_integer(mantissa) * power_of_two(value.exponent.into())
}

/// `2^exponent`.
fn power_of_two(exponent: i32) -> Rational {
    Rational::from_integer(2.into()).pow(exponent)
}

/// The integer that `value` rounds to.
pub fn round(value: &Rational, rounding: Rounding) -> BigInt {
    let (floor, remainder) = value.numer().div_mod_floor(value.denom());
    let quarter = match (remainder.is_zero(), (remainder * 2i32).cmp(value.denom())) {
        (true, _) => 0,
        (_, Ordering::Less) => 1,
        (_, Ordering::Equal) => 2,
        (_, Ordering::Greater) => 3,
    };
    // Rounding looks at the sign and the parity of the floor and at nothing else of it.
    let alike = i64::from(floor.is_odd()) - if floor.is_negative() { 2 } else { 0 };
    let up = rounding.round(alike, quarter, 4).is_some_and(|rounded| rounded > alike);
    if up { floor + 1i32 } else { floor }
}

/// The exponent `r` of a dyadic number `n / 2^r` in lowest terms, or `None` if the denominator is no power of two.
pub(crate) fn dyadic_exponent(value: &Rational) -> Option<u64> {
    if value.is_zero() {
        return Some(0);
    }
    let bits = value.denom().trailing_zeros()?;
    (value.denom().bits() == bits + 1).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_float_and_its_dyadic_are_the_same_number(value in any::<f32>()) {
            if let Some(dyadic) = Dyadic::from_f32(value) {
                prop_assert_eq!(Some(from_dyadic(dyadic)), from_f32(value));
                prop_assert_eq!(from_f64(f64::from(value)), from_f32(value));
            }
        }
    }

    #[test]
    fn dyadic_exponents() {
        let of = |n: i64, d: i64| dyadic_exponent(&Rational::new(n.into(), d.into()));
        assert_eq!(
            [of(3, 8), of(6, 8), of(5, 1), of(0, 1), of(1, 3), of(1, 12)],
            [Some(3), Some(2), Some(0), Some(0), None, None]
        );
    }
}
