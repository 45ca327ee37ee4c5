//! The proof for functions of two operands: `multipliers[0] * a + multipliers[1] * b`, requantized.
//!
//! Where the multipliers are in the exact proportion of the gains, the sum decides and its range is proven as that of
//! any accumulator. Elsewhere every value of the first operand leaves two monotone functions of the second, which the
//! end point lemma compares; functions without a direction are compared pair by pair.

use super::conditions::{self, Condition};
use super::runs::Runs;
use super::{CertifyError, ChannelProof, LayerCertificate, Scope, certify, compare};
use crate::exact::{Channel, PairFunction, Shape};
use exactum_runtime::num::{IntRange, Requant};

/// Most pairs whose proof walks over one operand.
const MAX_PAIRS: u128 = 1 << 20;

/// Proves that `requant` of `multipliers[0] * a + multipliers[1] * b` is `function` for every `a` and `b` in their
/// ranges.
///
/// # Errors
///
/// As [`certify`](super::certify()); in [`CertifyError::Refuted`] the accumulator stands for the pair.
pub fn certify_pair(
    function: &PairFunction,
    ranges: [IntRange; 2],
    multipliers: [i32; 2],
    requant: &Requant<'_>,
) -> Result<LayerCertificate, CertifyError> {
    let [a, b] = ranges;
    let unproven = |condition| CertifyError::Unproven { channel: 0, condition };
    let range = sum_range(ranges, multipliers).ok_or(unproven(Condition::Sum))?;
    let mut certificate = match function.of_sum(multipliers) {
        Some(function) => certify(&[Channel { function, range }], requant)?,
        None => by_rows(function, ranges, multipliers, range, requant)?,
    };
    certificate.operands = Some([a, b]);
    Ok(certificate)
}

/// All sums, or `None` past the 32 bits in which the device adds.
fn sum_range(ranges: [IntRange; 2], multipliers: [i32; 2]) -> Option<IntRange> {
    let scaled = |i: usize| ranges[i].checked_scale(multipliers[i].into());
    scaled(0)?.checked_add(scaled(1)?).filter(|range| conditions::in_32_bits(*range))
}

fn by_rows(
    function: &PairFunction,
    [a, b]: [IntRange; 2],
    multipliers: [i32; 2],
    range: IntRange,
    requant: &Requant<'_>,
) -> Result<LayerCertificate, CertifyError> {
    let count = |range: IntRange| u128::from(range.hi.abs_diff(range.lo)) + 1;
    let unproven = |condition| Err(CertifyError::Unproven { channel: 0, condition });
    if count(a) * count(b) > MAX_PAIRS {
        return unproven(Condition::Pairs);
    }
    conditions::lengths(requant, 1)?;
    // Monotone in the sum, so in either operand.
    let monotone = conditions::check(requant, 0, range);
    let mut proof = ChannelProof::new(range);
    for first in a.lo..=a.hi {
        let row = function.of_second(first);
        let sum = |second: i64| i64::from(multipliers[0]) * first + i64::from(multipliers[1]) * second;
        match (monotone, row.shape(b)) {
            (Ok(()), Shape::Rising | Shape::Falling | Shape::Constant) => {
                for run in Runs::new(&row, b) {
                    compare(requant, 0, sum(run.first), run.code)?;
                    compare(requant, 0, sum(run.last), run.code)?;
                    proof.points += if run.first == run.last { 1 } else { 2 };
                    proof.push_run(sum(run.first), run.code);
                }
            }
            (Err(condition), _) if !condition.is_about_order() => return unproven(condition),
            _ => {
                let mut last = None;
                for second in b.lo..=b.hi {
                    let code = row.eval(second);
                    compare(requant, 0, sum(second), code)?;
                    proof.points += 1;
                    if last.replace(code) != Some(code) {
                        proof.push_run(sum(second), code);
                    }
                }
            }
        }
    }
    let all = u128::from(proof.points) == count(a) * count(b);
    let scope = if all { Scope::Exhaustive } else { Scope::Proven };
    Ok(LayerCertificate::new(requant, scope, false, vec![proof]))
}
