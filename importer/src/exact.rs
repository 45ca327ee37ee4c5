//! Exact numbers: what a model means, before any choice of machine arithmetic.
//!
//! Scales and biases are floats in a file and rationals here. A [`StepFunction`] is the meaning of everything
//! between an integer layer and the next quantizer; [`accumulator`] bounds the integers it is given. `requant`
//! implements these functions, `certify` proves the implementations, the graph's reference executor evaluates
//! them directly.

pub mod accumulator;
mod channel;
mod step_function;

pub use channel::Channel;
pub use step_function::StepFunction;

use exactum_runtime::num::Dyadic;
use num_bigint::BigInt;
use num_traits::{Pow, Zero};

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
    Rational::from_integer(mantissa) * Rational::from_integer(2.into()).pow(i32::from(value.exponent))
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
