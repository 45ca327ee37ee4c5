//! Functions that go one way on an interval of reals, and what a code at one real says of all reals beyond it. The checker asks
//! it of sums that are nearly, and not exactly, what an integer counts.

use super::Function;
use super::smooth::{direction, has_direction, is_double};
use crate::exact::curve::Piece;
use crate::exact::interval::{Interval, doubt};
use crate::exact::{Rational, from_integer};
use num_traits::Zero;

/// A function that goes one way on an interval of reals, but for the last places of doubles.
pub(crate) struct Monotone<'a> {
    function: &'a Function,
    /// Up to the sigmoid or the like, which is the last of these, if there is one.
    before: &'a [Piece],
    after: &'a [Piece],
    /// What the values between both can be.
    values: Interval,
    has_double: bool,
    signs: [i32; 2],
}

impl Function {
    /// The function on the reals `on`, where its codes go one way; `None` where that is not known.
    pub(crate) fn monotone(&self, on: Interval) -> Option<Monotone<'_>> {
        let pieces = self.curve.pieces();
        let doubles = pieces.iter().filter(|piece| is_double(piece)).count();
        if doubles > 1 || !pieces.iter().all(has_direction) || !on.clone().lies_in_domain(&self.curve) {
            return None;
        }
        let split = pieces.iter().position(is_double).map_or(pieces.len(), |index| index + 1);
        let (before, after) = pieces.split_at(split);
        let (first, values) = direction(before, on)?;
        let (second, _) = direction(after, values.clone())?;
        Some(Monotone {
            function: self,
            before,
            after,
            values,
            has_double: doubles == 1,
            signs: [first, second],
        })
    }
}

impl Monotone<'_> {
    /// Whether larger reals never give smaller codes.
    pub(crate) const fn rises(&self) -> bool {
        self.signs[0] * self.signs[1] > 0
    }

    /// A bound of the codes of all reals of the interval from `at` on, or of all up to it: with `towards` 1 no code on the side
    /// of the smaller codes is above it, with -1 none on the side of the larger codes is below it.
    ///
    /// Doubles in the wrong order differ by at most what [`doubt`] says, so the double at `at` is moved by that much.
    pub(crate) fn bound(&self, at: &Rational, towards: i32) -> i64 {
        let value = |from: Rational, pieces: &[Piece]| pieces.iter().fold(from, |x, piece| piece.eval(0, &x));
        let middle = value(at.clone(), self.before);
        let doubt = match self.before.last().filter(|_| self.has_double) {
            Some(piece) => doubt(piece, &middle),
            None => Rational::zero(),
        };
        let moved = middle + doubt * from_integer((towards * self.signs[1]).into());
        let raised = self.values.lo.iter().fold(moved, |x, lo| x.max(lo.clone()));
        let within = self.values.hi.iter().fold(raised, |x, hi| x.min(hi.clone()));
        self.function.quantizer.eval(0, &value(within, self.after))
    }
}
