//! The exact function of two integers: sums of two quantized values with scales of their own.

use super::{Curve, Function, Quantizer, Rational, from_integer};
use exactum_runtime::num::IntRange;
use num_traits::Zero;

/// `(a, b) -> quantizer(curve(gains[0] * a + gains[1] * b + offset))`, of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFunction {
    /// Real value of one unit of each operand.
    pub gains: [Rational; 2],
    /// Added to both.
    pub offset: Rational,
    /// Applied to the real sum.
    pub curve: Curve,
    /// Gives the codes.
    pub quantizer: Quantizer,
}

impl PairFunction {
    /// The code of a pair.
    pub fn eval(&self, a: i64, b: i64) -> i64 {
        let sum = &self.gains[0] * from_integer(a) + &self.gains[1] * from_integer(b) + &self.offset;
        self.quantizer.eval(0, &self.curve.eval(0, &sum))
    }

    /// The real number that is rounded, as [`Function::real`] of one operand.
    pub(crate) fn unrounded(&self, [a, b]: [i64; 2]) -> Rational {
        let sum = &self.gains[0] * from_integer(a) + &self.gains[1] * from_integer(b) + &self.offset;
        self.quantizer.unrounded(&self.curve.eval(0, &sum))
    }

    /// The codes it may give.
    pub fn codes(&self) -> IntRange {
        Function::new(&self.curve, &self.quantizer, 0).codes()
    }

    /// The function of the second operand, for one value of the first.
    pub fn of_second(&self, a: i64) -> Function {
        let offset = &self.gains[0] * from_integer(a) + &self.offset;
        self.of_line(self.gains[1].clone(), offset)
    }

    /// The function of `multipliers[0] * a + multipliers[1] * b`, if the sum decides: if the multipliers are in the
    /// proportion of the gains.
    pub fn of_sum(&self, multipliers: [i64; 2]) -> Option<Function> {
        let [p, q] = multipliers.map(from_integer);
        let [a, b] = &self.gains;
        let unit = if !p.is_zero() {
            a / &p
        } else if !q.is_zero() {
            b / &q
        } else {
            Rational::zero()
        };
        let same = &unit * &p == *a && &unit * &q == *b;
        same.then(|| self.of_line(unit, self.offset.clone()))
    }

    /// The function of an integer that counts real sums in `unit`.
    pub(crate) fn of_unit(&self, unit: Rational) -> Function {
        self.of_line(unit, self.offset.clone())
    }

    fn of_line(&self, gain: Rational, offset: Rational) -> Function {
        let curve = self.curve.clone().after(&Curve::affine(vec![gain], vec![offset]));
        Function::new(&curve, &self.quantizer, 0)
    }

    /// The same function with the operands exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        let [a, b] = self.gains.clone();
        Self { gains: [b, a], ..self.clone() }
    }
}
