//! Four filters after each other, weight by weight, plus 128: one pointer leads through four filters, and bytes without a sign are
//! what small processors load at an offset that the instruction holds.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change};

pub(super) const ELEMENTS: &[Element] = &[Element::U8];

/// What elements have more than their weights.
const ABOVE: i32 = 128;

pub(super) const fn allows(codes: Reads, wide: bool) -> bool {
    matches!(codes, Reads::Shared | Reads::Tiles) && !wide
}

pub(super) const fn range(_: Element) -> IntRange {
    Element::I8.range()
}

/// Weights of a filter with those that fill the last four.
const fn padded(elems: usize) -> Option<usize> {
    elems.checked_next_multiple_of(4)
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    let Some(row) = padded(shape.elems) else { return None };
    match shape.filters.checked_next_multiple_of(4) {
        Some(filters) => filters.checked_mul(row),
        None => None,
    }
}

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    let row = match padded(shape.elems) {
        Some(row) => row,
        None => 0,
    };
    (o & !3).wrapping_mul(row).wrapping_add(i.wrapping_mul(4)).wrapping_add(o & 3)
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    match elements.get(index(shape, o, i)) {
        Some(element) => element.wrapping_sub(ABOVE),
        None => 0,
    }
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |_| weight.wrapping_add(ABOVE));
}
