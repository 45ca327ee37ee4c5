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

/// The elementary function called `name`, as documented; `None` if it is none.
///
/// # Errors
/// Where it has no value. Infinite values become `2^2048` with their sign, which is past every code.
pub(super) fn elementary(name: &str, x: &Exact) -> Result<Option<Exact>> {
    let f: fn(f64) -> f64 = match name {
        "Exp" => exp,
        "Log" => log,
        "Softplus" => |x| {
            let t = exp(-x.abs());
            (if x > 0.0 { x } else { 0.0 }) + series(t / (2.0 + t))
        },
        "Sqrt" => f64::sqrt,
        "Sin" => |x| turned(x, 0),
        "Cos" => |x| turned(x, 1),
        "Tan" => |x| turned(x, 0) / turned(x, 1),
        "Asin" => asin,
        "Acos" => |x| std::f64::consts::FRAC_PI_2 - asin(x),
        "Atan" => atan,
        "Sinh" => |x| (exp(x) - exp(-x)) / 2.0,
        "Cosh" => |x| (exp(x) + exp(-x)) / 2.0,
        "Asinh" => |x| {
            let size = log(x.abs() + f64::sqrt(x * x + 1.0));
            if x < 0.0 { -size } else { size }
        },
        "Acosh" => |x| log(x + f64::sqrt((x - 1.0) * (x + 1.0))),
        "Atanh" => |x| log((1.0 + x) / (1.0 - x)) / 2.0,
        _ => return Ok(None),
    };
    doubles(x, f).map(Some)
}

/// `x` to a power that is no whole number.
pub(super) fn power(x: &Exact, exponent: &BigRational) -> Result<Exact> {
    let y = nearest_f64(exponent);
    doubles(x, |x| match (x == 0.0, y > 0.0) {
        (true, true) => 0.0,
        (true, false) => f64::INFINITY,
        _ => exp(y * log(x)),
    })
}

/// A positive constant to the power of `x`.
pub(super) fn exponential(base: f64, x: &Exact) -> Result<Exact> {
    let Some(logarithm) = BigRational::from_float(log(base)) else {
        return super::fail("Pow", "an infinite base");
    };
    doubles(&x.clone().times(&logarithm), exp)
}

/// `f` of the double nearest to each element, where that is a number or an infinity.
fn doubles(x: &Exact, f: impl Fn(f64) -> f64) -> Result<Exact> {
    let value = |number: &BigRational| {
        let value = f(nearest_f64(number));
        match BigRational::from_float(value) {
            Some(exact) => Ok(exact),
            None if value.is_nan() => super::fail("function", format!("no value at {number}")),
            None => Ok(infinity(value < 0.0)),
        }
    };
    let values: Vec<BigRational> = x.rationals().iter().map(value).collect::<Result<_>>()?;
    Ok(Exact::from_rationals(x.shape.clone(), &values))
}

/// What stands for an infinity.
pub(super) fn infinity(negative: bool) -> BigRational {
    let far = super::exact::power_of_two(2048);
    if negative { -far } else { far }
}

/// The logarithm as documented: of a power of two in two parts, and of a factor around 1 by a series.
fn log(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_nan() || x < 0.0 || x.is_infinite() {
        return if x > 0.0 { x } else { f64::NAN };
    }
    let (mut m, mut n) = (x, 0.0);
    while m > std::f64::consts::SQRT_2 {
        (m, n) = (m / 2.0, n + 1.0);
    }
    while m < std::f64::consts::FRAC_1_SQRT_2 {
        (m, n) = (m * 2.0, n - 1.0);
    }
    let (high, low) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
    n * high + (n * low + series((m - 1.0) / (m + 1.0)))
}

/// `2 s` times the sum of `s^2k / (2k + 1)` for `k` up to 20.
fn series(s: f64) -> f64 {
    let sum = (0..=20).rev().fold(0.0, |sum, k| sum * (s * s) + 1.0 / f64::from(2 * k + 1));
    2.0 * s * sum
}

/// The sine of `x` and `quarters` quarter turns.
fn turned(x: f64, quarters: i64) -> f64 {
    if x.abs() > 1_048_576.0 {
        return f64::NAN;
    }
    let n = (x / std::f64::consts::FRAC_PI_2).round_ties_even();
    let r =
        ((x - n * 1.570_796_326_734_125_6) - n * 6.077_100_506_303_966e-11) - n * 2.022_266_248_795_950_6e-21;
    let place = (n as i64 + quarters).rem_euclid(4);
    let fold = |first: i32, last: i32| {
        (first..=last).rev().step_by(2).fold(1.0, |sum, k| 1.0 - sum * (r * r) / f64::from((k - 1) * k))
    };
    let value = if place % 2 == 0 { r * fold(3, 23) } else { fold(2, 24) };
    if place < 2 { value } else { -value }
}

fn atan(x: f64) -> f64 {
    let inverted = x.abs() > 1.0;
    let mut t = if inverted { 1.0 / x.abs() } else { x.abs() };
    for _ in 0..3 {
        t /= 1.0 + f64::sqrt(1.0 + t * t);
    }
    let sum = (0..=16).rev().fold(0.0, |sum, k| 1.0 / f64::from(2 * k + 1) - sum * (t * t));
    let angle = 8.0 * (t * sum);
    let size = if inverted { std::f64::consts::FRAC_PI_2 - angle } else { angle };
    if x < 0.0 { -size } else { size }
}

fn asin(x: f64) -> f64 {
    if x.abs() == 1.0 { std::f64::consts::FRAC_PI_2 * x } else { atan(x / f64::sqrt((1.0 - x) * (1.0 + x))) }
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
        assert!(near(log(8.0), 3.0 * std::f64::consts::LN_2));
        let known: [(&str, f64, f64); 12] = [
            ("Sqrt", 2.0, std::f64::consts::SQRT_2),
            ("Softplus", 1.0, 1.313_261_687_518_222_8),
            ("Softplus", -3.0, 0.048_587_351_573_742_06),
            ("Sin", 1.0, 0.841_470_984_807_896_5),
            ("Cos", 2.0, -0.416_146_836_547_142_4),
            ("Sin", -40.0, -0.745_113_160_479_348_8),
            ("Atan", 3.0, 1.249_045_772_398_254_4),
            ("Asin", 0.5, std::f64::consts::FRAC_PI_6),
            ("Acos", -1.0, std::f64::consts::PI),
            ("Sinh", 1.0, 1.175_201_193_643_801_4),
            ("Asinh", -2.0, -1.443_635_475_178_810_3),
            ("Atanh", 0.5, 0.549_306_144_334_054_8),
        ];
        for (name, x, value) in known {
            let x = Exact::from_f64(vec![1], &[x]).unwrap();
            let found = nearest_f64(&elementary(name, &x).unwrap().unwrap().rational(0));
            assert!((found - value).abs() <= value.abs() * 4e-15, "{name}: {found}");
        }
        assert!(elementary("Log", &Exact::from_f64(vec![1], &[-1.0]).unwrap()).is_err());
    }
}
