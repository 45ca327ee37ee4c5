//! `serde` forms of exact numbers: rationals, integer types, ranges and rounding modes as short text.
//!
//! A rational whose denominator is a power of two prints as `mantissa p exponent` (`10077695p-41`), any other as
//! `numerator/denominator`.

use exactum_qonnx::ElemType;
use exactum_runtime::num::{IntRange, Rounding};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Prints `value` exactly.
fn print_rational(value: &BigRational) -> String {
    let (numer, denom) = (value.numer(), value.denom());
    let power = denom.bits() - 1;
    if *denom != BigInt::one() << power {
        return format!("{numer}/{denom}");
    }
    let trailing = numer.trailing_zeros().unwrap_or(0);
    match (power, trailing) {
        (0, 0..16) => format!("{numer}"),
        (0, trailing) => format!("{}p{trailing}", numer >> trailing),
        (power, _) => format!("{numer}p-{power}"),
    }
}

/// The rational that [`print_rational`] printed; `None` for other text or absurd exponents.
fn parse_rational(text: &str) -> Option<BigRational> {
    if let Some((numer, denom)) = text.split_once('/') {
        let denom: BigInt = denom.parse().ok()?;
        let numer: BigInt = numer.parse().ok()?;
        return (!denom.is_zero()).then(|| BigRational::new(numer, denom));
    }
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let mantissa: BigInt = mantissa.parse().ok()?;
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.unsigned_abs() <= 4096)?;
    let shift = exponent.unsigned_abs();
    Some(if exponent >= 0 {
        BigRational::from_integer(mantissa << shift)
    } else {
        BigRational::new(mantissa, BigInt::one() << shift)
    })
}

pub(crate) mod rationals {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[BigRational], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(print_rational))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<BigRational>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let parse = |text: &String| {
            parse_rational(text).ok_or_else(|| D::Error::custom(format!("rational {text:?}")))
        };
        texts.iter().map(parse).collect()
    }
}

/// One rational.
pub(crate) mod rational {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &BigRational, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&print_rational(value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BigRational, D::Error> {
        let text = String::deserialize(from)?;
        parse_rational(&text).ok_or_else(|| D::Error::custom(format!("rational {text:?}")))
    }
}

/// A rational or nothing.
pub(crate) mod optional_rational {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<BigRational>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&print_rational(value)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BigRational>, D::Error> {
        let parse = |text: String| {
            parse_rational(&text).ok_or_else(|| D::Error::custom(format!("rational {text:?}")))
        };
        Option::<String>::deserialize(from)?.map(parse).transpose()
    }
}

/// Lists of rationals.
pub(crate) mod rational_lists {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(lists: &[Vec<BigRational>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(lists.iter().map(|list| list.iter().map(print_rational).collect::<Vec<_>>()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<BigRational>>, D::Error> {
        let parse = |text: &String| {
            parse_rational(text).ok_or_else(|| D::Error::custom(format!("rational {text:?}")))
        };
        let lists = Vec::<Vec<String>>::deserialize(from)?;
        lists.iter().map(|list| list.iter().map(parse).collect()).collect()
    }
}

/// The element type called `name`.
pub(crate) fn elem_named(name: &str) -> Option<ElemType> {
    ElemType::ALL.iter().copied().find(|elem| elem.name() == name)
}

/// An element type by its name.
pub(crate) mod elem {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &ElemType, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ElemType, D::Error> {
        let name = String::deserialize(from)?;
        elem_named(&name).ok_or_else(|| D::Error::custom(format!("element type {name:?}")))
    }
}

pub(crate) mod display {
    use super::*;

    pub(crate) fn serialize<T: std::fmt::Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

pub(crate) mod range {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &IntRange, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq([value.lo, value.hi])
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<IntRange, D::Error> {
        let [lo, hi] = <[i64; 2]>::deserialize(from)?;
        IntRange::new(lo, hi).ok_or_else(|| D::Error::custom(format!("range {lo} to {hi} is empty")))
    }
}

/// Two ranges or nothing.
pub(crate) mod range_pair {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<[IntRange; 2]>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(ranges) => to.collect_seq(ranges.map(|range| [range.lo, range.hi])),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[IntRange; 2]>, D::Error> {
        let Some(ranges) = Option::<[[i64; 2]; 2]>::deserialize(from)? else { return Ok(None) };
        let range = |[lo, hi]: [i64; 2]| {
            IntRange::new(lo, hi).ok_or_else(|| D::Error::custom(format!("range {lo} to {hi} is empty")))
        };
        Ok(Some([range(ranges[0])?, range(ranges[1])?]))
    }
}

pub(crate) mod rounding {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Rounding, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.qonnx_name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rounding, D::Error> {
        let name = String::deserialize(from)?;
        Rounding::from_qonnx_name(&name).ok_or_else(|| D::Error::custom(format!("rounding mode {name:?}")))
    }
}

/// Floats as doubles, which hold them exactly. `serde_json` prints an `f32` in one of two ways, depending on a feature
/// that any crate of the build can turn on.
pub(crate) mod float {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64((*value).into())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        f64::deserialize(from).map(|value| value as f32)
    }
}

/// As [`float`].
pub(crate) mod floats {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[f32], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| f64::from(*value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
        Ok(Vec::<f64>::deserialize(from)?.into_iter().map(|value| value as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rationals_round_trip(numer in any::<i64>(), denom in 1i64.., shift in 0usize..80) {
            for value in [
                BigRational::new(numer.into(), denom.into()),
                BigRational::new(numer.into(), BigInt::one() << shift),
                BigRational::from_integer(BigInt::from(numer) << shift),
            ] {
                prop_assert_eq!(parse_rational(&print_rational(&value)), Some(value));
            }
        }
    }

    #[test]
    fn known_forms() {
        let show = |numer: i64, denom: i64| print_rational(&BigRational::new(numer.into(), denom.into()));
        assert_eq!([show(3, 8), show(-5, 1), show(1 << 20, 1), show(1, 3)], ["3p-3", "-5", "1p20", "1/3"]);
        for bad in ["", "1/0", "1p", "p3", "1p99999", "a"] {
            assert_eq!(parse_rational(bad), None, "{bad}");
        }
    }
}
