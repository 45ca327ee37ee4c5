//! Tensors of exact real numbers: integers with a common rational unit.
//!
//! Sums, products, quotients and roundings of rationals are rationals, so nothing is ever approximated. Codes of a
//! quantizer keep its scale as their unit, which keeps the integers small.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::int::{Int, Number};
use super::{Result, fail};

/// Element `i` is `integers[i] * unit`; row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// The elements in units of `unit`.
    pub integers: Vec<Int>,
    /// The unit, which is positive.
    pub unit: BigRational,
}

/// `(integer, exponent)` of a finite float: the integer times `2^exponent`.
fn split(value: f64) -> Option<(i64, i32)> {
    let bits = value.to_bits();
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) = match (bits >> 52 & 0x7ff) as i32 {
        0x7ff => return None,
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased - 1075),
    };
    let zeros = if mantissa == 0 { 0 } else { mantissa.trailing_zeros() };
    let mantissa = mantissa >> zeros;
    Some((if bits >> 63 == 1 { -mantissa } else { mantissa }, exponent + zeros as i32))
}

/// `2^exponent`.
pub(super) fn power_of_two(exponent: i32) -> BigRational {
    let power = BigInt::one() << exponent.unsigned_abs();
    if exponent < 0 { BigRational::new(BigInt::one(), power) } else { power.into() }
}

/// The exact value of a finite float.
pub(super) fn rational(value: f64) -> Option<BigRational> {
    split(value).map(|(mantissa, exponent)| power_of_two(exponent) * BigInt::from(mantissa))
}

impl Exact {
    /// The exact values of `floats`.
    ///
    /// # Errors
    /// If one is infinite or NaN, or there are not as many as `shape` holds.
    pub fn from_f32(shape: Vec<usize>, floats: &[f32]) -> Result<Self> {
        Self::from_f64(shape, &floats.iter().map(|float| f64::from(*float)).collect::<Vec<_>>())
    }

    /// The exact values of `floats`.
    ///
    /// # Errors
    /// If one is infinite or NaN, or there are not as many as `shape` holds.
    pub fn from_f64(shape: Vec<usize>, floats: &[f64]) -> Result<Self> {
        if shape.iter().product::<usize>() != floats.len() {
            return fail("tensor", format!("{} elements for shape {shape:?}", floats.len()));
        }
        let parts: Option<Vec<(i64, i32)>> = floats.iter().map(|value| split(*value)).collect();
        let Some(parts) = parts else { return fail("tensor", "an element that is no number") };
        let exponent = parts.iter().filter(|part| part.0 != 0).map(|part| part.1).min().unwrap_or(0);
        let integer = |(mantissa, own): (i64, i32)| match own - exponent {
            _ if mantissa == 0 => Int::ZERO,
            finer @ 0..64 => Int::from(i128::from(mantissa) << finer),
            finer => Int::from(BigInt::from(mantissa) << finer),
        };
        Ok(Self { integers: parts.into_iter().map(integer).collect(), unit: power_of_two(exponent), shape })
    }

    /// Whole numbers.
    pub fn whole(shape: Vec<usize>, integers: Vec<Int>) -> Self {
        Self { shape, integers, unit: BigRational::one() }
    }

    /// The given numbers; there are as many as `shape` holds.
    pub fn from_rationals(shape: Vec<usize>, numbers: &[BigRational]) -> Self {
        let denominator = numbers.iter().fold(BigInt::one(), |lcm, number| lcm.lcm(number.denom()));
        let integer = |number: &BigRational| Int::from(number.numer() * (&denominator / number.denom()));
        Self {
            integers: numbers.iter().map(integer).collect(),
            unit: BigRational::new(BigInt::one(), denominator),
            shape,
        }
    }

    /// One number, of rank 0.
    pub fn scalar(number: &BigRational) -> Self {
        Self::from_rationals(vec![], std::slice::from_ref(number))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.integers.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.integers.is_empty()
    }

    /// Element `index` as a fraction.
    pub fn rational(&self, index: usize) -> BigRational {
        &self.unit * self.integers[index].to_big()
    }

    /// All elements as fractions.
    pub fn rationals(&self) -> Vec<BigRational> {
        (0..self.len()).map(|index| self.rational(index)).collect()
    }

    /// The integers in units of `unit`, of which the own unit is a whole multiple.
    fn at(&self, unit: &BigRational) -> Vec<Int> {
        let factor = &self.unit / unit;
        if factor.is_one() {
            return self.integers.clone();
        }
        let factor = Int::from(factor.to_integer());
        self.integers.iter().map(|integer| integer * &factor).collect()
    }

    /// Replaces each integer by one of the same unit.
    #[must_use]
    pub fn map(self, f: impl Fn(&Int) -> Int) -> Self {
        Self { integers: self.integers.iter().map(f).collect(), ..self }
    }

    /// The same elements in another shape, which holds as many.
    #[must_use]
    pub(super) fn shaped(self, shape: Vec<usize>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), self.len(), "the number of elements stays");
        Self { shape, ..self }
    }

    /// Elements of the tensor, by index, in another shape.
    #[must_use]
    pub fn pick(&self, shape: Vec<usize>, source: impl Fn(usize) -> usize) -> Self {
        let count = shape.iter().product();
        let integers = (0..count).map(|index| self.integers[source(index)].clone()).collect();
        Self { shape, integers, unit: self.unit.clone() }
    }

    /// The elements of all tensors, one after the other.
    pub fn chain(tensors: &[&Self]) -> Self {
        let unit = tensors.iter().map(|tensor| tensor.unit.clone()).reduce(|p, q| common(&p, &q));
        let unit = unit.unwrap_or_else(BigRational::one);
        let integers: Vec<Int> = tensors.iter().flat_map(|tensor| tensor.at(&unit)).collect();
        Self { shape: vec![integers.len()], integers, unit }
    }

    /// Products of all elements with `factor`.
    #[must_use]
    pub fn times(self, factor: &BigRational) -> Self {
        if factor.is_zero() {
            return self.map(|_| Int::ZERO);
        }
        let scaled = Self { unit: self.unit * factor.abs(), ..self };
        if factor.is_negative() { scaled.map(|integer| -integer) } else { scaled }
    }

    /// `f` of the integers of both in a common unit, shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn zip(&self, other: &Self, f: impl Fn(&Int, &Int) -> Int) -> Result<Self> {
        let unit = common(&self.unit, &other.unit);
        let (a, b) = (self.at(&unit), other.at(&unit));
        let (shape, integers) = pairs(&self.shape, &other.shape, |i, j| f(&a[i], &b[j]))?;
        Ok(Self { shape, integers, unit })
    }

    /// Elementwise products, shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        let product = |i: usize, j: usize| &self.integers[i] * &other.integers[j];
        let (shape, integers) = pairs(&self.shape, &other.shape, product)?;
        Ok(Self { shape, integers, unit: &self.unit * &other.unit })
    }

    /// Elementwise sums, shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.zip(other, |a, b| a + b)
    }

    /// Elementwise differences, shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.zip(other, |a, b| a - b)
    }

    /// A tensor and a whole number for each place along `axis`, whose product is this tensor: the numbers are as large
    /// as they can be. So codes come out of weights with a scale for each channel.
    pub(super) fn primitive(&self, axis: usize) -> (Self, Vec<Int>) {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let place = |index: usize| index / inner % self.shape[axis];
        let mut factors = vec![Int::ZERO; self.shape[axis]];
        for (index, integer) in self.integers.iter().enumerate() {
            let factor = &mut factors[place(index)];
            if *factor != Int::ONE {
                *factor = factor.gcd(integer);
            }
        }
        for factor in &mut factors {
            if factor.sign() == 0 {
                *factor = Int::ONE;
            }
        }
        let quotient = |(index, integer): (usize, &Int)| integer.div_mod_floor(&factors[place(index)]).0;
        let integers = self.integers.iter().enumerate().map(quotient).collect();
        (Self { shape: self.shape.clone(), integers, unit: self.unit.clone() }, factors)
    }

    /// `1 / x` for each element.
    ///
    /// # Errors
    /// If one is zero.
    pub fn reciprocals(&self) -> Result<Self> {
        if self.integers.iter().any(|integer| integer.sign() == 0) {
            return fail("quotient", "a division by zero");
        }
        let lcm = self.integers.iter().fold(BigInt::one(), |lcm, integer| lcm.lcm(&integer.to_big()));
        let unit = (&self.unit * &lcm).recip();
        let integers = self.integers.iter().map(|integer| Int::from(&lcm / integer.to_big())).collect();
        Ok(Self { shape: self.shape.clone(), integers, unit })
    }
}

/// The largest unit that both units are whole multiples of.
fn common(p: &BigRational, q: &BigRational) -> BigRational {
    if p == q {
        return p.clone();
    }
    let numerator = (p.numer() * q.denom()).gcd(&(q.numer() * p.denom()));
    BigRational::new(numerator, p.denom() * q.denom())
}

/// An operator whose results are sums of at most `terms` products of an element of each operand. Each place along
/// one axis of the result, the channel, has its own places along an axis of the second operand.
pub(super) trait Bilinear {
    fn terms(&self) -> usize;
    fn sums<N: Number>(&self, a: &[N], b: &[N]) -> Vec<N>;

    /// The results: in machine words where the largest possible sum fits them.
    fn apply(&self, shape: Vec<usize>, a: &Exact, b: &Exact, channels: [usize; 2]) -> Exact {
        let (b, factors) = &b.primitive(channels[1]);
        let bits = |x: &Exact| x.integers.iter().map(Int::bits).max().unwrap_or(0);
        let terms = u64::from(usize::BITS - self.terms().leading_zeros());
        let words = |x: &Exact| x.integers.iter().map(Int::to_i64).collect::<Option<Vec<i64>>>();
        let integers: Vec<Int> = match (words(a), words(b)) {
            (Some(x), Some(y)) if bits(a) + bits(b) + terms < 63 => {
                self.sums(&x, &y).into_iter().map(Int::from).collect()
            }
            _ => self.sums(&a.integers, &b.integers),
        };
        let inner: usize = shape[channels[0] + 1..].iter().product();
        let whole = |(index, sum): (usize, Int)| match &factors[index / inner % factors.len()] {
            factor if *factor == Int::ONE => sum,
            factor => &sum * factor,
        };
        let integers = integers.into_iter().enumerate().map(whole).collect();
        Exact { shape, integers, unit: &a.unit * &b.unit }
    }
}

/// The shape that both broadcast to, and `f` of the indices into both for each of its elements.
fn pairs<T>(a: &[usize], b: &[usize], f: impl Fn(usize, usize) -> T) -> Result<(Vec<usize>, Vec<T>)> {
    let shape = broadcast(a, b)?;
    let count: usize = shape.iter().product();
    let (of_a, of_b) = (reader(&shape, a), reader(&shape, b));
    let values = (0..count).map(|index| f(of_a(index), of_b(index))).collect();
    Ok((shape.clone(), values))
}

/// The index into a tensor of shape `from` that each element of the broadcast `shape` reads.
pub(super) fn reader<'a>(shape: &'a [usize], from: &'a [usize]) -> Box<dyn Fn(usize) -> usize + 'a> {
    if shape == from {
        Box::new(|index| index)
    } else if from.iter().product::<usize>() == 1 {
        Box::new(|_| 0)
    } else {
        Box::new(|index| broadcast_index(shape, from, index))
    }
}

/// The shape that both broadcast to, aligned at the last axis.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => fail("broadcast", format!("shapes {a:?} and {b:?}")),
        })
        .collect()
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

/// The position of element `index` along each axis.
pub(super) fn position(shape: &[usize], mut index: usize) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for (at, size) in position.iter_mut().zip(shape).rev() {
        *at = index % size;
        index /= size;
    }
    position
}

/// The index of the element at `position`.
pub(super) fn index(shape: &[usize], position: &[usize]) -> usize {
    shape.iter().zip(position).fold(0, |index, (size, at)| index * size + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn floats_are_kept(values in prop::collection::vec(any::<f64>(), 1..5)) {
            prop_assume!(values.iter().all(|value| value.is_finite()));
            let exact = Exact::from_f64(vec![values.len()], &values).unwrap();
            for (index, value) in values.iter().enumerate() {
                prop_assert_eq!(exact.rational(index), BigRational::from_float(*value).unwrap());
                prop_assert_eq!(rational(*value), BigRational::from_float(*value));
            }
        }

        /// Tensors with units of their own against fractions.
        #[test]
        fn arithmetic_is_that_of_fractions(
            a in prop::collection::vec((-99i64..99, 1i64..99), 3),
            b in prop::collection::vec((-99i64..99, 1i64..99), 3),
        ) {
            let fractions = |parts: &[(i64, i64)]| -> Vec<BigRational> {
                parts.iter().map(|(n, d)| BigRational::new((*n).into(), (*d).into())).collect()
            };
            let (p, q) = (fractions(&a), fractions(&b));
            let (x, y) = (Exact::from_rationals(vec![3], &p), Exact::from_rationals(vec![3], &q));
            let both = || p.iter().zip(&q);
            prop_assert_eq!(x.rationals(), p.clone());
            prop_assert_eq!(x.add(&y).unwrap().rationals(), both().map(|(a, b)| a + b).collect::<Vec<_>>());
            prop_assert_eq!(x.sub(&y).unwrap().rationals(), both().map(|(a, b)| a - b).collect::<Vec<_>>());
            prop_assert_eq!(x.mul(&y).unwrap().rationals(), both().map(|(a, b)| a * b).collect::<Vec<_>>());
            let factor = &q[0];
            let scaled: Vec<BigRational> = p.iter().map(|a| a * factor).collect();
            prop_assert_eq!(x.times(factor).rationals(), scaled);
            if q.iter().any(BigRational::is_zero) {
                prop_assert!(y.reciprocals().is_err());
            } else {
                let expected: Vec<BigRational> = q.iter().map(BigRational::recip).collect();
                prop_assert_eq!(y.reciprocals().unwrap().rationals(), expected);
            }
        }
    }

    #[test]
    fn broadcasting() {
        let row = Exact::from_f32(vec![3], &[1.0, 2.0, 0.25]).unwrap();
        let column = Exact::from_f32(vec![1, 2, 1], &[8.0, -1.0]).unwrap();
        let sum = row.add(&column).unwrap();
        assert_eq!(sum.shape, [1, 2, 3]);
        let reals: Vec<f64> = (0..6).map(|index| sum.rational(index).to_f64().unwrap()).collect();
        assert_eq!(reals, [9.0, 10.0, 8.25, 0.0, 1.0, -0.75]);
        assert!(row.add(&Exact::from_f32(vec![2], &[1.0, 1.0]).unwrap()).is_err());
    }

    #[test]
    fn elements_that_are_no_numbers() {
        assert!(Exact::from_f32(vec![2], &[1.0]).is_err());
        assert!(Exact::from_f32(vec![1], &[f32::NAN]).is_err());
        assert!(Exact::from_f32(vec![1], &[f32::INFINITY]).is_err());
    }
}
