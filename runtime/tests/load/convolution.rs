//! Convolutions and transposed convolutions.

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::Form;
use exactum_runtime::program::op::{Bias, Conv2d, Layer, Op, Weights};
use exactum_runtime::program::packing::FilterShape;
use exactum_runtime::program::{Packing, TensorId, Window2d};
use exactum_runtime::{Codes, Element, LoadError, OpFault};

use crate::networks::{CONV, CONV_TRANSPOSE, CONV_WEIGHTS, WEIGHTS, branches, chain, requant};
use crate::support::image::{single_op, tensor};

#[test]
fn convolutions_are_checked() {
    refused_op! { chain, CONV, Conv2d,
        |op| op.groups = 0 => OpFault::Geometry;
        |op| op.groups = 2 => OpFault::Geometry;
        |op| op.window.stride = [0, 1] => OpFault::Geometry;
        |op| op.window.dilation = [1, 0] => OpFault::Geometry;
        |op| op.window.size = [0, 3] => OpFault::Geometry;
        |op| op.window.size = [7, 3] => OpFault::Geometry;
        |op| op.window.stride = [2, 1] => OpFault::OutputShape;
        |op| op.layer.weights = Weights::i8s(&CONV_WEIGHTS[..53]) => OpFault::WeightCount;
        |op| op.layer.weights.packing = Packing::TapMajor => OpFault::Packing;
        |op| op.layer.weights.packing = Packing::Nibbles => OpFault::Packing;
        |op| op.layer.bias = Bias::I32(&[1, 2]) => OpFault::Bias;
        |op| op.layer.requant = None => OpFault::Element;
        |op| op.layer.input_zero_point = 40_000 => OpFault::CenteredRange;
        |op| op.layer.bias = Bias::I32(&[0, i32::MAX, 0]) => OpFault::Accumulator;
    }
}

#[test]
fn transposed_convolutions_are_checked() {
    refused_op! { branches, CONV_TRANSPOSE, ConvTranspose2d,
        |op| op.groups = 0 => OpFault::Geometry;
        |op| op.groups = 2 => OpFault::Geometry;
        |op| op.window.stride = [0, 2] => OpFault::Geometry;
        |op| op.window.dilation = [1, 0] => OpFault::Geometry;
        |op| op.window.size = [2, 0] => OpFault::Geometry;
        |op| op.window.stride = [3, 2] => OpFault::OutputShape;
        |op| op.layer.weights = Weights::i16s(&WEIGHTS[1..]) => OpFault::WeightCount;
        |op| op.layer.weights = Weights::i8s(&[]) => OpFault::WeightCount;
        |op| op.layer.weights.packing = Packing::TapMajor => OpFault::Packing;
        |op| op.layer.weights.packing = Packing::Nibbles => OpFault::Packing;
        |op| op.layer.bias = Bias::I16(&[0; 2]) => OpFault::Bias;
        |op| op.layer.wide = false => OpFault::Accumulator;
        |op| op.layer.requant = None => OpFault::Element;
        |op| op.layer.requant = requant(Form::Offset { offsets: &[] }, 0, 1) => OpFault::RequantWraps;
        |op| op.layer.requant = requant(Form::Multiply128 { multipliers: &[], offsets: &[], shifts: &[128] }, 0, 1)
            => OpFault::RequantParameters;
        |op| op.layer.requant = requant(
            Form::Multiply128 { multipliers: &[1], offsets: &[[-1, i64::MAX]], shifts: &[127] }, 0, 1
        ) => OpFault::RequantWraps;
        |op| op.layer.input_zero_point = 1 << 20 => OpFault::CenteredRange;
    }
    // Wide sums need a requantization even where the output could hold accumulators.
    assert_eq!(
        branches().fault(CONV_TRANSPOSE, |n| {
            n.tensors[6] = tensor(Element::I32, &[4, 4, 3], 1 << 10, Element::I32.range());
            let Op::ConvTranspose2d(op) = &mut n.ops[usize::from(CONV_TRANSPOSE)] else { panic!() };
            op.layer.requant = None;
        }),
        OpFault::Form
    );
}

/// Loads a convolution of `channels` channels, one filter of `weight` throughout, transformed, with codes up to `largest`, after
/// `change`.
fn load_tiles(
    channels: usize,
    weight: i32,
    largest: i64,
    change: impl FnOnce(&mut Conv2d<'_>, &mut [i16]),
) -> Result<(), LoadError> {
    let shape = FilterShape { filters: 1, elems: 9 * channels };
    let mut transformed = vec![0; Packing::Winograd.len_elems(shape).unwrap()];
    (0..shape.elems).for_each(|i| Packing::Winograd.put(&mut transformed, shape, 0, i, weight));
    let mut elements: Vec<i16> = transformed.iter().map(|element| i16::try_from(*element).unwrap()).collect();
    let mut op = Conv2d {
        input: TensorId(0),
        output: TensorId(1),
        scratch: None,
        window: Window2d { pads: [1; 4], ..Window2d::new([3, 3]) },
        groups: 1,
        layer: Layer::default(),
    };
    change(&mut op, &mut elements);
    let weights = Weights { packing: Packing::Winograd, elements: Codes::I16(&elements) };
    let op = Conv2d { layer: Layer { weights, ..op.layer }, ..op };
    let [height, width] = op.window.output([4, 4]).unwrap();
    let tensors = [
        tensor(Element::I16, &[4, 4, channels], 0, IntRange { lo: 0, hi: largest }),
        tensor(Element::I32, &[height as usize, width as usize, 1], 4096, Element::I32.range()),
    ];
    single_op(op.into(), &tensors).load().map(|_| ())
}

/// Codes have 14 bits, sums 30, and elements are those of weights.
#[test]
fn transformed_weights_are_checked() {
    let fault = |result: Result<(), LoadError>| match result {
        Err(LoadError::Op { fault, .. }) => Some(fault),
        Ok(()) => None,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(fault(load_tiles(1, 3640, 8191, |_, _| {})), None);
    assert_eq!(fault(load_tiles(1, 3640, 8192, |_, _| {})), Some(OpFault::CenteredRange));
    assert_eq!(fault(load_tiles(2, 3640, 8191, |_, _| {})), None);
    // 27 times the weight times 8191: 2^29 - 1 lies between.
    assert_eq!(fault(load_tiles(3, 2427, 8191, |_, _| {})), None);
    assert_eq!(fault(load_tiles(3, 2428, 8191, |_, _| {})), Some(OpFault::Packing));
    for place in 0..16 {
        // Of each place the element of channel 0: 16 elements from one to the next.
        let changed = load_tiles(1, 5, 255, |_, elements| elements[16 * place] += 1);
        assert_eq!(fault(changed), Some(OpFault::Packing), "place {place}");
    }
    let window = |window: Window2d| fault(load_tiles(1, 5, 255, |op, _| op.window = window));
    let own = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
    assert_eq!(window(Window2d { stride: [1, 2], ..own }), Some(OpFault::Packing));
    assert_eq!(window(Window2d { dilation: [2, 1], ..own }), Some(OpFault::Packing));
    assert_eq!(window(Window2d { pads: [0, 3, 2, 5], ..own }), None);
}
