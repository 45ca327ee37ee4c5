//! Weights from -8 to 7 in half the flash: two in a byte, the first in its low half, each filter from a byte of its own on.

use exactum_num::IntRange;
use exactum_num::codes::Element;

use super::{FilterShape, Reads};

pub(super) const fn allows(_: Reads, _: bool) -> bool {
    true
}

pub(super) const ELEMENTS: &[Element] = &[Element::U8];

pub(super) const fn range(_: Element) -> IntRange {
    IntRange { lo: -8, hi: 7 }
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    shape.filters.checked_mul(shape.elems.div_ceil(2))
}

pub(super) const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    o.wrapping_mul(shape.elems.div_ceil(2)).wrapping_add(i >> 1)
}

pub(super) const fn get(element: i32, _: usize, i: usize) -> i32 {
    (element >> shift(i)) << 28 >> 28
}

pub(super) const fn put(element: i32, _: usize, i: usize, weight: i32) -> i32 {
    element & !(15 << shift(i)) | (weight & 15) << shift(i)
}

const fn shift(i: usize) -> u32 {
    if i & 1 == 0 { 0 } else { 4 }
}
