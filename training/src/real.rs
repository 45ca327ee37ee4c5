//! Exact real constants: scales and offsets of exact tensors.
//!
//! Products and quotients of stored constants are never rounded. Beside the exact rational stands the double nearest
//! to it, by which requantization decides everything that is not next to a tie.

use std::ops::{Add, Mul, Neg};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// A real constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Real {
    exact: BigRational,
    nearest: f64,
}

impl Real {
    pub(crate) fn exact(&self) -> &BigRational {
        &self.exact
    }

    /// Within one unit in the last place of the exact value.
    pub(crate) fn nearest(&self) -> f64 {
        self.nearest
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.exact.is_zero()
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.exact.is_negative()
    }

    /// The value divided by a whole number, which is not zero.
    pub(crate) fn over(&self, divisor: usize) -> Self {
        Self::new(&self.exact / BigInt::from(divisor))
    }

    /// One divided by the value, which is not zero.
    pub(crate) fn reciprocal(&self) -> Self {
        Self::new(BigRational::one() / &self.exact)
    }

    fn new(exact: BigRational) -> Self {
        let nearest = exact.to_f64().unwrap_or_default();
        Self { exact, nearest }
    }
}

impl From<f64> for Real {
    fn from(value: f64) -> Self {
        Self { exact: rational(value), nearest: value }
    }
}

impl From<f32> for Real {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

impl Mul for &Real {
    type Output = Real;

    fn mul(self, other: &Real) -> Real {
        Real::new(&self.exact * &other.exact)
    }
}

impl Add for &Real {
    type Output = Real;

    fn add(self, other: &Real) -> Real {
        Real::new(&self.exact + &other.exact)
    }
}

impl Neg for &Real {
    type Output = Real;

    fn neg(self) -> Real {
        Real { exact: -&self.exact, nearest: -self.nearest }
    }
}

/// A finite float as an exact rational; zero for infinities and NaN, which no checked quantizer holds.
pub(crate) fn rational(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap_or_else(|| BigRational::from_integer(BigInt::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_not_rounded() {
        let third = Real::from(1.0f32).over(3);
        let sum = &(&third + &third) + &third;
        assert_eq!(sum, Real::from(1.0f64));
        assert_eq!(third.nearest(), 1.0 / 3.0);
        assert_eq!(&Real::from(3.0f32).reciprocal() * &Real::from(-3.0f32), -&Real::from(1.0f32));
    }
}
