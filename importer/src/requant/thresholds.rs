//! The form that counts thresholds: the function itself, written down.
//!
//! Cheap for one or two bits of output, and the exact fallback at any width that memory allows.

use super::{FormParams, Layer, fits_i32, share};
use crate::exact::{Channel, Shape};
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;

/// Most thresholds of one channel.
const MAX_STEPS: i64 = (1 << 17) - 1;

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
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
    Some(FormParams::Thresholds { signs, thresholds })
}

/// The accumulators, negated if the function falls, from which on each code above the smallest one is reached.
fn of_channel(Channel { function, range }: &Channel, falling: bool, codes: IntRange) -> Option<Vec<i32>> {
    let reached = if falling { IntRange { lo: -range.hi, hi: -range.lo } } else { *range };
    let stored = |code| {
        let threshold = function.first_at_least(code, *range, falling);
        let stored = threshold.clamp(i32::MIN.into(), i32::MAX.into());
        // A threshold past 32 bits is out of reach; the stored one must be as well.
        let same = (stored <= reached.lo) == (threshold <= reached.lo)
            && (stored <= reached.hi) == (threshold <= reached.hi);
        if same { stored.to_i32() } else { None }
    };
    if !fits_i32(reached) {
        return None;
    }
    (codes.lo + 1..=codes.hi).map(stored).collect()
}
