//! Tap after tap: where each channel has a filter of its own, the channels of a pixel and their weights are then read in
//! order.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change, element};

pub(super) const fn allows(codes: Reads, _: bool) -> bool {
    matches!(codes, Reads::Depthwise)
}

pub(super) const ELEMENTS: &[Element] = &[Element::I8, Element::I16];

pub(super) const fn range(element: Element) -> IntRange {
    element.range()
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    shape.filters.checked_mul(shape.elems)
}

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    i.wrapping_mul(shape.filters).wrapping_add(o)
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    element(elements, index(shape, o, i))
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |_| weight);
}

/// Whether a convolution may have this packing: as many groups as input and as output channels, and several.
pub const fn is_depthwise(groups: usize, in_channels: usize, out_channels: usize) -> bool {
    groups > 1 && groups == in_channels && groups == out_channels
}
