//! One filter after the other, an element for each weight: what the dot products of dense layers and convolutions read in order.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change, element};

pub(super) const fn allows(_: Reads, _: bool) -> bool {
    true
}

pub(super) const ELEMENTS: &[Element] = &[Element::I8, Element::I16];

pub(super) const fn range(element: Element) -> IntRange {
    element.range()
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    shape.filters.checked_mul(shape.elems)
}

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    o.wrapping_mul(shape.elems).wrapping_add(i)
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    element(elements, index(shape, o, i))
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |_| weight);
}
