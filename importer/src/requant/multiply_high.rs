//! The form that keeps the high word of one product: its offset is added to the accumulator, so that layers start with it
//! and a code takes two instructions where processors have them.
//!
//! An integer offset moves a line by whole multipliers only, so not every slope has one. Slopes are tried from the middle
//! of their interval on, where the line may be moved most; with each bit of shift there are twice as many.

use super::FormParams;
use super::Layer;
use super::constraints::Constraints;
use super::share;
use super::slopes::Slopes;

/// Slopes that are tried with one shift.
const TRIED: i64 = 4096;

/// Shifts that are tried: with the last, slopes of `2^-17` have 31 bits.
const SHIFTS: std::ops::RangeInclusive<u8> = 0..=16;

/// Rounding, before the high word is taken.
const HALF: i128 = 1 << 31;

/// A line of one channel.
struct Line {
    multiplier: i32,
    offset: i32,
}

/// One shift for all channels, as small as can be; a multiplier and an offset for each of them.
pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let channels = layer.constraints.as_ref()?;
    let slopes = channels.iter().map(Slopes::new).collect::<Option<Vec<_>>>()?;
    let lines = |shift: u8| {
        let lines = channels.iter().zip(&slopes).map(|(channel, slopes)| line(channel, *slopes, shift));
        Some((lines.collect::<Option<Vec<Line>>>()?, shift))
    };
    let (lines, shift) = SHIFTS.into_iter().find_map(lines)?;
    Some(FormParams::MultiplyHigh {
        multipliers: lines.iter().map(|line| line.multiplier).collect(),
        offsets: lines.iter().map(|line| line.offset).collect(),
        shifts: share(vec![shift; lines.len()]),
    })
}

fn line(channel: &Constraints, slopes: Slopes, shift: u8) -> Option<Line> {
    let bits = 32 + shift;
    let (least, most) = slopes.multipliers(bits, i32::MAX.into())?;
    let middle = least + (most - least) / 2;
    // From the middle outwards.
    (0..TRIED.min(most - least + 1)).find_map(|step| {
        let away = (step + 1) / 2;
        let multiplier = if step % 2 == 0 { middle - away } else { middle + away };
        if multiplier < least || multiplier > most { None } else { offset(channel, multiplier, bits) }
    })
}

/// The line with `multiplier`, if an offset suits it.
fn offset(channel: &Constraints, multiplier: i64, bits: u8) -> Option<Line> {
    let (least, most) = channel.offsets(multiplier, bits)?;
    let slope = i128::from(multiplier);
    let offset = if multiplier == 0 {
        (least <= HALF && HALF <= most).then_some(0)?
    } else {
        // The offset nearest to the middle of what may be added to products.
        let middle = least + (most - least) / 2 - HALF;
        let offset = (middle + slope / 2).div_euclid(slope);
        let added = slope * offset + HALF;
        (least <= added && added <= most).then_some(offset)?
    };
    // Of either sign.
    let sum = |x: i64| i32::try_from(i128::from(x) + offset).ok()?.checked_neg();
    sum(channel.range.lo)?;
    sum(channel.range.hi)?;
    let (multiplier, offset) = (i32::try_from(multiplier).ok()?, i32::try_from(offset).ok()?);
    Some(if channel.falling {
        // What falls is computed of accumulators, not of their negatives.
        Line { multiplier: -multiplier, offset: offset.checked_neg()? }
    } else {
        Line { multiplier, offset }
    })
}
