//! The form that counts thresholds: the function itself, written down.
//!
//! Cheap for one or two bits of output, and the exact fallback at any width that memory allows.

use super::{FormParams, Layer, share};
use crate::exact::{Channel, Shape};
use exactum_runtime::num::IntRange;

/// Most thresholds of one channel.
const MAX_STEPS: i64 = (1 << 17) - 1;

/// Thresholds of 32 bits.
pub(super) fn solve32(layer: &Layer<'_>) -> Option<FormParams> {
    solve(layer).map(|(signs, thresholds)| FormParams::Thresholds { signs, thresholds })
}

/// Thresholds of 64 bits, for sums that 32 do not hold.
pub(super) fn solve64(layer: &Layer<'_>) -> Option<FormParams> {
    solve(layer).map(|(signs, thresholds)| FormParams::Thresholds64 { signs, thresholds })
}

/// An integer that thresholds are stored as.
trait Stored: TryFrom<i64> + Into<i64> + Copy + PartialEq {
    const RANGE: IntRange;
}

impl Stored for i32 {
    const RANGE: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };
}

impl Stored for i64 {
    const RANGE: IntRange = IntRange { lo: i64::MIN, hi: i64::MAX };
}

/// Signs and thresholds of the channels.
fn solve<T: Stored>(layer: &Layer<'_>) -> Option<(Vec<i8>, Vec<T>)> {
    let codes = layer.codes();
    let falling = layer.falling.as_ref()?;
    if codes.hi - codes.lo > MAX_STEPS {
        return None;
    }
    let signs = share(falling.iter().map(|falling| if *falling { -1 } else { 1 }).collect());
    let first = layer.channels.first()?;
    let alike = signs.len() == 1 && layer.channels.iter().all(|channel| channel.function == first.function);
    let stored = if alike {
        // On the range of all channels a code may be reached that each alone leaves out.
        let range = layer.channels.iter().map(|channel| channel.range).reduce(IntRange::union)?;
        let all = Channel { function: first.function.clone(), range };
        let shape = all.function.shape(range);
        (shape != Shape::General).then(|| of_channel(&all, falling[0], codes)).flatten()
    } else {
        None
    };
    let thresholds = match stored {
        Some(shared) => shared,
        None => {
            let own = layer
                .channels
                .iter()
                .zip(falling)
                .map(|(channel, falling)| of_channel(channel, *falling, codes));
            own.collect::<Option<Vec<_>>>()?.concat()
        }
    };
    Some((signs, thresholds))
}

/// The accumulators, negated if the function falls, from which on each code above the smallest one is reached.
fn of_channel<T: Stored>(
    Channel { function, range }: &Channel,
    falling: bool,
    codes: IntRange,
) -> Option<Vec<T>> {
    let reached = if falling { IntRange { lo: -range.hi, hi: -range.lo } } else { *range };
    let stored = |code| {
        let threshold = function.first_at_least(code, *range, falling);
        let stored = T::RANGE.clamp(threshold);
        // A threshold past the stored bits is out of reach; the stored one must be as well.
        let same = (stored <= reached.lo) == (threshold <= reached.lo)
            && (stored <= reached.hi) == (threshold <= reached.hi);
        if same { T::try_from(stored).ok() } else { None }
    };
    if !T::RANGE.contains_range(reached) {
        return None;
    }
    (codes.lo + 1..=codes.hi).map(stored).collect()
}
