//! Which taps of a sliding window lie inside the image, along one axis.

/// First position a window reads for output position `position`; negative inside the padding.
pub(super) fn origin(position: usize, stride: u16, pad: u16) -> isize {
    position.wrapping_mul(stride.into()).wrapping_sub(pad.into()) as isize
}

/// Position of tap `tap` along an axis of `limit` elements; `None` in the padding.
pub(super) fn position(origin: isize, tap: usize, dilation: u16, limit: usize) -> Option<usize> {
    let position = origin.wrapping_add_unsigned(tap.wrapping_mul(dilation.into()));
    usize::try_from(position).ok().filter(|position| *position < limit)
}

/// The taps of a window that lie inside the axis, each with its position.
pub(super) fn inside(
    origin: isize,
    size: u16,
    dilation: u16,
    limit: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..usize::from(size)).filter_map(move |tap| Some((tap, position(origin, tap, dilation, limit)?)))
}
