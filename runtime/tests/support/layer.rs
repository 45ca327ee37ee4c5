//! Random inputs, weights and windows.

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::Window2d;
use proptest::prelude::*;
use proptest::sample::select;

/// A window with its image that gives at least one output.
pub(crate) fn window() -> impl Strategy<Value = (Window2d, [usize; 2])> {
    let pair = |max: u16| [1..=max, 1..=max];
    let fields = (pair(4), pair(3), pair(3), [0u16..=3, 0..=3, 0..=3, 0..=3], [1usize..=7, 1..=7]);
    fields
        .prop_map(|(size, stride, dilation, pads, image)| (Window2d { size, stride, dilation, pads }, image))
        .prop_filter("fits", |(window, image)| window.output(image.map(|dim| dim as u32)).is_some())
}

/// Element type, range and zero point of an input.
pub(crate) fn input_type() -> impl Strategy<Value = (Element, IntRange, i32)> {
    let types = select(vec![
        (Element::I8, -128i64, 127i64),
        (Element::I8, -7, 7),
        (Element::U8, 0, 255),
        (Element::U8, 0, 15),
        (Element::I16, -300, 1000),
    ]);
    (types, any::<bool>(), any::<u16>()).prop_map(|((element, lo, hi), zero, at)| {
        let zero_point = if zero && lo <= 0 { 0 } else { lo + i64::from(at) % (hi - lo + 1) };
        (element, IntRange { lo, hi }, zero_point as i32)
    })
}

/// `elems` codes of `range`, its ends more often than others.
pub(crate) fn codes(range: IntRange, elems: usize) -> impl Strategy<Value = Vec<i64>> {
    let code = prop_oneof![2 => range.lo..=range.hi, 1 => Just(range.lo), 1 => Just(range.hi)];
    prop::collection::vec(code, elems)
}

/// `elems` weights, the ends of their type more often than others.
pub(crate) fn weights(elems: usize) -> impl Strategy<Value = Vec<i8>> {
    prop::collection::vec(prop_oneof![3 => any::<i8>(), 1 => Just(i8::MIN), 1 => Just(i8::MAX)], elems)
}

/// 32-bit biases, one for each channel, or none.
pub(crate) fn bias(channels: usize) -> impl Strategy<Value = Option<Vec<i16>>> {
    prop::option::of(prop::collection::vec(any::<i16>(), channels))
}
