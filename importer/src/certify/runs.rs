//! Splits a range of accumulators into the runs on which a monotone function is constant.
//!
//! The length of a run is a guess for the next one: the runs of a line differ by one at most. Evaluations of the
//! function decide, and a wrong guess costs a search, never correctness. `requant` finds steps by solving for them
//! instead.

use crate::exact::Function;
use exactum_runtime::num::IntRange;

/// Accumulators `first..=last` with one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) code: i64,
}

/// The runs of a function in ascending order. They cover its range without gaps.
pub(super) struct Runs<'a> {
    function: &'a Function,
    /// The last accumulator of the range and its code.
    last: (i64, i64),
    /// First accumulator of the next run and its code.
    next: Option<(i64, i64)>,
    /// Accumulators after the first of the run before.
    length: i64,
}

impl<'a> Runs<'a> {
    pub(super) fn new(function: &'a Function, IntRange { lo, hi }: IntRange) -> Self {
        Self { function, last: (hi, function.eval(hi)), next: Some((lo, function.eval(lo))), length: 0 }
    }

    /// The last accumulator with `code`, and the code after it, for a run that ends before the range does.
    fn end(&self, first: i64, code: i64) -> (i64, i64) {
        let eval = |acc: i64| self.function.eval(acc);
        let guess = first.saturating_add(self.length).min(self.last.0 - 1);
        let guessed_code = if guess == first { code } else { eval(guess) };
        let mut reach = 1i64;
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
        while outside.0.abs_diff(inside) > 1 {
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
        self.length = last.saturating_sub(first);
        self.next = Some((last + 1, next_code));
        Some(Run { first, last, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Rational;
    use exactum_runtime::num::Rounding;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_those_of_a_linear_scan(
            a in -300i64..300, b in 1i64..200, c in -4000i64..4000, lo in -400i64..0, span in 0i64..800,
            rounding in prop::sample::select(Rounding::ALL.to_vec()),
        ) {
            let (alpha, beta) = (Rational::new(a.into(), b.into()), Rational::new(c.into(), 37.into()));
            let f = Function::affine(alpha, beta, IntRange { lo: -40, hi: 90 }, rounding);
            let mut scanned: Vec<Run> = Vec::new();
            for acc in lo..=lo + span {
                let code = f.eval(acc);
                match scanned.last_mut() {
                    Some(run) if run.code == code => run.last = acc,
                    _ => scanned.push(Run { first: acc, last: acc, code }),
                }
            }
            prop_assert_eq!(Runs::new(&f, IntRange { lo, hi: lo + span }).collect::<Vec<_>>(), scanned);
        }
    }
}
