//! The slopes of the lines that compute a function: an open interval of rationals, found in exact integers.
//!
//! A slope `a` is possible iff `H(a) = max(k - a * x over points to reach) + max(a * x - k over points to stay
//! below)` is negative. `H` is convex and piecewise linear, so Newton's method from either side ends at the exact
//! ends of the interval after a few steps. Any dyadic fraction inside serves as `multiplier / 2^shift`.

use super::constraints::Constraints;
use super::hull::Point;
use std::cmp::Ordering;

/// A positive fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) numer: i128,
    pub(super) denom: i128,
}

impl Fraction {
    fn cmp(self, other: Self) -> Ordering {
        (self.numer * other.denom).cmp(&(other.numer * self.denom))
    }
}

/// Non-negative slopes strictly between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slopes {
    /// `None` if slope 0 itself is possible.
    pub(super) above: Option<Fraction>,
    /// `None` if every larger slope is possible.
    pub(super) below: Option<Fraction>,
}

impl Slopes {
    /// The slopes that satisfy the constraints with some offset, or `None` if no line of any width does.
    pub(super) fn new(constraints: &Constraints) -> Option<Self> {
        Self { above: lower_end(constraints)?, below: upper_end(constraints)? }.nonempty()
    }

    /// The slopes in both intervals.
    pub(super) fn intersect(self, other: Self) -> Option<Self> {
        let pick = |a: Option<Fraction>, b: Option<Fraction>, keep: Ordering| match (a, b) {
            (Some(a), Some(b)) => Some(if a.cmp(b) == keep { a } else { b }),
            (one, None) | (None, one) => one,
        };
        Self {
            above: pick(self.above, other.above, Ordering::Greater),
            below: pick(self.below, other.below, Ordering::Less),
        }
        .nonempty()
    }

    fn nonempty(self) -> Option<Self> {
        match (self.above, self.below) {
            (Some(above), Some(below)) if above.cmp(below) != Ordering::Less => None,
            _ => Some(self),
        }
    }

    /// The shortest fraction `multiplier / 2^shift` of the interval: the multiplier, at most `max_multiplier`, and
    /// the shift, at most `max_shift`.
    pub(super) fn shortest(self, max_multiplier: i64, max_shift: u8) -> Option<(i64, u8)> {
        for shift in 0..=max_shift {
            let multiplier = match self.above {
                Some(above) => (above.numer << shift) / above.denom + 1,
                None => 0,
            };
            if multiplier > max_multiplier.into() {
                return None;
            }
            if self.below.is_none_or(|below| multiplier * below.denom < below.numer << shift) {
                return Some((i64::try_from(multiplier).ok()?, shift));
            }
        }
        None
    }
}

impl Slopes {
    /// The smallest and the largest multiplier, at most `max_multiplier`, of the slopes `multiplier / 2^bits`; `None` if
    /// there is none.
    pub(super) fn multipliers(self, bits: u8, max_multiplier: i64) -> Option<(i64, i64)> {
        let least = self
            .above
            .map_or(Some(0), |above| Some(above.numer.checked_mul(1 << bits)?.div_euclid(above.denom) + 1))?;
        let most = match self.below {
            // The end itself is outside.
            Some(below) => (below.numer.checked_mul(1 << bits)? - 1).div_euclid(below.denom),
            None => max_multiplier.into(),
        };
        let (least, most) =
            (i64::try_from(least).ok()?, i64::try_from(most).unwrap_or(i64::MAX).min(max_multiplier));
        (least <= most).then_some((least, most))
    }
}

/// `H(numer / denom) * denom` and the two points that attain it; `None` without points of both kinds.
fn gap(constraints: &Constraints, slope: Fraction) -> Option<(i128, Point, Point)> {
    let height = |point: &Point| i128::from(point.k) * slope.denom - slope.numer * i128::from(point.x);
    let reach = constraints.at_least.corners().max_by_key(height)?;
    let avoid = constraints.below.corners().min_by_key(height)?;
    Some((height(&reach) - height(&avoid), reach, avoid))
}

/// The largest slope below all possible ones, `Some(None)` if there is none above 0, `None` if none is possible.
fn lower_end(constraints: &Constraints) -> Option<Option<Fraction>> {
    let mut slope = Fraction { numer: 0, denom: 1 };
    loop {
        match gap(constraints, slope) {
            None => return Some(None),
            Some((gap, ..)) if gap < 0 => return Some(None),
            Some((0, ..)) => return Some(Some(slope)),
            // The gap does not shrink towards larger slopes.
            Some((_, reach, avoid)) if reach.x <= avoid.x => return None,
            Some((_, reach, avoid)) => {
                slope = Fraction {
                    numer: i128::from(reach.k) - i128::from(avoid.k),
                    denom: i128::from(reach.x) - i128::from(avoid.x),
                };
            }
        }
    }
}

/// The smallest slope above all possible ones, `Some(None)` if there is none, `None` if none is possible.
fn upper_end(constraints: &Constraints) -> Option<Option<Fraction>> {
    // Every end is a difference of codes over a difference of accumulators, which is at least one.
    let codes = || constraints.at_least.corners().chain(constraints.below.corners()).map(|point| point.k);
    let span = match (codes().min(), codes().max()) {
        (Some(least), Some(greatest)) => i128::from(greatest) - i128::from(least),
        _ => return Some(None),
    };
    let mut slope = Fraction { numer: span + 2, denom: 1 };
    loop {
        match gap(constraints, slope) {
            None => return Some(None),
            Some((gap, ..)) if gap < 0 => return Some(None),
            Some((0, ..)) => return Some(Some(slope)),
            Some((_, reach, avoid)) if reach.x >= avoid.x || reach.k >= avoid.k => return None,
            Some((_, reach, avoid)) => {
                slope = Fraction {
                    numer: i128::from(avoid.k) - i128::from(reach.k),
                    denom: i128::from(avoid.x) - i128::from(reach.x),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Channel, Function, Rational};
    use exactum_runtime::num::{IntRange, Rounding};
    use proptest::prelude::*;

    /// The ends by all pairs of unreduced constraint points, from a scan of the function.
    fn all_pairs(channel: &Channel) -> (Option<Rational>, Option<Rational>) {
        let codes = channel.function.codes();
        let (mut reach, mut avoid) = (Vec::new(), Vec::new());
        let IntRange { lo, hi } = channel.range;
        for x in lo..=hi {
            let code = channel.function.eval(x);
            if code > codes.lo && (x == lo || channel.function.eval(x - 1) != code) {
                reach.push((x, code));
            }
            if code < codes.hi && (x == hi || channel.function.eval(x + 1) != code) {
                avoid.push((x, code + 1));
            }
        }
        let mut ends = (None::<Rational>, None::<Rational>);
        for (xp, kp) in &reach {
            for (xq, kq) in &avoid {
                if xp != xq {
                    let slope = Rational::new((kp - kq).into(), (xp - xq).into());
                    if xp > xq {
                        ends.0 = Some(ends.0.map_or(slope.clone(), |end| end.max(slope)));
                    } else {
                        ends.1 = Some(ends.1.map_or(slope.clone(), |end| end.min(slope)));
                    }
                }
            }
        }
        ends
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_interval_is_that_of_all_pairs(
            a in 0i64..400, b in 1i64..400, c in -4000i64..4000, d in 1i64..200,
            lo in -300i64..300, span in 0i64..400, codes in 1i64..64,
            rounding in prop::sample::select(Rounding::ALL.to_vec()),
        ) {
            let (alpha, beta) = (Rational::new(a.into(), b.into()), Rational::new(c.into(), d.into()));
            let function = Function::affine(alpha, beta, IntRange { lo: -8, hi: codes - 8 }, rounding);
            let channel = Channel { function, range: IntRange { lo, hi: lo + span } };
            let (above, below) = all_pairs(&channel);
            let zero = crate::exact::from_integer(0);
            let above = above.filter(|above| *above >= zero);
            let possible = match (&above, &below) {
                (Some(above), Some(below)) => above < below,
                (None, Some(below)) => *below > zero,
                _ => true,
            };
            let codes = channel.function.codes();
            let constraints = Constraints::of_layer(std::slice::from_ref(&channel), &[false], codes, |code| code);
            let found = Slopes::new(&constraints[0]);
            prop_assert_eq!(found.is_some(), possible);
            if let Some(found) = found {
                let rational = |end: Option<Fraction>| end.map(|end| Rational::new(end.numer.into(), end.denom.into()));
                prop_assert_eq!(rational(found.above), above);
                prop_assert_eq!(rational(found.below), below);
            }
        }
    }
}
