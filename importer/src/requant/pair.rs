//! Solves functions of two operands, such as the sum of two values with scales of their own.
//!
//! The device computes `multipliers[0] * a + multipliers[1] * b` and requantizes that. Operands in a proportion of
//! small integers are added exactly and solved as one accumulator. Others get a 32-bit line in both operands, found
//! around the slopes that leave most room between all points it has to reach and to stay below, or a table.

use super::{FormParams, RequantError, RequantParams, choose};
use crate::certify::{LayerCertificate, certify_pair};
use crate::exact::{Channel, PairFunction};
use exactum_runtime::num::IntRange;
use num_integer::Integer;
use num_traits::{ToPrimitive, Zero};

/// Sums up to which an exact proportion is tried before a line.
const SHORT_RANGE: u64 = 1 << 20;

/// Most pairs that a table holds.
const MAX_ENTRIES: i64 = 1 << 16;

/// How a program computes a function of two operands, and its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairChoice {
    /// Factor of each operand in the accumulator.
    pub multipliers: [i32; 2],
    /// The requantization of the accumulator.
    pub params: RequantParams,
    /// Why it is right.
    pub certificate: LayerCertificate,
}

/// Solves a function of two operands on their ranges.
///
/// # Errors
///
/// [`RequantError`] if no form computes it.
pub fn choose_pair(f: &PairFunction, a: IntRange, b: IntRange) -> Result<PairChoice, RequantError> {
    let codes = f.codes();
    let (Ok(lo), Ok(hi)) = (i32::try_from(codes.lo), i32::try_from(codes.hi)) else {
        return Err(RequantError::Codes { channel: 0, codes });
    };
    let proportion = proportion(f, [a, b]);
    let is_short = |(_, range): &(_, IntRange)| range.hi.abs_diff(range.lo) <= SHORT_RANGE;
    if let Some(choice) =
        proportion.filter(is_short).map(|found| exact_sum(f, [a, b], found)).transpose()?.flatten()
    {
        return Ok(choice);
    }
    if let Some((multipliers, form)) = super::pair_line::solve(f, [a, b], codes) {
        return proven(f, [a, b], multipliers, RequantParams { form, lo, hi });
    }
    if let Some(choice) = proportion.map(|found| exact_sum(f, [a, b], found)).transpose()?.flatten() {
        return Ok(choice);
    }
    let (multipliers, form) = table(f, [a, b]).ok_or(RequantError::NoForm { channels: 1, codes })?;
    proven(f, [a, b], multipliers, RequantParams { form, lo, hi })
}

fn proven(
    f: &PairFunction,
    ranges: [IntRange; 2],
    multipliers: [i32; 2],
    params: RequantParams,
) -> Result<PairChoice, RequantError> {
    let form = params.kind();
    let certificate = certify_pair(f, ranges, multipliers, &params.view())
        .map_err(|error| RequantError::Uncertified { form, error })?;
    Ok(PairChoice { multipliers, params, certificate })
}

/// The least integers in the proportion of the gains, and the sums they give, if these fit 32 bits.
fn proportion(f: &PairFunction, ranges: [IntRange; 2]) -> Option<([i32; 2], IntRange)> {
    let [a, b] = &f.gains;
    let unit = a.denom().lcm(b.denom());
    let [p, q] = [a, b].map(|gain| gain.numer() * (&unit / gain.denom()));
    let divisor = p.gcd(&q);
    let multipliers =
        if divisor.is_zero() { [0, 0] } else { [(p / &divisor).to_i32()?, (q / &divisor).to_i32()?] };
    let scaled = |i: usize| ranges[i].checked_scale(multipliers[i].into());
    let range = scaled(0)?.checked_add(scaled(1)?)?;
    super::fits_i32(range).then_some((multipliers, range))
}

/// The sum as an accumulator; `None` if no form computes it.
fn exact_sum(
    f: &PairFunction,
    ranges: [IntRange; 2],
    (multipliers, range): ([i32; 2], IntRange),
) -> Result<Option<PairChoice>, RequantError> {
    let Some(function) = f.of_sum(multipliers) else { return Ok(None) };
    match choose(&[Channel { function, range }]) {
        Ok(choice) => proven(f, ranges, multipliers, choice.params).map(Some),
        Err(RequantError::NoForm { .. } | RequantError::Steps { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every pair, row by row.
fn table(f: &PairFunction, [a, b]: [IntRange; 2]) -> Option<([i32; 2], FormParams)> {
    let [rows, columns] =
        [a, b].map(|range| range.hi.checked_sub(range.lo).and_then(|span| span.checked_add(1)));
    let (rows, columns) = (rows?, columns?);
    let domain = rows.checked_mul(columns).filter(|domain| *domain <= MAX_ENTRIES)?;
    let row = |a: i64| {
        let function = f.of_second(a);
        (b.lo..=b.hi).map(move |b| function.eval(b).to_i16())
    };
    let entries = (a.lo..=a.hi).flat_map(row).collect::<Option<Vec<_>>>()?;
    let first = columns.checked_mul(a.lo)?.checked_add(b.lo)?.to_i32()?;
    let multipliers = [columns.to_i32()?, 1];
    Some((multipliers, FormParams::Table { first, entries, domain: domain.to_u32()? }))
}

#[cfg(test)]
mod tests;
