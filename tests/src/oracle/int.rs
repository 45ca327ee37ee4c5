//! Integers without a limit that take no memory of their own while they fit 128 bits.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// An integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Int(Repr);

/// `Big` only holds what does not fit `Small`, so equal integers are equal here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    Small(i128),
    Big(BigInt),
}

use Repr::{Big, Small};

impl Int {
    /// The integer 0.
    pub const ZERO: Self = Self(Small(0));
    /// The integer 1.
    pub const ONE: Self = Self(Small(1));

    /// The integer with arithmetic of its own.
    pub fn to_big(&self) -> BigInt {
        match &self.0 {
            Small(small) => BigInt::from(*small),
            Big(big) => big.clone(),
        }
    }

    /// The integer, if it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Small(small) => i64::try_from(*small).ok(),
            Big(_) => None,
        }
    }

    /// Bits of the magnitude.
    pub fn bits(&self) -> u64 {
        match &self.0 {
            Small(small) => u64::from(128 - small.unsigned_abs().leading_zeros()),
            Big(big) => big.bits(),
        }
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match &self.0 {
            Small(small) => small.signum() as i32,
            Big(big) => {
                if big.is_negative() {
                    -1
                } else {
                    1
                }
            }
        }
    }

    /// The magnitude.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.sign() < 0 { -self } else { self.clone() }
    }

    /// Whether 2 divides it.
    pub fn is_even(&self) -> bool {
        match &self.0 {
            Small(small) => small & 1 == 0,
            Big(big) => big.is_even(),
        }
    }

    /// The greatest common divisor, which is not negative.
    #[must_use]
    pub fn gcd(&self, other: &Self) -> Self {
        if let (Small(a), Small(b)) = (&self.0, &other.0)
            && let Ok(gcd) = i128::try_from(a.unsigned_abs().gcd(&b.unsigned_abs()))
        {
            return gcd.into();
        }
        self.to_big().gcd(&other.to_big()).into()
    }

    /// The floor of the quotient by a positive integer, and what is left.
    pub fn div_mod_floor(&self, divisor: &Self) -> (Self, Self) {
        if let (Small(a), Small(b)) = (&self.0, &divisor.0) {
            return (Self(Small(a.div_euclid(*b))), Self(Small(a.rem_euclid(*b))));
        }
        let (quotient, rest) = self.to_big().div_mod_floor(&divisor.to_big());
        (quotient.into(), rest.into())
    }
}

impl From<i128> for Int {
    fn from(value: i128) -> Self {
        Self(Small(value))
    }
}

impl From<i64> for Int {
    fn from(value: i64) -> Self {
        Self(Small(value.into()))
    }
}

impl From<BigInt> for Int {
    fn from(value: BigInt) -> Self {
        Self(value.to_i128().map_or_else(|| Big(value), Small))
    }
}

impl Add for &Int {
    type Output = Int;

    fn add(self, other: Self) -> Int {
        if let (Small(a), Small(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return sum.into();
        }
        (self.to_big() + other.to_big()).into()
    }
}

impl Sub for &Int {
    type Output = Int;

    fn sub(self, other: Self) -> Int {
        if let (Small(a), Small(b)) = (&self.0, &other.0)
            && let Some(difference) = a.checked_sub(*b)
        {
            return difference.into();
        }
        (self.to_big() - other.to_big()).into()
    }
}

impl Mul for &Int {
    type Output = Int;

    fn mul(self, other: Self) -> Int {
        if let (Small(a), Small(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
        {
            return product.into();
        }
        (self.to_big() * other.to_big()).into()
    }
}

impl Neg for &Int {
    type Output = Int;

    fn neg(self) -> Int {
        &Int::ZERO - self
    }
}

impl AddAssign<&Self> for Int {
    fn add_assign(&mut self, other: &Self) {
        *self = &*self + other;
    }
}

impl Ord for Int {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Small(a), Small(b)) => a.cmp(b),
            (Big(a), Big(b)) => a.cmp(b),
            (Small(_), Big(big)) => BigInt::zero().cmp(big),
            (Big(big), Small(_)) => big.cmp(&BigInt::zero()),
        }
    }
}

impl PartialOrd for Int {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What sums of products are computed in.
pub(super) trait Number: Clone {
    fn zero() -> Self;
    fn add_product(&mut self, a: &Self, b: &Self);
}

impl Number for i64 {
    fn zero() -> Self {
        0
    }

    fn add_product(&mut self, a: &Self, b: &Self) {
        *self += a * b;
    }
}

impl Number for Int {
    fn zero() -> Self {
        Self::ZERO
    }

    fn add_product(&mut self, a: &Self, b: &Self) {
        *self += &(a * b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Integers of any size, many of them near the end of what is small.
    fn integer() -> impl Strategy<Value = BigInt> {
        let near_end = |(end, by): (bool, i64)| BigInt::from(if end { i128::MAX } else { i128::MIN }) + by;
        let big = |(a, b): (i128, i128)| BigInt::from(a) * b;
        prop_oneof![
            any::<i64>().prop_map(BigInt::from),
            (any::<bool>(), -2i64..=2).prop_map(near_end),
            (any::<i128>(), any::<i128>()).prop_map(big),
        ]
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_big_integers(a in integer(), b in integer()) {
            let (x, y) = (Int::from(a.clone()), Int::from(b.clone()));
            prop_assert_eq!(x.to_big(), a.clone());
            prop_assert_eq!(&x + &y, Int::from(&a + &b));
            prop_assert_eq!(&x - &y, Int::from(&a - &b));
            prop_assert_eq!(&x * &y, Int::from(&a * &b));
            prop_assert_eq!(-&x, Int::from(-&a));
            prop_assert_eq!(x.abs(), Int::from(a.abs()));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.bits(), a.bits());
            prop_assert_eq!(x.gcd(&y), a.gcd(&b).into());
            prop_assert_eq!(x.is_even(), a.is_even());
            prop_assert_eq!(x.to_i64(), a.to_i64());
            prop_assert_eq!(i64::from(x.sign()), a.signum().to_i64().unwrap());
            if b.is_positive() {
                let (quotient, rest) = a.div_mod_floor(&b);
                prop_assert_eq!(x.div_mod_floor(&y), (quotient.into(), rest.into()));
            }
        }
    }
}
