//! Elementary functions of one real number, pinned as operations on doubles.
//!
//! `docs/arithmetic.md` is the definition. Every operation is one correctly rounded operation of IEEE 754, the square
//! root among them, so the results are the same on every machine. Used by `curve`.

use super::Rational;
use super::double::nearest;
use exactum_host::functions::{LN_2_HIGH, LN_2_LOW, exp};
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, SQRT_2};

/// Sines and cosines of larger arguments are not defined here.
const LARGEST_ANGLE: f64 = (1u64 << 20) as f64;

/// Two doubles of a function that rises or falls are in the wrong order by at most this much times one more than their
/// magnitude: rounding the argument costs `2^-53` relatively, which an exponent of up to 700 makes `2^-43`; all that
/// follows costs less.
pub(super) const ERROR_BOUND: f64 = 1.0 / (1u64 << 40) as f64;

/// Largest exponent of a power for which [`ERROR_BOUND`] holds.
const LARGEST_EXPONENT: f64 = 64.0;

/// A function of one real number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elementary {
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// `log(1 + e^x)`.
    Softplus,
    /// Square root.
    Sqrt,
    /// `x^exponent` for `x` not negative; the exponent is a double.
    Power {
        /// The exponent.
        #[serde(with = "crate::exact::text::rational")]
        exponent: Rational,
    },
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
}

/// Where a function goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Everywhere up, within [`ERROR_BOUND`].
    Rising,
    /// Everywhere down, within [`ERROR_BOUND`].
    Falling,
    /// Up and down, or steeper than the bound allows.
    Other,
}

impl Elementary {
    /// The function of a double: a number, an infinity, or none outside of its domain.
    pub(crate) fn value(&self, x: f64) -> f64 {
        match self {
            Self::Exp => exp(x),
            Self::Log => log(x),
            Self::Softplus => x.max(0.0) + log_1p(exp(-x.abs())),
            Self::Sqrt => x.sqrt(),
            Self::Power { exponent } => power(x, nearest(exponent)),
            Self::Sin => sin_cos(x)[0],
            Self::Cos => sin_cos(x)[1],
            Self::Tan => {
                let [sin, cos] = sin_cos(x);
                sin / cos
            }
            Self::Asin => asin(x),
            Self::Acos => FRAC_PI_2 - asin(x),
            Self::Atan => atan(x),
            Self::Sinh => (exp(x) - exp(-x)) / 2.0,
            Self::Cosh => (exp(x) + exp(-x)) / 2.0,
            Self::Asinh => log(x.abs() + (x * x + 1.0).sqrt()).copysign(x),
            Self::Acosh => log(x + ((x - 1.0) * (x + 1.0)).sqrt()),
            Self::Atanh => log((1.0 + x) / (1.0 - x)) / 2.0,
        }
    }

    /// As [`Piece::rises`](super::Piece::rises).
    pub(crate) fn rises(&self) -> Option<bool> {
        match (self, self.course()) {
            (_, Course::Rising) | (Self::Asin | Self::Acosh | Self::Atanh, _) => Some(true),
            (_, Course::Falling) | (Self::Acos, _) => Some(false),
            _ => None,
        }
    }

    pub(super) fn course(&self) -> Course {
        match self {
            Self::Exp | Self::Log | Self::Softplus | Self::Sqrt | Self::Atan | Self::Sinh | Self::Asinh => {
                Course::Rising
            }
            Self::Power { exponent } => match nearest(exponent) {
                exponent if (0.0..=LARGEST_EXPONENT).contains(&exponent) => Course::Rising,
                exponent if (-LARGEST_EXPONENT..0.0).contains(&exponent) => Course::Falling,
                _ => Course::Other,
            },
            Self::Sin | Self::Cos | Self::Tan | Self::Asin | Self::Acos | Self::Cosh => Course::Other,
            Self::Acosh | Self::Atanh => Course::Other,
        }
    }

    /// Ends of the interval of reals on which the function is a finite number; a missing end is infinite. The flag says
    /// whether the lower end belongs to it.
    pub(super) fn domain(&self) -> (Option<(f64, bool)>, Option<f64>) {
        match self {
            Self::Log => (Some((0.0, false)), None),
            Self::Sqrt => (Some((0.0, true)), None),
            Self::Power { exponent } => (Some((0.0, nearest(exponent) >= 0.0)), None),
            Self::Sin | Self::Cos => (Some((-LARGEST_ANGLE, true)), Some(LARGEST_ANGLE)),
            Self::Tan => (Some((-1.5, true)), Some(1.5)),
            Self::Asin | Self::Acos => (Some((-1.0, true)), Some(1.0)),
            Self::Acosh => (Some((1.0, true)), None),
            Self::Atanh => (Some((-0.99, true)), Some(0.99)),
            _ => (None, None),
        }
    }

    /// Least and largest value, if there are such.
    pub(super) fn image(&self) -> (Option<f64>, Option<f64>) {
        match self {
            Self::Exp | Self::Softplus | Self::Sqrt | Self::Power { .. } | Self::Acosh => (Some(0.0), None),
            Self::Cosh => (Some(1.0), None),
            Self::Sin | Self::Cos => (Some(-1.0), Some(1.0)),
            Self::Asin | Self::Atan => (Some(-FRAC_PI_2), Some(FRAC_PI_2)),
            Self::Acos => (Some(0.0), Some(2.0 * FRAC_PI_2)),
            _ => (None, None),
        }
    }
}

/// `log` of a positive number, minus infinity at 0.
pub(super) fn log(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    if x.is_infinite() {
        return x;
    }
    // Subnormal numbers are brought among the normal ones first.
    let (x, below) = if x < f64::MIN_POSITIVE { (x * 2f64.powi(54), 54.0) } else { (x, 0.0) };
    let bits = x.to_bits();
    let mut n = (bits >> 52) as f64 - 1023.0 - below;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > SQRT_2 {
        m /= 2.0;
        n += 1.0;
    }
    n * LN_2_HIGH + (n * LN_2_LOW + twice_atanh((m - 1.0) / (m + 1.0)))
}

/// `log(1 + x)` for `x` from 0 to 1.
fn log_1p(x: f64) -> f64 {
    twice_atanh(x / (2.0 + x))
}

/// `2 s (1 + s^2 / 3 + ... + s^40 / 41)` by Horner's scheme, for `s` up to 1/3.
fn twice_atanh(s: f64) -> f64 {
    let square = s * s;
    let mut sum = 0.0;
    for k in (0..=20).rev() {
        sum = sum * square + 1.0 / f64::from(2 * k + 1);
    }
    2.0 * s * sum
}

/// `exp(y log(x))`, and what follows from the limits at 0.
fn power(x: f64, y: f64) -> f64 {
    if y == 0.0 {
        return 1.0;
    }
    if x == 0.0 {
        return if y > 0.0 { 0.0 } else { f64::INFINITY };
    }
    exp(y * log(x))
}

/// Sine and cosine by Taylor polynomials of degrees 23 and 24, of the argument less a multiple of pi / 2 in three parts.
fn sin_cos(x: f64) -> [f64; 2] {
    const PARTS: [f64; 3] = [
        f64::from_bits(0x3ff9_21fb_5440_0000),
        f64::from_bits(0x3dd0_b461_1a60_0000),
        f64::from_bits(0x3ba3_198a_2e03_7073),
    ];
    if x.is_nan() || x.abs() > LARGEST_ANGLE {
        return [f64::NAN; 2];
    }
    let n = (x / FRAC_PI_2).round_ties_even();
    let r = ((x - n * PARTS[0]) - n * PARTS[1]) - n * PARTS[2];
    let square = r * r;
    let (mut sin, mut cos) = (1.0, 1.0);
    for k in (1..=11).rev() {
        sin = 1.0 - sin * square / f64::from(2 * k * (2 * k + 1));
    }
    for k in (1..=12).rev() {
        cos = 1.0 - cos * square / f64::from((2 * k - 1) * 2 * k);
    }
    let (sin, cos) = (r * sin, cos);
    match (n as i64).rem_euclid(4) {
        0 => [sin, cos],
        1 => [cos, -sin],
        2 => [-sin, -cos],
        _ => [-cos, sin],
    }
}

/// By halving the angle three times, which makes its tangent less than 0.1, and the Taylor polynomial of degree 33.
fn atan(x: f64) -> f64 {
    if x.is_infinite() {
        return FRAC_PI_2.copysign(x);
    }
    let size = x.abs();
    let mut t = if size > 1.0 { 1.0 / size } else { size };
    for _ in 0..3 {
        t /= 1.0 + (1.0 + t * t).sqrt();
    }
    let square = t * t;
    let mut sum = 0.0;
    for k in (0..=16).rev() {
        sum = 1.0 / f64::from(2 * k + 1) - sum * square;
    }
    let angle = 8.0 * (t * sum);
    (if size > 1.0 { FRAC_PI_2 - angle } else { angle }).copysign(x)
}

fn asin(x: f64) -> f64 {
    if x.abs() == 1.0 {
        return FRAC_PI_2.copysign(x);
    }
    // The root of a negative number is none.
    atan(x / ((1.0 - x) * (1.0 + x)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type OfMachine = fn(f64) -> f64;

    /// Each function with the one of the machine, which is right to about a unit of the last place.
    fn functions() -> Vec<(Elementary, OfMachine)> {
        let exponent = Rational::new(7.into(), 4.into());
        vec![
            (Elementary::Exp, f64::exp),
            (Elementary::Log, f64::ln),
            (Elementary::Softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
            (Elementary::Sqrt, f64::sqrt),
            (Elementary::Power { exponent: exponent.clone() }, |x| x.powf(1.75)),
            (Elementary::Power { exponent: -exponent }, |x| x.powf(-1.75)),
            (Elementary::Sin, f64::sin),
            (Elementary::Cos, f64::cos),
            (Elementary::Tan, f64::tan),
            (Elementary::Asin, f64::asin),
            (Elementary::Acos, f64::acos),
            (Elementary::Atan, f64::atan),
            (Elementary::Sinh, f64::sinh),
            (Elementary::Cosh, f64::cosh),
            (Elementary::Asinh, f64::asinh),
            (Elementary::Acosh, f64::acosh),
            (Elementary::Atanh, f64::atanh),
        ]
    }

    proptest! {
        #[test]
        fn functions_are_near_those_of_the_machine(scaled in -1.0f64..1.0, size in -40i32..9) {
            let x = scaled * 2f64.powi(size);
            for (function, known) in functions() {
                let (found, known) = (function.value(x), known(x));
                if known.is_nan() {
                    prop_assert!(found.is_nan(), "{function:?} of {x:?}: {found:?}");
                } else {
                    // A quarter of the bound in which directions are proven; steep ones have no bound there.
                    let bound = (1.0 + known.abs()) * ERROR_BOUND / 4.0;
                    prop_assert!((found - known).abs() <= bound, "{function:?} of {x:?}: {found:?}, {known:?}");
                }
            }
        }
    }

    #[test]
    fn ends_of_domains() {
        let of = |function: Elementary, x: f64| function.value(x);
        assert_eq!(of(Elementary::Log, 0.0), f64::NEG_INFINITY);
        assert_eq!(of(Elementary::Log, 1.0), 0.0);
        assert_eq!(of(Elementary::Sqrt, 2.25), 1.5);
        assert_eq!([of(Elementary::Asin, 1.0), of(Elementary::Acos, 1.0)], [FRAC_PI_2, 0.0]);
        assert_eq!([of(Elementary::Atanh, 1.0), of(Elementary::Acosh, 1.0)], [f64::INFINITY, 0.0]);
        assert!(of(Elementary::Log, -1.0).is_nan() && of(Elementary::Asin, 1.5).is_nan());
        assert!(of(Elementary::Sin, 2e9).is_nan() && of(Elementary::Atanh, 2.0).is_nan());
        assert_eq!([of(Elementary::Atan, f64::INFINITY), of(Elementary::Atan, 0.0)], [FRAC_PI_2, 0.0]);
        assert_eq!(of(Elementary::Log, 5e-324), log(f64::MIN_POSITIVE) - 52.0 * std::f64::consts::LN_2);
    }
}
