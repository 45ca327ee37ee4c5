//! The proof for sums in nearly the proportion of the gains, for operands of any length.
//!
//! The integer `x = p * a + q * b` counts the real sum in some unit but for an error that is less than one unit, whatever the
//! operands are. So the real sum of every pair lies within that error of its integer. Where the codes of all reals within the
//! error of a run of integers are the code of that run, the integer decides.

use super::conditions::{self, Condition};
use super::runs::Runs;
use super::{CertifyError, ChannelProof, compare};
use crate::exact::{Interval, PairFunction, Rational, Shape, from_integer};
use exactum_runtime::num::{IntRange, Requant};
use num_traits::{One, Signed, Zero};

/// Proves channel `channel` for sums with the factors `multipliers`, whose range is `sums`.
pub(super) fn by_nearness(
    function: &PairFunction,
    channel: usize,
    ranges: [IntRange; 2],
    multipliers: [i64; 2],
    sums: IntRange,
    requant: &Requant<'_>,
) -> Result<ChannelProof, CertifyError> {
    let unproven = |condition| CertifyError::Unproven { channel, condition };
    let apart = || unproven(Condition::Proportion);
    conditions::check(requant, channel, sums).map_err(unproven)?;
    let (unit, error) = unit(function, ranges, multipliers).ok_or_else(apart)?;
    let of_sum = function.of_unit(unit);
    let [lo, hi] = [sums.lo, sums.hi].map(from_integer);
    let monotone = of_sum.monotone(Interval::new(lo - &error, hi + &error)).ok_or_else(apart)?;
    if of_sum.shape(sums) == Shape::General {
        return Err(apart());
    }
    // Towards the codes before a run at its first integer, and towards those behind it at its last.
    let [before, behind] = if monotone.rises() { [-1, 1] } else { [1, -1] };
    let mut proof = ChannelProof::new(sums);
    for run in Runs::new(&of_sum, sums) {
        compare(requant, channel, run.first, run.code)?;
        compare(requant, channel, run.last, run.code)?;
        let first = monotone.bound(&(from_integer(run.first) - &error), before);
        let last = monotone.bound(&(from_integer(run.last) + &error), behind);
        if first != run.code || last != run.code {
            return Err(apart());
        }
        proof.points += if run.first == run.last { 1 } else { 2 };
        proof.push_run(run.first, run.code);
    }
    Ok(proof)
}

/// The unit, one of the two in which one operand is counted without an error, that leaves the other the smaller one; and that
/// error in units. `None` if it is no less than one.
fn unit(
    function: &PairFunction,
    ranges: [IntRange; 2],
    multipliers: [i64; 2],
) -> Option<(Rational, Rational)> {
    let largest = |range: IntRange| from_integer(range.lo).abs().max(from_integer(range.hi).abs());
    let error = |operand: usize, unit: &Rational| {
        (&function.gains[operand] / unit - from_integer(multipliers[operand])).abs()
            * largest(ranges[operand])
    };
    let units = [0, 1].into_iter().filter(|operand| multipliers[*operand] != 0);
    let units = units.map(|operand| &function.gains[operand] / from_integer(multipliers[operand]));
    let with_error = |unit: Rational| {
        let error = error(0, &unit) + error(1, &unit);
        (unit, error)
    };
    let found = units.filter(|unit| !unit.is_zero()).map(with_error).min_by(|a, b| a.1.cmp(&b.1));
    found.filter(|(_, error)| *error < Rational::one())
}
