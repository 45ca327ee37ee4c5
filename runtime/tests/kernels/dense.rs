//! `dense`: weights of both types, sums of both widths.

use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::Dense;
use proptest::prelude::*;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn dense_matches_the_reference(
        (rows, features, channels, (element, range, zero_point, _), filters, codes) in (
            1usize..4,
            prop_oneof![1usize..20, 250usize..270],
            prop_oneof![1usize..10, 63usize..67],
            layer::input_type(),
        ).prop_flat_map(|(rows, features, channels, ty)| (
            Just(rows), Just(features), Just(channels), Just(ty), layer::filters(channels, features, ty.3),
            layer::codes(ty.1, rows * features),
        ))
    ) {
        let packed = filters.packed(false);
        let op = Dense {
            input: TensorId(0),
            output: TensorId(1),
            scratch: None,
            in_features: features as u32,
            out_features: channels as u32,
            layer: packed.layer(&filters, zero_point),
        };
        let tensors = pair(
            tensor(element, &[rows, features], 0, range),
            tensor(filters.tail.element, &[rows, channels], 0, layer::stored(&filters.tail)),
        );
        let image = single_op(op.into(), &tensors);
        let mut expected = Vec::new();
        for row in 0..rows {
            for channel in 0..channels {
                let sum: i64 = (0..features).map(|feature| {
                    let code = codes[row * features + feature] - i64::from(zero_point);
                    code * i64::from(filters.values[channel * features + feature])
                }).sum();
                expected.push(filters.tail.reference(channel, sum + filters.bias_at(channel)));
            }
        }
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
    }
}
