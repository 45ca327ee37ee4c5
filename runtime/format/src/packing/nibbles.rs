//! Weights from -8 to 7 in half the flash: two in a byte, the first in its low half, each filter from a byte of its own on.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change, element};

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

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    o.wrapping_mul(shape.elems.div_ceil(2)).wrapping_add(i >> 1)
}

/// Weight `i` of a row, which `byte` holds.
pub const fn nibble(byte: u8, i: usize) -> i32 {
    (byte as i32 >> shift(i)) << 28 >> 28
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    nibble(element(elements, index(shape, o, i)) as u8, i)
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |element| element & !(15 << shift(i)) | (weight & 15) << shift(i));
}

const fn shift(i: usize) -> u32 {
    if i & 1 == 0 { 0 } else { 4 }
}
