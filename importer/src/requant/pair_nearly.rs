//! Sums of two long operands, such as those of two layers, in nearly the proportion of their gains.
//!
//! A good approximation of the proportion leaves an error far below one unit, whatever the operands are, so that one integer
//! nearly counts the real sum. The function of that integer is solved as that of any accumulator, and the checker decides
//! whether the error matters; where it does, the next better approximation is tried.

use super::pair_thresholds::convergents;
use super::{FormKind, RequantError, RequantParams, choose};
use crate::exact::is_double;
use crate::exact::{Channel, PairFunction, Rational, Shape, from_integer};
use crate::requant::Costs;
use exactum_runtime::num::IntRange;
use num_traits::{Signed, Zero};

/// Sums of which neither the negative nor one a little larger leaves 62 bits.
const SUMS: IntRange = IntRange { lo: -(1 << 60), hi: 1 << 60 };

/// Factors for each channel, or for all, and the requantization of the sums they make, the shortest that `proven` takes; `None`
/// if there are none.
pub(super) fn solve<T>(
    functions: &[PairFunction],
    ranges: [IntRange; 2],
    costs: Costs<'_>,
    proven: impl Fn((Vec<[i64; 2]>, RequantParams)) -> Result<T, RequantError>,
) -> Option<T> {
    let found: Vec<Vec<[i64; 2]>> =
        functions.iter().map(|function| convergents(SUMS, function, ranges)).collect();
    let steps = functions.iter().map(|function| function.codes().hi.abs_diff(function.codes().lo)).max()?;
    // As many steps as there are fall on integers at random.
    let places = steps.max(1).saturating_mul(functions.len() as u64);
    let mut bits = 1 + places.ilog2();
    let mut tried = vec![];
    // A list that is proven, where a line may be found by a better approximation, which is far smaller.
    let mut list = None;
    let has_lines = |function: &PairFunction| !function.curve.pieces().iter().any(is_double);
    let may_be_line = functions.iter().all(has_lines);
    loop {
        let unit = Rational::new(1.into(), num_bigint::BigInt::from(1) << bits);
        let fine = |(function, found): (&PairFunction, &Vec<[i64; 2]>)| {
            found.iter().copied().find(|factors| error(function, ranges, *factors) <= unit)
        };
        let Some(mut factors) = functions.iter().zip(&found).map(fine).collect::<Option<Vec<[i64; 2]>>>()
        else {
            return list;
        };
        bits += 1;
        if factors == tried {
            // The last convergent is the proportion itself, which no other is better than.
            if factors
                .iter()
                .zip(functions)
                .all(|(factors, function)| error(function, ranges, *factors).is_zero())
            {
                return list;
            }
            continue;
        }
        tried.clone_from(&factors);
        let channel = |(function, [p, q]): (&PairFunction, &[i64; 2])| {
            let scaled = |operand: usize, factor: i64| ranges[operand].checked_scale(factor);
            let range = scaled(0, *p)?.checked_add(scaled(1, *q)?)?;
            Some(Channel { function: function.of_unit(&function.gains[1] / from_integer(*q)), range })
        };
        let Some(channels) = functions.iter().zip(&factors).map(channel).collect::<Option<Vec<Channel>>>()
        else {
            return list;
        };
        if factors.iter().all(|pair| *pair == factors[0]) {
            factors.truncate(1);
        }
        // Only functions that go one way are proven, and lists of others are as long as their sums.
        if channels.iter().any(|channel| channel.function.shape(channel.range) == Shape::General) {
            return None;
        }
        // What has no form of one integer has none of a longer one.
        let Ok(choice) = choose(&channels, costs) else { return list };
        let is_list =
            matches!(choice.params.kind(), FormKind::Thresholds | FormKind::Thresholds64 | FormKind::Table);
        if let Ok(found) = proven((factors, choice.params)) {
            if !is_list || !may_be_line {
                return Some(found);
            }
            list = list.or(Some(found));
        }
    }
}

/// How far the integer can be from the real sum in units of the second operand's factor.
fn error(function: &PairFunction, ranges: [IntRange; 2], [p, q]: [i64; 2]) -> Rational {
    let unit = &function.gains[1] / from_integer(q);
    let largest = from_integer(ranges[0].lo).abs().max(from_integer(ranges[0].hi).abs());
    if unit.is_zero() {
        Rational::zero()
    } else {
        (&function.gains[0] / unit - from_integer(p)).abs() * largest
    }
}
