//! Two filters in one element, `even + 256 * odd`: a product with it is that of both filters, from which that of the even one,
//! whose weight is the low byte, is subtracted at the end. So each weight takes part of an instruction to load, and none to
//! take apart but for one of every four.
//!
//! What is left, 256 times the sum of the odd filter in 32 bits, has 24 bits of it.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads, change, element};

pub(super) const ELEMENTS: &[Element] = &[Element::I16];

pub(super) const fn allows(codes: Reads, wide: bool) -> bool {
    matches!(codes, Reads::Shared | Reads::Tiles) && !wide
}

/// With -128 in both, an element would need 17 bits.
pub(super) const fn range(_: Element) -> IntRange {
    IntRange { lo: -127, hi: 127 }
}

/// Whether the sums of filter `o` are known: those of an odd one have 24 bits.
pub(super) fn holds(o: usize, range: IntRange) -> bool {
    o & 1 == 0 || range.signed_bits() <= 24
}

/// Weights of a filter with those that fill the last four.
const fn padded(elems: usize) -> Option<usize> {
    elems.checked_next_multiple_of(4)
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    let Some(row) = padded(shape.elems) else { return None };
    match row.checked_mul(4) {
        Some(block) => block.checked_mul(shape.filters.div_ceil(8)),
        None => None,
    }
}

const fn index(shape: FilterShape, o: usize, i: usize) -> usize {
    let block = match padded(shape.elems) {
        Some(row) => row.wrapping_mul(4),
        None => 0,
    };
    let pair = ((o & 7) >> 1) << 1;
    (o >> 3).wrapping_mul(block).wrapping_add((i >> 1).wrapping_mul(8)).wrapping_add(pair).wrapping_add(i & 1)
}

/// The weights of both filters in `element`.
const fn pair(element: i32) -> [i32; 2] {
    let even = element as i8 as i32;
    [even, element.wrapping_sub(even) >> 8]
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    let [even, odd] = pair(element(elements, index(shape, o, i)));
    if o & 1 == 0 { even } else { odd }
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    change(elements, index(shape, o, i), |element| {
        let [even, odd] = pair(element);
        let [even, odd] = if o & 1 == 0 { [weight, odd] } else { [even, weight] };
        even.wrapping_add(odd.wrapping_mul(256))
    });
}
