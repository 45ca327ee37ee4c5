//! Functions that are no rationals: doubles, by the definition in `docs/arithmetic.md`.

use super::int::Int;
use super::round::nearest_f64;
use super::{Exact, Result};
use num_rational::BigRational;

/// `f` of the double nearest to each element.
fn map(x: &Exact, f: impl Fn(f64) -> f64) -> Result<Exact> {
    let values: Vec<f64> = x.rationals().iter().map(|number| f(nearest_f64(number))).collect();
    Exact::from_f64(x.shape.clone(), &values)
}

/// `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(x: &Exact) -> Result<Exact> {
    map(x, |x| 1.0 / (1.0 + exp(-x)))
}

/// `(1 - e) / (1 + e)` with `e = exp(-2 |x|)`, with the sign of `x`.
pub(super) fn tanh(x: &Exact) -> Result<Exact> {
    map(x, |x| {
        let e = exp(-2.0 * x.abs());
        let value = (1.0 - e) / (1.0 + e);
        if x < 0.0 { -value } else { value }
    })
}

/// `alpha * (exp(x) - 1)` below 0.
pub(super) fn elu(x: &Exact, alpha: &BigRational) -> Result<Exact> {
    let alpha = nearest_f64(alpha);
    let below = map(&x.clone().map(|integer| integer.min(&Int::ZERO).clone()), |x| alpha * (exp(x) - 1.0))?;
    below.add(&x.clone().map(|integer| integer.max(&Int::ZERO).clone()))
}

/// The error function by its series of positive terms, as documented.
pub(super) fn erf(x: &Exact) -> Result<Exact> {
    map(x, |x| {
        let mut term = x.abs();
        let mut sum = term;
        for odd in (3..320).step_by(2) {
            term = term * (2.0 * (x * x)) / f64::from(odd);
            sum += term;
        }
        let value = if x.abs() < 6.0 { std::f64::consts::FRAC_2_SQRT_PI * exp(-(x * x)) * sum } else { 1.0 };
        value.min(1.0) * x.signum()
    })
}

/// The natural logarithm, which only constants of a file have: exporters compute bit widths with it and round them.
pub(super) fn log(x: &Exact) -> Result<Exact> {
    map(x, f64::ln)
}

/// The square root, which only constants of a file have: that of a double, rounded to nearest.
pub(super) fn sqrt(x: &Exact) -> Result<Exact> {
    map(x, f64::sqrt)
}

/// `exp(x)` as documented: reduced by multiples of the logarithm of two in two parts, then Taylor's polynomial.
fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let n = (x / std::f64::consts::LN_2).round_ties_even();
    let (high, low) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
    let r = (x - n * high) - n * low;
    let polynomial = (1..=14).rev().fold(1.0, |sum, k| 1.0 + sum * r / f64::from(k));
    // n is within 1010 of 0, so that the power is a double.
    polynomial * 2f64.powi(n as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values to 16 digits from tables of the functions; the formulas are within a few units of the last place.
    #[test]
    fn known_values() {
        let near = |found: f64, known: f64| (found - known).abs() <= known.abs() * 1e-15;
        assert!(near(exp(1.0), std::f64::consts::E));
        assert!(near(exp(-0.5), 0.606_530_659_712_633_4));
        assert!(near(exp(10.0), 22_026.465_794_806_718));
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e9), exp(-700.0));
        let one = |f: fn(&Exact) -> Result<Exact>, x: f64| {
            nearest_f64(&f(&Exact::from_f64(vec![1], &[x]).unwrap()).unwrap().rational(0))
        };
        assert_eq!(one(sigmoid, 0.0), 0.5);
        assert!(near(one(sigmoid, 2.0), 0.880_797_077_977_882_3));
        assert!(near(one(sigmoid, -2.0), 0.119_202_922_022_117_57));
        assert_eq!(one(tanh, 0.0), 0.0);
        assert!(near(one(tanh, 1.0), 0.761_594_155_955_764_9));
        assert_eq!(one(tanh, -1.0), -one(tanh, 1.0));
        assert_eq!(one(sqrt, 2.0), std::f64::consts::SQRT_2);
        assert!(near(one(log, 8.0), 3.0 * std::f64::consts::LN_2));
    }
}
