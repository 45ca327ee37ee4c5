//! Intervals of reals, and what functions make of them. Used by `function` for the range of codes and the direction of
//! functions, and by passes to prove that a function has a value everywhere.

use super::curve::Piece;
use super::elementary::{Course, ERROR_BOUND, Elementary};
use super::number::Number;
use super::{Curve, Rational, double, from_integer};
use exactum_host::functions;
use num_traits::{One, Signed, Zero};

/// An interval of reals; an end that is missing is infinite.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    pub(crate) lo: Option<Rational>,
    pub(crate) hi: Option<Rational>,
}

impl Interval {
    pub(crate) fn new(a: Rational, b: Rational) -> Self {
        if a <= b { Self { lo: Some(a), hi: Some(b) } } else { Self { lo: Some(b), hi: Some(a) } }
    }

    pub(super) fn contains_zero(&self) -> bool {
        !self.lo.as_ref().is_some_and(Signed::is_positive)
            && !self.hi.as_ref().is_some_and(Signed::is_negative)
    }

    /// All reals.
    pub(crate) const fn all() -> Self {
        Self { lo: None, hi: None }
    }

    /// A superset of the values of `curve`, of its first channel.
    pub(crate) fn after(self, curve: &Curve) -> Self {
        curve.pieces().iter().fold(self, Self::through)
    }

    /// Whether `curve`, of one channel, is known to have a finite value everywhere on the interval.
    pub(crate) fn lies_in_domain(self, curve: &Curve) -> bool {
        let mut values = self;
        for piece in curve.pieces() {
            let inside = match piece {
                Piece::Reciprocal => {
                    values.lo.as_ref().is_some_and(Signed::is_positive)
                        || values.hi.as_ref().is_some_and(Signed::is_negative)
                }
                Piece::Elementary { function } => values.is_within(function),
                Piece::Product { factors: parts } | Piece::Sum { terms: parts } => {
                    parts.iter().all(|part| values.clone().lies_in_domain(part))
                }
                Piece::Select { parts } => parts.iter().all(|part| values.clone().lies_in_domain(part)),
                _ => true,
            };
            if !inside {
                return false;
            }
            values = values.through(piece);
        }
        true
    }

    fn is_within(&self, function: &Elementary) -> bool {
        let (least, most) = function.domain();
        let above = least.is_none_or(|(least, closed)| {
            let least = double::exact(least);
            self.lo.as_ref().is_some_and(|lo| *lo > least || closed && *lo == least)
        });
        above && most.is_none_or(|most| self.hi.as_ref().is_some_and(|hi| *hi <= double::exact(most)))
    }

    fn through_elementary(self, function: &Elementary) -> Self {
        let (least, most) = function.image();
        let inside = self.is_within(function);
        let end = |end: Option<Rational>, sign: i64| {
            let piece = Piece::Elementary { function: function.clone() };
            let value =
                end.filter(|_| inside).map(|end| Number::of_double(function.value(double::nearest(&end))));
            match value {
                Some(Number::Finite(value)) => Some(&value + doubt(&piece, &value) * from_integer(sign)),
                _ => None,
            }
        };
        let (lo, hi) = match function.course() {
            Course::Rising => (end(self.lo, -1), end(self.hi, 1)),
            Course::Falling => (end(self.hi, -1), end(self.lo, 1)),
            Course::Other => (None, None),
        };
        // The ends of all values are met by doubles up to their error.
        let bound = |bound: Option<f64>, sign: f64| {
            bound.map(|bound| double::exact(bound + sign * ERROR_BOUND * 4.0))
        };
        let (least, most) = (bound(least, if least == Some(0.0) { 0.0 } else { -1.0 }), bound(most, 1.0));
        Self {
            lo: lo.map(|lo| least.clone().map_or(lo.clone(), |least| lo.max(least))).or(least),
            hi: hi.map(|hi| most.clone().map_or(hi.clone(), |most| hi.min(most))).or(most),
        }
    }

    /// Products of a number of each.
    fn product(self, other: Self) -> Self {
        match (self.lo, self.hi, other.lo, other.hi) {
            (Some(a), Some(b), Some(c), Some(d)) => {
                let corners = [&a * &c, &a * &d, &b * &c, &b * &d];
                let least = corners.iter().min().cloned();
                Self { lo: least, hi: corners.into_iter().max() }
            }
            (Some(a), _, Some(c), _) if !a.is_negative() && !c.is_negative() => {
                Self { lo: Some(a * c), hi: None }
            }
            _ => Self::all(),
        }
    }

    /// A superset of the values of `piece`, the smallest but for leaky slopes.
    pub(super) fn through(self, piece: &Piece) -> Self {
        let zero = Rational::zero;
        let each = |end: Option<Rational>| end.map(|end| piece.eval(0, &end));
        match piece {
            Piece::Affine { gain, offset } if gain[0].is_zero() => {
                Self::new(offset[0].clone(), offset[0].clone())
            }
            Piece::Affine { gain, .. } if gain[0].is_negative() => {
                Self { lo: each(self.hi), hi: each(self.lo) }
            }
            Piece::Clip { lo, hi } => {
                let end = |end: Option<Rational>, bound: &Option<Rational>| match end {
                    Some(_) => each(end),
                    None => bound.as_ref().map(|bound| piece.eval(0, bound)),
                };
                Self { lo: end(self.lo, lo), hi: end(self.hi, hi) }
            }
            Piece::LeakyRelu { slope } if !slope[0].is_positive() => match (&self.lo, &self.hi) {
                (Some(lo), _) if !lo.is_negative() => self,
                (_, Some(hi)) if !hi.is_positive() => Self { lo: each(self.hi), hi: each(self.lo) },
                (lo, hi) => {
                    // The value at zero is the least; the greatest is at one of the ends.
                    let bent = if slope[0].is_zero() { Some(zero()) } else { each(lo.clone()) };
                    let greatest = bent.zip(hi.clone()).map(|(a, b)| a.max(b));
                    Self { lo: Some(zero()), hi: greatest }
                }
            },
            Piece::Power { exponent: 0 } => Self::new(Rational::one(), Rational::one()),
            Piece::Abs => self.folded(each),
            Piece::Power { exponent } if exponent % 2 == 0 => self.folded(each),
            Piece::Sigmoid => {
                Self { lo: each(self.lo).or(Some(zero())), hi: each(self.hi).or(Some(Rational::one())) }
                    .widened(&zero())
            }
            Piece::Tanh => Self {
                lo: each(self.lo).or(Some(from_integer(-1))),
                hi: each(self.hi).or(Some(Rational::one())),
            }
            .widened(&from_integer(-1)),
            Piece::Sign | Piece::Softsign => Self {
                lo: each(self.lo).or(Some(from_integer(-1))),
                hi: each(self.hi).or(Some(Rational::one())),
            },
            Piece::Reciprocal => match (&self.lo, &self.hi) {
                (Some(lo), _) if lo.is_positive() => {
                    Self { lo: each(self.hi).or(Some(zero())), hi: each(self.lo) }
                }
                (_, Some(hi)) if hi.is_negative() => {
                    Self { lo: each(self.hi), hi: each(self.lo).or(Some(zero())) }
                }
                _ => Self::all(),
            },
            Piece::Elementary { function } => self.through_elementary(function),
            Piece::Sum { terms } => {
                let [a, b] = terms.each_ref().map(|term| self.clone().after(term));
                let sum = |a: Option<Rational>, b: Option<Rational>| a.zip(b).map(|(a, b)| a + b);
                Self { lo: sum(a.lo, b.lo), hi: sum(a.hi, b.hi) }
            }
            Piece::Select { parts } => {
                let [a, b] = [1, 2].map(|choice| self.clone().after(&parts[choice]));
                Self { lo: a.lo.zip(b.lo).map(|(a, b)| a.min(b)), hi: a.hi.zip(b.hi).map(|(a, b)| a.max(b)) }
            }
            Piece::Product { factors } => {
                let [a, b] = factors.each_ref().map(|factor| self.clone().after(factor));
                a.product(b)
            }
            Piece::Elu { alpha } if alpha.is_negative() => Self::all(),
            Piece::Elu { .. } | Piece::Erf => {
                let room = |end: Option<Rational>, sign: i64| {
                    end.map(|end| piece.eval(0, &end))
                        .map(|value| &value + doubt(piece, &value) * from_integer(sign))
                };
                let least = match piece {
                    Piece::Elu { alpha } => -alpha,
                    _ => from_integer(-1),
                };
                let most = (*piece == Piece::Erf).then(Rational::one);
                Self {
                    lo: room(self.lo, -1).or_else(|| Some(&least + doubt(piece, &least) * from_integer(-1))),
                    hi: room(self.hi, 1).or(most),
                }
            }
            _ => Self { lo: each(self.lo), hi: each(self.hi) },
        }
    }

    /// The image of an even function that rises with the magnitude.
    fn folded(self, each: impl Fn(Option<Rational>) -> Option<Rational>) -> Self {
        match (&self.lo, &self.hi) {
            (Some(lo), _) if !lo.is_negative() => Self { lo: each(self.lo), hi: each(self.hi) },
            (_, Some(hi)) if !hi.is_positive() => Self { lo: each(self.hi), hi: each(self.lo) },
            (lo, hi) => {
                let ends = lo.clone().zip(hi.clone()).map(|(lo, hi)| hi.max(-lo));
                Self { lo: Some(Rational::zero()), hi: each(ends) }
            }
        }
    }

    /// Room for doubles that waver around the real function, within `least..=1`.
    fn widened(self, least: &Rational) -> Self {
        let room = twice_the_error();
        Self {
            lo: self.lo.map(|lo| (lo - &room).max(least.clone())),
            hi: self.hi.map(|hi| (hi + &room).min(Rational::one())),
        }
    }
}

/// Two doubles of `piece` in the wrong order, one of which is `value`, differ by at most this.
pub(super) fn doubt(piece: &Piece, value: &Rational) -> Rational {
    match piece {
        Piece::Sigmoid | Piece::Tanh => twice_the_error(),
        _ => (value.abs() + Rational::one()) * double::exact(4.0 * ERROR_BOUND),
    }
}

fn twice_the_error() -> Rational {
    double::exact(2.0 * functions::ERROR_BOUND)
}
