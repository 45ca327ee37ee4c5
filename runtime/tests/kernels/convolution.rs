//! Convolutions of both directions: weights of both types, sums of both widths, groups, padding.

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Conv2d, ConvTranspose2d};
use exactum_runtime::program::{TensorId, Window2d};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer::{self, Filters, Place};

/// Groups, and input and output channels of one.
fn channels() -> impl Strategy<Value = (usize, [usize; 2])> {
    let group = [
        prop_oneof![5 => 1usize..=4, 1 => 40usize..42].boxed(),
        prop_oneof![5 => 1usize..=5, 1 => 63usize..66].boxed(),
    ];
    (select(vec![1usize, 1, 2, 3, 70]), group, any::<bool>()).prop_map(|(groups, group, depthwise)| {
        (groups, if depthwise || groups == 70 { [1, 1] } else { group })
    })
}

fn parts(
    window: Window2d,
    image: [usize; 2],
    (groups, [in_group, out_group]): (usize, [usize; 2]),
    ty: (Element, IntRange, i32, bool),
) -> impl Strategy<Value = (Filters, Vec<i64>)> {
    (
        layer::filters(groups * out_group, window.taps() as usize * in_group, ty.3),
        layer::codes(ty.1, image[0] * image[1] * groups * in_group),
    )
}

/// Windows with height and width of the input and of the output of a transposed convolution.
fn transposed_window() -> impl Strategy<Value = (Window2d, [[usize; 2]; 2])> {
    let pair = |max: u16| [1..=max, 1..=max];
    let fields =
        (pair(4), pair(3), pair(3), [0u16..=3, 0..=3, 0..=3, 0..=3], [1usize..=5, 1..=5], [0u16..3, 0..3]);
    fields.prop_filter_map("an output", |(size, stride, dilation, pads, image, extra)| {
        let window = Window2d { size, stride, dilation, pads };
        let axis = |axis: usize| {
            let extra = usize::from(extra[axis] % stride[axis].max(dilation[axis]));
            let spread = (image[axis] - 1) * usize::from(stride[axis]);
            let extent = usize::from((size[axis] - 1) * dilation[axis]) + 1;
            (spread + extent + extra)
                .checked_sub(usize::from(pads[axis] + pads[axis + 2]))
                .filter(|dim| *dim > 0)
        };
        Some((window, [image, [axis(0)?, axis(1)?]]))
    })
}

/// Groups and channels of one group, or of depthwise convolutions of few channels and many.
fn high_channels() -> impl Strategy<Value = (usize, [usize; 2])> {
    prop_oneof![
        (1usize..=9, 1usize..=18).prop_map(|(inputs, outputs)| (1, [inputs, outputs])),
        prop_oneof![2usize..=9, 64usize..=70].prop_map(|groups| (groups, [1, 1])),
    ]
}

/// Compares the layer of `filters` with the products of the definition.
fn check_conv2d(
    window: Window2d,
    [height, width]: [usize; 2],
    (groups, [in_group, out_group]): (usize, [usize; 2]),
    (element, range, zero_point, _): (Element, IntRange, i32, bool),
    filters: &Filters,
    codes: &[i64],
    taps: bool,
) -> Result<(), TestCaseError> {
    let [in_channels, out_channels] = [groups * in_group, groups * out_group];
    let filter_elems = window.taps() as usize * in_group;
    let depthwise = groups > 1 && in_group == 1 && out_group == 1;
    let place = match groups {
        1 if [window.size, window.stride, window.dilation] == [[3; 2], [1; 2], [1; 2]] => {
            Place::Tiles(layer::largest(range, zero_point))
        }
        1 => Place::Shared(layer::largest(range, zero_point)),
        _ if depthwise && taps => Place::Taps,
        _ => Place::Rows,
    };
    let packed = filters.packed(place);
    let op = Conv2d {
        input: TensorId(0),
        output: TensorId(1),
        scratch: None,
        window,
        groups: groups as u16,
        layer: packed.layer(filters, zero_point),
    };
    let out_shape = window.output([height as u32, width as u32]).unwrap();
    let [out_height, out_width] = out_shape.map(|dim| dim as usize);
    let output = [out_height, out_width, out_channels];
    let tensors = pair(
        tensor(element, &[height, width, in_channels], 0, range),
        tensor(filters.tail.element, &output, 0, layer::stored(&filters.tail)),
    );
    let image = single_op(op.into(), &tensors);
    let at = |out: usize, tap: usize, axis: usize| {
        (out * usize::from(window.stride[axis]) + tap * usize::from(window.dilation[axis]))
            .checked_sub(usize::from(window.pads[axis]))
    };
    let taps = |ky: usize| (0..usize::from(window.size[1])).map(move |kx| (ky, kx));
    let mut expected = Vec::new();
    for position in 0..out_height * out_width {
        let (y, x) = (position / out_width, position % out_width);
        for o in 0..out_channels {
            let mut acc = filters.bias_at(o);
            for (ky, kx) in (0..usize::from(window.size[0])).flat_map(taps) {
                let (Some(iy), Some(ix)) = (at(y, ky, 0), at(x, kx, 1)) else { continue };
                if iy >= height || ix >= width {
                    continue;
                }
                for i in 0..in_group {
                    let channel = o / out_group * in_group + i;
                    let code = codes[(iy * width + ix) * in_channels + channel] - i64::from(zero_point);
                    let tap = ky * usize::from(window.size[1]) + kx;
                    acc += code * i64::from(filters.values[o * filter_elems + tap * in_group + i]);
                }
            }
            expected.push(filters.tail.reference(o, acc));
        }
    }
    prop_assert_eq!(run(&image.load().unwrap(), codes), expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn conv2d_matches_the_reference(
        (window, image, channels, ty, (filters, codes)) in
            (layer::window(), channels(), layer::input_type()).prop_flat_map(|((window, image), channels, ty)| (
                Just(window), Just(image), Just(channels), Just(ty), parts(window, image, channels, ty),
            )),
        taps in prop_oneof![2 => Just(true), 1 => Just(false)],
    ) {
        check_conv2d(window, image, channels, ty, &filters, &codes, taps)?;
    }

    #[test]
    fn conv2d_of_sums_in_registers_matches_the_reference(
        (window, image, channels, ty, filters, codes) in
            (layer::window(), high_channels(), layer::narrow_type()).prop_flat_map(|((window, image), channels, ty)| {
                let (groups, [in_group, out_group]) = channels;
                let filters = layer::high_filters(groups * out_group, window.taps() as usize * in_group);
                let codes = layer::codes(ty.1, image[0] * image[1] * groups * in_group);
                (Just(window), Just(image), Just(channels), Just(ty), filters, codes)
            }),
    ) {
        check_conv2d(window, image, channels, ty, &filters, &codes, true)?;
    }

    #[test]
    fn conv2d_of_tiles_matches_the_reference(
        (window, image, channels, ty, filters, codes) in
            (layer::tile_window(), 1usize..=9, 1usize..=18, layer::small_type()).prop_flat_map(
                |((window, image), inputs, outputs, ty)| {
                    let filters = prop_oneof![
                        layer::high_filters(outputs, 9 * inputs), layer::filters(outputs, 9 * inputs, false)
                    ];
                    let codes = layer::codes(ty.1, image[0] * image[1] * inputs);
                    (Just(window), Just(image), Just((1, [inputs, outputs])), Just(ty), filters, codes)
                },
            ),
    ) {
        check_conv2d(window, image, channels, ty, &filters, &codes, true)?;
    }

    /// The reference scatters, as ONNX defines the operator; the kernel gathers.
    #[test]
    fn conv_transpose2d_matches_the_reference(
        (
            window, [[height, width], [out_height, out_width]], (groups, [in_group, out_group]),
            (element, range, zero_point, _), (filters, codes),
        ) in (transposed_window(), channels(), layer::input_type())
            .prop_flat_map(|((window, shapes), channels, ty)| (
                Just(window), Just(shapes), Just(channels), Just(ty), parts(window, shapes[0], channels, ty),
            ))
    ) {
        let [in_channels, out_channels] = [groups * in_group, groups * out_group];
        let filter_elems = window.taps() as usize * in_group;
        let packed = filters.packed(Place::Rows);
        let op = ConvTranspose2d {
            input: TensorId(0),
            output: TensorId(1),
            scratch: None,
            window,
            groups: groups as u16,
            layer: packed.layer(&filters, zero_point),
        };
        let tensors = pair(
            tensor(element, &[height, width, in_channels], 0, range),
            tensor(filters.tail.element, &[out_height, out_width, out_channels], 0, layer::stored(&filters.tail)),
        );
        let image = single_op(op.into(), &tensors);
        let mut accs: Vec<i64> =
            (0..out_height * out_width * out_channels).map(|index| filters.bias_at(index % out_channels)).collect();
        let to = |from: usize, tap: usize, axis: usize| {
            (from * usize::from(window.stride[axis]) + tap * usize::from(window.dilation[axis]))
                .checked_sub(usize::from(window.pads[axis]))
                .filter(|to| *to < [out_height, out_width][axis])
        };
        for (index, code) in codes.iter().enumerate() {
            let (pixel, channel) = (index / in_channels, index % in_channels);
            let (group, i) = (channel / in_group, channel % in_group);
            for ky in 0..usize::from(window.size[0]) { for kx in 0..usize::from(window.size[1]) {
                let (Some(y), Some(x)) = (to(pixel / width, ky, 0), to(pixel % width, kx, 1)) else { continue };
                for o in group * out_group..(group + 1) * out_group {
                    let tap = ky * usize::from(window.size[1]) + kx;
                    let weight = filters.values[o * filter_elems + tap * in_group + i];
                    accs[(y * out_width + x) * out_channels + o] += (code - i64::from(zero_point)) * i64::from(weight);
                }
            }}
        }
        let expected: Vec<_> = accs.iter().enumerate()
            .map(|(index, acc)| filters.tail.reference(index % out_channels, *acc)).collect();
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
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
