//! The form that keeps the high word of one product: its offset is added to the accumulator, so that layers start with it
//! and a code takes a multiplication, a shift and a saturation where processors have them.
//!
//! An integer offset moves a line by whole multipliers, an addend by whole units of the high word. Which of both suit is a
//! question of remainders: addends are tried in an order that begins with roundings of zero points, which with a bias for
//! an offset solve most layers, and ends after as many as almost surely have one.

use super::FormParams;
use super::Layer;
use super::constraints::Constraints;
use super::share;
use super::slopes::Slopes;

/// Addends that are tried with one multiplier: a line of 8-bit codes takes one of some 256 remainders.
const ADDENDS: i128 = 1024;

/// Multipliers that are tried: slopes near a fraction of small numbers have few remainders, and others lie beside them.
const MULTIPLIERS: i128 = 64;

/// Bits that shifts may have: with the last, slopes of `2^-24` have 31 bits.
const MOST_SHIFT: u8 = 22;

/// Rounding, before the high word is taken.
const HALF: i128 = 1 << 31;

/// A line of one channel.
struct Line {
    multiplier: i32,
    addend: i32,
    offset: i32,
}

/// One shift for all channels, as small as can be; a multiplier, an addend and an offset for each of them.
pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let channels = layer.constraints.as_ref()?;
    let slopes = channels.iter().map(Slopes::new).collect::<Option<Vec<_>>>()?;
    let zero_points = [layer.lo, 0, layer.hi].map(i128::from);
    let (lines, shift) = (0..=MOST_SHIFT).find_map(|shift| {
        // What solved the channel before comes first.
        let mut last = None;
        let lines = channels.iter().zip(&slopes).map(|(channel, slopes)| {
            let first = last.into_iter().chain(zero_points.map(|zero_point| rounded(zero_point, shift)));
            let line = line(channel, *slopes, shift, first)?;
            last = Some(line.addend.into());
            Some(line)
        });
        Some((lines.collect::<Option<Vec<Line>>>()?, shift))
    })?;
    Some(FormParams::MultiplyHigh {
        lines: lines.iter().map(|line| [line.multiplier, line.addend]).collect(),
        offsets: lines.iter().map(|line| line.offset).collect(),
        shifts: share(vec![shift; lines.len()]),
    })
}

/// The addend that rounds to the nearest code before it adds `zero_point`.
fn rounded(zero_point: i128, shift: u8) -> i128 {
    (zero_point << shift) + ((1 << shift) >> 1)
}

fn line(
    channel: &Constraints,
    slopes: Slopes,
    shift: u8,
    first: impl Iterator<Item = i128> + Clone,
) -> Option<Line> {
    let bits = 32 + shift;
    let (least, most) = slopes.multipliers(bits, i32::MAX.into())?;
    (0..MULTIPLIERS.min(i128::from(most - least) + 1)).find_map(|step| {
        // The middle, and then all over the interval: steps of the golden ratio.
        let at = (step * 40_503 + 32_768) % 65_536;
        let multiplier = least + i64::try_from((i128::from(most - least) * at) >> 16).ok()?;
        // One that is not 0, if there is one: lines that it moves nowhere are rare.
        with(channel, if multiplier == 0 { most } else { multiplier }, bits, first.clone())
    })
}

/// The line with `multiplier`, if an addend and an offset suit it.
fn with(channel: &Constraints, multiplier: i64, bits: u8, first: impl Iterator<Item = i128>) -> Option<Line> {
    let (low, high) = channel.offsets(multiplier, bits)?;
    let slope = i128::from(multiplier);
    // From 0 on, up and down.
    let others = (0..ADDENDS).map(|step| if step % 2 == 0 { step / 2 } else { -(step + 1) / 2 });
    first.chain(others).find_map(|addend| {
        // What is left to add to products.
        let (low, high) = (low - (addend << 32) - HALF, high - (addend << 32) - HALF);
        let offset = if slope == 0 {
            (low <= 0 && 0 <= high).then_some(0)?
        } else {
            let nearest = (low + (high - low) / 2 + slope / 2).div_euclid(slope);
            (low <= slope * nearest && slope * nearest <= high).then_some(nearest)?
        };
        of(channel, multiplier, addend, offset)
    })
}

/// The line, if everything fits 32 bits.
fn of(channel: &Constraints, multiplier: i64, addend: i128, offset: i128) -> Option<Line> {
    for x in [channel.range.lo, channel.range.hi] {
        // Of either sign.
        let sum = i32::try_from(i128::from(x) + offset).ok()?;
        sum.checked_neg()?;
        let high = (i128::from(multiplier) * i128::from(sum) + HALF) >> 32;
        i32::try_from(high + addend).ok()?;
    }
    let multiplier = i32::try_from(multiplier).ok()?;
    let (addend, offset) = (i32::try_from(addend).ok()?, i32::try_from(offset).ok()?);
    Some(if channel.falling {
        // What falls is computed of accumulators, not of their negatives.
        Line { multiplier: -multiplier, addend, offset: offset.checked_neg()? }
    } else {
        Line { multiplier, addend, offset }
    })
}
