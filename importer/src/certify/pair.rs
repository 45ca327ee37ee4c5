//! The proof for functions of two operands: `multipliers[0] * a + multipliers[1] * b`, requantized.
//!
//! Where the multipliers are in the exact proportion of the gains, the sum decides and its range is proven as that of
//! any accumulator. Elsewhere every value of one operand, the one of fewer, leaves two monotone functions of the other,
//! which the end point lemma compares; functions without a direction are compared pair by pair. Where these are too many, sums in
//! nearly the proportion are proven as a whole (`nearly`).

use super::conditions::{self, Condition};
use super::nearly::by_nearness;
use super::runs::Runs;
use super::{CertifyError, ChannelProof, LayerCertificate, Scope, certify, compare};
use crate::exact::{Channel, PairFunction, Shape};
use exactum_runtime::num::{IntRange, Requant};
use rayon::prelude::*;

/// Most pairs that are compared one by one.
const MAX_PAIRS: u128 = 1 << 20;

/// Most runs of one channel that are compared, each in the row of one value.
const MAX_RUNS: u128 = 1 << 21;

/// Proves that `requant` of `multipliers[0] * a + multipliers[1] * b` is each channel's function for every `a` and `b`
/// in their ranges. `multipliers` holds one pair for each channel, or one for all.
///
/// # Errors
///
/// As [`certify`](super::certify()); in [`CertifyError::Refuted`] the accumulator stands for the pair.
pub fn certify_pair(
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    multipliers: &[[i64; 2]],
    requant: &Requant<'_>,
) -> Result<LayerCertificate, CertifyError> {
    let (channels, found) = (functions.len(), multipliers.len());
    if found != 1 && found != channels {
        return Err(CertifyError::Length { parameter: "pairs of multipliers", found, group: 1, channels });
    }
    let multipliers = |channel: usize| multipliers[if found == 1 { 0 } else { channel }];
    let sums = (0..channels)
        .map(|channel| {
            let unproven = CertifyError::Unproven { channel, condition: Condition::Sum };
            let range = sum_range(ranges, multipliers(channel)).ok_or(unproven)?;
            let fits = conditions::takes(requant, range);
            if fits { Ok(range) } else { Err(CertifyError::Range { channel, range }) }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let of_sum = |channel: usize| {
        let function = functions[channel].of_sum(multipliers(channel))?;
        Some(Channel { function, range: sums[channel] })
    };
    let mut certificate = match (0..channels).map(of_sum).collect::<Option<Vec<_>>>() {
        Some(channels) => certify(&channels, requant)?,
        None => {
            let lengths = conditions::lengths(requant, channels)?;
            let proofs = (0..channels)
                .into_par_iter()
                .map(|channel| {
                    let ([a, b], [p, q], sums) = (ranges, multipliers(channel), sums[channel]);
                    let function = &functions[channel];
                    if runs(function, ranges) > MAX_RUNS {
                        by_nearness(function, channel, ranges, [p, q], sums, requant)
                    } else if count(a) <= count(b) {
                        by_rows(function, channel, [a, b], [p, q], sums, requant)
                    } else {
                        by_rows(&function.swapped(), channel, [b, a], [q, p], sums, requant)
                    }
                })
                .collect::<Result<Vec<_>, _>>()?;
            let pairs = count(ranges[0]) * count(ranges[1]);
            let all = proofs.iter().all(|proof| u128::from(proof.points) == pairs);
            let scope = if all { Scope::Exhaustive } else { Scope::Proven };
            LayerCertificate::new(requant, scope, lengths.shared && found == 1, proofs)
        }
    };
    certificate.operands = Some(ranges);
    Ok(certificate)
}

/// All sums, or `None` past the 64 bits in which the device adds.
fn sum_range(ranges: [IntRange; 2], multipliers: [i64; 2]) -> Option<IntRange> {
    let scaled = |i: usize| ranges[i].checked_scale(multipliers[i]);
    scaled(0)?.checked_add(scaled(1)?)
}

/// Most runs in the rows of the operand of fewer values.
fn runs(function: &PairFunction, ranges: [IntRange; 2]) -> u128 {
    let [a, b] = ranges.map(count);
    a.min(b) * count(function.codes()).min(a.max(b))
}

fn count(range: IntRange) -> u128 {
    u128::from(range.hi.abs_diff(range.lo)) + 1
}

/// Proves channel `channel`, row by row of the values of `a`.
fn by_rows(
    function: &PairFunction,
    channel: usize,
    [a, b]: [IntRange; 2],
    [p, q]: [i64; 2],
    sums: IntRange,
    requant: &Requant<'_>,
) -> Result<ChannelProof, CertifyError> {
    let unproven = |condition| Err(CertifyError::Unproven { channel, condition });
    // Monotone in the sum, so in either operand.
    let monotone = conditions::check(requant, channel, sums);
    let mut proof = ChannelProof::new(sums);
    for first in a.lo..=a.hi {
        let row = function.of_second(first);
        let sum = |second: i64| p * first + q * second;
        match (monotone, row.shape(b)) {
            (Ok(()), Shape::Rising | Shape::Falling | Shape::Constant) => {
                for run in Runs::new(&row, b) {
                    compare(requant, channel, sum(run.first), run.code)?;
                    compare(requant, channel, sum(run.last), run.code)?;
                    proof.points += if run.first == run.last { 1 } else { 2 };
                    proof.push_run(sum(run.first), run.code);
                }
            }
            (Err(condition), _) if !condition.is_about_order() => return unproven(condition),
            _ if count(a) * count(b) > MAX_PAIRS => return unproven(Condition::Pairs),
            _ => {
                let mut last = None;
                for second in b.lo..=b.hi {
                    let code = row.eval(second);
                    compare(requant, channel, sum(second), code)?;
                    proof.points += 1;
                    if last.replace(code) != Some(code) {
                        proof.push_run(sum(second), code);
                    }
                }
            }
        }
    }
    Ok(proof)
}
