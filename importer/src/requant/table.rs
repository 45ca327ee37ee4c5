//! The form that looks codes up: for accumulators of few values.

use super::{FormParams, Layer, TableCodes};
use exactum_runtime::num::IntRange;
use num_traits::ToPrimitive;

/// Most entries of one channel.
const MAX_DOMAIN: i64 = 1 << 16;

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let range = layer.channels.iter().map(|channel| channel.range).reduce(IntRange::union)?;
    let domain = range.hi - range.lo + 1;
    if domain > MAX_DOMAIN {
        return None;
    }
    let alike = layer.channels.windows(2).all(|pair| pair[0].function == pair[1].function);
    let stored = if alike { &layer.channels[..1] } else { layer.channels };
    let codes =
        stored.iter().flat_map(|channel| (range.lo..=range.hi).map(move |acc| channel.function.eval(acc)));
    Some(FormParams::Table {
        first: range.lo.to_i32()?,
        entries: TableCodes::new(&codes.collect::<Vec<_>>())?,
        domain: domain.to_u32()?,
    })
}
