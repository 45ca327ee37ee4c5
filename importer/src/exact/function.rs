//! The exact function of one integer: a curve, then a quantizer.
//!
//! Everything between an integer layer and the next quantizer is one such function per output channel. Curves that
//! are affine piece by piece become lines on intervals of integers ([`sections`]); others are evaluated in rationals.

mod line;
mod monotone;
mod sections;
mod smooth;

use super::{Curve, Quantizer, Rational, from_integer};
use exactum_runtime::num::{IntRange, Rounding};
use sections::Sections;
pub(crate) use smooth::is_double;

/// The direction of a function on a range, where it was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Larger integers never give smaller codes.
    Rising,
    /// Larger integers never give larger codes.
    Falling,
    /// All integers give the same code.
    Constant,
    /// None of these is known.
    General,
}

/// The exact function of one channel from integers to codes.
#[derive(Clone, Debug)]
pub struct Function {
    curve: Curve,
    quantizer: Quantizer,
    codes: IntRange,
    /// The same as lines, for curves that are affine piece by piece.
    sections: Option<Sections>,
    /// Decides most integers where a sigmoid or tanh is between lines.
    quick: Option<smooth::Quick>,
}

/// `clamp(round(alpha * acc + beta))`.
#[derive(Clone, Debug)]
pub(crate) struct RoundedLine {
    pub(crate) alpha: Rational,
    pub(crate) beta: Rational,
    pub(crate) rounding: Rounding,
}

impl Function {
    /// The function of `channel`: an integer, the curve's value there, and its code.
    ///
    /// # Panics
    ///
    /// If a list of the curve or the quantizer has neither one element nor more than `channel`, or a scale is zero.
    pub fn new(curve: &Curve, quantizer: &Quantizer, channel: usize) -> Self {
        let (curve, quantizer) = (curve.channel(channel), quantizer.channel(channel));
        let sections = Sections::new(&curve, &quantizer);
        let codes = smooth::image(&curve, &quantizer);
        let quick = smooth::Quick::new(&curve, &quantizer);
        Self { curve, quantizer, codes, sections, quick }
    }

    /// `acc -> clamp(round(alpha * acc + beta), codes)`.
    pub fn affine(alpha: Rational, beta: Rational, codes: IntRange, rounding: Rounding) -> Self {
        let curve = Curve::affine(vec![alpha], vec![beta]);
        let scale = from_integer(1);
        let quantizer = Quantizer::Uniform { scale, zero_point: 0, after: 0, range: codes, rounding };
        Self::new(&curve, &quantizer, 0)
    }

    /// The smallest interval that holds the codes of all reals.
    pub fn codes(&self) -> IntRange {
        self.codes
    }

    /// The code of `acc`.
    pub fn eval(&self, acc: i64) -> i64 {
        match &self.sections {
            Some(sections) => sections.eval(acc),
            None => self
                .quick
                .as_ref()
                .and_then(|quick| quick.code(acc, 0.0))
                .unwrap_or_else(|| self.quantizer.eval(0, &self.curve.eval(0, &from_integer(acc)))),
        }
    }

    /// The direction of the codes on `range`.
    ///
    /// Proven from the directions of the pieces. Where one is no rational function, its doubles may waver in the
    /// last place; then every integer whose double is too near to a step is evaluated.
    pub fn shape(&self, range: IntRange) -> Shape {
        let shape = match &self.sections {
            Some(sections) => sections.shape(range),
            None => smooth::shape(self, range),
        };
        if shape != Shape::General && self.eval(range.lo) == self.eval(range.hi) {
            return Shape::Constant;
        }
        shape
    }

    /// The same function of an integer that starts at `bias`: `acc + bias` gives what `acc` gave.
    #[must_use]
    pub fn shifted(&self, bias: i64) -> Self {
        let back = Curve::affine(vec![from_integer(1)], vec![from_integer(bias) * from_integer(-1)]);
        Self::new(&self.curve.clone().after(&back), &self.quantizer, 0)
    }

    /// The smallest `n` for which integer `n` (`-n` if the function falls on `range`) gives at least `code`, for
    /// functions whose shape on `range` is known.
    ///
    /// At or below the least `n` of the range if every integer does, `i64::MAX` or above the greatest if none does.
    pub fn threshold(&self, code: i64, range: IntRange) -> i64 {
        self.first_at_least(code, range, self.falls(range))
    }

    /// Whether thresholds on `range` count downwards. Constant functions go with the line they are part of.
    pub(crate) fn falls(&self, range: IntRange) -> bool {
        match self.shape(range) {
            Shape::Falling => true,
            Shape::Constant => self.sections.as_ref().is_some_and(|sections| sections.leans_down(range)),
            Shape::Rising | Shape::General => false,
        }
    }

    /// [`threshold`](Self::threshold) for a known direction.
    pub(crate) fn first_at_least(&self, code: i64, range: IntRange, falling: bool) -> i64 {
        match &self.sections {
            Some(sections) => sections.first_at_least(code, range, falling),
            None => smooth::first_at_least(self, code, range, falling),
        }
    }

    /// The real number that is rounded at `acc`, zero point included; what is compared, for quantizers without
    /// rounding. Tells how far an integer is from a tie.
    pub fn real(&self, acc: i64) -> Rational {
        self.quantizer.unrounded(&self.curve.eval(0, &from_integer(acc)))
    }

    /// The one line that, rounded and clamped to `codes`, is this function on `range`.
    pub(crate) fn rounded_line(&self, range: IntRange, codes: IntRange) -> Option<RoundedLine> {
        let Quantizer::Uniform { scale, zero_point, after, rounding, .. } = &self.quantizer else {
            return None;
        };
        // Half to even has another parity after an odd shift; the other modes know the sign.
        if *after != 0 && (*rounding != Rounding::HalfEven || after % 2 != 0) {
            return None;
        }
        let (gain, offset) = self.sections.as_ref()?.line(range)?;
        let beta = offset / scale + from_integer(*zero_point) + from_integer(*after);
        let line = RoundedLine { alpha: gain / scale, beta, rounding: *rounding };
        self.sections.as_ref()?.is_clamped_line(range, &line, codes).then_some(line)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.quantizer == other.quantizer && self.curve == other.curve
    }
}

impl Eq for Function {}

#[cfg(test)]
pub(crate) mod tests;
