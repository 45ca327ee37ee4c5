//! The exact function of one accumulator: scale, shift, round once, clamp.
//!
//! Everything between an integer layer and the next quantizer is one such function per output channel. It is
//! evaluated in integers over a common denominator, 128 bits wide where that suffices and unlimited otherwise.

use super::Rational;
use exactum_runtime::num::{IntRange, Rounding};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive};
use std::cmp::Ordering;

/// `acc -> clamp(round(alpha * acc + beta), codes)`, exactly.
///
/// Monotone: it rises where `alpha` is positive, falls where it is negative, and is constant where it is zero.
#[derive(Clone, Debug)]
pub struct StepFunction {
    alpha: Rational,
    beta: Rational,
    codes: IntRange,
    rounding: Rounding,
    line: Line,
}

/// `alpha * acc + beta` as `(slope * acc + offset) / unit`.
#[derive(Clone, Debug)]
enum Line {
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

impl StepFunction {
    /// The function with slope `alpha`, intercept `beta` (zero point included) and the codes of its quantizer.
    pub fn new(alpha: Rational, beta: Rational, codes: IntRange, rounding: Rounding) -> Self {
        let unit = alpha.denom().lcm(beta.denom());
        let slope = alpha.numer() * (&unit / alpha.denom());
        let offset = beta.numer() * (&unit / beta.denom());
        let narrow = |value: &BigInt| (value.bits() <= NARROW_BITS).then(|| value.to_i128()).flatten();
        let line = match (narrow(&slope), narrow(&offset), narrow(&unit)) {
            (Some(slope), Some(offset), Some(unit)) => Line::Narrow(Scaled { slope, offset, unit }),
            _ => Line::Wide(Box::new(Scaled { slope, offset, unit })),
        };
        Self { alpha, beta, codes, rounding, line }
    }

    /// The function from accumulators in units of `unit` (input scale times weight scale), with a real `bias`, to
    /// the codes of a quantizer: `clamp(round((acc * unit + bias) / scale + zero_point), codes)`.
    ///
    /// `None` unless `scale` is positive.
    pub fn requantize(
        unit: &Rational,
        bias: &Rational,
        scale: &Rational,
        zero_point: i64,
        codes: IntRange,
        rounding: Rounding,
    ) -> Option<Self> {
        let beta = |scale| bias / scale + super::from_integer(zero_point);
        scale.is_positive().then(|| Self::new(unit / scale, beta(scale), codes, rounding))
    }

    /// The same function of an accumulator that starts at `bias`: `acc + bias` gives what `acc` gave.
    #[must_use]
    pub fn shifted(&self, bias: i64) -> Self {
        let beta = &self.beta - &self.alpha * super::from_integer(bias);
        Self::new(self.alpha.clone(), beta, self.codes, self.rounding)
    }

    /// Slope: codes per accumulator unit.
    pub fn alpha(&self) -> &Rational {
        &self.alpha
    }

    /// Code of accumulator 0 before rounding.
    pub fn beta(&self) -> &Rational {
        &self.beta
    }

    /// The codes it may produce.
    pub fn codes(&self) -> IntRange {
        self.codes
    }

    /// How the real value becomes an integer.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// Whether larger accumulators give smaller codes.
    pub fn is_falling(&self) -> bool {
        self.alpha.is_negative()
    }

    /// The code of accumulator `acc`.
    pub fn eval(&self, acc: i64) -> i64 {
        match &self.line {
            Line::Narrow(line) if is_narrow(acc) => line.eval(acc, self.codes, self.rounding),
            Line::Narrow(line) => line.widen().eval(acc, self.codes, self.rounding),
            Line::Wide(line) => line.eval(acc, self.codes, self.rounding),
        }
    }

    /// The smallest `n` for which accumulator `n` (`-n` if the function falls) gives at least `code`.
    ///
    /// Meant for codes above the smallest one. `i64::MIN` and `i64::MAX` stand for everything outside 64 bits,
    /// and for "always" and "never" where `alpha` is zero.
    pub fn threshold(&self, code: i64) -> i64 {
        match &self.line {
            Line::Narrow(line) if is_narrow(code) => line.threshold(code, self.rounding),
            Line::Narrow(line) => line.widen().threshold(code, self.rounding),
            Line::Wide(line) => line.threshold(code, self.rounding),
        }
    }
}

impl PartialEq for StepFunction {
    fn eq(&self, other: &Self) -> bool {
        (&self.alpha, &self.beta, self.codes, self.rounding)
            == (&other.alpha, &other.beta, other.codes, other.rounding)
    }
}

impl Eq for StepFunction {}

fn is_narrow(value: i64) -> bool {
    value.unsigned_abs() < 1 << 32
}

impl Scaled<i128> {
    fn widen(&self) -> Scaled<BigInt> {
        Scaled { slope: self.slope.into(), offset: self.offset.into(), unit: self.unit.into() }
    }
}

impl<T: Integer + Signed + Clone + From<i64> + ToPrimitive> Scaled<T> {
    fn eval(&self, acc: i64, codes: IntRange, rounding: Rounding) -> i64 {
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

    fn threshold(&self, code: i64, rounding: Rounding) -> i64 {
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

fn saturate<T: Signed + ToPrimitive>(value: &T) -> i64 {
    value.to_i64().unwrap_or(if value.is_negative() { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::from_integer;
    use num_traits::Zero;
    use proptest::prelude::*;

    /// Rounds by comparing rationals, sharing nothing with the evaluation above.
    fn oracle(f: &StepFunction, acc: i64) -> i64 {
        let value = f.alpha() * from_integer(acc) + f.beta();
        let (below, above) = (value.floor(), value.ceil());
        let half = Rational::new(1.into(), 2.into());
        let away = if value.is_negative() { &below } else { &above };
        let toward = if value.is_negative() { &above } else { &below };
        let nearest = |tie: &Rational| {
            let rest = &value - &below;
            if rest == half {
                tie.clone()
            } else if rest < half {
                below.clone()
            } else {
                above.clone()
            }
        };
        let rounded = match f.rounding() {
            Rounding::HalfEven => {
                nearest(if (below.to_integer() % 2i32).is_zero() { &below } else { &above })
            }
            Rounding::HalfAway => nearest(away),
            Rounding::HalfToward => nearest(toward),
            Rounding::Floor => below.clone(),
            Rounding::Ceil => above.clone(),
            Rounding::Away => away.clone(),
            Rounding::Toward => toward.clone(),
        };
        let clamped = rounded.max(from_integer(f.codes().lo)).min(from_integer(f.codes().hi));
        clamped.to_integer().to_i64().unwrap()
    }

    fn functions() -> impl Strategy<Value = StepFunction> {
        let small = (-40i64..40, 1i64..17, -60i64..60, 1i64..5);
        let large = (any::<i64>(), 1i64..i64::MAX, any::<i64>(), 1i64..i64::MAX);
        let rounding = prop::sample::select(Rounding::ALL.to_vec());
        (prop_oneof![small, large], -20i64..5, 0i64..40, rounding).prop_map(
            |((a, b, c, d), lo, span, rounding)| {
                let (alpha, beta) = (Rational::new(a.into(), b.into()), Rational::new(c.into(), d.into()));
                StepFunction::new(alpha, beta, IntRange { lo, hi: lo + span }, rounding)
            },
        )
    }

    proptest! {
        #[test]
        fn evaluation_equals_rational_rounding(
            f in functions(),
            acc in prop_oneof![-100i64..100, any::<i64>()],
        ) {
            prop_assert_eq!(f.eval(acc), oracle(&f, acc));
        }

        #[test]
        fn thresholds_are_the_first_accumulators(f in functions(), step in 1i64..40) {
            let code = (f.codes().lo + step).min(f.codes().hi);
            prop_assume!(code > f.codes().lo);
            let first = f.threshold(code);
            let at = |n: i64| f.eval(if f.is_falling() { -n } else { n });
            if first > i64::MIN + 1 {
                prop_assert!(at(first - 1) < code);
            }
            if first < i64::MAX && first > i64::MIN {
                prop_assert!(at(first) >= code);
            }
        }

        #[test]
        fn a_shifted_function_reads_a_shifted_accumulator(f in functions(), acc in -500i64..500, bias in -500i64..500) {
            prop_assert_eq!(f.shifted(bias).eval(acc + bias), f.eval(acc));
        }
    }

    #[test]
    fn ties_round_to_even_with_the_zero_point_inside() {
        let half = Rational::new(1.into(), 2.into());
        let f = StepFunction::new(half, from_integer(3), IntRange { lo: 0, hi: 255 }, Rounding::HalfEven);
        assert_eq!([1, 2, 3, -1, -9].map(|acc| f.eval(acc)), [4, 4, 4, 2, 0]);
    }

    #[test]
    fn a_quantizer_without_a_positive_scale_is_refused() {
        let one = from_integer(1);
        let codes = IntRange { lo: 0, hi: 3 };
        for scale in [0, -1] {
            let made =
                StepFunction::requantize(&one, &one, &from_integer(scale), 0, codes, Rounding::HalfEven);
            assert_eq!(made, None);
        }
    }
}
