//! The form without a multiplier: accumulators are codes already, up to an offset and the clamp.

use super::lines::{Machine, Slope, finish};
use super::{FormParams, Layer};

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let channels = layer.constraints.as_ref()?;
    if channels.iter().any(|channel| channel.falling) {
        return None;
    }
    let identity = vec![Slope { multiplier: 1, shift: 0 }; channels.len()];
    let lines = finish(channels, Some(identity), Machine::BITS_32)?;
    let offsets = lines.offsets.into_iter().map(|offset| i32::try_from(offset).ok());
    Some(FormParams::Offset { offsets: offsets.collect::<Option<_>>()? })
}
