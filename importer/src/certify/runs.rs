//! Splits a range of accumulators into the runs on which an exact function is constant.
//!
//! A floating-point guess says where a run may end; evaluations of the function beside it decide, and a wrong
//! guess costs a search, never correctness. `requant` finds steps by solving for them instead.

use crate::exact::StepFunction;
use num_traits::ToPrimitive;

/// Accumulators `first..=last` with one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: i32,
    pub(super) last: i32,
    pub(super) code: i64,
}

/// The runs of a function in ascending order. They cover its range without gaps.
pub(super) struct Runs<'a> {
    function: &'a StepFunction,
    /// The last accumulator of the range and its code.
    last: (i32, i64),
    /// First accumulator of the next run and its code.
    next: Option<(i32, i64)>,
    alpha: f64,
    beta: f64,
}

impl<'a> Runs<'a> {
    pub(super) fn new(function: &'a StepFunction, (lo, hi): (i32, i32)) -> Self {
        Self {
            function,
            last: (hi, function.eval(hi.into())),
            next: Some((lo, function.eval(lo.into()))),
            alpha: function.alpha().to_f64().unwrap_or(0.0),
            beta: function.beta().to_f64().unwrap_or(0.0),
        }
    }

    /// The last accumulator with `code`, and the code after it, for a run that ends before the range does.
    fn end(&self, first: i32, code: i64) -> (i32, i64) {
        let eval = |acc: i32| self.function.eval(acc.into());
        let leaves_at = code as f64 + if self.alpha < 0.0 { -0.5 } else { 0.5 };
        // The cast saturates and turns NaN into 0: any guess will do.
        let guess = ((leaves_at - self.beta) / self.alpha).floor() as i32;
        let guess = guess.clamp(first, self.last.0 - 1);
        let guessed_code = eval(guess);
        let mut reach = 1i32;
        // `inside` has the code, `outside` is right of it and has another one.
        let (mut inside, mut outside) = if guessed_code == code {
            let mut inside = guess;
            loop {
                let acc = inside.saturating_add(reach).min(self.last.0);
                let found = eval(acc);
                if found != code {
                    break (inside, (acc, found));
                }
                (inside, reach) = (acc, reach.saturating_mul(2));
            }
        } else {
            let mut outside = (guess, guessed_code);
            loop {
                let acc = outside.0.saturating_sub(reach).max(first);
                let found = eval(acc);
                if found == code {
                    break (acc, outside);
                }
                (outside, reach) = ((acc, found), reach.saturating_mul(2));
            }
        };
        while i64::from(outside.0) - i64::from(inside) > 1 {
            let middle = inside.midpoint(outside.0);
            let found = eval(middle);
            if found == code {
                inside = middle;
            } else {
                outside = (middle, found);
            }
        }
        (inside, outside.1)
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let (first, code) = self.next.take()?;
        if code == self.last.1 {
            return Some(Run { first, last: self.last.0, code });
        }
        let (last, next_code) = self.end(first, code);
        self.next = Some((last + 1, next_code));
        Some(Run { first, last, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Rational;
    use exactum_runtime::num::{IntRange, Rounding};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_those_of_a_linear_scan(
            a in -300i64..300, b in 1i64..200, c in -4000i64..4000, lo in -400i32..0, span in 0i32..800,
            rounding in prop::sample::select(Rounding::ALL.to_vec()),
        ) {
            let (alpha, beta) = (Rational::new(a.into(), b.into()), Rational::new(c.into(), 37.into()));
            let f = StepFunction::new(alpha, beta, IntRange { lo: -40, hi: 90 }, rounding);
            let mut scanned: Vec<Run> = Vec::new();
            for acc in lo..=lo + span {
                let code = f.eval(acc.into());
                match scanned.last_mut() {
                    Some(run) if run.code == code => run.last = acc,
                    _ => scanned.push(Run { first: acc, last: acc, code }),
                }
            }
            prop_assert_eq!(Runs::new(&f, (lo, lo + span)).collect::<Vec<_>>(), scanned);
        }
    }
}
