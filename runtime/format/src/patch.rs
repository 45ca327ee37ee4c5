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

/// Codes of a tile's windows, and what they are transformed to, of four channels that kernels of 3 by 3 filters in tiles work
/// with: four rows of six columns, and 16 places of two tiles.
pub const TILE_ELEMS: [usize; 2] = [24 * 4, 16 * 8];

/// Bytes that these take, 16 bits each, of `channels` channels.
pub(crate) const fn tile_bytes(channels: u32) -> u32 {
    let elems = TILE_ELEMS[0].wrapping_add(TILE_ELEMS[1]);
    channels.div_ceil(4).saturating_mul(elems.wrapping_mul(size_of::<i16>()) as u32)
}
