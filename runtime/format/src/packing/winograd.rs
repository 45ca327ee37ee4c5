//! Filters of 3 by 3 weights that are transformed for tiles of 2 by 2 sums (Winograd's F(2x2, 3x3)): 16 products with an input
//! channel make four sums, which take 36 without.
//!
//! An element is one of the 16 of `2G w (2G)^T`, which are integers; what the kernel sums up is four times the accumulator, in
//! 32 bits that may wrap on the way. So a filter's weights are what nine sums of its elements are four times of.

use exactum_num::IntRange;
use exactum_num::codes::{Codes, Element};

use super::{FilterShape, Reads};

/// Taps of a filter, for each input channel.
const TAPS: usize = 9;

/// Elements that these are transformed to.
const PLACES: usize = 16;

/// Twice the rows of G: what the weights of a column become.
const ROWS: [[i32; 3]; 4] = [[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]];

/// What four elements of a column make twice each of its weights of.
const BACK: [[i32; 4]; 3] = [[1, 0, 0, 0], [0, 1, -1, 0], [0, 0, 0, 1]];

pub(super) const ELEMENTS: &[Element] = &[Element::I16];

pub(super) const fn allows(codes: Reads, wide: bool) -> bool {
    matches!(codes, Reads::Tiles) && !wide
}

/// Nine of them are added up in one element.
pub(super) const fn range(_: Element) -> IntRange {
    IntRange { lo: -3640, hi: 3640 }
}

/// Four times these are known where they have 32 bits.
pub(super) fn holds(range: IntRange) -> bool {
    range.signed_bits() <= 30
}

/// Four codes are added up before they are multiplied, in 16 bits.
pub(super) fn takes(centered: IntRange) -> bool {
    centered.checked_scale(4).is_some_and(|most| {
        Element::I16.range().contains_range(most) && Element::I16.range().contains(most.lo.saturating_neg())
    })
}

/// Input channels with those that fill the last four.
const fn padded(elems: usize) -> Option<usize> {
    elems.div_ceil(TAPS).checked_next_multiple_of(4)
}

pub(super) const fn len_elems(shape: FilterShape) -> Option<usize> {
    let Some(filters) = shape.filters.checked_next_multiple_of(4) else { return None };
    match padded(shape.elems) {
        Some(channels) => match channels.checked_mul(PLACES) {
            Some(filter) => filter.checked_mul(filters),
            None => None,
        },
        None => None,
    }
}

/// The element at `place` of the transformed weights of filter `o` for input channel `channel`.
const fn index(shape: FilterShape, o: usize, channel: usize, place: usize) -> usize {
    let channels = match padded(shape.elems) {
        Some(channels) => channels,
        None => 0,
    };
    // Bytes 0 and 2 of a word are taken apart together, as are bytes 1 and 3.
    let pair = ((channel >> 2) << 1).wrapping_add(channel & 1);
    let row =
        (o >> 2).wrapping_mul(PLACES).wrapping_add(place).wrapping_mul(channels >> 1).wrapping_add(pair);
    row.wrapping_mul(8).wrapping_add((o & 3) << 1).wrapping_add((channel >> 1) & 1)
}

/// Row, column and input channel of weight `i`.
const fn tap(shape: FilterShape, i: usize) -> Option<([usize; 2], usize)> {
    let channels = shape.elems.div_ceil(TAPS);
    match (i.checked_div(channels), i.checked_rem(channels)) {
        (Some(tap), Some(channel)) => Some(([tap / 3, tap % 3], channel)),
        _ => None,
    }
}

/// Every place with its factor, the product of those of its row and its column.
fn places(
    rows: impl Iterator<Item = i32> + Clone,
    columns: impl Iterator<Item = i32> + Clone,
) -> impl Iterator<Item = i32> {
    rows.flat_map(move |row| columns.clone().map(move |column| row.wrapping_mul(column)))
}

fn element(elements: Codes<'_>, index: usize) -> i32 {
    elements.get(index).unwrap_or_default()
}

pub(super) fn weight(elements: Codes<'_>, shape: FilterShape, o: usize, i: usize) -> i32 {
    let Some(([y, x], channel)) = tap(shape, i) else { return 0 };
    let back = |tap: usize| BACK.get(tap).copied().unwrap_or_default().into_iter();
    let sum = |sum: i32, (place, factor): (usize, i32)| match factor {
        0 => sum,
        _ => sum.wrapping_add(factor.wrapping_mul(element(elements, index(shape, o, channel, place)))),
    };
    places(back(y), back(x)).enumerate().fold(0, sum) >> 2
}

pub(super) fn put(elements: &mut [i32], shape: FilterShape, o: usize, i: usize, weight: i32) {
    let Some(([y, x], channel)) = tap(shape, i) else { return };
    let along = |tap: usize| ROWS.into_iter().map(move |row| row.get(tap).copied().unwrap_or_default());
    for (place, factor) in places(along(y), along(x)).enumerate() {
        if let Some(element) = elements.get_mut(index(shape, o, channel, place)) {
            *element = element.wrapping_add(weight.wrapping_mul(factor));
        }
    }
}

/// Whether the elements of filter `o` are those that its weights are transformed to.
pub(super) fn is_transformed(elements: Codes<'_>, shape: FilterShape, o: usize) -> bool {
    (0..shape.elems.div_ceil(TAPS)).all(|channel| {
        let row = |y: usize| {
            let at =
                |x: usize| element(elements, index(shape, o, channel, y.wrapping_mul(4).wrapping_add(x)));
            [at(0), at(1), at(2), at(3)]
        };
        let rows = [row(0), row(1), row(2), row(3)];
        let [a, b, c, d] = rows;
        let each = |of: &dyn Fn(i32, i32) -> i32, [p, q]: [[i32; 4]; 2]| {
            let [[p, q, r, s], [t, u, v, w]] = [p, q];
            [of(p, t), of(q, u), of(r, v), of(s, w)]
        };
        let sums = [each(&i32::wrapping_add, [a, d]), each(&i32::wrapping_add, [b, c])];
        let back = [a, each(&i32::wrapping_sub, [b, c]), d];
        let fours = |[p, q, r, s]: [i32; 4]| [p, q.wrapping_sub(r), s].into_iter().all(|sum| sum & 3 == 0);
        let even = |[p, q, r, s]: [i32; 4]| p.wrapping_add(s) == q.wrapping_add(r);
        sums[0] == sums[1] && rows.into_iter().all(even) && back.into_iter().all(fours)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const SHAPE: FilterShape = FilterShape { filters: 1, elems: 9 };

    fn transformed(weights: &[i32]) -> Vec<i16> {
        let mut elements = vec![0i32; len_elems(SHAPE).unwrap()];
        weights.iter().enumerate().for_each(|(i, weight)| put(&mut elements, SHAPE, 0, i, *weight));
        elements.into_iter().map(|element| i16::try_from(element).unwrap()).collect()
    }

    proptest! {
        /// Against the matrices; and no element can be another one.
        #[test]
        fn elements_are_those_of_the_weights(
            weights in prop::array::uniform9(prop_oneof![Just(-3640), Just(3640), -3640..=3640]),
            changed in 0usize..16, by in prop_oneof![-8i16..=8, any::<i16>()],
        ) {
            let mut elements = transformed(&weights);
            for (place, at) in (0..16).map(|place| (place, index(SHAPE, 0, 0, place))) {
                let expected: i32 = (0..9).map(|tap| ROWS[place / 4][tap / 3] * ROWS[place % 4][tap % 3] * weights[tap]).sum();
                prop_assert_eq!(i32::from(elements[at]), expected);
            }
            prop_assert!(is_transformed(Codes::I16(&elements), SHAPE, 0));
            let at = index(SHAPE, 0, 0, changed);
            elements[at] = elements[at].wrapping_add(by);
            prop_assert_eq!(is_transformed(Codes::I16(&elements), SHAPE, 0), by == 0);
        }

        /// Elements that pass are those of the weights that are read.
        #[test]
        fn only_transformed_elements_pass(elements in prop::array::uniform16(-4i16..=4)) {
            let mut stored = vec![0i16; len_elems(SHAPE).unwrap()];
            (0..16).for_each(|place| stored[index(SHAPE, 0, 0, place)] = elements[place]);
            let weights: Vec<i32> = (0..9).map(|i| weight(Codes::I16(&stored), SHAPE, 0, i)).collect();
            prop_assert_eq!(is_transformed(Codes::I16(&stored), SHAPE, 0), transformed(&weights) == stored);
        }
    }

    #[test]
    fn four_codes_have_16_bits() {
        for (lo, hi, expected) in
            [(-128, 255, true), (-8191, 8191, true), (-8192, 0, false), (0, 8192, false), (1, 8191, true)]
        {
            assert_eq!(takes(IntRange { lo, hi }), expected, "{lo} to {hi}");
        }
    }
}
