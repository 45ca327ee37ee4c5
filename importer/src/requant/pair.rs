//! Solves functions of two operands, such as the sum of two values with scales of their own.
//!
//! The device computes `multipliers[0] * a + multipliers[1] * b` and requantizes that. Operands in a proportion of
//! small integers are added exactly and solved as one accumulator. Others get a line in both operands, found
//! around the slopes that leave most room between all points it has to reach and to stay below, or thresholds of sums
//! in nearly the same proportion, of 32 or 64 bits, or a table, whichever is smaller. Operands too long for any of these, such as
//! the sums of two layers, are added in nearly their proportion.

use super::pair_line::{Corners, PairLine, Width};
use super::{FormKind, FormParams, RequantError, RequantParams, TableCodes, choose};
use super::{pair_nearly, pair_thresholds};
use crate::certify::{LayerCertificate, certify_pair};
use crate::exact::{Channel, PairFunction};
use crate::requant::Costs;
use exactum_runtime::num::IntRange;
use num_integer::Integer;
use num_traits::{ToPrimitive, Zero};
use rayon::prelude::*;

/// Integers of sums up to which an exact proportion is tried before a line.
const SHORT_RANGE: u64 = 1 << 20;

/// Most pairs that a table holds.
const MAX_ENTRIES: i64 = 1 << 16;

/// How a program computes a function of two operands, and its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairChoice {
    /// Factor of each operand in the accumulator: one pair for each channel, or one for all.
    pub multipliers: Vec<[i64; 2]>,
    /// The requantization of the accumulator.
    pub params: RequantParams,
    /// Why it is right.
    pub certificate: LayerCertificate,
}

/// Solves the functions of two operands, one for each channel, on the operands' ranges.
///
/// # Errors
///
/// [`RequantError`] if no form computes them all.
pub fn choose_pair(
    functions: &[PairFunction],
    a: IntRange,
    b: IntRange,
    costs: Costs<'_>,
) -> Result<PairChoice, RequantError> {
    let ranges = [a, b];
    let codes = functions.iter().map(PairFunction::codes).reduce(IntRange::union);
    let codes = codes.ok_or(RequantError::NoChannels)?;
    let (Ok(lo), Ok(hi)) = (i32::try_from(codes.lo), i32::try_from(codes.hi)) else {
        return Err(RequantError::Codes { channel: 0, codes });
    };
    let proportions: Option<Vec<Proportion>> =
        functions.iter().map(|function| Proportion::new(function, ranges)).collect();
    let exact = |suits: &dyn Fn(&Proportion) -> bool| {
        let found = proportions.as_ref().filter(|all| all.iter().all(suits));
        found.map(|found| exact_sum(functions, ranges, found, costs)).transpose().map(Option::flatten)
    };
    if let Some(choice) = exact(&|sum| sum.range.hi.abs_diff(sum.range.lo) <= SHORT_RANGE)? {
        return Ok(choice);
    }
    // A high and a low word are one integer.
    let words = |sum: &Proportion| !super::fits_i32(sum.range) && sum.multipliers.contains(&1);
    if let Some(choice) = exact(&words)? {
        return Ok(choice);
    }
    let corners: Option<Vec<Corners>> =
        functions.par_iter().map(|function| Corners::of(function, ranges, codes)).collect();
    let lines = |width: Width| {
        let corners = corners.as_ref()?;
        let lines: Option<Vec<PairLine>> =
            corners.par_iter().map(|corners| corners.line(width, ranges)).collect();
        Some(proven(functions, ranges, of_lines(&lines?, width, lo, hi)))
    };
    if let Some(choice) = lines(Width::W32) {
        return choice;
    }
    if let Some(choice) = exact(&|sum| super::fits_i32(sum.range))? {
        return Ok(choice);
    }
    if let Some(choice) = lines(Width::W64) {
        return choice;
    }
    // Lists are compared with the others by their size.
    let exact = exact(&|_| true)?;
    let (lines, exact_list) = match exact {
        Some(choice) if choice.params.kind() == FormKind::Thresholds64 => (None, Some(choice)),
        other => (other, None),
    };
    if let Some(choice) = lines {
        return Ok(choice);
    }
    let exact_list = exact_list.map(|choice| (choice.multipliers, choice.params));
    let thresholds = pair_thresholds::solve(functions, ranges, codes)
        .map(|(multipliers, form)| (multipliers, RequantParams { form, lo, hi }));
    let bytes = |(_, params): &(_, RequantParams)| params.size_bytes();
    let list = [thresholds, exact_list].into_iter().flatten().min_by_key(bytes);
    // An entry has a byte at least, and takes as long to find as a code takes to compute.
    let room = list.as_ref().map_or(MAX_ENTRIES as usize, bytes);
    let table = match functions {
        [function] => table(function, ranges, room)
            .map(|(multipliers, form)| (vec![multipliers], RequantParams { form, lo, hi })),
        _ => None,
    };
    match [list, table].into_iter().flatten().min_by_key(bytes) {
        Some(smaller) => proven(functions, ranges, smaller),
        None => pair_nearly::solve(functions, ranges, costs, |found| proven(functions, ranges, found))
            .ok_or(RequantError::NoForm { channels: functions.len(), codes }),
    }
}

fn proven(
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    (multipliers, params): (Vec<[i64; 2]>, RequantParams),
) -> Result<PairChoice, RequantError> {
    let form = params.kind();
    let certificate = certify_pair(functions, ranges, &multipliers, &params.view())
        .map_err(|error| RequantError::Uncertified { form, error })?;
    Ok(PairChoice { multipliers, params, certificate })
}

/// The multipliers of lines, and the requantization of the sums they make.
fn of_lines(lines: &[PairLine], width: Width, lo: i32, hi: i32) -> (Vec<[i64; 2]>, RequantParams) {
    let multipliers = lines.iter().map(|line| line.multipliers).collect();
    let shifts = lines.iter().map(|line| line.shift).collect();
    let form = match width {
        Width::W32 => {
            let offsets = lines.iter().map(|line| line.offset as i32).collect();
            FormParams::Multiply32 { multipliers: vec![1], offsets, shifts }
        }
        Width::W64 => {
            let words = |line: &PairLine| [line.offset as i64, (line.offset >> 64) as i64];
            let offsets = lines.iter().map(words).collect();
            FormParams::Multiply128 { multipliers: vec![1], offsets, shifts }
        }
    };
    (multipliers, RequantParams { form, lo, hi })
}

/// The least integers in the proportion of the gains, and the sums they give.
struct Proportion {
    multipliers: [i64; 2],
    range: IntRange,
}

impl Proportion {
    /// `None` if the integers or the sums leave 64 bits.
    fn new(f: &PairFunction, ranges: [IntRange; 2]) -> Option<Self> {
        let [a, b] = &f.gains;
        let unit = a.denom().lcm(b.denom());
        let [p, q] = [a, b].map(|gain| gain.numer() * (&unit / gain.denom()));
        let divisor = p.gcd(&q);
        let multipliers =
            if divisor.is_zero() { [0, 0] } else { [(p / &divisor).to_i64()?, (q / &divisor).to_i64()?] };
        let scaled = |i: usize| ranges[i].checked_scale(multipliers[i]);
        Some(Self { multipliers, range: scaled(0)?.checked_add(scaled(1)?)? })
    }
}

/// The sums as accumulators; `None` if no form computes them.
fn exact_sum(
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    sums: &[Proportion],
    costs: Costs<'_>,
) -> Result<Option<PairChoice>, RequantError> {
    let channel = |(function, sum): (&PairFunction, &Proportion)| {
        Some(Channel { function: function.of_sum(sum.multipliers)?, range: sum.range })
    };
    let Some(channels) = functions.iter().zip(sums).map(channel).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let mut multipliers: Vec<[i64; 2]> = sums.iter().map(|sum| sum.multipliers).collect();
    if multipliers.iter().all(|pair| *pair == multipliers[0]) {
        multipliers.truncate(1);
    }
    match choose(&channels, costs) {
        Ok(choice) => proven(functions, ranges, (multipliers, choice.params)).map(Some),
        Err(RequantError::NoForm { .. } | RequantError::Steps { .. } | RequantError::Range { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Every pair, row by row, if they are at most `room`.
fn table(f: &PairFunction, [a, b]: [IntRange; 2], room: usize) -> Option<([i64; 2], FormParams)> {
    let [rows, columns] =
        [a, b].map(|range| range.hi.checked_sub(range.lo).and_then(|span| span.checked_add(1)));
    let (rows, columns) = (rows?, columns?);
    let domain = rows.checked_mul(columns)?;
    if domain > MAX_ENTRIES || u64::try_from(domain).ok()? > room as u64 {
        return None;
    }
    let row = |a: i64| {
        let function = f.of_second(a);
        (b.lo..=b.hi).map(move |b| function.eval(b))
    };
    let entries = TableCodes::new(&(a.lo..=a.hi).flat_map(row).collect::<Vec<_>>())?;
    let first = columns.checked_mul(a.lo)?.checked_add(b.lo)?.to_i32()?;
    Some(([columns, 1], FormParams::Table { first, entries, domain: domain.to_u32()? }))
}

#[cfg(test)]
mod tests;
