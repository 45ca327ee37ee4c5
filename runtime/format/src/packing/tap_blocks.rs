//! Taps of four channels after each other, in 16 bits: what one instruction multiplies with a half of a word of codes.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change, element};

pub(super) const ELEMENTS: &[Element] = &[Element::I16];

pub(super) const fn allows(codes: Reads, wide: bool) -> bool {
    matches!(codes, Reads::Depthwise) && !wide
}

pub(super) const fn range(element: Element) -> IntRange {
    element.range()
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    match shape.filters.checked_next_multiple_of(4) {
        Some(filters) => filters.checked_mul(shape.elems),
        None => None,
    }
}

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    let block = (o & !3).wrapping_mul(shape.elems);
    block.wrapping_add(i.wrapping_mul(4)).wrapping_add(o & 3)
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    element(elements, index(shape, o, i))
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |_| weight);
}
