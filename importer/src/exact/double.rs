//! Between rationals and doubles. Functions that are no rationals are pinned as operations on doubles, in
//! [`exactum_host::functions`].

use super::Rational;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

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

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use proptest::prelude::*;

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
    }

    #[test]
    fn the_ends_are_infinite_or_the_largest() {
        assert_eq!(nearest(&Rational::from_integer(BigInt::from(1) << 1024u32)), f64::INFINITY);
        assert_eq!(nearest(&Rational::from_integer(-(BigInt::from(1) << 5000u32))), f64::NEG_INFINITY);
        assert_eq!(nearest(&exact(f64::MAX)), f64::MAX);
    }
}
