//! Which buffers may take over the place of another one, and what that can save at most.

use super::Buffer;

/// All legal `(old, new)` of `buffers`: `new` may start where `old` starts.
///
/// Lifetimes of a chain of such pairs follow each other, meeting in one operation each, so pairs only compete where
/// two buffers want the same place.
pub(super) fn pairs(buffers: &[Buffer]) -> Vec<(usize, usize)> {
    let pair = |(new, buffer): (usize, &Buffer)| {
        let old = buffer.in_place_of?;
        let both_exist = buffer.size_bytes > 0 && buffers.get(old)?.size_bytes > 0;
        (both_exist && buffer.may_replace(old, buffers)).then_some((old, new))
    };
    buffers.iter().enumerate().filter_map(pair).collect()
}

/// Most units of `alignment_bytes` in use during one operation, with the largest saving that sharing allows.
pub(super) fn lower_bound_units(buffers: &[Buffer], alignment_bytes: usize) -> usize {
    let units = |index: usize| buffers[index].size_bytes.div_ceil(alignment_bytes);
    let pairs = pairs(buffers);
    let live_units = |op: usize| {
        let live = (0..buffers.len()).filter(|&i| buffers[i].first <= op && op <= buffers[i].last);
        let total: usize = live.clone().map(units).sum();
        let saving = |old: usize| {
            let takers = pairs.iter().filter(|(replaced, new)| *replaced == old && buffers[*new].first == op);
            takers.map(|(_, new)| units(*new).min(units(old))).max().unwrap_or(0)
        };
        total - live.map(saving).sum::<usize>()
    };
    // Every set of buffers that meet does so where one of them begins.
    buffers.iter().map(|buffer| live_units(buffer.first)).max().unwrap_or(0)
}
