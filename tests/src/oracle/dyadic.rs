//! Tensors of exact real numbers with a common power of two.
//!
//! Every `f32` is an integer times a power of two, and such numbers are closed under sums and products. The integers
//! have no limit.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Result, fail};

/// Element `i` is `integers[i] * 2^exponent`; row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Dyadic {
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// The elements in units of `2^exponent`.
    pub integers: Vec<BigInt>,
    /// Exponent of the unit.
    pub exponent: i32,
}

/// `(integer, exponent)` of a finite float.
fn split(value: f32) -> Option<(i32, i32)> {
    let bits = value.to_bits();
    let fraction = (bits & 0x7f_ffff) as i32;
    let (mantissa, exponent) = match (bits >> 23 & 0xff) as i32 {
        0xff => return None,
        0 => (fraction, -149),
        biased => (fraction | 0x80_0000, biased - 150),
    };
    Some((if bits >> 31 == 1 { -mantissa } else { mantissa }, exponent))
}

impl Dyadic {
    /// The exact values of `floats`.
    ///
    /// # Errors
    /// If one is infinite or NaN, or there are not as many as `shape` holds.
    pub fn from_f32(shape: Vec<usize>, floats: &[f32]) -> Result<Self> {
        if shape.iter().product::<usize>() != floats.len() {
            return fail("tensor", format!("{} elements for shape {shape:?}", floats.len()));
        }
        let parts: Option<Vec<(i32, i32)>> = floats.iter().map(|value| split(*value)).collect();
        let Some(parts) = parts else { return fail("tensor", "an element that is no number") };
        let exponent = parts.iter().filter(|part| part.0 != 0).map(|part| part.1).min().unwrap_or(0);
        let integer = |(mantissa, own): (i32, i32)| match mantissa {
            0 => BigInt::zero(),
            _ => BigInt::from(mantissa) << (own - exponent),
        };
        Ok(Self { integers: parts.into_iter().map(integer).collect(), exponent, shape })
    }

    /// The integers in units of the smaller `2^exponent`.
    pub fn at(&self, exponent: i32) -> Vec<BigInt> {
        let finer = self.exponent - exponent;
        self.integers.iter().map(|integer| integer << finer).collect()
    }

    /// Replaces each integer.
    #[must_use]
    pub fn map(mut self, f: impl Fn(BigInt) -> BigInt) -> Self {
        self.integers = self.integers.into_iter().map(f).collect();
        self
    }

    /// Element `index` as a fraction.
    pub fn rational(&self, index: usize) -> BigRational {
        let unit = BigInt::one() << self.exponent.unsigned_abs();
        match self.exponent {
            0.. => BigRational::from_integer(&self.integers[index] * unit),
            _ => BigRational::new(self.integers[index].clone(), unit),
        }
    }

    /// Products of all elements with `factor`, which has one element.
    #[must_use]
    pub fn times(self, factor: &Self) -> Self {
        let exponent = self.exponent + factor.exponent;
        Self { exponent, ..self }.map(|integer| integer * &factor.integers[0])
    }

    /// Elementwise sums, shapes broadcast from the right.
    #[must_use]
    pub fn broadcast_add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.at(exponent), other.at(exponent));
        let rank = self.shape.len().max(other.shape.len());
        let padded = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
        let sizes = padded(&self.shape).into_iter().zip(padded(&other.shape));
        let shape: Vec<usize> = sizes.map(|(a, b)| a.max(b)).collect();
        let count: usize = shape.iter().product();
        let sum = |index| {
            &a[broadcast_index(&shape, &self.shape, index)] + &b[broadcast_index(&shape, &other.shape, index)]
        };
        Self { integers: (0..count).map(sum).collect(), exponent, shape }
    }
}

/// The index into a tensor of shape `from` that element `index` of the broadcast `shape` reads.
pub(super) fn broadcast_index(shape: &[usize], from: &[usize], mut index: usize) -> usize {
    let (mut at, mut stride) = (0, 1);
    for (axis, size) in shape.iter().enumerate().rev() {
        let position = index % size;
        index /= size;
        if let Some(own) = (axis + from.len()).checked_sub(shape.len()).map(|axis| from[axis]) {
            at += if own == 1 { 0 } else { position * stride };
            stride *= own;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn floats_are_kept(values in prop::collection::vec(any::<f32>(), 1..5)) {
            prop_assume!(values.iter().all(|value| value.is_finite()));
            let exact = Dyadic::from_f32(vec![values.len()], &values).unwrap();
            for (index, value) in values.iter().enumerate() {
                prop_assert_eq!(exact.rational(index).to_f64(), Some(f64::from(*value)));
            }
        }
    }

    #[test]
    fn broadcasting() {
        let row = Dyadic::from_f32(vec![3], &[1.0, 2.0, 0.25]).unwrap();
        let column = Dyadic::from_f32(vec![1, 2, 1], &[8.0, -1.0]).unwrap();
        let sum = row.broadcast_add(&column);
        assert_eq!(sum.shape, [1, 2, 3]);
        let reals: Vec<f64> = (0..6).map(|index| sum.rational(index).to_f64().unwrap()).collect();
        assert_eq!(reals, [9.0, 10.0, 8.25, 0.0, 1.0, -0.75]);
    }
}
