//! Convolutions and transposed convolutions.

use exactum_runtime::num::requant::Form;
use exactum_runtime::program::Packing;
use exactum_runtime::program::op::{Bias, Op, Weights};
use exactum_runtime::{Element, OpFault};

use crate::networks::{CONV, CONV_TRANSPOSE, CONV_WEIGHTS, WEIGHTS, branches, chain, requant};
use crate::support::image::tensor;

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
