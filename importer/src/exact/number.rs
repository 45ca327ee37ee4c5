//! Results of functions that are not defined everywhere: numbers, infinities, and what is no number.
//!
//! A logarithm of zero is infinite and saturates at the next quantizer; that of a negative number is undefined, and a
//! model whose codes reach it is refused. `curve` evaluates in these.

use super::Rational;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

/// A number of the extended real line, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Finite(Rational),
    Infinite { negative: bool },
    Undefined,
}

impl Number {
    /// The rational a double is.
    pub(super) fn of_double(value: f64) -> Self {
        match Rational::from_float(value) {
            Some(value) => Self::Finite(value),
            None if value.is_nan() => Self::Undefined,
            None => Self::Infinite { negative: value < 0.0 },
        }
    }

    /// The double nearest to it.
    pub(super) fn nearest(&self) -> f64 {
        match self {
            Self::Finite(value) => super::double::nearest(value),
            Self::Infinite { negative: false } => f64::INFINITY,
            Self::Infinite { negative: true } => f64::NEG_INFINITY,
            Self::Undefined => f64::NAN,
        }
    }

    /// A rational in its place: infinities are past every double, and so past every code; what is undefined is zero.
    pub(super) fn rational(self) -> Rational {
        match self {
            Self::Finite(value) => value,
            Self::Infinite { negative } => {
                let far = Rational::from_integer(BigInt::from(1) << 2048u32);
                if negative { -far } else { far }
            }
            Self::Undefined => Rational::zero(),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Self::Finite(value) if value.is_zero())
    }

    fn is_negative(&self) -> bool {
        match self {
            Self::Finite(value) => value.is_negative(),
            Self::Infinite { negative } => *negative,
            Self::Undefined => false,
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => Self::Finite(a + b),
            (Self::Undefined, _) | (_, Self::Undefined) => Self::Undefined,
            (Self::Infinite { negative: a }, Self::Infinite { negative: b }) if a != b => Self::Undefined,
            (Self::Infinite { negative }, _) | (_, Self::Infinite { negative }) => {
                Self::Infinite { negative: *negative }
            }
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => Self::Finite(a * b),
            (Self::Undefined, _) | (_, Self::Undefined) => Self::Undefined,
            (a, b) if a.is_zero() || b.is_zero() => Self::Undefined,
            (a, b) => Self::Infinite { negative: a.is_negative() != b.is_negative() },
        }
    }

    pub(super) fn reciprocal(&self) -> Self {
        match self {
            Self::Finite(value) if value.is_zero() => Self::Infinite { negative: false },
            Self::Finite(value) => Self::Finite(value.recip()),
            Self::Infinite { .. } => Self::Finite(Rational::zero()),
            Self::Undefined => Self::Undefined,
        }
    }

    pub(super) fn magnitude(&self) -> Self {
        match self {
            Self::Finite(value) => Self::Finite(value.abs()),
            Self::Infinite { .. } => Self::Infinite { negative: false },
            Self::Undefined => Self::Undefined,
        }
    }

    /// -1, 0 or 1.
    pub(super) fn sign(&self) -> Self {
        let sign = match self {
            Self::Undefined => return Self::Undefined,
            number if number.is_zero() => 0,
            number if number.is_negative() => -1,
            _ => 1,
        };
        Self::Finite(super::from_integer(sign))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::from_integer;

    #[test]
    fn arithmetic_of_infinities() {
        let (up, down) = (Number::Infinite { negative: false }, Number::Infinite { negative: true });
        let of = |value| Number::Finite(from_integer(value));
        assert_eq!([up.plus(&down), up.times(&of(0))], [Number::Undefined, Number::Undefined]);
        assert_eq!([up.plus(&of(-5)), down.times(&of(-2))], [up.clone(), up.clone()]);
        assert_eq!([of(0).reciprocal(), up.reciprocal(), of(-1).sign()], [up.clone(), of(0), of(-1)]);
        assert_eq!([up.nearest(), down.nearest()], [f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(super::super::double::nearest(&down.rational()), f64::NEG_INFINITY);
    }
}
