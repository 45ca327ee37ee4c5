//! How many codes layers gather before they multiply them: a fact that the compiler, the loader and the kernels share.

/// Most codes that are gathered at once: filters that are longer are multiplied in parts.
const MOST_PATCH_ELEMS: usize = 256;

/// Codes of a window that are gathered at once for filters of `filter_elems` weights.
pub const fn patch_elems(filter_elems: usize) -> usize {
    if filter_elems < MOST_PATCH_ELEMS { filter_elems } else { MOST_PATCH_ELEMS }
}

/// Bytes that these codes take, minus zero point: 16 bits each.
pub(crate) const fn patch_bytes(filter_elems: usize) -> u32 {
    (patch_elems(filter_elems) as u32).wrapping_mul(size_of::<i16>() as u32)
}

/// Codes of a window that are gathered for filters of `filter_elems` weights which are packed in pairs: whole fours.
pub const fn pair_elems(filter_elems: usize) -> usize {
    match filter_elems.checked_next_multiple_of(4) {
        Some(elems) => elems,
        None => usize::MAX,
    }
}

/// Bytes that these codes take, 16 bits each, of two windows where there are at least two `positions`.
pub(crate) const fn pair_bytes(filter_elems: usize, positions: u32) -> u32 {
    let windows = if positions < 2 { 1 } else { 2 };
    let bytes = pair_elems(filter_elems).saturating_mul(windows).saturating_mul(size_of::<i16>());
    if bytes > u32::MAX as usize { u32::MAX } else { bytes as u32 }
}
