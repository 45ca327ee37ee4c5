//! Which outputs of a window operator find an element of the input. Called by `conv` and `max_pool`.

use std::ops::Range;

/// The outputs along an axis whose element at `shift` from the window's start, `stride` apart, lies inside the input.
pub(super) fn outputs_inside(shift: isize, stride: usize, input: usize, outputs: usize) -> Range<usize> {
    let stride = stride as isize;
    let before = (-shift).max(0);
    let first = before.div_euclid(stride) + isize::from(before % stride != 0);
    let last = ((input as isize - 1 - shift).div_euclid(stride) + 1).clamp(0, outputs as isize);
    first as usize..last.max(first) as usize
}

/// The element at `tap` of the window of output `output`, if it lies inside the input.
pub(super) fn element(
    output: usize,
    tap: usize,
    [stride, dilation, begin, input]: [usize; 4],
) -> Option<usize> {
    (output * stride + tap * dilation).checked_sub(begin).filter(|element| *element < input)
}
