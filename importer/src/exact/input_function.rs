//! The function from the floats of an input to codes, as a program is given it: a curve, then a quantizer.
//!
//! `lower` makes the rule of a program's input from it. The reference executor has its own way to the same codes.

use exactum_runtime::num::{InputQuantizer, Rounding};
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

use super::{Curve, Quantizer, Rational, from_f32};

/// Larger than any number that a curve of doubles and floats can bring back into the range of a quantizer.
const FAR_BITS: u32 = 1 << 14;

/// From floats to codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputFunction<'a> {
    /// What a float stands for when it reaches the quantizer.
    pub(crate) curve: &'a Curve,
    /// How that becomes a code.
    pub(crate) quantizer: &'a Quantizer,
}

impl InputFunction<'_> {
    /// The plain quantizer of programs, where that computes the function.
    pub(crate) fn uniform(&self) -> Option<Uniform> {
        let Quantizer::Uniform { scale, zero_point, after, range, rounding } = self.quantizer else {
            return None;
        };
        let zero_point = zero_point.checked_add(*after).and_then(|code| i32::try_from(code).ok())?;
        let plain = self.curve.pieces().is_empty() && *rounding == Rounding::HalfEven;
        let nearest = scale.to_f64().filter(|_| plain)? as f32;
        if from_f32(nearest).as_ref() != Some(scale) {
            return None;
        }
        InputQuantizer::new(nearest, zero_point, *range)?;
        // A number added after rounding half to even could as well be added before, but for ties if it is odd.
        Some(Uniform { scale: nearest, zero_point, ties_to_odd: after % 2 != 0 })
    }

    /// The code of a float. Infinities give what ever larger numbers tend to, NaN the code of zero.
    pub(crate) fn code(&self, channel: usize, x: f32) -> i64 {
        let value = from_f32(x).unwrap_or_else(|| {
            let far = Rational::from_integer(BigInt::from(1) << FAR_BITS);
            match x.partial_cmp(&0.0) {
                None => Rational::zero(),
                Some(std::cmp::Ordering::Less) => -far,
                Some(_) => far,
            }
        });
        self.quantizer.eval(channel, &self.curve.eval(channel, &value))
    }
}

/// `clamp(round_half_even(x / scale) + zero_point)`; ties go to the odd code if `ties_to_odd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Uniform {
    pub(crate) scale: f32,
    pub(crate) zero_point: i32,
    pub(crate) ties_to_odd: bool,
}
