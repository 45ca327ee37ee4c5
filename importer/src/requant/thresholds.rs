//! The form that counts thresholds: the function itself, written down.
//!
//! Cheap for one or two bits of output, and the exact fallback at any width that memory allows.

use super::{FormParams, Layer, MAX_STEPS, fits_i32, share};
use crate::exact::Channel;
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let codes = layer.codes();
    if codes.hi - codes.lo > MAX_STEPS {
        return None;
    }
    let signs = layer.channels.iter().map(|channel| if channel.function.is_falling() { -1 } else { 1 });
    let signs = share(signs.collect());
    let alike = layer.channels.windows(2).all(|pair| pair[0].function == pair[1].function);
    let mut thresholds = Vec::new();
    for (index, channel) in layer.channels.iter().enumerate() {
        let own = of_channel(channel)?;
        if index == 0 || !alike {
            thresholds.extend(own);
        }
    }
    Some(FormParams::Thresholds { signs, thresholds })
}

/// The accumulators, negated if the function falls, from which on each code above the smallest one is reached.
fn of_channel(Channel { function, range }: &Channel) -> Option<Vec<i32>> {
    let reached = if function.is_falling() { IntRange { lo: -range.hi, hi: -range.lo } } else { *range };
    let stored = |code| {
        let threshold = function.threshold(code);
        let stored = threshold.clamp(i32::MIN.into(), i32::MAX.into());
        // A threshold past 32 bits is out of reach; the stored one must be as well.
        let same = (stored <= reached.lo) == (threshold <= reached.lo)
            && (stored <= reached.hi) == (threshold <= reached.hi);
        if same { stored.to_i32() } else { None }
    };
    if !fits_i32(reached) {
        return None;
    }
    (function.codes().lo + 1..=function.codes().hi).map(stored).collect()
}
