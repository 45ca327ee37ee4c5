//! `dense`: weights of both types, sums of both widths.

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::Dense;
use proptest::prelude::*;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer::{self, Filters, Place};

/// Compares the layer of `filters` with the products of the definition.
fn check(
    [rows, features, channels]: [usize; 3],
    (element, range, zero_point, _): (Element, IntRange, i32, bool),
    filters: &Filters,
    codes: &[i64],
) -> Result<(), TestCaseError> {
    let packed = filters.packed(Place::Shared(layer::largest(range, zero_point)));
    let op = Dense {
        input: TensorId(0),
        output: TensorId(1),
        scratch: None,
        in_features: features as u32,
        out_features: channels as u32,
        layer: packed.layer(filters, zero_point),
    };
    let tensors = pair(
        tensor(element, &[rows, features], 0, range),
        tensor(filters.tail.element, &[rows, channels], 0, layer::stored(&filters.tail)),
    );
    let image = single_op(op.into(), &tensors);
    let mut expected = Vec::new();
    for row in 0..rows {
        for channel in 0..channels {
            let sum: i64 = (0..features)
                .map(|feature| {
                    let code = codes[row * features + feature] - i64::from(zero_point);
                    code * i64::from(filters.values[channel * features + feature])
                })
                .sum();
            expected.push(filters.tail.reference(channel, sum + filters.bias_at(channel)));
        }
    }
    prop_assert_eq!(run(&image.load().unwrap(), codes), expected);
    Ok(())
}

fn shape() -> impl Strategy<Value = [usize; 3]> {
    let features = prop_oneof![1usize..20, 250usize..270];
    let channels = prop_oneof![1usize..18, 63usize..67];
    (1usize..5, features, channels).prop_map(|(rows, features, channels)| [rows, features, channels])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn dense_matches_the_reference(
        (shape, ty, filters, codes) in (shape(), layer::input_type()).prop_flat_map(|(shape, ty)| {
            let [rows, features, channels] = shape;
            let filters = layer::filters(channels, features, ty.3);
            (Just(shape), Just(ty), filters, layer::codes(ty.1, rows * features))
        })
    ) {
        check(shape, ty, &filters, &codes)?;
    }

    #[test]
    fn dense_of_sums_in_registers_matches_the_reference(
        (shape, ty, filters, codes) in (shape(), layer::narrow_type()).prop_flat_map(|(shape, ty)| {
            let [rows, features, channels] = shape;
            let filters = layer::high_filters(channels, features);
            (Just(shape), Just(ty), filters, layer::codes(ty.1, rows * features))
        })
    ) {
        check(shape, ty, &filters, &codes)?;
    }
}
