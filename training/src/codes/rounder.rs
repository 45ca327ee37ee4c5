//! From exact reals to codes: `clamp(round(x / s + z))`, decided in double precision or, where its error could reach a
//! place at which rounding jumps, in exact rationals.

use exactum_runtime::num::IntRange;
use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::CodeRounding;
use crate::real::rational;

/// The exact function of one channel of a quantizer.
pub(crate) struct ExactRounder {
    scale: f64,
    zero_point: i32,
    range: IntRange,
    rounding: CodeRounding,
    /// Codes are -1 and 1: the sign.
    bipolar: bool,
}

impl ExactRounder {
    /// A rounding of multiples of `scale` to codes of `range`, which lie within 32 bits.
    pub(crate) fn new(
        scale: f64,
        zero_point: i32,
        range: IntRange,
        rounding: CodeRounding,
        bipolar: bool,
    ) -> Self {
        Self { scale, zero_point, range, rounding, bipolar }
    }

    /// The code of a float. Infinities give the ends of the range, NaN the code nearest to the zero point.
    pub(crate) fn code_of_float(&self, value: f32) -> i32 {
        let value = f64::from(value);
        if value.is_finite() {
            self.code(value, value.abs(), || rational(value))
        } else if value.is_nan() && !self.bipolar {
            self.range.clamp(i64::from(self.zero_point)) as i32
        } else {
            (if value == f64::NEG_INFINITY { self.range.lo } else { self.range.hi }) as i32
        }
    }

    /// The code of the real `exact`, of which `approximate` is a sum of at most two terms of magnitude `magnitude` in
    /// all, each rounded at most three times.
    pub(crate) fn code(&self, approximate: f64, magnitude: f64, exact: impl FnOnce() -> BigRational) -> i32 {
        if self.bipolar {
            let error = magnitude * 2f64.powi(-50);
            let negative = if approximate.abs() > error { approximate < 0.0 } else { exact().is_negative() };
            return if negative { self.range.lo as i32 } else { self.range.hi as i32 };
        }
        let (lo, hi) = (self.range.lo as f64, self.range.hi as f64);
        let zero_point = f64::from(self.zero_point);
        let real = approximate / self.scale + zero_point;
        // At most eight roundings of 2^-53 each.
        let error = (magnitude / self.scale + zero_point.abs()) * 2f64.powi(-50);
        let floor = real.floor();
        let share = real - floor;
        let to_jump = if self.rounding.is_nearest() { (share - 0.5).abs() } else { share.min(1.0 - share) };
        if real + error < lo - 1.0 {
            self.range.lo as i32
        } else if real - error > hi + 1.0 {
            self.range.hi as i32
        } else if to_jump > error && error < 0.25 {
            // Within 32 bits, so neither cast loses anything that decides; the share keeps its side of every jump.
            let share = (share * 2f64.powi(52)) as u64;
            self.rounded(floor as i64, share.max(1), 1 << 52)
        } else {
            self.exact_code(&exact())
        }
    }

    fn exact_code(&self, value: &BigRational) -> i32 {
        let real = value / rational(self.scale) + BigInt::from(self.zero_point);
        let floor = real.floor();
        let rest = &real - &floor;
        let half = BigRational::new(BigInt::one(), BigInt::from(2));
        // Only the place of the rest among 0, 1/2 and 1 matters.
        let quarters = match (rest.numer().sign(), rest.cmp(&half)) {
            (Sign::NoSign, _) => 0,
            (_, std::cmp::Ordering::Less) => 1,
            (_, std::cmp::Ordering::Equal) => 2,
            (_, std::cmp::Ordering::Greater) => 3,
        };
        match floor.to_integer().to_i64() {
            Some(floor) => self.rounded(floor, quarters, 4),
            None if real.is_negative() => self.range.lo as i32,
            None => self.range.hi as i32,
        }
    }

    fn rounded(&self, floor: i64, remainder: u64, divisor: u64) -> i32 {
        let code = self.rounding.round(floor, remainder, divisor);
        code.map_or(self.range.hi, |code| self.range.clamp(code)) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_runtime::num::Rounding;

    /// Doubles and rationals give the same codes on and beside every place where a rounding jumps.
    #[test]
    fn doubles_and_rationals_agree() {
        let roundings = Rounding::ALL.map(CodeRounding::Mode);
        for rounding in roundings.into_iter().chain([CodeRounding::Dpu]) {
            for (scale, zero_point) in [(0.25, 0), (0.1f32, 3), (3.7e-5, -7)] {
                let range = IntRange { lo: -9, hi: 12 };
                let rounder = ExactRounder::new(f64::from(scale), zero_point, range, rounding, false);
                for halves in -40i32..40 {
                    let near = halves as f32 / 2.0 * scale;
                    for value in [near, near.next_up(), near.next_down(), near * 1.01] {
                        let exact = rounder.exact_code(&rational(f64::from(value)));
                        assert_eq!(rounder.code_of_float(value), exact, "{rounding:?} of {value} by {scale}");
                    }
                }
            }
        }
    }

    #[test]
    fn bipolar_codes_are_signs() {
        let bipolar = ExactRounder::new(
            0.1,
            0,
            IntRange { lo: -1, hi: 1 },
            CodeRounding::Mode(Rounding::HalfEven),
            true,
        );
        let codes = [0.0, -0.0, 1e-30, -1e-30, f32::NAN, f32::NEG_INFINITY].map(|v| bipolar.code_of_float(v));
        assert_eq!(codes, [1, 1, 1, -1, 1, -1]);
        // A tiny sum of two large terms: only the exact value has its sign.
        assert_eq!(bipolar.code(0.0, 1.0, || -rational(1e-30)), -1);
    }
}
