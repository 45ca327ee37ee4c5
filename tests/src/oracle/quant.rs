//! `Quant`: divides by the scale, adds the zero point, rounds once, clamps, and multiplies back.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::dyadic::broadcast_index;
use super::{Applied, Dyadic, Result};

/// `numerator / denominator` rounded as the QONNX rounding mode `mode` says; `denominator` is positive. `None` for
/// a mode that QONNX does not define.
pub fn round(numerator: &BigInt, denominator: &BigInt, mode: &str) -> Option<BigInt> {
    let (floor, rest) = numerator.div_mod_floor(denominator);
    let against_half = (&rest * 2u8).cmp(denominator);
    let up = match mode.to_ascii_uppercase().as_str() {
        "CEIL" => !rest.is_zero(),
        "FLOOR" => false,
        "UP" => !rest.is_zero() && !numerator.is_negative(),
        "DOWN" | "ROUND_TO_ZERO" => !rest.is_zero() && numerator.is_negative(),
        mode => {
            against_half.is_gt()
                || against_half.is_eq()
                    && match mode {
                        "ROUND" | "HALF_EVEN" => floor.is_odd(),
                        "HALF_UP" => !numerator.is_negative(),
                        "HALF_DOWN" => numerator.is_negative(),
                        _ => return None,
                    }
        }
    };
    Some(if up { floor + 1 } else { floor })
}

pub(super) fn quant(applied: &Applied<'_>) -> Result<Dyadic> {
    let (x, scale) = (applied.real(0)?, applied.real(1)?);
    let zero_point = whole(applied, 2)?;
    let bits = whole(applied, 3)?.to_u32().filter(|bits| (1..=32).contains(bits));
    let Some(bits) = bits else { return applied.fail("a bit width outside 1 to 32") };
    if scale.integers.iter().any(|scale| !scale.is_positive()) {
        return applied.fail("a scale that is not positive");
    }
    let narrow = applied.int("narrow", 0)?;
    let (lowest, highest) = match applied.int("signed", 1)? {
        0 => (0, (1i64 << bits) - 1 - narrow),
        _ => (narrow - (1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
    };
    let (lowest, highest) = (BigInt::from(lowest), BigInt::from(highest));
    let mode = applied.string("rounding_mode", "ROUND")?;
    let exponent = x.exponent.min(scale.exponent);
    let (values, steps) = (x.at(exponent), scale.at(exponent));
    let mut integers = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let channel = broadcast_index(&x.shape, &scale.shape, index);
        // The zero point is whole, yet it moves ties between odd and even: it belongs inside the rounding.
        let Some(code) = round(&(value + &steps[channel] * &zero_point), &steps[channel], &mode) else {
            return applied.fail(format!("rounding mode {mode}"));
        };
        let code = code.clamp(lowest.clone(), highest.clone());
        integers.push((code - &zero_point) * &scale.integers[channel]);
    }
    Ok(Dyadic { shape: x.shape.clone(), integers, exponent: scale.exponent })
}

/// The one whole number that all elements of operand `index` are.
fn whole(applied: &Applied<'_>, index: usize) -> Result<BigInt> {
    let real = applied.real(index)?;
    let first = (!real.integers.is_empty()).then(|| real.rational(0));
    let same =
        |first: &num_rational::BigRational| (1..real.integers.len()).all(|i| real.rational(i) == *first);
    match first {
        Some(first) if first.is_integer() && same(&first) => Ok(first.to_integer()),
        _ => applied.fail(format!("operand {index} is not one whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in QONNX's documentation of `Quant`, for -2.5, -1.5, -1.1, -0.5, 0.5, 1.5 and 2.5.
    #[test]
    fn modes() {
        let rounded = |mode: &str| {
            [-25, -15, -11, -5, 5, 15, 25].map(|tenths| {
                round(&BigInt::from(tenths), &BigInt::from(10), mode).unwrap().to_i64().unwrap()
            })
        };
        assert_eq!(rounded("ROUND"), [-2, -2, -1, 0, 0, 2, 2]);
        assert_eq!(rounded("HALF_EVEN"), rounded("round"));
        assert_eq!(rounded("CEIL"), [-2, -1, -1, 0, 1, 2, 3]);
        assert_eq!(rounded("FLOOR"), [-3, -2, -2, -1, 0, 1, 2]);
        assert_eq!(rounded("UP"), [-3, -2, -2, -1, 1, 2, 3]);
        assert_eq!(rounded("DOWN"), [-2, -1, -1, 0, 0, 1, 2]);
        assert_eq!(rounded("ROUND_TO_ZERO"), rounded("DOWN"));
        assert_eq!(rounded("HALF_UP"), [-3, -2, -1, -1, 1, 2, 3]);
        assert_eq!(rounded("HALF_DOWN"), [-2, -1, -1, 0, 0, 1, 2]);
        assert_eq!(round(&BigInt::from(5), &BigInt::from(10), "NEAREST"), None);
    }
}
