//! Thresholds for a function of two operands whose scales are in no proportion of small integers.
//!
//! The pairs that reach a code lie on one side of a line, and only finitely many of them are near it. So factors in
//! nearly the right proportion separate them as well: the best approximations whose sums fit 32 bits are tried, then those
//! whose sums fit 64, and the checker compares all pairs.

use super::{FormParams, share};
use crate::exact::{Function, PairFunction, Rational, Shape};
use exactum_runtime::num::IntRange;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Most codes, each looked for in the row of one value of an operand.
const MAX_STEPS: u128 = 1 << 18;

/// The factors of each channel's operands and the thresholds of their sums.
pub(super) fn solve(
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    codes: IntRange,
) -> Option<(Vec<[i64; 2]>, FormParams)> {
    let narrow = |thresholds: &[i64]| -> Option<Vec<i32>> {
        thresholds.iter().map(|threshold| threshold.to_i32()).collect()
    };
    let sums32 = within(SUMS_32, functions, ranges, codes).and_then(
        |Separation { multipliers, signs, thresholds }| {
            Some((multipliers, FormParams::Thresholds { signs, thresholds: narrow(&thresholds)? }))
        },
    );
    sums32.or_else(|| {
        let Separation { multipliers, signs, thresholds } = within(SUMS_64, functions, ranges, codes)?;
        Some((multipliers, FormParams::Thresholds64 { signs, thresholds }))
    })
}

/// Sums of which neither the negative nor the one behind the largest leaves 32 bits.
const SUMS_32: IntRange = IntRange { lo: i32::MIN as i64 + 1, hi: i32::MAX as i64 - 1 };

/// The same for 64 bits, and differences of sums as well.
const SUMS_64: IntRange = IntRange { lo: -(1 << 61), hi: 1 << 61 };

/// What all channels have.
struct Separation {
    multipliers: Vec<[i64; 2]>,
    signs: Vec<i8>,
    thresholds: Vec<i64>,
}

/// The factors whose sums lie in `sums`.
fn within(
    sums: IntRange,
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    codes: IntRange,
) -> Option<Separation> {
    let spans = ranges.map(|range| u128::from(range.hi.abs_diff(range.lo)) + 1);
    let steps = u128::from(codes.hi.abs_diff(codes.lo));
    if spans[0].min(spans[1]).checked_mul(steps)? > MAX_STEPS {
        return None;
    }
    let swapped = spans[0] > spans[1];
    let of_channel = |function: &PairFunction| {
        let ([a, b], function) =
            if swapped { ([ranges[1], ranges[0]], function.swapped()) } else { (ranges, function.clone()) };
        let mut channel = of_pair(sums, &function, [a, b], codes)?;
        if swapped {
            channel.multipliers.reverse();
        }
        Some(channel)
    };
    let channels = functions.iter().map(of_channel).collect::<Option<Vec<_>>>()?;
    let first = &channels[0];
    let alike = channels.iter().all(|channel| channel == first);
    let thresholds: Vec<i64> = if alike {
        first.thresholds.clone()
    } else {
        channels.iter().flat_map(|channel| channel.thresholds.iter().copied()).collect()
    };
    let signs = share(channels.iter().map(|channel| channel.sign).collect());
    let multipliers = share(channels.iter().map(|channel| channel.multipliers).collect());
    Some(Separation { multipliers, signs, thresholds })
}

#[derive(Clone, PartialEq, Eq)]
struct Separated {
    multipliers: [i64; 2],
    sign: i8,
    thresholds: Vec<i64>,
}

fn of_pair(
    sums: IntRange,
    function: &PairFunction,
    ranges: [IntRange; 2],
    codes: IntRange,
) -> Option<Separated> {
    let rows: Vec<(i64, Function)> =
        (ranges[0].lo..=ranges[0].hi).map(|a| (a, function.of_second(a))).collect();
    let rises = direction(&rows, ranges[1], function.gains[1].is_negative())?;
    let steps =
        Steps { rows: &rows, second: ranges[1], falls: rises == function.gains[1].is_negative(), codes };
    let steps = steps.all();
    // The longest factors separate best.
    let tried = convergents(sums, function, ranges);
    tried.into_iter().rev().find_map(|multipliers| {
        let sign = if rises { 1 } else { -1 };
        let thresholds =
            separate(&rows, ranges[1], &steps, multipliers.map(|factor| factor * i64::from(sign)))?;
        Some(Separated { multipliers, sign, thresholds })
    })
}

/// Whether codes rise with the real sum in all rows; `None` if they do not go one way. Where `turned` they fall with
/// the second operand as the sum rises.
fn direction(rows: &[(i64, Function)], second: IntRange, turned: bool) -> Option<bool> {
    let mut found = None;
    for (_, row) in rows {
        let rises = match row.shape(second) {
            Shape::Rising => !turned,
            Shape::Falling => turned,
            Shape::Constant => continue,
            Shape::General => return None,
        };
        if *found.get_or_insert(rises) != rises {
            return None;
        }
    }
    let ends = |(_, row): &(i64, Function)| row.eval(second.lo);
    found.or_else(|| {
        (rows.iter().map(ends).collect::<std::collections::BTreeSet<_>>().len() <= 1).then_some(true)
    })
}

/// Where the codes of each row begin.
struct Steps<'a> {
    rows: &'a [(i64, Function)],
    second: IntRange,
    /// Whether codes fall where the second operand rises.
    falls: bool,
    codes: IntRange,
}

impl Steps<'_> {
    /// For each code after the first, in each row the last value of the second operand below it and the first with it.
    fn all(&self) -> Vec<Vec<[Option<i64>; 2]>> {
        let at = |n: i64| if self.falls { -n } else { n };
        let IntRange { lo, hi } = self.second;
        let (first, last) = if self.falls { (-hi, -lo) } else { (lo, hi) };
        let step = |code: i64, row: &Function| {
            let reached = row.first_at_least(code, self.second, self.falls).max(first);
            [(reached > first).then(|| at(reached.min(last + 1) - 1)), (reached <= last).then(|| at(reached))]
        };
        let codes = self.codes.lo + 1..=self.codes.hi;
        codes.map(|code| self.rows.iter().map(|(_, row)| step(code, row)).collect()).collect()
    }
}

/// Thresholds of `multipliers[0] * a + multipliers[1] * b`, if those sums go the way of the codes and tell them apart.
fn separate(
    rows: &[(i64, Function)],
    second: IntRange,
    steps: &[Vec<[Option<i64>; 2]>],
    multipliers: [i64; 2],
) -> Option<Vec<i64>> {
    let [p, q] = multipliers;
    let sum = |a: i64, b: i64| p * a + q * b;
    let all = rows.iter().flat_map(|(a, _)| [sum(*a, second.lo), sum(*a, second.hi)]);
    let beyond = all.max()? + 1;
    let mut before = i64::MIN;
    let mut thresholds = vec![];
    for step in steps {
        let with_row = || rows.iter().zip(step);
        let below = with_row().filter_map(|((a, _), [below, _])| Some(sum(*a, (*below)?))).max();
        let reached = with_row().filter_map(|((a, _), [_, reached])| Some(sum(*a, (*reached)?))).min();
        let threshold = reached.unwrap_or(beyond);
        if below.is_some_and(|below| below >= threshold) || threshold < before {
            return None;
        }
        before = threshold;
        thresholds.push(threshold);
    }
    Some(thresholds)
}

/// The convergents of the proportion of the gains whose sums lie in `sums`, shortest first.
pub(super) fn convergents(sums: IntRange, function: &PairFunction, ranges: [IntRange; 2]) -> Vec<[i64; 2]> {
    let [a, b] = &function.gains;
    if a.is_zero() || b.is_zero() {
        // One operand alone decides, which is an exact proportion.
        return vec![];
    }
    let fits = |multipliers: [i64; 2]| {
        let scaled = |i: usize| ranges[i].checked_scale(multipliers[i]);
        let sum = scaled(0).zip(scaled(1)).and_then(|(a, b)| a.checked_add(b));
        sum.is_some_and(|sum| sums.contains_range(sum))
    };
    let signed = |p: &BigInt, q: &BigInt| {
        let sign = |gain: &Rational| if gain.is_negative() { -1 } else { 1 };
        Some([p.to_i64()?.checked_mul(sign(a))?, q.to_i64()?.checked_mul(sign(b))?])
    };
    let mut rest = (a / b).abs();
    let (mut before, mut last) = ([BigInt::zero(), BigInt::one()], [BigInt::one(), BigInt::zero()]);
    let mut found = vec![];
    loop {
        let (whole, remainder) = rest.numer().div_mod_floor(rest.denom());
        let next = [&whole * &last[0] + &before[0], &whole * &last[1] + &before[1]];
        match signed(&next[0], &next[1]).filter(|multipliers| fits(*multipliers)) {
            // A proportion past all factors starts with 0, which no sum of both is.
            Some(multipliers) if multipliers[0] != 0 => found.push(multipliers),
            Some(_) => {}
            None => return found,
        }
        if remainder.is_zero() {
            return found;
        }
        rest = Rational::new(rest.denom().clone(), remainder);
        (before, last) = (last, next);
    }
}
