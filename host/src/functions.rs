//! Functions of doubles that give the same bits on every machine, and softmax, which callers of programs compute.
//!
//! `docs/arithmetic.md` is the definition of the first. Every operation of theirs is one correctly rounded operation of
//! IEEE 754, so the compiler's exact functions and training's evaluation agree in every bit.

use num_traits::Float;

/// Bound of `|sigmoid(nearest(x)) - 1 / (1 + e^-x)|` and of the same for tanh, for every real x: `2^-50`, eight units
/// `u = 2^-53`.
///
/// The exponential errs by less than `4 u` relatively: the first part of ln 2 has 32 bits, so `n * a` is exact for
/// `|n| < 2^20` and `x - n * a` by Sterbenz' lemma; subtracting `n * b` errs by `u / 4` as `|r| < 0.3467`. The last
/// step of Horner's scheme errs by `u`, and by `2 u |t|` in its term `|t| < 0.42`; the steps before add at most
/// `0.347 * 1.9 u`. That makes `2.6 u`, relative to at least 0.7. The polynomial leaves out `1e-19`, far below `u`, and
/// the limit at 700 changes values of less than `1e-304`. Sum and quotient of sigmoid add `2 u`, the difference in
/// tanh one more, and `x` rounded to a double moves either by less than `u / 2`.
pub const ERROR_BOUND: f64 = 1.0 / (1u64 << 50) as f64;

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// `(1 - e) / (1 + e)` with `e = exp(-2 |x|)`, and the sign of `x`.
pub fn tanh(x: f64) -> f64 {
    let e = exp(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

/// `alpha * (exp(x) - 1)`, for negative `x`.
pub fn elu(x: f64, alpha: f64) -> f64 {
    alpha * (exp(x) - 1.0)
}

/// `2 / sqrt(pi) * exp(-x^2) * sum of 2^n |x|^(2n + 1) / (1 * 3 * ... * (2n + 1))` with the sign of `x`: a series of
/// positive terms, of which 160 are enough below 6, where the function is 1 in doubles.
pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 6.0 {
        return 1f64.copysign(x);
    }
    let square = x * x;
    let (mut term, mut sum) = (x.abs(), x.abs());
    for n in 1..160 {
        term = term * (2.0 * square) / f64::from(2 * n + 1);
        sum += term;
    }
    (std::f64::consts::FRAC_2_SQRT_PI * exp(-square) * sum).min(1.0).copysign(x)
}

/// The logarithm of 2 in two parts, the first of 32 bits.
pub const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
/// The second part.
pub const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `e^x`, with a finite `x` limited to -700 to 700.
pub fn exp(x: f64) -> f64 {
    if x.is_infinite() {
        return x.max(0.0);
    }
    let x = x.clamp(-700.0, 700.0);
    let n = (x / std::f64::consts::LN_2).round_ties_even();
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0;
    for k in (1..=14).rev() {
        sum = 1.0 + sum * r / f64::from(k);
    }
    // `n` is an integer between -1010 and 1010.
    sum * f64::from_bits(((n as i64 + 1023) as u64) << 52)
}

/// Softmax along `axis` of the elements of `shape`, in the arithmetic of `F`.
///
/// # Panics
///
/// If there are fewer elements than the shape has.
pub fn softmax<F: Float>(x: &[F], shape: &[usize], axis: usize) -> Vec<F> {
    let inner = shape.iter().skip(axis + 1).product::<usize>().max(1);
    let length = shape.get(axis).copied().unwrap_or(1).max(1);
    let mut result = x.to_vec();
    for start in (0..x.len()).filter(|index| (index / inner).is_multiple_of(length)) {
        let line = || (0..length).map(|step| start + step * inner);
        let largest = line().map(|index| x[index]).fold(F::neg_infinity(), F::max);
        line().for_each(|index| result[index] = (x[index] - largest).exp());
        let sum = line().map(|index| result[index]).fold(F::zero(), |sum, share| sum + share);
        line().for_each(|index| result[index] = result[index] / sum);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use num_rational::BigRational as Rational;
    use num_traits::{One, Signed, Zero};
    use proptest::prelude::*;

    fn exact(value: f64) -> Rational {
        Rational::from_float(value).unwrap()
    }

    /// `e^x` within `2^-80`, from the power series at `x / 2^10`, squared ten times, in rationals cut to 200 bits.
    fn exp_series(x: &Rational) -> Rational {
        let unit: BigInt = BigInt::from(1) << 200u32;
        let cut = |value: Rational| {
            Rational::new((value * Rational::from_integer(unit.clone())).floor().to_integer(), unit.clone())
        };
        let small = x / Rational::from_integer(1024.into());
        let (mut term, mut sum) = (Rational::one(), Rational::zero());
        for k in 1..40 {
            sum += &term;
            term = cut(&term * &small / Rational::from_integer(k.into()));
        }
        (0..10).fold(sum, |power, _| cut(&power * &power))
    }

    /// Values to 16 digits from tables of the function.
    #[test]
    fn error_function() {
        let known = [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (5.0, 0.999_999_999_998_462_6),
            (9.0, 1.0),
        ];
        for (x, value) in known {
            assert!((erf(x) - value).abs() < 1e-15, "{x}: {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
        assert!((elu(-1.0, 2.0) + 1.264_241_117_657_115_3).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn the_error_bound_holds(numer in -3000i64..3000, denom in 1i64..400) {
            let x = Rational::new(numer.into(), denom.into());
            prop_assume!(x.abs() <= Rational::from_integer(15.into()));
            let nearest = numer as f64 / denom as f64;
            let one = Rational::one();
            let exact_sigmoid = &one / (&one + exp_series(&-&x));
            let bound = exact(ERROR_BOUND);
            prop_assert!((exact(sigmoid(nearest)) - exact_sigmoid).abs() <= bound);
            let e = exp_series(&(&x * Rational::from_integer((-2).into())));
            let exact_tanh = (&one - &e) / (&one + &e);
            prop_assert!((exact(tanh(nearest)) - exact_tanh).abs() <= bound);
        }
    }

    #[test]
    fn known_values() {
        assert_eq!((sigmoid(0.0), tanh(0.0), tanh(-0.0).to_bits()), (0.5, 0.0, 1 << 63));
        assert_eq!((sigmoid(f64::INFINITY), tanh(f64::NEG_INFINITY)), (1.0, -1.0));
        assert!(sigmoid(f64::NEG_INFINITY) < 1e-300);
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn shares_add_up_along_the_axis() {
        let (low, high) = (1.0 / (1.0 + 2f64.exp()), 1.0 / (1.0 + (-2f64).exp()));
        let close = |found: &[f64], expected: &[f64]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?} {expected:?}");
        };
        close(&softmax(&[0.0, 1.0, 2.0, 3.0], &[1, 2, 2], 1), &[low, low, high, high]);
        close(&softmax(&[0.0, 2.0, 1.0, 3.0], &[1, 2, 2], 2), &[low, high, low, high]);
        close(&softmax(&[1e3, 1e3 + 2.0], &[1, 2], 1), &[low, high]);
        assert_eq!(softmax::<f32>(&[], &[0, 2], 1), []);
    }
}
