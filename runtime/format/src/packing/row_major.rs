//! One filter after the other, an element for each weight: what the dot products of dense layers and convolutions read in order.

use exactum_num::IntRange;
use exactum_num::codes::Element;

use super::{FilterShape, Reads};

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

pub(super) const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    o.wrapping_mul(shape.elems).wrapping_add(i)
}

pub(super) const fn get(element: i32, _: usize, _: usize) -> i32 {
    element
}

pub(super) const fn put(_: i32, _: usize, _: usize, weight: i32) -> i32 {
    weight
}
