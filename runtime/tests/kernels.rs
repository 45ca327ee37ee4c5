//! Every op against a plain scalar reference: random geometry, element types, requantization forms.

mod support;

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Bias, Conv2d, Dense, MaxPool2d, Requantize, Transpose};
use exactum_runtime::program::{TensorId, Window2d};
use proptest::prelude::*;
use proptest::sample::select;
use support::image::{pair, run, single_op, tensor};
use support::layer;
use support::requant::{Tail, tail};

const INT32: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };

/// The codes the output tensor may hold: those of the clamp, or any accumulator.
fn stored(tail: &Tail) -> IntRange {
    match tail.requant() {
        Some(requant) => requant.range(),
        None => INT32,
    }
}

fn bias_at(bias: &Option<Vec<i16>>, channel: usize) -> i64 {
    bias.as_ref().map_or(0, |bias| i64::from(bias[channel]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn dense_matches_the_reference(
        (rows, features, channels, (element, range, zero_point), weights, bias, wide, tail, codes) in
            (1usize..4, prop_oneof![1usize..20, 250usize..270], prop_oneof![1usize..10, 63usize..67], layer::input_type())
                .prop_flat_map(|(rows, features, channels, ty)| (
                    Just(rows), Just(features), Just(channels), Just(ty), layer::weights(features * channels),
                    layer::bias(channels), any::<bool>(), tail(channels), layer::codes(ty.1, rows * features),
                ))
    ) {
        let wide_bias: Option<Vec<i32>> =
            bias.as_ref().map(|bias| bias.iter().map(|value| i32::from(*value)).collect());
        let op = Dense {
            input: TensorId(0),
            output: TensorId(1),
            input_zero_point: zero_point,
            in_features: features as u32,
            out_features: channels as u32,
            weights: &weights,
            bias: match (&bias, &wide_bias) {
                (Some(narrow), _) if !wide => Bias::I16(narrow),
                (_, Some(values)) => Bias::I32(values),
                _ => Bias::None,
            },
            requant: tail.requant(),
        };
        let tensors = pair(
            tensor(element, &[rows, features], 0, range),
            tensor(tail.element, &[rows, channels], 0, stored(&tail)),
        );
        let image = single_op(op.into(), &tensors);
        let mut expected = Vec::new();
        for row in 0..rows {
            for channel in 0..channels {
                let sum: i64 = (0..features).map(|feature| {
                    let code = codes[row * features + feature] - i64::from(zero_point);
                    code * i64::from(weights[channel * features + feature])
                }).sum();
                expected.push(tail.reference(channel, sum + bias_at(&bias, channel)));
            }
        }
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
    }

    #[test]
    fn conv2d_matches_the_reference(
        (window, [height, width], groups, [in_group, out_group], (element, range, zero_point), weights, bias, tail, codes) in
            (layer::window(), select(vec![1usize, 1, 2, 3, 70]), [prop_oneof![5 => 1usize..=4, 1 => 40usize..42], prop_oneof![5 => 1usize..=5, 1 => 63usize..66]], any::<bool>(), layer::input_type())
                .prop_flat_map(|((window, image), groups, [in_group, out_group], depthwise, ty)| {
                    let [in_group, out_group] = if depthwise || groups == 70 { [1, 1] } else { [in_group, out_group] };
                    let filters = groups * out_group;
                    (
                        Just(window), Just(image), Just(groups), Just([in_group, out_group]), Just(ty),
                        layer::weights(filters * window.taps() as usize * in_group), layer::bias(filters), tail(filters),
                        layer::codes(ty.1, image[0] * image[1] * groups * in_group),
                    )
                })
    ) {
        let [in_channels, out_channels] = [groups * in_group, groups * out_group];
        let filter_elems = window.taps() as usize * in_group;
        let depthwise = Conv2d::is_depthwise(groups, in_channels, out_channels);
        prop_assert_eq!(depthwise, groups > 1 && in_group == 1 && out_group == 1);
        let mut packed = vec![0; weights.len()];
        for (index, weight) in weights.iter().enumerate() {
            let (o, i) = (index / filter_elems, index % filter_elems);
            packed[if depthwise { i * out_channels + o } else { index }] = *weight;
            prop_assert_eq!(
                packed[Conv2d::weight_index(depthwise, out_channels, filter_elems, o, i)],
                *weight
            );
        }
        let op = Conv2d {
            input: TensorId(0),
            output: TensorId(1),
            input_zero_point: zero_point,
            window,
            groups: groups as u16,
            weights: &packed,
            bias: bias.as_deref().map_or(Bias::None, Bias::I16),
            requant: tail.requant(),
        };
        let [out_height, out_width] = window.output([height as u32, width as u32]).unwrap().map(|dim| dim as usize);
        let tensors = pair(
            tensor(element, &[height, width, in_channels], 0, range),
            tensor(tail.element, &[out_height, out_width, out_channels], 0, stored(&tail)),
        );
        let image = single_op(op.into(), &tensors);
        let at = |out: usize, tap: usize, axis: usize| {
            (out * usize::from(window.stride[axis]) + tap * usize::from(window.dilation[axis]))
                .checked_sub(usize::from(window.pads[axis]))
        };
        let mut expected = Vec::new();
        for y in 0..out_height { for x in 0..out_width { for o in 0..out_channels {
            let mut acc = bias_at(&bias, o);
            for ky in 0..usize::from(window.size[0]) { for kx in 0..usize::from(window.size[1]) {
                let (Some(iy), Some(ix)) = (at(y, ky, 0), at(x, kx, 1)) else { continue };
                if iy >= height || ix >= width {
                    continue;
                }
                for i in 0..in_group {
                    let channel = o / out_group * in_group + i;
                    let code = codes[(iy * width + ix) * in_channels + channel] - i64::from(zero_point);
                    let tap = ky * usize::from(window.size[1]) + kx;
                    acc += code * i64::from(weights[o * filter_elems + tap * in_group + i]);
                }
            }}
            expected.push(tail.reference(o, acc));
        }}}
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
    }

    #[test]
    fn max_pool2d_matches_the_reference(
        (window, [height, width], channels, (element, range), codes) in (
            layer::window(), 1usize..5,
            select(vec![(Element::I8, -128, -1), (Element::U8, 0, 255), (Element::I16, -900, 5), (Element::I32, -9, 1 << 30)]),
        ).prop_flat_map(|((window, image), channels, (element, lo, hi))| {
            let range = IntRange { lo, hi };
            (Just(window), Just(image), Just(channels), Just((element, range)), layer::codes(range, image[0] * image[1] * channels))
        })
    ) {
        let [out_height, out_width] = window.output([height as u32, width as u32]).unwrap().map(|dim| dim as usize);
        let tensors = pair(
            tensor(element, &[height, width, channels], 0, range),
            tensor(element, &[out_height, out_width, channels], 0, range),
        );
        let image = single_op(MaxPool2d { input: TensorId(0), output: TensorId(1), window }.into(), &tensors);
        let at = |out: usize, tap: u16, axis: usize| {
            let at = out * usize::from(window.stride[axis]) + usize::from(tap * window.dilation[axis]);
            at.checked_sub(usize::from(window.pads[axis])).filter(|at| *at < [height, width][axis])
        };
        let mut expected = Vec::new();
        for y in 0..out_height { for x in 0..out_width { for channel in 0..channels {
            let taps = (0..window.size[0]).flat_map(|ky| (0..window.size[1]).map(move |kx| (ky, kx)));
            let largest = taps.filter_map(|(ky, kx)| {
                Some(codes[(at(y, ky, 0)? * width + at(x, kx, 1)?) * channels + channel])
            }).max();
            expected.push(largest);
        }}}
        match expected.into_iter().collect::<Option<Vec<_>>>() {
            Some(expected) => prop_assert_eq!(run(&image.load().unwrap(), &codes), expected),
            None => prop_assert!(image.load().is_err(), "a window without an element was loaded"),
        }
    }

    #[test]
    fn requantize_matches_the_reference(
        (rows, channels, (element, range), tail, codes, in_place) in (
            1usize..5, prop_oneof![1usize..9, 63usize..67],
            select(vec![(Element::I8, -128, 127), (Element::U8, 0, 255), (Element::I16, -900, 5), (Element::I32, -900_000, 900_000)]),
        ).prop_flat_map(|(rows, channels, (element, lo, hi))| {
            let range = IntRange { lo, hi };
            (Just(rows), Just(channels), Just((element, range)), tail(channels), layer::codes(range, rows * channels), any::<bool>())
        })
    ) {
        let Some(requant) = tail.requant() else { return Ok(()) };
        let op = Requantize { input: TensorId(0), output: TensorId(1), channels: channels as u32, requant };
        let mut tensors = pair(
            tensor(element, &[rows, channels], 0, range),
            tensor(tail.element, &[rows, channels], 0, requant.range()),
        );
        if in_place {
            tensors[1].offset_bytes = 0;
        }
        let image = single_op(op.into(), &tensors);
        if in_place && element.size_bytes() != tail.element.size_bytes() {
            prop_assert!(image.load().is_err(), "elements of two sizes in one place were loaded");
            return Ok(());
        }
        let expected: Vec<_> = codes.iter().enumerate().map(|(i, code)| tail.reference(i % channels, *code)).collect();
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
    }

    #[test]
    fn transpose_matches_the_reference(
        (rows, columns, element, codes) in (1usize..12, 1usize..12, select(Element::ALL.to_vec()))
            .prop_flat_map(|(rows, columns, element)| (
                Just(rows), Just(columns), Just(element), layer::codes(element.range(), rows * columns),
            ))
    ) {
        let op = Transpose { input: TensorId(0), output: TensorId(1), rows: rows as u32, columns: columns as u32 };
        let tensors = pair(
            tensor(element, &[rows, columns], 0, element.range()),
            tensor(element, &[columns, rows], 0, element.range()),
        );
        let expected: Vec<_> =
            (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column)).map(|i| codes[i]).collect();
        prop_assert_eq!(run(&single_op(op.into(), &tensors).load().unwrap(), &codes), expected);
    }
}

#[test]
fn window_output_follows_the_formula() {
    let window = Window2d { size: [3, 2], stride: [2, 1], dilation: [1, 3], pads: [1, 0, 1, 2] };
    assert_eq!(window.output([8, 8]), Some([4, 7]));
    assert_eq!(Window2d { size: [9, 1], ..window }.output([6, 8]), None);
    assert_eq!(Window2d { stride: [0, 1], ..window }.output([8, 8]), None);
    assert_eq!(Window2d { dilation: [0, 1], ..window }.output([8, 8]), None);
}
