//! Affine functions of an integer, in integers over a common denominator: 128 bits wide where that suffices and
//! unlimited otherwise.

use crate::exact::{Rational, double};
use exactum_runtime::num::{IntRange, Rounding};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive};
use std::cmp::Ordering;

/// `gain * acc + offset`, exactly.
///
/// Most integers are decided in doubles, whose error is bounded: a value that is farther from the next step than the
/// bound lies on the same side in both arithmetics. The rest is decided in integers.
#[derive(Clone, Debug)]
pub(super) struct Line {
    exact: Exact,
    /// The doubles nearest to gain and offset.
    gain: f64,
    offset: f64,
}

/// `(slope * acc + offset) / unit`, `unit` positive.
#[derive(Clone, Debug)]
enum Exact {
    /// Each below 2^[`NARROW_BITS`], so that products with 33-bit integers stay within 127 bits.
    Narrow(Scaled<i128>),
    Wide(Box<Scaled<BigInt>>),
}

#[derive(Clone, Debug)]
struct Scaled<T> {
    slope: T,
    offset: T,
    unit: T,
}

const NARROW_BITS: u64 = 92;

/// Bound of the error of one of the sums and products below, relative to the sum of the magnitudes of its terms: each
/// of less than eight roundings errs by `2^-53`.
pub(super) const RELATIVE_ERROR: f64 = 1.0 / (1u64 << 50) as f64;

impl Line {
    /// `gain * acc + offset`.
    pub(super) fn new(gain: &Rational, offset: &Rational) -> Self {
        let unit = gain.denom().lcm(offset.denom());
        let slope = gain.numer() * (&unit / gain.denom());
        let shift = offset.numer() * (&unit / offset.denom());
        let narrow = |value: &BigInt| (value.bits() <= NARROW_BITS).then(|| value.to_i128()).flatten();
        let exact = match (narrow(&slope), narrow(&shift), narrow(&unit)) {
            (Some(slope), Some(offset), Some(unit)) => Exact::Narrow(Scaled { slope, offset, unit }),
            _ => Exact::Wide(Box::new(Scaled { slope, offset: shift, unit })),
        };
        Self { exact, gain: double::nearest(gain), offset: double::nearest(offset) }
    }

    /// `clamp(round(value at acc), codes)`.
    pub(super) fn round(&self, acc: i64, codes: IntRange, rounding: Rounding) -> i64 {
        let product = self.gain * acc as f64;
        let error = (product.abs() + self.offset.abs() + 1.0) * RELATIVE_ERROR;
        if let Some(code) = round_beyond_doubt(product + self.offset, error, rounding) {
            return codes.clamp(code);
        }
        match &self.exact {
            Exact::Narrow(line) if is_narrow(acc) => line.round(acc, codes, rounding),
            Exact::Narrow(line) => line.widen().round(acc, codes, rounding),
            Exact::Wide(line) => line.round(acc, codes, rounding),
        }
    }

    /// The smallest `n` for which the value at `n` (at `-n` if the line falls) rounds to at least `code`.
    ///
    /// `i64::MIN` and `i64::MAX` stand for everything outside 64 bits, and for "always" and "never" where the line
    /// is constant.
    pub(super) fn rounded_threshold(&self, code: i64, rounding: Rounding) -> i64 {
        // The relative error of a subnormal gain has no bound.
        if is_narrow(code) && self.gain.is_normal() {
            let bound = step_bound(rounding, code).0 as f64 / 2.0;
            let first = (bound - self.offset) / self.gain.abs();
            let error = ((bound.abs() + self.offset.abs()) / self.gain.abs() + 1.0) * RELATIVE_ERROR;
            if let Some(floor) = floor_beyond_doubt(first, error) {
                return floor + 1;
            }
        }
        match &self.exact {
            Exact::Narrow(line) if is_narrow(code) => line.rounded_threshold(code, rounding),
            Exact::Narrow(line) => line.widen().rounded_threshold(code, rounding),
            Exact::Wide(line) => line.rounded_threshold(code, rounding),
        }
    }
}

/// What a number that errs by at most `error` rounds to, unless a step is that near.
pub(super) fn round_beyond_doubt(value: f64, error: f64, rounding: Rounding) -> Option<i64> {
    // Strictly between two steps all nearest modes agree, and the others know the sign.
    if is_nearest(rounding) {
        floor_beyond_doubt(value + 0.5, error)
    } else {
        rounding.round(floor_beyond_doubt(value, error)?, 1, 4)
    }
}

/// The floor of a number that errs by at most `error`, unless an integer is that near. No number and no finite
/// error have none.
fn floor_beyond_doubt(value: f64, error: f64) -> Option<i64> {
    const LIMIT: f64 = (1u64 << 51) as f64;
    let floor = value.floor();
    let rest = value - floor;
    (value.abs() < LIMIT && rest > error && rest < 1.0 - error).then_some(floor as i64)
}

fn is_nearest(rounding: Rounding) -> bool {
    matches!(rounding, Rounding::HalfEven | Rounding::HalfAway | Rounding::HalfToward)
}

fn is_narrow(value: i64) -> bool {
    value.unsigned_abs() < 1 << 32
}

impl Scaled<i128> {
    fn widen(&self) -> Scaled<BigInt> {
        Scaled { slope: self.slope.into(), offset: self.offset.into(), unit: self.unit.into() }
    }
}

impl<T: Integer + Signed + Clone + From<i64> + ToPrimitive> Scaled<T> {
    fn round(&self, acc: i64, codes: IntRange, rounding: Rounding) -> i64 {
        let (floor, remainder) =
            (self.slope.clone() * T::from(acc) + self.offset.clone()).div_mod_floor(&self.unit);
        // Outside these ends the clamp decides, whatever the remainder.
        let floor = saturate(&floor).clamp(codes.lo.saturating_sub(1), codes.hi);
        // Rounding needs no more of the remainder than its place among the quarters.
        let quarter = match (remainder.is_zero(), (remainder.clone() + remainder).cmp(&self.unit)) {
            (true, _) => 0,
            (_, Ordering::Less) => 1,
            (_, Ordering::Equal) => 2,
            (_, Ordering::Greater) => 3,
        };
        codes.clamp(rounding.round(floor, quarter, 4).unwrap_or(codes.hi))
    }

    fn rounded_threshold(&self, code: i64, rounding: Rounding) -> i64 {
        let (twice_bound, closed) = step_bound(rounding, code);
        let distance = self.unit.clone() * T::from(twice_bound) - T::from(2) * self.offset.clone();
        if self.slope.is_zero() {
            let reached = distance.is_negative() || (closed && distance.is_zero());
            return if reached { i64::MIN } else { i64::MAX };
        }
        let step = T::from(2) * self.slope.abs();
        let first = if closed { distance.div_ceil(&step) } else { distance.div_floor(&step) + T::one() };
        saturate(&first)
    }
}

/// A value rounds to at least `code` iff twice the value exceeds the first number, or equals it where closed.
fn step_bound(rounding: Rounding, code: i64) -> (i64, bool) {
    let twice = 2 * code.clamp(i64::MIN / 4, i64::MAX / 4);
    match rounding {
        Rounding::HalfEven => (twice - 1, code % 2 == 0),
        Rounding::HalfAway => (twice - 1, code > 0),
        Rounding::HalfToward => (twice - 1, code <= 0),
        Rounding::Floor => (twice, true),
        Rounding::Ceil => (twice - 2, false),
        Rounding::Away if code > 0 => (twice - 2, false),
        Rounding::Away => (twice, true),
        Rounding::Toward if code > 0 => (twice, true),
        Rounding::Toward => (twice - 2, false),
    }
}

pub(super) fn saturate<T: Signed + ToPrimitive>(value: &T) -> i64 {
    value.to_i64().unwrap_or(if value.is_negative() { i64::MIN } else { i64::MAX })
}
