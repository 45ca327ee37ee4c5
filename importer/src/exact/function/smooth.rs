//! Functions of curves that are no lines: the range of their codes, their direction, their steps.

use super::line::{RELATIVE_ERROR, round_beyond_doubt};
use super::{Function, Shape};
use crate::exact::curve::Piece;
use crate::exact::elementary::Course;
use crate::exact::interval::{Interval, doubt};
use crate::exact::{Curve, Quantizer, Rational, double, from_integer};
use exactum_host::functions;
use exactum_runtime::num::{IntRange, Rounding};
use num_traits::{One, Signed, Zero};

/// Most integers that are evaluated to prove one direction.
const MAX_WAVERING: u32 = 1 << 16;

/// The codes of all reals.
pub(super) fn image(curve: &Curve, quantizer: &Quantizer) -> IntRange {
    let reals = Interval::all().after(curve);
    let all = quantizer.codes();
    IntRange {
        lo: reals.lo.map_or(all.lo, |lo| quantizer.eval(0, &lo)),
        hi: reals.hi.map_or(all.hi, |hi| quantizer.eval(0, &hi)),
    }
}

/// The direction of `curve` on an interval of reals, as a factor 1 or -1, with the interval of its values there; or
/// `None` where neither is plain. Doubles count as the real functions they stand for.
pub(super) fn direction(pieces: &[Piece], on: Interval) -> Option<(i32, Interval)> {
    let (mut sign, mut values) = (1, on);
    for piece in pieces {
        let nonnegative = values.lo.as_ref().is_some_and(|lo| !lo.is_negative());
        let nonpositive = values.hi.as_ref().is_some_and(|hi| !hi.is_positive());
        let turns = match piece {
            Piece::Affine { gain, .. } => gain[0].is_negative(),
            Piece::Reciprocal => match (nonnegative, nonpositive) {
                // It falls on either side of zero, and jumps there.
                _ if values.contains_zero() => return None,
                _ => true,
            },
            Piece::LeakyRelu { slope } if slope[0].is_negative() => fold(nonnegative, nonpositive)?,
            Piece::Abs => fold(nonnegative, nonpositive)?,
            Piece::Power { exponent } if *exponent > 0 && exponent % 2 == 0 => {
                fold(nonnegative, nonpositive)?
            }
            piece => !piece.rises()?,
        };
        if turns {
            sign = -sign;
        }
        values = values.through(piece);
    }
    Some((sign, values))
}

/// Whether a function that falls below zero and rises above it turns the order of values on one side of it.
fn fold(nonnegative: bool, nonpositive: bool) -> Option<bool> {
    match (nonnegative, nonpositive) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// The direction of the codes on `range`. Never says constant: the caller sees that at the ends.
pub(super) fn shape(function: &Function, range: IntRange) -> Shape {
    let pieces = function.curve.pieces();
    if pieces.iter().any(|piece| !has_direction(piece)) {
        return Shape::General;
    }
    let on = Interval::new(from_integer(range.lo), from_integer(range.hi));
    let doubles = pieces.iter().filter(|piece| is_double(piece)).count();
    let split = pieces.iter().position(is_double).map_or(pieces.len(), |index| index + 1);
    let (before, after) = pieces.split_at(split);
    let Some((sign, values)) = direction(before, on) else { return Shape::General };
    let Some((sign_after, _)) = direction(after, values.clone()) else { return Shape::General };
    let holds = match doubles {
        0 => true,
        1 => Wavering { function, before, after, values, signs: (sign, sign_after), budget: MAX_WAVERING }
            .is_in_order(range),
        _ => false,
    };
    match (holds, sign * sign_after > 0) {
        (false, _) => Shape::General,
        (true, true) => Shape::Rising,
        (true, false) => Shape::Falling,
    }
}

/// Whether its values are doubles.
pub(crate) fn is_double(piece: &Piece) -> bool {
    matches!(piece, Piece::Sigmoid | Piece::Tanh | Piece::Elu { .. } | Piece::Erf | Piece::Elementary { .. })
}

/// Whether it goes one way, on one side of zero at least, within the bound on the error of doubles.
pub(super) fn has_direction(piece: &Piece) -> bool {
    match piece {
        Piece::Product { .. } | Piece::Sum { .. } | Piece::Select { .. } => false,
        Piece::Elementary { function } => function.course() != Course::Other,
        // A larger factor would enlarge the error.
        Piece::Elu { alpha } => !alpha.is_negative() && *alpha <= from_integer(256),
        _ => true,
    }
}

/// A function with one sigmoid or the like, which goes one way but for the last places of its doubles.
///
/// Doubles in the wrong order differ by at most what [`doubt`] says. So no integer further along has a code below
/// the one that this integer would have if its double were moved back by that much.
struct Wavering<'a> {
    function: &'a Function,
    /// Up to the sigmoid or the like, which is the last of these.
    before: &'a [Piece],
    after: &'a [Piece],
    /// What the doubles can be.
    values: Interval,
    /// Directions of both parts.
    signs: (i32, i32),
    /// Integers that may still be evaluated.
    budget: u32,
}

impl Wavering<'_> {
    /// Whether the codes of `n = sign * acc` ascend.
    fn is_in_order(&mut self, range: IntRange) -> bool {
        let (lo, hi) = if self.rises() {
            (range.lo, range.hi)
        } else {
            (range.hi.saturating_neg(), range.lo.saturating_neg())
        };
        let (mut at, mut code, last) = (lo, self.code(lo), self.code(hi));
        if code > last || !self.never_falls_below(code, lo, hi) {
            return false;
        }
        let mut length = 1i64;
        while code < last {
            // The run before is a guess for this one.
            let (mut inside, mut outside) = (at, at.saturating_add(length).min(hi));
            while self.code(outside) <= code {
                length = length.saturating_mul(2);
                (inside, outside) = (outside, outside.saturating_add(length).min(hi));
            }
            while i128::from(outside) - i128::from(inside) > 1 {
                let middle = inside.midpoint(outside);
                if self.code(middle) > code {
                    outside = middle;
                } else {
                    inside = middle;
                }
            }
            let next = self.code(outside);
            if !self.never_rose_above(code, inside, lo) || !self.never_falls_below(next, outside, hi) {
                return false;
            }
            length = outside.abs_diff(at).try_into().unwrap_or(i64::MAX);
            (at, code) = (outside, next);
        }
        self.never_rose_above(last, hi, lo)
    }

    /// Whether all of `from..=hi` have at least `code`.
    fn never_falls_below(&mut self, code: i64, from: i64, hi: i64) -> bool {
        for n in from..=hi {
            if self.code(n) < code || self.budget == 0 {
                return false;
            }
            if self.moved_code(n, -1) >= code {
                break;
            }
            self.budget -= 1;
        }
        true
    }

    /// Whether all of `lo..=from` have at most `code`.
    fn never_rose_above(&mut self, code: i64, from: i64, lo: i64) -> bool {
        for n in (lo..=from).rev() {
            if self.code(n) > code || self.budget == 0 {
                return false;
            }
            if self.moved_code(n, 1) <= code {
                break;
            }
            self.budget -= 1;
        }
        true
    }

    fn rises(&self) -> bool {
        self.signs.0 * self.signs.1 > 0
    }

    fn acc(&self, n: i64) -> i64 {
        if self.rises() { n } else { n.saturating_neg() }
    }

    fn code(&self, n: i64) -> i64 {
        self.function.eval(self.acc(n))
    }

    /// The code of `n` if its double were off by twice the error, towards higher codes (1) or lower ones (-1).
    fn moved_code(&self, n: i64, towards: i32) -> i64 {
        let quick = self.function.quick.as_ref();
        if let Some(code) = quick.and_then(|quick| quick.code(self.acc(n), 2.0 * functions::ERROR_BOUND)) {
            return code;
        }
        let value = |from: Rational, pieces: &[Piece]| pieces.iter().fold(from, |x, piece| piece.eval(0, &x));
        let double = value(from_integer(self.acc(n)), self.before);
        let doubt = self.before.last().map_or_else(Rational::zero, |piece| doubt(piece, &double));
        let moved = double + doubt * from_integer((towards * self.signs.1).into());
        let raised = self.values.lo.iter().fold(moved, |x, lo| x.max(lo.clone()));
        let within = self.values.hi.iter().fold(raised, |x, hi| x.min(hi.clone()));
        self.function.quantizer.eval(0, &value(within, self.after))
    }
}

/// Sigmoid or tanh between two lines, the last perhaps limited, in doubles with a bound of their error. Decides most
/// integers at once.
#[derive(Clone, Debug)]
pub(super) struct Quick {
    before: [f64; 2],
    piece: Piece,
    after: [f64; 2],
    codes: IntRange,
    shift: i64,
    rounding: Rounding,
}

impl Quick {
    pub(super) fn new(curve: &Curve, quantizer: &Quantizer) -> Option<Self> {
        let index = curve.pieces().iter().position(|piece| matches!(piece, Piece::Sigmoid | Piece::Tanh))?;
        let (before, after) = (&curve.pieces()[..index], &curve.pieces()[index + 1..]);
        let line = |pieces: &[Piece]| match pieces {
            [] => Some([Rational::one(), Rational::zero()]),
            [Piece::Affine { gain, offset }] => Some([gain[0].clone(), offset[0].clone()]),
            _ => None,
        };
        let Quantizer::Uniform { scale, zero_point, after: shift, range, rounding } = quantizer else {
            return None;
        };
        // Codes of limited values are limited codes, as quantizers are monotone.
        let (after, limits) = match after {
            [line @ .., Piece::Clip { lo, hi }] => (line, [lo.as_ref(), hi.as_ref()]),
            _ => (after, [None, None]),
        };
        let [least, most] = limits.map(|limit| limit.map(|limit| quantizer.eval(0, limit)));
        let most = most.unwrap_or(range.hi);
        let range = IntRange { lo: least.unwrap_or(range.lo).min(most), hi: most };
        let [gain, offset] = line(after)?;
        let after = [gain / scale, offset / scale + from_integer(*zero_point)];
        let nearest = |line: [Rational; 2]| line.map(|value| double::nearest(&value));
        let codes = IntRange { lo: range.lo.saturating_sub(*shift), hi: range.hi.saturating_sub(*shift) };
        let piece = curve.pieces()[index].clone();
        Some(Self {
            before: nearest(line(before)?),
            piece,
            after: nearest(after),
            codes,
            shift: *shift,
            rounding: *rounding,
        })
    }

    /// The code of `acc` for every double within `room` of the defined one; `None` if doubles do not tell.
    pub(super) fn code(&self, acc: i64, room: f64) -> Option<i64> {
        let product = self.before[0] * acc as f64;
        // Neither function is steeper than 1. Its argument errs, and both doubles err from the real function.
        let argument_error = (product.abs() + self.before[1].abs() + f64::MIN_POSITIVE) * RELATIVE_ERROR;
        let error = argument_error + 2.0 * functions::ERROR_BOUND + room;
        let argument = product + self.before[1];
        let value =
            if self.piece == Piece::Tanh { functions::tanh(argument) } else { functions::sigmoid(argument) };
        let scaled = self.after[0] * value;
        let error =
            self.after[0].abs() * error * 2.0 + (scaled.abs() + self.after[1].abs() + 1.0) * RELATIVE_ERROR;
        let code = round_beyond_doubt(scaled + self.after[1], error, self.rounding)?;
        Some(self.codes.clamp(code).saturating_add(self.shift))
    }
}

/// By bisection.
pub(super) fn first_at_least(function: &Function, code: i64, range: IntRange, falling: bool) -> i64 {
    let (lo, hi) =
        if falling { (range.hi.saturating_neg(), range.lo.saturating_neg()) } else { (range.lo, range.hi) };
    let reached = |n: i64| function.eval(if falling { n.saturating_neg() } else { n }) >= code;
    if reached(lo) {
        return lo;
    }
    if !reached(hi) {
        return i64::MAX;
    }
    let (mut before, mut at) = (lo, hi);
    while i128::from(at) - i128::from(before) > 1 {
        let middle = before.midpoint(at);
        if reached(middle) { at = middle } else { before = middle }
    }
    at
}
