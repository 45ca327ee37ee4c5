//! Functions that are no rationals, pinned as operations on doubles.
//!
//! `docs/arithmetic.md` is the definition. Every operation here is one correctly rounded operation of IEEE 754, so
//! the results are the same on every machine.

use super::Rational;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// Bound of `|sigmoid(nearest(x)) - 1 / (1 + e^-x)|` and of the same for tanh, for every real x: `2^-50`, eight units
/// `u = 2^-53`.
///
/// The exponential errs by less than `4 u` relatively: the first part of ln 2 has 32 bits, so `n * a` is exact for
/// `|n| < 2^20` and `x - n * a` by Sterbenz' lemma; subtracting `n * b` errs by `u / 4` as `|r| < 0.3467`. The last
/// step of Horner's scheme errs by `u`, and by `2 u |t|` in its term `|t| < 0.42`; the steps before add at most
/// `0.347 * 1.9 u`. That makes `2.6 u`, relative to at least 0.7. The polynomial leaves out `1e-19`, far below `u`, and
/// the limit at 700 changes values of less than `1e-304`. Sum and quotient of sigmoid add `2 u`, the difference in
/// tanh one more, and `x` rounded to a double moves either by less than `u / 2`.
pub(super) const ERROR_BOUND: f64 = 1.0 / (1u64 << 50) as f64;

/// The double nearest to `value`, ties to even; infinite past the largest one.
pub(super) fn nearest(value: &Rational) -> f64 {
    let (numer, denom) = (value.numer().abs(), value.denom());
    let sign = u64::from(value.is_negative()) << 63;
    if numer.is_zero() {
        return 0.0;
    }
    // The quotient times 2^-exponent has 53 or 54 bits, fewer where doubles are subnormal.
    let log2 = i64::try_from(numer.bits()).unwrap_or(i64::MAX / 2)
        - i64::try_from(denom.bits()).unwrap_or(i64::MAX / 2);
    let rounded = |exponent: i64| {
        let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        let (quotient, remainder, divisor) = if exponent < 0 {
            let (quotient, remainder) = (&numer << shift).div_rem(denom);
            (quotient, remainder, denom.clone())
        } else {
            let divisor = denom << shift;
            let (quotient, remainder) = numer.div_rem(&divisor);
            (quotient, remainder, divisor)
        };
        let quotient = quotient.to_u64().unwrap_or(u64::MAX);
        let up = match (remainder * 2i32).cmp(&divisor) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient & 1,
            std::cmp::Ordering::Greater => 1,
        };
        (quotient, up)
    };
    if log2 > 1025 {
        return f64::from_bits(sign | f64::INFINITY.to_bits());
    }
    let mut exponent = (log2 - 53).max(-1074);
    let (mut mantissa, mut up) = rounded(exponent);
    if mantissa >> 53 != 0 {
        exponent += 1;
        (mantissa, up) = rounded(exponent);
    }
    // Below 2^52 the double is subnormal and its exponent field 0; a carry past the mantissa lands in the exponent.
    let field = u64::try_from(exponent + 1074).unwrap_or(0);
    let bits = (field << 52) + mantissa + up;
    f64::from_bits(sign | bits.min(f64::INFINITY.to_bits()))
}

/// The rational a finite double is. Sigmoid and tanh give no others.
pub(super) fn exact(value: f64) -> Rational {
    super::from_f64(value).unwrap_or_default()
}

/// `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// `(1 - e) / (1 + e)` with `e = exp(-2 |x|)`, and the sign of `x`.
pub(super) fn tanh(x: f64) -> f64 {
    let e = exp(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

/// `alpha * (exp(x) - 1)`, for negative `x`.
pub(super) fn elu(x: f64, alpha: f64) -> f64 {
    alpha * (exp(x) - 1.0)
}

/// `2 / sqrt(pi) * exp(-x^2) * sum of 2^n |x|^(2n + 1) / (1 * 3 * ... * (2n + 1))` with the sign of `x`: a series of
/// positive terms, of which 160 are enough below 6, where the function is 1 in doubles.
pub(super) fn erf(x: f64) -> f64 {
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
pub(super) const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
pub(super) const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `e^x`, with a finite `x` limited to -700 to 700.
pub(super) fn exp(x: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use num_traits::One;
    use proptest::prelude::*;

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
        fn doubles_are_nearest_to_themselves(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite() && value != 0.0);
            prop_assert_eq!(nearest(&exact(value)), value);
        }

        /// A division of doubles is correctly rounded.
        #[test]
        fn quotients_are_nearest(numer in -(1i64 << 53)..1 << 53, denom in 1i64..1 << 53, a in 0u32..53, b in 0u32..53) {
            let (numer, denom) = (numer >> a, (denom >> b).max(1));
            prop_assert_eq!(nearest(&Rational::new(numer.into(), denom.into())), numer as f64 / denom as f64);
        }

        #[test]
        fn subnormal_quotients_are_nearest(numer in 1i64..1 << 53, shift in 1000i32..1130) {
            // Division by a power of two rounds where the result is subnormal.
            let denom = Rational::from_integer(BigInt::from(1) << shift);
            let halved = numer as f64 / 2f64.powi(500) / 2f64.powi(400);
            prop_assert_eq!(nearest(&(Rational::from_integer(numer.into()) / denom)), halved / 2f64.powi(shift - 900));
        }

        #[test]
        fn the_error_bound_holds(numer in -3000i64..3000, denom in 1i64..400) {
            let x = Rational::new(numer.into(), denom.into());
            prop_assume!(x.abs() <= Rational::from_integer(15.into()));
            let one = Rational::one();
            let exact_sigmoid = &one / (&one + exp_series(&-&x));
            let bound = exact(ERROR_BOUND);
            prop_assert!((exact(sigmoid(nearest(&x))) - exact_sigmoid).abs() <= bound);
            let e = exp_series(&(&x * Rational::from_integer((-2).into())));
            let exact_tanh = (&one - &e) / (&one + &e);
            prop_assert!((exact(tanh(nearest(&x))) - exact_tanh).abs() <= bound);
        }
    }

    #[test]
    fn known_values() {
        assert_eq!((sigmoid(0.0), tanh(0.0), tanh(-0.0).to_bits()), (0.5, 0.0, 1 << 63));
        assert_eq!((sigmoid(f64::INFINITY), tanh(f64::NEG_INFINITY)), (1.0, -1.0));
        assert!(sigmoid(f64::NEG_INFINITY) < 1e-300);
        assert_eq!(nearest(&Rational::from_integer(BigInt::from(1) << 1024u32)), f64::INFINITY);
        assert_eq!(nearest(&Rational::from_integer(-(BigInt::from(1) << 5000u32))), f64::NEG_INFINITY);
        assert_eq!(nearest(&exact(f64::MAX)), f64::MAX);
    }
}
